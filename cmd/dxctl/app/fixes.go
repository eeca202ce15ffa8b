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
	"github.com/dxctl/dxctl/collectors/git"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"
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
		Dirs: dirs, Archive: a.archive, Revision: a.revision,
		Unpacked: filepath.Join(a.cfg.Path(a.cfg.Collect.Dir), "archives"), Now: a.now,
	})
	if err != nil {
		return nil, nil, err
	}
	action := &fix.Action{Paths: a.paths, Open: func(ctx context.Context, ref string) (fix.Options, func(), error) {
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
	}, func(ctx context.Context, of preview.Key) (string, error) {
		e, ok := a.catalog.Load().Entity(of.Service)
		if !ok {
			return "", nil
		}
		return opened.Version(ctx, e)
	}, a.now)
	return action, previews, nil
}

// archive returns the files of the repository of a service from the source that covers it; nil if none does.
func (a *App) archive(ctx context.Context, e descriptor.Entity, most int64) (packed []byte, err error) {
	err = a.fromSource(e, func(r *runner.Runner, name, scope string) error {
		packed, err = r.Archive(ctx, name, scope, most)
		return err
	})
	return packed, err
}

// revision returns the commit of the repository of a service from the source that covers it; zero if none can tell.
func (a *App) revision(ctx context.Context, e descriptor.Entity, known repositories.Revision,
) (now repositories.Revision, err error) {
	err = a.fromSource(e, func(r *runner.Runner, name, scope string) error {
		found, err := r.Revision(ctx, name, scope, source.Revision(known))
		now = repositories.Revision(found)
		return err
	})
	return now, err
}

// fromSource calls do with the first source that covers the repository of a service and has its files.
func (a *App) fromSource(e descriptor.Entity, do func(r *runner.Runner, name, scope string) error) error {
	for _, s := range a.cfg.Sources {
		providers := []string{s.Kind}
		if s.Kind == git.Provider { // its repositories are bound under the names of their hosts
			providers = []string{"github", "gitlab", git.Provider}
		}
		for _, provider := range providers {
			for _, scope := range a.scopesOf(s.Name, provider, e.Ref) {
				r, err := a.sourcesRunner()
				if err != nil {
					return err
				}
				if r.Archives(s.Name, provider, scope) {
					return do(r, s.Name, scope)
				}
			}
		}
	}
	return nil
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
	jobs, err := a.JobTimes(ctx, ref)
	if err != nil {
		return o, nil, err
	}
	files, done, err := opened.Open(ctx, e)
	if err != nil {
		return o, nil, err
	}
	o = fix.Options{
		Dir: files.Root, Engine: a.cards, Paths: golden, Defaults: a.cfg.Paths.Defaults, Now: a.now(),
		Entity: e, Known: known, Jobs: jobs,
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
