package deployments

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// deploymentsByREST reads a whole pass if GraphQL does not show deployments: a request per page and one per deployment.
func (c *collector) deploymentsByREST(ctx context.Context, s *state, done *uint64) error {
	until, total := s.Passes[0].Until, uint64(0)
	for number := 1; number > 0; {
		page, next, err := c.deploymentsListed(ctx, s, number)
		if err != nil {
			return err
		}
		number = next
		var events []event.Event
		for _, d := range page {
			total++
			if d.CreatedAt.Before(until) {
				continue
			}
			n := d.Deployment()
			read, err := c.heldStatuses(ctx, s, &n)
			if err != nil {
				return err
			}
			if read {
				events = append(events, c.DeploymentEvent(n))
			}
		}
		if err := c.Append(ctx, events); err != nil {
			return err
		}
		*done += uint64(len(events))
		c.Writer.Progress(streamName, *done, s.Total)
	}
	s.Total = total
	s.Passes = s.Passes[1:]
	return c.Writer.Save(ctx, streamName, *s)
}

func key(id int64) string { return "deployment " + strconv.FormatInt(id, 10) }

// heldStatuses reads every status of a deployment by REST; false if GitHub fails at them, so that the deployment is
// held.
func (c *collector) heldStatuses(ctx context.Context, s *state, n *mapping.Deployment) (bool, error) {
	return s.Failed.Do(ctx, key(n.DatabaseID), c.Now(), func(ctx context.Context) (err error) {
		n.Statuses.Nodes, err = c.statuses(ctx, n.DatabaseID)
		return err
	})
}

// deploymentsListed reads a page of the REST listing, except for the deployments at which GitHub fails, and returns the
// number of the next page; 0: there is none.
func (c *collector) deploymentsListed(
	ctx context.Context,
	s *state,
	number int,
) (all []mapping.RESTDeployment, next int, err error) {
	holes, err := rest.Around(ctx, number, 100, func(ctx context.Context, number, size int) error {
		var page client.Listing[mapping.RESTDeployment]
		got, err := c.Get(ctx, fmt.Sprintf("repos/%s/deployments?per_page=%d&page=%d", c.Scope, size, number), "", &page)
		if err != nil {
			return err
		}
		for id, why := range got.Odd {
			if err := s.Failed.Hold("deployment "+id, c.Now(), why); err != nil {
				return err
			}
		}
		all = append(all, page...)
		if next = 0; got.Next > 0 {
			next = (number*size)/100 + 1
		}
		return nil
	})
	for _, place := range holes {
		behind := ""
		if len(all) > 0 {
			behind = fmt.Sprintf(" near deployment %d", all[min(max(place-(number-1)*100-1, 0), len(all)-1)].ID)
		}
		if err := s.Failed.Hold(
			fmt.Sprintf("deployment at place %d%s", place+1, behind),
			c.Now(),
			&rest.AnswerError{
				Status: http.StatusInternalServerError,
				Err:    fmt.Errorf("%s does not list it", c.Source),
			},
		); err != nil {
			return nil, 0, err
		}
	}
	return all, next, err
}

// statuses reads every status of a deployment by REST.
func (c *collector) statuses(ctx context.Context, id int64) ([]mapping.DeploymentStatus, error) {
	var all []mapping.DeploymentStatus
	for number := 1; number > 0; {
		var page []struct {
			State     string     `json:"state"`
			CreatedAt *time.Time `json:"created_at"`
			UpdatedAt *time.Time `json:"updated_at"`
			LogURL    string     `json:"log_url"`
		}
		got, err := c.Get(
			ctx,
			fmt.Sprintf("repos/%s/deployments/%d/statuses?per_page=100&page=%d", c.Scope, id, number),
			"",
			&page,
		)
		if err != nil {
			return nil, err
		}
		for _, s := range page {
			all = append(
				all,
				mapping.DeploymentStatus{State: s.State, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, LogURL: s.LogURL},
			)
		}
		number = got.Next
	}
	return all, nil
}
