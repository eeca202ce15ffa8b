// Package git knows what a deployment changed by the history of the repository: it keeps a bare clone without file
// contents, and finds for every deployment the commits that no earlier one of that service in that environment held. No
// API is asked. Where services share a repository, a commit counts for those whose directories it touches.
//
// The git binary does the reading, in few processes: go-git holds far more memory on large histories, is slower, and
// knows no partial clones.
//
// A scope is a repository. Nothing is fetched while no deployment names a commit that the clone lacks.
package git

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Provider is the kind of this source. Its events carry [Config.Provider] instead: whose repositories these are.
const Provider = "git"

var profile = source.Profile{Provider: Provider, Product: "git", Epoch: time.Date(2005, 4, 7, 0, 0, 0, 0, time.UTC)}

// Config is one git source.
type Config struct {
	Source string `yaml:"name"` // its name
	// whose repositories these are: github, gitlab, or another source's kind; scopes are those of its changes
	Hosted string `yaml:"provider"`
	// where repositories given as owner/name are; default: the provider's public address
	URL          string       `yaml:"url"`
	Repositories []Repository `yaml:"repositories"` // owner/name, or addresses that git understands
	// goes with the token; default: what the provider expects
	User                string `yaml:"user"`
	Token               string `yaml:"token"`                 // read access to contents; over http and https only
	Dir                 string `yaml:"dir"`                   // for clones; default: Options.CloneDir
	AllowPrivateNetwork bool   `yaml:"allow_private_network"` // a repository's host may be in a private network
}

var wordRule = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if c.Hosted != "" && !wordRule.MatchString(c.Hosted) {
		errs = append(errs, fmt.Errorf("provider %q: give the kind of the source that has the repositories' changes: "+
			"github, gitlab", c.Hosted))
	}
	if c.URL != "" {
		if _, err := parseAddress(c.URL); err != nil {
			errs = append(errs, fmt.Errorf("url: %w", err))
		}
	}
	if len(c.Repositories) == 0 {
		errs = append(errs, errors.New("nothing to collect: give repositories: [owner/name]"))
	}
	seen := map[string]bool{}
	for _, r := range c.Repositories {
		a, err := c.address(r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if c.Token != "" && a.scheme != "https" && a.scheme != "http" {
			errs = append(errs, fmt.Errorf("repository %q: a token is only given over https; %s has credentials of its own: "+
				"use a source of its own for it", r.text(), a.scheme))
		}
		if seen[strings.ToLower(a.scope)] {
			errs = append(errs, fmt.Errorf("repository %q is listed twice", a.scope))
		}
		seen[strings.ToLower(a.scope)] = true
	}
	if strings.ContainsAny(c.Token+c.User, "\r\n\x00") {
		errs = append(errs, errors.New("token and user: give them without line breaks"))
	}
	return errors.Join(errs...)
}

// Options are what a Collector needs from outside; each may be left out, but for CloneDir where the configuration has
// none.
type Options struct {
	source.Options
	Binary   string        // git; default: found in PATH
	Patience time.Duration // git that says nothing for so long is ended; default 5 minutes
}

// Collector reads one git source. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	cfg       Config
	opt       Options
	directory string
	scopes    []string
	targets   map[string]address // by scope
	observer  atomic.Pointer[rest.Observer]
}

// New returns a collector; it fails when the configuration is not valid or no git is installed.
func New(cfg Config, opt Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Collector{
		Base:      opt.Base(profile, cfg.Source),
		cfg:       cfg,
		opt:       opt,
		directory: cfg.Dir,
		targets:   map[string]address{},
	}
	if c.directory == "" {
		c.directory = opt.CloneDir
	}
	if c.directory == "" {
		return nil, errors.New("dir is missing: set it to the directory for clones")
	}
	directory, err := filepath.Abs(filepath.Join(c.directory, cfg.Source))
	if err != nil {
		return nil, fmt.Errorf("directory %q: %w", c.directory, err)
	}
	c.directory = directory
	if c.opt.Binary == "" {
		if c.opt.Binary, err = exec.LookPath("git"); err != nil {
			return nil, fmt.Errorf("git is not installed, or not in PATH: install it (version 2.31 or later): %w", err)
		}
	}
	if c.opt.Patience <= 0 {
		c.opt.Patience = 5 * time.Minute
	}
	for _, r := range cfg.Repositories {
		a, err := cfg.address(r)
		if err != nil {
			return nil, err
		}
		c.scopes = append(c.scopes, a.scope)
		c.targets[a.scope] = a
	}
	return c, nil
}

// Observe sets who is told about requests: each exchange of git with a server counts as one.
func (c *Collector) Observe(o rest.Observer) { c.observer.Store(&o) }

// Derived is true: what a deployment delivered is determined once the deployment is stored.
func (c *Collector) Derived() bool { return true }

// Scopes are the configured repositories.
func (c *Collector) Scopes(context.Context, source.StateStore) ([]string, error) {
	return c.scopes, nil
}

// Check says whether git is recent enough and every repository can be read.
func (c *Collector) Check(ctx context.Context) error {
	if err := c.checkVersion(ctx); err != nil {
		return err
	}
	var errs []error
	for _, scope := range c.scopes {
		if _, err := c.remoteRefs(ctx, c.targets[scope]); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (c *Collector) checkVersion(ctx context.Context) error {
	out, err := c.output(ctx, command{args: []string{"version"}})
	if err != nil {
		return err
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(out), "git version %d.%d", &major, &minor); err != nil {
		return fmt.Errorf("%s says %q instead of its version", c.opt.Binary, strings.TrimSpace(string(out)))
	}
	if major < 2 || major == 2 && minor < 31 {
		return fmt.Errorf("git %d.%d is too old: install 2.31 or later", major, minor)
	}
	return nil
}
