package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/scorecards"
)

// git runs git in a directory and returns what it prints.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	if dir == "" {
		dir = "."
	}
	//nolint:gosec // the user's own repository; revisions are resolved to ids first, paths come after a colon
	cmd := exec.CommandContext(ctx, "git",
		append([]string{"-C", dir, "--no-pager", "-c", "core.fsmonitor=false"}, args...)...)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(problem.String()); text != "" {
			return "", errors.New("git: " + text)
		}
		return "", fmt.Errorf("git: %w", err)
	}
	return out.String(), nil
}

// inGit reports whether a directory is in a repository of git that has a commit.
func inGit(ctx context.Context, dir string) bool {
	_, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	return err == nil
}

// scorecardsAt returns the scorecards that the configuration names, as they are in a revision; the built-in ones if it
// names none, or none of them is in the revision.
func scorecardsAt(ctx context.Context, cfg config.Config, revision string) (scorecards.Set, error) {
	commit, err := git(ctx, cfg.Dir, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		return scorecards.Set{}, fmt.Errorf("%s is in no git repository, or the repository has no such revision; fetch it, "+
			"or name another one with --base", cfg.File)
	}
	commit = strings.TrimSpace(commit)
	listed, err := git(ctx, cfg.Dir, "ls-tree", "-r", "-z", "--name-only", commit)
	if err != nil {
		return scorecards.Set{}, err
	}
	var found []scorecards.File
	for name := range strings.SplitSeq(listed, "\x00") {
		named := false
		for _, pattern := range cfg.Scorecards.Files {
			if filepath.IsAbs(pattern) || strings.HasPrefix(filepath.Clean(pattern), "..") {
				return scorecards.Set{}, fmt.Errorf("scorecards.files: %s is outside the directory of %s; only files below it "+
					"are read from a revision", pattern, cfg.File)
			}
			ok, err := doublestar.Match(filepath.ToSlash(filepath.Clean(pattern)), name)
			named = named || ok && err == nil
		}
		if !named || name == "" {
			continue
		}
		text, err := git(ctx, cfg.Dir, "cat-file", "blob", commit+":./"+name)
		if err != nil {
			return scorecards.Set{}, err
		}
		found = append(found, scorecards.File{Name: revision + ":" + name, Data: []byte(text)})
	}
	return scorecards.LoadRevision(cfg.Scorecards, found)
}
