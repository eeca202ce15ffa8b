package scorecards_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
)

const gateCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: c
levels: [Bronze, silver, gold]
GATE
facts: [{name: t.a, type: bool, true: a, false: no a}, {name: t.b, type: bool, true: b, false: no b}]
rules:
  - {id: a, level: Bronze, title: A, effort: days, expr: 'facts["t.a"]'}
  - {id: b, level: silver, title: B, effort: days, freshness: 7d, expr: 'facts["t.b"]'}
  - {id: n, level: silver, title: N, effort: days, status: announced, enforced_from: 2099-01-01, expr: 'false'}
  - {id: z, level: gold, title: Z, effort: days, status: announced, enforced_from: 2099-01-01, expr: 'false'}
`

// What a gate answers, for each outcome of two rules and each policy. b is two days old, or ten if it is stale.
func TestGate(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, gate, a, b, level string
		want                    scorecards.Decision
		reason                  string
		decides                 string
	}{
		{"both pass", "", "true", "true", "silver", "pass", "all 2 rules up to level silver pass", "a b"},
		{"levels in any case", "", "true", "true", "SILVER", "pass", "up to level silver", "a b"},
		{"a lower level", "", "true", "false", "bronze", "pass", "all one rule up to level Bronze", "a"},
		{"one fails", "", "true", "false", "silver", "fail", "1 does not pass", "b"},
		{"a failure decides before what is not known", "", "", "false", "silver", "fail", "1 does not pass", "b"},
		{"not known", "", "", "true", "silver", "unknown", "none fails and 1 is not decided", "a"},
		{"not known fails", "gate: {unknown: fail}", "", "true", "silver", "fail", "1 unknown by gate.unknown: fail", "a"},
		{"not known passes", "gate: {unknown: pass}", "", "true", "silver", "pass", "1 unknown by gate.unknown: pass", "a b"},
		{"stale", "gate: {unknown: fail}", "true", "old", "silver", "unknown", "1 is not decided", "b"},
		{"stale fails", "gate: {stale: fail}", "true", "old", "silver", "fail", "1 stale by gate.stale: fail", "b"},
		{"stale passes", "gate: {stale: pass}", "true", "old", "silver", "pass", "1 stale by gate.stale: pass", "a b"},
		{"an error is unknown", "gate: {unknown: fail, stale: pass}", "broken", "true", "silver", "fail",
			"1 error by gate.unknown: fail", "a"},
		{"a waiver", "", "true", "waived", "silver", "pass", "pass, are waived or do not apply", "a b"},
		{"announced rules do not count", "", "true", "true", "gold", "pass", "all 2 rules up to level gold", "a b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cards, err := scorecards.Parse([]byte(strings.Replace(gateCard, "GATE", c.gate, 1)), "c.yaml")
			if err != nil {
				t.Fatal(err)
			}
			e, err := scorecards.New(scorecards.Set{Cards: cards}, func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			known := map[string]event.Fact{}
			for name, value := range map[string]string{"t.a": c.a, "t.b": c.b} {
				f := event.Fact{Source: "t", Name: name, Type: event.BoolFact, ObservedAt: now.AddDate(0, 0, -2)}
				switch f.Value = json.RawMessage(value); value {
				case "old":
					f.Value, f.ObservedAt = json.RawMessage("true"), now.AddDate(0, 0, -10)
				case "waived":
					f.Value = json.RawMessage("false")
					book := waiver.NewBook([]waiver.Waiver{{Rule: "b", Service: "component:default/s", Reason: "planned", Note: "n",
						By: "x", Until: now.AddDate(0, 1, 0), Origin: waiver.FromScorecards}}, nil)
					e = e.WithWaivers(func() *waiver.Book { return book })
				case "broken":
					f.Value = json.RawMessage(`"text"`)
				case "":
					continue
				}
				known[name] = f
			}
			reports := e.Grade(descriptor.Entity{Ref: "component:default/s", Kind: "Component", Type: "service", Name: "s",
				Lifecycle: "production"}, known)
			card := e.Scorecards()[0]
			gate, err := card.Gate(&reports[0], c.level)
			if err != nil {
				t.Fatal(err)
			}
			var decides []string
			for i, r := range gate.Rules {
				if r.Decides {
					decides = append(decides, r.Result.Rule)
				}
				if i > 0 && r.Decides && !gate.Rules[i-1].Decides {
					t.Errorf("%s decides and comes after one that does not", r.Result.Rule)
				}
			}
			if gate.Decision != c.want || !strings.Contains(gate.Reason, c.reason) || strings.Join(decides, " ") != c.decides {
				t.Errorf("%s because %s; %v decide", gate.Decision, gate.Reason, decides)
			}
		})
	}
}

func TestGateMistakes(t *testing.T) {
	for gate, want := range map[string]string{
		"gate: {unknown: fial}": `c.yaml:5:17: gate.unknown: "fial" is not one of unknown, pass, fail (did you mean fail?)`,
		"gate: {stale: ''}":     `gate.stale: "" is not one of`,
		"gate: {}":              "gate is empty",
		"gate: {old: fail}":     `unknown key "old" in gate`,
	} {
		_, err := scorecards.Parse([]byte(strings.Replace(gateCard, "GATE", gate, 1)), "c.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", gate, err)
		}
	}
	cards, err := scorecards.Parse([]byte(strings.Replace(gateCard, "GATE", "", 1)), "c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cards[0].Gate(&scorecards.Report{}, "golden"); err == nil ||
		!strings.Contains(err.Error(), `has no level "golden" (did you mean "gold"?)`) {
		t.Error(err)
	}
	if gate, err := cards[0].Gate(&scorecards.Report{}, "gold"); err != nil || gate.Decision != scorecards.GateUnknown {
		t.Errorf("without a rule in force: %+v, %v", gate, err)
	}
}
