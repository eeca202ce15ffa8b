package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/scorecards/paths/pathcheck"
)

// adopting returns what `dxctl fix --write` leaves in a directory, for the cases of golden paths.
func adopting(cards scorecards.Set, defaults paths.Defaults, now time.Time) pathcheck.Fixer {
	return func(ctx context.Context, p *paths.Path, a paths.Answers, before paths.Tree) (after paths.Tree, err error) {
		set, err := pathcheck.Set(p, cards)
		if err != nil {
			return nil, err
		}
		engine, err := scorecards.New(set, func() time.Time { return now })
		if err != nil {
			return nil, err
		}
		temporary, err := os.MkdirTemp("", "dxctl-case-")
		if err != nil {
			return nil, fmt.Errorf("writing the case: %w", err)
		}
		defer os.RemoveAll(temporary) //nolint:errcheck // what is left of it is in the directory for temporary files
		// A service without a descriptor is named like its directory.
		dir := filepath.Join(temporary, caseDir(a[p.NameQuestion]))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, fmt.Errorf("writing the case: %w", err)
		}
		if err := writeTree(dir, before); err != nil {
			return nil, fmt.Errorf("writing the case: %w", err)
		}
		plan, err := fix.New(ctx, fix.Options{
			Dir: dir, GoldenPath: p.Name, Answers: a, Engine: engine, Paths: []*paths.Path{p}, Defaults: defaults, Now: now,
		})
		if err != nil {
			return nil, err
		}
		if len(plan.Conflicts) > 0 {
			return nil, fmt.Errorf("%s: %s", plan.Conflicts[0].Path, plan.Conflicts[0].Reason)
		}
		return applied(before, plan), nil
	}
}

// caseDir returns the name of the directory that a case is written to.
func caseDir(service string) string {
	if pathlock.CheckPath(service) != nil || strings.Contains(service, "/") {
		return "service"
	}
	return service
}

// applied returns files with the changes of a plan, without the lock file.
func applied(before paths.Tree, plan *fix.Plan) paths.Tree {
	files := map[string]paths.File{}
	for _, f := range before {
		files[f.Path] = f
	}
	for _, c := range plan.Files {
		switch {
		case c.Path == pathlock.File:
		case c.After == nil:
			delete(files, c.Path)
		default:
			files[c.Path] = paths.File{Path: c.Path, Content: c.After, Executable: c.Executable}
		}
	}
	tree := make(paths.Tree, 0, len(files))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		tree = append(tree, files[name])
	}
	return tree
}
