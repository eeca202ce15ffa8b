package planned_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/report/planned"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/plan"
)

var update = flag.Bool("update", false, "write the example of docs/plan.md anew")

// page has the example between two lines of comments.
const (
	page         = "../../docs/plan.md"
	exampleBegin = "<!-- example: go generate ./report/planned -->\n"
	exampleEnd   = "<!-- end of the example -->\n"
)

// stricter is what the example changes: a limit, and a rule that is announced for the next month.
var stricter = strings.NewReplacer(`pass: "<= 10"`, `pass: "<= 8"`, "rules:\n", `rules:
  - {id: runbook, level: gold, title: Has a runbook, effort: hours, status: announced, enforced_from: "2026-12-01",
     expr: 'facts["runbook.written"]'}
`)

const exampleCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: delivery
levels: [silver, gold]
facts:
  - {name: build.minutes, type: number, label: the build}
  - {name: runbook.written, type: bool, true: it has a runbook, false: it has no runbook}
rules:
  - {id: fast, level: gold, title: Builds fast, effort: days, bands: {value: 'facts["build.minutes"]', pass: "<= 10"}}
  - {id: owned, level: silver, title: Has an owner, effort: minutes, expr: 'entity.owner != ""'}
`

// TestPlanIsDocumented keeps the example of docs/plan.md what a plan of the change in it is.
func TestPlanIsDocumented(t *testing.T) {
	changes := "```yaml\n# - {id: fast, …, pass: \"<= 10\"} becomes\n" +
		"- {id: fast, level: gold, …, pass: \"<= 8\"}\n# and this rule is new:\n" +
		"- {id: runbook, level: gold, …, status: announced, enforced_from: \"2026-12-01\"}\n```\n"
	want := changes + "\n```text\n" + planned.Text(example(t), 0) + "```\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), exampleBegin)
	got, after, ends := strings.Cut(rest, exampleEnd)
	if !begins || !ends {
		t.Fatalf("%s has no example", page)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("the example of docs/plan.md is not what a plan of it is; run \"go generate ./report/planned\"\n%s", want)
	}
	if err := os.WriteFile(page, []byte(before+exampleBegin+want+exampleEnd+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// example plans the change for three services.
func example(t *testing.T) *plan.Plan {
	t.Helper()
	dir := t.TempDir()
	var descriptors strings.Builder
	owners := map[string]string{"cart": "shop", "checkout": "shop", "ledger": "payments"}
	for _, name := range []string{"cart", "checkout", "ledger"} {
		descriptors.WriteString("---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: " + name +
			"}\nspec: {type: service, lifecycle: production, owner: " + owners[name] + "}\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(descriptors.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"c.yaml"}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	set := func(text string) *scorecards.Engine {
		loaded := scorecards.LoadFiles([]scorecards.File{{Name: "scorecards/delivery.yaml", Data: []byte(text)}})
		if err := loaded.Err(); err != nil {
			t.Fatal(err)
		}
		e, err := scorecards.New(loaded, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	known := map[string][2]string{"cart": {"9", "false"}, "checkout": {"7", "true"}, "ledger": {"6", "false"}}
	factsOf := func(e descriptor.Entity) map[string]event.Fact {
		fact := func(name, value string, typ event.FactType) event.Fact {
			return event.Fact{Source: "scripts", Entity: e.Ref, Name: name, Type: typ, Value: json.RawMessage(value), ObservedAt: now}
		}
		return map[string]event.Fact{
			"build.minutes":   fact("build.minutes", known[e.Name][0], event.NumberFact),
			"runbook.written": fact("runbook.written", known[e.Name][1], event.BoolFact),
		}
	}
	before, after := set(exampleCard), set(stricter.Replace(exampleCard))
	p := plan.Compare(cat, before, after, factsOf, now)
	p.Files, p.Base = []string{"scorecards/delivery.yaml"}, "revision HEAD of dx.yaml"
	p.AddDigests(before, after, []event.RulesInForce{{Scorecard: "delivery", Digest: before.Scorecards()[0].Digest,
		Since: time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)}})
	return p
}
