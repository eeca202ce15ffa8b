package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/event"
)

const deploymentsStream = "deployments"

// deployments updates the deployments, and what else is known of the project.
func (p *project) deployments(ctx context.Context) error {
	s := &deploymentsState{}
	if _, err := p.Writer.Load(ctx, deploymentsStream, s); err != nil {
		return err
	}
	f := listing.Feed[mapping.Deployment]{
		Of:     p.Project,
		State:  &s.State,
		Path:   p.path + "/deployments",
		Newest: fmt.Sprintf("order_by=id&sort=desc&per_page=%d", listing.PerPage),
		Kind:   event.KindDeployment,
		Stream: deploymentsStream,
	}
	f.Save = func(ctx context.Context) error { return p.Writer.Save(ctx, deploymentsStream, s) }
	f.Store = func(ctx context.Context, pg listing.Page[mapping.Deployment]) error {
		events := make([]event.Event, len(pg.Records))
		for i, d := range pg.Records {
			events[i] = p.DeploymentEvent(d, p.info.WebURL)
		}
		return p.Writer.Append(ctx, events...)
	}
	changed, err := f.Update(ctx)
	if refused(err) { // the project has CI/CD or environments switched off
		none := uint64(0)
		return p.WriteLedger(ctx, event.KindDeployment, s.Floor, &none, "the project shows no deployments: environments are "+
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
		err = p.Writer.Save(ctx, deploymentsStream, s)
	}
	if err != nil {
		return fmt.Errorf("environments: %w", err)
	}
	if err := f.Account(ctx, s.Total); err != nil {
		return err
	}
	if failed := s.Failed.Err("record"); failed != nil {
		return errors.Join(p.Writer.Save(ctx, deploymentsStream, s), failed)
	}
	return nil
}

// deploymentsState is the checkpoint of the deployments stream.
type deploymentsState struct {
	listing.State
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
	query := fmt.Sprintf("per_page=%d", listing.PerPage)
	for first := true; query != ""; first = false {
		var page []struct {
			Name string `json:"name"`
		}
		etag := ""
		if first && !s.Described.IsZero() {
			etag = s.Environments
		}
		got, err := p.Read(ctx, p.path+"/environments?"+query, etag, &page)
		if refused(err) || err == nil && got.NotModified {
			return nil
		}
		if err != nil {
			return err
		}
		if first {
			s.Environments = got.ETag
		}
		for _, e := range page {
			names = append(names, e.Name)
		}
		query = got.Next
	}
	slices.Sort(names)
	if err := p.describe(ctx, slices.Compact(names)); err != nil {
		return err
	}
	s.Described = p.Now().UTC()
	return p.Writer.Save(ctx, deploymentsStream, s)
}

// describe stores the names of the project's environments.
func (p *project) describe(ctx context.Context, environments []string) error {
	if environments == nil {
		environments = []string{}
	}
	f := servicefacts.Encode("repository.environments", event.ListFact, environments)
	f.Source, f.Entity = p.cfg.Source, servicefacts.Entity(Provider, p.Scope())
	f.ObservedAt, f.URL = p.Now().UTC(), p.info.WebURL
	return p.Writer.Append(ctx, f)
}
