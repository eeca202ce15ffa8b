// Package gitlab collects from GitLab, hosted or one's own: pipelines with their jobs, merge requests, deployments and
// environments.
//
// Each project is a scope with three streams, each with a checkpoint of its own. Every stream begins with one
// conditional request for its newest page; answered 304, nothing is new and nothing more is asked. The first read goes
// newest first; after it, what was updated is asked for. Jobs are read in bulk and give the runs their times.
package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/gitlab/contents"
	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/collectors/gitlab/settings"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/collectors/source"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = mapping.Provider

// Jobs selects the pipelines whose jobs are stored. Unless it is none, all jobs are read, for the times of the runs.
type Jobs string

// The choices for Jobs.
const (
	AllJobs           Jobs = "all"
	DefaultBranchJobs Jobs = "default-branch"
	NoJobs            Jobs = "none"
)

// more reports whether jobs are stored that were not by the earlier choice.
func (j Jobs) more(before Jobs) bool {
	rank := map[Jobs]int{NoJobs: 0, DefaultBranchJobs: 1, AllJobs: 2}
	return rank[j] > rank[before]
}

var profile = source.Profile{Provider: Provider, Product: "GitLab", Epoch: time.Date(2011, 10, 1, 0, 0, 0, 0, time.UTC)}

// Config is one GitLab source.
type Config struct {
	Source string `yaml:"name"` // its name
	// of the server or its API; default https://gitlab.com
	URL      string   `yaml:"url"`
	Token    string   `yaml:"token"`    // with the scope read_api
	Projects []string `yaml:"projects"` // paths (group/project), addresses or numeric ids
	// every project of these groups and their subgroups: paths or numeric ids
	Groups   []string `yaml:"groups"`
	Archived bool     `yaml:"archived"` // of groups, also archived projects
	Jobs     Jobs     `yaml:"jobs"`     // default all
	// jobs that mean a deployment without GitLab knowing an environment
	Deployments []mapping.DeploymentRule `yaml:"deployments"`
	// how far back the first read goes; zero: everything
	Since               time.Time `yaml:"-"`
	AllowPrivateNetwork bool      `yaml:"allow_private_network"` // the URL's name may lead into a private network
}

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if _, err := apiURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if strings.TrimSpace(c.Token) == "" {
		errs = append(errs, errors.New("token is missing: create a project, group or personal access token with the scope "+
			"read_api and give it as ${GITLAB_TOKEN}"))
	}
	if len(c.Projects) == 0 && len(c.Groups) == 0 {
		errs = append(errs, errors.New("nothing to collect: give projects: [group/project] or groups: [group]"))
	}
	projects, err := c.ProjectPaths()
	errs = append(errs, err, validateNames("project", projects), validateNames("group", c.Groups))
	switch c.Jobs {
	case "", AllJobs, DefaultBranchJobs, NoJobs:
	default:
		errs = append(errs, fmt.Errorf("jobs %q: give all, default-branch or none", string(c.Jobs)))
	}
	for i, r := range c.Deployments {
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("deployments[%d]: %w", i, err))
		}
	}
	if len(c.Deployments) > 0 && c.Jobs == NoJobs {
		errs = append(errs, errors.New("deployments rules need jobs, and jobs is none"))
	}
	return errors.Join(errs...)
}

// ProjectPaths returns the configured projects by path or numeric id, without those whose addresses cannot be read.
func (c Config) ProjectPaths() ([]string, error) {
	server := "gitlab.com"
	if api, err := apiURL(c.URL); err == nil {
		server = api.Host
	}
	var names []string
	var errs []error
	for _, p := range c.Projects {
		if strings.ContainsAny(p, ":@") {
			path, err := identifier.RepositoryPath(p, mapping.Provider, server)
			if err != nil {
				errs = append(errs, fmt.Errorf("project %q: %w; write group/name, or the project's address", p, err))
				continue
			}
			p = path
		}
		names = append(names, p)
	}
	return names, errors.Join(errs...)
}

func validateNames(what string, names []string) error {
	var errs []error
	seen := map[string]bool{}
	for _, n := range names {
		if strings.Trim(n, "/") != n || strings.ContainsAny(n, " \t\n?#%\\") || strings.Contains(n, "//") || n == "" {
			errs = append(errs, fmt.Errorf("%s %q: write its path as in its address (group/name), or its numeric id", what, n))
		}
		if key := strings.ToLower(n); seen[key] {
			errs = append(errs, fmt.Errorf("%s %q is listed twice", what, n))
		} else {
			seen[key] = true
		}
	}
	return errors.Join(errs...)
}

// Collector reads one GitLab source. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	*listing.Client
	cfg   Config
	known sync.Map // scope → projectInfo
	// archives makes the client of [Collector.Archive], whose answers are no JSON and have at most so many bytes.
	archives func(most int64) (*rest.Client, error)
}

// New returns a collector; it fails when the configuration is not valid.
func New(cfg Config, opt source.Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Jobs == "" {
		cfg.Jobs = AllJobs
	}
	address, err := apiURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Projects, err = cfg.ProjectPaths(); err != nil {
		return nil, err
	}
	restCfg := rest.Config{
		BaseURL:             address,
		Token:               cfg.Token,
		AuthHeader:          "PRIVATE-TOKEN",
		UserAgent:           opt.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
	}
	restCfg.PerSecond, restCfg.Burst = budget(address)
	base := opt.Base(profile, cfg.Source)
	api, err := rest.NewAPI(
		restCfg,
		opt.REST(),
		rest.APIConfig{Product: profile.Product, Hint: hintFor, OddType: base.OddType},
	)
	if err != nil {
		return nil, err
	}
	c := &Collector{Base: base, Client: &listing.Client{API: api}, cfg: cfg}
	c.archives = func(most int64) (*rest.Client, error) {
		cfg := restCfg
		cfg.MaxBody, cfg.AnyBody = most, true
		return rest.New(cfg, opt.REST())
	}
	return c, nil
}

// budget returns the request budget of a server. gitlab.com allows 600 requests a minute for listings of jobs, the
// least of what is used here; other servers answer 429 at the limit that their administrator has set.
func budget(base *url.URL) (perSecond float64, burst int) {
	if strings.EqualFold(base.Hostname(), "gitlab.com") {
		return 9, 60
	}
	return 100, 100
}

// apiURL is where the REST API is, with a slash at the end. A server's web address means its API.
func apiURL(configured string) (*url.URL, error) {
	u, err := rest.ParseBaseURL(cmp.Or(configured, "https://gitlab.com"), "https://gitlab.example.com")
	if err != nil {
		return nil, err
	}
	rest.SetPath(u, strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/api/v4")+"/api/v4")
	return u, nil
}

// hintFor returns what to do about a request that is refused with the status; empty: nothing is known.
func hintFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the token is no longer valid; create another with the scope read_api and set it as the source's token"
	case http.StatusForbidden:
		return "the token may not read this; it needs the scope read_api and at least the role Reporter in the project"
	case http.StatusNotFound:
		return "it does not exist, or the token may not see it"
	}
	return ""
}

// Check reports whether the server can be reached and every configured project and group can be read.
func (c *Collector) Check(ctx context.Context) error {
	var errs []error
	for _, p := range c.cfg.Projects {
		if _, err := c.Read(ctx, "projects/"+url.PathEscape(p), "", &projectInfo{}); err != nil {
			errs = append(errs, fmt.Errorf("project %s: %w", p, err))
		}
		if ctx.Err() != nil || errors.Is(errors.Join(errs...), rest.ErrUnauthorized) {
			break
		}
	}
	for _, g := range c.cfg.Groups {
		if errors.Is(errors.Join(errs...), rest.ErrUnauthorized) {
			break
		}
		if _, err := c.Read(
			ctx,
			"groups/"+url.PathEscape(g)+"/projects?per_page=1&simple=true",
			"",
			&[]projectInfo{},
		); err != nil {
			errs = append(errs, fmt.Errorf("group %s: %w", g, err))
		}
	}
	return errors.Join(errs...)
}

// Collect updates a project. A stream that fails does not block the others; the error joins what went
// wrong, each with its stream.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	info, err := c.lookup(ctx, scope)
	if err != nil {
		return fmt.Errorf("project: %w", err)
	}
	p := &project{
		Project: &listing.Project{
			Base:   c.Base,
			Client: c.Client,
			Writer: w,
			Name:   scope,
			WebURL: info.WebURL,
			Since:  c.cfg.Since,
		},
		Mapper: mapping.NewMapper(c.cfg.Source, scope, c.Unrecognized),
		cfg:    c.cfg,
		info:   info,
		path:   fmt.Sprintf("projects/%d", info.ID),
	}
	if s := w.Since(); !s.IsZero() && (p.Since.IsZero() || s.Before(p.Since)) {
		p.Since = s
	}
	subjects, err := servicefacts.Bindings(ctx, w, Provider, scope)
	if err != nil {
		return err
	}
	streams := []struct {
		name    string
		collect func(context.Context) error
	}{
		{"contents", func(ctx context.Context) error { return contents.Collect(ctx, p.contents(subjects)) }},
		{"settings", func(ctx context.Context) error { return settings.Collect(ctx, p.settings(subjects)) }},
		{pipelinesStream, p.pipelines},
		{changesStream, p.changes},
		{deploymentsStream, p.deployments},
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
	return errors.Join(errs...)
}

// Retract stores that nothing is known any longer of what a project showed of itself.
func (c *Collector) Retract(ctx context.Context, scope string, w source.Writer) error {
	p := &project{Project: &listing.Project{Base: c.Base, Client: c.Client, Writer: w, Name: scope}}
	return errors.Join(contents.Retract(ctx, p.contents(nil)), settings.Retract(ctx, p.settings(nil)))
}

func (p *project) contents(subjects []servicefacts.Subject) contents.Project {
	return contents.Project{
		Project:       p.Project,
		Path:          p.path,
		DefaultBranch: p.info.DefaultBranch,
		CreatedAt:     p.info.CreatedAt.Time,
		Archived:      p.info.Archived,
		Subjects:      subjects,
	}
}

func (p *project) settings(subjects []servicefacts.Subject) settings.Project {
	return settings.Project{
		Project:       p.Project,
		Path:          p.path,
		DefaultBranch: p.info.DefaultBranch,
		Subjects:      subjects,
		Production:    p.Production,
	}
}

// project is one Collect of one scope.
type project struct {
	*listing.Project
	mapping.Mapper
	cfg  Config
	info projectInfo
	path string // of the API: projects/<id>
}
