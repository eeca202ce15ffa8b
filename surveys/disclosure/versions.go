package disclosure

// Cell is what was published of a group and a question: how many gave each answer.
type Cell struct {
	Group    Group
	Question string // its key
	Counts   []int
	// Rest is empty for what was published, and names what was subtracted for what follows from it: "teams", "tenure",
	// "golden path" (see [Rests]).
	Rest string
}

// Correction is a change of a cell by a corrected import.
type Correction struct {
	Group    Group
	Question string
	Rest     string // see [Cell]
	Changed  int    // answers that differ at least; −1: the cell was not published before
}

// TooSmall returns the changes by which a corrected import may not be published: of each cell that both versions have,
// either nothing or at least as many answers as the threshold must differ, because whoever has both versions knows the
// difference. A cell that only the corrected version has is refused in the same way, with Changed −1: together with the
// first version it may tell what was hidden there.
//
// What remains of a team when the shown teams below it are subtracted is known as well, in both versions; the caller
// adds those rests as cells (see [Rests]).
func TooSmall(published, corrected []Cell) []Correction {
	type key struct {
		Group
		question, rest string
	}
	before := map[key][]int{}
	for _, c := range published {
		before[key{c.Group, c.Question, c.Rest}] = c.Counts
	}
	var refused []Correction
	for _, c := range corrected {
		earlier, known := before[key{c.Group, c.Question, c.Rest}]
		if !known {
			refused = append(refused, Correction{c.Group, c.Question, c.Rest, -1})
			continue
		}
		if n := changed(earlier, c.Counts); n > 0 && n < Threshold {
			refused = append(refused, Correction{c.Group, c.Question, c.Rest, n})
		}
	}
	return refused
}

// changed is how many answers differ at least: an answer that was replaced by another is one less here and one more
// there.
func changed(earlier, later []int) int {
	more, less := 0, 0
	for v := range max(len(earlier), len(later)) {
		a, b := 0, 0
		if v < len(earlier) {
			a = earlier[v]
		}
		if v < len(later) {
			b = later[v]
		}
		more, less = more+max(0, b-a), less+max(0, a-b)
	}
	return max(more, less)
}

// Rests returns, of each cell of a group that has cells of narrower groups of the same question and of one further part
// of the same kind, what remains when those are subtracted, as cells. parents is the tree of teams.
func Rests(cells []Cell, parents map[string]string) []Cell {
	type place struct {
		Group
		question string
	}
	at := map[place]int{}
	for i, c := range cells {
		at[place{c.Group, c.Question}] = i
	}
	rests := map[string]map[place][]int{"teams": {}, "tenure": {}, "golden path": {}}
	take := func(kind string, wider place, counts []int) {
		i, ok := at[wider]
		if !ok {
			return
		}
		left, begun := rests[kind][wider]
		if !begun {
			left = append(left, cells[i].Counts...)
		}
		for v, n := range counts {
			left[v] -= n
		}
		rests[kind][wider] = left
	}
	for _, c := range cells {
		if c.Group.Team != "" {
			up := place{c.Group, c.Question}
			for steps := 0; up.Team != "" && steps <= len(parents); steps++ {
				up.Team = parents[up.Team]
				if _, ok := at[up]; ok {
					take("teams", up, c.Counts)
					break
				}
			}
		}
		if c.Group.Tenure != "" {
			take("tenure", place{Group{Team: c.Group.Team, GoldenPath: c.Group.GoldenPath}, c.Question}, c.Counts)
		}
		if c.Group.GoldenPath != "" {
			take("golden path", place{Group{Team: c.Group.Team, Tenure: c.Group.Tenure}, c.Question}, c.Counts)
		}
	}
	var all []Cell
	for kind, of := range rests {
		for p, counts := range of {
			all = append(all, Cell{Group: p.Group, Question: p.question, Counts: counts, Rest: kind})
		}
	}
	return all
}
