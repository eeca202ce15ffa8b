package results

import (
	"maps"
	"slices"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/disclosure"
)

// TeamCount is how many people of a team, with its sub-teams, did something.
type TeamCount struct {
	Team   string `json:"team"` // "": everyone
	Parent string `json:"parent"`
	Count  int    `json:"count"`
	People int    `json:"people"` // who could; 0: not known
}

// Participation returns how many answered, of the teams in which at least 5 did; it is shown while a survey is open.
// The numbers are those of [Turnout], so that they can be fewer than are stored.
func Participation(answers surveys.Answers) []TeamCount {
	turnout := answers.Turnout
	if turnout.Shown == nil {
		turnout = Turnout(surveys.Turnout{}, answers)
	}
	c := &Computed{parents: turnout.Parents}
	var rows []TeamCount
	for _, team := range slices.Sorted(maps.Keys(turnout.Shown)) {
		g := disclosure.Group{Team: team}
		row := TeamCount{Team: team, Parent: turnout.Parents[team]}
		for part, counts := range turnout.Shown {
			if c.contains(g, disclosure.Place{Team: part}) {
				row.Count += counts[len(counts)-1]
			}
		}
		for _, size := range answers.Invited {
			if c.contains(g, disclosure.Place{Team: size.Groups.Team}) {
				row.People += size.People
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// Turnout decides what is shown of who took part, after what was shown of the imports before.
//
// Whoever looks at two imports knows the difference, which must not be of one to four people. The shown teams divide
// all people into parts: of each team those who are in no shown team below it. The number of a part stays as it was
// shown until at least 5 more or fewer answered than at every number that was shown of it, and it is divided by teams
// that are shown from now on only if its number is up to date. The tree of teams stays that of the first import: the
// parts could not be compared otherwise.
func Turnout(before surveys.Turnout, a surveys.Answers) surveys.Turnout {
	out := surveys.Turnout{Parents: before.Parents, Shown: map[string][]int{}}
	if len(before.Shown) == 0 {
		out.Parents = a.Parents
	}
	answered, invited := map[string]int{}, map[string]int{}
	for _, r := range a.Responses {
		answered[r.Groups.Team]++
	}
	for _, size := range a.Invited {
		invited[size.Groups.Team] += size.People
		answered[size.Groups.Team] += 0 // a team in which nobody answered
	}
	var places []disclosure.Place
	var counts, people []int
	for _, team := range slices.Sorted(maps.Keys(answered)) {
		places = append(places, disclosure.Place{Team: team})
		counts = append(counts, answered[team])
		people = append(people, invited[team])
	}
	teams := disclosure.Teams(out.Parents, places, counts, people, disclosure.Threshold)
	now := partsOf(out.Parents, teams, answered)
	if len(before.Shown) == 0 {
		for team, n := range now {
			out.Shown[team] = []int{n}
		}
		return out
	}
	old := slices.Sorted(maps.Keys(before.Shown))
	divisible := !slices.ContainsFunc(old, func(team string) bool { return !slices.Contains(teams, team) })
	total := partsOf(out.Parents, old, answered)
	for team, shown := range before.Shown {
		if !mayBecome(shown, total[team]) {
			out.Shown[team] = shown
			continue
		}
		out.Shown[team] = shown
		if n := total[team]; n != shown[len(shown)-1] {
			out.Shown[team] = append(slices.Clone(shown), n)
		}
		for _, part := range teams {
			if divisible && part != team && !slices.Contains(old, part) && nearest(out.Parents, old, part) == team {
				out.Shown[part], out.Shown[team] = []int{now[part]}, []int{now[team]}
			}
		}
	}
	return out
}

// mayBecome reports whether a part of which some numbers were shown, the latest last, may be shown with another one.
func mayBecome(shown []int, n int) bool {
	if n == shown[len(shown)-1] {
		return true
	}
	return n >= disclosure.Threshold && !slices.ContainsFunc(shown, func(before int) bool {
		return n != before && max(n-before, before-n) < disclosure.Threshold
	})
}

// partsOf returns how many answered of each shown team who are in no shown team below it.
func partsOf(parents map[string]string, shown []string, answered map[string]int) map[string]int {
	parts := map[string]int{}
	for _, team := range shown {
		parts[team] = 0
	}
	for team, n := range answered {
		if at := nearest(parents, shown, team); slices.Contains(shown, at) {
			parts[at] += n
		}
	}
	return parts
}

// nearest returns a team if it is shown, or else the nearest shown one above it; "" is everyone, who may not be shown.
func nearest(parents map[string]string, shown []string, team string) string {
	for steps := 0; team != "" && steps <= len(parents); steps++ {
		if slices.Contains(shown, team) {
			return team
		}
		team = parents[team]
	}
	return ""
}

// AfterPublication returns a turnout together with what the publication of a version showed of who took part: the
// numbers of the teams, with their sub-teams; "" is everyone. a are the answers of the version.
//
// What [Participation] shows of it are numbers that were shown before: those of the publication where it has the team.
// That nothing else is told by the next import, the true number of each part counts as shown, too.
func AfterPublication(before surveys.Turnout, a surveys.Answers, teams []string) surveys.Turnout {
	out := surveys.Turnout{Parents: before.Parents, Shown: map[string][]int{}}
	if len(before.Shown) == 0 {
		out.Parents = a.Parents
	}
	answered := map[string]int{}
	for _, r := range a.Responses {
		answered[r.Groups.Team]++
	}
	old := slices.Sorted(maps.Keys(before.Shown))
	all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(old, teams))))
	now := partsOf(out.Parents, all, answered)
	c := &Computed{parents: out.Parents}
	shown := map[string]int{} // of each team with its sub-teams
	for _, team := range all {
		published := slices.Contains(teams, team)
		for _, part := range all {
			numbers := before.Shown[part]
			switch {
			case !c.contains(disclosure.Group{Team: team}, disclosure.Place{Team: part}):
			case published:
				shown[team] += now[part]
			case len(numbers) > 0:
				shown[team] += numbers[len(numbers)-1]
			}
		}
	}
	for _, team := range all {
		latest, divided := shown[team], 0
		for _, part := range all {
			if part != "" && part != team && nearest(out.Parents, all, out.Parents[part]) == team {
				latest -= shown[part]
			}
			if !slices.Contains(old, part) && nearest(out.Parents, old, part) == team {
				divided += now[part]
			}
		}
		var numbers []int
		for _, n := range before.Shown[team] {
			numbers = append(numbers, n-divided)
		}
		numbers = slices.DeleteFunc(append(numbers, now[team]), func(n int) bool { return n == latest })
		out.Shown[team] = append(numbers, latest)
	}
	return out
}
