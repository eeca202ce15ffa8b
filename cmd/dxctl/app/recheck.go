package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/links"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/scorecards"
)

const (
	// recheckFor is how long the sources of a service may take when somebody waits for its grade.
	recheckFor = 30 * time.Second
	// recheckAttempts is how often a request is tried then.
	recheckAttempts = 2
)

// GradeService grades one entity and stores what changed. With recheck, it first reads what the configured sources have
// about it: of each source only the scopes that the catalog binds to the entity. The warnings say which source could
// not be read; the entity is then graded by the facts that are stored.
func (a *App) GradeService(ctx context.Context, ref string, recheck bool) (
	reports []scorecards.Report, warnings []error, err error) {
	if err := a.Sync(ctx); err != nil {
		return nil, nil, err
	}
	if recheck {
		if warnings, err = a.recheck(ctx, ref); err != nil {
			return nil, warnings, err
		}
	}
	reports, err = a.grade(ctx, []string{ref})
	return reports, warnings, err
}

// recheck reads what the sources have about an entity.
func (a *App) recheck(ctx context.Context, ref string) (warnings []error, err error) {
	if !a.collects() {
		return nil, nil
	}
	r, err := a.sourcesRunner()
	if err != nil {
		return nil, err
	}
	type target struct {
		source string
		scopes []string
	}
	var targets []target
	for _, s := range a.cfg.Sources {
		if !slices.Contains(a.cfg.Sources.ReceiveOnly(), s.Name) {
			targets = append(targets, target{s.Name, a.scopesOf(s.Name, s.Kind, ref)})
		}
	}
	if len(a.cfg.Facts.LinkHosts) > 0 { // last: some links are facts of another source
		targets = append(targets, target{links.Source, []string{ref}})
	}
	for _, t := range targets {
		if len(t.scopes) == 0 {
			continue
		}
		limited, cancel := context.WithTimeout(source.Recheck(rest.WithMaxAttempts(ctx, recheckAttempts)), recheckFor)
		_, err := r.Run(limited, runner.RunOptions{Source: t.source, Scopes: t.scopes})
		late := limited.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return warnings, ctx.Err()
		case late:
			warnings = append(warnings, fmt.Errorf("reading %s from the source %s took longer than %s; the grade is of the "+
				"facts that are stored", strings.Join(t.scopes, ", "), t.source, recheckFor))
		case err != nil && !rest.OnlySkipped(err):
			warnings = append(warnings, fmt.Errorf("reading the source %s: %w; the grade is of the facts that are stored",
				t.source, firstLine(err)))
		}
	}
	return warnings, nil
}

// scopesOf returns the scopes of a source that the catalog binds to an entity, and those of sources that are asked
// about services.
func (a *App) scopesOf(source, kind, ref string) []string {
	cat := a.catalog.Load()
	scopes := map[string]bool{}
	for _, b := range cat.Bindings() {
		if b.Service == ref && b.Provider == kind && (b.Source == "" || b.Source == source) {
			scopes[b.Scope] = true
		}
	}
	for _, p := range cat.Paths() {
		if p.Service == ref && p.Provider == kind {
			scopes[p.Scope] = true
		}
	}
	for _, scope := range a.cfg.Sources.ServiceScopes(source, ref) {
		scopes[scope] = true
	}
	list := make([]string, 0, len(scopes))
	for scope := range scopes {
		list = append(list, scope)
	}
	slices.Sort(list)
	return list
}

// firstLine returns the first of several joined errors.
func firstLine(err error) error {
	text, _, more := strings.Cut(err.Error(), "\n")
	if !more {
		return err
	}
	return errors.New(text)
}
