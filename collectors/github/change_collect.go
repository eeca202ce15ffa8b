package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const changesStream = "changes"

const pullFields = `id number title body url createdAt updatedAt state closedAt mergedAt mergeCommit { oid } author { login __typename } headRefName headRefOid additions deletions
commits(first: 100) { pageInfo { hasNextPage endCursor } nodes { commit { oid authoredDate } } }
reviews(first: 50) { pageInfo { hasNextPage endCursor } nodes { state submittedAt author { login __typename } } }`

const pullsQuery = `query($owner: String!, $name: String!, $first: Int!, $after: String) { repository(owner: $owner, name: $name) {
pullRequests(first: $first, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
totalCount pageInfo { hasNextPage endCursor } nodes { ` + pullFields + ` } } } }`

const moreCommitsQuery = `query($id: ID!, $after: String) { node(id: $id) { ... on PullRequest {
commits(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { commit { oid authoredDate } } } } } }`

const moreReviewsQuery = `query($id: ID!, $after: String) { node(id: $id) { ... on PullRequest {
reviews(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { state submittedAt author { login __typename } } } } } }`

// changesState is the checkpoint of the changes stream. Everything updated up to Cursor is stored, but for Passes.
type changesState struct {
	ETag   string    `json:"etag,omitempty"` // of the newest REST page, the probe
	Cursor time.Time `json:"cursor,omitzero"`
	Floor  time.Time `json:"floor,omitzero"` // how far back was read, or is in Passes; zero: everything
	Passes []pass    `json:"passes,omitempty"`
	Total  uint64    `json:"total"`

	Failed *rest.Quarantine `json:"failed,omitzero"` // pull requests that GitHub always answers with an error
}

// pass is a walk through a listing, newest first, that is not finished.
type pass struct {
	After string    `json:"after,omitempty"` // GraphQL's cursor; empty: from the top
	Until time.Time `json:"until,omitzero"`  // ends below this; zero: at the end
}

// listedPull is what is used of a pull request as REST lists it.
type listedPull struct {
	Number    uint64    `json:"number"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (p listedPull) HasID() bool { return p.Number > 0 }

// changes updates the pull requests. The probe is a REST listing because that can be conditional; the pages
// are GraphQL's, which give commits, reviews and merge data with them.
func (r *repository) changes(ctx context.Context) error {
	var s changesState
	found, err := r.w.Load(ctx, changesStream, &s)
	if err != nil {
		return err
	}
	if !found {
		s.Floor = r.since
	}
	var newest client.Listing[listedPull]
	s.Failed = s.Failed.Begin()
	got, err := r.Get(ctx, "repos/"+r.Scope+"/pulls?state=all&sort=updated&direction=desc&per_page=100", s.ETag, &newest)
	// the page only says whether something is new: without it, everything since the cursor is read
	blind := rest.Faulty(err)
	if err != nil && !blind {
		return err
	}
	if err := r.retryChanges(ctx, &s); err != nil {
		return err
	}
	deeper := !s.Floor.IsZero() && (r.since.IsZero() || r.since.Before(s.Floor))
	if deeper {
		s.Floor = r.since
		s.Passes = append(s.Passes, pass{Until: s.Floor})
	}
	if !got.NotModified {
		if blind {
			s.Passes = slices.Insert(s.Passes, 0, pass{Until: source.Latest(s.Cursor, s.Floor)})
		}
		if len(newest) > 0 {
			// What is updated while the pass runs moves to the top, behind the pass, and shows in the next probe.
			s.Passes = slices.Insert(s.Passes, 0, pass{Until: source.Latest(s.Cursor, s.Floor)})
			s.Cursor = source.Latest(s.Cursor, newest[0].UpdatedAt)
		}
		s.ETag = got.ETag
	}
	done := uint64(0)
	for len(s.Passes) > 0 {
		if err := r.changesPage(ctx, &s, &done); err != nil {
			return err
		}
	}
	if !got.NotModified {
		if err := r.w.Save(ctx, changesStream, s); err != nil {
			return err
		}
	}
	expected, note := s.Total, s.Failed.Note("pull request")
	if !s.Floor.IsZero() {
		stored, _, err := r.w.Count(ctx, event.KindChange, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		expected = min(stored+uint64(s.Failed.Len()), s.Total)
		note = strings.TrimPrefix(note+"; ", "; ") + fmt.Sprintf(
			"of %d, those updated since %s",
			s.Total,
			s.Floor.Format(time.DateOnly),
		)
	}
	if err := r.ledger(ctx, event.KindChange, time.Time{}, expected, note); err != nil {
		return err
	}
	return s.Failed.Err("pull request")
}

// changesPage reads the next page of the first pass and saves how far it has come.
func (r *repository) changesPage(ctx context.Context, s *changesState, done *uint64) error {
	p := &s.Passes[0]
	page, err := r.pullPage(ctx, p.After)
	var said client.GraphQLErrors
	if errors.As(err, &said) && p.After != "" && strings.Contains(strings.ToLower(said.Error()), "cursor") {
		p.After = "" // the cursor is of a time that GitHub has forgotten: begin the pass again
		return nil
	}
	if client.Failing(err) {
		return r.changesByNumber(ctx, s, done, err)
	}
	if err != nil {
		return err
	}
	events := make([]event.Event, 0, len(page.Nodes))
	reached := !page.PageInfo.HasNextPage
	for _, n := range page.Nodes {
		if n.UpdatedAt.Before(p.Until) { // equal is read again: two updates may share a second
			reached = true
			continue
		}
		s.Cursor = source.Latest(s.Cursor, n.UpdatedAt) // further than the probe, where that failed
		read, err := s.Failed.Do(
			ctx,
			pullKey(n.Number),
			r.Now(),
			func(ctx context.Context) error { return r.complete(ctx, &n) },
		)
		if err != nil {
			return err
		}
		if read {
			events = append(events, r.ChangeEvent(n))
		}
	}
	if err := r.appendSome(ctx, events); err != nil {
		return err
	}
	s.Total = page.TotalCount
	*done += uint64(len(events))
	r.w.Progress(changesStream, *done, s.Total)
	if p.After = page.PageInfo.EndCursor; reached {
		s.Passes = s.Passes[1:]
	}
	return r.w.Save(ctx, changesStream, *s)
}

type pullPage struct {
	TotalCount uint64           `json:"totalCount"`
	PageInfo   mapping.PageInfo `json:"pageInfo"`
	Nodes      []mapping.Pull   `json:"nodes"`
}

// pullSizes are how many pull requests a page has. A hundred with their commits and reviews are 15,000 nodes, of which
// GitHub allows 500,000.
var pullSizes = []int{100, 50, 20, 5, 1}

// pullPage reads a page of pull requests. GitHub gives up on queries that take it too long; a smaller page then helps,
// and the rest of this collect keeps to its size.
func (r *repository) pullPage(ctx context.Context, after string) (pullPage, error) {
	owner, name, _ := strings.Cut(r.Scope, "/")
	var last error
	few := rest.WithMaxAttempts(ctx, fewAttempts)
	for _, size := range pullSizes {
		if r.pulls > 0 && size > r.pulls {
			continue
		}
		var data struct {
			Repository *struct {
				PullRequests *pullPage `json:"pullRequests"`
			} `json:"repository"`
		}
		variables := map[string]any{"owner": owner, "name": name, "first": size}
		if after != "" {
			variables["after"] = after
		}
		if failed := last != nil; failed {
			last = r.Query(few, pullsQuery, variables, &data)
		} else {
			last = r.Query(ctx, pullsQuery, variables, &data)
		}
		var said client.GraphQLErrors
		if errors.As(last, &said) && said.TooHeavy() || rest.Faulty(last) {
			continue
		}
		if last != nil {
			return pullPage{}, last
		}
		if data.Repository == nil || data.Repository.PullRequests == nil {
			return pullPage{}, errors.New("GraphQL does not show the repository's pull requests; the token needs read access " +
				"to them")
		}
		r.pulls = size
		return *data.Repository.PullRequests, nil
	}
	return pullPage{}, last
}

// complete reads the commits and reviews that did not fit on the page.
func (r *repository) complete(ctx context.Context, n *mapping.Pull) error {
	for n.Commits.PageInfo.HasNextPage {
		var data struct {
			Node *mapping.Pull `json:"node"`
		}
		if err := r.Query(
			ctx,
			moreCommitsQuery,
			map[string]any{"id": n.ID, "after": n.Commits.PageInfo.EndCursor},
			&data,
		); err != nil {
			return fmt.Errorf("commits of #%d: %w", n.Number, err)
		}
		if data.Node == nil {
			return nil
		}
		n.Commits.Nodes = append(n.Commits.Nodes, data.Node.Commits.Nodes...)
		n.Commits.PageInfo = data.Node.Commits.PageInfo
	}
	for n.Reviews.PageInfo.HasNextPage {
		var data struct {
			Node *mapping.Pull `json:"node"`
		}
		if err := r.Query(
			ctx,
			moreReviewsQuery,
			map[string]any{"id": n.ID, "after": n.Reviews.PageInfo.EndCursor},
			&data,
		); err != nil {
			return fmt.Errorf("reviews of #%d: %w", n.Number, err)
		}
		if data.Node == nil {
			return nil
		}
		n.Reviews.Nodes = append(n.Reviews.Nodes, data.Node.Reviews.Nodes...)
		n.Reviews.PageInfo = data.Node.Reviews.PageInfo
	}
	return nil
}
