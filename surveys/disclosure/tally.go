package disclosure

import "slices"

// tally counts the answers of sets of places to a question. It keeps what it counted, because after groups were hidden
// most sets are the same as before.
type tally struct {
	*survey
	q          int
	whole      map[int]known
	remainders map[[2]int]known
	rests      map[division]restOf
}

// by is what groups are divided by.
type by int

const (
	byTeam by = iota
	byTenure
	byPath
)

// division is a group, divided.
type division struct {
	group int
	by    by
}

// restOf is what remains of a group after parts of it are subtracted.
type restOf struct {
	parts []int
	known known
}

func newTally(s *survey, q int) *tally {
	return &tally{survey: s, q: q, whole: map[int]known{}, remainders: map[[2]int]known{}, rests: map[division]restOf{}}
}

// of counts the answers of places.
func (t *tally) of(places []int) known {
	return known{places: places, counts: t.counts(t.q, places), n: t.sum(t.q, places), mark: signatureOf(places)}
}

// group counts the answers of a group.
func (t *tally) group(i int) known {
	k, counted := t.whole[i]
	if !counted {
		k = t.of(t.members[i])
		t.whole[i] = k
	}
	return k
}

// remainder counts the answers of group i that are not in group j.
func (t *tally) remainder(i, j int) known {
	k, counted := t.remainders[[2]int{i, j}]
	if !counted {
		k = t.of(without(t.members[i], t.members[j]))
		t.remainders[[2]int{i, j}] = k
	}
	return k
}

// rest counts the answers of a group that are in none of its parts, which have no places in common.
func (t *tally) rest(of division, parts []int) known {
	r, counted := t.rests[of]
	if !counted || !slices.Equal(r.parts, parts) {
		var taken []int
		for _, part := range parts {
			taken = append(taken, t.members[part]...)
		}
		slices.Sort(taken)
		r = restOf{parts, t.of(without(t.members[of.group], taken))}
		t.rests[of] = r
	}
	return r.known
}

// signatureOf is a number that is the same for the same places.
func signatureOf(places []int) uint64 {
	sum := uint64(0)
	for _, p := range places {
		sum = add(sum, mix(uint64(p)+1))
	}
	return sum
}

// setsOf returns the positions of the sets that each place is in, of the places in which somebody answered.
func (t *tally) setsOf(sets []known) [][]int {
	in, size, all := make([][]int, len(t.totals[t.q])), make([]int, len(t.totals[t.q])), 0
	for _, set := range sets {
		for _, p := range set.places {
			size[p]++
		}
		all += len(set.places)
	}
	free := make([]int, all) // one piece of memory for all lists
	for p, n := range size {
		in[p], free = free[:0:n], free[n:]
	}
	for k, set := range sets {
		for _, p := range set.places {
			if t.totals[t.q][p] > 0 {
				in[p] = append(in[p], k)
			}
		}
	}
	return in
}

// sets returns what is known of a question: shown groups; the rests of teams, of everyone and of each band and word of
// the golden path; and what remains of a shown group when one with a further restriction is subtracted.
func (t *tally) sets(cells []int) []known {
	var all []known
	put := func(k known, group int) {
		k.group, k.byTeams = group, group < 0
		if k.n > 0 {
			all = append(all, k)
		}
	}
	at := map[Group]int{}
	shown := map[Group]map[string]bool{}
	for _, i := range cells {
		g := t.groups[i]
		at[g] = i
		slice := Group{Tenure: g.Tenure, GoldenPath: g.GoldenPath}
		if shown[slice] == nil {
			shown[slice] = map[string]bool{}
		}
		shown[slice][g.Team] = true
	}
	narrower := map[division][]int{}
	for _, i := range cells {
		g := t.groups[i]
		slice := Group{Tenure: g.Tenure, GoldenPath: g.GoldenPath}
		group := i
		if t.isTeam(i) {
			group = -1
		}
		put(t.group(i), group)
		if teams := t.tree.parts(g.Team, shown[slice]); len(teams) > 0 {
			parts := make([]int, len(teams))
			for k, team := range teams {
				parts[k] = at[Group{Team: team, Tenure: g.Tenure, GoldenPath: g.GoldenPath}]
			}
			if group >= 0 {
				group = max(group, slices.Max(parts))
			}
			put(t.rest(division{i, byTeam}, parts), group)
		}
		if j, ok := at[Group{Team: g.Team, GoldenPath: g.GoldenPath}]; ok && j != i {
			put(t.remainder(j, i), i)
			narrower[division{j, byTenure}] = append(narrower[division{j, byTenure}], i)
		}
		if j, ok := at[Group{Team: g.Team, Tenure: g.Tenure}]; ok && j != i {
			put(t.remainder(j, i), i)
			narrower[division{j, byPath}] = append(narrower[division{j, byPath}], i)
		}
	}
	for _, i := range cells { // what remains if all bands, or both words, are subtracted
		for _, by := range []by{byTenure, byPath} {
			if parts := narrower[division{i, by}]; len(parts) > 1 {
				put(t.rest(division{i, by}, parts), slices.Max(parts))
			}
		}
	}
	return all
}

// neither returns what is in a group and in neither of two that overlap, if all four are shown.
func (t *tally) neither(cells []int) []known {
	var all []known
	at := map[Group]int{}
	for _, i := range cells {
		at[t.groups[i]] = i
	}
	for _, i := range cells {
		for _, two := range t.overlapping(t.groups[i]) {
			w, okW := at[two.within]
			x, okX := at[two.one]
			y, okY := at[two.other]
			if !okW || !okX || !okY {
				continue
			}
			taken := slices.Concat(t.members[x], t.members[y])
			slices.Sort(taken)
			places := without(t.members[w], taken)
			k := t.of(places)
			k.group = max(i, x, y)
			if k.n > 0 {
				all = append(all, k)
			}
		}
	}
	return all
}
