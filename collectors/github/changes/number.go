package changes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// fewAttempts is how often a smaller part of a request is tried that has failed after all attempts.
const fewAttempts = 2

const onePullQuery = `query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) {
pullRequest(number: $number) { ` + pullFields + ` } } }`

func pullKey(number uint64) string { return fmt.Sprintf("#%d", number) }

// changesByNumber reads the first pass if GitHub fails at a page of pull requests however small it is: REST lists the
// numbers, and each is requested by itself. One that fails is held. failure is why the page cannot be read.
func (c *collector) changesByNumber(ctx context.Context, s *state, done *uint64, failure error) error {
	until := s.Passes[0].Until
	for number := 1; number > 0; {
		var page client.Listing[listedPull]
		got, err := c.Get(
			ctx,
			fmt.Sprintf("repos/%s/pulls?state=all&sort=updated&direction=desc&per_page=100&page=%d", c.Scope, number),
			"",
			&page,
		)
		if err != nil {
			return errors.Join(failure, err)
		}
		number = got.Next
		var events []event.Event
		for _, p := range page {
			if p.UpdatedAt.Before(until) {
				number = 0
				break
			}
			change, err := c.onePull(ctx, s, p.Number)
			if err != nil {
				return err
			}
			if change != nil {
				events = append(events, *change)
			}
		}
		if err := c.Append(ctx, events); err != nil {
			return err
		}
		*done += uint64(len(events))
		c.Writer.Progress(streamName, *done, s.Total)
	}
	s.Passes = s.Passes[1:]
	return c.Writer.Save(ctx, streamName, *s)
}

// onePull reads a pull request by its number; nil if it is held or gone.
func (c *collector) onePull(ctx context.Context, s *state, number uint64) (*event.Change, error) {
	var change *event.Change
	_, err := s.Failed.Do(ctx, pullKey(number), c.Now(), func(ctx context.Context) error {
		owner, name, _ := strings.Cut(c.Scope, "/")
		var data struct {
			Repository *struct {
				PullRequest *mapping.Pull `json:"pullRequest"`
			} `json:"repository"`
		}
		err := c.Query(
			rest.WithMaxAttempts(ctx, fewAttempts),
			onePullQuery,
			map[string]any{"owner": owner, "name": name, "number": number},
			&data,
		)
		if client.Failing(err) {
			return &rest.AnswerError{Status: http.StatusInternalServerError, Err: err}
		}
		if err != nil || data.Repository == nil || data.Repository.PullRequest == nil {
			return err
		}
		n := data.Repository.PullRequest
		if err := c.complete(ctx, n); err != nil {
			return err
		}
		e := c.ChangeEvent(*n)
		change = &e
		return nil
	})
	return change, err
}

// retryChanges reads the held pull requests that are due for a retry.
func (c *collector) retryChanges(ctx context.Context, s *state) error {
	due := s.Failed.Due(c.Now())
	for _, key := range due {
		var number uint64
		if _, err := fmt.Sscanf(key, "#%d", &number); err != nil {
			s.Failed.Done(key)
			continue
		}
		change, err := c.onePull(ctx, s, number)
		if err != nil {
			return err
		}
		if change != nil {
			if err := c.Writer.Append(ctx, *change); err != nil {
				return err
			}
		}
	}
	if len(due) == 0 {
		return nil
	}
	return c.Writer.Save(ctx, streamName, *s)
}
