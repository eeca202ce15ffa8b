package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// pathsOf returns the golden paths of --config, $DXCTL_CONFIG, or dx.yaml at the root of the repository, and the
// directory that they are relative to. Whoever wrote the repository wrote its dx.yaml, so that one counts only as far
// as its directories are in the repository: git is not started for an address that it names.
func (s *cli) pathsOf(root string) (paths.Config, string, error) {
	if file := cmp.Or(s.configFile, os.Getenv("DXCTL_CONFIG")); file != "" {
		cfg, err := config.Load(file)
		return cfg.Paths, filepath.Dir(file), err
	}
	file := filepath.Join(root, "dx.yaml")
	if info, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return paths.Config{}, root, nil
	}
	cfg, err := config.Load(file)
	if err != nil {
		return paths.Config{}, root, err
	}
	own := cfg.Paths
	own.Sources = slices.DeleteFunc(slices.Clone(own.Sources), func(source paths.Source) bool {
		err := checkout.Plain(root, filepath.Join(root, source.Dir))
		if source.Git == "" && filepath.IsLocal(source.Dir) && err == nil {
			return false
		}
		fmt.Fprintf(s.err, "dxctl: dx.yaml of the repository names the golden paths of %s, which are outside of it; to use "+
			"them, pass --config dx.yaml\n", cmp.Or(source.Git, source.Dir))
		return true
	})
	return own, root, nil
}

// actionsConfig returns the configuration by which something is written to a host: that of --config or $DXCTL_CONFIG,
// else the one of the working directory, unless the repository contains it. Whoever wrote the repository could
// otherwise send our credentials to a server of theirs.
func (s *cli) actionsConfig(root string) (config.Config, error) {
	file, err := s.foundConfig()
	if err != nil {
		return config.Default(), err
	}
	if named := cmp.Or(s.configFile, os.Getenv("DXCTL_CONFIG")); file == "" || named == "" && within(root, file) {
		return config.Default(), nil
	}
	return config.Load(file)
}

// within reports whether a file is in a directory, also if links lead there.
func within(dir, file string) bool {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return true
	}
	for _, name := range []string{absolute, resolved(absolute)} {
		for _, root := range []string{dir, resolved(dir)} {
			if rel, err := filepath.Rel(root, name); err == nil && filepath.IsLocal(rel) {
				return true
			}
		}
	}
	return false
}

func resolved(name string) string {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		return target
	}
	return name
}
