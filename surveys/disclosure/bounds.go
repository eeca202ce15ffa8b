package disclosure

import "slices"

// known is a set of places of which the counts of a question are known: a shown group, or the difference of two.
type known struct {
	places  []int
	counts  []int // by answer
	n       int
	mark    uint64 // the same for the same places
	group   int    // position in survey.groups of the group that is hidden to make it unknown; −1: a set of teams only
	byTeams bool
}

// fewCells is up to how many cells of a question also what is in neither of two groups is compared with all other sets.
// With more there are so many people elsewhere that it says little, and the sets are too many.
const fewCells = 120

// decideQuestion returns which of the shown groups are shown for a question.
//
// Cells are hidden where all gave the same answer: who is in the group has given it. For teams that is decided on the
// tree. All other groups are checked by what non-negative counts allow (see check); in doubt a group that is not a team
// is hidden, because with teams alone nothing more than their rests can be known.
func (s *survey) decideQuestion(q int, shown []int) map[int]bool {
	kept := map[int]bool{}
	all := 0
	for _, n := range s.totals[q] {
		all += n
	}
	if all < s.threshold {
		return kept
	}
	mayBeKnown := func(places []int) bool {
		n := s.sum(q, places)
		return n == 0 || n >= s.threshold && !isAlike(s.counts(q, places))
	}
	teams, places := map[string]bool{}, map[string][]int{}
	for _, i := range shown {
		if s.isTeam(i) {
			teams[s.groups[i].Team] = s.sum(q, s.members[i]) >= s.threshold
			places[s.groups[i].Team] = s.members[i]
		}
	}
	people := func(places []int) int { return s.sum(q, places) }
	teams = s.tree.close(teams, places, people, mayBeKnown)
	var cells []int
	var secret [][]int // places of which nothing may be derived
	for _, i := range shown {
		if teams[s.groups[i].Team] && s.sum(q, s.members[i]) >= s.threshold && mayBeKnown(s.members[i]) {
			cells = append(cells, i)
		} else if s.sum(q, s.members[i]) > 0 {
			secret = append(secret, s.members[i])
		}
	}
	for _, i := range s.closeBounds(q, cells, secret) {
		kept[i] = true
	}
	return kept
}

// closeBounds hides groups until nothing is derivable that must not be.
func (s *survey) closeBounds(q int, cells []int, secret [][]int) []int {
	checked, t := map[uint64]bool{}, newTally(s, q)
	for {
		hide := map[int]bool{}
		for _, b := range t.check(cells, checked) {
			if b.group >= 0 && !hide[b.group] {
				hide[b.group] = true
				secret = append(secret, s.members[b.group])
			}
		}
		if len(hide) == 0 && len(secret) > 0 {
			y := s.newSystem(q, cells)
			for _, places := range secret {
				v, ok := y.sumOf(places)
				if !ok {
					continue
				}
				if group, ok := y.derivation(v); ok && group >= 0 {
					hide[group] = true
				}
			}
		}
		if len(hide) == 0 {
			return cells
		}
		cells = slices.DeleteFunc(cells, func(i int) bool { return hide[i] })
	}
}

func (s *survey) counts(q int, places []int) []int {
	var counts []int
	for _, p := range places {
		row := s.questions[q].Counts[p]
		if counts == nil {
			counts = make([]int, len(row))
		}
		for v, n := range row {
			counts[v] += n
		}
	}
	return counts
}

// isAlike reports whether all answers are the same.
func isAlike(counts []int) bool {
	given := 0
	for _, n := range counts {
		if n > 0 {
			given++
		}
	}
	return given == 1
}

// overlap is two groups, in a wider one, whose intersection is a group.
type overlap struct{ within, one, other Group }

// overlapping returns the pairs whose intersection is g.
func (s *survey) overlapping(g Group) []overlap {
	var all []overlap
	if g.Tenure != "" && g.GoldenPath != "" {
		all = append(all, overlap{Group{Team: g.Team}, Group{Team: g.Team, Tenure: g.Tenure},
			Group{Team: g.Team, GoldenPath: g.GoldenPath}})
	}
	if g.Team == "" {
		return all
	}
	for _, above := range s.tree.path(g.Team)[1:] {
		slice := Group{Team: above, Tenure: g.Tenure, GoldenPath: g.GoldenPath}
		if slice != (Group{Team: above}) {
			all = append(all, overlap{Group{Team: above}, slice, Group{Team: g.Team}})
		}
	}
	return all
}

// check returns known sets by which an answer can be attributed to too few people:
//
//   - a difference of two known sets in which all answered alike;
//   - two known sets G and R such that G without R has few people, and more in G than in R gave an answer: some of
//     those few gave it;
//   - a known set in which somebody gave an answer that nearly nobody can have given, because of all others it is known
//     that they did not.
//
// Each result names the group to hide; it is not a team.
//
// checked are the sets that were compared with each other before. Hiding groups makes what is known smaller, except for
// new sets, such as the rest of a team of which less is subtracted; only these are compared with all others.
func (t *tally) check(cells []int, checked map[uint64]bool) []known {
	sets := t.sets(cells)
	if len(cells) <= fewCells {
		sets = append(sets, t.neither(cells)...)
	}
	var broken []known
	var touched []int
	in, answers := t.setsOf(sets), t.totals[t.q]
	common := make([]int, len(sets))
	for k, set := range sets {
		if isAlike(set.counts) && set.group >= 0 {
			broken = append(broken, set)
			continue
		}
		if checked[set.mark] {
			continue
		}
		checked[set.mark] = true
		touched = touched[:0]
		for _, p := range set.places {
			for _, other := range in[p] {
				if set.byTeams && sets[other].byTeams { // that was decided on the tree
					continue
				}
				if common[other] == 0 {
					touched = append(touched, other)
				}
				common[other] += answers[p]
			}
		}
		for _, other := range touched {
			both := common[other]
			common[other] = 0
			if other != k && (t.revealed(set, sets[other], set.n-both) || t.revealed(sets[other], set, sets[other].n-both)) {
				broken = append(broken, known{group: max(set.group, sets[other].group)})
			}
		}
	}
	return append(broken, t.attributable(t.q, sets, in)...)
}

// revealed reports whether the answers in g and not in r, of so many people, are known too well.
func (s *survey) revealed(g, r known, people int) bool {
	if people == 0 {
		return false
	}
	for v, n := range g.counts {
		least := n - r.counts[v] // of those people gave this answer
		if least == people || least > 0 && people < s.threshold {
			return true
		}
	}
	return false
}

// attributable looks at each answer for sets in which somebody gave it, and in which fewer people than the threshold
// are left who can have given it: a place cannot if it is in a known set in which nobody did.
func (s *survey) attributable(q int, sets []known, in [][]int) []known {
	var broken []known
	if len(sets) == 0 {
		return nil
	}
	for v := range sets[0].counts {
		least, most := s.limits(q, v, sets, in)
		refine(v, sets, in, least, most)
		for _, set := range sets {
			if set.counts[v] == 0 {
				continue
			}
			people, certain := 0, false
			for _, p := range set.places {
				if most[p] == 0 {
					continue
				}
				n := s.totals[q][p]
				people += n
				certain = certain || least[p] == n
			}
			if certain || people < s.threshold || people == set.counts[v] {
				broken = append(broken, known{group: s.cause(set, v, sets, in)})
			}
		}
	}
	return broken
}

// cause returns the smallest group that limits who can have given an answer: one in which nobody gave it, or else any
// that shares people with the set.
func (s *survey) cause(set known, v int, sets []known, in [][]int) int {
	without, sharing := set.group, set.group
	for _, p := range set.places {
		for _, other := range in[p] {
			sharing = max(sharing, sets[other].group)
			if sets[other].counts[v] == 0 {
				without = max(without, sets[other].group)
			}
		}
	}
	if without >= 0 {
		return without
	}
	return sharing
}

// limits returns how often an answer was given at least, and at most, in each place. It repeats until nothing changes
// that a place has at most what is left of a set after what the other places must have, and at least what the others
// cannot have.
func (s *survey) limits(q, v int, sets []known, in [][]int) (least, most []int) {
	most = slices.Clone(s.totals[q])
	least = make([]int, len(most))
	pending := slices.Repeat([]bool{true}, len(sets)) // sets of which the limits of a place changed
	changed := func(p int) {
		for _, k := range in[p] {
			pending[k] = true
		}
	}
	for round := 0; round < 8 && slices.Contains(pending, true); round++ {
		for k, set := range sets {
			if !pending[k] {
				continue
			}
			pending[k] = false
			sumMost, sumLeast, widest := 0, 0, 0
			for _, p := range set.places {
				sumMost, sumLeast, widest = sumMost+most[p], sumLeast+least[p], max(widest, most[p]-least[p])
			}
			if widest <= min(set.counts[v]-sumLeast, sumMost-set.counts[v]) {
				continue // narrows nothing
			}
			for _, p := range set.places {
				if m := set.counts[v] - (sumLeast - least[p]); m < most[p] {
					sumMost -= most[p] - m
					most[p] = m
					changed(p)
				}
				if l := set.counts[v] - (sumMost - most[p]); l > least[p] {
					sumLeast += l - least[p]
					least[p] = l
					changed(p)
				}
			}
		}
	}
	return least, most
}
