package links

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const ref = "component:default/pay"

func service(links ...descriptor.Link) descriptor.Entity {
	return descriptor.Entity{Ref: ref, Kind: "Component", Name: "pay", Type: "service", Links: links}
}

func runbook(url string) descriptor.Link { return descriptor.Link{URL: url, Title: "Runbook"} }

func newCollector(t *testing.T, cfg Config, e descriptor.Entity, alerts *event.Fact, now func() time.Time) *Collector {
	t.Helper()
	c, err := New(cfg, source.Options{
		Now: now, Entities: func() []descriptor.Entity { return []descriptor.Entity{e} },
		Fact: func(context.Context, string, string) (event.Fact, bool, error) {
			if alerts == nil {
				return event.Fact{}, false, nil
			}
			return *alerts, true, nil
		},
		Sleep: func(context.Context, time.Duration) error { return nil },
		Tune:  func(c *rest.Config) { c.PerSecond = 1e6 },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pages answers as the path says.
func pages(t *testing.T, requests *atomic.Int64) (server *httptest.Server, host string) {
	t.Helper()
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials were sent")
		}
		switch r.URL.Path {
		case "/ok":
			_, _ = w.Write([]byte("<html>a page</html>"))
		case "/get-only":
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			_, _ = w.Write([]byte("plain text"))
		case "/sign-in":
			w.WriteHeader(http.StatusForbidden)
		case "/elsewhere":
			http.Redirect(w, r, "http://elsewhere.example/login", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/failing":
			w.WriteHeader(http.StatusBadGateway)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return server, strings.TrimPrefix(server.URL, "http://")
}

func TestLinks(t *testing.T) {
	var requests atomic.Int64
	server, host := pages(t, &requests)
	for path, want := range map[string]string{
		"/ok": "true", "/get-only": "true", "/here": "true", "/ok#section": "true",
		"/gone": "false", "/sign-in": "requires a sign-in (status 403)",
		"/elsewhere": "redirects to http://elsewhere.example, which is not opened", "/failing": "status 502",
	} {
		w := collecttest.NewWriter()
		c := newCollector(t, Config{LinkHosts: []string{host}}, service(runbook(server.URL+path)), nil, func() time.Time { return noon })
		if err := c.Collect(t.Context(), ref, w); err != nil {
			t.Fatal(err)
		}
		f := collecttest.Find[event.Fact](t, w, ref+" link.runbook_opens")
		if got := string(f.Value) + f.Error; got != want && (f.Error == "" || !strings.Contains(f.Error, want)) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		broken := collecttest.Find[event.Fact](t, w, ref+" link.broken")
		if want == "false" && string(broken.Value) != `["`+server.URL+`/gone: status 404 Not Found"]` ||
			want == "true" && string(broken.Value) != "[]" {
			t.Errorf("%s: broken are %s", path, broken.Value)
		}
	}
}

// TestHostsThatAreNotListed: nothing is requested.
func TestHostsThatAreNotListed(t *testing.T) {
	var requests atomic.Int64
	server, host := pages(t, &requests)
	w := collecttest.NewWriter()
	alerts := event.Fact{Type: event.ListFact, Value: json.RawMessage(`["` + server.URL + `/ok"]`)}
	c := newCollector(t, Config{LinkHosts: []string{"wiki.example.com"}}, service(runbook(server.URL+"/ok")), &alerts,
		func() time.Time { return noon })
	if err := c.Collect(t.Context(), ref, w); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"link.runbook_opens":       "the host " + host + " is not in facts.link_hosts",
		"link.alert_runbooks_open": "the host " + host + " is not in facts.link_hosts",
		"link.docs_opens":          "the descriptor has no link to documentation",
		"link.broken":              "the host " + host + " is not in facts.link_hosts",
	} {
		if f := collecttest.Find[event.Fact](t, w, ref+" "+name); f.Error != want {
			t.Errorf("%s: %s %q, want %q", name, f.Value, f.Error, want)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestALinkThatDoesNotOpenDecides also where another one is unknown, and results are kept for hours.
func TestALinkThatDoesNotOpenDecides(t *testing.T) {
	var requests atomic.Int64
	server, host := pages(t, &requests)
	now := noon
	w := collecttest.NewWriter()
	c := newCollector(t, Config{LinkHosts: []string{host}},
		service(runbook("https://other.example/x"), runbook(server.URL+"/gone"), runbook("javascript:alert(1)")), nil,
		func() time.Time { return now })
	for _, step := range []struct {
		after    time.Duration
		requests int64
	}{{0, 2}, {time.Hour, 2}, {7 * time.Hour, 4}} {
		now = noon.Add(step.after)
		if err := c.Collect(t.Context(), ref, w); err != nil {
			t.Fatal(err)
		}
		f := collecttest.Find[event.Fact](t, w, ref+" link.runbook_opens")
		if string(f.Value) != "false" || requests.Load() != step.requests {
			t.Errorf("after %s: %s %s, %d requests", step.after, f.Value, f.Error, requests.Load())
		}
		if step.after == time.Hour && !f.ObservedAt.Equal(noon) {
			t.Errorf("observed at %s, want %s", f.ObservedAt, noon)
		}
	}
	if err := c.Collect(source.Recheck(t.Context()), ref, w); err != nil || requests.Load() != 6 {
		t.Errorf("%d requests, %v", requests.Load(), err)
	}
}

// TestPrivateNetwork: a listed name that leads into a private network is not opened.
func TestPrivateNetwork(t *testing.T) {
	var requests atomic.Int64
	_, host := pages(t, &requests)
	resttest.LeadHome(t)
	_, port, _ := strings.Cut(host, ":")
	w := collecttest.NewWriter()
	c := newCollector(t, Config{LinkHosts: []string{"wiki.example:" + port}}, service(runbook("http://wiki.example:"+port+"/ok")),
		nil, func() time.Time { return noon })
	if err := c.Collect(t.Context(), ref, w); err != nil {
		t.Fatal(err)
	}
	f := collecttest.Find[event.Fact](t, w, ref+" link.runbook_opens")
	if !strings.Contains(f.Error, "private network") || requests.Load() != 0 {
		t.Errorf("%s %q, %d requests", f.Value, f.Error, requests.Load())
	}
}

func TestConfig(t *testing.T) {
	for host, good := range map[string]bool{"wiki.example.com": true, "127.0.0.1:8080": true, "a": true,
		"https://wiki.example.com": false, "wiki.example.com/x": false, "": false, "*": false, "*.example.com": false} {
		if err := (Config{LinkHosts: []string{host}}).Validate(); (err == nil) != good {
			t.Errorf("%q: %v", host, err)
		}
	}
}
