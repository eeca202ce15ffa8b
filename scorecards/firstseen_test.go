package scorecards

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
)

func TestFirstSeen(t *testing.T) {
	day := func(n int) time.Time { return testNow.AddDate(0, 0, n) }
	entity := func(name, kind, typ string) descriptor.Entity {
		return descriptor.Entity{Ref: strings.ToLower(kind) + ":default/" + name, Kind: kind, Type: typ}
	}
	since := map[string]time.Time{}
	entities := []descriptor.Entity{entity("now", "Component", "service"), entity("kit", "Component", "library")}
	add := func(e descriptor.Entity, at time.Time) {
		since[e.Ref] = at
		entities = append(entities, e)
	}
	for i := range 20 {
		add(entity(fmt.Sprintf("old-%d", i), "Component", "service"), day(-100).Add(time.Duration(i)*time.Hour))
	}
	for i := range 11 {
		add(entity(fmt.Sprintf("import-%d", i), "Component", "service"), day(-50))
	}
	add(entity("late", "Component", "service"), day(-3))
	add(entity("shop", "System", ""), day(-3))
	add(entity("cart", "System", ""), day(-1))
	seen := newFirstSeen(since, entities, testNow)
	for name, want := range map[string]string{
		"component:default/old-0":    "it was described before the catalog was first stored, on 2026-08-14",
		"component:default/old-19":   "it was described before the catalog was first stored",
		"component:default/import-3": "it was added on 2026-10-03 together with many others",
		"component:default/late":     `"2026-11-19T12:00:00Z"`,
		"component:default/now":      `"2026-11-22T12:00:00Z"`,
		"component:default/kit":      "it was described before the catalog was first stored", // the first library
		"system:default/shop":        "it was described before the catalog was first stored",
		"system:default/cart":        `"2026-11-21T12:00:00Z"`,
	} {
		for _, e := range entities {
			if e.Ref != name {
				continue
			}
			f := seen.fact(e)
			if err := f.Validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := string(f.Value) + f.Error; !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	}
}
