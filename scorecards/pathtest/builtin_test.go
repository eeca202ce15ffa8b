package pathtest

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
)

var update = flag.Bool("update", false, "write docs/rules.md anew")

// theForty are the ids of the built-in rules. They are an interface: SARIF, the API and --rule use them.
var theForty = []string{
	"owner-exists", "codeowners-complete", "descriptor-valid", "dependency-updates", "branch-protected",
	"human-review", "required-checks", "workflow-permissions", "actions-pinned", "workflow-injection",
	"secret-scanning", "security-policy", "license", "readme-complete", "tests-on-pull-requests",
	"lock-files", "container-non-root", "base-image-pinned", "resources-set", "probes-set",
	"disruption-budget", "security-context", "image-immutable", "on-call", "alert-with-runbook",
	"slo-declared", "metrics-scraped", "traces-exported", "structured-logs", "deployed-recently",
	"time-to-first-deploy", "rollback-possible", "ci-fast-and-green", "workflow-timeouts", "sbom-on-release",
	"provenance-attested", "production-protected", "agents-md", "dev-environment", "no-binaries-or-secrets",
}

// always are the rules that are never "not applicable", and why.
var always = map[string]string{
	"branch-protected":       "every repository has a default branch",
	"human-review":           "every repository takes changes",
	"secret-scanning":        "a secret can be pushed to any repository",
	"no-binaries-or-secrets": "a secret can be committed to any repository",
	"owner-exists":           "somebody has to answer for every component",
	"descriptor-valid":       "a component is in the catalog because it has a descriptor",
	"license":                "a proprietary repository says so",
	"security-policy":        "holes are found in any code; the organization's policy counts",
	"codeowners-complete":    "every repository takes changes that somebody has to review",
	"readme-complete":        "every repository is opened by somebody for the first time",
	"dev-environment":        "every repository is changed by somebody for the first time",
	"agents-md":              "agents work in any repository",
}

func builtin(t *testing.T) scorecards.Set {
	t.Helper()
	set, err := scorecards.Load(scorecards.Config{}, t.TempDir())
	if err != nil || set.Err() != nil {
		t.Fatal(err, set.Err())
	}
	return set
}

func TestBuiltinCases(t *testing.T) {
	for _, card := range builtin(t).Cards {
		results, err := Run(scorecards.Builtin(), card.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			t.Run(card.Name+"/"+r.Name, func(t *testing.T) {
				for _, p := range r.Problems {
					t.Error(p)
				}
			})
		}
	}
}

// tested returns the outcomes that the cases of a scorecard want, by rule.
func tested(t *testing.T, card string) map[string]map[event.Outcome]bool {
	t.Helper()
	files, err := fs.Glob(scorecards.Builtin(), card+"/testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(card, err)
	}
	all := map[string]map[event.Outcome]bool{}
	for _, file := range files {
		data, err := fs.ReadFile(scorecards.Builtin(), file)
		if err != nil {
			t.Fatal(err)
		}
		var cases caseFile
		if err := yaml.Unmarshal(data, &cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases.Cases {
			for rule, outcome := range c.Outcomes {
				if all[rule] == nil {
					all[rule] = map[event.Outcome]bool{}
				}
				all[rule][outcome] = true
			}
		}
	}
	return all
}

func TestTheFortyRules(t *testing.T) {
	seen := map[string]string{}
	for _, card := range builtin(t).Cards {
		cases := tested(t, card.Name)
		for i := range card.Rules {
			r := &card.Rules[i]
			if other, ok := seen[r.ID]; ok {
				t.Errorf("%s is in %s and in %s", r.ID, other, card.Name)
			}
			seen[r.ID] = card.Name
			complete(t, r, cases[r.ID])
		}
	}
	if got, want := slices.Sorted(maps.Keys(seen)), slices.Sorted(slices.Values(theForty)); !slices.Equal(got, want) {
		t.Errorf("the rules are\n%v, want\n%v", got, want)
	}
	for rule := range always {
		if seen[rule] == "" {
			t.Errorf("%s is no rule", rule)
		}
	}
}

// complete checks that a rule persuades, helps, and is tested with every outcome that it can have.
func complete(t *testing.T, r *scorecards.Rule, cases map[event.Outcome]bool) {
	t.Helper()
	for name, text := range map[string]string{"why": r.Why, "fix": r.Fix, "effort": string(r.Effort), "title": r.Title} {
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s has no %s", r.ID, name)
		}
	}
	for _, link := range r.Links {
		if !strings.HasPrefix(link.URL, "https://") {
			t.Errorf("%s: %s is no address of a page", r.ID, link.URL)
		}
	}
	if len(r.Links) == 0 {
		t.Errorf("%s has no link", r.ID)
	}
	wanted := []event.Outcome{event.Pass, event.Fail, event.Unknown}
	if reason := always[r.ID]; reason == "" {
		wanted = append(wanted, event.NotApplicable)
	}
	if (always[r.ID] == "") != (r.Applies != "") || (r.Applies != "") != (r.AppliesNote != "") {
		t.Errorf("%s: applies %q, note %q, listed as always applicable: %q", r.ID, r.Applies, r.AppliesNote, always[r.ID])
	}
	if slices.ContainsFunc(r.Bands, func(b format.Band) bool { return b.Warn != "" }) {
		wanted = append(wanted, event.Warn)
	}
	if r.Review != nil {
		wanted = append(wanted, event.NeedsReview)
	}
	for _, outcome := range wanted {
		if !cases[outcome] {
			t.Errorf("%s has no case with the outcome %q", r.ID, outcome)
		}
	}
}

const pageHead = `# The built-in rules

Without ` + "`scorecards:`" + ` in dx.yaml, components are graded by three scorecards with forty rules. Each rule has a reason, a
fix that can be copied, and links; ` + "`dxctl grade SERVICE`" + ` and the page of the service show them. To change a rule, copy
[scorecards/builtin](../scorecards/builtin), edit it, and list your files in dx.yaml; [scorecards.md](scorecards.md)
describes the format.

A rule about something that the repository does not have (no container, no workload, no GitHub workflow, no release, no
alert) is not applicable. A fact that cannot be known, such as a setting that the token may not read or a Helm chart
that is not rendered, makes the rule unknown, never failed. Files that a repository inherits from the organization's
.github repository count.

The column "fix" shows what makes the rule pass: a patch is a change of a file, a setting is changed at the host, ask
needs a decision of a person.
`

const pageTail = `
## Rules of earlier versions

Before there were three scorecards, there was one, production-service. The history of these rules is continued under the
new name; the version of a rule, which every grade records, shows where its meaning changed. has-owner, has-description,
has-repository, ci-green and deploys-weekly ended with it. Stored grades are not rewritten. If you use a copy that is
still called production-service, nothing is renamed.

| rule of production-service | scorecard | rule |
|---|---|---|
`

// page is generated by TestRulesAreDocumented.
const page = "../../docs/rules.md"

// TestRulesAreDocumented keeps docs/rules.md what the rules are. go test ./scorecards/pathtest -update writes it.
func TestRulesAreDocumented(t *testing.T) {
	want := document(builtin(t))
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != want {
		t.Errorf("docs/rules.md is not what the rules are; run \"go generate ./scorecards/...\" (%v)", err)
	}
}

// document returns the page of the built-in rules.
func document(set scorecards.Set) string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, card := range set.Cards {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s\n\n", card.Title, wrapped(card.Description), wrapped(card.FilterNote))
		b.WriteString("| rule | level | weight | passes if | facts | effort | fix |\n|---|---|---|---|---|---|---|\n")
		for _, level := range card.Levels {
			for i := range card.Rules {
				if r := &card.Rules[i]; r.Level == level {
					writeRule(&b, r)
				}
			}
		}
	}
	b.WriteString(pageTail)
	renamed := scorecards.Renamed()
	for _, old := range slices.SortedFunc(maps.Keys(renamed), func(a, b scorecards.RuleName) int {
		return strings.Compare(a.Rule, b.Rule)
	}) {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", old.Rule, renamed[old].Scorecard, renamed[old].Rule)
	}
	return b.String()
}

var factPattern = regexp.MustCompile(`facts\["([^"]+)"\]`)

// factsOf returns the names of the facts that a rule asks about, in its order.
func factsOf(r *scorecards.Rule) []string {
	text := r.Applies + r.Expr + r.Bands.Source()
	if r.Review != nil {
		text += r.Review.When
	}
	var names []string
	for _, found := range factPattern.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, found[1]) {
			names = append(names, found[1])
		}
	}
	return names
}

// wrapped breaks a text at 120 columns.
func wrapped(text string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
		case column+1+len(word) > 120:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

func writeRule(b *strings.Builder, r *scorecards.Rule) {
	var names []string
	for _, name := range factsOf(r) {
		names = append(names, "`"+name+"`")
	}
	fix := "measured only"
	if r.Action != nil {
		fix = strings.Join(r.Action.Kind, ", ")
	}
	title := r.Title
	if r.Grace > 0 {
		title += fmt.Sprintf("; from the %.0fth day on", r.Grace.Hours()/24)
	}
	fmt.Fprintf(b, "| `%s` | %s | %g | %s | %s | %s | %s |\n", r.ID, r.Level, r.Weight, title,
		strings.Join(names, ", "), r.Effort, fix)
}
