package results_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/archive"
	"github.com/dxctl/dxctl/surveys/results"
)

var now = time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)

// quarter has the teams cards (8 people), web (7) and ops (3), and everyone: 18.
func quarter() surveys.Answers {
	five, eleven := surveys.Scale{Min: 1, Max: 5}, surveys.Scale{Min: 0, Max: 10}
	a := surveys.Answers{
		Survey: "2026-Q3", Title: "Quarter", Opens: now.AddDate(0, 0, -20), Closes: now.AddDate(0, 0, -5),
		Items: []surveys.Item{
			{Key: "builds", Text: "Builds are fast", Kind: surveys.Rating, Dimension: surveys.FeedbackLoops, Scale: five},
			{Key: "load", Text: "I must know too much", Kind: surveys.Rating, Dimension: surveys.CognitiveLoad, Scale: five,
				Reversed: true},
			{Key: "flow", Text: "I get into flow", Kind: surveys.Rating, Dimension: surveys.Flow, Scale: five},
			{Key: "recommend", Text: "I recommend us", Kind: surveys.Rating, Dimension: surveys.Recommend, Scale: eleven},
			{Key: "why", Text: "Why?", Kind: surveys.Comment},
		},
		Parents: map[string]string{"cards": "product", "web": "product"},
	}
	for i := range 18 {
		team := "cards"
		if i >= 8 {
			team = "web"
		}
		if i >= 15 {
			team = "ops"
		}
		r := surveys.Response{
			Groups:   surveys.Groups{Team: team},
			Ratings:  []surveys.Point{surveys.Point(2 + i%3), surveys.Point(1 + i%4), surveys.Point(3 + i%2), surveys.Point(i % 11), surveys.NotAnswered},
			Comments: []string{"", "", "", "", fmt.Sprintf("comment %02d", i)},
		}
		a.Responses = append(a.Responses, r)
	}
	for team, n := range map[string]int{"cards": 10, "web": 7, "ops": 4} {
		a.Invited = append(a.Invited, surveys.GroupSize{Groups: surveys.Groups{Team: team}, People: n})
	}
	return a
}

func find(t *testing.T, all []store.SurveyResult, team, measure, item string) store.SurveyResult {
	t.Helper()
	for _, r := range all {
		if r.Team == team && r.Measure == measure && r.Item == item {
			return r
		}
	}
	t.Fatalf("%s %s of team %q is not shown", measure, item, team)
	return store.SurveyResult{}
}

func TestCompute(t *testing.T) {
	c, err := results.Compute(quarter())
	if err != nil {
		t.Fatal(err)
	}
	teams := map[string]bool{}
	for _, r := range c.Results {
		teams[r.Team] = true
	}
	// ops has 3, and would follow from everyone and product; so product is hidden, and then the smaller of its teams.
	if diff := cmp.Diff(map[string]bool{"": true, "cards": true}, teams); diff != "" {
		t.Errorf("teams: %s", diff)
	}
	builds := find(t, c.Results, "", results.OfItem, "builds")
	if builds.Answers != 18 || builds.People != 21 || builds.Total != 6*2+6*3+6*4 || builds.Squares != 6*4+6*9+6*16 {
		t.Errorf("builds of everyone: %+v", builds)
	}
	// As the form asks, 1 to 4 were given by 5, 5, 4 and 4; a high point is bad.
	if diff := cmp.Diff([]uint32{0, 4, 4, 5, 5}, find(t, c.Results, "", results.OfItem, "load").Counts); diff != "" {
		t.Errorf("load in the good direction: %s", diff)
	}
	// The index follows from the items that are shown: the mean of their scores.
	index := find(t, c.Results, "cards", results.Index, "")
	want := 0.0
	for i := range 8 {
		want += (25*float64(1+i%3) + 25*float64(4-i%4) + 25*float64(2+i%2)) / 3
	}
	if index.Answers != 8 || index.People != 10 || index.Counts != nil || math.Abs(index.Total-want) > 1e-9 {
		t.Errorf("index of cards: %+v, want a sum of %v", index, want)
	}
	if all := find(t, c.Results, "cards", results.Responses, ""); all.Answers != 8 {
		t.Errorf("responses of cards: %+v", all)
	}
}

func TestParticipationAndComments(t *testing.T) {
	a := quarter()
	want := []results.TeamCount{{Count: 18, People: 21}, {Team: "cards", Parent: "product", Count: 8, People: 10}}
	if diff := cmp.Diff(want, results.Participation(a)); diff != "" {
		t.Errorf("participation: %s", diff)
	}
	all := results.ReadComments([]surveys.Answers{a}, "", "")
	if len(all) != 1 || len(all[0].Comments) != 18 || all[0].Question != "why" || all[0].Comments[0] != "comment 00" {
		t.Errorf("comments of everyone: %+v", all)
	}
	for _, team := range []string{"cards", "web", "ops", "product", "nobody"} { // cards has 8; product is 15, but ops is 3
		if all := results.ReadComments([]surveys.Answers{a}, team, ""); len(all) != 0 {
			t.Errorf("comments of %s: %+v", team, all)
		}
	}
	if all := results.ReadComments([]surveys.Answers{a}, "", "builds"); len(all) != 0 {
		t.Errorf("comments to a rating: %+v", all)
	}
}

func TestPublish(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	a, err := archive.Open(ctx, s, archive.Options{Create: true, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	save := func(all surveys.Answers) {
		t.Helper()
		if _, err := a.Save(ctx, all); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := results.Prepare(ctx, a, s, "2026-Q3", false); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("publishing what is not imported: %v", err)
	}
	save(quarter())
	publish := func() {
		t.Helper()
		c, err := results.Prepare(ctx, a, s, "2026-Q3", false)
		if err != nil {
			t.Fatal(err)
		}
		if err := results.Publish(ctx, a, s, c, false, now); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	if _, err := results.Prepare(ctx, a, s, "2026-Q3", false); !errors.Is(err, results.ErrPublished) {
		t.Errorf("publishing twice: %v", err)
	}

	one := quarter()
	one.Responses[0].Ratings[2] = 5
	save(one)
	var refused *results.CorrectionError
	_, err = results.Prepare(ctx, a, s, "2026-Q3", false)
	if !errors.As(err, &refused) || strings.Contains(err.Error(), "cards") || strings.Contains(err.Error(), "flow") {
		t.Errorf("a correction of one answer: %v", err)
	}
	alike := quarter()
	for i := range 8 {
		alike.Responses[i].Ratings[0] = 5
	}
	save(alike)
	if _, err = results.Prepare(ctx, a, s, "2026-Q3", false); !errors.As(err, &refused) {
		t.Errorf("a correction of eight answers to the same one: %v", err)
	}
	many := quarter()
	for i := range 8 { // 2 3 4 2 3 4 2 3
		many.Responses[i].Ratings[0] = []surveys.Point{1, 1, 5, 1, 5, 5, 1, 5}[i]
	}
	save(many)
	publish()

	var rows []store.SurveyResult
	err = s.Select(ctx, &rows, `SELECT * FROM survey_results WHERE measure = 'item' AND item = 'builds' ORDER BY team`, nil)
	if err != nil || len(rows) != 2 || rows[0].Version != 4 || rows[1].Total != 4*1+4*5 {
		t.Errorf("the view has %+v, %v", rows, err)
	}
	published, err := s.PublishedSurveys(ctx, "2026-Q3")
	if err != nil || len(published) != 2 || published[0].Version != 1 || !published[0].PublishedAt.Equal(now) {
		t.Errorf("published are %+v, %v", published, err)
	}

	if err := s.DeleteSurveyResults(ctx, "2026-Q3"); err != nil {
		t.Fatal(err)
	}
	var left []struct {
		N uint64 `ch:"n"`
	}
	err = s.Select(ctx, &left, `SELECT count() AS n FROM survey_results UNION ALL SELECT count() AS n FROM surveys`, nil)
	if err != nil || len(left) != 2 || left[0].N+left[1].N != 0 {
		t.Errorf("after the delete there are %v, %v", left, err)
	}

	// The archive has its answers still; who has the deleted results could compare.
	if _, err := results.Prepare(ctx, a, s, "2026-Q3", false); !errors.Is(err, results.ErrDeleted) {
		t.Errorf("publishing what was published and deleted: %v", err)
	}
	if _, err := results.Prepare(ctx, a, s, "2026-Q3", true); err != nil {
		t.Errorf("publishing it again: %v", err)
	}
}
