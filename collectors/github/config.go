package github

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/contents"
	"github.com/dxctl/dxctl/collectors/github/deployments"
	"github.com/dxctl/dxctl/collectors/github/issues"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/runs"
)

// Config configures a GitHub source.
type Config struct {
	Source string `yaml:"name"` // name of the source
	// address of the API, or of a GitHub Enterprise server; default https://api.github.com
	URL string `yaml:"url"`
	// with read access to metadata, contents, actions, deployments and pull requests
	Token               string             `yaml:"token"`
	App                 client.App         `yaml:"app"`                   // a GitHub App instead of a token
	Repositories        []string           `yaml:"repositories"`          // owner/name, or addresses
	Organization        string             `yaml:"organization"`          // or user; its repositories are collected in addition
	Archived            bool               `yaml:"archived"`              // collect archived repositories of the organization, too
	Forks               bool               `yaml:"forks"`                 // collect forks of the organization, too
	Jobs                runs.Jobs          `yaml:"jobs"`                  // default all
	Deployments         deployments.Config `yaml:"deployments"`           // which records are deployments
	Incidents           issues.Config      `yaml:"incidents"`             // which issues are incidents
	Catalog             contents.Config    `yaml:"catalog"`               // whether descriptors are collected
	Since               time.Time          `yaml:"-"`                     // how far back the first read goes; zero: everything
	AllowPrivateNetwork bool               `yaml:"allow_private_network"` // the host of URL may resolve to a private address
}

var (
	repositoryRule = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	ownerRule      = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
)

// Validate returns every mistake, joined.
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

// RepositoryNames returns the configured repositories as owner/name, without those in the error: repositories that
// cannot be parsed or are listed twice.
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
