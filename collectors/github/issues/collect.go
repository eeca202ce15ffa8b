// Package issues collects the incidents of a repository: the issues that have one of the configured labels.
package issues

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// streamName is the name of the stream in its checkpoint and in the progress.
const streamName = "incidents"

// Config says which issues are incidents: those with one of the labels.
type Config struct {
	Labels []string `yaml:"labels"` // not case-sensitive; none: no issue is an incident
}

// Validate returns every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	seen := map[string]bool{}
	for _, label := range c.Labels {
		key := strings.ToLower(label)
		switch {
		case strings.TrimSpace(label) == "" || strings.Contains(label, ","):
			errs = append(errs, fmt.Errorf("incidents.labels %q: give one label, as GitHub shows it", label))
		case seen[key]:
			errs = append(errs, fmt.Errorf("incidents.labels: %q is listed twice", label))
		}
		seen[key] = true
	}
	return errors.Join(errs...)
}

// state is the checkpoint of the stream. Each label has a listing of its own, ordered by the time of the last update,
// newest first. It is read from the top down to the Cursor of the label, in one go: a collect that is stopped on the
// way reads it again from the top. A Floor that moves back makes all labels start over.
//
// Invariant: of each label, every issue that was last updated in [Floor, Cursor] is stored.
type state struct {
	Labels  map[string]labelState `json:"labels"`
	Numbers []uint64              `json:"numbers,omitempty"` // of all incidents that GitHub has listed, ascending
	Floor   time.Time             `json:"floor,omitzero"`    // how far back was read; zero: everything
}

// labelState is how far the listing of a label has been read.
type labelState struct {
	ETag   string    `json:"etag,omitempty"`  // of the newest page
	Cursor time.Time `json:"cursor,omitzero"` // the newest update that was seen
}

// collector is one collect of the incidents of a repository.
type collector struct {
	*stream.Repository
	labels []string
}

// Collect reads the incidents that are new or have changed since the checkpoint. A label without changes costs one
// conditional request. The error is a [rest.SkippedError] if only single issues cannot be read.
func Collect(ctx context.Context, r *stream.Repository, cfg Config) error {
	return (&collector{Repository: r, labels: cfg.Labels}).collect(ctx)
}

func (c *collector) collect(ctx context.Context) error {
	if len(c.labels) == 0 {
		return nil
	}
	var s state
	found, err := c.Writer.Load(ctx, streamName, &s)
	if err != nil {
		return err
	}
	if deeper := !s.Floor.IsZero() && (c.Since.IsZero() || c.Since.Before(s.Floor)); !found || deeper {
		s.Floor, s.Labels = c.Since, nil
	}
	if s.Labels == nil {
		s.Labels = map[string]labelState{}
	}
	var errs []error
	odd := map[string]rest.Held{}
	for _, label := range c.labels {
		if err := c.labeled(ctx, label, &s, odd); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var skipped error
	note := ""
	if len(odd) > 0 {
		skipped = &rest.SkippedError{What: "issue", Objects: odd}
		note = skipped.Error()
	}
	return errors.Join(c.WriteLedger(ctx, event.KindIncident, time.Time{}, uint64(len(s.Numbers)+len(odd)), note), skipped)
}

// issuePage reads a page of issues, except for those at which GitHub fails, which it adds to odd.
func (c *collector) issuePage(
	ctx context.Context,
	query url.Values,
	number int,
	etag string,
	odd map[string]rest.Held,
) (all []mapping.Issue, got client.Answer, err error) {
	holes, err := rest.Around(ctx, number, 100, func(ctx context.Context, n, size int) error {
		q := maps.Clone(query)
		q.Set("per_page", strconv.Itoa(size))
		if q.Del("page"); n > 1 {
			q.Set("page", strconv.Itoa(n))
		}
		if size != 100 {
			etag = ""
		}
		var page client.Listing[mapping.Issue]
		answer, err := c.Get(ctx, "repos/"+c.Scope+"/issues?"+q.Encode(), etag, &page)
		if err != nil {
			return err
		}
		for id, why := range answer.Odd {
			odd["issue "+id] = rest.Held{Failures: 1, Error: why.Error()}
		}
		if got = answer; got.Next > 0 {
			got.Next = n*size/100 + 1
		}
		all = append(all, page...)
		return nil
	})
	for _, place := range holes {
		odd[fmt.Sprintf("issue at place %d of the label %s", place+1, query.Get("labels"))] = rest.Held{
			Failures: 1,
			Error:    "GitHub does not list it",
		}
	}
	return all, got, err
}

// labeled reads what has changed of the issues with a label.
func (c *collector) labeled(ctx context.Context, label string, s *state, odd map[string]rest.Held) error {
	known := s.Labels[label]
	next, until := labelState{ETag: known.ETag, Cursor: known.Cursor}, source.Latest(known.Cursor, s.Floor)
	query := url.Values{
		"labels":    {label},
		"state":     {"all"},
		"sort":      {"updated"},
		"direction": {"desc"},
		"per_page":  {"100"},
	}
	if !s.Floor.IsZero() {
		query.Set("since", s.Floor.UTC().Format(time.RFC3339))
	}
	etag, done, before := known.ETag, uint64(0), len(odd)
	for number := 1; number > 0; {
		page, got, err := c.issuePage(ctx, query, number, etag, odd)
		if client.Status(err) == http.StatusGone { // the repository has no issues
			return nil
		}
		if err != nil || got.NotModified {
			return err
		}
		if number == 1 {
			next.ETag = got.ETag
		}
		events := make([]event.Event, 0, len(page))
		reached := len(page) == 0
		for _, i := range page {
			next.Cursor = source.Latest(next.Cursor, i.UpdatedAt)
			if i.UpdatedAt.Before(until) { // equal is read again: two updates may share a second
				reached = true
				continue
			}
			if i.PullRequest == nil {
				events = append(events, c.IncidentEvent(i))
				s.Numbers = append(s.Numbers, i.Number)
			}
		}
		if err := c.Append(ctx, events); err != nil {
			return err
		}
		done += uint64(len(events))
		c.Writer.Progress(streamName, done, 0)
		if number = got.Next; reached {
			number = 0
		}
		etag = ""
		if !until.IsZero() { // not on the newest page, whose address stays the same for the sake of its ETag
			query.Set("since", until.UTC().Format(time.RFC3339))
		}
	}
	slices.Sort(s.Numbers)
	s.Numbers = slices.Compact(s.Numbers)
	if len(odd) > before { // read the same again
		next = labelState{Cursor: known.Cursor}
	}
	s.Labels[label] = next
	return c.Writer.Save(ctx, streamName, *s)
}
