package metrics

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// manyStarts are subjects of a number of teams, each with a first deployment at a time of its own.
func manyStarts(subjects, teams int, now time.Time) []firstDeployRow {
	rows := make([]firstDeployRow, subjects)
	history, start := now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0)
	for i := range rows {
		rows[i] = firstDeployRow{
			ID:         fmt.Sprint(i),
			Team:       fmt.Sprintf("group:default/t%05d", i%teams),
			StartedAt:  &start,
			HistoryAt:  &history,
			Connected:  true,
			DeployedAt: pointer(start.Add(time.Duration(i+1) * time.Minute)),
		}
	}
	return rows
}

func TestCohortsAndCurvesAreBounded(t *testing.T) {
	now := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	const subjects = 20_000
	for _, teams := range []int{1, 7, 3_000, MaxCohorts} {
		got, err := estimate(manyStarts(subjects, teams, now), TTFDOptions{Cohort: Team}, now)
		if err != nil || len(got.Cohorts) != teams {
			t.Fatalf("%d teams: %d cohorts, %v", teams, len(got.Cohorts), err)
		}
		if n := len(got.Overall.Curve); n != MaxCurvePoints || got.Overall.CurveSteps != subjects {
			t.Errorf("%d teams: the curve of all has %d points of %d", teams, n, got.Overall.CurveSteps)
		}
		points, steps := 0, 0
		for _, g := range got.Cohorts {
			points, steps = points+len(g.Curve), steps+g.CurveSteps
			if last := g.Curve[len(g.Curve)-1].Survival; math.Abs(last) > roundingSlack {
				t.Fatalf("%s: the curve ends at %v although everybody has deployed", g.Label, last)
			}
		}
		if points > MaxCurvePoints+2*teams || steps != subjects {
			t.Errorf("%d teams: %d points of %d steps", teams, points, steps)
		}
		if m := got.Overall.MedianHours; m == nil || *m != subjects/2/60.0 {
			t.Errorf("%d teams: the median is not that of the whole curve: %v", teams, *m)
		}
	}
	var limit *LimitError
	_, err := estimate(manyStarts(subjects, MaxCohorts+1, now), TTFDOptions{Cohort: Team}, now)
	if !errors.As(err, &limit) || !strings.Contains(err.Error(), "4001 cohorts by team; an answer has at most 4000") {
		t.Errorf("got %v", err)
	}
}

func TestThinnedCurvesKeepTheirEnds(t *testing.T) {
	curve := KaplanMeier([]Duration{{1, true}, {2, true}, {3, true}, {4, true}, {5, true}})
	for n := 2; n < 7; n++ {
		got := Thin(curve, n)
		if len(got) != min(n, 5) || got[0] != curve[0] || got[len(got)-1] != curve[4] {
			t.Errorf("%d points: %v", n, got)
		}
	}
}
