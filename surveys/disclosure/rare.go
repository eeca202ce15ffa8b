package disclosure

import "slices"

// rareAnswers is how many may have given an answer for the exact search, and searchSteps how often it may look whether
// an answer can be in a place.
const rareAnswers, searchSteps = 12, 400_000

// refine narrows how often a rare answer was given in each place, at least and at most, to what is possible in all
// known sets at once: it searches all ways in which the answers can lie. For an answer that more people gave, or if the
// search takes too long, the limits stay as they are.
func refine(v int, sets []known, in [][]int, least, most []int) {
	total, everyone := 0, -1
	for k, set := range sets {
		if everyone < 0 || len(set.places) > len(sets[everyone].places) {
			everyone, total = k, set.counts[v]
		}
	}
	if everyone < 0 || total == 0 || total > rareAnswers {
		return
	}
	r := rare{v: v, sets: sets, in: in, most: most, left: make([]int, len(sets)), given: make([]int, len(most))}
	r.least, r.greatest = make([]int, len(most)), make([]int, len(most))
	for p := range most {
		r.least[p] = total + 1
	}
	for k, set := range sets {
		r.left[k] = set.counts[v]
	}
	r.place(total, everyone)
	if r.steps > searchSteps || !r.found {
		return
	}
	for _, p := range sets[everyone].places {
		least[p], most[p] = max(least[p], r.least[p]), min(most[p], r.greatest[p])
	}
}

type rare struct {
	v               int
	sets            []known
	in              [][]int // place → sets
	most            []int
	left            []int // of each set: answers that are not placed yet
	given           []int // of each place
	least, greatest []int // of each place, in all ways that were found
	found           bool
	steps           int
}

// place puts one of the remaining answers into each place where it can be. The set with the fewest places to choose
// from is filled first.
func (r *rare) place(remaining, everyone int) {
	if r.steps > searchSteps {
		return
	}
	if remaining == 0 {
		if slices.Max(r.left) > 0 { // not all sets are within the largest one
			return
		}
		r.found = true
		for _, p := range r.sets[everyone].places {
			r.least[p], r.greatest[p] = min(r.least[p], r.given[p]), max(r.greatest[p], r.given[p])
		}
		return
	}
	smallest, fewest := -1, 0
	for k := range r.sets {
		if r.left[k] == 0 {
			continue
		}
		n := 0
		for _, p := range r.sets[k].places {
			if r.fits(p) {
				n++
			}
		}
		if n == 0 {
			return
		}
		if smallest < 0 || n < fewest {
			smallest, fewest = k, n
		}
	}
	if smallest < 0 {
		return
	}
	for _, p := range r.sets[smallest].places {
		if !r.fits(p) {
			continue
		}
		r.move(p, -1)
		r.place(remaining-1, everyone)
		r.move(p, 1)
	}
}

func (r *rare) fits(p int) bool {
	r.steps++
	if r.given[p] >= r.most[p] || len(r.in[p]) == 0 {
		return false
	}
	for _, k := range r.in[p] {
		if r.left[k] == 0 {
			return false
		}
	}
	return true
}

func (r *rare) move(p, by int) {
	r.given[p] -= by
	for _, k := range r.in[p] {
		r.left[k] += by
	}
}
