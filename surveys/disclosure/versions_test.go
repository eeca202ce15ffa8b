package disclosure_test

import (
	"slices"
	"testing"

	"github.com/dxctl/dxctl/surveys/disclosure"
)

// TestConcurrentCorrections has the places a, b, and people of a and b who are new, with ten of each answer.
func TestConcurrentCorrections(t *testing.T) {
	places := []disclosure.Place{{Team: "a"}, {Team: "b"}, {Team: "a", Tenure: "new"}, {Team: "b", Tenure: "new"}}
	all, a, b, fresh := disclosure.Group{}, disclosure.Group{Team: "a"}, disclosure.Group{Team: "b"},
		disclosure.Group{Tenure: "new"}
	freshA := disclosure.Group{Team: "a", Tenure: "new"}
	changes := func(of ...[]int) [][]int { return of }
	none, six := []int{0, 0, 0, 0}, []int{3, 3, -3, -3}
	for _, test := range []struct {
		name    string
		shown   []disclosure.Group
		changes [][]int // by place and answer
		refused bool
	}{
		{"nothing changes", []disclosure.Group{all, a, b}, changes(none, none, none, none), false},
		{"one answer changes", []disclosure.Group{all}, changes([]int{1, -1, 0, 0}, none, none, none), true},
		{"four change", []disclosure.Group{all}, changes([]int{2, 2, -3, -1}, none, none, none), true},
		{"five change", []disclosure.Group{all}, changes([]int{2, 1, -2, -1}, []int{0, 2, 0, -2}, none, none), false},
		{"five change, two of them in a team", []disclosure.Group{all, b},
			changes([]int{2, 1, -2, -1}, []int{0, 2, 0, -2}, none, none), true},
		{"five came, who differ", []disclosure.Group{all}, changes([]int{2, 2, 1, 0}, none, none, none), false},
		{"five came, who are alike", []disclosure.Group{all}, changes([]int{5, 0, 0, 0}, none, none, none), true},
		{"five went, who are alike", []disclosure.Group{all}, changes([]int{0, -5, 0, 0}, none, none, none), true},
		{"six of one team, and four elsewhere", []disclosure.Group{all, a}, changes(six, []int{2, 2, -2, -2}, none, none),
			true},
		{"six of each team", []disclosure.Group{all, a}, changes(six, six, none, none), false},
		{"one is in neither group of those that are shown", []disclosure.Group{all, a, fresh, freshA},
			changes(six, []int{1, 0, -1, 0}, none, six), true},
		{"six are in neither group", []disclosure.Group{all, a, fresh, freshA}, changes(six, six, none, six), false},
	} {
		before := disclosure.Question{Counts: slices.Repeat([][]int{{10, 10, 10, 10}}, 4)}
		after := disclosure.Question{Counts: make([][]int, len(places))}
		for p := range places {
			for v, n := range before.Counts[p] {
				after.Counts[p] = append(after.Counts[p], n+test.changes[p][v])
			}
		}
		c := disclosure.Correction{Places: places, Before: []disclosure.Question{before}, After: []disclosure.Question{after},
			Shows: func(g disclosure.Group, _ int) bool {
				return slices.Contains(test.shown, g)
			}}
		if n := c.Refused(); n > 0 != test.refused {
			t.Errorf("%s: %d differences are refused", test.name, n)
		}
	}
}
