package results

import (
	"slices"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/disclosure"
)

// Comments are the comments of a team with its sub-teams to one question, in no order that says whose they are.
type Comments struct {
	Question string   `json:"question"` // key of the item
	Text     string   `json:"text"`     // of the question
	Team     string   `json:"team"`     // "": everyone
	Comments []string `json:"comments"`
}

// ReadComments returns the comments of a team to all questions, or to one if it is not empty. versions are the
// published ones, the first one first. A team is shown if it has at least 10 comments to the question. Its comments are
// a part of those of the team above it, so teams are hidden by which fewer than 10 others could be derived.
//
// Whoever read an earlier version can compare it with a later one, so a later version is shown by the teams of the
// first one, at most to the teams that were shown before, and only if of no part that can be derived one to nine
// comments came or went. Else the comments to that question stay those of the version before.
func ReadComments(versions []surveys.Answers, team, question string) []Comments {
	var all []Comments
	for i, item := range versions[0].Items {
		if item.Kind != surveys.Comment || question != "" && question != item.Key {
			continue
		}
		shown := []commented{newCommented(versions[0], versions[0].Parents, i)}
		for _, version := range versions[1:] {
			at := version.ItemIndex(item.Key)
			if at < 0 || version.Items[at].Kind != surveys.Comment {
				continue
			}
			next := newCommented(version, versions[0].Parents, at)
			before := shown[len(shown)-1].shown
			next.shown = slices.DeleteFunc(next.shown, func(t string) bool { return !slices.Contains(before, t) })
			if !slices.ContainsFunc(shown, func(c commented) bool { return !next.mayFollow(c) }) {
				shown = append(shown, next)
			}
		}
		if last := shown[len(shown)-1]; slices.Contains(last.shown, team) {
			all = append(all, Comments{Question: item.Key, Text: item.Text, Team: team, Comments: last.of(team)})
		}
	}
	return all
}

// commented is the comments of a version to one question.
type commented struct {
	parents map[string]string
	places  []disclosure.Place
	texts   [][]string // of each place
	shown   []string   // teams
}

func newCommented(a surveys.Answers, parents map[string]string, item int) commented {
	places, at := placesOf(a)
	c := commented{parents: parents, places: places, texts: make([][]string, len(places))}
	for r, response := range a.Responses {
		if text := response.Comments[item]; text != "" {
			c.texts[at[r]] = append(c.texts[at[r]], text)
		}
	}
	counts := make([]int, len(places))
	for p, texts := range c.texts {
		counts[p] = len(texts)
	}
	c.shown = disclosure.Teams(parents, places, counts, nil, disclosure.CommentThreshold)
	return c
}

// of returns the comments of a team, sorted.
func (c commented) of(team string) []string {
	of := &Computed{parents: c.parents}
	var all []string
	for p, texts := range c.texts {
		if of.contains(disclosure.Group{Team: team}, c.places[p]) {
			all = append(all, texts...)
		}
	}
	slices.Sort(all)
	return all
}

// mayFollow reports whether c may be shown to whoever read an earlier version, which showed at least the same teams.
func (c commented) mayFollow(earlier commented) bool {
	change := map[string]map[string]int{} // by the shown team nearest to a comment, and its text
	count := func(of commented, n int) {
		for p, texts := range of.texts {
			team, ok := c.nearest(of.places[p].Team)
			if !ok {
				continue
			}
			if change[team] == nil {
				change[team] = map[string]int{}
			}
			for _, text := range texts {
				change[team][text] += n
			}
		}
	}
	count(c, 1)
	count(earlier, -1)
	for _, texts := range change {
		came, went := 0, 0
		for _, n := range texts {
			came, went = came+max(0, n), went+max(0, -n)
		}
		if came > 0 && came < disclosure.CommentThreshold || went > 0 && went < disclosure.CommentThreshold {
			return false
		}
	}
	return true
}

// nearest returns the shown team that is a team or the nearest one above it; ok is false if not even everyone is shown.
func (c commented) nearest(team string) (shown string, ok bool) {
	for steps := 0; team != "" && steps <= len(c.parents); steps++ {
		if slices.Contains(c.shown, team) {
			return team, true
		}
		team = c.parents[team]
	}
	return "", slices.Contains(c.shown, "")
}
