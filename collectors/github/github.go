// Package github collects from GitHub and GitHub Enterprise: workflow runs with their attempts and jobs, pull requests
// with commits and reviews, deployments with their statuses, incidents from issues, and what a repository shows of
// itself. It has the configuration and the order of a collect; the work is in its children.
//
// Each repository is a scope. A collect reads first what the repository shows (package contents), because the streams
// need its default branch, and then the streams concurrently: runs, changes, deployments, issues. Each has a checkpoint
// of its own, begins with a conditional request, and ends if nothing is new. The first collect reads newest first. What
// is pending is in the checkpoint or can be derived from the store, so that a process can stop anywhere.
package github

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/dxctl/dxctl/collectors/github/changes"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/contents"
	"github.com/dxctl/dxctl/collectors/github/deployments"
	"github.com/dxctl/dxctl/collectors/github/issues"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/runs"
	"github.com/dxctl/dxctl/collectors/github/settings"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/collectors/source"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = mapping.Provider

// Collector collects a GitHub source. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	cfg    Config
	api    *client.Client
	listed sync.Map // shownRepository by name in lower case
	// defaults are the files that repositories inherit from their owners.
	defaults contents.Defaults
}

// New returns a collector. It fails if the configuration is invalid.
func New(cfg Config, opt source.Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	var err error
	if cfg.Repositories, err = cfg.RepositoryNames(); err != nil {
		return nil, err
	}
	if file := cfg.App.PrivateKeyFile; file != "" && !filepath.IsAbs(file) {
		cfg.App.PrivateKeyFile = filepath.Join(opt.Dir, file)
	}
	api, err := client.New(client.Config{
		URL:                 cfg.URL,
		Token:               cfg.Token,
		App:                 cfg.App,
		UserAgent:           opt.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
	}, opt.REST())
	if err != nil {
		return nil, err
	}
	return &Collector{Base: opt.Base(mapping.Profile, cfg.Source), cfg: cfg, api: api}, nil
}

// Observe sets the observer of requests and waits.
func (c *Collector) Observe(o rest.Observer) { c.api.Observe(o) }

// Collect reads what is new of a repository. A stream that fails does not hold up the others; the error joins the
// errors of the streams.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	r := stream.New(c.Base, c.api, scope, c.cfg.Since, w)
	path := c.cfg.Catalog.DescriptorPath(c.cfg.Organization != "")
	var err error
	if r.Subjects, err = servicefacts.Bindings(ctx, w, Provider, scope); err != nil {
		return err
	}
	// The contents come first, because the others need the default branch.
	hidden, described := contents.Collect(ctx, r, path, c.shown(scope), &c.defaults)
	if described != nil {
		needed := c.cfg.Jobs == runs.DefaultBranchJobs || !rest.Faulty(described)
		if described = fmt.Errorf("repository: %w", described); r.DefaultBranch == "" && needed {
			return described
		}
	}
	streams := []struct {
		name    string
		collect func(context.Context) error
	}{
		{"runs", func(ctx context.Context) error { return runs.Collect(ctx, r, c.cfg.Jobs) }},
		{"changes", func(ctx context.Context) error { return changes.Collect(ctx, r) }},
		{"deployments", func(ctx context.Context) error { return deployments.Collect(ctx, r, c.cfg.Deployments) }},
		{"settings", func(ctx context.Context) error { return settings.Collect(ctx, r, c.Production) }},
		{"incidents", func(ctx context.Context) error { return issues.Collect(ctx, r, c.cfg.Incidents) }},
	}
	errs := make([]error, len(streams))
	var wg sync.WaitGroup
	for i, s := range streams {
		wg.Go(func() {
			if err := s.collect(ctx); err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.name, err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if hidden != nil && len(client.MissingRights(errs...)) > 0 {
		errs = append(errs, hidden)
	}
	return c.api.WithRights(append(errs, described)...)
}

// Archive implements [source.Archiver].
func (c *Collector) Archive(ctx context.Context, scope string, most int64) ([]byte, error) {
	return c.api.Archive(ctx, scope, "", most)
}

// Revision implements [source.Reviser]. A request that finds nothing new does not count against the rate limit.
func (c *Collector) Revision(ctx context.Context, scope string, known source.Revision) (source.Revision, error) {
	commit, tag, notModified, err := c.api.Revision(ctx, scope, known.ETag)
	if err != nil || notModified {
		return known, err
	}
	return source.Revision{Commit: commit, ETag: tag}, nil
}

// Retract stores that nothing is known any longer of what a repository showed of itself.
func (c *Collector) Retract(ctx context.Context, scope string, w source.Writer) error {
	r := stream.New(c.Base, c.api, scope, c.cfg.Since, w)
	return errors.Join(contents.Retract(ctx, r), settings.Retract(ctx, r))
}
