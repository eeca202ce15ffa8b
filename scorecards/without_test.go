package scorecards

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

const withoutCard = "apiVersion: dxctl.dev/v1\nkind: Scorecard\nname: %s\nlevels: [one]\nrules:\n" +
	"  - {id: a, level: one, title: A, effort: days, expr: '%s'}\n"

// TestWithout checks that a scorecard is removed by every file that names it, and that what needs it is a mistake.
func TestWithout(t *testing.T) {
	file := func(name, expr string) File { return File{name + ".yaml", fmt.Appendf(nil, withoutCard, name, expr)} }
	set := LoadFiles([]File{file("a", "true"), file("b", "true"), file("c", `facts["scorecard.b.level"] == "one"`)})
	for _, tc := range []struct {
		name           string
		before, edited []File
		want           string // names of the scorecards
		mistakes       int
	}{
		{"nothing removed", nil, []File{file("a", "false")}, "[a b c]", 0},
		{"edited", []File{file("a", "true")}, []File{file("a", "false")}, "[a b c]", 0},
		{"removed", []File{file("a", "true")}, []File{file("d", "true")}, "[d b c]", 0},
		{"removed, with a mistake before", []File{file("a", "no such")}, []File{file("d", "true")}, "[d b c]", 0},
		{"removed, and needed", []File{file("b", "true")}, []File{file("a", "true")}, "[a]", 1},
		{"no YAML before", []File{{"a.yaml", []byte("a: [")}}, []File{file("d", "true")}, "[d a b c]", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			edited, _ := set.Without(tc.before).With(tc.edited)
			var names []string
			for _, card := range edited.Cards {
				names = append(names, card.Name)
			}
			if fmt.Sprint(names) != tc.want || len(edited.Broken) != tc.mistakes {
				t.Errorf("%v, broken %v", names, edited.Broken)
			}
		})
	}
	if len(set.Cards) != 3 {
		t.Errorf("the set itself has %d scorecards by now", len(set.Cards))
	}
}

// TestFilesOfASet checks that a set can be made again of its files, when those on disk are gone.
func TestFilesOfASet(t *testing.T) {
	dir := t.TempDir()
	for name, expr := range map[string]string{"a": "true", "broken": "no such"} {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), fmt.Appendf(nil, withoutCard, name, expr), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, cfg := range []Config{{}, {Files: []string{"*.yaml"}}, {Files: []string{"missing.yaml", "a.yaml"}}} {
		set, err := Load(cfg, dir)
		if err != nil {
			t.Fatal(err)
		}
		again := LoadFiles(set.Files)
		if len(again.Cards) != len(set.Cards) || len(again.Broken) != len(set.Broken) {
			t.Errorf("%v: %d and %d broken, want %d and %d", cfg.Files, len(again.Cards), len(again.Broken), len(set.Cards),
				len(set.Broken))
		}
		for i := range min(len(set.Cards), len(again.Cards)) {
			if a, b := again.Cards[i], set.Cards[i]; a.Name != b.Name || a.Digest != b.Digest || a.File != b.File ||
				!reflect.DeepEqual(a.Rules, b.Rules) {
				t.Errorf("%s is another one: %+v", b.Name, a)
			}
		}
	}
}
