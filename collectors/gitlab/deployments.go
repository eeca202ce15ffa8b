package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/event"
)

const deploymentsStream = "deployments"

// deployments brings the deployments up to date, and what is known of the project beside them.
func (p *project) deployments(ctx context.Context) error {
	s := &deploymentsState{}
	if _, err := p.w.Load(ctx, deploymentsStream, s); err != nil {
		return err
	}
	f := feed[mapping.Deployment]{
		p:      p,
		state:  &s.feedState,
		path:   p.path + "/deployments",
		list:   fmt.Sprintf("order_by=id&sort=desc&per_page=%d", perPage),
		kind:   event.KindDeployment,
		stream: deploymentsStream,
	}
	f.save = func(ctx context.Context) error { return p.w.Save(ctx, deploymentsStream, s) }
	f.store = func(ctx context.Context, pg page[mapping.Deployment]) error {
		events := make([]event.Event, len(pg.records))
		for i, d := range pg.records {
			events[i] = p.DeploymentEvent(d, p.info.WebURL)
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
			event.Fact{
				Source:     p.cfg.Source,
				Entity:     "unmapped:" + Provider + "/" + p.Scope(),
				Name:       name,
				Type:       kind,
				Value:      doc,
				ObservedAt: p.Now().UTC(),
				URL:        p.info.WebURL,
			},
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
