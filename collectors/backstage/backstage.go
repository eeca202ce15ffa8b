// Package backstage collects the entities of a Backstage catalog, so that nobody describes the same services twice.
//
// There is one scope, the catalog. Each of its entities becomes a descriptor, known by its entity ref. What an entity
// says of itself (its spec) is kept; the relations that Backstage works out from all specs are not, since dxctl does
// the same. A pass reads every page. It asks for each on the condition that it has changed, so that a pass over a
// catalog in which nothing did moves next to nothing; what is gone is known only after a pass that saw everything.
package backstage

import (
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

// Provider is the kind of this source, as events name it.
const Provider = "backstage"

// Scope is the one scope that a catalog has.
const Scope = "catalog"

var profile = source.Profile{
	Provider: Provider,
	Product:  "Backstage",
	Epoch:    time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC),
}

// Config is one Backstage catalog.
type Config struct {
	Source string `yaml:"name"` // its name
	// the address of Backstage's backend, with or without /api/catalog
	URL   string `yaml:"url"`
	Token string `yaml:"token"` // a token for the backend; empty: read without credentials
	// which kinds of entities; empty: all that dxctl has a use for
	Kinds []string `yaml:"kinds"`
	// Backstage's own filters (metadata.namespace=default,spec.type=service); an entity fits one of them
	Filter              []string `yaml:"filter"`
	AllowPrivateNetwork bool     `yaml:"allow_private_network"` // the URL's name may lead into a private network
}

// known are the kinds that the catalog has a use for: templates and locations are Backstage's own business.
var known = []string{"Component", "API", "Resource", "System", "Domain", "Group", "User"}

var kindRule = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,62}$`)

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if _, err := baseURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	for i, kind := range c.Kinds {
		if !kindRule.MatchString(kind) {
			errs = append(errs, fmt.Errorf("kinds[%d] %q: give a kind of entity, such as Component or Group", i, kind))
		}
	}
	for i, filter := range c.Filter {
		if strings.TrimSpace(filter) == "" || strings.HasPrefix(strings.TrimSpace(filter), "filter=") {
			errs = append(errs, fmt.Errorf("filter[%d] %q: give what stands behind filter= in Backstage's API, such as "+
				"metadata.namespace=default,spec.type=service", i, filter))
		}
	}
	return errors.Join(errs...)
}

// Collector reads one Backstage catalog. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	*rest.API
	cfg Config
}

// New returns a collector; it fails when the configuration is not valid.
func New(cfg Config, opt source.Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	base, err := baseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	restCfg := rest.Config{
		BaseURL:             base,
		Token:               cfg.Token,
		UserAgent:           opt.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
		MaxConcurrent:       2,
	}
	api, err := rest.NewAPI(restCfg, opt.REST(), rest.APIConfig{Product: profile.Product, Hint: hintFor})
	if err != nil {
		return nil, err
	}
	return &Collector{Base: opt.Base(profile, cfg.Source), API: api, cfg: cfg}, nil
}

// baseURL is where the backend is, without a slash at the end.
func baseURL(configured string) (*url.URL, error) {
	u, err := rest.ParseBaseURL(configured, "https://backstage.example.com")
	if err != nil {
		return nil, err
	}
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/entities")
	rest.SetPath(u, strings.TrimSuffix(path, "/api/catalog"))
	return u, nil
}

// Scopes is the catalog.
func (c *Collector) Scopes(context.Context, source.StateStore) ([]string, error) {
	return []string{Scope}, nil
}

// Check says whether the catalog answers and shows an entity.
func (c *Collector) Check(ctx context.Context) error {
	answer, err := c.page(ctx, "", "", 0, 1)
	if err != nil {
		return err
	}
	if answer.total == 0 {
		return fmt.Errorf("%s answers, but shows no entity: is the token allowed to read the catalog "+
			"(catalog.entity.read), and do kinds and filter fit", c.BaseURL())
	}
	return nil
}

// hintFor returns what to do about a request that is refused with the status; empty: nothing is known.
func hintFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "set the token of the source to one that Backstage accepts, for example of type static under " +
			"backend.auth.externalAccess"
	case http.StatusForbidden:
		return "the token may not read the catalog; it needs the permission catalog.entity.read"
	case http.StatusNotFound:
		return "url must be the address of Backstage's backend, which may differ from the page's; and Backstage must be " +
			"1.14 or later"
	case http.StatusBadRequest:
		return "Backstage did not understand kinds or filter of the source"
	}
	return ""
}
