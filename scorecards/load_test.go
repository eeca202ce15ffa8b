package scorecards

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
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

// with replaces a line of goodCard.
func with(old, replacement string) string {
	if !strings.Contains(goodCard, old) {
		panic("goodCard does not hold " + old)
	}
	return strings.Replace(goodCard, old, replacement, 1)
}

func TestUnmatchedPatternsAreTold(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "card.yaml"), []byte(goodCard), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		files   []string
		want    int // warnings
		builtIn bool
	}{
		{nil, 0, false},
		{[]string{"card.yaml"}, 0, false},
		{[]string{"*.yaml"}, 0, false},
		{[]string{"*.yaml", "more/*.yaml"}, 1, false},
		{[]string{"more/*.yaml", "{a,b}/**/*.yaml"}, 2, true},
	} {
		got := Unmatched(Config{Files: tt.files}, dir)
		if len(got) != tt.want || tt.builtIn != strings.Contains(strings.Join(got, ""), "built-in") {
			t.Errorf("%v: %q", tt.files, got)
		}
	}
}

// columns matches a place with its column, which most expectations leave out.
var columns = regexp.MustCompile(`(card\.yaml:\d+):\d+:`)

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, card string
		errors     []string
	}{
		{name: "broken YAML", card: "kind: [\n", errors: []string{"card.yaml:1: did not find expected"}},
		{
			name:   "another version",
			card:   with("dxctl.dev/v1", "dxctl.dev/v9"),
			errors: []string{`card.yaml:1: apiVersion is "dxctl.dev/v9"; this dxctl reads dxctl.dev/v1`},
		},
		{
			name:   "another kind",
			card:   with("kind: Scorecard", "kind: Score"),
			errors: []string{`card.yaml:2: kind is "Score"; write kind: Scorecard`},
		},
		{
			name:   "unknown field",
			card:   with("    effort: minutes", "    efort: minutes"),
			errors: []string{`card.yaml:11: unknown key "efort" in rules[0] (did you mean "effort"?)`},
		},
		{
			name:   "unknown field far from any",
			card:   with("title: Mine", "zzzzzzzz: 1"),
			errors: []string{`card.yaml:4: unknown key "zzzzzzzz" (known: apiVersion`},
		},
		{
			name:   "a list for a text",
			card:   with("    level: bronze", "    level: [bronze]"),
			errors: []string{"card.yaml:8:12: rules[0].level: cannot use a list as a text"},
		},
		{
			name:   "a text for a number",
			card:   with("    level: bronze", "    level: bronze\n    version: two"),
			errors: []string{"card.yaml:9: rules[0].version: cannot use the text `two` as a whole number"},
		},
		{
			name:   "no levels",
			card:   with("levels: [bronze]\n", ""),
			errors: []string{"the scorecard has no levels", `level "bronze" is not one of`},
		},
		{
			name:   "a level twice",
			card:   with("[bronze]", "[bronze, bronze]"),
			errors: []string{`card.yaml:5:18: level "bronze" is listed twice`},
		},
		{
			name:   "unknown level",
			card:   with("    level: bronze", "    level: brass"),
			errors: []string{`card.yaml:8: rule owned: level "brass" is not one of bronze`},
		},
		{
			name:   "unknown effort",
			card:   with("effort: minutes", "effort: weeks"),
			errors: []string{`card.yaml:11: rule owned: effort is "weeks", which is not one of minutes, hours, days`},
		},
		{
			name: "unknown control",
			card: goodCard + "    controls: [{standard: osps, control: OSPS-AC-03.09, shows: part}]\n",
			errors: []string{
				`card.yaml:12: rule owned: OSPS Baseline v2026.02.19 has no control "OSPS-AC-03.09" (did you mean OSPS-AC-0`,
			},
		},
		{
			name:   "unknown standard",
			card:   goodCard + "    controls: [{standard: ospz, control: OSPS-AC-03.01, shows: whole}]\n",
			errors: []string{`card.yaml:12: rule owned: standard "ospz" is not one of osps, scorecard, slsa (did you mean osps?)`},
		},
		{
			name: "a control twice, without saying how much",
			card: goodCard + "    controls: [{standard: slsa, control: build/hosted}, {standard: slsa, control: build/hosted, " +
				"shows: all}]\n",
			errors: []string{
				"card.yaml:12: rule owned: shows is missing; write whole if the rule shows all of the control, and part otherwise",
				`card.yaml:12: rule owned: shows is "all"; write whole`,
				"card.yaml:12: rule owned: control build/hosted is listed twice",
			},
		},
		{name: "an odd id", card: with("id: owned", "id: Owned It"), errors: []string{`card.yaml:7: rule id is "Owned It"`}},
		{
			name:   "no expression",
			card:   with(`    expr: facts["catalog.has_owner"]`+"\n", ""),
			errors: []string{"card.yaml:7: rule owned has no expr"},
		},
		{
			name:   "no rules",
			card:   goodCard[:max(strings.Index(goodCard, "rules:"), 0)],
			errors: []string{"card.yaml:3: the scorecard has no rules"},
		},
		{
			name:   "an id twice",
			card:   goodCard + goodCard[max(strings.Index(goodCard, "  - id"), 0):],
			errors: []string{"card.yaml:12:9: rule owned is defined at line 7 already"},
		},
		{
			name:   "two scorecards of one name",
			card:   goodCard + "---\n" + goodCard,
			errors: []string{"card.yaml:15: scorecard mine is defined at card.yaml:3 already"},
		},
		{
			name: "an unknown fact",
			card: with("catalog.has_owner", "catalog.has_onwer"),
			errors: []string{
				`card.yaml:10: rule owned: expr: unknown fact "catalog.has_onwer" (did you mean facts["catalog.has_owner"]?)`,
			},
		},
		{
			name:   "a fact with points",
			card:   with(`facts["catalog.has_owner"]`, `facts.has_owner`),
			errors: []string{`unknown fact "has_owner" (did you mean facts["catalog.has_owner"]?)`},
		},
		{
			name:   "a fact like no other",
			card:   with("catalog.has_owner", "security.score"),
			errors: []string{`unknown fact "security.score"; to use a fact of your own, declare it under facts:`},
		},
		{
			name:   "facts without a literal name",
			card:   with(`facts["catalog.has_owner"]`, `facts[entity.name]`),
			errors: []string{`card.yaml:10: rule owned: expr: facts is only read as facts["name"]`},
		},
		{
			name:   "facts as a whole",
			card:   with(`facts["catalog.has_owner"]`, `'"x" in facts'`),
			errors: []string{`facts is only read as facts["name"]`},
		},
		{
			name:   "whether a fact is there",
			card:   with(`facts["catalog.has_owner"]`, `has(facts.x)`),
			errors: []string{`facts is only read as facts["name"]`},
		},
		{
			name:   "no boolean",
			card:   with(`facts["catalog.has_owner"]`, `facts["ci.p95_minutes"]`),
			errors: []string{"card.yaml:10: rule owned: expr: the expression is a number; it must be a bool"},
		},
		{
			name:   "a number next to a text",
			card:   with(`facts["catalog.has_owner"]`, `facts["ci.p95_minutes"] < "10"`),
			errors: []string{"card.yaml:10: rule owned: expr: found no matching overload"},
		},
		{
			name:   "a field that no entity has",
			card:   with(`facts["catalog.has_owner"]`, `entity.color == "red"`),
			errors: []string{"undeclared reference to 'entity.color'"},
		},
		{
			name:   "the entity as a whole",
			card:   with(`facts["catalog.has_owner"]`, `entity == "red"`),
			errors: []string{"entity has no such field; it has ref, kind"},
		},
		{
			name:   "a syntax error",
			card:   with(`facts["catalog.has_owner"]`, `facts["catalog.has_owner"] &&`),
			errors: []string{"card.yaml:10:39: rule owned: expr: Syntax error: the expression ends too early: a value is missing"},
		},
		{
			name: "the line within a block", card: with(`facts["catalog.has_owner"]`, "|\n      facts[\"catalog.has_owner\"] "+
				"&&\n      facts[\"nope.nope\"]"),
			errors: []string{`card.yaml:12: rule owned: expr: unknown fact "nope.nope"`},
		},
		{
			name:   "facts in a filter",
			card:   with("title: Mine", `filter: facts["catalog.has_owner"]`),
			errors: []string{"card.yaml:4: filter: facts are not known when services are chosen"},
		},
		{
			name:   "a filter that is no boolean",
			card:   with("title: Mine", `filter: entity.name`),
			errors: []string{"card.yaml:4: filter: the expression is a string; it must be a bool"},
		},
		{
			name:   "a field that a filter does not have",
			card:   with("title: Mine", `filter: entity.naem == "x"`),
			errors: []string{"card.yaml:4: filter: undeclared reference to 'entity.naem' (did you mean 'entity.name'?); a filter can use entity.field"},
		},
		{
			name:   "a declared fact of no type",
			card:   with("title: Mine", "facts: [{name: x.y, type: date}]"),
			errors: []string{`card.yaml:4:27: fact "x.y": type is "date"; write one of bool, list, number, string, time`},
		},
		{
			name:   "a declared fact that dxctl gives",
			card:   with("title: Mine", "facts: [{name: catalog.owner, type: string}]"),
			errors: []string{"fact catalog.owner is one that dxctl gives itself"},
		},
		{name: "several mistakes at once", card: with("effort: minutes", "effort: weeks\n    applies: facts[\"x.y\"]\n  - "+
			"id: b\n    title: B\n    level: x\n    expr: 'true'\n    effort: days"), errors: []string{`effort is "weeks"`, `rule b: level "x"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cards, err := Parse([]byte(tt.card), "card.yaml")
			if err == nil {
				t.Fatalf("no error, but %+v", cards)
			}
			lines := columns.ReplaceAllString(err.Error(), "$1:")
			for _, part := range tt.errors {
				if !strings.Contains(err.Error(), part) && !strings.Contains(lines, part) {
					t.Errorf("error %q does not hold %q", err, part)
				}
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "card.yaml:") {
					t.Errorf("line %q has no file and line", line)
				}
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	own := strings.Replace(with("name: mine", "name: own"), "title: Mine", "facts: [{name: security.score, type: "+
		"number, unit: points, label: the security score, source: our scanner}]", 1)
	own = strings.Replace(own, `facts["catalog.has_owner"]`, `facts["security.score"] >= 7`, 1)
	for name, content := range map[string]string{"a.yaml": goodCard, "b.yaml": "---\n" + own, "broken.yml": "kind: x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	names := func(set Set) []string {
		var out []string
		for _, c := range set.Cards {
			out = append(out, c.Name)
		}
		return out
	}
	tests := []struct {
		name  string
		files []string
		want  []string
		err   string
	}{
		{name: "none named", want: builtInCards},
		{name: "a pattern without files", files: []string{"none/*.yaml"}, want: builtInCards},
		{name: "a pattern", files: []string{"*.yaml"}, want: []string{"mine", "own"}},
		{name: "a missing file", files: []string{"a.yaml", "c.yaml"}, err: "c.yaml: the scorecard cannot be read: no such " +
			"file"},
		{name: "a broken file", files: []string{"*.yaml", "broken.yml"}, err: "broken.yml:1:1: "},
		{name: "an empty name", files: []string{""}, err: "scorecards.files[0] is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cards, err := Load(Config{Files: tt.files}, dir)
			if err == nil {
				err = cards.Err()
			}
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || !slices.Equal(names(cards), tt.want) {
				t.Errorf("got %v, %v, want %v", names(cards), err, tt.want)
			}
		})
	}
	cards, err := Load(Config{Files: []string{"b.yaml"}}, dir)
	if err != nil {
		t.Fatal(err)
	}
	r := gradeOne(t, cards.Cards[0], factsOf(map[string]any{"security.score": 4})).Results[0]
	if want := "the security score is 4 points, the rule wants at least 7"; r.Reason != want {
		t.Errorf("got %q, want %q", r.Reason, want)
	}
	r = gradeOne(t, cards.Cards[0], nil).Results[0]
	if want := "security.score is not known; our scanner should give it"; r.Reason != want {
		t.Errorf("got %q, want %q", r.Reason, want)
	}
}

// Every rule of the golden paths tells people why and what to do, and no two ask for the same.
func TestBuiltInRulesHelp(t *testing.T) {
	cards, err := Load(Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range cards.Cards[0].Rules {
		if len(r.Why) < 40 || len(r.Fix) < 40 {
			t.Errorf("rule %s: why %q, fix %q", r.ID, r.Why, r.Fix)
		}
		if seen[r.Fix] {
			t.Errorf("rule %s has the fix of another", r.ID)
		}
		seen[r.Fix] = true
	}
}

func FuzzParse(f *testing.F) {
	// The seeds are small on purpose: a large one keeps the fuzzer busy with making it smaller.
	f.Add([]byte(goodCard))
	f.Add(
		[]byte(with(`facts["catalog.has_owner"]`, `[1,2].all(facts, facts > 0 || facts["a"]["b"] == {1: facts}[facts])`)),
	)
	f.Add([]byte(with(`facts["catalog.has_owner"]`, `facts["ci.runs_30d"] / 0 == -facts["ci.p95_minutes"] % 2`)))
	f.Add([]byte(bandsCard))
	f.Add([]byte(with("    effort: minutes", "    effort: minutes\n    status: announced\n    enforced_from: 2027-02-01\n"+
		"    grace: 30d\n    freshness: 7d\n    weight: 2\n    review: {when: 'true', note: Look.}")))
	f.Add([]byte(with(`facts["catalog.has_owner"]`, `facts["scorecard.mine.level"] in ["bronze"]`)))
	f.Add([]byte(with(`facts["catalog.has_owner"]`, ">-\n      [1, 2].exists(x,\n      x > \"a\")")))
	f.Fuzz(func(t *testing.T, data []byte) {
		cards, err := Parse(data, "card.yaml")
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if strings.HasPrefix(line, "card.yaml:0") {
					t.Errorf("no line: %s", line)
				}
			}
			return
		}
		e, err := New(Set{Cards: cards}, clock)
		if err != nil {
			t.Fatalf("parsed but not compiled: %v", err)
		}
		for _, r := range e.Grade(testEntity(), nil) {
			if r.Score < 0 || r.Score > 1 || r.Coverage < r.Score {
				t.Errorf("score %v, coverage %v", r.Score, r.Coverage)
			}
			for _, g := range r.Grades(testNow) {
				if err := g.Validate(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		cards, err := Load(Config{}, dir)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := New(cards, clock); err != nil {
			b.Fatal(err)
		}
	}
}

// The built-in scorecards are used with those of the files, unless a file has their name.
func TestBuiltinWithFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("mine.yaml", goodCard)
	check := func(want ...string) {
		t.Helper()
		cfg := Config{Files: []string{"*.yaml"}, Builtin: true}
		set, err := Load(cfg, dir)
		if err != nil {
			t.Fatal(err)
		}
		again, err := LoadRevision(cfg, set.Files[:len(set.Files)-len(builtInUsed(set.Files))])
		if err != nil {
			t.Fatal(err)
		}
		for _, loaded := range []Set{set, again} {
			var got []string
			for _, c := range loaded.Cards {
				got = append(got, c.Name)
			}
			if !slices.Equal(got, want) {
				t.Errorf("scorecards %v, want %v", got, want)
			}
		}
	}
	check("mine", "production-readiness", "delivery", "developer-experience")
	write("own.yaml", with("name: mine", "name: delivery"))
	check("mine", "delivery", "production-readiness", "developer-experience")
	write("own.yaml", with("name: mine", "name: delivery\nversion: none"))
	check("mine", "production-readiness", "developer-experience") // a mistake does not restore the rules of dxctl
	if got := Unmatched(Config{Files: []string{"gone/*.yaml"}, Builtin: true}, dir); len(got) != 1 ||
		strings.Contains(got[0], "graded by the built-in") {
		t.Errorf("got %q", got)
	}
}

func builtInUsed(files []File) []File {
	return slices.DeleteFunc(slices.Clone(files), func(f File) bool { return !strings.HasPrefix(f.Name, "built-in:") })
}

// Two scorecards cannot declare one fact with two types: it would be an error to one of them.
func TestTwoTypesOfOneFact(t *testing.T) {
	first := goodCard + "facts: [{name: own.x, type: number}]\n"
	second := with("name: mine", "name: other") + "facts: [{name: own.x, type: string}, {name: own.y, type: bool}]\n"
	third := with("name: mine", "name: third") + "facts: [{name: own.x, type: number}, {name: own.y, type: string}]\n"
	set := LoadFiles([]File{{"a.yaml", []byte(first)}, {"b.yaml", []byte(second)}, {"c.yaml", []byte(third)}})
	if len(set.Cards) != 2 || len(set.Broken) != 1 {
		t.Fatalf("%d used, broken %+v", len(set.Cards), set.Broken)
	}
	want := "b.yaml:12:29: fact own.x is a string here and a number at a.yaml:12, in scorecard mine; make the types equal, " +
		"or give one of the facts another name"
	if got := set.Err().Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
