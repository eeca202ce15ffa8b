package git

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
)

// HasRepository reports whether a scope is a repository of the source.
func (c *Collector) HasRepository(provider, scope string) bool {
	a, ok := c.targets[scope]
	return ok && a.provider == provider
}

// Revision implements [source.Reviser]: it asks the server for the commit of its default branch, and for nothing else.
func (c *Collector) Revision(ctx context.Context, scope string, _ source.Revision) (source.Revision, error) {
	a, config, err := c.target(ctx, scope)
	if err != nil {
		return source.Revision{}, err
	}
	out, err := c.output(ctx, command{
		args: []string{"ls-remote", "--end-of-options", a.url, "HEAD"}, remote: &a, config: config,
	})
	if err != nil {
		return source.Revision{}, fmt.Errorf("asking for the commit of %s (%s): %w%s", a.scope, a.url, err, c.advice(err))
	}
	commit, _, _ := strings.Cut(string(out), "\t")
	if !shaRule.MatchString(commit) { // an empty repository has no HEAD
		return source.Revision{}, nil
	}
	return source.Revision{Commit: commit}, nil
}

const (
	// archivePrefix begins the names of the directories of archives.
	archivePrefix = "archive-"
	// left is the age at which the directory of an archive is one that a process left that was ended; reading an archive
	// takes minutes.
	left = time.Hour
	// fetchedPerPacked is how many times larger than the archive, which is compressed as a whole, a fetched commit may be;
	// its index may have fetchedIndex bytes beyond that.
	fetchedPerPacked, fetchedIndex = 4, 1 << 20
)

// Archive implements [source.Archiver]. The clone of the source has no contents of files, so that the latest commit is
// fetched, without history, into a directory that is removed. A commit of much more than most bytes is not fetched
// to its end.
func (c *Collector) Archive(ctx context.Context, scope string, most int64) (packed []byte, err error) {
	a, config, err := c.target(ctx, scope)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.directory, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory for clones: %w", err)
	}
	if err := removeLeft(c.directory, time.Now().Add(-left)); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(c.directory, archivePrefix)
	if err != nil {
		return nil, fmt.Errorf("making a directory for the files of %s: %w", scope, err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is removed later
	for _, cmd := range []command{
		{args: []string{"init", "--bare", "--quiet", "--template=", "--initial-branch=main", "--", dir}},
		{
			args: []string{"fetch", "--depth=1", "--no-tags", "--no-recurse-submodules", "--progress", "--end-of-options",
				a.url, "HEAD"},
			dir: dir, remote: &a, config: config,
		},
	} {
		err := bounded(ctx, dir, fetchedPerPacked*most+fetchedIndex, func(ctx context.Context) error {
			_, err := c.output(ctx, cmd)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("fetching the files of %s (%s): %w%s", a.scope, a.url, err, c.advice(err))
		}
	}
	err = c.run(ctx, command{args: []string{"archive", "--format=tar.gz", "--prefix=files/", "FETCH_HEAD"}, dir: dir},
		func(r io.Reader) (err error) {
			packed, err = io.ReadAll(io.LimitReader(r, most+1))
			if err == nil && int64(len(packed)) > most {
				err = fmt.Errorf("the archive has more than %d bytes, which is too large", most)
			}
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("packing the files of %s: %w", scope, err)
	}
	return packed, nil
}

// removeLeft removes the directories of archives that were made before a time.
func removeLeft(directory string, before time.Time) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return fmt.Errorf("looking for files that were left: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), archivePrefix) {
			continue
		}
		info, err := e.Info()
		if err != nil || info.ModTime().After(before) { // another process has removed it, or uses it
			continue
		}
		if err := os.RemoveAll(filepath.Join(directory, e.Name())); err != nil {
			return fmt.Errorf("removing files that were left: %w", err)
		}
	}
	return nil
}

// bounded runs what fetches into a repository, and ends it when the objects there have more than most bytes: git itself
// has no limit for a fetch.
func bounded(ctx context.Context, dir string, most int64, fetch func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tooLarge := fmt.Errorf("the files have more than %d bytes, which is too large", most)
	done := make(chan struct{})
	watching := sync.WaitGroup{}
	watching.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if sizeOf(filepath.Join(dir, "objects")) > most {
					cancel(tooLarge)
					return
				}
			}
		}
	})
	err := fetch(ctx)
	close(done)
	watching.Wait()
	if err == nil && sizeOf(filepath.Join(dir, "objects")) > most {
		return tooLarge
	}
	return err
}

// sizeOf returns the bytes of the files in a directory, without those that go meanwhile.
func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // it is gone, or not there yet
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}

// target returns where a repository of the source is, and the configuration of git with which it is asked.
func (c *Collector) target(ctx context.Context, scope string) (address, [][2]string, error) {
	a, ok := c.targets[scope]
	if !ok {
		return a, nil, fmt.Errorf("repository %q is not configured for source %s", scope, c.cfg.Source)
	}
	config, err := c.reachable(ctx, a)
	if err != nil {
		return a, nil, fmt.Errorf("repository %s: %w", scope, err)
	}
	// The server's own filter is not used: an archive needs all files of one commit.
	return a, slices.Concat(config, [][2]string{{"fetch.fsckObjects", "true"}}), nil
}
