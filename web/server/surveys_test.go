package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/store"
)

// publishSurveys publishes two quarters, of everyone and of 60 teams, so that their list has two pages.
func publishSurveys(tb testing.TB, s *store.Store) {
	tb.Helper()
	for i, id := range []string{"2026-Q2", "2026-Q3"} {
		closes := present.AddDate(0, -5+3*i, 0)
		p := store.PublishedSurvey{Survey: id, Version: 1, Title: "Quarter " + id, OpensAt: closes.AddDate(0, 0, -14),
			ClosesAt: closes, PublishedAt: closes, Few: 2,
			Items: `[{"key":"builds","text":"Builds are fast","dimension":"feedback_loops","min":1,"max":5,"rules":["readme"]}]`,
		}
		var results []store.SurveyResult
		var parents []string
		for k := range 61 {
			team, n := fmt.Sprintf("team-%02d", k), uint32(1+k%4+i)
			if k == 60 {
				team = ""
			} else {
				parents = append(parents, fmt.Sprintf(`"%s":""`, team))
			}
			cell := store.SurveyResult{Survey: id, Version: 1, Team: team, People: 40, Answers: 8 + 3*n}
			item, index := cell, cell
			item.Measure, item.Item, item.Counts = "item", "builds", []uint32{2, n, n, n, 6}
			index.Measure = "index"
			index.Total, index.Squares = 60*float64(cell.Answers), 3700*float64(cell.Answers)
			cell.Measure = "responses"
			results = append(results, cell, item, index)
		}
		p.Teams = "{" + strings.Join(parents, ",") + "}"
		if err := s.PublishSurvey(tb.Context(), p, results); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestSurveyPages(t *testing.T) {
	f := sharedFixture(t)
	for path, want := range map[string][]string{
		"/surveys": {"Quarter 2026-Q3", "60 (", "What is kept, and who", "data-chart"},
		"/surveys/2026-Q3": {"Builds are fast", `href="/surveys/2026-Q3/questions/builds"`, "Experience index",
			"2 groups with too few answers", `aria-label="60 (`, "of 100; 60 in 2026-Q2", `cx="60%"`},
		"/surveys/2026-Q3?by=team&q=team-07": {"team-07", "within noise", "JSON"},
		"/surveys/2026-Q3?by=tenure":         {"Nothing is shown of this."},
		"/surveys/2026-Q3/questions/builds": {"1 to 5", "team-00", "10 more teams", `aria-label="Answers by point"`,
			"6 answers of 5", `href="/scorecards/test-path/rules/readme"`},
		"/": {"Services on a golden path", "Experience index", `href="/surveys/2026-Q3">60</a>`},
		"/surveys/2026-Q3/follow-up": {"A hint, not a cause.", "teams can be compared", "What was done since",
			`href="/surveys/2026-Q3/questions/builds"`},
		"/api/v1/surveys/2026-Q3/follow-up":        {`"correlations":[]`, `"rule":{"id":"readme"`},
		"/api/v1/surveys":                          {`"total":2`, `"not_published":[]`},
		"/api/v1/surveys/2026-Q3?by=team&q=team-1": {`"total":10`, `"before":"2026-Q2"`, `"item":"builds"`},
		// Each row of a document has all questions, so that a document has fewer rows; the index is in no text of a group.
		"/api/v1/surveys/2026-Q3":                 {`"total":60`, `"next":"/api/v1/surveys/2026-Q3?page=2"`},
		"/api/v1/surveys/2026-Q3?page=2":          {`"team":"team-59"`, `"next":""`},
		"/api/v1/surveys/2026-Q3?q=experience":    {`"total":0`},
		"/api/v1/surveys/2026-Q3?sort=score":      {`"team":"team-00"`},
		"/api/v1/surveys/2026-Q3?question=builds": {`"total":60`, `"item":"builds"`},
	} {
		page := f.page(t, path)
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s does not have %q", path, text)
			}
		}
	}
}
