package disclosure

import "slices"

// Teams returns the teams of which counts may be shown: those with at least the threshold, without those by which fewer
// could be derived. counts has the number of a place for each of places. "" is everyone.
//
// It is for numbers that are counted by team only, such as how many took part, or how many comments there are.
func Teams(parents map[string]string, places []Place, counts []int, threshold int) []string {
	t := newTree(parents, places)
	members, shown := map[string][]int{}, map[string]bool{}
	for i, p := range places {
		for _, team := range t.path(p.Team) {
			members[team] = append(members[team], i)
		}
	}
	people := func(in []int) int {
		n := 0
		for _, i := range in {
			n += counts[i]
		}
		return n
	}
	for team, in := range members {
		if people(in) >= threshold {
			shown[team] = true
		}
	}
	shown = t.close(shown, members, people, func(in []int) bool {
		n := people(in)
		return n == 0 || n >= threshold
	})
	teams := make([]string, 0, len(shown))
	for team := range shown {
		teams = append(teams, team)
	}
	slices.Sort(teams)
	return teams
}
