package replay_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/replay"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// start is far enough in the past that the history of the tests has ended: the store compares expiries with the time of
// the computer.
var start = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -60)

// services returns a synced catalog of services s0, s1, …
func services(t testing.TB, n int) (*store.Store, *catalog.Catalog) {
	t.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: s%d, annotations: "+
			"{github.com/project-slug: o/s%[1]d}}\nspec: {type: %[2]s, lifecycle: production, owner: o}\n", i,
			[]string{"service", "service", "library"}[i%3])
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"c.yaml"}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.Open(t)
	if err := cat.Sync(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s, cat
}

// engine grades by the built-in scorecards and by ones with everything that depends on the time.
func engine(t testing.TB) *scorecards.Engine {
	t.Helper()
	set, err := scorecards.Load(scorecards.Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("ENFORCED", start.AddDate(0, 0, 20).Format(time.DateOnly)).Replace(timedCards)
	for i, part := range strings.Split(text, "\n---\n") {
		cards, err := scorecards.Parse([]byte(part), fmt.Sprintf("timed-%d.yaml", i))
		if err != nil {
			t.Fatal(err)
		}
		set.Cards = append(set.Cards, cards...)
	}
	e, err := scorecards.New(set, nil)
	if err != nil {
		t.Fatal(err)
	}
	var waivers []waiver.Waiver
	for i, rule := range []string{"fresh", "timed/look", "later/aged", "readme-complete"} {
		waivers = append(waivers, waiver.Waiver{
			Rule: path.Base(rule), Service: fmt.Sprintf("component:default/s%d", i%3), Reason: "planned", Note: "n", By: "b",
			Since: start.AddDate(0, 0, 5*i), Until: start.AddDate(0, 0, 5*i+9), Origin: waiver.FromScorecards,
		})
	}
	book := waiver.NewBook(waivers, nil)
	return e.WithWaivers(func() *waiver.Book { return book })
}

// waived returns the waivers of a repository as a fact has them.
func waived(t testing.TB, from time.Time) string {
	t.Helper()
	text, err := json.Marshal(waiver.Waiver{
		Rule: "new", Path: ".", Reason: "planned", Note: "n", By: "b", Until: from.Truncate(24*time.Hour).AddDate(0, 0, 3),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const timedCards = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: timed
levels: [bronze, silver]
waivers: {from: [scorecards, repository]}
rules:
  - {id: fresh, level: bronze, title: a, effort: days, freshness: 2d, expr: 'facts["repository.files.readme"]'}
  - {id: recent, level: silver, title: b, effort: days, expr: 'now - facts["deploy.last_at"] <= duration("240h")'}
  - {id: new, level: bronze, title: c, effort: days, grace: 40d, expr: 'facts["repository.files.license"]'}
  - {id: soon, level: bronze, title: d, effort: days, status: announced, enforced_from: ENFORCED, expr: 'facts["repository.files.ci_workflow"]'}
  - {id: look, level: silver, title: e, effort: days, review: {when: 'facts["ci.runs_30d"] > 10', note: Look.}, expr: 'facts["repository.files.readme"]'}
  - id: bands
    level: silver
    title: f
    effort: days
    weight: 3
    applies: facts["repository.files.readme"] || facts["repository.files.license"]
    applies_note: No.
    bands: {value: 'facts["ci.p90_minutes"]', pass: "<= 5", warn: "<= 10"}
---
apiVersion: dxctl.dev/v1
kind: Scorecard
name: later
filter: entity.kind == "Component" && now > timestamp("ENFORCEDT00:00:00Z")
levels: [one]
rules:
  - {id: level, level: one, title: a, effort: days, expr: 'facts["scorecard.timed.level"] == "silver"'}
  - {id: aged, level: one, title: b, effort: days, freshness: 3d, expr: 'facts["scorecard.delivery.level"] != ""'}
`

// randomFact returns a fact with a value of its type, sometimes with an error, sometimes of a wrong type.
func randomFact(t testing.TB, r *rand.Rand, d facts.Definition, entity, source string, at time.Time) event.Fact {
	f := event.Fact{Source: source, Entity: entity, Name: d.Name, Type: d.Type, ObservedAt: at}
	var v any
	switch d.Type {
	case event.BoolFact:
		v = r.IntN(4) > 0
	case event.NumberFact:
		v = r.IntN(20)
	case event.StringFact:
		v = []string{"", "MIT", "main"}[r.IntN(3)]
	case event.TimeFact:
		v = at.AddDate(0, 0, -r.IntN(60)).Truncate(time.Second)
	case event.ListFact:
		v = []string{"a.yml:1: x", "b.yml:2: y"}[:r.IntN(3)]
		if d.Name == scorecards.WaiversFact {
			v = []string{waived(t, at)}[:r.IntN(2)]
		}
	}
	switch r.IntN(25) {
	case 0:
		f.Error = "it could not be read"
		return f
	case 1:
		f.Type, v = event.StringFact, "wrong"
	}
	f.Value, _ = json.Marshal(v)
	if r.IntN(3) == 0 {
		f.ExpiresAt = at.Add(time.Duration(r.IntN(200)) * time.Hour)
	}
	return f
}

// live stores a random history of days: facts of two sources, that change, are read again, and are forgotten for days.
// after is called at the end of each day.
func live(t *testing.T, r *rand.Rand, s *store.Store, cat *catalog.Catalog, days int, after func(end time.Time)) {
	t.Helper()
	for day := range days {
		var events []event.Event
		for _, e := range cat.Entities() {
			for _, source := range []string{"gh", "scanner"} {
				if r.IntN(4) == 0 || source == "scanner" && r.IntN(3) > 0 {
					continue // not read today
				}
				entity := e.Ref
				if source == "scanner" && strings.HasSuffix(e.Ref, "1") {
					entity = "unmapped:github/O/" + e.Name // the catalog assigns it to the service
				}
				at := start.AddDate(0, 0, day).Add(time.Duration(r.IntN(86_400_000)) * time.Millisecond)
				for _, d := range facts.Catalog() {
					if source == "scanner" && r.IntN(3) > 0 || day > 0 && r.IntN(6) > 0 && len(kept[entity+source+d.Name].Name) == 0 {
						continue
					}
					f, known := kept[entity+source+d.Name]
					if !known || r.IntN(10) == 0 {
						f = randomFact(t, r, d, entity, source, at)
					} else if valid := f.ExpiresAt.Sub(f.ObservedAt); !f.ExpiresAt.IsZero() {
						f.ExpiresAt = at.Add(valid)
					}
					f.ObservedAt = at
					kept[entity+source+d.Name] = f
					events = append(events, f)
				}
			}
		}
		if err := s.Append(t.Context(), events...); err != nil {
			t.Fatal(err)
		}
		after(start.AddDate(0, 0, day+1))
	}
}

var kept = map[string]event.Fact{}

// TestFactsAtTheEndAreTheStoredOnes: as of now, the history has the facts that the view has.
func TestFactsAtTheEndAreTheStoredOnes(t *testing.T) {
	s, cat := services(t, 6)
	r := rand.New(rand.NewPCG(3, 5))
	clear(kept)
	live(t, r, s, cat, 20, func(time.Time) {})
	now := time.Now()
	e := engine(t)
	h, err := replay.Load(t.Context(), s, cat, replay.Days{From: now, To: now}, e)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := facts.Read(t.Context(), facts.All(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, entity := range cat.Entities() {
		got := h.FactsAt(entity.Ref, now)
		for _, name := range e.TrackedFacts() {
			want, known := stored[entity.Ref][name]
			if !known {
				if f, has := got[name]; has {
					t.Errorf("%s: %v is not stored", entity.Ref, f)
				}
				continue
			}
			compared++
			want.ObservedAt, want.ExpiresAt = want.ObservedAt.UTC(), want.ExpiresAt.UTC()
			if !want.ExpiresAt.IsZero() && !want.ExpiresAt.After(want.ObservedAt) {
				want.ExpiresAt = want.ObservedAt.Add(time.Millisecond)
			}
			if diff := cmp.Diff(want, got[name]); diff != "" {
				t.Fatalf("%s of %s: (-stored +replayed)\n%s", name, entity.Ref, diff)
			}
		}
	}
	if compared < 100 {
		t.Errorf("only %d facts compared", compared)
	}
	if h.Note() != "" {
		t.Errorf("note %q, and everything is recorded", h.Note())
	}
}

// TestDaysAreGradedAsEachByItself: the grades that the days give, by what changed from one to the next, are those of
// grading each day from nothing, with reasons.
func TestDaysAreGradedAsEachByItself(t *testing.T) {
	const days = 40
	s, cat := services(t, 9)
	r := rand.New(rand.NewPCG(1, 2))
	clear(kept)
	live(t, r, s, cat, days, func(time.Time) {})
	e := engine(t)
	h, err := replay.Load(t.Context(), s, cat, replay.Days{From: start, To: start.AddDate(0, 0, days-1).Add(7 * time.Hour)}, e)
	if err != nil {
		t.Fatal(err)
	}
	result := h.Grade(e)
	if len(result.Days) != days || !result.Days[0].Equal(start.AddDate(0, 0, 1)) {
		t.Fatalf("%d days from %s", len(result.Days), result.Days[0])
	}
	changes, outcomes := 0, map[event.Outcome]int{}
	for day, at := range result.Days {
		for _, entity := range cat.Entities() {
			want := map[string]scorecards.Report{}
			for _, report := range e.At(at).Grade(entity, h.FactsAt(entity.Ref, at)) {
				want[report.Scorecard] = report
			}
			for _, graded := range result.Entities {
				if graded.Ref != entity.Ref {
					continue
				}
				moment := replay.Moment{LeftOut: true}
				for _, m := range graded.Moments {
					if m.Day <= day {
						moment = m
					}
					if m.Day == day && day > 0 {
						changes++
					}
				}
				report, taken := want[graded.Scorecard]
				delete(want, graded.Scorecard)
				if taken == moment.LeftOut {
					t.Fatalf("%s %s on day %d: left out %t, want %t", entity.Ref, graded.Scorecard, day, moment.LeftOut, !taken)
				}
				if !taken {
					continue
				}
				if moment.Level != report.Level || moment.Score != report.Score || moment.ScoreHigh != report.ScoreHigh ||
					moment.Coverage != report.Coverage {
					t.Fatalf("%s %s on day %d: %+v, want %+v", entity.Ref, graded.Scorecard, day, moment, report)
				}
				for i, rule := range report.Results {
					want := rule.Outcome
					if !rule.Counts() {
						want = ""
					}
					outcomes[want]++
					if graded.Rules[i] != rule.Rule || moment.Outcomes[i] != want {
						t.Fatalf("%s %s %s on day %d: %s %q, want %q (%s)", entity.Ref, graded.Scorecard, rule.Rule, day,
							graded.Rules[i], moment.Outcomes[i], want, rule.Reason)
					}
				}
			}
			for name := range want {
				t.Fatalf("%s is graded by %s and not in the result", entity.Ref, name)
			}
		}
	}
	if changes < 200 {
		t.Errorf("only %d changes", changes)
	}
	for _, o := range []event.Outcome{event.Pass, event.Warn, event.Fail, event.NotApplicable, event.Unknown, event.Stale,
		event.ErrorOutcome, event.NeedsReview, event.Waived, ""} {
		if outcomes[o] == 0 {
			t.Errorf("no rule was %q: the history does not show that it is right", o)
		}
	}
}
