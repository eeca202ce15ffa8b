package app

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/actions/waive"
	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/spelling"
)

// GoldenPaths returns the golden paths of the configuration and of the binary.
func GoldenPaths(ctx context.Context, cfg config.Config) ([]*paths.Path, error) {
	return paths.All(ctx, cfg.Paths, cfg.Dir)
}

// CreateDeps returns what the action create needs of the configuration. Nothing in it writes.
func CreateDeps(cfg config.Config) create.Deps {
	return create.Deps{
		Path: func(ctx context.Context, name string) (*paths.Path, error) {
			return paths.Find(ctx, name, cfg.Paths, cfg.Dir)
		},
		Defaults:  cfg.Paths.Defaults,
		Now:       time.Now,
		GitHubURL: cfg.Actions.GitHub.URL,
	}
}

// goldenPaths are the golden paths of the configuration and of the binary. They are read once, at the first plan: no
// request makes the server fetch a git repository again.
type goldenPaths struct {
	mu  sync.Mutex
	all []*paths.Path
}

// paths returns the golden paths.
func (a *App) paths(ctx context.Context) ([]*paths.Path, error) {
	a.golden.mu.Lock()
	defer a.golden.mu.Unlock()
	if a.golden.all == nil {
		found, err := GoldenPaths(ctx, a.cfg)
		if err != nil {
			return nil, err
		}
		a.golden.all = found
	}
	return a.golden.all, nil
}

// path returns the golden path of a name.
func (a *App) path(ctx context.Context, name string) (*paths.Path, error) {
	all, err := a.paths(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(all))
	for i, p := range all {
		if names[i] = p.Name; p.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("unknown golden path %q%s", name, spelling.Hint(name, names))
}

// Actions returns the actions that can be planned over HTTP. Their plans look at no directory that a request names, and
// not at GitHub with the credentials of actions.
func (a *App) Actions(fixes *fix.Action) (actions.Set, error) {
	deps := CreateDeps(a.cfg)
	deps.Now, deps.Taken, deps.Unowned, deps.Path, deps.Paths = a.now, a.Taken, a.Unowned, a.path, a.paths
	deps.Surroundings = func(owner string) create.Surroundings { return a.Surroundings(owner, "") }
	waivers := &waive.Action{Now: a.now, Find: func(_ context.Context, ref string) (waive.Target, error) {
		cards, err := scorecards.Load(a.cfg.Scorecards, a.cfg.Dir)
		if err != nil {
			return waive.Target{}, err
		}
		return waive.Of(ref, a.cfg.Scorecards.Waivers, a.cfg.Dir, cards)
	}}
	return actions.NewSet(create.New(deps), fixes, &settings.Action{}, waivers)
}

// Taken returns where the catalog describes an entity; "" if it does not.
func (a *App) Taken(ref string) string {
	if e, ok := a.catalog.Load().Entity(ref); ok {
		return files.Position(e.File, e.Line)
	}
	return ""
}

// CreateCommands returns what a person does after a creation, by the configuration.
func (a *App) CreateCommands(p actions.Plan, t create.Target) []actions.Command {
	next := []actions.Command{{Line: "dxctl grade " + t.Name, Why: "see its grades"}}
	pages := github.PagesURL(a.cfg.Actions.GitHub.URL)
	if t.Repository != nil && a.cfg.Sources.Covers(pages, t.Repository.FullName()) == "" {
		return append(next, actions.Command{Line: "dxctl doctor", Why: "after you have added " + t.Repository.FullName() +
			" to a source of dx.yaml: none collects it"})
	}
	return next
}

// descriptorFile is the file of a service that describes it.
const descriptorFile = "catalog-info.yaml"

// described returns the descriptor of a service that was created, as the source stores it that collects the repository,
// or else under [catalog.CreatedSource].
func (a *App) described(j *create.Journal, document string) event.Descriptor {
	d := event.Descriptor{
		Source: catalog.CreatedSource, Provider: catalog.CreatedSource, Scope: "created",
		Location: j.Dir + "/" + descriptorFile, Document: document, ObservedAt: a.now().UTC(),
	}
	if j.Repository == nil {
		return d
	}
	full := j.Repository.FullName
	d.Location, d.URL = full+"/"+descriptorFile, j.Repository.HTMLURL+"/blob/"+github.Branch+"/"+descriptorFile
	if source := a.cfg.Sources.Covers(github.PagesURL(a.cfg.Actions.GitHub.URL), full); source != "" {
		d.Source, d.Provider, d.Scope, d.Location = source, "github", full, descriptorFile
	}
	return d
}

// Created stores a service that was created: it is in the catalog, and counts as waiting for its first deployment,
// before any source has read it.
func (a *App) Created(ctx context.Context, p actions.Plan, j *create.Journal) error {
	document := ""
	for _, f := range p.Files {
		if f.Path == descriptorFile {
			document = string(f.After)
		}
	}
	if document == "" {
		return nil // the golden path describes nothing
	}
	d := a.described(j, document)
	events := []event.Event{d}
	if d.Source != catalog.CreatedSource {
		// The source covers the repository, which has had no deployment: it is seconds old.
		began := cmp.Or(j.Repository.CreatedAt.UTC(), j.StartedAt)
		events = append(events, event.LedgerEntry{
			Source: d.Source, Provider: d.Provider, Scope: d.Scope, Of: event.KindDeployment, WindowStart: began,
			WindowEnd: laterOf(began, a.now().UTC()), CheckedAt: a.now().UTC(), URL: j.Repository.HTMLURL,
		})
	}
	return a.storeCreated(ctx, p.Entity, events...)
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// storeCreated stores events of a service and grades it.
func (a *App) storeCreated(ctx context.Context, ref string, events ...event.Event) error {
	if err := a.Store.Append(ctx, events...); err != nil {
		return err
	}
	if err := a.loadCatalog(ctx); err != nil {
		return err
	}
	if err := a.Sync(ctx); err != nil {
		return err
	}
	if _, ok := a.catalog.Load().Entity(ref); !ok {
		return nil
	}
	if _, err := a.grade(ctx, []string{ref}); err != nil {
		return fmt.Errorf("grading %s: %w", ref, err)
	}
	return nil
}

// Removed stores that the creation of a service was undone.
func (a *App) Removed(ctx context.Context, j *create.Journal, run event.ActionRun) error {
	return a.storeCreated(ctx, run.Entity, a.described(j, ""), run)
}
