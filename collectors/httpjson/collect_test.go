package httpjson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// fake is a server whose answers a test sets, and a collector of it.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	answer   http.HandlerFunc
	requests []string // path and query
	now      time.Time
}

func newFake(t *testing.T, answer http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{answer: answer, now: noon}
	f.Server = server(t, func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.requests = append(f.requests, r.RequestURI)
		f.answer(w, r)
	})
	return f
}

func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.requests
	f.requests = nil
	return asked
}

func (f *fake) collector(t *testing.T, cfg Config, all ...string) *Collector {
	t.Helper()
	cfg.Source, cfg.URL = "api", f.URL+cfg.URL
	c, err := New(cfg, source.Options{
		Now: func() time.Time { return f.now }, Entities: services(all...),
		Sleep: func(context.Context, time.Duration) error { return nil },
		Tune:  func(c *rest.Config) { c.PerSecond = 1e6 },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const ofA = "component:default/a"

func number(name, value string) Fact {
	return Fact{Name: name, Type: event.NumberFact, Value: Expression{Text: value}}
}

func fact(t *testing.T, w *collecttest.Writer, entity, name string) event.Fact {
	t.Helper()
	return collecttest.Find[event.Fact](t, w, entity+" "+name)
}

func TestValuesOfEveryType(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"b":true,"n":12.5,"s":"12","t":"2026-01-02T03:04:05Z","l":["x","y"],"o":{"k":1},"z":null,"m":["x",1]}`)
	})
	for _, c := range []struct {
		kind                event.FactType
		value, want, reason string
	}{
		{event.BoolFact, "body.b", "true", ""},
		{event.BoolFact, "body.n > 12", "true", ""},
		{event.NumberFact, "body.n", "12.5", ""},
		{event.NumberFact, "size(body.l)", "2", ""},
		{event.NumberFact, "double(body.s)", "12", ""},
		{event.NumberFact, "status", "200", ""},
		{event.StringFact, "body.s", `"12"`, ""},
		{event.StringFact, "entity.name + body.s", `"a12"`, ""},
		{event.TimeFact, "body.t", `"2026-01-02T03:04:05Z"`, ""},
		{event.TimeFact, "timestamp(body.t)", `"2026-01-02T03:04:05Z"`, ""},
		{event.ListFact, "body.l", `["x","y"]`, ""},
		{event.ListFact, "body.l.filter(x, x == 'z')", "[]", ""},
		{event.NumberFact, "body.?none.?deeper.orValue(7)", "7", ""},
		{event.NumberFact, "body.s", "", "resulted in a string where a number is expected"},
		{event.NumberFact, "body.none", "", "no such key: none"},
		{event.NumberFact, "body.?none", "", "the answer has no such value"},
		{event.NumberFact, "body.z", "", "resulted in a null where a number is expected"},
		{event.NumberFact, "body.o", "", "resulted in a JSON object where a number is expected"},
		{event.NumberFact, "body.n / 0.0", "", "where a number is expected"},
		{event.ListFact, "body.m", "", "where a list is expected"},
		{event.TimeFact, "body.s", "", "not a time in RFC 3339"},
		{event.NumberFact, "[1,2,3,4,5,6,7,8,9].map(a, [1,2,3,4,5,6,7,8,9].map(b, [1,2,3,4,5,6,7,8,9].map(c, [1,2,3,4,5,6,7,8,9].map(d, [1,2,3,4,5,6,7,8,9].map(e, [1,2,3,4,5,6,7,8,9].map(f, [1,2,3,4,5,6,7,8,9].map(g, 1))))))).size()",
			"", "cost"},
	} {
		w := collecttest.NewWriter()
		api := f.collector(t, Config{URL: "/{name}", Facts: []Fact{{Name: "x.y", Type: c.kind, Value: Expression{Text: c.value}}}}, "a")
		if err := api.Collect(t.Context(), ofA, w); err != nil {
			t.Fatalf("%s: %v", c.value, err)
		}
		got := fact(t, w, ofA, "x.y")
		if string(got.Value) != c.want || (c.reason == "") != (got.Error == "") || !strings.Contains(got.Error, c.reason) {
			t.Errorf("%s: %s %s, want %s %s", c.value, got.Value, got.Error, c.want, c.reason)
		}
		if got.Error == "" && (!got.ObservedAt.Equal(noon) || !got.ExpiresAt.Equal(noon.Add(defaultExpires)) || got.Source != "api") {
			t.Errorf("%+v", got)
		}
	}
}

// TestPlaceholders: a value cannot lead anywhere else.
func TestPlaceholders(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"n":1}`) })
	odd := descriptor.Entity{Ref: "component:default/odd", Name: "a/../b?x=1&y#z", Owner: "group:default/team",
		Annotations: map[string]string{"k.example/slug": "org/repo name", "up": "../x", "dots": ".."},
		Labels:      map[string]string{"tier": "1"}}
	for address, want := range map[string]string{
		"/api/{name}/x":                         "/api/a%2F..%2Fb%3Fx=1&y%23z/x",
		"/api?c={name}&d={labels.tier}":         "/api?c=a%2F..%2Fb%3Fx%3D1%26y%23z&d=1",
		"/r/{+annotations.k.example/slug}/info": "/r/org/repo%20name/info",
		"/r/{annotations.k.example/slug}":       "/r/org%2Frepo%20name",
		"/r/{annotations.up}":                   "/r/..%2Fx",
		"/o/{owner}":                            "/o/group:default%2Fteam",
	} {
		c := f.collector(t, Config{URL: address, Facts: []Fact{number("x.y", "body.n")}})
		c.entities = func() []descriptor.Entity { return []descriptor.Entity{odd} }
		if err := c.Collect(t.Context(), odd.Ref, collecttest.NewWriter()); err != nil {
			t.Fatal(err)
		}
		if got := f.asked(); len(got) != 1 || got[0] != want {
			t.Errorf("%s asked %q, want %q", address, got, want)
		}
	}
	for address, want := range map[string]string{
		"/r/{+annotations.up}":  "cannot be a part of an address",
		"/r/{annotations.dots}": "cannot be a part of an address",
		"/r/{annotations.none}": "has no annotation none, which the address of the source needs",
		"/r/{system}":           "has no system",
	} {
		w := collecttest.NewWriter()
		c := f.collector(t, Config{URL: address, Facts: []Fact{number("x.y", "body.n")}})
		c.entities = func() []descriptor.Entity { return []descriptor.Entity{odd} }
		err := c.Collect(t.Context(), odd.Ref, w)
		if got := fact(t, w, odd.Ref, "x.y"); !strings.Contains(got.Error, want) || len(f.asked()) != 0 {
			t.Errorf("%s: %q, %v", address, got.Error, err)
		}
	}
}

// TestReasons: a fact that cannot be had has the status and the host as its reason, and never the secret.
func TestReasons(t *testing.T) {
	const secret = "s3cr3t-of-the-api"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"gone": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "status 404 Not Found"},
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"message":"%s may not"}`, secret)
		}, "status 403 Forbidden"},
		"failing": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprintf(w, "you sent %s", secret)
		}, "status 502 Bad Gateway"},
		"HTML":  {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "HTML instead of JSON"},
		"large": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `["`+strings.Repeat("x", maxBody)+`"]`) }, "larger than allowed"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/?t="+secret, http.StatusFound)
		}, "refused to connect to elsewhere.example"},
	} {
		f := newFake(t, c.answer)
		api := f.collector(t, Config{URL: "/p/{name}?key=" + secret, Headers: map[string]string{"Authorization": "Bearer " + secret},
			Facts: []Fact{number("x.y", "body.n")}}, "a")
		w := collecttest.NewWriter()
		err := api.Collect(t.Context(), ofA, w)
		if (err == nil) != (name == "gone") { // which is about the service alone
			t.Fatalf("%s: %v", name, err)
		}
		got := fact(t, w, ofA, "x.y")
		if !strings.Contains(got.Error, c.want) || !strings.Contains(got.Error, "127.0.0.1") && name != "elsewhere" {
			t.Errorf("%s: %q", name, got.Error)
		}
		if text := fmt.Sprint(got.Error, err); strings.Contains(text, secret) {
			t.Errorf("%s: the secret shows: %s", name, text)
		}
	}
}

// TestAnOutageKeepsValidValues: a failure of the server does not make a fact unknown that is still valid; an answer
// about the service does, and so does an outage that lasts longer than the fact.
func TestAnOutageKeepsValidValues(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"n":1}`) })
	c := f.collector(t, Config{URL: "/{name}", Facts: []Fact{number("x.y", "body.n")}}, "a")
	w := collecttest.NewWriter()
	collect := func() (event.Fact, error) {
		err := c.Collect(t.Context(), ofA, w)
		return fact(t, w, ofA, "x.y"), err
	}
	if got, err := collect(); err != nil || string(got.Value) != "1" {
		t.Fatal(got, err)
	}
	f.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	f.now = noon.Add(2 * time.Hour)
	if got, err := collect(); err == nil || string(got.Value) != "1" || !got.ObservedAt.Equal(noon) {
		t.Errorf("in an outage: %+v, %v", got, err)
	}
	f.now = noon.Add(97 * time.Hour)
	if got, err := collect(); err == nil || !strings.Contains(got.Error, "status 500") {
		t.Errorf("in a long outage: %+v, %v", got, err)
	}
	f.answer = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"n":2}`) }
	if got, err := collect(); err != nil || string(got.Value) != "2" {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
	f.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	f.now = f.now.Add(2 * time.Hour)
	if got, err := collect(); err != nil || !strings.Contains(got.Error, "status 404") {
		t.Errorf("gone: %+v, %v", got, err)
	}
}

// TestConditionalRequests: what is unchanged costs a conditional request each hour, and is as old as that.
func TestConditionalRequests(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"n":1}`) })
	c := f.collector(t, Config{URL: "/{name}", Facts: []Fact{number("x.y", "body.n")}}, "a")
	w := collecttest.NewWriter()
	for _, step := range []struct {
		after    time.Duration
		requests int
		observed time.Duration
	}{{0, 1, 0}, {time.Minute, 0, 0}, {time.Hour, 1, time.Hour}, {90 * time.Minute, 0, time.Hour}, {-time.Hour, 1, -time.Hour}} {
		f.now = noon.Add(step.after)
		if err := c.Collect(t.Context(), ofA, w); err != nil {
			t.Fatal(err)
		}
		got := fact(t, w, ofA, "x.y")
		if n := len(f.asked()); n != step.requests || !got.ObservedAt.Equal(noon.Add(step.observed)) || string(got.Value) != "1" {
			t.Errorf("after %s: %d requests, %+v", step.after, n, got)
		}
	}
	w.Again = true
	if err := c.Collect(t.Context(), ofA, w); err != nil || len(f.asked()) != 1 {
		t.Errorf("a re-read asks again: %v", err)
	}
}

func TestStatusInAnExpression(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	c := f.collector(t, Config{URL: "/{name}", Facts: []Fact{{Name: "x.there", Type: event.BoolFact,
		Value: Expression{Text: "status == 200"}}}}, "a")
	w := collecttest.NewWriter()
	if err := c.Collect(t.Context(), ofA, w); err != nil {
		t.Fatal(err)
	}
	if got := fact(t, w, ofA, "x.there"); string(got.Value) != "false" {
		t.Errorf("%+v", got)
	}
}

// TestEveryKind: what scorecards grade besides services has facts, too, with a request each and from a listing.
func TestEveryKind(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/list" {
			fmt.Fprint(w, `[{"s":"kit","n":1},{"s":"system:default/shop","n":2},{"s":"component:default/shop","n":3}]`)
			return
		}
		fmt.Fprintf(w, `{"n":%d}`, len(r.URL.Path))
	})
	kit := descriptor.Entity{Ref: "component:default/kit", Kind: "Component", Namespace: "default", Name: "kit", Type: "library"}
	shop := descriptor.Entity{Ref: "system:default/shop", Kind: "System", Namespace: "default", Name: "shop"}
	all := func() []descriptor.Entity { return []descriptor.Entity{kit, shop} }
	each := f.collector(t, Config{URL: "/{kind}/{name}", Entities: Expression{Text: `entity.kind == "System"`},
		Facts: []Fact{number("x.each", "body.n")}})
	listing := f.collector(t, Config{URL: "/list", Items: Expression{Text: "body"}, Entity: Expression{Text: "item.s"},
		Facts: []Fact{number("x.listed", "item.n")}})
	w := collecttest.NewWriter()
	for _, c := range []*Collector{each, listing} {
		c.entities = all
		scopes, err := c.Scopes(t.Context(), w)
		if err != nil || len(scopes) != 1 {
			t.Fatal(scopes, err)
		}
		if err := c.Collect(t.Context(), scopes[0], w); err != nil {
			t.Fatal(err)
		}
	}
	for of, want := range map[string]string{
		shop.Ref + " x.each": "12", shop.Ref + " x.listed": "2", kit.Ref + " x.listed": "1",
	} {
		if got := collecttest.Find[event.Fact](t, w, of); string(got.Value) != want {
			t.Errorf("%s: %s %s, want %s", of, got.Value, got.Error, want)
		}
	}
	if err := each.Collect(t.Context(), kit.Ref, w); err != nil {
		t.Fatal(err)
	}
	if got := f.asked(); len(got) != 2 {
		t.Errorf("a library that entities leaves out was asked about: %q", got)
	}
}

func TestListing(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"s":"a","n":1},{"s":"twice","n":2},{"s":"twice","n":3},{"n":4},7]`)
	})
	cfg := Config{URL: "/list", Items: Expression{Text: "body"}, Entity: Expression{Text: "item.s"},
		Facts: []Fact{number("x.y", "item.n")}}
	c := f.collector(t, cfg, "a", "twice", "absent")
	w := collecttest.NewWriter()
	if err := c.Collect(t.Context(), Listing, w); err != nil {
		t.Fatal(err)
	}
	if got := fact(t, w, ofA, "x.y"); string(got.Value) != "1" {
		t.Errorf("%+v", got)
	}
	if got := fact(t, w, "component:default/twice", "x.y"); !strings.Contains(got.Error, "contains component:default/twice 2 times") {
		t.Errorf("%+v", got)
	}
	if got := fact(t, w, "component:default/absent", "x.y"); !strings.Contains(got.Error, "does not contain component:default/absent") {
		t.Errorf("%+v", got)
	}
	f.asked()
	c.entities = services("a", "new")
	if err := c.Collect(t.Context(), Listing, w); err != nil || len(f.asked()) != 1 {
		t.Errorf("a new service is looked for at once: %v", err)
	}
	if got := fact(t, w, "component:default/new", "x.y"); got.Error == "" {
		t.Errorf("%+v", got)
	}
	f.answer, f.now = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"list":7}`) }, noon.Add(2*time.Hour)
	if err := c.Collect(t.Context(), Listing, w); err == nil || !strings.Contains(err.Error(), "items") {
		t.Errorf("no listing: %v", err)
	}
}

func TestSelectedServices(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"n":1}`) })
	c := f.collector(t, Config{URL: "/{name}", Entities: Expression{Text: `entity.name.startsWith("a")`},
		Facts: []Fact{number("x.y", "body.n")}}, "a", "ab", "b")
	scopes, err := c.Scopes(t.Context(), source.NoState{})
	if err != nil || strings.Join(scopes, " ") != ofA+" component:default/ab" {
		t.Errorf("%q, %v", scopes, err)
	}
	w := collecttest.NewWriter()
	if err := c.Collect(t.Context(), "component:default/b", w); err != nil || len(f.asked()) != 0 {
		t.Errorf("a service that is not selected: %v", err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	f.answer = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "no such key: n") {
		t.Error(err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, func(http.ResponseWriter, *http.Request) { cancel() })
	w := collecttest.NewWriter()
	err := f.collector(t, Config{URL: "/{name}", Facts: []Fact{number("x.y", "body.n")}}, "a").Collect(ctx, ofA, w)
	if !errors.Is(err, context.Canceled) || w.Appended() != 0 {
		t.Errorf("%v, %d events", err, w.Appended())
	}
}
