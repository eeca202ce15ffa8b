package server_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/store"
)

// quarterTeam is the name of a team of [organizationOf] with the number k.
func quarterTeam(k int) string { return fmt.Sprint("team-", k) }

// publishQuarters publishes 12 quarters of 5,000 people in 400 teams, with 40 questions and about 1,000 groups. It
// returns the id of the last one, which is the latest survey of all.
func publishQuarters(tb testing.TB, s *store.Store) string {
	tb.Helper()
	const quarters, teams, items = 12, 400, 40
	parents := map[string]string{}
	groups := []report.SurveyGroup{{}}
	for _, tenure := range []string{"under 3 months", "3 to 12 months", "1 to 3 years", "3 years and more"} {
		for _, golden := range []string{"yes", "no"} {
			groups = append(groups, report.SurveyGroup{Tenure: tenure, GoldenPath: golden})
		}
		groups = append(groups, report.SurveyGroup{Tenure: tenure})
	}
	for k := range teams {
		team := quarterTeam(k)
		parents[team] = ""
		if k%10 > 0 {
			parents[team] = quarterTeam(k - k%10)
		}
		for _, golden := range []string{"", "yes", "no"}[:2+k%2] {
			groups = append(groups, report.SurveyGroup{Team: team, GoldenPath: golden})
		}
	}
	encodedTeams, err := json.Marshal(parents)
	if err != nil {
		tb.Fatal(err)
	}
	dimensions := []string{"feedback_loops", "cognitive_load", "flow"}
	rules := [][]string{{"readme"}, nil, nil, {"ci"}, nil}
	var asked []report.SurveyItem
	for k := range items {
		asked = append(asked, report.SurveyItem{Key: fmt.Sprint("item-", k), Text: fmt.Sprint("Question number ", k),
			Min: 1, Max: 5, Dimension: dimensions[k%3], Counted: true, Rules: rules[k%5]})
	}
	encodedItems, err := json.Marshal(asked)
	if err != nil {
		tb.Fatal(err)
	}
	latest := ""
	for quarter := range quarters {
		closes := time.Date(2023, time.Month(12+3*quarter), 27, 0, 0, 0, 0, time.UTC)
		latest = "quarter-" + closes.Format("2006-01")
		p := store.PublishedSurvey{Survey: latest, Version: 1, Title: "Quarter", OpensAt: closes.AddDate(0, 0, -7),
			ClosesAt: closes, PublishedAt: closes, Items: string(encodedItems), Teams: string(encodedTeams)}
		var results []store.SurveyResult
		for g, group := range groups {
			cell := store.SurveyResult{Survey: p.Survey, Version: 1, Team: group.Team, Tenure: group.Tenure,
				GoldenPath: group.GoldenPath, People: 40, Answers: 30}
			add := func(measure, item string, counts ...uint32) {
				r := cell
				r.Measure, r.Item, r.Counts = measure, item, counts
				r.Total, r.Squares = 1500+float64(g), 90000
				results = append(results, r)
			}
			add(report.SurveyResponses, "")
			add(report.SurveyIndex, "")
			for _, d := range dimensions {
				add(report.SurveyDimension, d)
			}
			for k := range items {
				n := uint32((g + k + quarter) % 10)
				add(report.SurveyItems, asked[k].Key, 1+n, 5, 5, 5, 13-n)
			}
		}
		if err := s.PublishSurvey(tb.Context(), p, results); err != nil {
			tb.Fatal(err)
		}
	}
	return latest
}

// BenchmarkSurveyPages is the time of the first visit of the pages and documents of surveys, and how many bytes they
// have: 12 quarters of 400 teams, which own 2,000 services.
func BenchmarkSurveyPages(b *testing.B) {
	o := organizationOf(2_000, 50_000)
	f := newFixture(b, o.descriptors, o.people, o.events)
	f.gradeFor(b, 13)
	latest := report.SurveyPath(publishQuarters(b, f.store))
	for _, path := range []string{
		"/surveys", latest, latest + "?by=team", latest + "?by=tenure", latest + "?by=golden-path",
		latest + "?by=team&team=team-10", latest + "/questions/item-3", latest + "/follow-up",
		"/api/v1/surveys", "/api/v1" + latest, "/api/v1" + latest + "?by=question",
		"/api/v1" + latest + "?question=item-3", "/api/v1" + latest + "/follow-up",
	} {
		b.Run(path, func(b *testing.B) {
			size := 0
			for b.Loop() {
				b.StopTimer()
				cold := &fixture{app: f.rebuild(b, f.deps.Store)}
				b.StartTimer()
				size = len(cold.page(b, path))
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
