package checks

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/jstemmer/go-junit-report/v2/junit"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/scorecards"
)

const places = "repository.workflows.unpinned_actions"

func list(elements ...string) event.Fact {
	value, err := json.Marshal(elements)
	if err != nil {
		panic(err)
	}
	return event.Fact{Name: places, Type: event.ListFact, Value: value}
}

// example has two services of a repository, and a rule of each outcome.
func example() *Grades {
	rule := func(id, level string, o event.Outcome) scorecards.Result {
		return scorecards.Result{
			Rule: id, Title: "Title of " + id, Level: level, Outcome: o, Reason: "reason of " + id, Why: "Why.", Fix: "Fix it.\nThen more.",
		}
	}
	pinned := rule("actions-pinned", "silver", event.Fail)
	pinned.FactNames = []string{places}
	unknown := rule("branch-protected", "gold", event.Unknown)
	unknown.Missing = []string{"repository.archived"}
	chart := rule("resources-set", "gold", event.Unknown)
	chart.Missing = []string{"repository.workloads.without_resources"}
	a := scorecards.Report{
		Scorecard: "paved", Title: "Paved", Level: "bronze", NextLevel: "silver", Score: 0.5, ScoreHigh: 0.7, Coverage: 0.8,
		Counts: map[event.Outcome]int{event.Pass: 1, event.NotApplicable: 1},
		Next:   []scorecards.Result{pinned},
		Results: []scorecards.Result{
			rule("owner", "bronze", event.Pass), rule("readme", "silver", event.Fail), pinned, unknown, chart, rule("broken", "gold", event.ErrorOutcome),
			rule("review", "gold", event.NeedsReview), rule("ci", "gold", event.Warn), rule("none", "gold", event.NotApplicable), rule("old", "gold", event.Stale),
		},
	}
	b := scorecards.Report{
		Scorecard: "paved", Title: "Paved", Level: "silver", NextLevel: "gold", Results: []scorecards.Result{pinned, unknown},
	}
	b.Results[0].Outcome = event.Pass
	facts := map[string]event.Fact{
		places:                                   list(".github/workflows/a b.yml:3: x@v1 is not pinned", ".github/workflows/a b.yml:9: x@v1 is not pinned", "action.yml: y@v1 <&> \x01", "… and 4 more"),
		"repository.workloads.without_resources": {Name: "x", Type: event.ListFact, Error: "chart/Chart.yaml: a Helm chart is not rendered"},
	}
	var rules []scorecards.Rule
	for _, r := range a.Results {
		rules = append(rules, scorecards.Rule{ID: r.Rule, Level: r.Level, Title: r.Title, Why: r.Why, Fix: r.Fix})
	}
	other := a
	other.Results = []scorecards.Result{pinned}
	other.Next, other.Counts = nil, nil
	return &Grades{
		Root: "/work/x",
		Cards: []scorecards.Scorecard{
			{Name: "paved", Title: "Paved", Levels: []string{"bronze", "silver", "gold"}, Rules: rules},
			{Name: "other", Title: "Other", Levels: []string{"one"}, Rules: rules[:1]},
		},
		Services: []Service{
			{Ref: "component:default/a", At: fact.Location{Path: "a/catalog-info.yaml", Line: 1}, Anchor: fact.Location{Path: "a/catalog-info.yaml", Line: 1}, Reports: []scorecards.Report{a}, Facts: facts},
			{Ref: "component:default/b", Anchor: fact.Location{Path: "README.md"}, Reports: []scorecards.Report{b}, Facts: facts},
			{Ref: "component:default/c", Anchor: fact.Location{Path: "README.md"}, Reports: []scorecards.Report{other}, Facts: facts},
		},
		Problems: []fact.Problem{{At: fact.Location{Path: "bad/catalog-info.yaml", Line: 3}, Reason: "it is not YAML"}},
		Notes:    []string{"something was left out"},
		Version:  "1.2.3",
	}
}

// TestSARIF validates the log against the schema of OASIS, which the library has.
func TestSARIF(t *testing.T) {
	var first, second bytes.Buffer
	g := example()
	if err := g.WriteSARIF(&first); err != nil {
		t.Fatal(err)
	}
	log, err := sarif.FromBytes(first.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Validate(); err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(first.String(), `"startLine": 3`, `"startLine": 0`, 1)
	if wrong, err := sarif.FromString(broken); err == nil && wrong.Validate() == nil {
		t.Error("the schema is not checked")
	}
	run := log.Runs[0]
	var got []string
	prints := map[string]bool{}
	for _, r := range run.Results {
		at := r.Locations[0].PhysicalLocation
		got = append(got, fmt.Sprintf("%s %s %s:%d %s", *r.RuleID, r.Level, *at.ArtifactLocation.URI, *at.Region.StartLine, *r.Message.Text))
		if *at.ArtifactLocation.URIBaseID != "%SRCROOT%" || *run.Tool.Driver.Rules[r.RuleIndex].ID != *r.RuleID || len(r.PartialFingerprints) != 1 {
			t.Errorf("%+v", r)
		}
		prints[r.PartialFingerprints["dxctlPlace/v1"]] = true
	}
	want := []string{
		"readme warning a/catalog-info.yaml:1 Title of readme: reason of readme",
		"actions-pinned warning .github/workflows/a%20b.yml:3 Title of actions-pinned: x@v1 is not pinned",
		"actions-pinned warning .github/workflows/a%20b.yml:9 Title of actions-pinned: x@v1 is not pinned",
		"actions-pinned warning action.yml:1 Title of actions-pinned: y@v1 <&> \x01 (… and 4 more)",
		"ci note a/catalog-info.yaml:1 Title of ci: reason of ci",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(prints) != len(want) {
		t.Errorf("%d fingerprints of %d results", len(prints), len(want))
	}
	if n := len(run.Invocations[0].ToolExecutionNotifications); n != 7 { // 3 unknown, 1 error, 1 review, 1 stale, 1 descriptor
		t.Errorf("%d notifications", n)
	}
	if *run.Tool.Driver.Rules[0].DefaultConfiguration != (sarif.ReportingConfiguration{Enabled: true, Level: "error", Rank: run.Tool.Driver.Rules[0].DefaultConfiguration.Rank}) {
		t.Errorf("%+v", run.Tool.Driver.Rules[0].DefaultConfiguration)
	}
	if last := run.Tool.Driver.Rules[len(run.Tool.Driver.Rules)-1]; *last.ID != "other/owner" {
		t.Errorf("the rule of the second scorecard is called %s", *last.ID)
	}
	// Lines that are added above do not change the fingerprints, and neither does the order of the run.
	for i := range g.Services {
		g.Services[i].Facts[places] = list(".github/workflows/a b.yml:13: x@v1 is not pinned", ".github/workflows/a b.yml:19: x@v1 is not pinned", "action.yml: y@v1 <&> \x01")
	}
	if err := g.WriteSARIF(&second); err != nil {
		t.Fatal(err)
	}
	again, err := sarif.FromBytes(second.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range again.Runs[0].Results {
		if !prints[r.PartialFingerprints["dxctlPlace/v1"]] {
			t.Errorf("another fingerprint: %s", *r.Message.Text)
		}
	}
	if strings.Contains(first.String(), "/work/x") {
		t.Error("the log has a path of this machine")
	}
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := example().WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	var suites junit.Testsuites
	if err := xml.Unmarshal(b.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range suites.Suites {
		got = append(got, fmt.Sprintf("%s %d tests %d failures %d errors %d skipped", s.Name, s.Tests, s.Failures, s.Errors, s.Skipped))
	}
	want := "descriptors 1 tests 1 failures 0 errors 0 skipped\npaved 13 tests 3 failures 1 errors 6 skipped\nother 0 tests 0 failures 0 errors 0 skipped"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	for _, c := range suites.Suites[1].Testcases {
		switch {
		case c.Name == "branch-protected: Title of branch-protected" && c.Skipped.Message != "unknown: reason of branch-protected":
			t.Errorf("%+v", c.Skipped)
		case c.Failure != nil && strings.HasPrefix(c.Name, "actions-pinned") && !strings.Contains(c.Failure.Data, ".github/workflows/a b.yml:3: x@v1 is not pinned\n"):
			t.Errorf("%+v", c.Failure)
		}
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := example().WriteText(&b, func(s string) string { return strings.ReplaceAll(s, "\x01", "·") }); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"component:default/a  a/catalog-info.yaml:1\n\n  Paved: bronze, score 50 % to 70 %, coverage 80 %\n  To silver: actions-pinned\n\n  FAILS (2)\n    silver  readme  Title of readme\n            reason of readme\n            → Fix it. …\n",
		"            .github/workflows/a b.yml:3  x@v1 is not pinned\n            .github/workflows/a b.yml:9  x@v1 is not pinned\n            action.yml                   y@v1 <&> ·\n",
		"  NOT KNOWN (3)\n", "    chart/Chart.yaml: a Helm chart is not rendered\n      resources-set\n", "    a source of kind github or gitlab\n      branch-protected\n",
		"  FOR A PERSON TO CHECK (1)\n", "  1 pass, 1 do not apply\n", "Descriptors to correct\n  bad/catalog-info.yaml:3: it is not YAML\n", "Note: something was left out.\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks\n%s\nin\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), " \n") {
		t.Error("a line ends in a space")
	}
}

func TestAgainst(t *testing.T) {
	g := example()
	for level, want := range map[string]Standing{"bronze": Reached, "silver": Below, "gold": Below, "one": Reached} {
		if got, why, err := g.Against(level); got != want || err != nil || (got == Below) != (len(why) > 0) {
			t.Errorf("%s: %v %v %v", level, got, why, err)
		}
	}
	if _, _, err := g.Against("platinum"); err == nil || err.Error() != "--fail-below platinum: unknown level; the levels are bronze, silver, gold, one" {
		t.Error(err)
	}
	g.Services = g.Services[1:2]
	if got, why, err := g.Against("gold"); got != Open || err != nil || why[0] != "component:default/b does not reach gold of Paved: branch-protected is not known" {
		t.Errorf("%v %v %v", got, why, err)
	}
	g.Services, g.Lost = nil, g.Problems
	if got, why, err := g.Against("bronze"); got != Open || err != nil || len(why) != 1 {
		t.Errorf("a repository of which only a broken descriptor is known: %v %v %v", got, why, err)
	}
}

func TestDocument(t *testing.T) {
	text, err := json.Marshal(example().Document())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"version":1,"root":"/work/x","services":[{"service":"component:default/a","descriptor":"a/catalog-info.yaml:1"`,
		`{"scorecard":"paved","rule":"actions-pinned","outcome":"fail","path":".github/workflows/a b.yml","line":3,"text":"x@v1 is not pinned"}`,
		`"problems":[{"path":"bad/catalog-info.yaml","line":3,"reason":"it is not YAML"}]`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("lacks %s in\n%s", want, text)
		}
	}
}
