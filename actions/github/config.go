// Package github creates repositories on GitHub for actions. It has credentials of its own: those of the collectors
// only read.
package github

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
)

// Config is where actions write, and with which credentials.
type Config struct {
	URL   string     `yaml:"url"`   // of the API or of a GitHub Enterprise server; default https://api.github.com
	Token string     `yaml:"token"` // default $GITHUB_TOKEN
	App   client.App `yaml:"app"`   // a GitHub App instead of a token
	// AllowPrivateNetwork permits a server whose name resolves to an address of a private network.
	AllowPrivateNetwork bool `yaml:"allow_private_network"`
}

// Validate returns every mistake, joined. Without credentials, a configuration is valid.
func (c Config) Validate() error {
	var errs []error
	if _, err := client.APIURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if c.App.Configured() {
		errs = append(errs, c.App.Validate())
		if c.Token != "" {
			errs = append(errs, errors.New("give token or app, not both"))
		}
	}
	return errors.Join(errs...)
}

// TokenVariable is the environment variable of the token that is used if the configuration has no credentials.
const TokenVariable = "GITHUB_TOKEN" //nolint:gosec // the name of a variable

// ErrNoCredentials is the error of writing to GitHub without credentials.
var ErrNoCredentials = errors.New("there are no credentials for GitHub: set " + TokenVariable + ", or actions.github " +
	"in dx.yaml; the tokens of sources are only for reading")

// Host is a GitHub server. It is safe for concurrent use.
type Host struct {
	client *client.Client
	api    string // address of the API, without a slash at the end
	pages  string // address of the web pages, likewise
	app    bool
	// noGraphQL is set when the server refuses GraphQL as such. Hosts that are made of this one share it.
	noGraphQL *atomic.Bool
}

// New returns a host. token is that of the environment. The error wraps [ErrNoCredentials] if there are none.
func New(cfg Config, token, userAgent string, opt rest.Options) (*Host, error) {
	if !cfg.App.Configured() && cfg.Token == "" {
		cfg.Token = token
	}
	if !cfg.App.Configured() && strings.TrimSpace(cfg.Token) == "" {
		return nil, ErrNoCredentials
	}
	base, err := client.APIURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("actions.github: %w", err)
	}
	c, err := client.New(client.Config{URL: cfg.URL, Token: cfg.Token, App: cfg.App, UserAgent: userAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork}, opt)
	if err != nil {
		return nil, fmt.Errorf("actions.github: %w", err)
	}
	return &Host{client: c, api: strings.TrimSuffix(base.String(), "/"), pages: pagesOf(cfg.URL),
		app: cfg.App.Configured(), noGraphQL: new(atomic.Bool)}, nil
}

// pagesOf returns the address of the web pages that belong to a configured address.
func pagesOf(configured string) string {
	base, err := client.APIURL(configured)
	if err != nil {
		return ""
	}
	return base.Scheme + "://" + strings.TrimPrefix(base.Host, "api.")
}

// PagesURL returns the address of the web pages of a server, by its configured address: https://github.com for "".
func PagesURL(configured string) string { return pagesOf(configured) }

// APIURL returns the address of the API of a server, without a slash at the end.
func APIURL(configured string) string {
	base, err := client.APIURL(configured)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(base.String(), "/")
}
