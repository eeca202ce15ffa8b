package scorecards

import (
	"strings"
	"testing"
)

const digested = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: card
levels: [bronze, silver]
filter: entity.type == "service"
facts:
  - {name: x.n, type: number}
rules:
  - {id: a, level: bronze, title: A, effort: hours, expr: 'facts["x.n"] > 1'}
  - {id: b, level: silver, title: B, effort: days, bands: {value: 'facts["x.n"]', pass: "> 5", warn: "> 3"}}
  - {id: d, level: silver, title: D, effort: days, status: draft, expr: 'facts["x.n"] > 9'}
`

// TestDigest checks which changes of a file change the digest: those that can change a grade.
func TestDigest(t *testing.T) {
	digest := func(text string) string {
		cards, err := Parse([]byte(text), "card.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return cards[0].Digest
	}
	before := digest(digested)
	if len(before) != 64 {
		t.Fatalf("the digest is %q", before)
	}
	for _, tc := range []struct {
		name, old, new string
		differs        bool
	}{
		{"a comment", "rules:", "rules: # these", false},
		{"the layout", "levels: [bronze, silver]", "levels:\n  - bronze\n  - silver", false},
		{"a default that is written", "title: A,", "title: A, weight: 1, status: enforced, version: 1,", false},
		{"a title", "title: A,", "title: Another,", false},
		{"the effort", "effort: hours", "effort: minutes", false},
		{"a draft", "> 9", "> 8", false},
		{"a draft that is enforced", "status: draft, ", "", true},
		{"a draft that is announced", "status: draft", `status: announced, enforced_from: "2027-01-01"`, true},
		{"a draft that is retired", "status: draft", "status: retired", false},
		{"an expression", "> 1'", "> 2'", true},
		{"white space around an expression", "'facts[\"x.n\"] > 1'", "' facts[\"x.n\"] > 1 '", false},
		{"a limit", `warn: "> 3"`, `warn: "> 4"`, true},
		{"a weight", "title: A,", "title: A, weight: 2,", true},
		{"a version", "title: A,", "title: A, version: 2,", true},
		{"grace", "title: A,", "title: A, grace: 30d,", true},
		{"freshness", "title: A,", "title: A, freshness: 7d,", true},
		{"applies", "title: A,", "title: A, applies: 'entity.name != \"x\"',", true},
		{"a review", "title: A,", "title: A, review: {when: 'facts[\"x.n\"] == 7.0', note: look},", true},
		{"waivable", "title: A,", "title: A, waivable: false,", true},
		{"the waivers that count", "facts:", "waivers: {from: []}\nfacts:", true},
		{"the filter", `== "service"`, `!= "website"`, true},
		{"the order of the levels", "[bronze, silver]", "[silver, bronze]", true},
		{"the type of a fact that no rule uses", "facts:", "facts:\n  - {name: x.other, type: bool}", true},
		{"a rule that is gone", "  - {id: a, level: bronze", "  - {id: other, level: bronze", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(digested, tc.old, tc.new, 1)
			if text == digested {
				t.Fatal("nothing is replaced")
			}
			if after := digest(text); (after != before) != tc.differs {
				t.Errorf("the digest differs: %t, want %t", after != before, tc.differs)
			}
		})
	}
	lines := strings.Split(strings.TrimSpace(digested), "\n")
	n := len(lines)
	lines[n-3], lines[n-2] = lines[n-2], lines[n-3]
	if digest(strings.Join(lines, "\n")) != before {
		t.Error("the order of the rules changes the digest")
	}
}
