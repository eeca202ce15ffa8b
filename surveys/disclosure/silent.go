package disclosure

import "slices"

// withSilent adds the places of the people who could take part and of whom nobody did, with no answers.
func withSilent(a Answers) Answers {
	known := map[Place]bool{}
	for _, p := range a.Places {
		known[p] = true
	}
	places, people := slices.Clone(a.Places), slices.Clone(a.People)
	for _, p := range a.Invited {
		if !known[p] {
			known[p] = true
			places, people = append(places, p), append(people, 0)
		}
	}
	questions := make([]Question, len(a.Questions))
	for q := range questions {
		counts, width := slices.Clone(a.Questions[q].Counts), 0
		if len(counts) > 0 {
			width = len(counts[0])
		}
		for range len(places) - len(a.Places) {
			counts = append(counts, make([]int, width))
		}
		questions[q].Counts = counts
	}
	a.Places, a.People, a.Questions = places, people, questions
	return a
}

// isSilent reports whether a set of places has people who could take part, and none of them did.
func (s *survey) isSilent(places []int) bool {
	took := len(s.questions) // the position of those who took part in totals
	return len(places) > 0 && len(s.totals) > took && s.sum(took, places) == 0
}

// possible returns the places in which somebody can be, so that the number of groups does not tell where somebody took
// part: of those who were invited in each band of tenure and word of the golden path, if only the form asks for them.
func possible(a Answers) []Place {
	seen := func(of func(Place) string) []string {
		var all []string
		for _, p := range a.Places {
			if text := of(p); text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
		return all
	}
	tenures := seen(func(p Place) string { return p.Tenure })
	words := seen(func(p Place) string { return p.GoldenPath })
	all := slices.Clone(a.Places)
	for _, p := range a.Invited {
		ofTenure, ofPath := []string{p.Tenure}, []string{p.GoldenPath}
		if p.Tenure == "" && len(tenures) > 0 {
			ofTenure = tenures
		}
		if p.GoldenPath == "" && len(words) > 0 {
			ofPath = words
		}
		for _, tenure := range ofTenure {
			for _, path := range ofPath {
				all = append(all, Place{Team: p.Team, Tenure: tenure, GoldenPath: path})
			}
		}
	}
	return all
}
