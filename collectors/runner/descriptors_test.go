package runner_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// scripted is a collector that does what the test says.
type scripted struct {
	source  string
	scopes  []string
	collect func(ctx context.Context, scope string, w source.Writer) error
}

func (s scripted) Source() string                                              { return s.source }
func (s scripted) Provider() string                                            { return "github" }
func (s scripted) Scopes(context.Context, source.StateStore) ([]string, error) { return s.scopes, nil }
func (s scripted) Check(context.Context) error                                 { return nil }
func (s scripted) Observe(rest.Observer)                                       {}
func (s scripted) Collect(ctx context.Context, scope string, w source.Writer) error {
	return s.collect(ctx, scope, w)
}

func TestDescriptorsOfAScope(t *testing.T) {
	db := storetest.Open(t)
	descriptor := func(scope, location, document, revision string) event.Descriptor {
		return event.Descriptor{
			Source:     "gh",
			Provider:   "github",
			Scope:      scope,
			Location:   location,
			Document:   document,
			Revision:   revision,
			ObservedAt: now,
		}
	}
	got := map[string]string{}
	var events []event.Event
	c := scripted{"gh", []string{"acme/shop"}, func(ctx context.Context, _ string, w source.Writer) error {
		if err := w.Append(ctx, events...); err != nil {
			return err
		}
		var err error
		got, err = w.Descriptors(ctx)
		return err
	}}
	for _, step := range []struct {
		name   string
		events []event.Event
		want   map[string]string
	}{
		{"nothing is stored", nil, map[string]string{}},
		{"two, and one of another scope", []event.Event{
			descriptor("acme/shop", "catalog-info.yaml", "kind: Component", "1"), descriptor("acme/shop", "services/cart/catalog-info.yaml", "kind: Component", "2"),
			descriptor("acme/cart", "catalog-info.yaml", "kind: Component", "3"),
		}, map[string]string{"catalog-info.yaml": "1", "services/cart/catalog-info.yaml": "2"}},
		{"one changes", []event.Event{descriptor("acme/shop", "catalog-info.yaml", "kind: API", "4")},
			map[string]string{"catalog-info.yaml": "4", "services/cart/catalog-info.yaml": "2"}},
		{"one is gone", []event.Event{descriptor("acme/shop", "services/cart/catalog-info.yaml", "", "")}, map[string]string{"catalog-info.yaml": "4"}},
		{"it is back", []event.Event{descriptor("acme/shop", "services/cart/catalog-info.yaml", "kind: API", "5")},
			map[string]string{"catalog-info.yaml": "4", "services/cart/catalog-info.yaml": "5"}},
	} {
		events = step.events
		r := runner.New(db, []source.Collector{c}, runner.Options{Now: func() time.Time { return now }})
		if _, err := r.Run(t.Context(), runner.RunOptions{}); err != nil || !maps.Equal(got, step.want) {
			t.Errorf("%s: %v, %v; want %v", step.name, got, err, step.want)
		}
	}
}

func TestDescriptorsOfWhatIsNotListedAnyMoreAreTakenBack(t *testing.T) {
	db := storetest.Open(t)
	stored := func() string {
		t.Helper()
		descriptors, err := db.Descriptors(t.Context(), []string{"gh"})
		if err != nil {
			t.Fatal(err)
		}
		var scopes []string
		for _, d := range descriptors {
			scopes = append(scopes, d.Scope)
		}
		return strings.Join(scopes, " ")
	}
	for _, step := range []struct {
		listed  []string
		want    string
		refused bool
	}{
		{[]string{"acme/cart", "acme/shop"}, "acme/cart acme/shop", false},
		{[]string{"acme/shop"}, "acme/shop", false},
		{nil, "acme/shop", true}, // a token that lost its rights lists nothing, and that proves nothing
		{[]string{"acme/cart", "acme/shop"}, "acme/cart acme/shop", false},
	} {
		c := scripted{"gh", step.listed, func(ctx context.Context, scope string, w source.Writer) error {
			return w.Append(
				ctx,
				event.Descriptor{
					Source:     "gh",
					Provider:   "github",
					Scope:      scope,
					Location:   "catalog-info.yaml",
					Document:   "kind: Component",
					ObservedAt: now,
				},
			)
		}}
		_, err := runner.New(db, []source.Collector{c}, runner.Options{}).Run(t.Context(), runner.RunOptions{})
		if refused := errors.As(err, new(*runner.RemovalError)); refused != step.refused || err != nil && !refused {
			t.Fatalf("listed %v: %v", step.listed, err)
		}
		if got := stored(); got != step.want {
			t.Errorf("listed %v: the descriptors are of %q, want %q", step.listed, got, step.want)
		}
	}
}
