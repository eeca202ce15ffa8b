package disclosure

import "slices"

// Teams returns the teams of which counts may be shown: those with at least the threshold, without those by which fewer
// could be derived. counts has the number of a place for each of places. "" is everyone. people is how many people each
// place has, if it must not be known that none of them is counted; nil: it may.
//
// It is for numbers that are counted by team only, such as how many took part, or how many comments there are.
func Teams(parents map[string]string, places []Place, counts, people []int, threshold int) []string {
	t := newTree(parents, places)
	members, shown := map[string][]int{}, map[string]bool{}
	for i, p := range places {
		for _, team := range t.path(p.Team) {
			members[team] = append(members[team], i)
		}
	}
	sum := func(of, in []int) int {
		n := 0
		for _, i := range in {
			n += of[i]
		}
		return n
	}
	counted := func(in []int) int { return sum(counts, in) }
	for team, in := range members {
		if counted(in) >= threshold {
			shown[team] = true
		}
	}
	shown = t.close(shown, members, counted, func(in []int) bool {
		n := counted(in)
		return n >= threshold || n == 0 && (people == nil || sum(people, in) == 0)
	})
	teams := make([]string, 0, len(shown))
	for team := range shown {
		teams = append(teams, team)
	}
	slices.Sort(teams)
	return teams
}
