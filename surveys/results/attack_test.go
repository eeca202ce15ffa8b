package results_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/results"
)

// turnoutOf is a survey of product, with cards (8 of 10 answered) and web (7 of 7), next to ops (4 people), of whom so
// many answered. The form asks for the golden path, and people have a tenure.
func turnoutOf(t *testing.T, ops int) *results.Computed {
	t.Helper()
	a := quarter()
	a.Responses = a.Responses[:15+min(ops, 3)]
	if ops == 4 {
		more := a.Responses[0]
		more.Groups = surveys.Groups{Team: "ops"}
		a.Responses = append(a.Responses, more)
	}
	for i := range a.Responses {
		g := &a.Responses[i].Groups
		g.Tenure, g.GoldenPath = surveys.Tenures[i%2], surveys.OnGoldenPath
	}
	var invited []surveys.GroupSize
	for _, size := range a.Invited {
		for i := range 2 {
			invited = append(invited, surveys.GroupSize{Groups: surveys.Groups{Team: size.Groups.Team, Tenure: surveys.Tenures[i]},
				People: size.People / 2})
		}
	}
	a.Invited = invited
	c, err := results.Compute(a)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNobodyDerivesWhoTookPart: whoever knows of everybody else whether they answered must not learn from what is
// published how many of a team of four did: not from which groups are shown, not from how many are hidden and why, and
// not by subtraction.
func TestNobodyDerivesWhoTookPart(t *testing.T) {
	looks := func(ops int) string {
		c := turnoutOf(t, ops)
		teams := map[string]bool{}
		for _, g := range c.Groups() {
			teams[fmt.Sprint(g)] = true
		}
		return fmt.Sprint(slices.Sorted(maps.Keys(teams)), c.Published.Few, c.Published.Complementary, c.Published.Teams)
	}
	want := looks(3)
	for ops := range 5 {
		if got := looks(ops); got != want {
			t.Errorf("%d of ops took part: %s; with 3 of them: %s", ops, got, want)
		}
	}
}

// TestWhoTookPartWithoutARatingIsNotDerived: somebody who only wrote a comment is one of those who took part. Everyone
// less the teams must not leave that one person.
func TestWhoTookPartWithoutARatingIsNotDerived(t *testing.T) {
	a := quarter()
	a.Invited = nil
	last := &a.Responses[15] // the only one of ops
	last.Ratings = slices.Repeat([]surveys.Point{surveys.NotAnswered}, len(last.Ratings))
	a.Responses = a.Responses[:16]
	c, err := results.Compute(a)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]uint32{}
	for _, r := range c.Results {
		if r.Measure == results.Responses {
			shown[r.Team] = r.Answers
		}
	}
	if shown[""] != 16 || len(shown) < 2 {
		t.Fatalf("shown are %v", shown)
	}
	if product, both := shown["product"]; both && shown[""]-product < 5 {
		t.Errorf("everyone less product leaves %d: %v", shown[""]-product, shown)
	}
	if left := shown[""] - shown["cards"] - shown["web"]; left > 0 && left < 5 {
		t.Errorf("everyone less the teams leaves %d: %v", left, shown)
	}
}
