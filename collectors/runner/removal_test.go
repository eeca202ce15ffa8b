package runner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// described is a source whose scopes have one descriptor each.
func described(name string, scopes ...string) scripted {
	return scripted{name, scopes, func(ctx context.Context, scope string, w source.Writer) error {
		return w.Append(
			ctx,
			event.Descriptor{
				Source:     name,
				Provider:   "github",
				Scope:      scope,
				Location:   "catalog-info.yaml",
				Document:   "kind: Component",
				ObservedAt: now,
			},
		)
	}}
}

func numbered(n int) []string {
	scopes := make([]string, n)
	for i := range scopes {
		scopes[i] = fmt.Sprintf("acme/r%02d", i)
	}
	return scopes
}

func descriptorsOf(t *testing.T, db *store.Store, source string) int {
	t.Helper()
	descriptors, err := db.Descriptors(t.Context(), []string{source})
	if err != nil {
		t.Fatal(err)
	}
	return len(descriptors)
}

func TestAListThatLostTooMuchRemovesNothing(t *testing.T) {
	db := storetest.Open(t)
	for i, c := range []struct {
		name    string
		before  int
		after   []string
		accept  bool
		stay    int
		refused string
	}{
		{"most of a short list", 9, numbered(2), false, 2, ""},
		{"a short list, entirely", 3, []string{"acme/other"}, false, 4, "would remove 3 of 3 scopes"},
		{"half of a list", 10, numbered(5), false, 5, ""},
		{"more than half of a list", 10, numbered(4), false, 10, "would remove 6 of 10 scopes"},
		{"everything", 12, nil, false, 12, "would remove 12 of 12 scopes"},
		{"more than half, accepted", 10, numbered(4), true, 4, ""},
		{"in other letters", 10, []string{"ACME/R00", "acme/R01", "acme/r02", "acme/r03", "acme/r04", "acme/r05"}, false, 6, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := fmt.Sprintf("gh%d", i)
			once := func(s scripted, accept bool) error {
				r := runner.New(db, []source.Collector{s}, runner.Options{Now: func() time.Time { return now }})
				_, err := r.Run(t.Context(), runner.RunOptions{Source: name, AcceptRemovals: accept})
				return err
			}
			if err := once(described(name, numbered(c.before)...), false); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second run is refused too: what was refused is not remembered as the list
				err := once(described(name, c.after...), c.accept)
				if c.refused == "" && err != nil ||
					c.refused != "" &&
						(err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "--accept-removals")) {
					t.Fatalf("error %v, want %q", err, c.refused)
				}
			}
			if got := descriptorsOf(t, db, name); got != c.stay {
				t.Errorf("%d descriptors stay, want %d", got, c.stay)
			}
		})
	}
}

func TestWriterRefusesRemovals(t *testing.T) {
	db := storetest.Open(t)
	var gone, of int
	s := scripted{
		"bs",
		[]string{"catalog"},
		func(_ context.Context, _ string, w source.Writer) error { return w.Removing("entities", gone, of) },
	}
	for _, c := range []struct {
		gone, of int
		accept   bool
		refused  bool
	}{{0, 0, false, false}, {1, 1, false, true}, {8, 9, false, false}, {9, 9, false, true}, {5, 10, false, false}, {6, 10, false, true}, {10, 10, true, false}} {
		gone, of = c.gone, c.of
		r := runner.New(db, []source.Collector{s}, runner.Options{})
		_, err := r.Run(t.Context(), runner.RunOptions{Source: "bs", AcceptRemovals: c.accept})
		var removal *runner.RemovalError
		if errors.As(err, &removal) != c.refused || err != nil && !c.refused {
			t.Errorf("%+v: %v", c, err)
		}
		if c.refused &&
			(removal.Gone != c.gone || removal.Of != c.of || !strings.Contains(err.Error(), "--source bs --accept-removals")) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// problemGauge is the value of dxctl_collector_problems of the one source.
func problemGauge(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "dxctl_collector_problems" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

func TestProblemsLastUntilARunSucceeds(t *testing.T) {
	db := storetest.Open(t)
	fail := map[string]error{}
	s := scripted{
		"gh",
		[]string{"acme/cart", "acme/shop"},
		func(_ context.Context, scope string, _ source.Writer) error { return fail[scope] },
	}
	at, reg := now, prometheus.NewRegistry()
	once := func(scopes ...string) string {
		t.Helper()
		r := runner.New(db, []source.Collector{s}, runner.Options{Now: func() time.Time { return at }, Registerer: reg})
		_, _ = r.Run(t.Context(), runner.RunOptions{Source: "gh", Scopes: scopes})
		problems, err := runner.Problems(t.Context(), db, []string{"gh", "other"})
		if err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(problems))
		for i, p := range problems {
			texts[i] = p.String()
		}
		return strings.Join(texts, "\n")
	}
	if got := once(); got != "" {
		t.Errorf("nothing is wrong: %s", got)
	}
	fail["acme/shop"] = errors.New("runs: status 500")
	fail["acme/cart"] = &rest.SkippedError{
		What:    "run",
		Objects: map[string]rest.Held{"7": {Failures: 1, Error: "status 500"}},
	}
	once()
	at = at.Add(time.Hour)
	want := "source gh acme/cart: 1 run could not be read and will be tried again, everything else is stored: 7 " +
		"(status 500) (since 2026-11-22T12:00:00Z)\n" +
		"source gh acme/shop: runs: status 500 (since 2026-11-22T12:00:00Z)"
	if got := once(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := problemGauge(t, reg); got != 2 {
		t.Errorf("the gauge shows %v problems, want 2", got)
	}
	fail = map[string]error{"acme/shop": fail["acme/shop"]}
	if got := once("acme/cart"); got != "source gh acme/shop: runs: status 500 (since 2026-11-22T12:00:00Z)" {
		t.Errorf("one is fixed, and the other was not collected: %s", got)
	}
	fail = nil
	if got := once(); got != "" {
		t.Errorf("a run succeeded: %s", got)
	}
}

// observing is a source that stores a fact of each scope, and retracts it when the scope has gone.
type observing struct{ scripted }

func observation(scope, reason string) event.Fact {
	f := event.Fact{
		Source: "gh", Entity: "unmapped:github/" + scope, Name: "repository.archived", Type: event.BoolFact, ObservedAt: now,
	}
	if f.Error = reason; reason == "" {
		f.Value = []byte("false")
	}
	return f
}

func (observing) Retract(ctx context.Context, scope string, w source.Writer) error {
	return w.Append(ctx, observation(scope, "no longer listed"))
}

func TestWhatWasObservedOfAScopeThatIsGoneIsRetracted(t *testing.T) {
	db := storetest.Open(t)
	var descriptors strings.Builder
	for _, name := range []string{"a", "b", "c"} { // the view shows the facts of services
		fmt.Fprintf(&descriptors, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: %s, annotations: "+
			"{github.com/project-slug: acme/%s}}\nspec: {type: service, lifecycle: production, owner: x}\n", name, name)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "catalog.yaml"), []byte(descriptors.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"catalog.yaml"}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Sync(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	collect := func(ctx context.Context, scope string, w source.Writer) error {
		return w.Append(ctx, observation(scope, ""))
	}
	for _, scopes := range [][]string{{"acme/a", "acme/b", "acme/c"}, {"acme/a", "acme/C"}} {
		c := observing{scripted{"gh", scopes, collect}}
		r := runner.New(db, []source.Collector{c}, runner.Options{Now: func() time.Time { return now }})
		if _, err := r.Run(t.Context(), runner.RunOptions{Source: "gh"}); err != nil {
			t.Fatal(err)
		}
	}
	var rows []struct {
		Entity string `ch:"entity"`
		Error  string `ch:"error"`
	}
	const sql = "SELECT entity, error FROM facts WHERE error != '' ORDER BY entity"
	if err := db.Select(t.Context(), &rows, sql, nil); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || rows[0].Entity != "component:default/b" || rows[0].Error != "no longer listed" {
		t.Errorf("%+v", rows)
	}
}
