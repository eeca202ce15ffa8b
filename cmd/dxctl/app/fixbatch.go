package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/repository/setting"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// FixRequest is which fixes of a service are planned, with files that were read without git.
type FixRequest struct {
	Entity     descriptor.Entity
	Root       string // directory with the files of the repository
	Commit     string // that they are of
	Rules      []string
	GoldenPath string
	Answers    map[string]string
	Paths      []*paths.Path // see [GoldenPaths]
	Resolve    func(ctx context.Context, repository, tag string) (edits.Action, error)
}

// PlanFix plans the fixes of a service of the catalog.
func (a *App) PlanFix(ctx context.Context, r FixRequest) (*fix.Plan, error) {
	known, err := a.knownFacts(ctx, r.Entity)
	if err != nil {
		return nil, err
	}
	jobs, err := a.JobTimes(ctx, r.Entity.Ref)
	if err != nil {
		return nil, err
	}
	return fix.New(ctx, fix.Options{
		Dir: r.Root, Archive: &fix.Archive{Root: r.Root, Commit: r.Commit}, Rules: r.Rules, GoldenPath: r.GoldenPath,
		Answers: r.Answers, Engine: a.cards, Paths: r.Paths, Defaults: a.cfg.Paths.Defaults, Now: a.now(),
		Entity: r.Entity, Known: known, Resolve: r.Resolve, Jobs: jobs,
		Pinned: func(_ context.Context, lock *pathlock.Lock) *paths.Path { return pinned(r.Paths, lock) },
	})
}

// KnownSettings returns the settings of the repository of a service that were collected after a time; the others are
// unknown. workflows is whether the repository has workflows; nil: it is not known.
func (a *App) KnownSettings(ctx context.Context, e descriptor.Entity, after time.Time) (
	known setting.Settings, workflows *bool, err error) {
	stored, err := a.knownFacts(ctx, e)
	if err != nil {
		return setting.Settings{}, nil, err
	}
	maps.DeleteFunc(stored, func(_ string, f event.Fact) bool { return !f.ObservedAt.After(after) })
	var count float64
	f := stored[workflowsFact] // without a value if there is none
	valid := f.Error == "" && (f.ExpiresAt.IsZero() || a.now().Before(f.ExpiresAt))
	if valid && json.Unmarshal(f.Value, &count) == nil {
		has := count > 0
		workflows = &has
	}
	return setting.FromFacts(stored, a.now()), workflows, nil
}

// workflowsFact is how many workflows a repository has.
const workflowsFact = "repository.workflows.count"

// pinned returns the version of a golden path that a lock file records, if it is at hand. No repository is fetched for
// a lock file, which anybody may have written.
func pinned(golden []*paths.Path, lock *pathlock.Lock) *paths.Path {
	shipped, _ := paths.Builtin() // a path of the configuration may have taken the name
	for _, p := range slices.Concat(golden, shipped) {
		if p.Digest == lock.Path.Digest {
			return p
		}
	}
	return nil
}

// knownFacts returns the facts of an entity that are stored, and those of the catalog.
func (a *App) knownFacts(ctx context.Context, e descriptor.Entity) (map[string]event.Fact, error) {
	observed := a.catalog.Load().ServiceFacts(e, a.now())
	asked, err := facts.Of(ctx, a.Store.Reader(), []string{e.Ref}, nil)
	if err != nil {
		return nil, err
	}
	stored, err := facts.Read(ctx, asked, observed)
	if err != nil {
		return nil, err
	}
	return stored.Of(e.Ref, observed), nil
}
