package github

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
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const incidentsStream = "incidents"

// Incidents says which issues are incidents: those with one of the labels.
type Incidents struct {
	Labels []string `yaml:"labels"` // none: issues are not read
}

func (i Incidents) validate() error {
	var errs []error
	seen := map[string]bool{}
	for _, label := range i.Labels {
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

// incidentsState is the checkpoint of the incidents stream.
type incidentsState struct {
	Labels  map[string]labelState `json:"labels"`
	Numbers []uint64              `json:"numbers,omitempty"` // of all incidents that GitHub has listed, rising
	Floor   time.Time             `json:"floor,omitzero"`
}

// labelState says how far the listing of a label has been read.
type labelState struct {
	ETag   string    `json:"etag,omitempty"`
	Cursor time.Time `json:"cursor,omitzero"` // everything updated before is stored
}

// incidents updates the issues that are incidents. The listing of each label is read in the order of updates,
// newest first, down to what was read before; unchanged, it is one conditional request.
func (r *repository) incidents(ctx context.Context) error {
	if len(r.cfg.Incidents.Labels) == 0 {
		return nil
	}
	var s incidentsState
	found, err := r.w.Load(ctx, incidentsStream, &s)
	if err != nil {
		return err
	}
	if deeper := !s.Floor.IsZero() && (r.since.IsZero() || r.since.Before(s.Floor)); !found || deeper {
		s.Floor, s.Labels = r.since, nil
	}
	if s.Labels == nil {
		s.Labels = map[string]labelState{}
	}
	var errs []error
	odd := map[string]rest.Held{}
	for _, label := range r.cfg.Incidents.Labels {
		if err := r.labeled(ctx, label, &s, odd); err != nil {
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
	return errors.Join(r.ledger(ctx, event.KindIncident, time.Time{}, uint64(len(s.Numbers)+len(odd)), note), skipped)
}

// issuePage reads a page of issues, around those at which GitHub fails, which are added to odd.
func (r *repository) issuePage(
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
		answer, err := r.Get(ctx, "repos/"+r.Scope+"/issues?"+q.Encode(), etag, &page)
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
func (r *repository) labeled(ctx context.Context, label string, s *incidentsState, odd map[string]rest.Held) error {
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
		page, got, err := r.issuePage(ctx, query, number, etag, odd)
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
				events = append(events, r.IncidentEvent(i))
				s.Numbers = append(s.Numbers, i.Number)
			}
		}
		if err := r.appendSome(ctx, events); err != nil {
			return err
		}
		done += uint64(len(events))
		r.w.Progress(incidentsStream, done, 0)
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
	return r.w.Save(ctx, incidentsStream, *s)
}
