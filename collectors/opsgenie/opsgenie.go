// Package opsgenie collects incidents from Opsgenie (REST API): the incidents of services (Incident API v1, of the
// Standard and Enterprise plans), and the alerts of teams (Alert API v2, of every plan).
//
// A service, by its id, is a scope, and so is a team, by its name. Both listings are read newest first, by offset as
// far as Opsgenie counts and from there by time. When nothing is new, a scope costs one request, conditional where
// Opsgenie gives an ETag.
package opsgenie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "opsgenie"

var profile = source.Profile{
	Provider: Provider,
	Product:  "Opsgenie",
	Epoch:    time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC),
}

// Config is one Opsgenie source.
type Config struct {
	Source string `yaml:"name"` // its name
	// of the API; default https://api.opsgenie.com, in the EU https://api.eu.opsgenie.com
	URL   string `yaml:"url"`
	Token string `yaml:"token"` // the key of an API integration
	// ids of services whose incidents are read; default, without teams: every service
	Services            []string  `yaml:"services"`
	Teams               []string  `yaml:"teams"`                 // names of teams whose alerts are read
	Tags                []string  `yaml:"tags"`                  // only what has one of these; default everything
	Since               time.Time `yaml:"-"`                     // how far back the first read goes; zero: everything
	AllowPrivateNetwork bool      `yaml:"allow_private_network"` // the URL's name may lead into a private network
}

var serviceRule = regexp.MustCompile(`^[0-9A-Za-z-]+$`)

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if _, err := apiURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if strings.TrimSpace(c.Token) == "" {
		errs = append(errs, errors.New("token is missing: add an API integration with read access and give its key as "+
			"${OPSGENIE_TOKEN}"))
	}
	seen := map[string]bool{}
	for _, id := range c.Services {
		if !serviceRule.MatchString(id) {
			errs = append(errs, fmt.Errorf("service %q: give its id, which the address of its page holds: "+
				"4513b7ea-3b91-438f-b7e4-e3e54af9147c", id))
		}
	}
	for _, list := range []struct {
		what  string
		words []string
	}{{"team", c.Teams}, {"tag", c.Tags}} {
		for _, w := range list.words {
			if strings.TrimSpace(w) == "" || strings.ContainsAny(w, "\"\\\n") {
				errs = append(errs, fmt.Errorf("%s %q: a name without quotation marks and backslashes is needed", list.what, w))
			}
		}
	}
	for _, scope := range slices.Concat(c.Services, c.Teams) {
		if key := strings.ToLower(scope); seen[key] {
			errs = append(errs, fmt.Errorf("%q is listed twice", scope))
		} else {
			seen[key] = true
		}
	}
	return errors.Join(errs...)
}

// Collector reads one Opsgenie source. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	*rest.API
	cfg   Config
	depth int // how far Opsgenie counts
}

// New returns a collector; it fails when the configuration is not valid.
func New(cfg Config, opt source.Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	base, err := apiURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	// Opsgenie's limits depend on plan and number of users. It answers 429 with Retry-After, which is obeyed.
	restCfg := rest.Config{
		BaseURL:             base,
		Token:               strings.TrimSpace(cfg.Token),
		AuthHeader:          "Authorization",
		AuthPrefix:          "GenieKey ",
		UserAgent:           opt.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
		PerSecond:           5,
		Burst:               20,
	}
	api, err := rest.NewAPI(restCfg, opt.REST(), rest.APIConfig{Product: profile.Product, Hint: hintFor})
	if err != nil {
		return nil, err
	}
	return &Collector{Base: opt.Base(profile, cfg.Source), API: api, cfg: cfg, depth: lastRecord}, nil
}

// apiURL is where the API is, with a slash at the end.
func apiURL(configured string) (*url.URL, error) {
	u, err := rest.ParseBaseURL(cmp.Or(configured, "https://api.opsgenie.com"), "https://api.opsgenie.com")
	if err != nil {
		return nil, err
	}
	host := strings.ToLower(u.Hostname())
	if strings.HasSuffix(host, ".opsgenie.com") && host != "api.opsgenie.com" && host != "api.eu.opsgenie.com" &&
		host != "api.sandbox.opsgenie.com" {
		return nil, fmt.Errorf("url %q: that is where people look; the API is at https://api.opsgenie.com, or "+
			"https://api.eu.opsgenie.com for accounts in the EU", configured)
	}
	return u, nil
}

// Check reports whether Opsgenie accepts the key and shows what is configured to it.
func (c *Collector) Check(ctx context.Context) error {
	var errs []error
	var ignored struct{}
	paths := map[string]string{}
	for _, team := range c.cfg.Teams {
		paths["team "+team] = "v2/alerts?limit=1&query=" + url.QueryEscape(ofTeam(team))
	}
	for _, id := range c.cfg.Services {
		paths["service "+id] = "v1/services/" + id
	}
	if len(paths) == 0 {
		paths["services"] = "v1/services?limit=1"
	}
	for _, what := range slices.Sorted(maps.Keys(paths)) {
		if _, err := c.Get(ctx, paths[what], "", &ignored); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	return errors.Join(errs...)
}
