package report

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

const followUpCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: delivery
levels: [gold]
facts:
  - {name: build.fast, type: bool, true: builds are fast, false: builds are slow}
rules:
  - {id: ci-fast, level: gold, title: CI is fast, effort: hours, fix: Cache the dependencies., expr: 'facts["build.fast"]',
     action: {kind: patch}}
`

// followUp publishes a survey of some teams, of which the first is the least content, and returns a reader: the first
// half of the teams failed the rule when the survey closed, and the first team passes it now.
func followUp(t *testing.T, s *store.Store, teams int, closes, now time.Time) *Reader {
	t.Helper()
	var descriptors strings.Builder
	parents := map[string]string{"all": ""}
	descriptors.WriteString("---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: all}\nspec: {type: team, children: []}\n")
	p := store.PublishedSurvey{Survey: "2026-Q3", Version: 1, Title: "Quarter", OpensAt: closes.AddDate(0, 0, -14),
		ClosesAt: closes, PublishedAt: closes, Items: surveyItems}
	var results []store.SurveyResult
	cell := func(team, measure, item string, counts ...uint32) {
		r := store.SurveyResult{Survey: p.Survey, Version: 1, Team: team, Measure: measure, Item: item, Counts: counts}
		for _, n := range counts {
			r.Answers += n
		}
		results = append(results, r)
	}
	var grades []event.Grade
	for k := range teams {
		team, service := fmt.Sprintf("team-%02d", k), fmt.Sprintf("component:default/service-%02d", k)
		parents[team] = "all"
		fmt.Fprintf(&descriptors, "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\n"+
			"spec: {type: team, parent: all, children: []}\n---\napiVersion: backstage.io/v1alpha1\nkind: Component\n"+
			"metadata: {name: service-%02d}\nspec: {type: service, lifecycle: production, owner: %s}\n", team, k, team)
		cell(team, SurveyItems, "builds", uint32(20-k), 3, 3, 3, uint32(k))
		outcome := event.Pass
		if k < teams/2 {
			outcome = event.Fail
		}
		grades = append(grades, event.Grade{Entity: service, Scorecard: "delivery", Rule: "ci-fast", RuleVersion: 1,
			Outcome: outcome, EvaluatedAt: closes.AddDate(0, 0, -k)})
		fast := outcome == event.Pass || k == 0
		if err := s.Append(t.Context(), event.Fact{Source: "scripts", Entity: service, Name: "build.fast",
			Type: event.BoolFact, Value: json.RawMessage(fmt.Sprint(fast)), ObservedAt: now.Add(-time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	cell("all", SurveyItems, "builds", 60, 30, 30, 10, 10)
	cell("", SurveyItems, "builds", 60, 30, 30, 10, 10)
	encoded, err := json.Marshal(parents)
	if err != nil {
		t.Fatal(err)
	}
	p.Teams = string(encoded)
	if err := s.PublishSurvey(t.Context(), p, results); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(descriptors.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"c.yaml"}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Sync(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	engine, err := scorecards.New(scorecards.LoadFiles([]scorecards.File{{Name: "d.yaml", Data: []byte(followUpCard)}}), clock)
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := metrics.New(s.Reader(), clock)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Deps{Store: s.Reader(), Metrics: numbers, Scorecards: engine, Now: clock,
		Catalog:        func() *catalog.Catalog { return cat },
		OutcomeChanges: func(context.Context, []string) ([]event.Grade, error) { return grades, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSurveyFollowUp: with 12 teams the question is compared with its rule; with 9 it is said that it is not. Both list
// what hurts and what was done.
func TestSurveyFollowUp(t *testing.T) {
	closes := time.Date(2026, 9, 26, 0, 0, 0, 0, time.UTC)
	now := closes.AddDate(0, 1, 0)
	for _, teams := range []int{12, 9} {
		t.Run(fmt.Sprint(teams, " teams"), func(t *testing.T) {
			s := storetest.Open(t)
			r := followUp(t, s, teams, closes, now)
			pull := "https://code.example/shop/pull/"
			ci := []string{"ci-fast"}
			rules := [][]string{ci, {"described", "delivery/ci-fast"}, ci, {"described"}, nil, ci, ci, ci, ci}
			outcomes := map[int]string{5: "merged", 6: "reverted", 7: "updated", 8: "unchanged"}
			uncollected := map[int]bool{5: true, 7: true, 8: true} // changes
			// Before the survey closed, for the rule, for another, for none, and for the rule with an outcome of the run.
			for i, days := range []int{-1, 1, 2, 3, 4, 5, 6, 7, 8} {
				at := closes.AddDate(0, 0, days)
				run := event.ActionRun{Source: "dxctl", ID: fmt.Sprint(i), Action: "fix", Status: event.Succeeded, Rules: rules[i],
					Entity: "component:default/service-00", URL: pull + fmt.Sprint(i), StartedAt: at, FinishedAt: at,
					Outcome: outcomes[i]}
				change := event.Change{Origin: event.Origin{Source: "gh", Provider: "github", Scope: "shop/shop", ID: fmt.Sprint(i),
					URL: run.URL}, Repository: "shop/shop", Number: uint64(i + 1), CreatedAt: at}
				if uncollected[i] {
					change.URL += "0"
				}
				if i == 1 {
					change.MergedAt, change.ClosedAt = at.Add(time.Hour), at.Add(time.Hour)
				}
				if err := s.Append(t.Context(), run, change); err != nil {
					t.Fatal(err)
				}
			}
			got, err := r.SurveyFollowUp(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			if got.Teams != teams {
				t.Errorf("%d teams are compared", got.Teams)
			}
			if teams == 12 {
				if len(got.Correlations) != 1 || got.NotCompared != "" {
					t.Fatalf("%q, %+v", got.NotCompared, got.Correlations)
				}
				c := got.Correlations[0]
				if c.N != 12 || c.Item != "builds" || c.With.Key != "delivery/ci-fast" || !c.Clear || c.Rho < 0.8 || c.Low > c.Rho {
					t.Errorf("correlation: %+v", c)
				}
			} else if len(got.Correlations) != 0 || !strings.Contains(got.NotCompared, "9 teams can be compared, and it takes at least 10") {
				t.Errorf("%q, %+v", got.NotCompared, got.Correlations)
			}
			if len(got.Hurts) != 1 || len(got.Hurts[0].Teams) != teams/2 {
				t.Fatalf("hurts: %+v", got.Hurts)
			}
			h := got.Hurts[0]
			if h.Low != (2*(teams-teams/2) <= teams) || h.Rule.Fix != "Cache the dependencies." || !h.Rule.Patched || h.Teams[0].Team != "team-00" {
				t.Errorf("hurts: %+v", h)
			}
			if len(got.Done) != 1 {
				t.Fatalf("done: %+v", got.Done)
			}
			want := SurveyDone{Item: "builds", Text: "Builds are fast", Rule: h.Rule,
				Then: RuleShare{teams - teams/2, teams}, Now: RuleShare{teams - teams/2 + 1, teams},
				Began: []string{"component:default/service-00"}, Ended: []string{}, Merged: 2,
				Fixes: []DoneFix{
					{"component:default/service-00", pull + "1", closes.AddDate(0, 0, 1), "merged"},
					{"component:default/service-00", pull + "2", closes.AddDate(0, 0, 2), "open"},
					{"component:default/service-00", pull + "5", closes.AddDate(0, 0, 5), "merged"},
					{"component:default/service-00", pull + "6", closes.AddDate(0, 0, 6), "reverted"},
					{"component:default/service-00", pull + "7", closes.AddDate(0, 0, 7), "open"},
					{"component:default/service-00", pull + "8", closes.AddDate(0, 0, 8), "open"},
				}}
			if diff := cmp.Diff(want, got.Done[0]); diff != "" {
				t.Error(diff)
			}
			if done, err := r.SurveyDone(t.Context(), got.Survey, "builds"); err != nil || done.NotKnown != "" ||
				!cmp.Equal(done.All, got.Done) || !done.Until.Equal(now) {
				t.Errorf("of the question: %+v, %v", done, err)
			}
			if done, err := r.SurveyDone(t.Context(), got.Survey, "docs"); err != nil || len(done.All) > 0 {
				t.Errorf("of a question without rules: %+v, %v", done, err)
			}
			checkUngraded(t, s, r, closes)
		})
	}
}

// checkUngraded publishes a survey from before the first grade: why it is not known what services passed then is said.
func checkUngraded(t *testing.T, s *store.Store, r *Reader, closes time.Time) {
	t.Helper()
	before := closes.AddDate(-1, 0, 0)
	err := s.PublishSurvey(t.Context(), store.PublishedSurvey{Survey: "2025-Q3", Version: 1, Title: "Quarter", Teams: "{}",
		OpensAt: before.AddDate(0, 0, -14), ClosesAt: before, PublishedAt: before, Items: surveyItems},
		[]store.SurveyResult{{Survey: "2025-Q3", Version: 1, Measure: SurveyResponses, Answers: 20}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.SurveyFollowUp(t.Context(), "2025-Q3")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.NotKnown, "Services were graded first on ") || len(got.Done) != 1 || got.Done[0].Then.Of > 0 ||
		len(got.Done[0].Began) > 0 {
		t.Errorf("%q, %+v", got.NotKnown, got.Done)
	}
}
