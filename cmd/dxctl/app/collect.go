package app

import (
	"context"
	"sync"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/links"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// sourcesRunner creates the Runner of the configured sources at its first use.
func (a *App) sourcesRunner() (*runner.Runner, error) {
	a.making.Lock()
	defer a.making.Unlock()
	if a.runner != nil {
		return a.runner, nil
	}
	list, err := collectors.All(a.cfg.Sources, CollectorOptions(a.cfg, a.opt, a.entities, a.machine))
	if err != nil {
		return nil, err
	}
	if len(a.cfg.Facts.LinkHosts) > 0 {
		opener, err := links.New(a.cfg.Facts, CollectorOptions(a.cfg, a.opt, a.entities, a.machine).WithFacts(a.fact))
		if err != nil {
			return nil, err
		}
		list = append(list, opener)
	}
	a.runner = runner.New(
		noted{a.Store, a},
		list,
		runner.Options{
			Logger: a.log, Registerer: a.registry, Now: a.now, Report: a.opt.Progress, Quiet: a.opt.Progress != nil,
		},
	)
	return a.runner, nil
}

// collects reports whether anything is collected.
func (a *App) collects() bool { return len(a.cfg.Sources) > 0 || len(a.cfg.Facts.LinkHosts) > 0 }

// fact returns the current fact of an entity.
func (a *App) fact(ctx context.Context, entity, name string) (event.Fact, bool, error) {
	asked, err := facts.Of(ctx, a.Store, []string{entity}, nil)
	if err != nil {
		return event.Fact{}, false, err
	}
	stored, err := facts.Read(ctx, asked, nil)
	f, known := stored[entity][name]
	return f, known, err
}

// machine reports whether the people's records or rules say that a login is a machine's.
func (a *App) machine(provider, login string) bool {
	directory := a.catalog.Load().People()
	return login != "" && (directory.Whose(provider, login).Bot || directory.BotPattern(provider, login) != "")
}

// gradedEntities keeps what scorecards grade of a catalog: every scope of a source asks for it.
type gradedEntities struct {
	mu   sync.Mutex
	of   *catalog.Catalog
	at   time.Time
	list []descriptor.Entity
}

// gradedFor is how long the list is kept, because a filter may depend on the time.
const gradedFor = time.Minute

// entities returns what scorecards grade of the catalog as it was last read. The caller must not change it.
func (a *App) entities() []descriptor.Entity {
	g, cat, now := &a.toGrade, a.catalog.Load(), a.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if age := now.Sub(g.at); g.of != cat || age < 0 || age >= gradedFor {
		g.of, g.at, g.list = cat, now, a.cards.Graded(cat)
	}
	return g.list
}

// Collect runs the collectors once. The error joins the errors of all scopes that failed; the records of the other
// scopes are stored.
func (a *App) Collect(ctx context.Context, req runner.RunOptions) (runner.Summary, error) {
	r, err := a.sourcesRunner()
	if err != nil {
		return runner.Summary{}, err
	}
	return r.Run(ctx, req)
}
