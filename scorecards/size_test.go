package scorecards

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// many returns a synced catalog of services without any records.
func many(t testing.TB, services int) (*store.Store, *catalog.Catalog) {
	t.Helper()
	var text strings.Builder
	for i := range services {
		fmt.Fprintf(&text, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: s%d, description: "+
			"d, annotations: {github.com/project-slug: o/s%[1]d}}\n"+
			"spec: {type: service, lifecycle: production, owner: o, system: y%d}\n", i, i%2)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"c.yaml"}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.Open(t)
	if err := cat.Sync(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	return s, cat
}

// counting counts what is asked of a store.
type counting struct {
	*store.Store
	selects, appends atomic.Int64
}

func (c *counting) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	c.selects.Add(1)
	return c.Store.Select(ctx, dest, sql, params)
}

func (c *counting) Append(ctx context.Context, events ...event.Event) error {
	c.appends.Add(1)
	return c.Store.Append(ctx, events...)
}

// TestRefreshAsksTheStoreSeldom guards the order of growth: the store is asked no more often for a thousand services
// than for one, and what is graded is stored a few thousand services at a time.
func TestRefreshAsksTheStoreSeldom(t *testing.T) {
	refresh := func(services int) *counting {
		s, cat := many(t, services)
		c := &counting{Store: s}
		m, err := metrics.New(c, clock)
		if err != nil {
			t.Fatal(err)
		}
		e, _ := engines(t, s, clock)
		reports, err := e.Refresh(t.Context(), c, cat, m, nil)
		if err != nil || len(reports) != services*len(builtInCards) {
			t.Fatal(len(reports), err)
		}
		return c
	}
	one, thousands := refresh(1), refresh(refreshServices+1)
	if asked := thousands.selects.Load(); asked != one.selects.Load() {
		t.Errorf("%d selects for one service, %d for %d", one.selects.Load(), asked, refreshServices+1)
	}
	if one.appends.Load() != 1 || thousands.appends.Load() != 2 {
		t.Errorf("%d and %d appends", one.appends.Load(), thousands.appends.Load())
	}
	var stored []struct {
		Facts  uint64 `ch:"facts"`
		Grades uint64 `ch:"grades"`
	}
	const sql = "SELECT (SELECT uniqExact(entity) FROM facts) AS facts, (SELECT uniqExact(entity) FROM grades) AS grades"
	if err := thousands.Store.Select(t.Context(), &stored, sql, nil); err != nil {
		t.Fatal(err)
	}
	if stored[0].Facts != refreshServices+1 || stored[0].Grades != refreshServices+1 {
		t.Errorf("%+v entities have facts and grades", stored[0])
	}
}

// TestEveryServiceHasTheSameFacts: what is observed anew is not read from the store, so its names must not depend on
// the service.
func TestEveryServiceHasTheSameFacts(t *testing.T) {
	s, cat := setUp(t)
	_, m := engines(t, s, clock)
	computed, err := facts.Compute(t.Context(), facts.All(s), m, testNow, nil)
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for _, service := range cat.Services() {
		var names []string
		for _, f := range append(cat.ServiceFacts(service, testNow), computed.Of(service.Ref)...) {
			names = append(names, f.Name)
		}
		if got := fmt.Sprint(names); first == "" {
			first = got
		} else if got != first {
			t.Errorf("%s has %s, another one %s", service.Ref, got, first)
		}
	}
}

// TestOneServiceIsComputedAsAll: the facts of one service, which are queried for it alone, are those that the queries
// of all services give.
func TestOneServiceIsComputedAsAll(t *testing.T) {
	s, cat := setUp(t)
	_, m := engines(t, s, clock)
	all, err := facts.Compute(t.Context(), facts.All(s), m, testNow, nil)
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, service := range cat.Services() {
		one, err := facts.Compute(t.Context(), asked(t, s, service.Ref), m, testNow, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := all.Of(service.Ref)
		if diff := cmp.Diff(want, one.Of(service.Ref)); diff != "" {
			t.Errorf("%s: (-all +one)\n%s", service.Ref, diff)
		}
		for _, f := range want {
			if f.Error == "" {
				known++
			}
		}
	}
	if known < 5 {
		t.Errorf("only %d facts are known", known)
	}
}

// BenchmarkRefresh grades 5,000 services and stores what it found, for the first time and again.
func BenchmarkRefresh(b *testing.B) {
	s, cat := many(b, 5_000)
	cards, err := Load(Config{}, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	e, err := New(cards, clock)
	if err != nil {
		b.Fatal(err)
	}
	m, err := metrics.New(s, clock)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if reports, err := e.Refresh(b.Context(), s, cat, m, nil); err != nil || len(reports) != 5_000*len(builtInCards) {
			b.Fatal(len(reports), err)
		}
	}
}
