package controls_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/scorecards/controls"
)

// patterns are those of the ids of each standard, and how many there are in its version.
var patterns = map[string]struct {
	id     *regexp.Regexp
	levels string
	n      int
}{
	"osps":      {regexp.MustCompile(`^OSPS-(AC|BR|DO|GV|LE|QA|SA|VM)-\d\d\.\d\d$`), "1 2 3", 64},
	"scorecard": {regexp.MustCompile(`^[A-Z][A-Za-z]+(-[A-Z][A-Za-z]+)*$`), "low medium high critical", 20},
	"slsa":      {regexp.MustCompile(`^(build|source)/[a-z]+(-[a-z]+)*$`), "L1 L2 L3 L4", 22},
}

func TestStandards(t *testing.T) {
	if len(controls.Standards()) != len(patterns) {
		t.Errorf("there are %d standards", len(controls.Standards()))
	}
	for _, s := range controls.Standards() {
		want, ok := patterns[s.ID]
		if !ok || s.Title == "" || s.Version == "" || !strings.HasPrefix(s.Source, "https://github.com/") ||
			!strings.Contains(s.Source, s.Version) {
			t.Errorf("the standard %+v is not described", s.ID)
			continue
		}
		if len(s.Controls) != want.n {
			t.Errorf("%s %s has %d controls, want %d", s.ID, s.Version, len(s.Controls), want.n)
		}
		seen := map[string]bool{}
		for _, c := range s.Controls {
			if !want.id.MatchString(c.ID) || seen[c.ID] || c.Title == "" || len(c.Title) > 80 ||
				!strings.Contains(want.levels, c.Level) || c.Level == "" {
				t.Errorf("%s: control %+v", s.ID, c)
			}
			seen[c.ID] = true
		}
	}
}

func TestAddress(t *testing.T) {
	for id, want := range map[string]string{
		"OSPS-AC-03.01":           "https://baseline.openssf.org/versions/2026-02-19#osps-ac-0301",
		"Branch-Protection":       "https://github.com/ossf/scorecard/blob/v5.5.0/docs/checks.md#branch-protection",
		"source/two-party-review": "https://slsa.dev/spec/v1.2/source-requirements#two-party-review",
	} {
		found := false
		for _, s := range controls.Standards() {
			for _, c := range s.Controls {
				if c.ID == id {
					found = true
					if got := s.Address(c); got != want {
						t.Errorf("%s is at %s, want %s", id, got, want)
					}
				}
			}
		}
		if !found {
			t.Errorf("no standard has the control %s", id)
		}
	}
}

func TestLookup(t *testing.T) {
	if s, ok := controls.Lookup("slsa"); !ok || s.Title != "SLSA" {
		t.Errorf("slsa is %+v", s)
	}
	if _, ok := controls.Lookup("soc2"); ok {
		t.Error("there is a standard soc2")
	}
}
