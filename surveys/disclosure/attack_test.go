package disclosure_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/surveys/disclosure"
)

// adversary has all shown cells of a survey, and knows who belongs where. It was written without the code under test:
// rational numbers instead of a prime, elimination over all places instead of columns.
type adversary struct {
	answers disclosure.Answers
	groups  [][]disclosure.Group // shown, by question
}

func attackerOf(a disclosure.Answers, d disclosure.Decision) adversary {
	v := adversary{answers: a, groups: make([][]disclosure.Group, len(a.Questions))}
	for q := range a.Questions {
		for _, g := range d.Groups {
			if d.Shows(g, q) {
				v.groups[q] = append(v.groups[q], g)
			}
		}
	}
	return v
}

func (v adversary) answered(q, place int) int {
	n := 0
	for _, c := range v.answers.Questions[q].Counts[place] {
		n += c
	}
	return n
}

// places that gave answers to a question
func (v adversary) places(q int) []int {
	var in []int
	for p := range v.answers.Places {
		if v.answered(q, p) > 0 {
			in = append(in, p)
		}
	}
	return in
}

// space is the reduced echelon form of the equations of a question, one column for each of places.
func (v adversary) space(q int, places []int) [][]*big.Rat {
	var space [][]*big.Rat
	for _, g := range v.groups[q] {
		row := make([]*big.Rat, len(places))
		for i, p := range places {
			row[i] = new(big.Rat)
			if contains(g, v.answers.Places[p], v.answers.Parents) {
				row[i].SetInt64(1)
			}
		}
		space = extend(space, row)
	}
	return space
}

func pivotOf(row []*big.Rat) int {
	return slices.IndexFunc(row, func(x *big.Rat) bool { return x.Sign() != 0 })
}

func subtract(row, other []*big.Rat, factor *big.Rat) {
	for i := range row {
		row[i] = new(big.Rat).Sub(row[i], new(big.Rat).Mul(factor, other[i]))
	}
}

func extend(space [][]*big.Rat, row []*big.Rat) [][]*big.Rat {
	for _, r := range space {
		subtract(row, r, row[pivotOf(r)])
	}
	at := pivotOf(row)
	if at < 0 {
		return space
	}
	scale := new(big.Rat).Inv(row[at])
	for i := range row {
		row[i] = new(big.Rat).Mul(row[i], scale)
	}
	for _, r := range space {
		subtract(r, row, r[at])
	}
	return append(space, row)
}

// derives reports whether the sum over a set of places follows from the space.
func derives(space [][]*big.Rat, columns int, set []int) bool {
	row := make([]*big.Rat, columns)
	for i := range row {
		row[i] = new(big.Rat)
		if slices.Contains(set, i) {
			row[i].SetInt64(1)
		}
	}
	for _, r := range space {
		subtract(row, r, row[pivotOf(r)])
	}
	return pivotOf(row) < 0
}

// TestNoSmallSetIsDerivable looks at each set of places with fewer than five answers, in small surveys.
func TestNoSmallSetIsDerivable(t *testing.T) {
	sets, shown := 0, 0
	for seed := range uint64(12) {
		a := organization(seed, 26+int(seed)*3, 3+int(seed)%2, 2)
		v := attackerOf(a, disclosure.Decide(a))
		for q := range a.Questions {
			places := v.places(q)
			space := v.space(q, places)
			shown += len(v.groups[q])
			var visit func(from, answers int, set []int)
			visit = func(from, answers int, set []int) {
				if len(set) > 0 {
					sets++
					if derives(space, len(places), set) {
						t.Fatalf("seed %d, question %d: %d answers are derivable, of %v", seed, q, answers, set)
					}
				}
				for i := from; i < len(places); i++ {
					if n := answers + v.answered(q, places[i]); n < disclosure.Threshold {
						visit(i+1, n, append(slices.Clone(set), i))
					}
				}
			}
			visit(0, 0, nil)
		}
	}
	if sets < 10000 || shown < 50 {
		t.Errorf("only %d sets and %d cells were looked at", sets, shown)
	}
}

// TestAttack asks 100,000 combinations of shown cells of a survey of 600 people: what remains of a cell when others are
// subtracted, as if several users had pooled what each was shown. None may be the answers of one to four people, nor of
// more who all answered alike.
func TestAttack(t *testing.T) {
	a := organization(3, 600, 45, 6)
	v := attackerOf(a, disclosure.Decide(a))
	r := rand.New(rand.NewPCG(4, 4))
	members := map[disclosure.Group][]int{}
	people := 0
	for n := 0; n < 100_000; n++ {
		q := r.IntN(len(a.Questions))
		groups := v.groups[q]
		first := groups[r.IntN(len(groups))]
		of := slices.Repeat([]int{0}, len(a.Places))
		sum := func(g disclosure.Group, sign int) {
			if members[g] == nil {
				for p, place := range a.Places {
					if contains(g, place, a.Parents) {
						members[g] = append(members[g], p)
					}
				}
			}
			for _, p := range members[g] {
				of[p] += sign
			}
		}
		sum(first, 1)
		// An adversary subtracts what lies within: other groups are tried, and kept if they do.
		for range 5 * (1 + r.IntN(8)) {
			g := groups[r.IntN(len(groups))]
			sum(g, -1)
			if slices.Min(of) < 0 {
				sum(g, 1)
			}
		}
		if slices.Max(of) > 1 {
			continue
		}
		answers, counts := 0, make([]int, 5)
		for p, in := range of {
			if in == 1 {
				answers += v.answered(q, p)
				for value, c := range a.Questions[q].Counts[p] {
					counts[value] += c
				}
			}
		}
		if answers == 0 {
			continue
		}
		people++
		if answers < disclosure.Threshold {
			t.Fatalf("question %d: what remains of %v are %d answers", q, first, answers)
		}
		if slices.Max(counts) == answers {
			t.Fatalf("question %d: what remains of %v are %d answers, all alike", q, first, answers)
		}
	}
	if people < 50_000 {
		t.Errorf("only %d combinations were of people", people)
	}
}

// certain enumerates everything that the answers to the first question can have been, given what is shown of how many
// gave its first answer, and returns the places in which all are certain to have given it, or not to.
func (v adversary) certain() (places []disclosure.Place, possible int) {
	type total struct {
		in []int
		n  int
	}
	counts, in := v.answers.Questions[0].Counts, v.places(0)
	var totals []total
	for _, g := range v.groups[0] {
		var of total
		for i, p := range in {
			if contains(g, v.answers.Places[p], v.answers.Parents) {
				of.in = append(of.in, i)
				of.n += counts[p][0]
			}
		}
		totals = append(totals, of)
	}
	least, most := make([]int, len(in)), slices.Repeat([]int{-1}, len(in))
	for i, p := range in {
		least[i] = v.answered(0, p)
	}
	guess := make([]int, len(in))
	var fill func(i int)
	fill = func(i int) {
		for _, of := range totals {
			sum, open := 0, 0
			for _, k := range of.in {
				if k < i {
					sum += guess[k]
				} else {
					open += v.answered(0, in[k])
				}
			}
			if sum > of.n || sum+open < of.n {
				return
			}
		}
		if i == len(in) {
			possible++
			for k, n := range guess {
				least[k], most[k] = min(least[k], n), max(most[k], n)
			}
			return
		}
		for n := range v.answered(0, in[i]) + 1 {
			guess[i] = n
			fill(i + 1)
		}
	}
	fill(0)
	for i, p := range in {
		if least[i] == v.answered(0, p) || most[i] == 0 {
			places = append(places, v.answers.Places[p])
		}
	}
	return places, possible
}

// TestNobodyIsCertain has two answers, of which the first is rare.
func TestNobodyIsCertain(t *testing.T) {
	shown := 0
	for seed := range uint64(40) {
		a := organization(100+seed, 16, 2, 1)
		two := &a.Questions[0]
		for p, counts := range two.Counts {
			two.Counts[p] = []int{counts[0] + counts[1], counts[2] + counts[3] + counts[4]}
		}
		v := attackerOf(a, disclosure.Decide(a))
		if len(v.groups[0]) == 0 {
			continue
		}
		shown++
		if places, possible := v.certain(); len(places) > 0 {
			t.Errorf("seed %d: of %d possibilities, all agree about %v; shown %v", seed, possible, places, v.groups[0])
		}
	}
	if shown < 10 {
		t.Errorf("only %d surveys show anything", shown)
	}
}

// TestAnswerOfOne: one person gave an answer that nobody else gave. It is in one team, one band of tenure and on the
// golden path; no two of these groups have only this person in common, but the three have.
func TestAnswerOfOne(t *testing.T) {
	a := disclosure.Answers{}
	q := disclosure.Question{}
	for _, team := range []string{"a", "b"} {
		for _, tenure := range []string{"new", "old"} {
			for _, path := range []string{"yes", "no"} {
				a.Places = append(a.Places, disclosure.Place{Team: team, Tenure: tenure, GoldenPath: path})
				q.Counts = append(q.Counts, []int{0, 5, 5})
			}
		}
	}
	q.Counts[0] = []int{1, 0, 0}
	a.Questions = []disclosure.Question{q}
	d := disclosure.Decide(a)
	all := func(g disclosure.Group) bool { return d.Shows(g, 0) }
	if !all(disclosure.Group{}) || !all(disclosure.Group{Team: "a"}) || !all(disclosure.Group{Team: "b"}) {
		t.Errorf("teams are hidden: %v", d.Hidden[0])
	}
	if all(disclosure.Group{Tenure: "new"}) && all(disclosure.Group{Tenure: "old"}) &&
		all(disclosure.Group{GoldenPath: "yes"}) && all(disclosure.Group{GoldenPath: "no"}) {
		t.Error("the answer of one person follows from what is shown of its three groups")
	}
	if places, _ := (attackerOf(a, d)).certain(); slices.Contains(places, a.Places[0]) {
		t.Error("all possibilities agree about the person")
	}
}

func ExampleDecide() {
	a := disclosure.Answers{Places: []disclosure.Place{{Team: "a"}, {Team: "b"}, {Team: "c"}}}
	a.Questions = []disclosure.Question{{Counts: [][]int{{1, 2, 0}, {3, 2, 1}, {4, 4, 4}}}}
	d := disclosure.Decide(a)
	for _, g := range d.Groups {
		fmt.Printf("%q\n", g.Team)
	}
	fmt.Println(d.Few, d.Complementary)
	// Output:
	// ""
	// "c"
	// 1 1
}
