package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/preview"
	"github.com/dxctl/dxctl/actions/repositories"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// openFixes prepares planning fixes of services of the catalog, on request and in the background.
func (a *App) openFixes() (*fix.Action, *preview.Previews, error) {
	dirs := make([]string, len(a.cfg.Actions.Checkouts))
	for i, dir := range a.cfg.Actions.Checkouts {
		dirs[i] = a.cfg.Path(dir)
	}
	opened, err := repositories.New(repositories.Config{
		Dirs: dirs, Archive: a.archive, Unpacked: filepath.Join(a.cfg.Path(a.cfg.Collect.Dir), "archives"), Now: a.now,
	})
	if err != nil {
		return nil, nil, err
	}
	action := &fix.Action{Open: func(ctx context.Context, ref string) (fix.Options, func(), error) {
		return a.fixOptions(ctx, opened, ref)
	}}
	previews := preview.New(func(ctx context.Context, of preview.Key) (*fix.Plan, error) {
		in := actions.Input{fix.ServiceField: of.Service}
		if of.GoldenPath != "" {
			in[fix.PathField] = of.GoldenPath
		}
		p, err := action.Fixes(ctx, in)
		var choice *fix.ChoiceError
		expected := errors.Is(err, repositories.ErrNoFiles) || errors.As(err, &choice)
		if err != nil && !expected && ctx.Err() == nil {
			a.log.Warn("fixes of a service cannot be planned", "service", of.Service, "error", err)
		}
		return p, err
	}, a.now)
	return action, previews, nil
}

// archive returns the files of the repository of a service from the source that covers it; nil if none does.
func (a *App) archive(ctx context.Context, e descriptor.Entity, most int64) ([]byte, error) {
	for _, s := range a.cfg.Sources {
		for _, scope := range a.scopesOf(s.Name, s.Kind, e.Ref) {
			r, err := a.sourcesRunner()
			if err != nil {
				return nil, err
			}
			if r.Archives(s.Name) {
				return r.Archive(ctx, s.Name, scope, most)
			}
		}
	}
	return nil, nil
}

// fixOptions returns what the fixes of a service are planned with.
func (a *App) fixOptions(ctx context.Context, opened *repositories.Repositories, ref string,
) (o fix.Options, done func(), err error) {
	cat := a.catalog.Load()
	e, ok := cat.Entity(ref)
	if !ok {
		return o, nil, fmt.Errorf("the catalog has no %s", ref)
	}
	golden, err := a.paths(ctx)
	if err != nil {
		return o, nil, err
	}
	known, err := a.knownFacts(ctx, e)
	if err != nil {
		return o, nil, err
	}
	files, done, err := opened.Open(ctx, e)
	if err != nil {
		return o, nil, err
	}
	o = fix.Options{
		Dir: files.Root, Engine: a.cards, Paths: golden, Defaults: a.cfg.Paths.Defaults, Now: a.now(),
		Entity: e, Known: known,
		Pinned: func(_ context.Context, lock *pathlock.Lock) *paths.Path { return pinned(golden, lock) },
	}
	if _, err := os.Lstat(filepath.Join(files.Root, ".git")); err != nil || files.Packed {
		o.Archive = &fix.Archive{Root: files.Root, Commit: files.Commit}
	}
	for _, p := range cat.Paths() {
		dir := filepath.Join(files.Root, filepath.FromSlash(p.Path))
		if info, err := os.Stat(dir); p.Service == ref && filepath.IsLocal(p.Path) && err == nil && info.IsDir() {
			o.Dir = dir
		}
	}
	return o, done, nil
}
