package create

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/actions/github"
)

// The states of a directory in which a service can be created.
const (
	absent          = "absent"
	empty           = "empty"
	emptyRepository = "an empty git repository"
)

// inspect returns the state of a directory and the root of the git repository that it is in. It returns an error for
// one in which nothing can be created.
func inspect(ctx context.Context, dir string) (state, root string, err error) {
	fail := func(format string, args ...any) (string, string, error) {
		return "", "", fmt.Errorf("looking at "+dir+": "+format, args...)
	}
	root, err = checkout.Inside(dir)
	if err != nil {
		return "", "", err
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(dir); err == nil {
			return fail("it is a symbolic link to nothing; remove it, or name another directory")
		}
		return absent, root, nil
	case err != nil:
		return fail("%w; name another directory", pathCause(err))
	case len(entries) == 0:
		return empty, root, nil
	case len(entries) == 1 && entries[0].Name() == ".git":
		c, err := checkout.Open(dir)
		if err != nil {
			return fail("%w", err)
		}
		defer c.Close() //nolint:errcheck // only read
		if head, err := c.Head(ctx); err != nil || head != "" {
			return fail("its files are deleted, but it has commits (%v); name another directory", cmp.Or(err, nil))
		}
		return emptyRepository, root, nil
	}
	return fail("it is not empty; name a new directory with --dir, or adopt the golden path there with `dxctl fix`")
}

// pathCause returns the cause of an error about a path that the message names already.
func pathCause(err error) error {
	if wrong, ok := errors.AsType[*fs.PathError](err); ok {
		return wrong.Err
	}
	return err
}

// The steps of a creation in a directory.
const (
	stepFiles  = "write the files"
	stepCommit = "make the first commit"
)

// local writes the files into the directory of the journal.
func (a *Action) local(ctx context.Context, p actions.Plan, j *Journal, progress func(actions.Step)) error {
	err := j.step(stepFiles, progress, func() (string, error) { return a.write(ctx, p, j) })
	if err != nil || !j.MadeGit && j.On["directory"] != emptyRepository {
		return err
	}
	return j.step(stepCommit, progress, func() (string, error) { return commit(ctx, p, j) })
}

// write writes the files that are not there yet.
func (a *Action) write(ctx context.Context, p actions.Plan, j *Journal) (string, error) {
	if err := os.MkdirAll(j.Dir, 0o777); err != nil { //nolint:gosec // as for every new directory, the user's mask applies
		return "", fmt.Errorf("making the directory: %w", err)
	}
	c, err := checkout.Open(j.Dir)
	if err != nil {
		return "", err
	}
	defer c.Close() //nolint:errcheck // nothing is buffered
	var changes []checkout.Change
	for _, f := range p.Files {
		there, err := c.Read(f.Path)
		if err != nil {
			return "", err
		}
		// An interrupted attempt has written it. Any other content is refused by Write.
		if there.Content != nil && bytes.Equal(there.Content, f.After) && there.Executable == f.Executable {
			continue
		}
		changes = append(changes, checkout.Change{Path: f.Path, After: f.After, Executable: f.Executable})
	}
	if _, err := c.Write(ctx, changes); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d files in %s", len(p.Files), j.Dir), nil
}

// commit makes the first commit.
func commit(ctx context.Context, p actions.Plan, j *Journal) (string, error) {
	c, err := checkout.Open(j.Dir)
	if err != nil {
		return "", err
	}
	defer c.Close() //nolint:errcheck // nothing is buffered
	if err := c.Init(ctx); err != nil {
		return "", err
	}
	names := make([]string, len(p.Files))
	for i, f := range p.Files {
		names[i] = f.Path
	}
	by := Identity(ctx, j.Dir)
	by.At = j.StartedAt
	head, err := c.Head(ctx)
	if err != nil {
		return "", err
	}
	if head == "" {
		if head, err = c.FirstCommit(ctx, names, message(p), by); err != nil {
			return "", err
		}
	} else if own, err := madeByCreation(ctx, c, p, head, by.At); err != nil {
		return "", err
	} else if !own { // somebody committed while the creation was interrupted
		return fmt.Sprintf("left to you: the repository has the commit %.12s, which dxctl did not make", head), nil
	}
	j.Commits = []string{head}
	return fmt.Sprintf("%.12s on %s by %s", head, checkout.Branch, by.Name), nil
}

// madeByCreation reports whether a commit is the first commit of the creation that began at a time, made by an attempt
// that was interrupted: it has no parents, and its files, message and time are those of the creation.
func madeByCreation(ctx context.Context, c *checkout.Checkout, p actions.Plan, commit string, at time.Time) (
	bool, error) {
	raw, err := checkout.Git(ctx, c.Dir(), "cat-file", "commit", commit)
	if err != nil {
		return false, err
	}
	head, body, _ := strings.Cut(string(raw), "\n\n")
	moment := fmt.Sprintf("> %d +0000", at.Unix())
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "parent":
			return false, nil
		case "tree":
			if value != github.TreeID(p.Files) {
				return false, nil
			}
		case "author", "committer":
			if !strings.HasSuffix(value, moment) {
				return false, nil
			}
		}
	}
	return strings.TrimSpace(body) == strings.TrimSpace(message(p)), nil
}

// unnamed is the author where git has no name of the user: a commit needs one.
var unnamed = checkout.Author{Name: "dxctl", Email: "dxctl@localhost"}

// Identity returns the name and e-mail address with which the user commits in a directory.
func Identity(ctx context.Context, dir string) checkout.Author {
	ask := func(variable, key string) string {
		if value := os.Getenv(variable); value != "" {
			return value
		}
		// `git config --get` reads files and starts nothing.
		cmd := exec.CommandContext(ctx, "git", "config", "--get", key) //nolint:gosec // the keys are ours
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			cmd.Dir = dir
		}
		out, _ := cmd.Output() // without a name, there is none
		return strings.TrimSpace(string(out))
	}
	by := checkout.Author{Name: ask("GIT_AUTHOR_NAME", "user.name"), Email: ask("GIT_AUTHOR_EMAIL", "user.email")}
	if by.Name == "" || by.Email == "" {
		return unnamed
	}
	return by
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// relative returns a directory as a person in the working directory writes it.
func relative(base, dir string) string {
	if rel, err := filepath.Rel(base, dir); err == nil && within(base, dir) {
		return rel
	}
	return dir
}

// within reports whether a directory is another one, or below it.
func within(base, dir string) bool {
	rel, err := filepath.Rel(base, dir)
	return err == nil && filepath.IsLocal(rel)
}
