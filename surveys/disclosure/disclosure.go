// Package disclosure decides which results of a survey may be shown, so that nobody's answers can be derived from them.
//
// # What is shown
//
// A cell is a group of people and a question. Groups are a team with its sub-teams, a band of tenure, on or off the
// golden path, and what two or three of these have in common. Of a cell everything is taken to be known that can be
// computed from how many gave each answer. Which cells are shown is fixed once for a survey; there are no queries by
// which further sums could be asked for.
//
// # Three rules
//
//  1. Enough answers. A group is shown only if every question has at least the threshold of answers in it. So the
//     question with the fewest answers decides for all.
//  2. No small difference. What is shown of one question is a system of linear equations, whose unknowns are the counts
//     of each place: a place is what cannot be divided by groups, such as a team's people of one band on the golden
//     path. A set of places can be derived exactly if its indicator lies in the row space of the system. No set of
//     places with answers of fewer people than the threshold may be in it. Teams are a tree, for which this can be
//     computed directly (see closeTree); with the other groups it is computed modulo a prime (see system).
//     Where it is known who could take part, a set of teams of which nobody did is such a set, too.
//  3. No answer of few. If a group of which something can be derived gave the same answer throughout, or if the
//     equations and the fact that counts are not negative leave fewer people than the threshold who can have given an
//     answer, cells are hidden until it is no longer so (see bounds.go).
//
// Wherever a rule is broken, the smallest group that contributes is hidden, and all rules are checked again.
package disclosure

import (
	"cmp"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Threshold is the least number of answers of a group that is shown.
const Threshold = 5

// CommentThreshold is the least number of comments of a group whose comments are shown.
const CommentThreshold = 10

// Group is a set of people. An empty part does not restrict it: the zero value is everyone.
type Group struct {
	Team       string // and its sub-teams
	Tenure     string
	GoldenPath string
}

// parts counts what restricts a group.
func (g Group) parts() int {
	n := 0
	for _, part := range []string{g.Team, g.Tenure, g.GoldenPath} {
		if part != "" {
			n++
		}
	}
	return n
}

// Place is where a person belongs. An empty part is not known.
type Place Group

// Question is how many gave each answer, by place.
type Question struct {
	// Counts has a row for each of Answers.Places. All rows have the same length.
	Counts [][]int
}

// Answers are all answers to a survey.
type Answers struct {
	Parents   map[string]string // team → the team that it is a part of
	Places    []Place
	Questions []Question
	// People is how many took part, by place. It is shown of the groups that are shown, and some answer no question. Nil:
	// it is not shown.
	People []int
	// Invited are the places of the people who could take part, as far as they are known. That none of them did must not
	// be known either, as it must not of a team in [Teams]; it is used with People only.
	Invited []Place
}

// Decision is what may be shown.
type Decision struct {
	// Groups are shown; whole organization first, then by the number of parts and the number of answers.
	Groups []Group
	// Hidden has the groups of Groups that are not shown for a question, by the position of the question.
	Hidden []map[Group]bool
	// Few and Complementary count the groups of people that are hidden everywhere: those that have too few answers, or
	// none, and those by which such groups, or others that are too small, could be derived.
	Few, Complementary int
}

// Shows reports whether the cell of a group and the question at a position is shown.
func (d Decision) Shows(g Group, question int) bool {
	return slices.Contains(d.Groups, g) && !d.Hidden[question][g]
}

// Decide returns which cells may be shown. It is deterministic.
func Decide(a Answers) Decision {
	s := newSurvey(a, Threshold)
	d := Decision{Hidden: make([]map[Group]bool, len(a.Questions))}
	for q := range a.Questions {
		d.Hidden[q] = map[Group]bool{}
	}
	shown := s.decideGroups(&d)
	for _, i := range shown {
		d.Groups = append(d.Groups, s.groups[i])
	}
	var work errgroup.Group // questions do not depend on each other
	work.SetLimit(runtime.GOMAXPROCS(0))
	for q := range a.Questions {
		work.Go(func() error {
			kept := s.decideQuestion(q, shown)
			for _, i := range shown {
				if !kept[i] {
					d.Hidden[q][s.groups[i]] = true
				}
			}
			return nil
		})
	}
	_ = work.Wait() // nothing can fail
	return d
}

// survey is the answers with their groups.
type survey struct {
	threshold int
	tree      *tree
	questions []Question
	totals    [][]int // [question][place] answers; then who took part
	deciding  []int   // questions that decide which groups are shown; the last one is who took part
	silent    int     // groups of invited people of which nobody answered
	groups    []Group // every candidate with at least one person, in the order of preference
	members   [][]int // [group] places, ascending
	people    []int   // [group] most answers to a question
}

func newSurvey(a Answers, threshold int) *survey {
	if a.People != nil {
		a = withSilent(a)
	}
	s := &survey{threshold: threshold, questions: a.Questions}
	s.totals = make([][]int, len(a.Questions))
	for q, question := range a.Questions {
		s.totals[q] = make([]int, len(a.Places))
		all := 0
		for place, counts := range question.Counts {
			for _, n := range counts {
				s.totals[q][place] += n
			}
			all += s.totals[q][place]
		}
		// A question that hardly anybody answered is not shown at all; it does not hide all others.
		if all >= threshold {
			s.deciding = append(s.deciding, q)
		}
	}
	if a.People != nil {
		s.deciding = append(s.deciding, len(s.totals))
		s.totals = append(s.totals, a.People)
	}
	s.tree = newTree(a.Parents, a.Places)
	s.collect(a.Places)
	if a.People != nil {
		s.silent = len(membersOf(s.tree, possible(a))) - len(s.groups)
	}
	return s
}

// membersOf returns the candidates with the positions of their places: each combination of a team (or everyone), a band
// (or all) and a word of the golden path (or both) that somebody belongs to.
func membersOf(t *tree, places []Place) map[Group][]int {
	members := map[Group][]int{}
	for i, p := range places {
		tenures, words := []string{""}, []string{""}
		if p.Tenure != "" {
			tenures = append(tenures, p.Tenure)
		}
		if p.GoldenPath != "" {
			words = append(words, p.GoldenPath)
		}
		for _, team := range t.path(p.Team) {
			for _, tenure := range tenures {
				for _, word := range words {
					g := Group{Team: team, Tenure: tenure, GoldenPath: word}
					members[g] = append(members[g], i)
				}
			}
		}
	}
	return members
}

// collect lists the candidates of which somebody answered.
func (s *survey) collect(places []Place) {
	members := membersOf(s.tree, places)
	people := map[Group]int{}
	for g, in := range members {
		for q := range s.totals {
			people[g] = max(people[g], s.sum(q, in))
		}
		if people[g] > 0 {
			s.groups = append(s.groups, g)
		}
	}
	slices.SortFunc(s.groups, func(a, b Group) int {
		crossed := func(g Group) int { return min(1, len(g.Tenure)+len(g.GoldenPath)) }
		return cmp.Or(cmp.Compare(crossed(a), crossed(b)), cmp.Compare(a.parts(), b.parts()),
			cmp.Compare(people[b], people[a]), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Tenure, b.Tenure),
			cmp.Compare(a.GoldenPath, b.GoldenPath))
	})
	for _, g := range s.groups {
		s.members, s.people = append(s.members, members[g]), append(s.people, people[g])
	}
}

func (s *survey) sum(q int, places []int) int {
	n := 0
	for _, p := range places {
		n += s.totals[q][p]
	}
	return n
}

// fewest is the least number of answers that a question which decides has in a set of places.
func (s *survey) fewest(places []int) int {
	least := -1
	for _, q := range s.deciding {
		if n := s.sum(q, places); least < 0 || n < least {
			least = n
		}
	}
	return max(0, least)
}

func (s *survey) isTeam(i int) bool { return s.groups[i].Tenure == "" && s.groups[i].GoldenPath == "" }

// decideGroups returns the groups that are shown for at least one question, as positions in s.groups.
func (s *survey) decideGroups(d *Decision) []int {
	enough := map[Group]bool{}
	d.Few = s.silent
	for i, g := range s.groups {
		if s.fewest(s.members[i]) < s.threshold {
			d.Few++
			continue
		}
		enough[g] = true
	}
	shown := s.closeTrees(s.positions(enough))
	shown = s.closeGroups(shown)
	d.Complementary = len(enough) - len(shown)
	return shown
}

func (s *survey) positions(of map[Group]bool) []int {
	var all []int
	for i, g := range s.groups {
		if of[g] {
			all = append(all, i)
		}
	}
	return all
}

// closeTrees applies the second rule to the tree of teams, and to the same tree of each band and word of the golden
// path. A team that is hidden takes what it has in common with other groups with it.
func (s *survey) closeTrees(shown []int) []int {
	slice := func(g Group) Group { return Group{Tenure: g.Tenure, GoldenPath: g.GoldenPath} }
	bySlice := map[Group]map[string][]int{}
	for _, i := range shown {
		g := s.groups[i]
		if bySlice[slice(g)] == nil {
			bySlice[slice(g)] = map[string][]int{}
		}
		bySlice[slice(g)][g.Team] = s.members[i]
	}
	kept := map[Group]map[string]bool{}
	for at, places := range bySlice {
		teams := map[string]bool{}
		for team := range places {
			teams[team] = true
		}
		kept[at] = s.tree.close(teams, places, s.fewest, func(places []int) bool {
			return !s.isSilent(places) && !slices.ContainsFunc(s.deciding, func(q int) bool {
				n := s.sum(q, places)
				return n > 0 && n < s.threshold
			})
		})
	}
	return slices.DeleteFunc(shown, func(i int) bool {
		g := s.groups[i]
		return !kept[Group{}][g.Team] || !kept[slice(g)][g.Team]
	})
}
