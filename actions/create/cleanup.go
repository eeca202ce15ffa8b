package create

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/actions/github"
)

// Leftover is what a creation made and a cleanup deletes.
type Leftover struct {
	// Confirm is what a person types to delete it: the full name of the repository, or the directory.
	Confirm string
	Deletes []string // what is deleted, an item each
	Foreign []string // what stops it: what dxctl did not make, a sentence each
	// repository is nil in a directory, and if the creation did not get as far as a repository.
	repository *github.Created
}

// Leftover looks at what a creation has made. Nothing is deleted.
func (a *Action) Leftover(ctx context.Context, j *Journal) (Leftover, error) {
	if j.Wanted != "" {
		return a.hostedLeftover(ctx, j)
	}
	return localLeftover(ctx, j)
}

func (a *Action) hostedLeftover(ctx context.Context, j *Journal) (Leftover, error) {
	left := Leftover{Confirm: j.Wanted}
	host, err := a.hostOf()
	if err != nil {
		return left, err
	}
	found, err := host.Find(ctx, j.Wanted)
	if err != nil || found == nil {
		return left, err
	}
	ours := slices.Concat(j.Commits, []string{j.Pushed})
	switch {
	case j.Repository == nil && j.Sent:
		// The answer to its creation was lost.
		in, err := j.DecodeInput(a.Descriptor())
		if err != nil {
			return left, err
		}
		if ours, err = a.ours(ctx, host, found, in.Text(DescriptionField), j); err != nil {
			if !errors.Is(err, github.ErrForeign) {
				return left, err
			}
			left.Foreign = append(left.Foreign, err.Error())
			return left, nil
		}
	case j.Repository == nil:
		left.Foreign = append(left.Foreign, fmt.Sprintf("%s was not created by this creation", found.FullName))
		return left, nil
	case j.Repository.ID != found.ID:
		left.Foreign = append(left.Foreign, fmt.Sprintf("%s is another repository than the one that was created (id %d, "+
			"not %d)", found.FullName, found.ID, j.Repository.ID))
		return left, nil
	}
	left.repository, left.Confirm = found, found.FullName
	left.Deletes = append(left.Deletes, fmt.Sprintf("the repository %s, with everything in it", found.HTMLURL))
	left.Foreign, err = host.Foreign(ctx, found, ours)
	return left, err
}

func localLeftover(ctx context.Context, j *Journal) (Leftover, error) {
	left := Leftover{Confirm: filepath.Base(j.Dir)}
	if _, err := os.Lstat(j.Dir); errors.Is(err, fs.ErrNotExist) {
		return left, nil
	}
	c, err := checkout.Open(j.Dir)
	if err != nil {
		return left, err
	}
	defer c.Close() //nolint:errcheck // only read
	if c.IsGit() && (j.MadeGit || j.On["directory"] == emptyRepository) {
		foreign, err := foreignCommit(ctx, c, j)
		if err != nil {
			return left, err
		}
		if foreign != "" {
			left.Foreign = append(left.Foreign, foreign)
		}
	}
	err = fs.WalkDir(c.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".git" && j.MadeGit && e.IsDir():
			left.Deletes = append(left.Deletes, filepath.Join(j.Dir, ".git"))
			return fs.SkipDir
		case name == ".git":
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		}
		wanted, ours := j.Files[name]
		file, err := c.Read(name)
		switch {
		case err != nil || !ours:
			left.Foreign = append(left.Foreign, filepath.Join(j.Dir, name)+" was not written by dxctl")
		case hash(file.Content) != wanted:
			left.Foreign = append(left.Foreign, filepath.Join(j.Dir, name)+" was changed since")
		default:
			left.Deletes = append(left.Deletes, filepath.Join(j.Dir, name))
		}
		return nil
	})
	if err != nil {
		return left, fmt.Errorf("looking at %s: %w", j.Dir, err)
	}
	return left, nil
}

// foreignCommit names a commit of any branch, tag or stash that dxctl did not make; "" if there is none.
func foreignCommit(ctx context.Context, c *checkout.Checkout, j *Journal) (string, error) {
	out, err := checkout.Git(ctx, c.Dir(), "rev-list", "--all", "--max-count=10")
	if err != nil {
		return "", err
	}
	for commit := range strings.FieldsSeq(string(out)) {
		switch {
		case slices.Contains(j.Commits, commit):
		case !slices.Contains(j.Done, stepCommit):
			return fmt.Sprintf("%s has the commit %.12s, which may be that of this creation: let it end with --resume first",
				c.Dir(), commit), nil
		default:
			return fmt.Sprintf("%s has the commit %.12s", c.Dir(), commit), nil
		}
	}
	return "", nil
}

// Clean deletes what a creation has made, and its journal. It refuses, with an error that wraps [github.ErrForeign], if
// there is something that dxctl did not make.
func (a *Action) Clean(ctx context.Context, j *Journal) error {
	left, err := a.Leftover(ctx, j)
	if err != nil {
		return err
	}
	if len(left.Foreign) > 0 {
		return fmt.Errorf("cleaning up %s: %w: %s", left.Confirm, github.ErrForeign, strings.Join(left.Foreign, "; "))
	}
	switch {
	case left.repository != nil:
		host, err := a.hostOf()
		if err != nil {
			return err
		}
		if err := host.Delete(ctx, left.repository, slices.Concat(j.Commits, []string{j.Pushed})); err != nil {
			return err
		}
	case j.Wanted == "":
		if err := cleanDir(ctx, j); err != nil {
			return err
		}
	}
	return j.remove()
}

// cleanDir deletes the files that were written, the repository if it was made, and the directories that are left empty.
func cleanDir(ctx context.Context, j *Journal) error {
	root, err := os.OpenRoot(j.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is buffered
	dirs := map[string]bool{}
	for name := range j.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := root.Remove(filepath.FromSlash(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cleaning up: %w", err)
		}
		for dir := filepath.Dir(filepath.FromSlash(name)); dir != "."; dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
	if j.MadeGit {
		if err := root.RemoveAll(".git"); err != nil {
			return fmt.Errorf("cleaning up: %w", err)
		}
	}
	for _, dir := range slices.Backward(slices.Sorted(maps.Keys(dirs))) {
		_ = root.Remove(dir) // one that is not empty stays
	}
	if j.MadeDir {
		_ = os.Remove(j.Dir)
	}
	return nil
}

// Equal reports whether the text that a person typed confirms a cleanup.
func (l Leftover) Equal(typed string) bool {
	return bytes.Equal([]byte(strings.TrimSpace(typed)), []byte(l.Confirm))
}
