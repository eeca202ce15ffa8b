package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/scorecards"
)

func TestOtherLevels(t *testing.T) {
	set, err := scorecards.Load(scorecards.Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := scorecards.New(set, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r := &Reader{deps: Deps{Scorecards: engine}}
	service := func(levels ...string) Service {
		var s Service
		for i, level := range levels {
			name := []string{"production-readiness", "delivery", "developer-experience"}[i]
			s.Reports = append(s.Reports, scorecards.Report{Scorecard: name, Level: level})
		}
		return s
	}
	got := r.otherLevels([]Service{service("gold", "silver"), service("gold", ""), service("bronze", "silver"), service("")})
	want := []CardLevels{{
		Name:   "delivery",
		Title:  "Delivery",
		Levels: []LevelCount{{"gold", 0}, {"silver", 2}, {"bronze", 0}, {"none", 1}},
		Graded: 3, // nothing is graded by developer-experience, which is left out
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
