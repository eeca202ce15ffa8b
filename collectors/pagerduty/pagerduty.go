// Package pagerduty collects incidents from PagerDuty (REST API v2).
//
// A service is a scope, so that the annotation pagerduty.com/service-id of a Component binds it. The listing of a
// service's incidents is read newest first. It gives at most 10,000 records by offset; what is older is read in windows of
// half a year, the longest that PagerDuty takes. When nothing is new, a service costs one conditional request.
package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "pagerduty"

// Config is one PagerDuty source.
type Config struct {
	Source         string    `yaml:"name"`            // its name
	URL            string    `yaml:"url"`             // of the API; default https://api.pagerduty.com, for EU accounts https://api.eu.pagerduty.com
	Token          string    `yaml:"token"`           // a REST API key; "Bearer …" for an OAuth access token
	Services       []string  `yaml:"services"`        // ids of services, such as PXXXXXX; default every service that the token shows
	Since          time.Time `yaml:"-"`               // how far back the first read goes; zero: everything
	PrivateNetwork bool      `yaml:"private_network"` // the URL's name may lead into a private network
}

var serviceRule = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if _, err := apiURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if strings.TrimSpace(c.Token) == "" {
		errs = append(errs, errors.New("token is missing: create a read-only REST API key under Integrations, API Access Keys and give it as ${PAGERDUTY_TOKEN}"))
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

// Memory keeps small JSON documents between runs.
type Memory interface {
	Load(ctx context.Context, stream string, into any) (bool, error)
	Save(ctx context.Context, stream string, state any) error
}

// Writer is what a service is written to, and asked about what was written before.
type Writer interface {
	Memory
	Append(ctx context.Context, events ...event.Event) error
	Count(ctx context.Context, kind event.Kind, from, to time.Time) (stored, open uint64, err error)
	Since() time.Time
	Progress(stream string, done, total uint64)
}

// Options are what a Collector needs from outside; each may be left out.
type Options struct {
	Logger    *slog.Logger
	Now       func() time.Time
	UserAgent string
	Tune      func(*rest.Config)                         // adjusts the client's budget and patience
	Sleep     func(context.Context, time.Duration) error // how the client waits
}

// Collector reads one PagerDuty source. It is safe for use from several goroutines.
type Collector struct {
	cfg    Config
	base   string // with a slash at the end
	rest   *rest.Client
	log    *slog.Logger
	now    func() time.Time
	depth  int      // how far PagerDuty counts
	warned sync.Map // unknown words that have been logged
}

// New returns a collector; it fails when the configuration is not valid.
func New(cfg Config, opt Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	base, err := apiURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	// PagerDuty allows a key 960 requests a minute.
	restCfg := rest.Config{BaseURL: base, AuthHeader: "Authorization", UserAgent: opt.UserAgent, PrivateNetwork: cfg.PrivateNetwork, PerSecond: 14, Burst: 60}
	restCfg.AuthPrefix, restCfg.Token = "Token token=", strings.TrimSpace(cfg.Token)
	if access, ok := strings.CutPrefix(restCfg.Token, "Bearer "); ok {
		restCfg.AuthPrefix, restCfg.Token = "Bearer ", access
	}
	if opt.Tune != nil {
		opt.Tune(&restCfg)
	}
	client, err := rest.New(restCfg, rest.Options{Now: opt.Now, Sleep: opt.Sleep})
	if err != nil {
		return nil, err
	}
	c := &Collector{cfg: cfg, base: base.String(), rest: client, log: opt.Logger, now: opt.Now, depth: lastRecord}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// apiURL is where the API is, with a slash at the end.
func apiURL(configured string) (*url.URL, error) {
	if configured == "" {
		configured = "https://api.pagerduty.com"
	}
	u, err := url.Parse(configured)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("url %q: give an absolute http or https URL, such as https://api.pagerduty.com", configured)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("url %q: leave out user, query and fragment; the token has its own key", u.Redacted())
	}
	host := strings.ToLower(u.Hostname())
	if strings.HasSuffix(host, ".pagerduty.com") && host != "api.pagerduty.com" && host != "api.eu.pagerduty.com" {
		return nil, fmt.Errorf("url %q: that is where people look; the API is at https://api.pagerduty.com, or https://api.eu.pagerduty.com for accounts in the EU", configured)
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+"/", ""
	return u, nil
}

// Source is the source's name.
func (c *Collector) Source() string { return c.cfg.Source }

// Provider is "pagerduty".
func (c *Collector) Provider() string { return Provider }

// Observe sets who is told about requests and waits.
func (c *Collector) Observe(o rest.Observer) { c.rest.Observe(o) }

// Check says whether PagerDuty takes the token, shows incidents to it, and has the configured services.
func (c *Collector) Check(ctx context.Context) error {
	var ignored struct{}
	var errs []error
	if _, err := c.get(ctx, "incidents?limit=1", "", &ignored); err != nil {
		if !rest.Unusable(err) {
			return fmt.Errorf("asking PagerDuty for an incident: %w", err)
		}
		errs = append(errs, fmt.Errorf("asking PagerDuty for an incident: %w", err))
	}
	for _, id := range c.cfg.Services {
		if _, err := c.get(ctx, "services/"+id, "", &ignored); err != nil {
			errs = append(errs, fmt.Errorf("service %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// warn logs an unknown word once for a source.
func (c *Collector) warn(what, word string) {
	if _, seen := c.warned.LoadOrStore(what+" "+word, true); !seen {
		c.log.Warn("PagerDuty uses a word that is not known; the incident is taken to be open", "source", c.cfg.Source, "what", what, "word", word)
	}
}
