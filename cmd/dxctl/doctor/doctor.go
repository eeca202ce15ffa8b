// Package doctor checks everything that dxctl depends on: the engine, the stored data, the catalog, the scorecards, and
// the sources with their credentials.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/store"
)

// sourceCheckTimeout is how long doctor waits for a source to answer.
const sourceCheckTimeout = 20 * time.Second

// sourceCheckAttempts is how often doctor tries a source that cannot be reached. It is low, so that doctor can report
// the cause before sourceCheckTimeout.
const sourceCheckAttempts = 3

// Examine runs every check. A check that depends on one that failed is left out. Nothing is created or changed. load
// reads the configuration; if it fails, nothing else is checked. opt is what a command would open an App with.
func Examine(ctx context.Context, load func() (config.Config, error), opt app.Options) Findings {
	var found Findings
	cfg, err := load()
	if err != nil {
		found.problem("configuration", err)
		return found
	}
	if cfg.File == "" {
		found.warn("configuration", "no dx.yaml found; using the defaults (run `dxctl init` to write one)")
	} else {
		found.ok("configuration", "%s", cfg.File)
	}
	cat := found.examineStored(ctx, cfg, opt)
	engine := found.examineScorecards(cfg, cat)
	found.examineInbox(cfg)
	found.examineSources(ctx, cfg, opt, cat, engine)
	return found
}

// examineScorecards reports the files that cannot be used, and what is probably not meant. cat may be nil. It returns
// what grades; nil if that cannot be used.
func (f *Findings) examineScorecards(cfg config.Config, cat *catalog.Catalog) *scorecards.Engine {
	set, err := scorecards.Load(cfg.Scorecards, cfg.Dir)
	if err != nil {
		f.problem("scorecards", err)
		return nil
	}
	for _, b := range set.Broken {
		for _, p := range b.Problems {
			f.problem("scorecards", p)
		}
	}
	if len(set.Cards) > 0 {
		f.ok("scorecards", "%s", rulesOf(set.Cards))
	}
	warnings := scorecards.Unmatched(cfg.Scorecards, cfg.Dir)
	engine, err := scorecards.New(set, nil)
	if err != nil {
		f.problem("scorecards", err)
		engine = nil
	}
	if engine != nil && cat != nil {
		warnings = append(warnings, engine.Warnings(cat.Entities())...)
		book := app.Waivers(cfg, cat)
		for _, w := range engine.WithWaivers(func() *waiver.Book { return book }).WaiverWarnings(cat) {
			f.warn("waivers", "%s", w)
		}
	}
	for _, w := range warnings {
		f.warn("scorecards", "%s", w)
	}
	campaigns := app.Campaigns(cfg, set)
	for _, text := range campaigns.Texts() {
		f.warn("campaigns", "%s", text)
	}
	return engine
}

// rulesOf returns how many rules there are: "26 rules: production-readiness 14, delivery 12".
func rulesOf(cards []scorecards.Scorecard) string {
	all := 0
	parts := make([]string, len(cards))
	for i, card := range cards {
		all += len(card.Rules)
		parts[i] = fmt.Sprintf("%s %d", card.Name, len(card.Rules))
	}
	noun := "rules"
	if all == 1 {
		noun = "rule"
	}
	return fmt.Sprintf("%d %s: %s", all, noun, strings.Join(parts, ", "))
}

// examineInbox reports the deliveries that were set aside, and damaged parts of the inbox.
func (f *Findings) examineInbox(cfg config.Config) {
	texts, err := app.SetAside(cfg)
	if err != nil {
		f.problem("inbox", err)
	}
	for _, text := range texts {
		f.warn("inbox", "%s", text)
	}
}

// examineCollected reports the failures of the latest collects, until one succeeds.
func (f *Findings) examineCollected(ctx context.Context, st *store.Store, cfg config.Config) {
	info, err := st.Info(ctx)
	if err != nil || info.SchemaVersion < catalog.FoundSchema {
		return // the schema has a finding of its own
	}
	problems, err := app.SourceProblems(ctx, st, cfg)
	if err != nil {
		f.problem("collect", err)
	}
	for _, found := range problems {
		if check := "collect " + found.Source; found.Skipped {
			f.warn(check, "%s", found)
		} else {
			f.problem(check, errors.New(found.String()))
		}
	}
}

// examineSources checks whether every source answers and accepts the credentials. cat and
// engine may be nil.
func (f *Findings) examineSources(ctx context.Context, cfg config.Config, opt app.Options, cat *catalog.Catalog,
	engine *scorecards.Engine) {
	if len(cfg.Sources) == 0 {
		f.warn("sources", "none configured; add one under `sources:` in dx.yaml")
		return
	}
	var entities []descriptor.Entity
	switch {
	case cat != nil && engine != nil:
		entities = engine.Graded(cat)
	case cat != nil:
		entities = cat.Services()
	}
	graded := func() []descriptor.Entity { return entities }
	list, err := collectors.All(cfg.Sources, app.CollectorOptions(cfg, opt, graded, nil))
	if err != nil {
		f.problem("sources", err)
		return
	}
	for _, c := range list {
		check := "source " + c.Source()
		scopes, err := examineSource(ctx, c)
		if err != nil {
			f.problem(check, err)
			continue
		}
		f.ok(check, "%s, %d scopes", c.Provider(), scopes)
	}
}

// examineSource returns the number of scopes of a source that answers.
func examineSource(ctx context.Context, c source.Collector) (int, error) {
	ctx, cancel := context.WithTimeout(rest.WithMaxAttempts(ctx, sourceCheckAttempts), sourceCheckTimeout)
	defer cancel()
	err := c.Check(ctx)
	var scopes []string
	if err == nil {
		scopes, err = c.Scopes(ctx, source.NoState{})
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s: %w", sourceCheckTimeout, err)
	}
	return len(scopes), err
}
