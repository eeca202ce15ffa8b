package scorecards

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
)

const lifeCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: life
levels: [bronze]
facts:
  - {name: t.list, type: list, label: the list}
  - {name: t.ok, type: bool, true: it is, false: it is not}
rules:
  - {id: base, level: bronze, title: Base, effort: days, expr: 'facts["t.ok"]'}
  - {id: rule, level: bronze, title: Rule, effort: days, RULE}
`

// graded returns how the rule of lifeCard stands, and the report, by facts that were observed an hour ago.
func graded(t *testing.T, rule string, now time.Time, values map[string]any) (Result, Report) {
	t.Helper()
	cards, err := Parse([]byte(strings.Replace(lifeCard, "RULE", rule, 1)), "life.yaml")
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Set{Cards: cards}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := values["t.ok"]; !ok {
		values["t.ok"] = true
	}
	reports := e.Grade(testEntity(), factsOf(values))
	for _, r := range reports[0].Results {
		if r.Rule == "rule" {
			return r, reports[0]
		}
	}
	return Result{}, reports[0]
}

// TestLifeOfARule: a rule counts from its day on, a retired rule and a draft never, and a new service has time.
func TestLifeOfARule(t *testing.T) {
	const fails = `expr: 'facts["t.ok"] == false'`
	day := func(d int) time.Time { return time.Date(2027, 2, d, 0, 0, 0, 0, time.UTC) }
	created := map[string]any{"repository.created_at": day(1)}
	for _, c := range []struct {
		name, rule string
		now        time.Time
		values     map[string]any
		outcome    event.Outcome // empty: the rule is not shown
		counts     bool
		level      string
	}{
		{"enforced", fails, day(1), nil, event.Fail, true, ""},
		{"announced, the day before", fails + ", status: announced, enforced_from: 2027-02-03", day(3).Add(-time.Second), nil,
			event.Fail, false, "bronze"},
		{"announced, its day", fails + ", status: announced, enforced_from: 2027-02-03", day(3), nil, event.Fail, true, ""},
		{"a draft", fails + ", status: draft", day(1), nil, "", false, "bronze"},
		{"retired", fails + ", status: retired", day(1), nil, "", false, "bronze"},
		{"in its grace", fails + ", grace: 10d", day(10), created, event.NotApplicable, true, "bronze"},
		{"after its grace", fails + ", grace: 10d", day(12), created, event.Fail, true, ""},
		{"grace where the age is not known", fails + ", grace: 10d", day(10), nil, event.Fail, true, ""},
	} {
		values := map[string]any{}
		for name, v := range c.values {
			values[name] = v
		}
		r, report := graded(t, c.rule, c.now, values)
		if r.Outcome != c.outcome || r.Outcome != "" && r.Counts() != c.counts || report.Level != c.level {
			t.Errorf("%s: %q (%s), counts %t, level %q; want %q, %t, %q", c.name, r.Outcome, r.Reason, r.Counts(),
				report.Level, c.outcome, c.counts, c.level)
		}
	}
}

// TestFreshness: a fact that is older than a rule allows makes the rule stale, whatever the fact says.
func TestFreshness(t *testing.T) {
	for _, c := range []struct {
		freshness string
		want      event.Outcome
	}{{"2h", event.Pass}, {"61m", event.Pass}, {"59m", event.Stale}} {
		r, report := graded(t, `expr: 'facts["t.ok"]', freshness: `+c.freshness, testNow, map[string]any{})
		if r.Outcome != c.want || (report.Level == "bronze") != (c.want == event.Pass) {
			t.Errorf("a fact of an hour ago with freshness %s: %s (%s), level %q", c.freshness, r.Outcome, r.Reason, report.Level)
		}
	}
}

// TestReview: where no fact can settle a rule, it needs review, and says of whom to ask what.
func TestReview(t *testing.T) {
	const rule = `expr: 'facts["t.ok"]', review: {when: 'size(facts["t.list"]) > 0', note: Look at the list.}`
	r, report := graded(t, rule, testNow, map[string]any{"t.list": []string{"a"}})
	if r.Outcome != event.NeedsReview || !strings.Contains(r.Reason, "Look at the list.") || report.Level != "" ||
		report.Score >= report.ScoreHigh {
		t.Errorf("%s (%s), level %q, score %v to %v", r.Outcome, r.Reason, report.Level, report.Score, report.ScoreHigh)
	}
	if r, _ := graded(t, rule, testNow, map[string]any{"t.list": []string{}}); r.Outcome != event.Pass {
		t.Errorf("nothing to review: %s (%s)", r.Outcome, r.Reason)
	}
}

// TestCostIsBounded: a rule that compares everything with everything ends, as an error that names the limit, and its
// neighbor is graded.
func TestCostIsBounded(t *testing.T) {
	long := make([]string, 3_000)
	for i := range long {
		long[i] = fmt.Sprint("element ", i)
	}
	const everything = `expr: 'facts["t.list"].all(a, facts["t.list"].exists(b, a == b))'`
	r, report := graded(t, everything, testNow, map[string]any{"t.list": long})
	if r.Outcome != event.ErrorOutcome || !strings.Contains(r.Reason, "cost") {
		t.Errorf("%s: %s", r.Outcome, r.Reason)
	}
	for _, other := range report.Results {
		if other.Rule == "base" && other.Outcome != event.Pass {
			t.Errorf("its neighbor: %s (%s)", other.Outcome, other.Reason)
		}
	}
	if r, _ := graded(t, everything, testNow, map[string]any{"t.list": long[:50]}); r.Outcome != event.Pass {
		t.Errorf("a list of 50: %s (%s)", r.Outcome, r.Reason)
	}
}

// TestFilterOfNothing: a filter that takes no entity is warned about, with its place.
func TestFilterOfNothing(t *testing.T) {
	for filter, want := range map[string]string{
		`entity.tags.exists(t, t == "go")`: "", `entity.type == "sevrice"`: "the filter of scorecard life takes none of the 1 entities",
	} {
		text := strings.Replace(strings.Replace(lifeCard, "RULE", "expr: 'true'", 1), "levels:", "filter: '"+filter+"'\nlevels:", 1)
		cards, err := Parse([]byte(text), "life.yaml")
		if err != nil {
			t.Fatal(err)
		}
		e, err := New(Set{Cards: cards}, clock)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(e.Warnings([]descriptor.Entity{testEntity()}), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) || want != "" && !strings.Contains(got, "life.yaml:4") {
			t.Errorf("%s: %q", filter, got)
		}
	}
}
