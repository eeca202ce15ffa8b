package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/checkout"
)

// settingsTarget is the service whose repository is set up.
type settingsTarget struct {
	entity     string // ref
	repository string // owner/name
	team       string // that owns it, as a team of GitHub; "": not known
	reports    []scorecards.Report
	lock       *pathlock.Lock // nil: none, or not read yet
	collected  bool           // the sources collect the repository as that of the service
	branch     string         // the default one
	record     json.RawMessage
	lockFile   string // path of the lock file in the repository; "": it was read from the checkout
}

// open reads the configuration, and opens the store if there is one.
func (r *settingsRun) open(ctx context.Context, word string) (err error) {
	root := word
	if isDir(word) {
		if root, _, _, err = checkout.Root(word); err != nil {
			return err
		}
	}
	if r.cfg, err = r.actionsConfig(root); err != nil || r.cfg.File == "" {
		return err
	}
	if r.app, err = r.cli.open(ctx, r.cfg, app.Options{Program: settings.Name}); err != nil {
		return fmt.Errorf("opening the store that records the run; nothing was changed: %w", err)
	}
	return nil
}

func isDir(word string) bool {
	info, err := os.Stat(word)
	return isDirectory(word) || err == nil && info.IsDir()
}

// resolve finds the repository of a run, of a directory, or of a service: one of the catalog, or of the repository that
// the command is run in.
func (r *settingsRun) resolve(ctx context.Context, word string) error {
	if r.flags.undo != "" {
		return r.resolveRun(ctx)
	}
	if !isDir(word) && r.app != nil {
		ref, err := findEntity(r.app, word)
		if err != nil {
			return err
		}
		return r.resolveService(ctx, ref)
	}
	dir, err := serviceDirectory(ctx, word)
	if err != nil {
		return err
	}
	return r.resolveDirectory(ctx, dir)
}

// resolveRun finds the repository that a run has changed.
func (r *settingsRun) resolveRun(ctx context.Context) error {
	if r.app == nil {
		return errors.New("--undo: there is no configuration, so that no run is recorded; pass --config")
	}
	run, found, err := r.app.Store.ActionRun(ctx, r.flags.undo)
	switch {
	case err != nil:
		return err
	case !found || run.Action != settings.Name:
		return fmt.Errorf("--undo %s: no such run of settings is recorded; `dxctl actions runs` lists the runs", r.flags.undo)
	}
	r.target.entity, r.target.repository = run.Entity, run.Repository
	return nil
}

// resolveService finds the repository of a service of the catalog.
func (r *settingsRun) resolveService(ctx context.Context, ref string) error {
	entity, _ := r.app.Catalog().Entity(ref)
	repository, err := repositoryOf(ctx, pullRequest{service: entity, repository: r.flags.repository, root: "."},
		r.cfg.Actions.GitHub.URL)
	if err != nil {
		return err
	}
	r.target = settingsTarget{
		entity: ref, repository: repository, team: create.TeamOf(entity.Owner), lockFile: pathlock.File,
		collected: r.flags.repository == "",
	}
	for _, p := range r.app.Catalog().Paths() {
		if p.Service == ref && strings.EqualFold(p.Scope, repository) {
			r.target.lockFile = path.Join(p.Path, pathlock.File)
		}
	}
	r.target.reports, _, err = r.app.GradeService(ctx, ref, false)
	return err
}

// resolveDirectory finds the repository of a checkout.
func (r *settingsRun) resolveDirectory(ctx context.Context, dir string) error {
	read, err := checkout.Read(ctx, dir, r.now())
	if err != nil {
		return err
	}
	if len(read.Services) != 1 {
		return fmt.Errorf("the directory has %d services; name the directory of one", len(read.Services))
	}
	root, _, _, err := checkout.Root(dir)
	if err != nil {
		return err
	}
	service := read.Services[0]
	repository, err := repositoryOf(ctx, pullRequest{service: service.Entity, repository: r.flags.repository, root: root},
		r.cfg.Actions.GitHub.URL)
	if err != nil {
		return err
	}
	r.target = settingsTarget{
		entity: service.Entity.Ref, repository: repository, team: create.TeamOf(service.Entity.Owner),
	}
	lock, err := pathlock.Read(subdirectory(root, service.Dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.target.lock = lock
	cards, _, err := r.scorecardsOf(root)
	if err != nil {
		return err
	}
	engine, err := scorecards.New(cards, r.now)
	if err != nil {
		return err
	}
	book, _, err := r.waiversOf(root)
	if err != nil {
		return err
	}
	engine = engine.WithWaivers(func() *waiver.Book { return book })
	r.target.reports = engine.Grade(service.Entity, service.Facts)
	return nil
}

func subdirectory(root, dir string) fs.FS {
	sub, err := fs.Sub(os.DirFS(root), path.Clean(dir))
	if err != nil { // dir is a path below root: it was read there
		return os.DirFS(root)
	}
	return sub
}

// byFiles are rules that files alone may make pass, so that a setting is not needed.
var byFiles = []string{"workflow-permissions", "security-policy"}

// skip returns the rules of which nothing is set, and why: the lock file declines them, they are waived or do not
// apply, or files make them pass.
func (r *settingsRun) skip(ctx context.Context) (map[string]string, error) {
	skipped := map[string]string{}
	for _, report := range r.target.reports {
		for i := range report.Results {
			x := &report.Results[i]
			switch {
			case x.Outcome == event.Waived:
				skipped[x.Rule] = "waived: " + x.Reason
			case x.Outcome == event.NotApplicable:
				skipped[x.Rule] = "not applicable: " + x.Reason
			case x.Outcome == event.Pass && slices.Contains(byFiles, x.Rule):
				skipped[x.Rule] = "it passes without"
			}
		}
	}
	lock := r.target.lock
	if r.target.lockFile != "" {
		text, err := r.host.File(ctx, r.target.repository, r.target.lockFile)
		if err != nil {
			return nil, err
		}
		if text != nil {
			if lock, err = pathlock.Parse(text, r.target.lockFile); err != nil {
				return nil, fmt.Errorf("reading the lock file of the golden path in %s: %w", r.target.repository, err)
			}
		}
	}
	if lock == nil {
		return skipped, nil
	}
	known := settings.IDs()
	for _, report := range r.target.reports {
		for i := range report.Results {
			known = append(known, report.Results[i].Rule)
		}
	}
	for _, note := range fix.UnknownDeclines(lock, known) {
		fmt.Fprintln(r.err, "dxctl: "+note)
	}
	for _, rule := range settings.IDs() {
		if d := lock.Declines(rule, "", r.now()); d != nil {
			skipped[rule] = d.String()
		}
	}
	return skipped, nil
}
