package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/plan"
)

// TestDigests checks that a plan says which rules were in force, which it compares with, and which are new.
func TestDigests(t *testing.T) {
	card := func(name, expr string) scorecards.File {
		return scorecards.File{Name: name + ".yaml", Data: []byte("apiVersion: dxctl.dev/v1\nkind: Scorecard\nname: " + name +
			"\nlevels: [one]\nrules:\n  - {id: a, level: one, title: A, effort: days, expr: '" + expr + "'}\n")}
	}
	base := scorecards.LoadFiles([]scorecards.File{card("a", "true"), card("kept", "true"), card("gone", "true")})
	edited := scorecards.LoadFiles([]scorecards.File{card("a", "false"), card("kept", "true"), card("new", "true")})
	engine := func(set scorecards.Set) *scorecards.Engine {
		e, err := scorecards.New(set, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	digest := func(set scorecards.Set, i int) string { return set.Cards[i].Digest }
	since := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	p := &plan.Plan{Kept: []string{"kept"}}
	p.AddDigests(engine(base), engine(edited), []event.RulesInForce{
		{Scorecard: "a", Digest: "first", Since: since.AddDate(0, 0, -9)}, {Scorecard: "a", Digest: "last", Since: since},
		{Scorecard: "kept", Digest: "x", Since: since},
	})
	want := []plan.Digest{
		{Scorecard: "a", InForce: "last", Since: &since, Base: digest(base, 0), Edited: digest(edited, 0)},
		{Scorecard: "new", Edited: digest(edited, 2)},
		{Scorecard: "gone", Base: digest(base, 2)},
	}
	if diff := cmp.Diff(want, p.Digests); diff != "" {
		t.Error(diff)
	}
}
