package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
	"github.com/dxctl/dxctl/surveys/intake"
	"github.com/dxctl/dxctl/surveys/results"
	"github.com/dxctl/dxctl/surveys/statistics"
)

// read is a quarter as it is imported, with the teams of the catalog.
func (s Survey) read(t *testing.T, c *catalog.Catalog) (*intake.Plan, intake.Result) {
	t.Helper()
	definition, err := surveys.Parse(s.ID+".yaml", s.ID, s.definition())
	if err != nil {
		t.Fatal(err)
	}
	export, err := form.Read(s.ID+".csv", s.Export, form.Options{})
	if err != nil {
		t.Fatal(err)
	}
	population, err := intake.NewPopulation(c, definition)
	if err != nil {
		t.Fatal(err)
	}
	plan := intake.Relate(export, definition)
	return plan, plan.Read(population, "k")
}

// compared returns how many teams that own a service have a published index.
func compared(t *testing.T, c *catalog.Catalog, answers surveys.Answers) (n int) {
	t.Helper()
	computed, err := results.Compute(answers)
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range computed.Results {
		if cell.Measure == results.Index && cell.Team != "" && cell.Team != "engineering" && cell.Tenure == "" &&
			cell.GoldenPath == "" && len(c.OwnedWithin(cell.Team)) > 0 {
			n++
		}
	}
	return n
}

var surveyDays = []time.Time{
	testNow, time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC), time.Date(2028, 2, 29, 5, 0, 0, 0, time.UTC),
}

// The surveys tell the story: people who came to the golden path report faster builds, and most people answer. Enough
// teams have results, and services were graded before the latest survey closed, so that the page of what follows a
// survey compares teams, and knows what was done.
func TestSurveysTellTheStory(t *testing.T) {
	for _, now := range surveyDays {
		o := Generate(now)
		dir := t.TempDir()
		if err := o.Write(dir); err != nil {
			t.Fatal(err)
		}
		c, _, err := catalog.Load(catalog.Config{Files: []string{"catalog/*.yaml"}},
			people.Config{Files: []string{"people.csv"}}, dir)
		if err != nil {
			t.Fatal(err)
		}
		all, on := o.Surveys(), now.Format(time.DateOnly)
		seen := map[string]bool{}
		var means []float64
		var before surveys.Answers
		for i, s := range all {
			if seen[s.ID] {
				t.Errorf("two surveys are %s", s.ID)
			}
			seen[s.ID] = true
			plan, r := s.read(t, c)
			if i > 0 {
				plan.CheckTurned(r, before)
			}
			before = r.Answers
			if plan.Check(r); len(plan.Blocking) > 0 || len(r.Bad) > 0 || len(r.Excluded) > 0 || r.Good() < 70 {
				t.Fatalf("%s: %d good rows, %v, %v, %v", s.ID, r.Good(), plan.Blocking, r.Bad, r.Excluded)
			}
			if notes := strings.Join(plan.Notes, "\n"); strings.Contains(notes, "against all") || strings.Contains(notes, "round") {
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
			if i != len(all)-2 {
				continue
			}
			if n := compared(t, c, r.Answers); n < statistics.LeastGroups {
				t.Errorf("on %s, %d teams of survey %s can be compared, want %d", on, n, s.ID, statistics.LeastGroups)
			}
			if first := o.Today.AddDate(0, 0, -pastDays()[0]); first.After(s.closes) {
				t.Errorf("on %s, services were graded first on %s, after survey %s closed", on, first.Format(time.DateOnly), s.ID)
			}
		}
		if len(all) != 4 || means[2] < means[0]+0.5 || means[3] < means[0]+0.2 { // not all answered the last one yet
			t.Errorf("on %s the means of build-speed are %.2f", on, means)
		}
	}
}
