package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

const deploymentsStream = "deployments"

// deployment is what is used of a deployment.
type deployment struct {
	ID          int64            `json:"id"`
	Status      string           `json:"status"`
	Ref         string           `json:"ref"`
	SHA         string           `json:"sha"`
	CreatedAt   source.Timestamp `json:"created_at"`
	UpdatedAt   source.Timestamp `json:"updated_at"`
	FinishedAt  source.Timestamp `json:"finished_at"`
	User        *user            `json:"user"`
	Environment *struct {
		Name string `json:"name"`
	} `json:"environment"`
	Deployable *struct {
		job
		Pipeline *pipeline `json:"pipeline"`
	} `json:"deployable"`
}

func (d deployment) key() int64         { return d.ID }
func (d deployment) created() time.Time { return d.CreatedAt.Time }
func (d deployment) updated() time.Time { return source.Latest(d.CreatedAt.Time, d.UpdatedAt.Time) }

// deployments brings the deployments up to date, and what is known of the project beside them.
func (p *project) deployments(ctx context.Context) error {
	s := &deploymentsState{}
	if _, err := p.w.Load(ctx, deploymentsStream, s); err != nil {
		return err
	}
	f := feed[deployment]{
		p:      p,
		state:  &s.feedState,
		path:   p.path + "/deployments",
		list:   fmt.Sprintf("order_by=id&sort=desc&per_page=%d", perPage),
		kind:   event.KindDeployment,
		stream: deploymentsStream,
	}
	f.save = func(ctx context.Context) error { return p.w.Save(ctx, deploymentsStream, s) }
	f.store = func(ctx context.Context, pg page[deployment]) error {
		events := make([]event.Event, len(pg.records))
		for i, d := range pg.records {
			events[i] = p.deploymentEvent(d)
		}
		return p.w.Append(ctx, events...)
	}
	changed, err := f.update(ctx)
	if refused(err) { // the project has CI/CD or environments switched off
		none := uint64(0)
		return p.ledger(ctx, event.KindDeployment, s.Floor, &none, "the project shows no deployments: environments are "+
			"switched off there, or the token may not read them")
	}
	if err != nil {
		return err
	}
	const list = "the list of environments"
	failed := s.Failed.Has(list)
	read, err := s.Failed.Do(
		ctx,
		list,
		p.Now(),
		func(ctx context.Context) error { return p.environments(ctx, s, changed || failed) },
	)
	if err == nil && read && failed {
		err = p.w.Save(ctx, deploymentsStream, s)
	}
	if err != nil {
		return fmt.Errorf("environments: %w", err)
	}
	if err := f.account(ctx, s.Total); err != nil {
		return err
	}
	if failed := s.Failed.Err("record"); failed != nil {
		return errors.Join(p.w.Save(ctx, deploymentsStream, s), failed)
	}
	return nil
}

// deploymentsState is the checkpoint of the deployments stream.
type deploymentsState struct {
	feedState
	Environments string    `json:"environments,omitempty"` // ETag of the first page
	Described    time.Time `json:"described,omitzero"`     // when the facts were last stored
}

// recordedWithin is how long a deployment takes at most that is recorded through the API.
const recordedWithin = 6 * time.Hour

// deploymentEvent makes the event of a deployment. Start and finish are those of the job that deploys. Without one (it
// was recorded through the API) the last update is what made it final, but for one that comes much later, of which
// GitLab does not say what it changed: then the finish is not known.
func (p *project) deploymentEvent(d deployment) event.Deployment {
	allowed := d.Deployable != nil && d.Deployable.AllowFailure
	mapped, known := deploymentStatus(d.Status, allowed)
	if !known {
		p.Unrecognized("status of a deployment", d.Status)
	}
	e := event.Deployment{
		Origin:     p.origin(strconv.FormatInt(d.ID, 10), ""),
		Attempt:    1,
		Status:     mapped,
		StatusRaw:  d.Status,
		CreatedAt:  d.CreatedAt.Time,
		SHA:        d.SHA,
		Ref:        d.Ref,
		Actor:      d.User.login(),
		Bot:        d.User.bot(),
		FinishedAt: d.FinishedAt.Time,
	}
	if d.Environment != nil {
		e.Environment = d.Environment.Name
	}
	if j := d.Deployable; j != nil {
		e.URL, e.StartedAt = j.WebURL, j.StartedAt.Time
		if e.FinishedAt.IsZero() {
			e.FinishedAt = j.FinishedAt.Time
		}
		if j.Tag {
			e.Version = d.Ref
		}
		if j.Pipeline != nil {
			e.Trigger = j.Pipeline.Source
		}
	} else {
		e.Trigger = "api"
		if e.FinishedAt.IsZero() && d.UpdatedAt.Sub(d.CreatedAt.Time) <= recordedWithin {
			e.FinishedAt = d.UpdatedAt.Time
		}
	}
	if e.URL == "" && p.info.WebURL != "" {
		e.URL = p.info.WebURL + "/-/environments"
	}
	if !mapped.Final() {
		e.FinishedAt = time.Time{}
	}
	return e
}

// environments stores the names of the project's environments, and what else is known of it, as facts. They are asked
// for when a deployment has changed: an environment comes with its first one.
func (p *project) environments(ctx context.Context, s *deploymentsState, changed bool) error {
	if !changed && !s.Described.IsZero() {
		return nil
	}
	var names []string
	query := fmt.Sprintf("per_page=%d", perPage)
	for first := true; query != ""; first = false {
		var page []struct {
			Name string `json:"name"`
		}
		etag := ""
		if first && !s.Described.IsZero() {
			etag = s.Environments
		}
		got, err := p.get(ctx, p.path+"/environments?"+query, etag, &page)
		if refused(err) || err == nil && got.notModified {
			return nil
		}
		if err != nil {
			return err
		}
		if first {
			s.Environments = got.etag
		}
		for _, e := range page {
			names = append(names, e.Name)
		}
		query = got.next
	}
	slices.Sort(names)
	if err := p.describe(ctx, slices.Compact(names)); err != nil {
		return err
	}
	s.Described = p.Now().UTC()
	return p.w.Save(ctx, deploymentsStream, s)
}

// describe stores what is known of the project beside its events.
func (p *project) describe(ctx context.Context, environments []string) error {
	var events []event.Event
	add := func(name string, kind event.FactType, value any) error {
		doc, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("fact %s: %w", name, err)
		}
		events = append(
			events,
			event.Fact{Source: p.cfg.Source, Entity: "unmapped:" + Provider + "/" + p.scope, Name: name, Type: kind,
				Value: doc, ObservedAt: p.Now().UTC(), URL: p.info.WebURL},
		)
		return nil
	}
	if environments == nil {
		environments = []string{}
	}
	err := add("repository.environments", event.ListFact, environments)
	if p.info.DefaultBranch != "" && err == nil {
		err = add("repository.default_branch", event.StringFact, p.info.DefaultBranch)
	}
	if !p.info.CreatedAt.IsZero() && err == nil {
		err = add("repository.created_at", event.TimeFact, p.info.CreatedAt.Time)
		if err == nil {
			err = add("repository.archived", event.BoolFact, p.info.Archived)
		}
	}
	if err != nil {
		return err
	}
	return p.w.Append(ctx, events...)
}
