package main

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
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/store"
)

// app wires the parts of dxctl together. A command opens one, uses it and closes it.
type app struct {
	cfg      config.Config
	log      *slog.Logger
	now      func() time.Time
	registry *prometheus.Registry

	store   *store.Store
	metrics *metrics.Engine
	cards   *scorecards.Engine
	catalog atomic.Pointer[catalog.Catalog] // serve replaces it while pages are rendered

	runner *runner.Runner        // made at the first collect
	making sync.Mutex            // of runner
	fresh  atomic.Bool           // records were read or received since the last grading
	report func(runner.Progress) // receives the progress of the runner; may be nil
	quiet  bool                  // report shows failures, so that they are not logged
	health health                // what is wrong while dxctl serves

	receives *receiving // receives deliveries while dxctl serves; nil: no source receives
	losses   losses     // of the store
}

// openOptions describes how a command uses the store.
type openOptions struct {
	program string // for the lock file, so that an error can name the process that uses the data
	alone   bool   // own the engine and share it with other commands; an error if another process owns it
	asIs    bool   // do not migrate: the command inspects the schema
	bare    bool   // only the store: the command needs no catalog, scorecards or metrics, and ignores errors in them
}

// open opens the configured store, migrates it, and loads the catalog and the scorecards.
func (s *cli) open(ctx context.Context, cfg config.Config, opt openOptions) (*app, error) {
	log, err := s.logger()
	if err != nil {
		return nil, err
	}
	p := &app{cfg: cfg, log: log, now: s.now, registry: prometheus.NewRegistry()}
	p.losses.p = p
	if !opt.bare {
		cards, err := scorecards.Load(cfg.Scorecards, cfg.Dir)
		if err != nil {
			return nil, err
		}
		if p.cards, err = scorecards.New(cards, s.now); err != nil {
			return nil, err
		}
		for _, w := range scorecards.Unmatched(cfg.Scorecards, cfg.Dir) {
			log.Warn(w)
		}
	}
	p.store, err = store.Open(ctx, cfg.Store, store.Options{
		Logger:   log,
		Now:      s.now,
		BaseDir:  cfg.Dir,
		StateDir: cfg.Path(cfg.Collect.Dir),
		Share:    opt.alone,
		Alone:    opt.alone,
		Program:  "dxctl " + opt.program,
	})
	if err != nil {
		return nil, err
	}
	if !opt.asIs {
		if _, err := p.store.Migrate(ctx); err != nil {
			return nil, errors.Join(err, p.store.Close())
		}
		_, _ = p.losses.look(ctx) // logs losses; they do not stop the command
	}
	if opt.bare {
		return p, nil
	}
	p.registerCatalogMetrics()
	if err := p.loadCatalog(ctx); err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	if p.metrics, err = metrics.New(p.store.Reader(), s.now); err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	if cfg.People.ExcludeBots {
		p.metrics = p.metrics.WithoutBots()
	}
	return p, nil
}

// reader answers what commands ask, with the documents of the API.
func (p *app) reader() (*report.Reader, error) {
	return report.New(
		report.Deps{Store: p.store.Reader(), Metrics: p.metrics, Scorecards: p.cards, Catalog: p.catalog.Load, Now: p.now},
	)
}

// close closes the store and adds what went wrong to err.
func (p *app) close(err *error) {
	*err = errors.Join(*err, p.store.Close())
}

// readFound reads the catalog again after a collect: new services own their history at once, and bots among new logins
// are recognized.
func (p *app) readFound(ctx context.Context, summary runner.Summary) error {
	if summary.Events()[event.KindDescriptor] == 0 && !p.catalog.Load().People().HasBotPatterns() {
		return nil
	}
	if err := p.loadCatalog(ctx); err != nil {
		return err
	}
	return p.sync(ctx)
}

// sync writes the catalog, the people and the environments into the store, where the public views join them.
func (p *app) sync(ctx context.Context) error {
	if err := p.catalog.Load().Sync(ctx, p.store); err != nil {
		return fmt.Errorf("storing the catalog: %w", err)
	}
	if err := p.store.Replace(ctx, "environments", p.cfg.EnvironmentRows()); err != nil {
		return fmt.Errorf("storing the environments: %w", err)
	}
	return nil
}

// grade gathers facts, grades every service and stores what changed.
func (p *app) grade(ctx context.Context) ([]scorecards.Report, error) {
	if err := p.sync(ctx); err != nil {
		return nil, err
	}
	return p.cards.Refresh(ctx, p.store, p.catalog.Load(), p.metrics)
}

func (p *app) collectorOptions() source.Options {
	return source.Options{
		Logger:    p.log,
		Now:       p.now,
		UserAgent: "dxctl/" + versionString(),
		CloneDir:  p.cfg.Path(p.cfg.Collect.Dir),
		Dir:       p.cfg.Dir,
	}
}
