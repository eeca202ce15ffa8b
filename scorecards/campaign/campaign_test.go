package campaign

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

const cardYAML = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: basics
levels: [bronze, silver]
rules:
  - {id: owner, level: bronze, title: It has an owner, why: w, fix: f, effort: minutes, expr: 'facts["catalog.owner_exists"]'}
  - {id: readme, level: silver, title: It has a README, why: w, fix: f, effort: hours, expr: 'facts["repository.files.readme"]'}
  - {id: later, level: silver, title: It is announced, why: w, fix: f, effort: hours, status: announced, enforced_from: 2027-01-01, expr: 'facts["repository.files.license"]'}
  - {id: idea, level: silver, title: It is a draft, why: w, fix: f, effort: hours, status: draft, expr: 'facts["repository.files.tests"]'}
`

const good = `apiVersion: dxctl.dev/v1
kind: Campaign
id: readme
title: A README everywhere
why: New colleagues ask for it.
owner: platform
scorecard: basics
rule: readme
filter: entity.lifecycle == "production"
starts: 2026-10-01
ends: 2026-11-30
notify: chat
`

func set(t *testing.T) scorecards.Set {
	t.Helper()
	s := scorecards.LoadFiles([]scorecards.File{{Name: "basics.yaml", Data: []byte(cardYAML)}})
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(t *testing.T, text string) Set {
	t.Helper()
	return Parse([]byte(text), "c.yaml", set(t), []string{"chat"})
}

func one(t *testing.T, text string) *Campaign {
	t.Helper()
	s := parse(t, text)
	if len(s.Problems) > 0 || len(s.Campaigns) != 1 {
		t.Fatalf("%d campaigns, %v", len(s.Campaigns), s.Problems)
	}
	return &s.Campaigns[0]
}

func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return at
}

func TestParse(t *testing.T) {
	c := one(t, good)
	if c.Owner != "group:default/platform" || c.Goal.String() != "rule basics/readme" || c.Days() != 61 ||
		!c.End().Equal(day("2026-12-01")) || c.Place() != "c.yaml:1" {
		t.Errorf("%+v", c)
	}
	for lifecycle, want := range map[string]bool{"production": true, "experimental": false} {
		if got, err := c.Selects(descriptor.Entity{Lifecycle: lifecycle}, day("2026-10-01")); got != want || err != nil {
			t.Errorf("%s: %t, %v", lifecycle, got, err)
		}
	}
	level := one(t, strings.Replace(good, "rule: readme", "level: Silver", 1))
	if want := []string{"owner", "readme", "later"}; level.Goal.String() != "level silver of basics" ||
		!slices.Equal(level.Rules(), want) {
		t.Errorf("%s has the rules %v, want %v", level.Goal, level.Rules(), want)
	}
	if bronze := one(t, strings.Replace(good, "rule: readme", "level: bronze", 1)).Rules(); !slices.Equal(bronze,
		[]string{"owner"}) {
		t.Error(bronze)
	}
	if at := one(t, strings.Replace(good, "rule: readme", "rule: later", 1)).Announced(day("2026-11-01")); !at.Equal(
		day("2027-01-01")) {
		t.Errorf("announced until %s", at)
	}
}

func TestMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"unknown key":          {"why:", "wy:", `c.yaml:5:1: unknown key "wy" (did you mean "why"?)`},
		"no kind":              {"kind: Campaign", "kind: Scorecard", "c.yaml:2:7: apiVersion is"},
		"bad id":               {"id: readme", "id: Read me", `c.yaml:3:5: id "Read me"`},
		"no owner":             {"owner: platform\n", "", "does not say who answers for it"},
		"no scorecard":         {"scorecard: basics\n", "", "the campaign has no scorecard"},
		"unknown scorecard":    {"scorecard: basics", "scorecard: basic", `c.yaml:7:12: no scorecard has the name "basic"`},
		"unknown rule":         {"rule: readme", "rule: readmy", `c.yaml:8:7: scorecard basics has no rule "readmy"`},
		"a draft":              {"rule: readme", "rule: idea", "rule idea is draft and grades nothing"},
		"unknown level":        {"rule: readme", "level: gold", `scorecard basics has no level "gold"`},
		"rule and level":       {"rule: readme", "rule: readme\nlevel: silver", "write one of them"},
		"neither":              {"rule: readme\n", "", "write one of them"},
		"filter type":          {`entity.lifecycle == "production"`, `entity.lifecycle`, "the expression is a string; it must be a bool"},
		"filter field":         {`entity.lifecycle ==`, `entity.lifecicle ==`, "c.yaml:9:15: filter: undeclared reference"},
		"filter with a fact":   {`entity.lifecycle == "production"`, `facts["catalog.owner_exists"]`, "ask entity here"},
		"no end":               {"ends: 2026-11-30\n", "", "does not say when it ends"},
		"end before start":     {"2026-11-30", "2026-09-30", "before it starts"},
		"over a year":          {"2026-11-30", "2027-10-02", "the campaign lasts 367 days"},
		"no day":               {"2026-11-30", "soon", `ends "soon" is not a day`},
		"the year 1":           {"2026-10-01", "0001-01-01", "c.yaml:10:9: starts 0001-01-01 is not in the years 2000 to 2200"},
		"the year 2226":        {"2026-11-30", "2226-11-30", "c.yaml:11:7: ends 2226-11-30 is not in the years 2000 to 2200"},
		"unknown webhook":      {"notify: chat", "notify: chatt", `no webhook has the name "chatt" (did you mean "chat"?)`},
		"a title that is long": {"A README everywhere", strings.Repeat("x", MaxText+1), "title has 1001 bytes"},
	} {
		s := parse(t, strings.Replace(good, tt.old, tt.new, 1))
		if len(s.Campaigns) > 0 || !strings.Contains(s.Problems.Error(), tt.want) {
			t.Errorf("%s: %d campaigns, %v; want %s", name, len(s.Campaigns), s.Problems, tt.want)
		}
	}
	// All mistakes at once; the other campaign of the file is used.
	other := strings.Replace(good, "id: readme", "id: other", 1)
	bad := strings.NewReplacer("rule: readme", "rule: x", "owner: platform\n", "", "2026-11-30", "never").Replace(good)
	if s := parse(t, bad+"---\n"+other); len(s.Problems) != 3 || len(s.Campaigns) != 1 || s.Campaigns[0].ID != "other" {
		t.Errorf("%d campaigns, %v", len(s.Campaigns), s.Problems)
	}
	// What could not be read has no second mistake.
	for name, text := range map[string]string{
		"a list": "- a\n", "a text": "hello\n", "a key twice": good + "title: again\n",
		"a title":      strings.Replace(good, "A README everywhere", "{a: 1}", 1),
		"a kind":       strings.Replace(good, "kind: Campaign", "kind: [Campaign]", 1),
		"an id":        strings.Replace(good, "id: readme", "id: []", 1),
		"a rule":       strings.Replace(good, "rule: readme", "rule: []", 1),
		"a scorecard":  strings.Replace(good, "scorecard: basics", "scorecard: {}", 1),
		"a day":        strings.Replace(good, "2026-10-01", "[2026-10-01]", 1),
		"an owner":     strings.Replace(good, "owner: platform", "owner: [platform]", 1),
		"only a title": "apiVersion: [x]\n",
	} {
		if s := parse(t, text); len(s.Problems) != 1 || len(s.Campaigns) > 0 {
			t.Errorf("%s: %d campaigns, %v", name, len(s.Campaigns), s.Problems)
		}
	}
	if s := parse(t, good+"---\n"+good); len(s.Campaigns) != 1 || !strings.Contains(s.Problems.Error(),
		"c.yaml:16:5: campaign readme is defined at c.yaml:1 already") {
		t.Errorf("%d campaigns, %v", len(s.Campaigns), s.Problems)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if s := Load(nil, dir, set(t), nil); len(s.Campaigns)+len(s.Texts()) > 0 {
		t.Error("without files:", s)
	}
	if err := os.Mkdir(filepath.Join(dir, "campaigns"), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a.yaml": good, "b.yaml": "[", "c.yaml": good + "x: 1\n"} {
		if err := os.WriteFile(filepath.Join(dir, "campaigns", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := Load(nil, dir, set(t), []string{"chat"})
	if !slices.Equal(s.IDs(), []string{"readme"}) || len(s.Problems) < 2 || !strings.Contains(s.Texts()[0], "campaigns/b.yaml") {
		t.Error(s.IDs(), s.Texts())
	}
	if s := Load([]string{"other/*.yaml"}, dir, set(t), nil); len(s.Warnings) != 1 {
		t.Error("a pattern without files:", s.Texts())
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("kind: ["))
	cards := scorecards.LoadFiles([]scorecards.File{{Name: "basics.yaml", Data: []byte(cardYAML)}})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range Parse(data, "f.yaml", cards, nil).Campaigns {
			if c.Days() < 1 || c.Days() > MaxDays || len(c.Rules()) == 0 || c.Owner == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

func TestState(t *testing.T) {
	c := one(t, good)
	for _, tt := range []struct {
		now         string
		total, done int
		known       bool
		want        State
	}{
		{"2026-09-30", 3, 3, true, Planned},
		{"2026-10-01", 3, 2, true, Running},
		{"2026-10-01", 0, 0, true, Running},
		{"2026-11-30", 3, 3, true, Met},
		{"2026-12-01", 3, 3, true, Met},
		{"2026-12-01", 3, 2, true, Missed},
		{"2026-12-01", 0, 0, true, Ended},
		{"2026-12-01", 3, 0, false, Ended},
	} {
		if got := c.StateAt(day(tt.now), tt.total, tt.done, tt.known); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
	if left := c.DaysLeft(day("2026-11-28").Add(23 * time.Hour)); left != 2 {
		t.Errorf("%d days left", left)
	}
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		outcomes []event.Outcome
		want     Verdict
	}{
		{nil, Unknown},
		{[]event.Outcome{event.Pass, event.Warn, event.NotApplicable}, Reached},
		{[]event.Outcome{event.Pass, event.Waived}, Waived},
		{[]event.Outcome{event.Waived, event.Unknown}, Unknown},
		{[]event.Outcome{event.Stale, event.Waived}, Unknown},
		{[]event.Outcome{event.ErrorOutcome}, Unknown},
		{[]event.Outcome{event.NeedsReview, event.Fail}, Failed},
	} {
		if got := verdictOf(tt.outcomes); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.outcomes, got, tt.want)
		}
	}
}

// grade is a stored grade of a rule: "10-03 shop readme pass".
func grade(t *testing.T, text string) event.Grade {
	t.Helper()
	part := strings.Fields(text)
	return event.Grade{
		EvaluatedAt: day("2026-" + part[0]).Add(12 * time.Hour), Entity: part[1], Scorecard: "basics", Rule: part[2],
		Outcome: event.Outcome(part[3]),
	}
}

func TestBurnDown(t *testing.T) {
	c := one(t, strings.Replace(good, "rule: readme", "level: silver", 1))
	var grades []event.Grade
	for _, text := range []string{
		"10-02 shop owner pass", "10-02 shop readme fail", "10-02 pay owner waived", "10-02 pay readme unknown",
		"10-04 pay readme pass", "10-05 shop readme pass", "10-05 late owner fail", "10-05 late readme pass",
		"10-06 shop owner fail", "10-06 other owner pass", "10-07 new owner pass", "10-07 new readme waived",
	} {
		grades = append(grades, grade(t, text))
	}
	times := c.Times(day("2026-10-07").Add(time.Hour))
	if len(times) != 7 || !times[0].Equal(c.Starts) {
		t.Fatal(times)
	}
	h := c.BurnDown([]string{"shop", "pay", "late", "new"}, grades, times)
	want := []string{
		"10-01 known=false 0+0 of 0, left 0 failed 0 unknown, 4 not graded, net 0",
		"10-02 known=false 0+0 of 0, left 0 failed 0 unknown, 4 not graded, net 0",
		"10-03 known=true 0+0 of 2, left 1 failed 1 unknown, 2 not graded, net 0",
		"10-04 known=true 0+0 of 2, left 1 failed 1 unknown, 2 not graded, net 0",
		"10-05 known=true 0+1 of 2, left 1 failed 0 unknown, 2 not graded, net 1",
		"10-06 known=true 1+1 of 3, left 1 failed 0 unknown, 1 not graded, net 1",
		"10-07 known=true 0+1 of 3, left 2 failed 0 unknown, 1 not graded, net -1",
	}
	for i, d := range h.Days {
		got := fmt.Sprintf("%s known=%t %d+%d of %d, left %d failed %d unknown, %d not graded, net %d",
			d.At.Format("01-02"), d.Known, d.Reached, d.Waived, d.Graded(), d.Failed, d.Unknown, d.NotGraded, d.Net)
		if got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
	noon := func(text string) time.Time { return day(text).Add(12 * time.Hour) }
	for ref, want := range map[string]Since{
		"shop": {Failed, noon("2026-10-06"), false},
		"pay":  {Waived, noon("2026-10-04"), false},
		"late": {Failed, noon("2026-10-05"), true},
		"new":  {Waived, noon("2026-10-07"), true},
	} {
		if got := h.Since[ref]; got != want {
			t.Errorf("%s: %+v, want %+v", ref, got, want)
		}
	}
	if _, known := h.Since["other"]; known || len(c.Times(day("2026-09-30"))) > 0 || len(c.Times(day("2027-09-30"))) != 62 {
		t.Error("a grade that was never stored, or a day outside the campaign")
	}
}

func TestForecast(t *testing.T) {
	c := one(t, good)
	days := func(nets ...int) []Day {
		all := []Day{{At: c.Starts, Known: true}}
		for i, net := range nets {
			all = append(all, Day{At: c.Starts.AddDate(0, 0, i+1), Known: true, Net: net, both: true})
		}
		return all
	}
	repeat := func(weeks int, week ...int) []int { return slices.Concat(slices.Repeat([][]int{week}, weeks)...) }
	now := day("2026-10-29").Add(9 * time.Hour)
	for name, tt := range map[string]struct {
		days []Day
		left int
		now  time.Time
		why  string
	}{
		"nothing left": {days(repeat(4, 1)...), 0, now, "nothing is left"},
		"too few days": {days(repeat(20, 1)...), 5, now, "20 days since its start have grades; 21 are needed"},
		"one day":      {days(1), 5, now, "1 day since its start has grades; 21 are needed"},
		"no progress":  {days(repeat(14, 1, -1)...), 5, now, "no more services reached the goal than lost it"},
		"not started":  {days(), 5, day("2026-09-30"), "it has not started"},
		"it is over":   {days(repeat(40, 1)...), 5, day("2026-12-01"), "the campaign is over"},
	} {
		if f := c.NewForecast(tt.days, tt.left, tt.now); f.Known || !strings.Contains(f.Why, tt.why) || f.P50 != nil ||
			f.Chance != nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
	// One a day, always: there is one future.
	f := c.NewForecast(days(repeat(28, 1)...), 10, now)
	if want := day("2026-11-08"); !f.Known || !f.P50.Equal(want) || !f.P95.Equal(want) || *f.Chance != 1 || f.Net != 28 {
		t.Errorf("one a day: %+v, p50 %s", f, f.P50)
	}
	// The same rate with chance in it spreads, and ends before the last day in some futures only.
	uneven := days(repeat(2, 0, 3, 0, 0, 5, 0, 0, 0, 0, -1, 0, 1, 0, 0)...)
	f = c.NewForecast(uneven, 22, now)
	if !f.Known || !f.P50.Before(*f.P85) || f.P95.Before(*f.P85) || *f.Chance <= 0.2 || *f.Chance >= 0.95 {
		t.Errorf("%+v p50 %s p85 %s chance %v", f, f.P50, f.P85, *f.Chance)
	}
	again := c.NewForecast(uneven, 22, now)
	if *again.Chance != *f.Chance || !again.P95.Equal(*f.P95) {
		t.Error("the same days give another forecast")
	}
	bursts := c.NewForecast(days(append(append(repeat(14, 0), 12, 8), repeat(12, 0)...)...), 60, now)
	// Where in the window a burst lies does not matter.
	for at := range 28 {
		burst := make([]int, 28)
		burst[at], burst[(at+1)%28] = 12, 8
		f := c.NewForecast(days(burst...), 60, now)
		for name, quantile := range map[string][2]*time.Time{
			"p50": {f.P50, bursts.P50}, "p85": {f.P85, bursts.P85}, "p95": {f.P95, bursts.P95},
		} {
			if off := quantile[0].Sub(*quantile[1]); off.Abs() > 3*24*time.Hour {
				t.Errorf("a burst on day %d moves %s by %s", at, name, off)
			}
		}
	}
	if slow := c.NewForecast(days(append(repeat(27, 0), 1)...), 400, now); slow.P50 != nil || *slow.Chance != 0 {
		t.Errorf("beyond the horizon: %+v", slow)
	}
}
