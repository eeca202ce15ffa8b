// Package github collects from GitHub and GitHub Enterprise: workflow runs with their attempts and jobs, pull requests
// with commits and reviews, deployments with their statuses, and what the repository itself shows (files, default
// branch).
//
// Each repository is a scope with four streams, each with a checkpoint of its own. Every stream begins with one
// conditional request for its newest page; answered 304, nothing is new and nothing more is asked. The first read goes
// newest first. What is pending is either in the checkpoint or can be derived from the store, so a process may stop
// anywhere.
package github

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/github/changes"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/contents"
	"github.com/dxctl/dxctl/collectors/github/deployments"
	"github.com/dxctl/dxctl/collectors/github/issues"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/runs"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = mapping.Provider

// Config is one GitHub source.
type Config struct {
	Source string `yaml:"name"` // its name
	// of the API, or of a GitHub Enterprise server; default https://api.github.com
	URL string `yaml:"url"`
	// needs read access to metadata, contents, actions, deployments and pull requests
	Token               string             `yaml:"token"`
	App                 client.App         `yaml:"app"`                   // a GitHub App instead of a token
	Repositories        []string           `yaml:"repositories"`          // owner/name, or addresses
	Organization        string             `yaml:"organization"`          // every repository of it, in addition to Repositories
	Archived            bool               `yaml:"archived"`              // of the organization, also archived repositories
	Forks               bool               `yaml:"forks"`                 // of the organization, also forks
	Jobs                runs.Jobs          `yaml:"jobs"`                  // default all
	Deployments         deployments.Config `yaml:"deployments"`           // what means a deployment
	Incidents           issues.Config      `yaml:"incidents"`             // issues that are incidents
	Catalog             contents.Config    `yaml:"catalog"`               // descriptors in the repositories
	Since               time.Time          `yaml:"-"`                     // how far back the first read goes; zero: everything
	AllowPrivateNetwork bool               `yaml:"allow_private_network"` // the URL's name may lead into a private network
}

var repositoryRule = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
var ownerRule = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if _, err := client.APIURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	switch hasToken := strings.TrimSpace(c.Token) != ""; {
	case c.App.Configured():
		errs = append(errs, c.App.Validate())
		if hasToken {
			errs = append(errs, errors.New("give token or app, not both"))
		}
	case !hasToken:
		errs = append(errs, errors.New("token is missing: GitHub's GraphQL API answers nobody without one; create a "+
			"fine-grained token with read access to metadata, contents, actions, deployments and pull requests, and give it "+
			"as ${GITHUB_TOKEN}"))
	}
	if len(c.Repositories) == 0 && c.Organization == "" {
		errs = append(errs, errors.New("nothing to collect: give repositories: [owner/name] or organization: name"))
	}
	_, err := c.RepositoryNames()
	errs = append(errs, err)
	if c.Organization != "" && !ownerRule.MatchString(c.Organization) {
		errs = append(errs, fmt.Errorf("organization %q: give its login, as in github.com/<login>", c.Organization))
	}
	errs = append(errs, c.Jobs.Validate(), c.Deployments.Validate(), c.Incidents.Validate(), c.Catalog.Validate())
	return errors.Join(errs...)
}

// RepositoryNames returns the configured repositories as owner/name, without those that cannot be read or come again.
func (c Config) RepositoryNames() ([]string, error) {
	server := "github.com"
	if api, err := client.APIURL(c.URL); err == nil {
		server = strings.TrimPrefix(api.Host, "api.")
	}
	var names []string
	var errs []error
	seen := map[string]bool{}
	for _, r := range c.Repositories {
		name := r
		if !repositoryRule.MatchString(r) {
			var err error
			if name, err = identifier.RepositoryPath(r, mapping.Provider, server); err != nil {
				errs = append(errs, fmt.Errorf("repository %q: %w; write owner/name, or the repository's address", r, err))
				continue
			}
		}
		if seen[strings.ToLower(name)] {
			errs = append(errs, fmt.Errorf("repository %q is listed twice", r))
			continue
		}
		seen[strings.ToLower(name)] = true
		names = append(names, name)
	}
	return names, errors.Join(errs...)
}

// Collector reads one GitHub source. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	*client.Client
	cfg    Config
	listed sync.Map // shownRepository by name in lower case
}

// New returns a collector; it fails when the configuration is not valid.
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
	return &Collector{Base: opt.Base(mapping.Profile, cfg.Source), Client: api, cfg: cfg}, nil
}

// Collect updates a repository. A stream that fails does not hold up the others; the error joins what went
// wrong, each with its stream.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	r := stream.New(c.Base, c.Client, scope, c.cfg.Since, w)
	path := c.cfg.Catalog.DescriptorPath(c.cfg.Organization != "")
	hidden, described := contents.Collect(ctx, r, path, c.shown(scope)) // first: the others need the default branch
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
	return c.WithRights(append(errs, described)...)
}
