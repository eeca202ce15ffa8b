package disclosure_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/surveys/disclosure"
)

func TestConcurrentTeams(t *testing.T) {
	parents := map[string]string{"a1": "a", "a2": "a", "b1": "b", "b2": "b", "b3": "b", "loop": "pool", "pool": "loop"}
	for _, test := range []struct {
		name   string
		counts map[string]int
		want   []string
	}{
		{"all are enough", map[string]int{"a1": 5, "a2": 6, "b1": 7}, []string{"", "a", "a1", "a2", "b", "b1"}},
		{"nobody", nil, []string{}},
		{"few in all", map[string]int{"a1": 2, "b1": 2}, []string{}},
		// a2 follows from a and a1, so a1 is hidden.
		{"a small sister", map[string]int{"a1": 8, "a2": 3}, []string{"", "a"}},
		{"the smallest sister is hidden", map[string]int{"b1": 9, "b2": 6, "b3": 4}, []string{"", "b", "b1"}},
		// Two of two are four, who follow from b and b3.
		{"two small sisters", map[string]int{"b1": 2, "b2": 2, "b3": 9}, []string{"", "b"}},
		{"two small sisters are enough together", map[string]int{"b1": 2, "b2": 3, "b3": 9}, []string{"", "b", "b3"}},
		// a has only a1, so a is as small as a1; b is what remains of everyone, and so are b1 and b2 together.
		{"a small team above", map[string]int{"a1": 3, "b1": 9, "b2": 9}, []string{"", "b2"}},
		{"people without a team", map[string]int{"": 2, "a1": 9}, []string{""}},
		{"teams in a circle", map[string]int{"loop": 6, "pool": 6}, []string{"", "loop", "pool"}},
	} {
		var places []disclosure.Place
		var counts []int
		for _, team := range []string{"", "a1", "a2", "b1", "b2", "b3", "loop", "pool"} {
			if n := test.counts[team]; n > 0 {
				places, counts = append(places, disclosure.Place{Team: team}), append(counts, n)
			}
		}
		got := disclosure.Teams(parents, places, counts, nil, disclosure.Threshold)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}
