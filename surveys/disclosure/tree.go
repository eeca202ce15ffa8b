package disclosure

import (
	"cmp"
	"maps"
	"slices"
)

// tree is the teams; its root, everyone, is "".
type tree struct {
	parents  map[string]string
	children map[string][]string
	order    []string // children before their parents
}

func newTree(parents map[string]string, places []Place) *tree {
	t := &tree{parents: map[string]string{}, children: map[string][]string{}}
	for _, p := range places {
		for team := p.Team; team != ""; {
			if _, known := t.parents[team]; known {
				break
			}
			parent := parents[team]
			t.parents[team] = "" // ends a cycle: a team within itself is a top-level team
			if !t.within(parent, team) {
				t.parents[team] = parent
			}
			team = t.parents[team]
		}
	}
	for team, parent := range t.parents {
		t.children[parent] = append(t.children[parent], team)
	}
	for _, c := range t.children {
		slices.Sort(c)
	}
	t.visit("")
	return t
}

// within reports whether team is above or the same as start, as far as parents are known.
func (t *tree) within(start, team string) bool {
	for at := start; at != ""; at = t.parents[at] {
		if at == team {
			return true
		}
	}
	return false
}

func (t *tree) visit(team string) {
	for _, c := range t.children[team] {
		t.visit(c)
	}
	t.order = append(t.order, team)
}

// path returns a team, the teams above it, and everyone.
func (t *tree) path(team string) []string {
	var above []string
	for ; team != ""; team = t.parents[team] {
		above = append(above, team)
	}
	return append(above, "")
}

// parts returns the nearest shown teams below a team.
func (t *tree) parts(team string, shown map[string]bool) []string {
	var parts []string
	for _, c := range t.children[team] {
		if shown[c] {
			parts = append(parts, c)
		} else {
			parts = append(parts, t.parts(c, shown)...)
		}
	}
	return parts
}

// close hides teams until what remains of each shown team, after the shown teams below it are subtracted, may be known.
//
// For a tree this is all that there is to check: the rests of the shown teams share no places, each shown team is the
// sum of rests, and each rest the difference of shown teams. So the row space is that of the rests, and a set of places
// is derivable if and only if it is a union of rests. What is known of a set is what is known of each rest.
//
// places has the places of each shown team; they may all be restricted by the same tenure or word of the golden path.
func (t *tree) close(shown map[string]bool, places map[string][]int, people func(places []int) int,
	mayBeKnown func(places []int) bool,
) map[string]bool {
	shown = maps.Clone(shown)
	for _, team := range t.order {
		for shown[team] {
			parts := t.parts(team, shown)
			if mayBeKnown(t.rest(team, shown, places)) {
				break
			}
			if len(parts) == 0 {
				shown[team] = false
				break
			}
			// Hiding a part adds its rest. One without a rest, being the sum of its parts, is hidden only if all are so.
			smallest := slices.MinFunc(parts, func(a, b string) int {
				return cmp.Or(compareBool(len(t.rest(a, shown, places)) == 0, len(t.rest(b, shown, places)) == 0),
					cmp.Compare(people(places[a]), people(places[b])), cmp.Compare(a, b))
			})
			shown[smallest] = false
		}
	}
	maps.DeleteFunc(shown, func(_ string, yes bool) bool { return !yes })
	return shown
}

// rest returns the places of a team that are in no shown team below it.
func (t *tree) rest(team string, shown map[string]bool, places map[string][]int) []int {
	parts := t.parts(team, shown)
	if len(parts) == 0 {
		return places[team]
	}
	var taken []int
	for _, p := range parts {
		taken = append(taken, places[p]...)
	}
	slices.Sort(taken)
	return without(places[team], taken)
}

// without returns the places of all that are not in taken. Both are ascending.
func without(all, taken []int) []int {
	var rest []int
	for _, p := range all {
		for len(taken) > 0 && taken[0] < p {
			taken = taken[1:]
		}
		if len(taken) == 0 || taken[0] != p {
			rest = append(rest, p)
		}
	}
	return rest
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
