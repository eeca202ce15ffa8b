package app

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/store"
)

// loadCatalog reads the descriptors (from files and from sources) and the people again, and logs warnings about them.
func (a *App) loadCatalog(ctx context.Context) error {
	cat, warnings, err := ReadCatalog(ctx, a.Store, a.cfg)
	if err != nil {
		err = fmt.Errorf("reading the catalog: %w", err)
	}
	a.health.catalog.Set("", err)
	if err != nil {
		return err
	}
	for _, w := range FirstWarnings(warnings) {
		a.log.Warn(w.String())
	}
	if cat.People().HasBotPatterns() {
		seen, err := a.Store.Logins(ctx)
		if err != nil {
			return err
		}
		cat = cat.WithSeen(seen)
	}
	a.loadWaivers(cat)
	a.loadCampaigns()
	a.catalog.Store(cat)
	return nil
}

// ReadCatalog reads the descriptors of the configured files and of the sources. Where a file cannot be read, it keeps
// the entities and people that were last read from it, as the store has them.
func ReadCatalog(ctx context.Context, st *store.Store, cfg config.Config) (*catalog.Catalog, []files.Warning, error) {
	info, err := st.Info(ctx)
	if err != nil {
		return nil, nil, err
	}
	if info.SchemaVersion < catalog.FoundSchema { // the store has neither descriptors of sources nor an earlier catalog
		return catalog.Load(cfg.Catalog, cfg.People, cfg.Dir)
	}
	var sources []string
	for _, src := range cfg.Sources {
		sources = append(sources, src.Name)
	}
	// Last: whatever else describes a service that dxctl created comes first.
	found, err := catalog.ReadFound(ctx, st, append(sources, catalog.CreatedSource))
	if err != nil {
		return nil, nil, err
	}
	recall := func(files []string) (catalog.Recalled, error) { return catalog.Recall(ctx, st, files) }
	return catalog.LoadKeeping(cfg.Catalog, cfg.People, cfg.Dir, recall, found...)
}

// registerCatalogMetrics registers gauges for the size of the catalog and for what could not be read.
func (a *App) registerCatalogMetrics() {
	gauge := func(name, help string, value func(*catalog.Catalog) int) {
		a.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			if cat := a.catalog.Load(); cat != nil {
				return float64(value(cat))
			}
			return 0
		}))
	}
	a.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "dxctl_graded_reports_total",
		Help: "Reports that were made: one for each scorecard of an entity that was graded.",
	}, func() float64 { return float64(a.graded.Load()) }))
	gauge(
		"dxctl_catalog_entities",
		"Entities in the catalog.",
		func(c *catalog.Catalog) int { n, _ := c.Size(); return n },
	)
	gauge("dxctl_catalog_people", "People in the catalog.", func(c *catalog.Catalog) int { _, n := c.Size(); return n })
	gauge(
		"dxctl_catalog_lost",
		"Files, descriptors, rows and rules that could not be read when the catalog was last read.",
		func(c *catalog.Catalog) int { return len(c.Lost()) },
	)
}

// catalogCauses returns the parts of the catalog that cannot be read, for /readyz.
func (a *App) catalogCauses(ctx context.Context) []string {
	causes := a.health.catalog.Causes(ctx)
	cat := a.catalog.Load()
	if cat == nil {
		return causes
	}
	lost := cat.Lost()
	for i, w := range lost {
		if i == maxWarnings {
			return append(causes, fmt.Sprintf("%d more cannot be read; run `dxctl doctor` for a list", len(lost)-i))
		}
		causes = append(causes, w.String())
	}
	return causes
}
