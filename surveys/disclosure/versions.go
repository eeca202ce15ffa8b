package disclosure

import "slices"

// Correction is a corrected version of answers next to the published one, over the same places and questions.
type Correction struct {
	Parents       map[string]string // of the teams, for both versions
	Places        []Place
	Before, After []Question
	// Shows reports whether the cell of a group and a question is shown in both versions.
	Shows func(g Group, question int) bool
}

// Refused counts the differences by which a correction must not be published: whoever has both versions can subtract
// them, and knows the change of every cell, and of everything that follows from cells.
//
// The changes of a place are to a correction what its answers are to a survey, so the same rules apply: no sum over the
// changes of one to four people may be derivable; and of no known set may all that came, or all that went, be the same
// answer, or be fewer than the threshold.
func (c Correction) Refused() int {
	a := Answers{Parents: c.Parents, Places: c.Places}
	for q := range c.Before {
		changes := Question{Counts: make([][]int, len(c.Places))}
		for p := range c.Places {
			changes.Counts[p] = []int{changed(difference(c.Before[q].Counts[p], c.After[q].Counts[p]))}
		}
		a.Questions = append(a.Questions, changes)
	}
	s := newSurvey(a, Threshold)
	refused := 0
	for q := range c.Before {
		var cells []int
		for i, g := range s.groups {
			if c.Shows(g, q) {
				cells = append(cells, i)
			}
		}
		y := s.newSystem(q, cells)
		for _, v := range y.smallSums(Threshold) {
			if _, ok := y.derivation(v); ok {
				refused++
			}
		}
		for p := range c.Places {
			s.questions[q].Counts[p] = difference(c.Before[q].Counts[p], c.After[q].Counts[p])
		}
		t := newTally(s, q)
		for _, set := range slices.Concat(t.sets(cells), t.neither(cells)) {
			if !mayChange(set.counts) {
				refused++
			}
		}
	}
	return refused
}

func difference(before, after []int) []int {
	d := make([]int, max(len(before), len(after)))
	for v := range d {
		if v < len(after) {
			d[v] += after[v]
		}
		if v < len(before) {
			d[v] -= before[v]
		}
	}
	return d
}

// changed is how many answers differ at least: an answer that was replaced by another is one less here and one more
// there.
func changed(difference []int) int {
	more, less := 0, 0
	for _, n := range difference {
		more, less = more+max(0, n), less+max(0, -n)
	}
	return max(more, less)
}

// mayChange reports whether the difference of a known set may be known.
func mayChange(difference []int) bool {
	n := changed(difference)
	if n == 0 {
		return true
	}
	came, went := 0, 0 // different answers
	for _, d := range difference {
		switch {
		case d > 0:
			came++
		case d < 0:
			went++
		}
	}
	// A question with one answer counts people, such as those who took part; there is nothing to be alike.
	return n >= Threshold && (len(difference) == 1 || came != 1 && went != 1)
}
