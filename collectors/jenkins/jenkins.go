// Package jenkins collects from Jenkins: the builds of every job that is found from the root through folders and
// multibranch projects, the deployments among them, and the stages of pipelines where they are asked for.
//
// A scope is a job by its full name. A multibranch project is one scope, with its branches inside: that is what people
// mean by the job, and branches come and go. The listing of a folder tells the newest build of every job in it, so that
// one request says of many scopes that nothing is new. The first read goes newest first.
package jenkins

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "jenkins"

var profile = source.Profile{Provider: Provider, Product: "Jenkins", Epoch: time.Date(2005, 2, 1, 0, 0, 0, 0, time.UTC)}

// Config is one Jenkins source.
type Config struct {
	Source string `yaml:"name"` // its name
	URL    string `yaml:"url"`  // the address of Jenkins, as a person opens it
	// whose API token it is; empty with Token: read without credentials
	User  string `yaml:"user"`
	Token string `yaml:"token"` // the user's API token
	// full names of jobs or folders, with * and **, or addresses of their pages; empty: every job that the user sees
	Projects []string `yaml:"projects"`
	Exclude  []string `yaml:"exclude"` // the same, of what is left out
	// read the stages of pipelines: one more request a build
	Stages bool `yaml:"stages"`
	// which builds are deployments; the first rule that matches decides
	Deployments []DeploymentRule `yaml:"deployments"`
	// how far back the first read goes; zero: everything
	Since               time.Time `yaml:"-"`
	AllowPrivateNetwork bool      `yaml:"allow_private_network"` // the URL's name may lead into a private network
}

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if _, err := baseURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	switch {
	case c.User == "" && c.Token != "":
		errs = append(errs, errors.New("user is missing: Jenkins takes an API token only together with the user whose it is"))
	case c.User != "" && strings.TrimSpace(c.Token) == "":
		errs = append(errs, errors.New("token is missing: create an API token on the user's Security page in Jenkins and "+
			"give it as ${JENKINS_TOKEN}"))
	case strings.Contains(c.User, ":"):
		errs = append(errs, fmt.Errorf("user %q: give the user's id, which has no colon; the token has its own key", c.User))
	}
	for _, p := range append(append([]string{}, c.Projects...), c.Exclude...) {
		if strings.Contains(p, "://") {
			if _, err := identifier.JenkinsJob(strings.TrimSpace(p)); err != nil {
				errs = append(errs, fmt.Errorf("project %q: %w", p, err))
			}
		}
		if strings.Trim(p, "/ ") == "" {
			errs = append(errs, fmt.Errorf("project %q: give a job's or folder's full name, such as team/service or team/**", p))
		}
	}
	for i, r := range c.Deployments {
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("deployments[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// Collector reads one Jenkins. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	*rest.API
	cfg    Config
	rules  []compiledRule
	rulesD string // digest of the rules, to notice that they have changed
	only   []glob
	except []glob

	mu      sync.Mutex
	targets map[string]target // by scope, of the latest listing
}

// New returns a collector; it fails when the configuration is not valid.
func New(cfg Config, opt source.Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	address, err := baseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	// One's own server, often a slow one: few requests at a time, and no more than a busy person with a browser.
	restCfg := rest.Config{
		BaseURL:             address,
		UserAgent:           opt.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
		MaxConcurrent:       4,
		PerSecond:           25,
		Burst:               50,
	}
	if cfg.User != "" {
		restCfg.AuthPrefix = "Basic "
		restCfg.Token = base64.StdEncoding.EncodeToString([]byte(cfg.User + ":" + cfg.Token))
	}
	base := opt.Base(profile, cfg.Source)
	api, err := rest.NewAPI(
		restCfg,
		opt.REST(),
		rest.APIConfig{Product: profile.Product, Hint: hintFor, OddType: base.OddType},
	)
	if err != nil {
		return nil, err
	}
	c := &Collector{Base: base, API: api, cfg: cfg, targets: map[string]target{},
		only: compileAll(cfg.Projects), except: compileAll(cfg.Exclude)}
	c.rules, c.rulesD = compileRules(cfg.Deployments)
	return c, nil
}

// baseURL is where Jenkins is, with a slash at the end.
func baseURL(configured string) (*url.URL, error) {
	u, err := rest.ParseBaseURL(configured, "https://jenkins.example.com")
	if err != nil {
		return nil, err
	}
	rest.SetPath(u, strings.TrimSuffix(strings.Trim(u.Path, "/"), "api/json"))
	return u, nil
}

// Check says whether Jenkins answers and shows the user any job.
func (c *Collector) Check(ctx context.Context) error {
	var root node
	if _, err := c.get(ctx, nil, "jobs[_class,name]", "", &root); err != nil {
		return err
	}
	if len(root.Jobs) == 0 {
		return fmt.Errorf("%s answers, but shows no job: %s", c.BaseURL(), rights)
	}
	return nil
}
