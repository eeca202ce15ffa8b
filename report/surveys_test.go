package report

import (
	"context"
	"errors"
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

const (
	surveyItems = `[{"key":"builds","text":"Builds are fast","dimension":"feedback_loops","min":1,"max":5,"rules":["ci-fast","delivery/ci-fast"]},
{"key":"recommend","text":"I recommend us","dimension":"recommend","min":0,"max":10}]`
	surveyTeams = `{"product":"","cards":"product","web":"product"}`
)

// publishSurveys publishes two quarters: the answers of product got better, those of web did not.
func publishSurveys(t *testing.T, s *store.Store) {
	t.Helper()
	for i, id := range []string{"2026-Q2", "2026-Q3"} {
		closes := time.Date(2026, time.Month(7+3*i), 1, 0, 0, 0, 0, time.UTC)
		p := store.PublishedSurvey{Survey: id, Version: 2, Title: "Quarter", OpensAt: closes.AddDate(0, 0, -14),
			ClosesAt: closes, PublishedAt: closes.AddDate(0, 0, 3), Items: surveyItems, Teams: surveyTeams, Few: 2}
		base := store.SurveyResult{Survey: id, Version: 2}
		cell := func(team, measure, item string, counts ...uint32) store.SurveyResult {
			r := base
			r.Team, r.Measure, r.Item, r.Counts, r.People = team, measure, item, counts, 40
			for _, n := range counts {
				r.Answers += n
			}
			return r
		}
		up := []uint32{10, 15, 5, 0, 0}
		if i == 1 {
			up = []uint32{0, 0, 5, 15, 10}
		}
		index := cell("product", SurveyIndex, "")
		index.Answers, index.Total, index.Squares = 30, 30*float64(40+i*30), 30*math.Pow(float64(40+i*30), 2)+3000
		responses := cell("product", SurveyResponses, "", 32)
		responses.Counts = nil
		web := cell("web", SurveyItems, "builds", 1, 2, 3, 2, 1)
		web.People = 10
		golden := cell("", SurveyItems, "builds", 3, 3, 3, 3, 3)
		golden.GoldenPath = "yes"
		results := []store.SurveyResult{
			responses, index, cell("product", SurveyItems, "builds", up...), web, golden,
			cell("", SurveyItems, "builds", 10, 10, 10, 10, 10),
			cell("", SurveyItems, "recommend", 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5),
		}
		if err := s.PublishSurvey(t.Context(), p, results); err != nil {
			t.Fatal(err)
		}
	}
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-6 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestSurveyResults(t *testing.T) {
	s := storetest.Open(t)
	publishSurveys(t, s)
	r := &Reader{deps: Deps{Store: s.Reader(), Now: time.Now}}
	ctx := t.Context()
	x, err := r.SurveyResults(ctx, SurveyQuery{By: SurveyByTeam})
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for _, row := range x.Rows {
		groups = append(groups, row.Name())
	}
	if diff := cmp.Diff([]string{"product", "web"}, groups); diff != "" || x.Survey.ID != "2026-Q3" || x.Before.ID != "2026-Q2" {
		t.Fatalf("survey %s after %v: %s", x.Survey.ID, x.Before, diff)
	}
	product := x.Rows[0]
	if product.Answers != 32 || product.People != 40 || len(product.Numbers) != 2 || product.Numbers[0].Measure != SurveyIndex {
		t.Errorf("product: %+v", product)
	}
	near(t, "response rate", product.ResponseRate, 0.8)
	near(t, "index", product.Numbers[0].Score.Value, 70)
	builds := product.Number(SurveyItems, "builds")
	near(t, "mean", builds.Mean.Value, (5*3+15*4+10*5)/30.0)
	near(t, "score", builds.Score.Value, 100*((5*3+15*4+10*5)/30.0-1)/4)
	near(t, "top two", builds.TopTwo.Value, 25.0/30)
	if c := builds.Change; c == nil || !c.BeyondNoise || c.Since != "2026-Q2" || math.Abs(c.Difference-100*(70.0/30)/4) > 1e-6 {
		t.Errorf("change of product: %+v", c)
	}
	web := x.Rows[1].Number(SurveyItems, "builds")
	if web.Change == nil || web.Change.BeyondNoise || web.Change.Difference != 0 {
		t.Errorf("change of web: %+v", web.Change)
	}
	if web.Mean.Worst == nil || web.Mean.Best == nil {
		t.Errorf("9 of 10 answered, and there is no bound: %+v", web.Mean)
	}
	near(t, "worst", web.Mean.Worst, (27+1)/10.0)
	near(t, "best", web.Mean.Best, (27+5)/10.0)

	for name, test := range map[string]struct {
		q    SurveyQuery
		want []string
	}{
		"sub-teams":   {SurveyQuery{By: SurveyByTeam, Group: SurveyGroup{Team: "web"}}, []string{"web"}},
		"golden path": {SurveyQuery{By: SurveyByGoldenPath}, []string{"on the golden path"}},
		"tenure":      {SurveyQuery{By: SurveyByTenure}, nil},
		"questions":   {SurveyQuery{By: SurveyByQuestion, Question: "recommend"}, []string{"everyone"}},
		"hidden":      {SurveyQuery{By: SurveyByQuestion, Group: SurveyGroup{Team: "nobody"}}, nil},
	} {
		x, err := r.SurveyResults(ctx, test.q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range x.Rows {
			got = append(got, row.Name())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if name == "questions" {
			near(t, "eNPS", x.Rows[0].Number(SurveyItems, "recommend").NetPromoter.Value, 100*(10.0-5)/25)
		}
	}
	for _, q := range []SurveyQuery{{Survey: "2026-Q1"}, {Survey: "2026-Q3", Question: "bulds"}} {
		var missing *NotFoundError
		if _, err := r.SurveyResults(ctx, q); !errors.As(err, &missing) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	points, err := r.SurveyTrend(ctx, SurveyGroup{Team: "product"}, SurveyItems, "builds")
	if err != nil || len(points) != 2 || points[0].Survey.ID != "2026-Q2" || points[1].Number.Change == nil {
		t.Errorf("trend: %+v, %v", points, err)
	}
}

func TestParticipationRates(t *testing.T) {
	r := &Reader{deps: Deps{Participation: func(context.Context) ([]Participation, error) {
		return []Participation{{Survey: "2026-Q4", Teams: []TeamParticipation{{Count: 9, People: 12}, {Team: "a", Count: 5}}}}, nil
	}}}
	all, err := r.Participation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rate", all[0].Everyone().Rate, 0.75)
	if all[0].Teams[1].Rate != nil {
		t.Error("a team without people has a rate")
	}
}
