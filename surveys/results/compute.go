// Package results computes what may be shown of a survey, publishes it, and reads comments and participation. It is the
// way on which answers leave the archive: whatever it returns has passed package disclosure.
package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/disclosure"
	"github.com/dxctl/dxctl/surveys/statistics"
)

// Measures of results.
const (
	Responses = "responses" // how many took part
	OfItem    = "item"
	Dimension = "dimension" // the mean of the scores (0–100) of its items
	Index     = "index"     // the mean of feedback loops, cognitive load and flow
)

// Item is an item of a published survey, as it is stored.
type Item struct {
	Key       string   `json:"key"`
	Text      string   `json:"text"`
	Dimension string   `json:"dimension"`
	Min       int      `json:"min"`
	Max       int      `json:"max"`
	Reversed  bool     `json:"reversed"`  // a high point is bad as the form asks it; results are in the good direction
	DontKnow  int      `json:"dont_know"` // of everyone
	Rules     []string `json:"rules"`     // that address it
}

// Computed is what may be shown of a version of a survey.
type Computed struct {
	Published store.PublishedSurvey
	Results   []store.SurveyResult
	decision  disclosure.Decision
	questions []question
	parents   map[string]string
}

// Groups returns the groups that are shown.
func (c *Computed) Groups() []disclosure.Group { return c.decision.Groups }

// question is what disclosure decides about: an item, a dimension or the index.
type question struct {
	measure, key string
	values       []float64 // of each answer: points in the good direction, or scores
	counts       [][]int   // [place][value]
	derived      bool
}

// Compute decides what may be shown of answers, and computes it.
func Compute(a surveys.Answers) (*Computed, error) {
	places, at := placesOf(a)
	c := &Computed{parents: a.Parents}
	var items []Item
	for i, item := range a.Items {
		if item.Kind != surveys.Rating {
			continue
		}
		q := question{measure: OfItem, key: item.Key}
		for point := item.Scale.Min; point <= item.Scale.Max; point++ {
			q.values = append(q.values, float64(point))
		}
		q.counts = table(len(places), len(q.values))
		unknown := 0
		for r, response := range a.Responses {
			if point, ok := response.Ratings[i].Get(); ok {
				q.counts[at[r]][item.Good(point)-item.Scale.Min]++
			} else if response.Ratings[i] == surveys.DontKnow {
				unknown++
			}
		}
		c.questions = append(c.questions, q)
		items = append(items, Item{Key: item.Key, Text: item.Text, Dimension: string(item.Dimension), Min: item.Scale.Min,
			Max: item.Scale.Max, Reversed: item.Reversed, DontKnow: unknown, Rules: append([]string{}, item.Rules...)})
	}
	c.questions = append(c.questions, scores(a, len(places), at)...)
	d := disclosure.Answers{Parents: a.Parents, Places: places}
	for _, q := range c.questions {
		d.Questions = append(d.Questions, disclosure.Question{Counts: q.counts, Derived: q.derived})
	}
	c.decision = disclosure.Decide(d)
	c.fill(a, places, at)
	return c, c.describe(a, items)
}

func placesOf(a surveys.Answers) (places []disclosure.Place, at []int) {
	known := map[surveys.Groups]int{}
	for _, r := range a.Responses {
		i, ok := known[r.Groups]
		if !ok {
			i = len(places)
			known[r.Groups] = i
			places = append(places, disclosure.Place{Team: r.Groups.Team, Tenure: string(r.Groups.Tenure),
				GoldenPath: string(r.Groups.GoldenPath)})
		}
		at = append(at, i)
	}
	return places, at
}

func table(rows, columns int) [][]int {
	t := make([][]int, rows)
	for i := range t {
		t[i] = make([]int, columns)
	}
	return t
}

// indexed are the dimensions of the index.
var indexed = []surveys.Dimension{surveys.FeedbackLoops, surveys.CognitiveLoad, surveys.Flow}

// scores returns the questions about dimensions and the index, computed person by person.
func scores(a surveys.Answers, places int, at []int) []question {
	values := make([][]float64, len(indexed)+1)
	who := make([][]int, len(indexed)+1) // responses that have a value
	for r, response := range a.Responses {
		var known []float64
		for d, dimension := range indexed {
			if score, ok := dimensionScore(a.Items, response, dimension); ok {
				known = append(known, score)
				values[d], who[d] = append(values[d], score), append(who[d], r)
			}
		}
		if index, ok := statistics.IndexScore(known...); ok {
			values[len(indexed)], who[len(indexed)] = append(values[len(indexed)], index), append(who[len(indexed)], r)
		}
	}
	var all []question
	for d := range values {
		if len(values[d]) == 0 {
			continue
		}
		q := question{measure: Index, derived: true}
		if d < len(indexed) {
			q.measure, q.key = Dimension, string(indexed[d])
		}
		q.values = slices.Clone(values[d])
		slices.Sort(q.values)
		q.values = slices.Compact(q.values)
		q.counts = table(places, len(q.values))
		for k, r := range who[d] {
			v, _ := slices.BinarySearch(q.values, values[d][k])
			q.counts[at[r]][v]++
		}
		all = append(all, q)
	}
	return all
}

func dimensionScore(items []surveys.Item, r surveys.Response, d surveys.Dimension) (float64, bool) {
	var scores []float64
	n := 0
	for i, item := range items {
		if item.Kind != surveys.Rating || item.Dimension != d {
			continue
		}
		n++
		if point, ok := r.Ratings[i].Get(); ok {
			scores = append(scores, statistics.ItemScore(item.Good(point), item.Scale.Min, item.Scale.Max))
		}
	}
	return statistics.DimensionScore(scores, n)
}

// fill computes the results of all cells that are shown.
func (c *Computed) fill(a surveys.Answers, places []disclosure.Place, at []int) {
	responses := make([]int, len(places))
	for _, p := range at {
		responses[p]++
	}
	for _, g := range c.decision.Groups {
		base := store.SurveyResult{Survey: a.Survey, Version: a.Version, Team: g.Team, Tenure: g.Tenure,
			GoldenPath: g.GoldenPath}
		for _, size := range a.Invited {
			if c.contains(g, disclosure.Place{Team: size.Groups.Team, Tenure: string(size.Groups.Tenure),
				GoldenPath: string(size.Groups.GoldenPath)}) {
				base.People += uint32(size.People)
			}
		}
		var in []int
		for p, place := range places {
			if c.contains(g, place) {
				in = append(in, p)
			}
		}
		all := base
		all.Measure = Responses
		for _, p := range in {
			all.Answers += uint32(responses[p])
		}
		c.Results = append(c.Results, all)
		for i, q := range c.questions {
			if !c.decision.Shows(g, i) {
				c.Published.HiddenCells++
				continue
			}
			c.Results = append(c.Results, q.result(base, in))
		}
	}
}

// result is the cell of a group that has these places.
func (q *question) result(r store.SurveyResult, in []int) store.SurveyResult {
	r.Measure, r.Item = q.measure, q.key
	counts := make([]int, len(q.values))
	for _, p := range in {
		for v, n := range q.counts[p] {
			counts[v] += n
		}
	}
	var m statistics.Moments
	for v, n := range counts {
		m.Add(q.values[v], n)
	}
	r.Answers, r.Total, r.Squares = uint32(m.N), m.Sum, m.Squares
	if q.derived {
		return r
	}
	for _, n := range counts {
		r.Counts = append(r.Counts, uint32(n))
	}
	return r
}

func (c *Computed) contains(g disclosure.Group, p disclosure.Place) bool {
	if g.Tenure != "" && g.Tenure != p.Tenure || g.GoldenPath != "" && g.GoldenPath != p.GoldenPath {
		return false
	}
	if g.Team == "" {
		return true
	}
	team := p.Team
	for steps := 0; team != "" && steps <= len(c.parents); steps++ {
		if team == g.Team {
			return true
		}
		team = c.parents[team]
	}
	return false
}

func (c *Computed) describe(a surveys.Answers, items []Item) error {
	shown := map[string]bool{}
	for _, r := range c.Results {
		if r.Measure == OfItem && r.Team == "" && r.Tenure == "" && r.GoldenPath == "" {
			shown[r.Item] = true
		}
	}
	for i := range items {
		if !shown[items[i].Key] { // how many did not know is a part of the item's results
			items[i].DontKnow = 0
		}
	}
	encoded, err := json.Marshal(items)
	if err != nil {
		return fmt.Errorf("encoding the items of survey %s: %w", a.Survey, err)
	}
	teams := map[string]string{}
	for _, g := range c.decision.Groups {
		for team, steps := g.Team, 0; team != "" && steps <= len(a.Parents); team, steps = a.Parents[team], steps+1 {
			teams[team] = a.Parents[team]
		}
	}
	parents, err := json.Marshal(teams)
	if err != nil {
		return fmt.Errorf("encoding the teams of survey %s: %w", a.Survey, err)
	}
	p := &c.Published
	p.Survey, p.Version, p.Title, p.OpensAt, p.ClosesAt = a.Survey, a.Version, cmp.Or(a.Title, a.Survey), a.Opens, a.Closes
	p.Items, p.Teams = string(encoded), string(parents)
	p.Few, p.Complementary = uint32(c.decision.Few), uint32(c.decision.Complementary)
	return nil
}
