package disclosure_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/dxctl/dxctl/surveys/disclosure"
)

// organization makes answers of people in a tree of teams: every tenth team is a department. Some answers are rare,
// some people skip questions, and of some the team or the tenure is not known.
func organization(seed uint64, people, teams, questions int) disclosure.Answers {
	r := rand.New(rand.NewPCG(seed, 1))
	a := disclosure.Answers{Parents: map[string]string{}}
	var leaves []string
	department := ""
	for i := range teams {
		name := fmt.Sprintf("team-%03d", i)
		if i%10 == 0 && teams > 3 {
			department = name
			continue
		}
		leaves = append(leaves, name)
		if department != "" {
			a.Parents[name] = department
		}
	}
	tenures := []string{"", "under 3 months", "3 to 12 months", "1 to 3 years", "3 years and more"}
	at := map[disclosure.Place]int{}
	var of []int
	for range people {
		tenure := 1 + r.IntN(4)
		if r.IntN(40) == 0 {
			tenure = 0
		}
		p := disclosure.Place{Team: leaves[r.IntN(len(leaves))], Tenure: tenures[tenure]}
		p.GoldenPath = []string{"yes", "yes", "no"}[r.IntN(3)]
		if r.IntN(50) == 0 {
			p.Team = ""
		}
		i, known := at[p]
		if !known {
			i = len(a.Places)
			at[p] = i
			a.Places = append(a.Places, p)
		}
		of = append(of, i)
	}
	for range questions {
		q := disclosure.Question{Counts: make([][]int, len(a.Places))}
		for p := range q.Counts {
			q.Counts[p] = make([]int, 5)
		}
		spread := 1 + r.IntN(3)
		for _, p := range of {
			if r.IntN(30) > 0 {
				q.Counts[p][min(4, max(0, 3+r.IntN(2*spread+1)-spread))]++
			}
		}
		a.Questions = append(a.Questions, q)
	}
	return a
}

func contains(g disclosure.Group, p disclosure.Place, parents map[string]string) bool {
	if g.Tenure != "" && g.Tenure != p.Tenure || g.GoldenPath != "" && g.GoldenPath != p.GoldenPath {
		return false
	}
	for team := p.Team; ; team = parents[team] {
		if team == g.Team || g.Team == "" {
			return true
		}
		if team == "" {
			return false
		}
	}
}
