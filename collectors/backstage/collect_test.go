package backstage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/people"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func TestCollect(t *testing.T) {
	f := newFake(t, entity("a", "1"), entity("b", "1"), entity("c", "1"), entity("d", "1"), entity("e", "1"))
	f.most, f.token = 2, "secret"
	c, w := collector(t, f, Config{Token: "secret"}), newMemory()
	for _, step := range []struct {
		name    string
		edit    func()
		refs    string
		appends int // of descriptors, in this step
		status  string
		ledger  string // expected, stored
	}{
		{"first", func() {}, "a=1 b=1 c=1 d=1 e=1", 5, "200 200 200", "5 5"},
		{"nothing is new", func() {}, "a=1 b=1 c=1 d=1 e=1", 0, "304 304 304", "5 5"},
		{"one changed", func() { f.entities["0003"] = entity("d", "2") }, "a=1 b=1 c=1 d=2 e=1", 1, "304 200 304", "5 5"},
		{"nothing is new", func() {}, "a=1 b=1 c=1 d=2 e=1", 0, "304 304 304", "5 5"},
		{"one is gone", func() { delete(f.entities, "0000") }, "b=1 c=1 d=2 e=1", 1, "200 200", "4 4"},
		{"one is back and one is new", func() { f.entities["0000"], f.entities["0009"] = entity("a", "1"), entity("z", "1") }, "a=1 b=1 c=1 d=2 e=1 z=1", 2, "200 200 200", "6 6"},
		{"an incomplete pass removes nothing", func() { delete(f.entities, "0000"); f.claims = 2 }, "a=1 b=1 c=1 d=2 e=1 z=1", 0, "200 200 200", "7 6"},
		{"the next one does", func() { f.claims = 0 }, "b=1 c=1 d=2 e=1 z=1", 1, "200 200 200", "5 5"},
	} {
		step.edit()
		f.requests, w.appends = nil, 0
		if err := c.Collect(t.Context(), Scope, w); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		var status []string
		for _, r := range f.requests {
			status = append(status, strings.Fields(r)[0])
		}
		if got := w.refs(); got != step.refs || w.appends != step.appends {
			t.Errorf("%s: %s, %d appended; want %s, %d", step.name, got, w.appends, step.refs, step.appends)
		}
		if got := strings.Join(status, " "); got != step.status {
			t.Errorf("%s: requests %s, want %s", step.name, got, step.status)
		}
		if got := fmt.Sprint(w.ledger.Expected, " ", w.ledger.Stored); got != step.ledger {
			t.Errorf("%s: ledger %s, want %s", step.name, got, step.ledger)
		}
	}
	d := w.events["component:default/b"]
	want := event.Descriptor{
		Source:     "bs",
		Provider:   "backstage",
		Scope:      "catalog",
		Location:   "component:default/b",
		Document:   d.Document,
		Revision:   "1",
		URL:        f.URL + "/catalog/default/component/b",
		ObservedAt: now,
	}
	if d != want || strings.Contains(d.Document, "ownedBy") || !strings.Contains(d.Document, `"owner":"payments"`) {
		t.Errorf("got %+v", d)
	}
	cat, warnings, err := catalog.Load(
		catalog.Config{},
		people.Config{},
		t.TempDir(),
		catalog.Found{Source: "bs", Provider: Provider, Scope: Scope, Location: d.Location, Document: d.Document, URL: d.URL},
	)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("%v, %v", warnings, err)
	}
	if e, ok := cat.Entity("component:default/b"); !ok || e.Owner != "group:default/payments" || e.File != d.URL {
		t.Errorf("the catalog has %+v", e)
	}
}

func TestBrokenEntitiesAreLeftOut(t *testing.T) {
	noETag := `{"kind":"Group","metadata":{"name":"日本","namespace":"Team"},"spec":null}`
	f := newFake(
		t,
		entity("a", "1"),
		`null`,
		`[]`,
		`"x"`,
		`{"kind":"Component"}`,
		`{"kind":{},"metadata":7}`,
		`{"kind":"Component","metadata":{"name":"a b/c"}}`,
		`{"kind":"Component","metadata":{"name":"big","description":"`+strings.Repeat("x", maxDocument)+`"}}`,
		noETag,
	)
	c, w := collector(t, f, Config{}), newMemory()
	for range 2 {
		err := c.Collect(t.Context(), Scope, w)
		if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "7 entities could not be read") {
			t.Fatalf("the entities that cannot be read are not told: %v", err)
		}
	}
	if len(w.events) != 2 || w.appends != 2 || !strings.HasPrefix(w.events["group:team/日本"].Revision, "sha256:") {
		t.Errorf("%d appended: %s", w.appends, w.refs())
	}
	if w.ledger.Expected != 9 || w.ledger.Stored != 2 || w.ledger.Gap() != 7 ||
		!strings.Contains(w.ledger.Note, "component:default/big (it has 1024 KB") {
		t.Errorf("ledger %+v", w.ledger)
	}
}

func TestWhatWasLostIsReadAgain(t *testing.T) {
	f := newFake(t, entity("a", "1"), entity("b", "1"), entity("c", "1"))
	f.most = 1
	c := collector(t, f, Config{})
	clean := newMemory()
	if err := c.Collect(t.Context(), Scope, clean); err != nil {
		t.Fatal(err)
	}
	for at := 1; at <= clean.calls; at++ {
		w := newMemory()
		w.failAt = at
		if err := c.Collect(t.Context(), Scope, w); !errors.Is(err, errFull) {
			t.Fatalf("call %d: %v", at, err)
		}
		if err := c.Collect(t.Context(), Scope, w); err != nil {
			t.Fatalf("after call %d failed: %v", at, err)
		}
		if w.refs() != clean.refs() || w.appends != 3 {
			t.Errorf("after call %d failed: %s, %d appended", at, w.refs(), w.appends)
		}
	}
	// The store was emptied while the checkpoint stayed.
	delete(clean.events, "component:default/b")
	clean.appends = 0
	if err := c.Collect(t.Context(), Scope, clean); err != nil || clean.appends != 1 || clean.refs() != "a=1 b=1 c=1" {
		t.Errorf("%v: %s, %d appended", err, clean.refs(), clean.appends)
	}
}

func TestAnotherQuestionBeginsAnew(t *testing.T) {
	f, w := newFake(t, entity("a", "1")), newMemory()
	for i, cfg := range []Config{{}, {}, {Kinds: []string{"API", "Group"}}, {Filter: []string{"spec.type=service", "kind=user"}}} {
		f.requests = nil
		if err := collector(t, f, cfg).Collect(t.Context(), Scope, w); err != nil {
			t.Fatal(err)
		}
		want := "200 "
		if i == 1 {
			want = "304 "
		}
		if f.requests[0] != want {
			t.Errorf("%d: %s", i, f.requests)
		}
	}
}

func TestFilters(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"none", Config{}, "kind=component,kind=api,kind=resource,kind=system,kind=domain,kind=group,kind=user"},
		{"kinds", Config{Kinds: []string{"Component", "group"}}, "kind=component,kind=group"},
		{"filter", Config{Kinds: []string{"API"}, Filter: []string{" metadata.namespace=x "}}, "kind=api,metadata.namespace=x"},
		{"a filter that says which kinds", Config{Filter: []string{"spec.type=a,kind=system", "kind=user", "metadata.kind=x"}},
			"spec.type=a,kind=system|kind=user|kind=component,kind=api,kind=resource,kind=system,kind=domain,kind=group,kind=user,metadata.kind=x"},
	} {
		if got := strings.Join(tc.cfg.filters(), "|"); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestFaults(t *testing.T) {
	reply := func(status int, kind, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	for _, tc := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		want   string
	}{
		{"no items", reply(200, "application/json", `{"totalItems":3}`), "it has no items"},
		{"items of another kind", reply(200, "application/json", `{"items":{}}`), "not what Backstage documents"},
		{"cut off", reply(200, "application/json", `{"items":[{"kind"`), "/api/catalog/entities/by-query: gave up after 8 " +
			"attempts, the last of which ended with: status 200 OK: the JSON is cut off"},
		{"pages in a circle", reply(200, "application/json", `{"items":[],"totalItems":0,"pageInfo":{"nextCursor":"x"}}`), "lead back"},
		{"a page for people", reply(200, "text/html", "<html>log in</html>"), "gave up"},
		{"401", reply(401, "application/json", "{}"), "externalAccess"},
		{"403", reply(403, "application/json", "{}"), "catalog.entity.read"},
		{"404", reply(404, "application/json", "{}"), "1.14"},
		{"502", reply(502, "text/plain", ""), "gave up"},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://127.0.0.2:1/x", http.StatusFound)
			return true
		}, "127.0.0.2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, w := newFake(t, entity("a", "1")), newMemory()
			c := collector(t, f, Config{Token: "secret"})
			if err := c.Collect(t.Context(), Scope, w); err != nil {
				t.Fatal(err)
			}
			f.answer = tc.answer
			for _, err := range []error{c.Collect(t.Context(), Scope, w), c.Check(t.Context())} {
				if tc.name == "pages in a circle" && err != nil && strings.Contains(err.Error(), "shows no entity") {
					continue
				}
				if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				if tc.name == "401" && !errors.Is(err, rest.ErrUnauthorized) {
					t.Errorf("%v is not ErrUnauthorized", err)
				}
			}
			if w.refs() != "a=1" {
				t.Errorf("stored %s", w.refs())
			}
			f.answer = nil
			if err := c.Collect(t.Context(), Scope, w); err != nil || c.Check(t.Context()) != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestConfigValidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		want []string // in the error; none: valid
	}{
		{"plain", Config{URL: "https://backstage.example.com"}, nil},
		{"with the API's path", Config{URL: "https://backstage.example.com/x/api/catalog/", Kinds: []string{"Component"}, Filter: []string{"spec.type=x"}}, nil},
		{"everything wrong", Config{URL: "backstage", Kinds: []string{"a b", ""}, Filter: []string{"", "filter=kind=x"}}, []string{`url "backstage"`, "kinds[0]", "kinds[1]", "filter[0]", "filter[1]"}},
		{"credentials in the URL", Config{URL: "https://u:p@x.example.com"}, []string{"leave out user"}},
	} {
		err := tc.cfg.Validate()
		if (err == nil) != (len(tc.want) == 0) {
			t.Errorf("%s: %v", tc.name, err)
		}
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %v", tc.name, want, err)
			}
		}
	}
	if u, err := baseURL(
		"https://backstage.example.com/x/api/catalog/",
	); err != nil ||
		u.String() != "https://backstage.example.com/x/" {
		t.Errorf("%v, %v", u, err)
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"items":[` + entity("a", "1") + `],"totalItems":1,"pageInfo":{"nextCursor":"x"}}`))
	f.Add([]byte(`{"items":[null,{"kind":"\ud800","metadata":{"name":"x","namespace":"` + "\xff" + `"}}]}`))
	f.Add([]byte(`{"items":[{"kind":"user","metadata":{"name":"a:b"}},{"kind":"a/b","metadata":{"name":"x"}}]}`))
	c, err := New(Config{Source: "bs", URL: "https://backstage.example.com"}, source.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var p page
		if json.Unmarshal(body, &p) != nil {
			return
		}
		page, err := p.answer()
		if err != nil {
			return
		}
		var found []catalog.Found
		for _, raw := range page.items {
			d, err := c.descriptor(raw, now)
			if err != nil {
				continue
			}
			if err := d.Validate(); err != nil || d.Document == "" || d.Revision == "" || !json.Valid([]byte(d.Document)) {
				t.Errorf("%+v, %v", d, err)
			}
			found = append(
				found,
				catalog.Found{
					Source:   "bs",
					Provider: Provider,
					Scope:    Scope,
					Location: d.Location,
					Document: d.Document,
					URL:      d.URL,
				},
			)
		}
		if _, _, err := catalog.Load(catalog.Config{}, people.Config{}, ".", found...); err != nil {
			t.Errorf("a source's descriptor is fatal: %v", err)
		}
	})
}
