// Package app wires the parts of dxctl together: the store, the catalog, the metrics, the scorecards, the collectors,
// the receivers and the web server. Commands open an App, use it and close it; an App also does what runs continuously
// while the dashboard is served.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/store"
)

// App is an opened store with the parts that work on it.
type App struct {
	// Store is the opened store.
	Store *store.Store

	cfg      config.Config
	opt      Options
	log      *slog.Logger
	now      func() time.Time
	registry *prometheus.Registry

	metrics   *metrics.Engine
	cards     *scorecards.Engine
	set       scorecards.Set                  // that cards grades by
	catalog   atomic.Pointer[catalog.Catalog] // Serve replaces it while pages are rendered
	waivers   atomic.Pointer[waiver.Book]     // replaced with the catalog
	campaigns atomic.Pointer[campaign.Set]    // campaigns; replaced with the catalog

	runner  *runner.Runner // made at the first collect
	making  sync.Mutex     // of runner
	pending *pending       // what was read or received since the last grading
	health  health         // what is wrong while the dashboard is served
	losses  losses         // of the store
	toGrade gradedEntities // what scorecards grade
	graded  atomic.Uint64  // reports that were made
	golden  goldenPaths
}

// Options describe how a command uses an App.
type Options struct {
	Logger  *slog.Logger
	Now     func() time.Time
	Version string // of this binary

	Program string // name of the command: an error of another process names it as the one that uses the data
	Alone   bool   // own the engine and share it with other commands; an error if another process owns it
	AsIs    bool   // do not migrate: the command inspects the schema
	Bare    bool   // only the store: the command needs no catalog, scorecards or metrics, and ignores errors in them

	// Progress receives the progress and the failures of a collect. If it is nil, failures are logged.
	Progress func(runner.Progress)
}

// Open opens the configured store, migrates it, and loads the catalog and the scorecards. The caller closes the App.
func Open(ctx context.Context, cfg config.Config, opt Options) (*App, error) {
	a := &App{cfg: cfg, opt: opt, log: opt.Logger, now: opt.Now, registry: prometheus.NewRegistry(), pending: newPending()}
	if !opt.Bare {
		cards, err := scorecards.Load(cfg.Scorecards, cfg.Dir)
		if err != nil {
			return nil, err
		}
		if a.cards, err = scorecards.New(cards, a.now); err != nil {
			return nil, err
		}
		a.cards, a.set = a.cards.WithWaivers(a.waivers.Load), cards
		for _, b := range cards.Broken {
			a.log.Error("scorecard not used", "file", b.File, "error", b.Problems)
		}
		for _, w := range scorecards.Unmatched(cfg.Scorecards, cfg.Dir) {
			a.log.Warn(w)
		}
	}
	var err error
	a.Store, err = store.Open(ctx, cfg.Store, store.Options{
		Logger:   a.log,
		Now:      a.now,
		BaseDir:  cfg.Dir,
		StateDir: cfg.Path(cfg.Collect.Dir),
		Share:    opt.Alone,
		Alone:    opt.Alone,
		Program:  "dxctl " + opt.Program,
	})
	if err != nil {
		return nil, err
	}
	a.losses = losses{store: a.Store, log: a.log}
	if !opt.AsIs {
		if _, err := a.Store.Migrate(ctx); err != nil {
			return nil, errors.Join(err, a.Store.Close())
		}
		_, _ = a.losses.look(ctx) // logs losses; they do not stop the command
	}
	if opt.Bare {
		return a, nil
	}
	a.registerCatalogMetrics()
	if err := a.loadCatalog(ctx); err != nil {
		return nil, errors.Join(err, a.Store.Close())
	}
	if a.metrics, err = metrics.New(a.Store.Reader(), a.now); err != nil {
		return nil, errors.Join(err, a.Store.Close())
	}
	if cfg.People.ExcludeBots {
		a.metrics = a.metrics.WithoutBots()
	}
	return a, nil
}

// Reader returns the read model, which answers what commands ask, with the documents of the API.
func (a *App) Reader() (*report.Reader, error) {
	return report.New(report.Deps{
		Store: a.Store.Reader(), Metrics: a.metrics, Scorecards: a.cards, Catalog: a.catalog.Load, Now: a.now,
		GradeHistory: a.Store.GradeHistory, FactHistory: a.Store, CountOutcome: a.Store.CountOutcome,
		RulesHistory:   a.Store.RulesHistory,
		OutcomeChanges: a.Store.OutcomeChanges, RepairedOutcomes: a.Store.RepairedOutcomes,
		Campaigns: a.campaigns.Load, Participation: a.participation,
	})
}

// Close closes the store.
func (a *App) Close() error { return a.Store.Close() }

// Scorecards returns what services are graded by.
func (a *App) Scorecards() []scorecards.Scorecard { return a.cards.Scorecards() }

// Grades reports whether a scorecard grades the entity.
func (a *App) Grades(e descriptor.Entity) bool { return a.cards.Takes(e) }

// NotGraded says why no scorecard grades an entity.
func (a *App) NotGraded(e descriptor.Entity) string { return a.cards.NotGraded(e) }

// Catalog returns the catalog as it was last read.
func (a *App) Catalog() *catalog.Catalog { return a.catalog.Load() }

// ReadFound reads the catalog again after a collect: new services own their history at once, and bots among new logins
// are recognized.
func (a *App) ReadFound(ctx context.Context, summary runner.Summary) error {
	if summary.Events()[event.KindDescriptor] == 0 && !a.catalog.Load().People().HasBotPatterns() {
		return nil
	}
	if err := a.loadCatalog(ctx); err != nil {
		return err
	}
	return a.Sync(ctx)
}

// Sync writes the catalog, the people, the environments and the names of reported facts into the store, where the
// public views join them.
func (a *App) Sync(ctx context.Context) error {
	if err := a.catalog.Load().Sync(ctx, a.Store); err != nil {
		return fmt.Errorf("storing the catalog: %w", err)
	}
	if err := a.Store.Replace(ctx, "environments", a.cfg.EnvironmentRows()); err != nil {
		return fmt.Errorf("storing the environments: %w", err)
	}
	if err := a.Store.Replace(ctx, "facts", a.cfg.Sources.FactSources()); err != nil {
		return fmt.Errorf("storing which source reports which facts: %w", err)
	}
	return nil
}

// Grade gathers facts, grades every entity that a scorecard takes, and stores what changed.
func (a *App) Grade(ctx context.Context) ([]scorecards.Report, error) {
	if err := a.Sync(ctx); err != nil {
		return nil, err
	}
	for _, w := range a.cards.Warnings(a.catalog.Load().Entities()) {
		a.log.Warn("scorecard grades nothing", "problem", w)
	}
	return a.grade(ctx, nil)
}

// GradeAt grades every entity as of a past time, by the facts that are stored, and stores what changed. It is for
// histories that are loaded in the order of their times. measured: the facts of metrics are computed as of then, and
// stored; otherwise those that are stored are used, and a rule for which they are too old stays as it was graded last.
func (a *App) GradeAt(ctx context.Context, at time.Time, measured bool) error {
	if !measured {
		reports, err := a.cards.At(at).Reports(ctx, a.Store.Reader(), a.catalog.Load())
		if err != nil {
			return err
		}
		var grades []event.Event
		for i := range reports {
			for _, g := range reports[i].Grades(at) {
				if g.Outcome != event.Stale {
					grades = append(grades, g)
				}
			}
		}
		return a.Store.Append(ctx, grades...)
	}
	engine, err := metrics.New(a.Store.Reader(), func() time.Time { return at })
	if err != nil {
		return err
	}
	if a.cfg.People.ExcludeBots {
		engine = engine.WithoutBots()
	}
	_, err = a.cards.At(at).Refresh(ctx, a.Store, a.catalog.Load(), engine, nil)
	return err
}

// grade gathers the facts of entities, grades them and stores what changed. The catalog must have been synced. only
// are the refs of the entities; nil: all.
func (a *App) grade(ctx context.Context, only []string) ([]scorecards.Report, error) {
	reports, err := a.cards.Refresh(ctx, a.Store, a.catalog.Load(), a.metrics, only)
	if err == nil {
		a.graded.Add(uint64(len(reports)))
	}
	return reports, err
}

// CollectorOptions returns the options with which the collectors of the configured sources are created.
// entities returns what scorecards grade.
func CollectorOptions(cfg config.Config, opt Options, entities func() []descriptor.Entity,
	machine func(provider, login string) bool) source.Options {
	return source.Options{
		Machine:    machine,
		Entities:   entities,
		Logger:     opt.Logger,
		Now:        opt.Now,
		UserAgent:  "dxctl/" + opt.Version,
		CloneDir:   cfg.Path(cfg.Collect.Dir),
		Dir:        cfg.Dir,
		Production: cfg.Environments[metrics.Production],
	}
}
