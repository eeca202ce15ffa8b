package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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

const deploymentsStream = "deployments"

const deploymentsQuery = `query($owner: String!, $name: String!, $first: Int!, $after: String) { repository(owner: $owner, name: $name) {
deployments(first: $first, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
totalCount pageInfo { hasNextPage endCursor } nodes {
databaseId commitOid environment state task createdAt updatedAt ref { name prefix } creator { login __typename }
statuses(first: 100) { pageInfo { hasNextPage } nodes { state createdAt updatedAt logUrl } } } } } }`

// deploymentsState is the checkpoint of the deployments stream. Everything created up to Cursor is stored, but for
// Passes.
type deploymentsState struct {
	ETag   string    `json:"etag,omitempty"`  // of the newest REST page, the probe
	Oldest time.Time `json:"oldest,omitzero"` // of that page; zero: the page holds all there is
	Cursor time.Time `json:"cursor,omitzero"`
	Floor  time.Time `json:"floor,omitzero"`
	Passes []pass    `json:"passes,omitempty"`
	Total  uint64    `json:"total"`

	Failed *rest.Quarantine `json:"failed,omitzero"` // deployments that GitHub always answers with an error
}

// deployed updates everything that means a deployment: what GitHub calls one, releases and tags, as far as
// the configuration says so.
func (r *repository) deployed(ctx context.Context) error {
	var expected uint64
	var notes []string
	var failed *rest.Quarantine
	if r.cfg.Deployments.has(FromTags) || r.cfg.Deployments.has(FromReleases) {
		kept, err := r.readReleases(ctx)
		if err != nil {
			return err
		}
		expected = kept + uint64(len(r.releases))
	}
	if r.cfg.Deployments.has(FromDeployments) {
		s, err := r.deployments(ctx)
		if err != nil {
			return err
		}
		failed = s.Failed
		total := s.Total
		if !s.Floor.IsZero() {
			stored, _, err := r.w.Count(ctx, event.KindDeployment, time.Time{}, time.Time{})
			if err != nil {
				return err
			}
			total = min(stored-min(stored, expected), total)
			notes = append(notes, fmt.Sprintf("of %d, those created since %s", s.Total, s.Floor.Format(time.DateOnly)))
		}
		expected += total
	}
	if note := failed.Note("deployment"); note != "" {
		notes = append(notes, note)
	}
	if err := r.ledger(ctx, event.KindDeployment, time.Time{}, expected, strings.Join(notes, "; ")); err != nil {
		return err
	}
	if len(r.releases) > 0 {
		return errors.Join(failed.Err("deployment"), &rest.SkippedError{What: "release", Objects: r.releases})
	}
	return failed.Err("deployment")
}

// deployments updates the deployments with their statuses.
func (r *repository) deployments(ctx context.Context) (s deploymentsState, err error) {
	found, err := r.w.Load(ctx, deploymentsStream, &s)
	if err != nil {
		return s, err
	}
	if !found {
		s.Floor = r.since
	}
	s.Failed = s.Failed.Begin()
	var newest client.Listing[mapping.RESTDeployment]
	got, err := r.Get(ctx, "repos/"+r.Scope+"/deployments?per_page=100", s.ETag, &newest)
	// the page only says whether something is new: without it, everything since the cursor is read
	blind := rest.Faulty(err)
	if err != nil && !blind {
		return s, err
	}
	if fresh(got, newest) || len(got.Odd) > 0 {
		got.ETag = ""
	}
	again := len(s.Failed.Due(r.Now())) > 0
	switch {
	case again: // what is held is read by a pass over everything
		s.Passes = append(s.Passes, pass{Until: s.Floor})
	case blind:
		s.Passes = append(s.Passes, pass{Until: source.Latest(s.Cursor, s.Floor)})
	}
	open, err := r.w.Open(ctx, event.KindDeployment, r.Now().Add(-openFor))
	if err != nil {
		return s, err
	}
	if changed := s.plan(r.since, newest, got, open); !changed && len(s.Passes) == 0 {
		return s, nil
	}
	done := uint64(0)
	for len(s.Passes) > 0 {
		if err := r.deploymentsPage(ctx, &s, &done); err != nil {
			return s, err
		}
	}
	if again {
		s.Failed.ForgetRead()
	}
	return s, r.w.Save(ctx, deploymentsStream, s)
}

// fresh reports whether a deployment on the page was updated in the very second in which the page was read, by the
// server's clock. Its next status may come within the same second, and would change nothing on the page, nor its ETag.
func fresh(got client.Answer, page []mapping.RESTDeployment) bool {
	read, err := http.ParseTime(got.Header.Get("Date"))
	return err == nil &&
		slices.ContainsFunc(page, func(d mapping.RESTDeployment) bool { return read.Sub(d.UpdatedAt) < 2*time.Second })
}

// plan works out from the probe which passes are due, and reports whether the checkpoint has changed.
func (s *deploymentsState) plan(
	since time.Time,
	newest []mapping.RESTDeployment,
	got client.Answer,
	open map[string]time.Time,
) (changed bool) {
	if !s.Floor.IsZero() && (since.IsZero() || since.Before(s.Floor)) {
		s.Floor, changed = since, true
		s.Passes = append(s.Passes, pass{Until: s.Floor})
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
			s.Passes = slices.Insert(s.Passes, 0, pass{Until: source.Latest(until, s.Floor)})
			s.Cursor = source.Latest(s.Cursor, newest[0].CreatedAt)
			s.Oldest = newest[len(newest)-1].CreatedAt
		}
		if got.Next == 0 {
			s.Oldest = time.Time{}
		}
		return true
	}
	if until.Before(s.Oldest) && until.Before(s.Cursor) { // an open one is older than the page that has not changed
		s.Passes = slices.Insert(s.Passes, 0, pass{Until: source.Latest(until, s.Floor)})
	}
	return changed
}

type deploymentPage struct {
	TotalCount uint64               `json:"totalCount"`
	PageInfo   mapping.PageInfo     `json:"pageInfo"`
	Nodes      []mapping.Deployment `json:"nodes"`
}

// deploymentsPage reads the next page of the first pass and saves how far it has come.
func (r *repository) deploymentsPage(ctx context.Context, s *deploymentsState, done *uint64) error {
	p := &s.Passes[0]
	owner, name, _ := strings.Cut(r.Scope, "/")
	variables := map[string]any{"owner": owner, "name": name, "first": 100}
	if p.After != "" {
		variables["after"] = p.After
	}
	var data struct {
		Repository *struct {
			Deployments *deploymentPage `json:"deployments"`
		} `json:"repository"`
	}
	err := r.Query(ctx, deploymentsQuery, variables, &data)
	var said client.GraphQLErrors
	if rest.Faulty(err) {
		return r.deploymentsByREST(ctx, s, done) // one by one
	}
	if err != nil && !errors.As(err, &said) {
		return err
	}
	if data.Repository == nil || data.Repository.Deployments == nil {
		if p.After != "" {
			p.After = "" // the cursor is of a time that GitHub has forgotten: begin the pass again
			return nil
		}
		return r.deploymentsByREST(ctx, s, done)
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
			read, err := r.heldStatuses(ctx, s, &n)
			if err != nil {
				return err
			}
			if !read {
				continue
			}
		}
		s.Failed.Done(deploymentKey(n.DatabaseID))
		events = append(events, r.DeploymentEvent(n))
	}
	if err := r.appendSome(ctx, events); err != nil {
		return err
	}
	s.Total = page.TotalCount
	*done += uint64(len(events))
	r.w.Progress(deploymentsStream, *done, s.Total)
	if p.After = page.PageInfo.EndCursor; reached {
		s.Passes = s.Passes[1:]
	}
	return r.w.Save(ctx, deploymentsStream, *s)
}

// deploymentsByREST does a whole pass where GraphQL does not show deployments: a request per page and one per
// deployment.
func (r *repository) deploymentsByREST(ctx context.Context, s *deploymentsState, done *uint64) error {
	until, total := s.Passes[0].Until, uint64(0)
	for number := 1; number > 0; {
		page, next, err := r.deploymentsListed(ctx, s, number)
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
			read, err := r.heldStatuses(ctx, s, &n)
			if err != nil {
				return err
			}
			if read {
				events = append(events, r.DeploymentEvent(n))
			}
		}
		if err := r.appendSome(ctx, events); err != nil {
			return err
		}
		*done += uint64(len(events))
		r.w.Progress(deploymentsStream, *done, s.Total)
	}
	s.Total = total
	s.Passes = s.Passes[1:]
	return r.w.Save(ctx, deploymentsStream, *s)
}

func deploymentKey(id int64) string { return "deployment " + strconv.FormatInt(id, 10) }

// heldStatuses reads every status of a deployment by REST; false when GitHub fails at them and the deployment is held.
func (r *repository) heldStatuses(ctx context.Context, s *deploymentsState, n *mapping.Deployment) (bool, error) {
	return s.Failed.Do(ctx, deploymentKey(n.DatabaseID), r.Now(), func(ctx context.Context) (err error) {
		n.Statuses.Nodes, err = r.statuses(ctx, n.DatabaseID)
		return err
	})
}

// deploymentsListed reads a page of the REST listing, around the deployments at which GitHub fails, and returns the
// number of the next page; 0: there is none.
func (r *repository) deploymentsListed(
	ctx context.Context,
	s *deploymentsState,
	number int,
) (all []mapping.RESTDeployment, next int, err error) {
	holes, err := rest.Around(ctx, number, 100, func(ctx context.Context, number, size int) error {
		var page client.Listing[mapping.RESTDeployment]
		got, err := r.Get(ctx, fmt.Sprintf("repos/%s/deployments?per_page=%d&page=%d", r.Scope, size, number), "", &page)
		if err != nil {
			return err
		}
		for id, why := range got.Odd {
			if err := s.Failed.Hold("deployment "+id, r.Now(), why); err != nil {
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
			r.Now(),
			&rest.AnswerError{
				Status: http.StatusInternalServerError,
				Err:    fmt.Errorf("%s does not list it", r.cfg.Source),
			},
		); err != nil {
			return nil, 0, err
		}
	}
	return all, next, err
}

// statuses reads every status of a deployment by REST.
func (r *repository) statuses(ctx context.Context, id int64) ([]mapping.DeploymentStatus, error) {
	var all []mapping.DeploymentStatus
	for number := 1; number > 0; {
		var page []struct {
			State     string     `json:"state"`
			CreatedAt *time.Time `json:"created_at"`
			UpdatedAt *time.Time `json:"updated_at"`
			LogURL    string     `json:"log_url"`
		}
		got, err := r.Get(
			ctx,
			fmt.Sprintf("repos/%s/deployments/%d/statuses?per_page=100&page=%d", r.Scope, id, number),
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
