package scorecards

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/event"
)

func TestOutcomes(t *testing.T) {
	old := event.Fact{
		Source:     "metrics",
		Type:       event.NumberFact,
		Value:      json.RawMessage("17.4"),
		ObservedAt: testNow.AddDate(0, 0, -9),
		ExpiresAt:  testNow.AddDate(0, 0, -5),
	}
	tests := []struct {
		name, expr, applies, evidence string
		facts                         map[string]any
		outcome                       event.Outcome
		reason                        string
		missing                       []string
	}{
		{
			name:    "true",
			expr:    `facts["catalog.has_owner"]`,
			facts:   map[string]any{"catalog.has_owner": true},
			outcome: event.Pass,
			reason:  "it has an owner",
		},
		{
			name:    "false",
			expr:    `facts["catalog.has_owner"]`,
			facts:   map[string]any{"catalog.has_owner": false},
			outcome: event.Fail,
			reason:  "it has no owner",
		},
		{
			name:    "not",
			expr:    `!facts["repository.archived"]`,
			facts:   map[string]any{"repository.archived": true},
			outcome: event.Fail,
			reason:  "the repository is archived",
		},
		{
			name:    "a fact is absent",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			outcome: event.Unknown,
			missing: []string{"ci.p95_minutes"},
			reason: "ci.p95_minutes is not known; a source with pipeline runs (github, gitlab, jenkins, circleci or pushed " +
				"events) should give it",
		},
		{
			name:    "a fact that its source could not give",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"ci.p95_minutes": fmt.Errorf("no pipeline runs are known")},
			outcome: event.Unknown,
			missing: []string{"ci.p95_minutes"},
			reason: "ci.p95_minutes is not known: no pipeline " +
				"runs are known",
		},
		{
			name:    "false and unknown is false",
			expr:    `facts["catalog.has_owner"] && facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"catalog.has_owner": false},
			outcome: event.Fail,
			reason:  "it has no owner",
		},
		{
			name:    "unknown and false is false",
			expr:    `facts["ci.p95_minutes"] <= 10 && facts["catalog.has_owner"]`,
			facts:   map[string]any{"catalog.has_owner": false},
			outcome: event.Fail,
			reason:  "it has no owner",
		},
		{
			name:    "true or unknown is true",
			expr:    `facts["ci.p95_minutes"] <= 10 || facts["catalog.has_owner"]`,
			facts:   map[string]any{"catalog.has_owner": true},
			outcome: event.Pass,
			reason:  "it has an owner",
		},
		{
			name:    "true and unknown is unknown",
			expr:    `facts["catalog.has_owner"] && facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"catalog.has_owner": true},
			outcome: event.Unknown,
			missing: []string{"ci.p95_minutes"},
			reason: "ci.p95_minutes is not known; a source with " +
				"pipeline runs (github, gitlab, jenkins, circleci or pushed events) should give it",
		},
		{
			name:    "not unknown is unknown",
			expr:    `!facts["repository.archived"]`,
			outcome: event.Unknown,
			missing: []string{"repository.archived"},
			reason:  "repository.archived is not known; a source of kind github or gitlab should give it",
		},
		{
			name:    "two are absent",
			expr:    `facts["repository.files.readme"] && facts["repository.files.license"]`,
			outcome: event.Unknown,
			missing: []string{"repository.files.license", "repository.files.readme"},
			reason: "repository.files.license is not known; a checkout, or a source of kind github or gitlab should give it; repository.files.readme " +
				"is not known; a checkout, or a source of kind github or gitlab should give it",
		},
		{
			name:    "an unknown list in a macro",
			expr:    `facts["catalog.tags"].exists(t, t == "go")`,
			outcome: event.Unknown,
			missing: []string{"catalog.tags"},
			reason:  "catalog.tags is not known; the catalog (the service's descriptor) should give it",
		},
		{
			name:    "expired",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"ci.p95_minutes": old},
			outcome: event.Stale,
			missing: []string{"ci.p95_minutes"},
			reason:  "ci.p95_minutes is out of date: metrics gave 17.4 minutes on 2026-11-13 and it held until 2026-11-17",
		},
		{
			name:    "expired and absent is unknown",
			expr:    `facts["ci.p95_minutes"] <= facts["ci.runs_30d"]`,
			facts:   map[string]any{"ci.p95_minutes": old},
			outcome: event.Unknown,
			missing: []string{"ci.p95_minutes", "ci.runs_30d"},
			reason: "ci.p95_minutes is out of date: metrics gave 17.4 minutes on 2026-11-13 and it held until 2026-11-17; " +
				"ci.runs_30d is not known; a source with pipeline runs (github, gitlab, jenkins, circleci or pushed events) " +
				"should give it",
		},
		{
			name:    "expired but not needed",
			expr:    `facts["catalog.has_owner"] || facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"catalog.has_owner": true, "ci.p95_minutes": old},
			outcome: event.Pass,
			reason:  "it has an owner",
		},
		{
			name:    "a value of another type",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"ci.p95_minutes": "fast"},
			outcome: event.ErrorOutcome,
			reason:  "the rule could not be evaluated: ci.p95_minutes is a string, and a number was expected; test gave it",
		},
		{
			name:    "a value of another type that does not matter",
			expr:    `facts["catalog.has_owner"] && facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"catalog.has_owner": false, "ci.p95_minutes": "fast"},
			outcome: event.Fail,
			reason:  "it has no owner",
		},
		{
			name:    "an annotation that is not there",
			expr:    `entity.annotations["nope"] == "y"`,
			outcome: event.ErrorOutcome,
			reason:  "the rule could not be evaluated: no such key: nope",
		},
		{
			name:    "an annotation that is",
			expr:    `"x" in entity.annotations && entity.annotations["x"] == "y"`,
			outcome: event.Pass,
			reason:  "the annotations hold x",
		},
		{
			name:    "at most",
			expr:    `facts["ci.p95_minutes"] <= 10`,
			facts:   map[string]any{"ci.p95_minutes": 17.42},
			outcome: event.Fail,
			reason:  "the 95th percentile of CI duration is 17.4 minutes, the rule wants at most 10",
		},
		{
			name:    "exchanged sides",
			expr:    `10 >= facts["ci.p95_minutes"]`,
			facts:   map[string]any{"ci.p95_minutes": 7.418},
			outcome: event.Pass,
			reason:  "the 95th percentile of CI duration is 7.42 minutes, the rule wants at most 10",
		},
		{
			name:    "negated",
			expr:    `!(facts["ci.p95_minutes"] > 10)`,
			facts:   map[string]any{"ci.p95_minutes": 12},
			outcome: event.Fail,
			reason:  "the 95th percentile of CI duration is 12 minutes, the rule wants at most 10",
		},
		{
			name:    "arithmetic with whole numbers",
			expr:    `facts["ci.p95_minutes"] * 2 < facts["ci.runs_30d"] + 1`,
			facts:   map[string]any{"ci.p95_minutes": 3, "ci.runs_30d": 6},
			outcome: event.Pass,
			reason:  "the 95th percentile of CI duration is 3 minutes, the number of CI runs in 30 days is 6",
		},
		{
			name:    "equal to a whole number",
			expr:    `facts["ci.runs_30d"] == 3`,
			facts:   map[string]any{"ci.runs_30d": 3},
			outcome: event.Pass,
			reason:  "the number of CI runs in 30 days is 3",
		},
		{
			name:    "a share",
			expr:    `facts["ci.success_rate"] >= 0.8`,
			facts:   map[string]any{"ci.success_rate": 0.6149},
			outcome: event.Fail,
			reason:  "the CI success rate is 61.5 %, the rule wants at least 80 %",
		},
		{
			name:    "one of",
			expr:    `facts["catalog.lifecycle"] in ["production", "deprecated"]`,
			facts:   map[string]any{"catalog.lifecycle": ""},
			outcome: event.Fail,
			reason:  "the lifecycle is not set, the rule wants one of production, deprecated",
		},
		{
			name:    "none of",
			expr:    `!(facts["catalog.lifecycle"] in ["deprecated"])`,
			facts:   map[string]any{"catalog.lifecycle": "deprecated"},
			outcome: event.Fail,
			reason:  "the lifecycle is deprecated, the rule wants none of deprecated",
		},
		{
			name:    "in a list",
			expr:    `"go" in facts["catalog.tags"]`,
			facts:   map[string]any{"catalog.tags": []string{"java"}},
			outcome: event.Fail,
			reason:  "its tags (java) lack go",
		},
		{
			name:    "a field of the entity",
			expr:    `entity.type == "website"`,
			outcome: event.Fail,
			reason:  "the type is service, the rule wants website",
		},
		{
			name:    "a time ago",
			expr:    `facts["deploy.last_at"] >= now - duration("720h")`,
			facts:   map[string]any{"deploy.last_at": testNow.AddDate(0, 0, -40)},
			outcome: event.Fail,
			reason:  "the last production deployment is 2026-10-13, the rule wants it at most 30 days ago",
		},
		{
			name:    "a time ago, the other way round",
			expr:    `now - facts["deploy.last_at"] < duration("720h")`,
			facts:   map[string]any{"deploy.last_at": testNow.AddDate(0, 0, -40)},
			outcome: event.Fail,
			reason:  "the last production deployment is 2026-10-13, the rule wants it less than 30 days ago",
		},
		{
			name:    "a date",
			expr:    `facts["repository.created_at"] > timestamp("2026-01-01T00:00:00Z")`,
			facts:   map[string]any{"repository.created_at": testNow.AddDate(-1, 0, 0)},
			outcome: event.Fail,
			reason:  "the creation of the repository is 2025-11-22, the rule wants it after 2026-01-01",
		},
		{
			name:    "the parts that failed",
			expr:    `facts["catalog.has_owner"] && facts["catalog.has_system"] && facts["catalog.has_docs"]`,
			facts:   map[string]any{"catalog.has_owner": false, "catalog.has_system": true, "catalog.has_docs": false},
			outcome: event.Fail,
			reason:  "it has no owner; it names no documentation",
		},
		{
			name:    "a choice",
			expr:    `facts["catalog.has_owner"] ? facts["catalog.has_docs"] : facts["catalog.has_system"]`,
			facts:   map[string]any{"catalog.has_owner": false, "catalog.has_system": false},
			outcome: event.Fail,
			reason:  "it belongs to no system",
		},
		{
			name:     "evidence",
			expr:     `size(facts["catalog.tags"]) > 1`,
			evidence: `facts["ci.p95_minutes"]`,
			facts:    map[string]any{"catalog.tags": []string{"go"}, "ci.p95_minutes": 3.5},
			outcome:  event.Fail,
			reason:   "tags: go (3.5 minutes)",
		},
		{
			name:     "evidence that is absent changes nothing",
			expr:     `facts["catalog.has_owner"]`,
			evidence: `facts["ci.p95_minutes"]`,
			facts:    map[string]any{"catalog.has_owner": true},
			outcome:  event.Pass,
			reason:   "it has an owner",
		},
		{
			name:    "not applicable",
			expr:    `facts["catalog.has_owner"]`,
			applies: `entity.lifecycle == "experimental"`,
			outcome: event.NotApplicable,
			reason:  "the rule does not apply: the lifecycle is production, the rule wants experimental",
		},
		{
			name:    "whether it applies is unknown",
			expr:    `facts["catalog.has_owner"]`,
			applies: `facts["ci.runs_30d"] > 5`,
			facts:   map[string]any{"catalog.has_owner": true},
			outcome: event.Unknown,
			missing: []string{"ci.runs_30d"},
			reason:  "ci.runs_30d is not known; a source with pipeline runs (github, gitlab, jenkins, circleci or pushed events) should give it",
		},
		{
			name:    "applies fails",
			expr:    `true`,
			applies: `entity.annotations["nope"] == "y"`,
			outcome: event.ErrorOutcome,
			reason:  "the rule could not be evaluated: no such key: nope",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := gradeOne(t, card(Rule{Expr: tt.expr, Applies: tt.applies, Evidence: tt.evidence}), factsOf(tt.facts)).Results[0]
			if r.Outcome != tt.outcome || r.Reason != tt.reason {
				t.Errorf("got  %s: %s\nwant %s: %s", r.Outcome, r.Reason, tt.outcome, tt.reason)
			}
			if !slices.Equal(r.Missing, tt.missing) {
				t.Errorf("missing %v, want %v", r.Missing, tt.missing)
			}
		})
	}
}

func TestOneAbsentFactIsOneUnknownRule(t *testing.T) {
	r := gradeOne(
		t,
		card(
			Rule{ID: "a", Expr: `facts["catalog.has_owner"]`},
			Rule{ID: "b", Expr: `facts["ci.p95_minutes"] < 10`},
			Rule{ID: "c", Expr: `facts["catalog.has_docs"]`},
		),
		factsOf(map[string]any{"catalog.has_owner": true, "catalog.has_docs": false}),
	)
	want := map[event.Outcome]int{event.Pass: 1, event.Unknown: 1, event.Fail: 1}
	if !maps.Equal(r.Counts, want) {
		t.Errorf("counts %v, want %v", r.Counts, want)
	}
}

func TestNothingApplies(t *testing.T) {
	r := gradeOne(t, card(Rule{Expr: `true`, Applies: `false`}), nil)
	if r.Level != "" || r.Score != 0 || r.Coverage != 0 || r.Note == "" {
		t.Errorf("got %+v", r)
	}
}

// bandsCard has a rule for each kind of band.
const bandsCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: bands
levels: [bronze]
rules:
  - id: one
    level: bronze
    title: One
    effort: days
    bands: {value: 'facts["ci.p95_minutes"]', pass: "<= 10", warn: "<= 15"}
  - id: two
    level: bronze
    title: Two
    effort: days
    bands:
      - {value: 'facts["ci.p95_minutes"]', pass: "<= 10", warn: "<= 15"}
      - {value: 'facts["ci.success_rate"]', pass: ">= 0.9"}
`

func TestBands(t *testing.T) {
	cards, err := Parse([]byte(bandsCard), "bands.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		facts    map[string]any
		one, two event.Outcome
		reason   string // of two
	}{
		{map[string]any{"ci.p95_minutes": 9, "ci.success_rate": 0.95}, event.Pass, event.Pass, "the 95th percentile of " +
			"CI duration is 9 minutes, the rule wants at most 10; the CI success rate is 95 %, the rule wants at least 90 %"},
		{map[string]any{"ci.p95_minutes": 12, "ci.success_rate": 0.95}, event.Warn, event.Warn, "the 95th percentile of " +
			"CI duration is 12 minutes, the rule wants at most 10; this is within the limit for a warning"},
		{map[string]any{"ci.p95_minutes": 12, "ci.success_rate": 0.5}, event.Warn, event.Fail, "the 95th percentile of " +
			"CI duration is 12 minutes, the rule wants at most 10; the CI success rate is 50 %, the rule wants at least 90 %"},
		{map[string]any{"ci.p95_minutes": 16, "ci.success_rate": 0.95}, event.Fail, event.Fail, "the 95th percentile of " +
			"CI duration is 16 minutes, the rule wants at most 10"},
		{map[string]any{"ci.p95_minutes": 9}, event.Pass, event.Unknown, "ci.success_rate is not known"},
		{map[string]any{"ci.p95_minutes": 12}, event.Warn, event.Unknown, "ci.success_rate is not known"},
		{map[string]any{"ci.p95_minutes": 16}, event.Fail, event.Fail, "the 95th percentile of CI duration is 16 minutes"},
		{map[string]any{"ci.success_rate": 0.5}, event.Unknown, event.Fail, "the CI success rate is 50 %"},
	} {
		r := gradeOne(t, cards[0], factsOf(tt.facts))
		if r.Results[0].Outcome != tt.one || r.Results[1].Outcome != tt.two {
			t.Errorf("%v: %s, %s; want %s, %s", tt.facts, r.Results[0].Outcome, r.Results[1].Outcome, tt.one, tt.two)
		}
		if !strings.HasPrefix(r.Results[1].Reason, tt.reason) {
			t.Errorf("%v: reason %q, want %q", tt.facts, r.Results[1].Reason, tt.reason)
		}
	}
}
