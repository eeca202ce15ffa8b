// Package circleci collects from CircleCI (API v2), cloud and server: the workflows of a project's pipelines, their
// jobs, and the deployments among them.
//
// A project is a scope. A run is a workflow, and its id is the pipeline's number with the workflow's name. Running a
// workflow again makes another workflow of the same name in the same pipeline: attempts are numbered in the order in
// which they were created, and while a pipeline is watched a number once stored is kept. A pipeline that failed before
// it had a workflow, because its configuration could not be read, is a failed run too.
//
// The pipelines are read newest first. The API has no list of workflows, so each pipeline costs a request and each
// workflow one for its jobs. A pipeline whose workflows have all ended is asked for again a few times within some days,
// ever more rarely, because people run things again and no list shows that.
package circleci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "circleci"

var profile = source.Profile{
	Provider: Provider,
	Product:  "CircleCI",
	Epoch:    time.Date(2011, 9, 1, 0, 0, 0, 0, time.UTC),
}

// Config is one CircleCI source.
type Config struct {
	Source string `yaml:"name"` // its name
	// of CircleCI, or of a CircleCI server; default https://circleci.com
	URL string `yaml:"url"`
	// a personal API token of an account that sees the projects
	Token string `yaml:"token"`
	// project slugs: github/org/repo, bitbucket/org/repo, circleci/org-id/project-id
	Projects []string `yaml:"projects"`
	// which workflows and jobs are deployments; the first rule that matches decides
	Deployments []DeploymentRule `yaml:"deployments"`
	// how far back the first read goes; zero: everything
	Since               time.Time `yaml:"-"`
	AllowPrivateNetwork bool      `yaml:"allow_private_network"` // the URL's name may lead into a private network
}

var slugRule = regexp.MustCompile(`^[a-z]+/[^/\s]+/[^/\s]+$`)

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if _, _, err := addresses(c.URL); err != nil {
		errs = append(errs, err)
	}
	if strings.TrimSpace(c.Token) == "" {
		errs = append(errs, errors.New("token is missing: create a personal API token under User Settings in CircleCI and "+
			"give it as ${CIRCLECI_TOKEN}"))
	}
	if len(c.Projects) == 0 {
		errs = append(errs, errors.New("nothing to collect: give projects: [github/org/repo]"))
	}
	seen := map[string]bool{}
	for _, p := range c.Projects {
		slug := fullSlug(p)
		if !slugRule.MatchString(slug) {
			errs = append(errs, fmt.Errorf("project %q: give its slug as Project Settings shows it, such as github/org/repo, "+
				"or its address", p))
		}
		if seen[strings.ToLower(slug)] {
			errs = append(errs, fmt.Errorf("project %q is listed twice", p))
		}
		seen[strings.ToLower(slug)] = true
	}
	for i, r := range c.Deployments {
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("deployments[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// fullSlug is a slug with the long name of the place where the code lives: CircleCI takes gh for github and bb for
// bitbucket. An address names the slug as in annotations.
func fullSlug(slug string) string {
	slug = strings.Trim(strings.TrimSpace(slug), "/")
	if strings.ContainsAny(slug, ":@") {
		if named, err := identifier.CircleSlug(slug); err == nil {
			slug = named
		}
	}
	if rest, ok := strings.CutPrefix(slug, "gh/"); ok {
		return "github/" + rest
	}
	if rest, ok := strings.CutPrefix(slug, "bb/"); ok {
		return "bitbucket/" + rest
	}
	return slug
}

// Collector reads one CircleCI source. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	*rest.API
	cfg    Config
	web    string // likewise
	digest string // of the rules, to notice that they have changed
}

// New returns a collector; it fails when the configuration is not valid.
func New(cfg Config, opt source.Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	address, web, err := addresses(cfg.URL)
	if err != nil {
		return nil, err
	}
	// CircleCI does not publish its limit; it answers 429 with Retry-After, which is obeyed.
	restCfg := rest.Config{
		BaseURL:             address,
		Token:               cfg.Token,
		AuthHeader:          "Circle-Token",
		UserAgent:           opt.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
		PerSecond:           12,
		Burst:               60,
	}
	if !cloud(address.Hostname()) {
		restCfg.PerSecond, restCfg.Burst = 50, 100
	}
	api, err := rest.NewAPI(restCfg, opt.REST(), rest.APIConfig{Product: profile.Product, Hint: hintFor})
	if err != nil {
		return nil, err
	}
	return &Collector{
		Base:   opt.Base(profile, cfg.Source),
		API:    api,
		cfg:    cfg,
		web:    web,
		digest: digest(cfg.Deployments),
	}, nil
}

func cloud(host string) bool {
	host = strings.ToLower(host)
	return host == "circleci.com" || strings.HasSuffix(host, ".circleci.com")
}

// addresses are where the API is and where people look, each with a slash at the end. People give the address they
// know.
func addresses(configured string) (api *url.URL, web string, err error) {
	u, err := rest.ParseBaseURL(cmp.Or(configured, "https://circleci.com"), "https://circleci.example.com")
	if err != nil {
		return nil, "", err
	}
	rest.SetPath(u, strings.TrimSuffix(u.Path, "api/v2/"))
	web = u.String()
	if cloud(u.Hostname()) {
		u.Host, u.Path, web = "circleci.com", "/", "https://app.circleci.com/"
	}
	u.Path += "api/v2/"
	return u, web, nil
}

// Slugs returns the full slugs of the configured projects, sorted.
func (c Config) Slugs() []string {
	slugs := make([]string, len(c.Projects))
	for i, p := range c.Projects {
		slugs[i] = fullSlug(p)
	}
	slices.Sort(slugs)
	return slugs
}

// Scopes lists the configured projects, by full slug.
func (c *Collector) Scopes(context.Context, source.StateStore) ([]string, error) {
	return c.cfg.Slugs(), nil
}

// Check says whether CircleCI takes the token and shows the projects to it.
func (c *Collector) Check(ctx context.Context) error {
	var ignored struct{}
	if _, err := c.Get(ctx, "me", "", &ignored); err != nil {
		return fmt.Errorf("asking CircleCI whose token it is: %w", err)
	}
	var errs []error
	for _, p := range c.cfg.Projects {
		if _, err := c.Get(ctx, "project/"+escapeSlug(fullSlug(p)), "", &ignored); err != nil {
			errs = append(errs, fmt.Errorf("project %s: %w", p, err))
		}
	}
	return errors.Join(errs...)
}
