package main

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
func (p *app) loadCatalog(ctx context.Context) error {
	cat, warnings, err := readCatalog(ctx, p.store, p.cfg)
	if err != nil {
		err = fmt.Errorf("reading the catalog: %w", err)
	}
	p.health.catalog.Set("", err)
	if err != nil {
		return err
	}
	for _, w := range shortened(warnings) {
		p.log.Warn(w.String())
	}
	if cat.People().HasBotPatterns() {
		seen, err := p.store.Logins(ctx)
		if err != nil {
			return err
		}
		cat = cat.WithSeen(seen)
	}
	p.catalog.Store(cat)
	return nil
}

// readCatalog reads the descriptors of the configured files and of the sources. Where a file cannot be read, it keeps
// the entities and people that were last read from it, as the store has them.
func readCatalog(ctx context.Context, st *store.Store, cfg config.Config) (*catalog.Catalog, []files.Warning, error) {
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
	found, err := catalog.ReadFound(ctx, st, sources)
	if err != nil {
		return nil, nil, err
	}
	recall := func(files []string) (catalog.Recalled, error) { return catalog.Recall(ctx, st, files) }
	return catalog.LoadKeeping(cfg.Catalog, cfg.People, cfg.Dir, recall, found...)
}

// mostWarnings is how many warnings about one file are shown. A people file may have one for each row.
const mostWarnings = 10

// mostSame is how many files are named that have the same warning. Proposed descriptors may all lack an owner.
const mostSame = 3

// shortened returns the first mostWarnings warnings about each file, and one with the number of the others. Of a
// warning that more than mostSame files have, it names so many of them.
func shortened(warnings []files.Warning) []files.Warning {
	warnings = withoutSame(warnings)
	counts := map[string]int{}
	for _, w := range warnings {
		counts[w.File]++
	}
	shown := map[string]int{}
	var out []files.Warning
	for _, w := range warnings {
		n := counts[w.File] - mostWarnings
		switch shown[w.File]++; {
		case w.File == "" || n <= 0 || shown[w.File] <= mostWarnings:
			out = append(out, w)
		case shown[w.File] == mostWarnings+1:
			out = append(out, files.Warning{File: w.File, Message: fmt.Sprintf("%d more warnings about the file", n)})
		}
	}
	return out
}

// withoutSame replaces the warnings with one text about more than mostSame files, but for the first of them. What is
// lost is always named.
func withoutSame(warnings []files.Warning) []files.Warning {
	type place struct{ message, file string }
	counted := map[place]bool{}
	count := map[string]int{} // files, by message
	for _, w := range warnings {
		if at := (place{w.Message, w.File}); w.File != "" && !w.Lost && !counted[at] {
			counted[at] = true
			count[w.Message]++
		}
	}
	shown := map[string]map[string]bool{} // files, by message
	told := map[string]bool{}
	var out []files.Warning
	for _, w := range warnings {
		more := count[w.Message] - mostSame
		if w.File == "" || w.Lost || more <= 1 {
			out = append(out, w)
			continue
		}
		if shown[w.Message] == nil {
			shown[w.Message] = map[string]bool{}
		}
		switch {
		case shown[w.Message][w.File] || len(shown[w.Message]) < mostSame:
			shown[w.Message][w.File] = true
			out = append(out, w)
		case !told[w.Message]:
			told[w.Message] = true
			out = append(out, files.Warning{Message: fmt.Sprintf("%d more files: %s", more, w.Message)})
		}
	}
	return out
}

// registerCatalogMetrics registers gauges for the size of the catalog and for what could not be read.
func (p *app) registerCatalogMetrics() {
	gauge := func(name, help string, value func(*catalog.Catalog) int) {
		p.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			if cat := p.catalog.Load(); cat != nil {
				return float64(value(cat))
			}
			return 0
		}))
	}
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
func (p *app) catalogCauses(ctx context.Context) []string {
	causes := p.health.catalog.Causes(ctx)
	cat := p.catalog.Load()
	if cat == nil {
		return causes
	}
	lost := cat.Lost()
	for i, w := range lost {
		if i == mostWarnings {
			return append(causes, fmt.Sprintf("%d more cannot be read; run `dxctl doctor` for a list", len(lost)-i))
		}
		causes = append(causes, w.String())
	}
	return causes
}
