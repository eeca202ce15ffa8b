// Package links observes whether the links of entities open: to runbooks and documentation in their descriptors, and to
// runbooks in their alerts. It opens only links to hosts that the configuration lists, without credentials.
package links

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Source and Provider are the name and the kind of the source of these facts.
const (
	Source   = "links"
	Provider = "link"
)

const (
	every    = 6 * time.Hour // how long a result is used
	expires  = 4 * 24 * time.Hour
	maxLinks = 20 // of one fact
	maxBody  = 1 << 20
	timeout  = 10 * time.Second
	attempts = 2
	maxHosts = 100
	maxKept  = 20_000 // results that are kept in memory
)

// Config lists where links may lead.
type Config struct {
	// LinkHosts are the hosts, with their ports where links contain them: wiki.example.com, 127.0.0.1:8080.
	LinkHosts []string `yaml:"link_hosts"`
	// AllowPrivateNetwork: names of hosts may lead into a private network.
	AllowPrivateNetwork bool `yaml:"allow_private_network"`
}

var hostRule = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// Validate reports every entry that is not a host.
func (c Config) Validate() error {
	var errs []error
	if len(c.LinkHosts) > maxHosts {
		errs = append(errs, fmt.Errorf("facts.link_hosts has %d hosts; at most %d are allowed", len(c.LinkHosts), maxHosts))
	}
	for i, host := range c.LinkHosts {
		if !hostRule.MatchString(host) {
			errs = append(errs, fmt.Errorf("facts.link_hosts[%d] %.80q is not a host; use the form wiki.example.com, without "+
				"https:// and path", i, host))
		}
	}
	return errors.Join(errs...)
}

// Collector opens links. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	cfg      Config
	opt      source.Options
	entities func() []descriptor.Entity

	mu       sync.Mutex
	observer rest.Observer
	clients  map[string]*rest.Client // by scheme and host
	results  map[string]result       // by address
}

// result is what was found about a link.
type result struct {
	opens  bool
	reason string // why it does not open, or why that is not known
	known  bool
	at     time.Time
}

// New returns a collector; it fails if the configuration is not valid.
func New(cfg Config, opt source.Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Collector{
		Base: opt.Base(source.Profile{Provider: Provider, Product: "links"}, Source), cfg: cfg, opt: opt,
		entities: opt.Entities, clients: map[string]*rest.Client{}, results: map[string]result{},
	}
	if c.entities == nil {
		c.entities = func() []descriptor.Entity { return nil }
	}
	return c, nil
}

// Observe sets who is told about requests and waits; the last call wins.
func (c *Collector) Observe(o rest.Observer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observer = o
	for _, client := range c.clients {
		client.Observe(o)
	}
}

// Volatile is true: entities come and go with the catalog.
func (c *Collector) Volatile() bool { return true }

// Check returns nil: that a link does not open is a fact, and no failure of the source.
func (c *Collector) Check(context.Context) error { return nil }

// Scopes returns the refs of everything that a scorecard grades.
func (c *Collector) Scopes(context.Context, source.StateStore) ([]string, error) {
	all := c.entities()
	refs := make([]string, len(all))
	for i, e := range all {
		refs[i] = e.Ref
	}
	return refs, nil
}

// Collect opens the links of an entity.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	all := c.entities()
	i := slices.IndexFunc(all, func(e descriptor.Entity) bool { return e.Ref == scope })
	if i < 0 {
		return nil
	}
	e, now := all[i], c.Now().UTC()
	var broken []string
	var unknown string
	fact := func(name string, kind event.FactType, value any, reason string, at time.Time) event.Event {
		f := event.Fact{Source: Source, Entity: e.Ref, Name: name, Type: kind, ObservedAt: at, Error: reason}
		if reason == "" {
			raw, err := json.Marshal(value)
			if err != nil {
				f.Error = err.Error()
				return f
			}
			f.Value, f.ExpiresAt = raw, at.Add(expires)
		}
		return f
	}
	groups := []group{
		{"link.runbook_opens", catalog.RunbookLinks(e), "the descriptor has no link to a runbook"},
		{"link.docs_opens", catalog.DocsLinks(e), "the descriptor has no link to documentation"},
	}
	alerts, err := c.alerts(ctx, e.Ref)
	if err != nil {
		return err
	}
	var events []event.Event
	for _, g := range append(groups, alerts) {
		dead, reason, at := c.openAll(ctx, g.links)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		broken, unknown = append(broken, dead...), cmp.Or(unknown, reason)
		if len(g.links) == 0 {
			reason = g.none
		}
		if len(dead) > 0 {
			reason = "" // one that does not open decides
		}
		events = append(events, fact(g.name, event.BoolFact, len(dead) == 0, reason, at))
	}
	slices.Sort(broken)
	if broken = slices.Compact(broken); len(broken) > 0 {
		unknown = ""
	}
	list := fact("link.broken", event.ListFact, append([]string{}, broken...), unknown, now)
	return w.Append(ctx, append(events, list)...)
}

// group is the links of one fact.
type group struct {
	name  string
	links []string
	none  string // why there are no links
}

// openAll opens links, and returns those that do not open, each with the reason; the reason why it is not known of
// another one; and when the first of them was opened.
func (c *Collector) openAll(ctx context.Context, links []string) (dead []string, unknown string, at time.Time) {
	at = c.Now().UTC()
	for _, link := range links[:min(len(links), maxLinks)] {
		r := c.open(ctx, link)
		if r.at.Before(at) {
			at = r.at.UTC()
		}
		switch {
		case !r.known:
			unknown = cmp.Or(unknown, r.reason)
		case !r.opens:
			dead = append(dead, link+": "+r.reason)
		}
	}
	if len(links) > maxLinks {
		unknown = cmp.Or(unknown, fmt.Sprintf("there are %d links; at most %d are opened", len(links), maxLinks))
	}
	return dead, unknown, at
}

// alerts returns the links to runbooks in the alerts of an entity.
func (c *Collector) alerts(ctx context.Context, ref string) (group, error) {
	g := group{name: "link.alert_runbooks_open", none: "no alert with a link to a runbook is known"}
	if c.opt.Fact == nil {
		return g, nil
	}
	f, known, err := c.opt.Fact(ctx, ref, "repository.alerts.runbook_links")
	if err != nil || !known {
		return g, err
	}
	if f.Error != "" {
		g.none = f.Error
		return g, nil
	}
	if value, err := f.Decode(); err == nil {
		g.links, _ = value.([]string)
	}
	return g, nil
}

// open returns whether a link opens. Results are kept for some hours.
func (c *Collector) open(ctx context.Context, link string) result {
	now := c.Now()
	c.mu.Lock()
	r, kept := c.results[link]
	c.mu.Unlock()
	if age := now.Sub(r.at); kept && age >= 0 && age < every && !source.Rechecks(ctx) {
		return r
	}
	r = c.request(ctx, link)
	r.at = now
	if ctx.Err() == nil {
		c.mu.Lock()
		if len(c.results) >= maxKept {
			clear(c.results)
		}
		c.results[link] = r
		c.mu.Unlock()
	}
	return r
}

func notKnown(format string, args ...any) result { return result{reason: fmt.Sprintf(format, args...)} }

// request opens a link: with HEAD and, where that does not succeed, with GET.
func (c *Collector) request(ctx context.Context, link string) result {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(link) > event.MaxURL {
		return result{known: true, reason: "it is not an absolute http or https address"}
	}
	if !slices.ContainsFunc(c.cfg.LinkHosts, func(host string) bool { return strings.EqualFold(host, u.Host) }) {
		return notKnown("the host %s is not in facts.link_hosts", u.Host)
	}
	u.User, u.Fragment = nil, ""
	client, err := c.client(u)
	if err != nil {
		return notKnown("%s: %v", u.Host, err)
	}
	var r result
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		if r = c.try(ctx, client, method, u); r.opens || ctx.Err() != nil {
			return r
		}
	}
	return r
}

func (c *Collector) try(ctx context.Context, client *rest.Client, method string, u *url.URL) result {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), http.NoBody)
	if err != nil {
		return result{known: true, reason: "it is not an address"}
	}
	req.Header.Set("Accept", "*/*")
	resp, err := client.HTTPClient().Do(req)
	var refused *rest.RefusedError
	switch {
	case errors.As(err, &refused) && !refused.Private:
		return notKnown("%s redirects to %s, which is not opened: list that address, or the page without the redirect, "+
			"in the descriptor", u.Host, refused.Target)
	case err != nil:
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return notKnown("opening a page of %s: %v", u.Host, err)
	}
	_ = resp.Body.Close()
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return result{opens: true, known: true}
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusProxyAuthRequired:
		return notKnown("%s requires a sign-in (status %d)", u.Host, code)
	case code == http.StatusNotFound || code == http.StatusGone:
		return result{known: true, reason: fmt.Sprintf("status %d %s", code, http.StatusText(code))}
	default:
		return notKnown("%s answered with status %d", u.Host, code)
	}
}

// client returns the client for the host of an address.
func (c *Collector) client(u *url.URL) (*rest.Client, error) {
	key := u.Scheme + "://" + strings.ToLower(u.Host)
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.clients[key]; client != nil {
		return client, nil
	}
	client, err := rest.New(rest.Config{
		BaseURL:             &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"},
		UserAgent:           c.opt.UserAgent,
		AllowPrivateNetwork: c.cfg.AllowPrivateNetwork,
		AnyBody:             true,
		MaxConcurrent:       2,
		PerSecond:           2,
		MaxBody:             maxBody,
		IdleTimeout:         timeout,
		Timeout:             timeout,
		Attempts:            attempts,
	}, c.opt.REST())
	if err != nil {
		return nil, err
	}
	client.Observe(c.observer)
	c.clients[key] = client
	return client, nil
}
