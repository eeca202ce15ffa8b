package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
	"github.com/dxctl/dxctl/surveys/intake"
)

// The surveys tell the story: people who came to the golden path report faster builds, and most people answer.
func TestSurveysTellTheStory(t *testing.T) {
	for _, now := range []time.Time{testNow, time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC), time.Date(2028, 2, 29, 5, 0, 0, 0, time.UTC)} {
		o := Generate(now)
		all := o.Surveys()
		seen := map[string]bool{}
		var means []float64
		for _, s := range all {
			if seen[s.ID] {
				t.Errorf("two surveys are %s", s.ID)
			}
			seen[s.ID] = true
			definition, err := surveys.Parse(s.ID+".yaml", s.ID, s.definition())
			if err != nil {
				t.Fatal(err)
			}
			export, err := form.Read(s.ID+".csv", s.Export, form.Options{})
			if err != nil {
				t.Fatal(err)
			}
			plan := intake.Relate(export, definition)
			r := plan.Read(nil, "k")
			if plan.Check(r); len(plan.Blocking) > 0 || len(r.Bad) > 0 || len(r.Excluded) > 0 || r.Good() < 35 {
				t.Fatalf("%s: %d good rows, %v, %v, %v", s.ID, r.Good(), plan.Blocking, r.Bad, r.Excluded)
			}
			if notes := strings.Join(plan.Notes, "\n"); strings.Contains(notes, "against all others") {
				t.Errorf("%s: %s", s.ID, notes)
			}
			sum, n := 0, 0
			for _, response := range r.Answers.Responses {
				if point, ok := response.Ratings[r.Answers.ItemIndex("build-speed")].Get(); ok {
					sum += point
					n++
				}
			}
			means = append(means, float64(sum)/float64(n))
		}
		if len(all) != 4 || means[3] < means[0]+0.5 {
			t.Errorf("on %s the means of build-speed are %.2f", now.Format(time.DateOnly), means)
		}
	}
}
