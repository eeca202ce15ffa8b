//go:build backstagebed

package backstage_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// reader collects from a backend into a store.
type reader struct {
	t  *testing.T
	db *store.Store
}

func newReader(t *testing.T) reader { return reader{t, storetest.Open(t)} }

// collect runs the collector once, as dxctl collect does; more are keys of the source.
func (r reader) collect(url, token, more string, accept bool) (runner.Summary, error) {
	r.t.Helper()
	all := r.sources(url, token, more)
	options := runner.RunOptions{Source: "bs", AcceptRemovals: accept}
	return runner.New(r.db, all, runner.Options{}).Run(r.t.Context(), options)
}

func (r reader) sources(url, token, more string) []source.Collector {
	r.t.Helper()
	var src collectors.SourceConfig
	text := fmt.Sprintf("{name: bs, kind: backstage, url: %q, token: %q, %s}", url, token, more)
	if err := yaml.Unmarshal([]byte(text), &src); err != nil {
		r.t.Fatal(err)
	}
	all, err := collectors.All(collectors.Config{src}, source.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// collected fails the test unless collecting succeeds with this many descriptors appended, in as many requests.
func (r reader) collected(url, more string, appended uint64, requests int) {
	r.t.Helper()
	began := time.Now()
	summary, err := r.collect(url, readerToken, more, false)
	if err != nil {
		r.t.Fatal(err)
	}
	n, asked := summary.Events()[event.KindDescriptor], summary.Requests["bs"]
	r.t.Logf("%d descriptors appended in %d requests, %s", n, asked, time.Since(began).Round(time.Millisecond))
	if n != appended || asked != requests {
		r.t.Errorf("%d descriptors appended in %d requests, want %d in %d", n, asked, appended, requests)
	}
}

// refs returns the refs of the stored descriptors, sorted.
func (r reader) refs() []string {
	r.t.Helper()
	descriptors, err := r.db.Descriptors(r.t.Context(), []string{"bs"})
	if err != nil {
		r.t.Fatal(err)
	}
	var refs []string
	for _, d := range descriptors {
		refs = append(refs, d.Location)
	}
	return slices.Sorted(slices.Values(refs))
}

// catalog loads the catalog of what is stored. It must load without a warning.
func (r reader) catalog() *catalog.Catalog {
	r.t.Helper()
	found, err := catalog.ReadFound(r.t.Context(), r.db, []string{"bs"})
	if err != nil {
		r.t.Fatal(err)
	}
	cat, warnings, err := catalog.Load(catalog.Config{}, people.Config{}, r.t.TempDir(), found...)
	if err != nil || len(warnings) > 0 {
		r.t.Errorf("loading the catalog: %v, %v", warnings, err)
	}
	return cat
}

// component is a Component named name in the namespace default.
func component(name string) string {
	return fmt.Sprintf("{apiVersion: backstage.io/v1alpha1, kind: Component, metadata: {name: %q}, "+
		"spec: {type: service, lifecycle: production, owner: payments}}", name)
}

const (
	crowd     = 2300
	locations = 23
)

// crowded starts a backend with 2,300 entities, in 23 locations of 100 each.
func crowded(t *testing.T) (*bed, []location) {
	t.Helper()
	b := startBed(t, settings{})
	began := time.Now()
	var all []location
	for i := range locations {
		var texts []string
		for j := range crowd / locations {
			texts = append(texts, component(fmt.Sprintf("service-%02d-%03d", i, j)))
		}
		path := fmt.Sprintf("/crowd-%02d.yaml", i)
		b.documents.put(path, texts...)
		all = append(all, b.register(path))
	}
	b.await(crowd, settled)
	t.Logf("Backstage has %d entities after %s", crowd, time.Since(began).Round(time.Second))
	return b, all
}

// stores fails the test unless this many descriptors are stored.
func (r reader) stores(want int) {
	r.t.Helper()
	if got := len(r.refs()); got != want {
		r.t.Errorf("%d descriptors are stored, want %d", got, want)
	}
}

// refused fails the test unless collecting fails with these words and removes nothing.
func (r reader) refused(url, token, words string, stored int) error {
	r.t.Helper()
	_, err := r.collect(url, token, "", false)
	if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), token) {
		r.t.Errorf("error %v, want %q without the token", err, words)
	}
	r.stores(stored)
	return err
}

// TestOnARealBackstageThousands reads 2,300 entities through every change of rights and of the catalog.
func TestOnARealBackstageThousands(t *testing.T) {
	b, registered := crowded(t)
	r := newReader(t)
	began := time.Now()
	r.collected(b.url, "", crowd, 3)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("collecting %d entities took %s", crowd, took)
	}
	r.collected(b.url, "", 0, 3)
	if n := len(r.catalog().Services()); n != crowd {
		t.Errorf("the catalog has %d services", n)
	}

	// Rights: a permission that is missing is an empty catalog.
	denied := r.refused(b.url, deniedToken, "2300 of 2300 entities; nothing was removed", crowd)
	if removal := (*runner.RemovalError)(nil); !errors.As(denied, &removal) {
		t.Errorf("%v is no RemovalError", denied)
	}
	if err := r.refused(b.url, "wrong-token", "401", crowd); !errors.Is(err, rest.ErrUnauthorized) {
		t.Errorf("%v is not ErrUnauthorized", err)
	}
	_ = r.refused(b.url, barredToken, "403", crowd)
	r.checks(b.url)

	// What is deleted in Backstage is removed, and what comes and changes is read.
	b.unregister(registered[0])
	b.await(crowd-100, settled)
	r.collected(b.url, "", 100, 3)
	r.stores(crowd - 100)
	b.documents.put("/new.yaml", component("new"))
	b.register("/new.yaml")
	b.await(crowd-99, settled)
	r.collected(b.url, "", 1, 3)
	r.stores(crowd - 99)

	// A database that was just made shows nothing, without an error.
	b.restart()
	_ = r.refused(b.url, readerToken, "2201 of 2201 entities; nothing was removed", crowd-99)
	b.register("/new.yaml")
	b.await(1, settled)
	_ = r.refused(b.url, readerToken, "2200 of 2201 entities; nothing was removed", crowd-99)
	if _, err := r.collect(b.url, readerToken, "", true); err != nil {
		t.Errorf("accepting the removal: %v", err)
	}
	if got := r.refs(); !slices.Equal(got, []string{"component:default/new"}) {
		t.Errorf("stored are %q", got)
	}
	r.collected(b.url, "", 0, 1)
}

// checks compares what dxctl doctor reports of each token.
func (r reader) checks(url string) {
	r.t.Helper()
	for token, want := range map[string]string{
		readerToken:   "",
		deniedToken:   "catalog.entity.read",
		"wrong-token": "externalAccess",
		barredToken:   "catalog.entity.read",
	} {
		err := r.sources(url, token, "")[0].Check(r.t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			r.t.Errorf("%s: the check returns %v, want %q", token, err, want)
		}
	}
}

// TestOnARealBackstageChangesWhilePagesAreRead removes and registers entities between two pages: the pass removes
// nothing that is still there, and the next one has exactly what Backstage lists. It removes nothing if the backend
// loses its database between two pages.
func TestOnARealBackstageChangesWhilePagesAreRead(t *testing.T) {
	b, registered := crowded(t)
	r := newReader(t)
	r.collected(b.url, "", crowd, 3)
	b.documents.put("/new.yaml", component("aaa-new"), component("zzz-new"))
	proxy := b.between(func(n int) {
		switch n {
		case 1: // of the first pass
			b.unregister(registered[3])
			b.register("/new.yaml")
			b.await(crowd-98, settled)
		case 7: // of the third pass
			b.restart()
		}
	})
	for range 2 {
		if _, err := r.collect(proxy.URL, readerToken, "", false); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for _, e := range b.await(crowd-98, settled) {
		want = append(want, e.ref())
	}
	slices.Sort(want)
	if got := r.refs(); !slices.Equal(got, want) {
		t.Errorf("%d descriptors are stored, and they are not the %d that Backstage lists", len(got), len(want))
	}
	if _, err := r.collect(proxy.URL, readerToken, "", false); err != nil {
		t.Errorf("a pass during which the database was lost: %v", err)
	}
	r.stores(len(want))
}

// TestOnARealBackstageOrphans drops an entity from the document that described it. Backstage keeps it as an orphan, or
// deletes it, as it is configured. An orphan is stored, and the catalog leaves it out.
func TestOnARealBackstageOrphans(t *testing.T) {
	for _, strategy := range []string{"keep", "delete"} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel() // Backstage deletes orphans once in 30 seconds
			b, r := startBed(t, settings{orphans: strategy, interval: time.Second}), newReader(t)
			b.documents.put("/a.yaml", component("stays"), component("leaves"))
			b.register("/a.yaml")
			b.await(2, settled)
			r.collected(b.url, "", 2, 1)
			b.documents.put("/a.yaml", component("stays"))
			left := 2
			if strategy == "delete" {
				left = 1
			}
			all := b.await(left, func(e entity) bool {
				orphan := e.Metadata.Annotations["backstage.io/orphan"] == "true"
				return orphan == (e.Metadata.Name == "leaves")
			})
			r.collected(b.url, "", 1, 1) // the annotation, or the removal
			r.stores(left)
			if services := r.catalog().Services(); len(services) != 1 || services[0].Name != "stays" {
				t.Errorf("services are %v", services)
			}
			for _, e := range all {
				if e.Metadata.Name != "leaves" {
					continue
				}
				if err := b.call(http.MethodDelete, "entities/by-uid/"+e.Metadata.UID, nil, nil); err != nil {
					t.Fatal(err)
				}
				b.await(1, settled)
				r.collected(b.url, "", 1, 1)
				r.stores(1)
			}
		})
	}
}
