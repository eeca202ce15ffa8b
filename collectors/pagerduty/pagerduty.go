// Package pagerduty collects incidents from PagerDuty (REST API v2).
//
// A service is a scope, so that the annotation pagerduty.com/service-id of a Component binds it. The listing of a
// service's incidents is read newest first. It gives at most 10,000 records by offset; what is older is read in windows
// of half a year, the longest that PagerDuty takes. When nothing is new, a service costs one conditional request.
package pagerduty

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "pagerduty"

var profile = source.Profile{
	Provider: Provider,
	Product:  "PagerDuty",
	Epoch:    time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC),
}

// Config is one PagerDuty source.
type Config struct {
	Source string `yaml:"name"` // its name
	// of the API; default https://api.pagerduty.com, for EU accounts https://api.eu.pagerduty.com
	URL   string `yaml:"url"`
	Token string `yaml:"token"` // a REST API key; "Bearer …" for an OAuth access token
	// ids of services, such as PXXXXXX; default every service that the token shows
	Services            []string  `yaml:"services"`
	Since               time.Time `yaml:"-"`                     // how far back the first read goes; zero: everything
	AllowPrivateNetwork bool      `yaml:"allow_private_network"` // the URL's name may lead into a private network
}

var serviceRule = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if _, err := apiURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if strings.TrimSpace(c.Token) == "" {
		errs = append(errs, errors.New("token is missing: create a read-only REST API key under Integrations, API Access "+
			"Keys and give it as ${PAGERDUTY_TOKEN}"))
	}
	seen := map[string]bool{}
	for _, id := range c.Services {
		if !serviceRule.MatchString(id) {
			errs = append(errs, fmt.Errorf("service %q: give its id, which the address of its page ends with: PXXXXXX", id))
		}
		if key := strings.ToUpper(id); seen[key] {
			errs = append(errs, fmt.Errorf("service %q is listed twice", id))
		} else {
			seen[key] = true
		}
	}
	return errors.Join(errs...)
}

// Collector reads one PagerDuty source. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	*rest.API
	cfg   Config
	depth int // how far PagerDuty counts
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
	// PagerDuty allows a key 960 requests a minute.
	restCfg := rest.Config{
		BaseURL:             base,
		AuthHeader:          "Authorization",
		UserAgent:           opt.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
		PerSecond:           14,
		Burst:               60,
	}
	restCfg.AuthPrefix, restCfg.Token = "Token token=", strings.TrimSpace(cfg.Token)
	if access, ok := strings.CutPrefix(restCfg.Token, "Bearer "); ok {
		restCfg.AuthPrefix, restCfg.Token = "Bearer ", access
	}
	api, err := rest.NewAPI(
		restCfg,
		opt.REST(),
		rest.APIConfig{
			Product: profile.Product,
			Hint:    hintFor,
			Header:  http.Header{"Accept": {"application/vnd.pagerduty+json;version=2"}},
		},
	)
	if err != nil {
		return nil, err
	}
	return &Collector{Base: opt.Base(profile, cfg.Source), API: api, cfg: cfg, depth: lastRecord}, nil
}

// apiURL is where the API is, with a slash at the end.
func apiURL(configured string) (*url.URL, error) {
	u, err := rest.ParseBaseURL(cmp.Or(configured, "https://api.pagerduty.com"), "https://api.pagerduty.com")
	if err != nil {
		return nil, err
	}
	host := strings.ToLower(u.Hostname())
	if strings.HasSuffix(host, ".pagerduty.com") && host != "api.pagerduty.com" && host != "api.eu.pagerduty.com" {
		return nil, fmt.Errorf("url %q: that is where people look; the API is at https://api.pagerduty.com, or "+
			"https://api.eu.pagerduty.com for accounts in the EU", configured)
	}
	return u, nil
}

// Check reports whether PagerDuty accepts the token, shows incidents to it, and has the configured services.
func (c *Collector) Check(ctx context.Context) error {
	var ignored struct{}
	var errs []error
	if _, err := c.Get(ctx, "incidents?limit=1", "", &ignored); err != nil {
		if !rest.Unusable(err) {
			return fmt.Errorf("asking PagerDuty for an incident: %w", err)
		}
		errs = append(errs, fmt.Errorf("asking PagerDuty for an incident: %w", err))
	}
	for _, id := range c.cfg.Services {
		if _, err := c.Get(ctx, "services/"+id, "", &ignored); err != nil {
			errs = append(errs, fmt.Errorf("service %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}
