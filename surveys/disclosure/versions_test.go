package disclosure_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/surveys/disclosure"
)

func TestCorrections(t *testing.T) {
	all, a, b := disclosure.Group{}, disclosure.Group{Team: "a"}, disclosure.Group{Team: "b"}
	first := []disclosure.Cell{
		{Group: all, Question: "flow", Counts: []int{10, 20, 30}},
		{Group: a, Question: "flow", Counts: []int{4, 4, 4}},
		{Group: b, Question: "flow", Counts: []int{5, 5, 5}},
	}
	with := func(counts ...[]int) []disclosure.Cell {
		cells := append([]disclosure.Cell{}, first...)
		for i, c := range counts {
			cells[i].Counts = c
		}
		return cells
	}
	for _, test := range []struct {
		name      string
		corrected []disclosure.Cell
		want      []disclosure.Correction
	}{
		{"the same", with(), nil},
		{"one cell less", first[:2], nil},
		{"four of everyone changed", with([]int{14, 16, 30}),
			[]disclosure.Correction{{all, "flow", "", 4}, {all, "flow", "teams", 4}}},
		{"five changed", with([]int{15, 15, 30}), nil},
		{"one answer more", with([]int{11, 20, 30}),
			[]disclosure.Correction{{all, "flow", "", 1}, {all, "flow", "teams", 1}}},
		{"two left, three joined: five if they are others", with([]int{8, 23, 30}),
			[]disclosure.Correction{{all, "flow", "", 3}, {all, "flow", "teams", 3}}},
		{"nine of everyone, five of them in a team, four elsewhere", with([]int{19, 11, 30}, []int{9, -1, 4}),
			[]disclosure.Correction{{all, "flow", "teams", 4}}},
		{"a new cell",
			append(with(), disclosure.Cell{Group: disclosure.Group{Team: "c"}, Question: "flow", Counts: []int{9}}),
			[]disclosure.Correction{{disclosure.Group{Team: "c"}, "flow", "", -1}, {all, "flow", "teams", 9}}},
	} {
		rests := func(cells []disclosure.Cell) []disclosure.Cell {
			return append(cells[:len(cells):len(cells)], disclosure.Rests(cells, nil)...)
		}
		got := disclosure.TooSmall(rests(first), rests(test.corrected))
		if test.name == "a new cell" {
			got, test.want = got[:1], test.want[:1]
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// TestVersionsTellNobody corrects surveys in random ways, publishes what the rule allows, and subtracts the versions:
// no difference may be that of one to four people.
func TestVersionsTellNobody(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	allowed, refused := 0, 0
	for seed := range uint64(60) {
		a := organization(seed, 120, 9, 1)
		d := disclosure.Decide(a)
		before := cellsOf(a, d)
		changes := []int{0, 3, 12, 400}[seed%4]
		for n := 0; n < changes; {
			counts := a.Questions[0].Counts[r.IntN(len(a.Places))]
			from, to := r.IntN(5), r.IntN(5)
			if counts[from] > 0 && from != to {
				counts[from], counts[to], n = counts[from]-1, counts[to]+1, n+1
			}
		}
		var after []disclosure.Cell
		for _, c := range cellsOf(a, disclosure.Decide(a)) {
			if d.Shows(c.Group, 0) {
				after = append(after, c)
			}
		}
		first := append(slices.Clone(before), disclosure.Rests(before, a.Parents)...)
		second := append(slices.Clone(after), disclosure.Rests(after, a.Parents)...)
		if len(disclosure.TooSmall(first, second)) > 0 {
			refused++
			continue
		}
		allowed++
		for _, c := range after {
			for _, e := range before {
				if c.Group != e.Group {
					continue
				}
				moved := 0
				for v := range c.Counts {
					moved += max(0, c.Counts[v]-e.Counts[v])
				}
				if moved > 0 && moved < disclosure.Threshold {
					t.Errorf("seed %d: %v changed by %d answers", seed, c.Group, moved)
				}
			}
		}
	}
	if allowed == 0 || refused == 0 {
		t.Errorf("%d corrections were allowed, %d refused", allowed, refused)
	}
}

func cellsOf(a disclosure.Answers, d disclosure.Decision) []disclosure.Cell {
	var cells []disclosure.Cell
	for _, g := range d.Groups {
		if !d.Shows(g, 0) {
			continue
		}
		counts := make([]int, 5)
		for p, place := range a.Places {
			if contains(g, place, a.Parents) {
				for v, n := range a.Questions[0].Counts[p] {
					counts[v] += n
				}
			}
		}
		cells = append(cells, disclosure.Cell{Group: g, Question: "q", Counts: counts})
	}
	return cells
}
