package deployments

import (
	"context"
	"errors"
	"net/http"
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
const streamName = "deployments"

const query = `query($owner: String!, $name: String!, $first: Int!, $after: String) { repository(owner: $owner, name: $name) {
deployments(first: $first, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
totalCount pageInfo { hasNextPage endCursor } nodes {
databaseId commitOid environment state task createdAt updatedAt ref { name prefix } creator { login __typename }
statuses(first: 100) { pageInfo { hasNextPage } nodes { state createdAt updatedAt logUrl } } } } } }`

// state is the checkpoint of GitHub's deployments. The listing is ordered by the time of creation, newest first, and a
// status that is added to a deployment leaves its place as it was. It is read in passes, from the top down:
//
//   - A new newest page starts a pass down to the oldest of Cursor and the stored deployments that are not final.
//   - A newest page that has not changed starts such a pass only if one of those lies below it: its status could have
//     changed without changing the page.
//   - A Floor that moves back appends a pass down to the new Floor. So does a deployment in Failed whose retry is due.
//   - The first pass is read page by page; each page moves its cursor (After), until it reaches its end (Until).
//
// Invariant: every deployment that was created in [Floor, Cursor] is stored, except for what is left of Passes and for
// those in Failed.
type state struct {
	ETag   string        `json:"etag,omitempty"`   // of the newest REST page, the probe
	Oldest time.Time     `json:"oldest,omitzero"`  // of that page; zero: the page holds all there is
	Cursor time.Time     `json:"cursor,omitzero"`  // the newest deployment that was seen
	Floor  time.Time     `json:"floor,omitzero"`   // how far back was read, or is in Passes; zero: everything
	Passes []stream.Pass `json:"passes,omitempty"` // unfinished, the next one first
	Total  uint64        `json:"total"`            // how many deployments the repository has

	Failed *rest.Quarantine `json:"failed,omitzero"` // deployments that GitHub always answers with an error
}

// deployments reads what GitHub calls deployments, with their statuses.
func (c *collector) deployments(ctx context.Context) (s state, err error) {
	found, err := c.Writer.Load(ctx, streamName, &s)
	if err != nil {
		return s, err
	}
	if !found {
		s.Floor = c.Since
	}
	s.Failed = s.Failed.Begin()
	var newest client.Listing[mapping.RESTDeployment]
	got, err := c.Get(ctx, "repos/"+c.Scope+"/deployments?per_page=100", s.ETag, &newest)
	// the page only says whether something is new: without it, everything since the cursor is read
	blind := rest.Faulty(err)
	if err != nil && !blind {
		return s, err
	}
	if fresh(got, newest) || len(got.Odd) > 0 {
		got.ETag = ""
	}
	again := len(s.Failed.Due(c.Now())) > 0
	switch {
	case again: // what is held is read by a pass over everything
		s.Passes = append(s.Passes, stream.Pass{Until: s.Floor})
	case blind:
		s.Passes = append(s.Passes, stream.Pass{Until: source.Latest(s.Cursor, s.Floor)})
	}
	open, err := c.Writer.Open(ctx, event.KindDeployment, c.Now().Add(-stream.OpenFor))
	if err != nil {
		return s, err
	}
	if changed := s.plan(c.Since, newest, got, open); !changed && len(s.Passes) == 0 {
		return s, nil
	}
	done := uint64(0)
	for len(s.Passes) > 0 {
		if err := c.deploymentsPage(ctx, &s, &done); err != nil {
			return s, err
		}
	}
	if again {
		s.Failed.ForgetRead()
	}
	return s, c.Writer.Save(ctx, streamName, s)
}

// fresh reports whether a deployment on the page was updated in the second in which the page was read, by the server's
// clock. Another status in the same second would change neither the page nor its ETag.
func fresh(got client.Answer, page []mapping.RESTDeployment) bool {
	read, err := http.ParseTime(got.Header.Get("Date"))
	return err == nil &&
		slices.ContainsFunc(page, func(d mapping.RESTDeployment) bool { return read.Sub(d.UpdatedAt) < 2*time.Second })
}

// plan adds the passes that the newest page (the probe) and the open deployments require. It reports whether the
// checkpoint has changed.
func (s *state) plan(
	since time.Time,
	newest []mapping.RESTDeployment,
	got client.Answer,
	open map[string]time.Time,
) (changed bool) {
	if !s.Floor.IsZero() && (since.IsZero() || since.Before(s.Floor)) {
		s.Floor, changed = since, true
		s.Passes = append(s.Passes, stream.Pass{Until: s.Floor})
	}
	until := s.Cursor // deployments that are not final yet are read again: a status changes no place in the listing
	for _, created := range open {
		if created.Before(until) { // never of a cursor that is not set: everything is read
			until = created
		}
	}
	if !got.NotModified {
		s.ETag = got.ETag
		if len(newest) > 0 {
			s.Passes = slices.Insert(s.Passes, 0, stream.Pass{Until: source.Latest(until, s.Floor)})
			s.Cursor = source.Latest(s.Cursor, newest[0].CreatedAt)
			s.Oldest = newest[len(newest)-1].CreatedAt
		}
		if got.Next == 0 {
			s.Oldest = time.Time{}
		}
		return true
	}
	if until.Before(s.Oldest) && until.Before(s.Cursor) { // an open one is older than the page that has not changed
		s.Passes = slices.Insert(s.Passes, 0, stream.Pass{Until: source.Latest(until, s.Floor)})
	}
	return changed
}

// page is a page of deployments in an answer of GraphQL.
type page struct {
	TotalCount uint64               `json:"totalCount"`
	PageInfo   mapping.PageInfo     `json:"pageInfo"`
	Nodes      []mapping.Deployment `json:"nodes"`
}

// deploymentsPage reads the next page of the first pass and saves how far it has come.
func (c *collector) deploymentsPage(ctx context.Context, s *state, done *uint64) error {
	p := &s.Passes[0]
	owner, name, _ := strings.Cut(c.Scope, "/")
	variables := map[string]any{"owner": owner, "name": name, "first": 100}
	if p.After != "" {
		variables["after"] = p.After
	}
	var data struct {
		Repository *struct {
			Deployments *page `json:"deployments"`
		} `json:"repository"`
	}
	err := c.Query(ctx, query, variables, &data)
	var said client.GraphQLErrors
	if rest.Faulty(err) {
		return c.deploymentsByREST(ctx, s, done) // one by one
	}
	if err != nil && !errors.As(err, &said) {
		return err
	}
	if data.Repository == nil || data.Repository.Deployments == nil {
		if p.After != "" {
			p.After = "" // the cursor is of a time that GitHub has forgotten: begin the pass again
			return nil
		}
		return c.deploymentsByREST(ctx, s, done)
	}
	page := data.Repository.Deployments
	var events []event.Event
	reached := !page.PageInfo.HasNextPage
	for _, n := range page.Nodes {
		if n.CreatedAt.Before(p.Until) {
			reached = true
			continue
		}
		if n.Statuses.PageInfo.HasNextPage { // the first ones, which count, are on the last page
			read, err := c.heldStatuses(ctx, s, &n)
			if err != nil {
				return err
			}
			if !read {
				continue
			}
		}
		s.Failed.Done(key(n.DatabaseID))
		events = append(events, c.DeploymentEvent(n))
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
