package pathtest

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const goodCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: mine
title: Mine
levels: [bronze]
rules:
  - id: owned
    level: bronze
    title: Has an owner
    expr: facts["catalog.has_owner"]
    effort: minutes
`

func TestRun(t *testing.T) {
	const head = "now: 2026-11-22T12:00:00Z\nbase: {entity: {name: a, type: service}, facts: {catalog.has_owner: " +
		"true}}\ncases:\n"
	tests := []struct {
		name, cases string
		problems    []string
		err         string
	}{
		{name: "holds", cases: head + "  - {name: x, level: bronze, outcomes: {owned: pass}, reasons: {owned: it has an " +
			"owner}, next: []}\n"},
		{
			name: "does not hold", cases: head + "  - {name: x, level: '', outcomes: {owned: fail, nope: pass}, reasons: " +
				"{owned: because}, next: [owned]}\n",
			problems: []string{
				`level: got "bronze", want ""`, "the scorecard has no rule nope that is evaluated", `owned: got pass (it has an owner), want fail`,
				`owned: reason: got "it has an owner", want "because"`, "next: got [], want [owned]",
			},
		},
		{name: "an error from the source", cases: head + "  - {name: x, without: all, errors: {catalog.has_owner: it is " +
			"away}, reasons: {owned: 'catalog.has_owner is not known: it is away'}}\n"},
		{
			name:  "an unknown fact",
			cases: head + "  - {name: x, facts: {catalog.has_onwer: true}}\n",
			err:   `case "x": line 4: unknown fact "catalog.has_onwer" (did you mean facts["catalog.has_owner"]?)`,
		},
		{
			name:  "a value of another type",
			cases: head + "  - {name: x, facts: {catalog.has_owner: 3}}\n",
			err:   "line 4: fact catalog.has_owner",
		},
		{
			name:  "without an unknown fact",
			cases: head + "  - {name: x, without: [nope]}\n",
			err:   `without: unknown fact "nope"`,
		},
		{
			name:  "without a word",
			cases: head + "  - {name: x, without: some}\n",
			err:   `without is "some"; write a list of facts or the word all`,
		},
		{
			name:  "an unknown field",
			cases: head + "  - {name: x, levels: bronze}\n",
			err:   `path/testdata/x.yaml:4: unknown key "levels" in cases[0] (did you mean "level"?)`,
		},
		{name: "no time", cases: "cases: [{name: x}]\n", err: "path/testdata/x.yaml: it has no now"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{
				"path/scorecard.yaml":  {Data: []byte(goodCard)},
				"path/testdata/x.yaml": {Data: []byte(tt.cases)},
			}
			results, err := Run(fsys, "path")
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || len(results) != 1 {
				t.Fatal(results, err)
			}
			got := slices.Sorted(slices.Values(results[0].Problems))
			if want := slices.Sorted(slices.Values(tt.problems)); !slices.Equal(got, want) {
				t.Errorf("problems %q, want %q", got, want)
			}
		})
	}
}
