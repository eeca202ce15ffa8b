package report

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// publishQuarters publishes 12 quarters of 5,000 people in 400 teams, with 40 questions and about 1,000 groups.
func publishQuarters(tb testing.TB, s *store.Store) {
	tb.Helper()
	const quarters, teams, items = 12, 400, 40
	parents := map[string]string{}
	groups := []SurveyGroup{{}}
	for _, tenure := range []string{"under 3 months", "3 to 12 months", "1 to 3 years", "3 years and more"} {
		for _, golden := range []string{"yes", "no"} {
			groups = append(groups, SurveyGroup{"", tenure, golden})
		}
		groups = append(groups, SurveyGroup{"", tenure, ""})
	}
	for k := range teams {
		team := fmt.Sprintf("team-%03d", k)
		parents[team] = ""
		if k%10 > 0 {
			parents[team] = fmt.Sprintf("team-%03d", k-k%10)
		}
		for _, golden := range []string{"", "yes", "no"}[:2+k%2] {
			groups = append(groups, SurveyGroup{team, "", golden})
		}
	}
	encodedTeams, err := json.Marshal(parents)
	if err != nil {
		tb.Fatal(err)
	}
	var asked []SurveyItem
	for k := range items {
		asked = append(asked, SurveyItem{Key: fmt.Sprint("item-", k), Text: fmt.Sprint("Question number ", k), Min: 1, Max: 5,
			Dimension: indexDimensions[k%3], Counted: true, Rules: [][]string{{"ci-fast"}, nil, nil, nil, nil}[k%5]})
	}
	encodedItems, err := json.Marshal(asked)
	if err != nil {
		tb.Fatal(err)
	}
	for quarter := range quarters {
		closes := time.Date(2024, time.Month(1+3*quarter), 27, 0, 0, 0, 0, time.UTC)
		p := store.PublishedSurvey{Survey: fmt.Sprintf("%d-Q%d", closes.Year(), 1+quarter%4), Version: 1, Title: "Quarter",
			OpensAt: closes.AddDate(0, 0, -14), ClosesAt: closes, PublishedAt: closes, Items: string(encodedItems),
			Teams: string(encodedTeams)}
		var results []store.SurveyResult
		for g, group := range groups {
			cell := store.SurveyResult{Survey: p.Survey, Version: 1, Team: group.Team, Tenure: group.Tenure,
				GoldenPath: group.GoldenPath, People: 40, Answers: 30}
			add := func(measure, item string, counts ...uint32) {
				r := cell
				r.Measure, r.Item, r.Counts, r.Total, r.Squares = measure, item, counts, 1500, 90000
				results = append(results, r)
			}
			add(SurveyResponses, "")
			add(SurveyIndex, "")
			for _, d := range indexDimensions {
				add(SurveyDimension, d)
			}
			for k := range items {
				n := uint32((g + k + quarter) % 10)
				add(SurveyItems, asked[k].Key, 1+n, 5, 5, 5, 13-n)
			}
		}
		if err := s.PublishSurvey(tb.Context(), p, results); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkSurveyPages is what the pages of surveys ask, without a cache.
func BenchmarkSurveyPages(b *testing.B) {
	s := storetest.Open(b)
	publishQuarters(b, s)
	r := &Reader{deps: Deps{Store: s.Reader(), Now: time.Now}}
	for name, ask := range map[string]func() error{
		"list":   func() error { _, err := r.SurveyDocuments(b.Context()); return err },
		"survey": func() error { _, err := r.SurveyResults(b.Context(), SurveyQuery{By: SurveyByQuestion}); return err },
		"teams": func() error {
			_, err := r.SurveyResults(b.Context(), SurveyQuery{By: SurveyByTeam, NoItems: true})
			return err
		},
		"teams of what follows": func() error {
			_, err := r.SurveyResults(b.Context(), SurveyQuery{By: SurveyByTeam, Linked: true})
			return err
		},
		"document of teams": func() error { _, err := r.SurveyResults(b.Context(), SurveyQuery{By: SurveyByTeam}); return err },
		"question":          func() error { _, err := r.SurveyTrend(b.Context(), SurveyGroup{}, SurveyItems, "item-3"); return err },
		"teams of a question": func() error {
			_, err := r.SurveyResults(b.Context(), SurveyQuery{By: SurveyByTeam, Question: "item-3"})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
