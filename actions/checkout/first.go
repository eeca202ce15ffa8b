package checkout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Author is who makes a commit, and when.
type Author struct {
	Name, Email string
	At          time.Time
}

// Branch is the branch of a new repository.
const Branch = "main"

// cacheBatch is how many files a command of git adds to the index: systems limit the length of a command.
const cacheBatch = 100

// Init makes a git repository of the directory, unless it is one. No template of the user or the system is copied, so
// that there are no hooks.
func (c *Checkout) Init(ctx context.Context) error {
	if !c.git {
		env := isolated(c.dir)
		if _, err := run(ctx, c.dir, env, "init", "--quiet", "--template=", "--initial-branch="+Branch); err != nil {
			return fmt.Errorf("making a git repository of %s: %w", c.dir, err)
		}
		c.git, c.top, c.base = true, c.dir, "."
	}
	return nil
}

// Head returns the commit that is checked out; "" if there is none yet.
func (c *Checkout) Head(ctx context.Context) (string, error) {
	out, err := Git(ctx, c.dir, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
	var exit *ExitError
	if errors.As(err, &exit) && exit.Code == 1 {
		return "", nil
	}
	return strings.TrimSpace(string(out)), err
}

// FirstCommit commits files of the work tree, as they are, to the branch of a repository that has no commit, and
// returns the commit. The same files, author and message give the same commit. No filter, hook or signing program runs,
// whatever .gitattributes and the configuration say.
func (c *Checkout) FirstCommit(ctx context.Context, names []string, message string, by Author) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("committing to %s: %w", c.dir, err) }
	switch head, err := c.Head(ctx); {
	case err != nil:
		return fail(err)
	case head != "":
		return fail(fmt.Errorf("it has the commit %.12s already", head))
	}
	env := isolated(c.dir)
	if err := c.index(ctx, env, names); err != nil {
		return fail(err)
	}
	tree, err := run(ctx, c.dir, env, "write-tree")
	if err != nil {
		return fail(err)
	}
	at := fmt.Sprintf("%d +0000", by.At.Unix())
	env = append(env, "GIT_AUTHOR_NAME="+by.Name, "GIT_AUTHOR_EMAIL="+by.Email, "GIT_AUTHOR_DATE="+at,
		"GIT_COMMITTER_NAME="+by.Name, "GIT_COMMITTER_EMAIL="+by.Email, "GIT_COMMITTER_DATE="+at)
	out, err := run(ctx, c.dir, env, "commit-tree", "-m", message, strings.TrimSpace(string(tree)))
	if err != nil {
		return fail(err)
	}
	commit := strings.TrimSpace(string(out))
	// HEAD and not refs/heads/main: a repository that was empty may have been made with another branch.
	if _, err := run(ctx, c.dir, env, "update-ref", "HEAD", commit, strings.Repeat("0", len(commit))); err != nil {
		return fail(err)
	}
	return commit, nil
}

// index puts files into the index, with their bytes as they are.
func (c *Checkout) index(ctx context.Context, env, names []string) error {
	for len(names) > 0 {
		batch := names[:min(cacheBatch, len(names))]
		names = names[len(batch):]
		hash := []string{"hash-object", "-w", "--no-filters", "--"}
		out, err := run(ctx, c.dir, env, append(hash, batch...)...)
		if err != nil {
			return err
		}
		ids := strings.Fields(string(out))
		if len(ids) != len(batch) {
			return fmt.Errorf("git stored %d of %d files", len(ids), len(batch))
		}
		add := []string{"update-index", "--add"}
		for i, name := range batch {
			file, err := c.Read(name)
			if err != nil {
				return err
			}
			mode := "100644"
			if file.Executable {
				mode = "100755"
			}
			add = append(add, "--cacheinfo", mode+","+ids[i]+","+name)
		}
		if _, err := run(ctx, c.dir, env, add...); err != nil {
			return err
		}
	}
	return nil
}

// Inside returns the root of the git repository that a directory is in; "" if it is in none. The directory need not
// exist.
func Inside(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("looking for the repository of %s: %w", dir, err)
	}
	for {
		_, err := os.Lstat(filepath.Join(at, ".git"))
		if err == nil {
			return at, nil
		}
		// Above a file there is no directory, and git does not look into what may not be read.
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !isNotDir(err) {
			return "", fmt.Errorf("looking for the repository of %s: %w", dir, err)
		}
		parent := filepath.Dir(at)
		if parent == at {
			return "", nil
		}
		at = parent
	}
}

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
