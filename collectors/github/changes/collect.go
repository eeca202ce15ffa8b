// Package changes collects the pull requests of a repository with their commits and reviews.
//
// One conditional request of REST shows whether anything is new. The pull requests themselves come from GraphQL, a page
// with all that is needed per request. Where GitHub fails at a page, a smaller one is requested, and in the end each
// pull request by itself (number.go): one at which GitHub always fails is held in the checkpoint and retried later.
package changes

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
const streamName = "changes"

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

// state is the checkpoint of the stream. The listing is ordered by the time of the last update, newest first, and a
// pull request that is updated moves to its top. It is read in passes:
//
//   - A new newest page starts a pass from the top down to Cursor, and Cursor moves to the newest update. What is
//     updated while the pass runs moves to the top behind it, and shows in the next probe.
//   - A Floor that moves back appends a pass down to the new Floor.
//   - The first pass is read page by page; each page moves its cursor (After), until it reaches its end (Until).
//
// Invariant: every pull request that was last updated in [Floor, Cursor] is stored, except for what is left of Passes
// and for those in Failed.
type state struct {
	ETag   string        `json:"etag,omitempty"`   // of the newest REST page, the probe
	Cursor time.Time     `json:"cursor,omitzero"`  // the newest update that was seen
	Floor  time.Time     `json:"floor,omitzero"`   // how far back was read, or is in Passes; zero: everything
	Passes []stream.Pass `json:"passes,omitempty"` // unfinished, the next one first
	Total  uint64        `json:"total"`            // how many pull requests the repository has

	Failed *rest.Quarantine `json:"failed,omitzero"` // pull requests that GitHub always answers with an error
}

// listedPull is a pull request in the listing of REST.
type listedPull struct {
	Number    uint64    `json:"number"`
	UpdatedAt time.Time `json:"updated_at"`
}

// HasID reports whether the record has an id, which tells it from others.
func (p listedPull) HasID() bool { return p.Number > 0 }

// collector is one collect of the pull requests of a repository.
type collector struct {
	*stream.Repository
	pulls int // how many pull requests a page had that was answered, which later pages do not exceed; 0: none was yet
}

// Collect reads the pull requests that are new or have changed since the checkpoint. Its error is a [rest.SkippedError]
// if only single pull requests cannot be read.
func Collect(ctx context.Context, r *stream.Repository) error {
	return (&collector{Repository: r}).collect(ctx)
}

// collect probes the newest page of REST, which can be requested conditionally, plans the passes, and reads them.
func (c *collector) collect(ctx context.Context) error {
	var s state
	found, err := c.Writer.Load(ctx, streamName, &s)
	if err != nil {
		return err
	}
	if !found {
		s.Floor = c.Since
	}
	var newest client.Listing[listedPull]
	s.Failed = s.Failed.Begin()
	got, err := c.Get(ctx, "repos/"+c.Scope+"/pulls?state=all&sort=updated&direction=desc&per_page=100", s.ETag, &newest)
	// the page only shows whether something is new: without it, everything since the cursor is read
	blind := rest.Faulty(err)
	if err != nil && !blind {
		return err
	}
	if err := c.retryChanges(ctx, &s); err != nil {
		return err
	}
	deeper := !s.Floor.IsZero() && (c.Since.IsZero() || c.Since.Before(s.Floor))
	if deeper {
		s.Floor = c.Since
		s.Passes = append(s.Passes, stream.Pass{Until: s.Floor})
	}
	if !got.NotModified {
		if blind {
			s.Passes = slices.Insert(s.Passes, 0, stream.Pass{Until: source.Latest(s.Cursor, s.Floor)})
		}
		if len(newest) > 0 {
			// What is updated while the pass runs moves to the top, behind the pass, and shows in the next probe.
			s.Passes = slices.Insert(s.Passes, 0, stream.Pass{Until: source.Latest(s.Cursor, s.Floor)})
			s.Cursor = source.Latest(s.Cursor, newest[0].UpdatedAt)
		}
		s.ETag = got.ETag
	}
	done := uint64(0)
	for len(s.Passes) > 0 {
		if err := c.changesPage(ctx, &s, &done); err != nil {
			return err
		}
	}
	if !got.NotModified {
		if err := c.Writer.Save(ctx, streamName, s); err != nil {
			return err
		}
	}
	expected, note := s.Total, s.Failed.Note("pull request")
	if !s.Floor.IsZero() {
		stored, _, err := c.Writer.Count(ctx, event.KindChange, time.Time{}, time.Time{})
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
	if err := c.WriteLedger(ctx, event.KindChange, time.Time{}, expected, note); err != nil {
		return err
	}
	return s.Failed.Err("pull request")
}

// changesPage reads the next page of the first pass and saves how far it has come.
func (c *collector) changesPage(ctx context.Context, s *state, done *uint64) error {
	p := &s.Passes[0]
	page, err := c.pullPage(ctx, p.After)
	var said client.GraphQLErrors
	if errors.As(err, &said) && p.After != "" && strings.Contains(strings.ToLower(said.Error()), "cursor") {
		p.After = "" // the cursor is of a time that GitHub has forgotten: begin the pass again
		return nil
	}
	if client.Failing(err) {
		return c.changesByNumber(ctx, s, done, err)
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
			c.Now(),
			func(ctx context.Context) error { return c.complete(ctx, &n) },
		)
		if err != nil {
			return err
		}
		if read {
			events = append(events, c.ChangeEvent(n))
		}
	}
	if err := c.Append(ctx, events); err != nil {
		return err
	}
	s.Total = page.TotalCount
	*done += uint64(len(events))
	c.Writer.Progress(streamName, *done, s.Total)
	if p.After = page.PageInfo.EndCursor; reached {
		s.Passes = s.Passes[1:]
	}
	return c.Writer.Save(ctx, streamName, *s)
}

// pullPage is a page of pull requests in an answer of GraphQL.
type pullPage struct {
	TotalCount uint64           `json:"totalCount"`
	PageInfo   mapping.PageInfo `json:"pageInfo"`
	Nodes      []mapping.Pull   `json:"nodes"`
}

// pullSizes are how many pull requests a page has. A hundred with their commits and reviews are 15,000 nodes, of which
// GitHub allows 500,000.
var pullSizes = []int{100, 50, 20, 5, 1}

// pullPage reads a page of pull requests. GitHub gives up on queries that take too long; a smaller page then helps, and
// the rest of this collect uses its size.
func (c *collector) pullPage(ctx context.Context, after string) (pullPage, error) {
	owner, name, _ := strings.Cut(c.Scope, "/")
	var last error
	few := rest.WithMaxAttempts(ctx, fewAttempts)
	for _, size := range pullSizes {
		if c.pulls > 0 && size > c.pulls {
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
			last = c.Query(few, pullsQuery, variables, &data)
		} else {
			last = c.Query(ctx, pullsQuery, variables, &data)
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
		c.pulls = size
		return *data.Repository.PullRequests, nil
	}
	return pullPage{}, last
}

// complete reads the commits and reviews that did not fit on the page.
func (c *collector) complete(ctx context.Context, n *mapping.Pull) error {
	for n.Commits.PageInfo.HasNextPage {
		var data struct {
			Node *mapping.Pull `json:"node"`
		}
		if err := c.Query(
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
		if err := c.Query(
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
