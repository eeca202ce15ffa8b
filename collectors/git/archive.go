package git

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

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

// Archive implements [source.Archiver]. The clone of the source has no contents of files, so that the latest commit is
// fetched, without history, into a directory that is removed.
func (c *Collector) Archive(ctx context.Context, scope string, most int64) (packed []byte, err error) {
	a, config, err := c.target(ctx, scope)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.directory, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory for clones: %w", err)
	}
	dir, err := os.MkdirTemp(c.directory, "archive-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for the files of %s: %w", scope, err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left has a name that nothing else uses
	for _, cmd := range []command{
		{args: []string{"init", "--bare", "--quiet", "--template=", "--initial-branch=main", "--", dir}},
		{
			args: []string{"fetch", "--depth=1", "--no-tags", "--no-recurse-submodules", "--progress", "--end-of-options",
				a.url, "HEAD"},
			dir: dir, remote: &a, config: config,
		},
	} {
		if _, err := c.output(ctx, cmd); err != nil {
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
