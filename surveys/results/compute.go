// Package results computes what may be shown of a survey, publishes it, and reads comments and participation. It is the
// way on which answers leave the archive: whatever it returns has passed package disclosure.
package results

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/disclosure"
	"github.com/dxctl/dxctl/surveys/statistics"
)

// Measures of results.
const (
	Responses = "responses" // how many took part
	OfItem    = "item"
	Dimension = "dimension" // the mean of the mean scores (0–100) of its items
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
	DontKnow  int      `json:"dont_know"` // of everyone; 0 also if fewer than 5 did not know
	Rules     []string `json:"rules"`     // that address it
	Counted   bool     `json:"counted"`   // it is a part of the published dimension
}

// Computed is what may be shown of a version of a survey.
type Computed struct {
	Published store.PublishedSurvey
	Results   []store.SurveyResult
	decision  disclosure.Decision
	questions []question
	places    []disclosure.Place
	responses []int // of each place
	parents   map[string]string
	counted   map[string]bool  // items that are shown of everyone: of these dimensions are made
	before    map[cellKey]bool // of a correction: the cells that were published; nil: it is the first publication
}

// shows reports whether the cell of a group and the question at a position is shown.
func (c *Computed) shows(g disclosure.Group, question int) bool {
	return c.decision.Shows(g, question) &&
		(c.before == nil || c.before[cellKey{g.Team, g.Tenure, g.GoldenPath, OfItem, c.questions[question].item.Key}])
}

// Groups returns the groups that are shown.
func (c *Computed) Groups() []disclosure.Group { return c.decision.Groups }

// question is a rating.
type question struct {
	item   surveys.Item
	counts [][]int // [place][point − lowest point], in the good direction
}

// Compute decides what may be shown of answers, and computes it.
func Compute(a surveys.Answers) (*Computed, error) { return compute(a, nil) }

// compute is Compute, restricted to cells that were published before if before is not nil.
func compute(a surveys.Answers, before map[cellKey]bool) (*Computed, error) {
	places, at := placesOf(a)
	c := &Computed{parents: a.Parents, places: places, before: before, responses: make([]int, len(places))}
	for _, p := range at {
		c.responses[p]++
	}
	var items []Item
	for i, item := range a.Items {
		if item.Kind != surveys.Rating {
			continue
		}
		q := question{item: item, counts: table(len(places), item.Scale.Points())}
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
	d := disclosure.Answers{Parents: a.Parents, Places: places, People: c.responses, Invited: invitedPlaces(a)}
	for _, q := range c.questions {
		d.Questions = append(d.Questions, disclosure.Question{Counts: q.counts})
	}
	c.decision = disclosure.Decide(d)
	c.fill(a)
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

// invitedPlaces returns where those who could take part belong.
func invitedPlaces(a surveys.Answers) []disclosure.Place {
	places := make([]disclosure.Place, len(a.Invited))
	for i, size := range a.Invited {
		places[i] = disclosure.Place{Team: size.Groups.Team, Tenure: string(size.Groups.Tenure),
			GoldenPath: string(size.Groups.GoldenPath)}
	}
	return places
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

// scores returns the results of the dimensions and the index of a group, computed from its items that are shown.
//
// They tell nothing that the items do not: a mean over people of each person's mean would, because a person who skipped
// an item weighs the others more, and if few did, the difference to the items' means is what those few answered. The
// standard error is the mean of the items', which is its upper bound, whatever the answers of a person have in common.
func (c *Computed) scores(items []surveys.Item, base store.SurveyResult, of map[string]statistics.Moments,
) []store.SurveyResult {
	var all []store.SurveyResult
	var dimensions []statistics.Moments
	for _, d := range indexed {
		asked, counted := 0, 0
		var shown []statistics.Moments
		for _, item := range items {
			if item.Kind != surveys.Rating || item.Dimension != d {
				continue
			}
			asked++
			if !c.counted[item.Key] {
				continue
			}
			counted++
			if m, ok := of[item.Key]; ok {
				shown = append(shown, m)
			}
		}
		if len(shown) < counted { // it would be another number than that of everyone
			continue
		}
		if m, ok := statistics.MeanOfItems(shown, asked); ok {
			dimensions = append(dimensions, m)
			all = append(all, derived(base, Dimension, string(d), m))
		}
	}
	if len(dimensions) == len(indexed) {
		if m, ok := statistics.MeanOfItems(dimensions, len(indexed)); ok {
			all = append(all, derived(base, Index, "", m))
		}
	}
	return all
}

func derived(r store.SurveyResult, measure, key string, m statistics.Moments) store.SurveyResult {
	r.Measure, r.Item, r.Answers, r.Total, r.Squares = measure, key, uint32(m.N), m.Sum, m.Squares
	return r
}

// fill computes the results of all cells that are shown.
func (c *Computed) fill(a surveys.Answers) {
	c.counted = map[string]bool{}
	for i, q := range c.questions {
		c.counted[q.item.Key] = c.shows(disclosure.Group{}, i)
	}
	for _, g := range c.decision.Groups {
		if c.before != nil && !c.before[cellKey{g.Team, g.Tenure, g.GoldenPath, Responses, ""}] {
			continue
		}
		base := store.SurveyResult{Survey: a.Survey, Version: a.Version, Team: g.Team, Tenure: g.Tenure,
			GoldenPath: g.GoldenPath}
		for _, size := range a.Invited {
			if c.contains(g, disclosure.Place{Team: size.Groups.Team, Tenure: string(size.Groups.Tenure),
				GoldenPath: string(size.Groups.GoldenPath)}) {
				base.People += uint32(size.People)
			}
		}
		var in []int
		for p, place := range c.places {
			if c.contains(g, place) {
				in = append(in, p)
			}
		}
		all := base
		all.Measure = Responses
		for _, p := range in {
			all.Answers += uint32(c.responses[p])
		}
		first := len(c.Results)
		c.Results = append(c.Results, all)
		scores := map[string]statistics.Moments{}
		for i, q := range c.questions {
			if !c.shows(g, i) {
				c.Published.HiddenCells++
				continue
			}
			r := q.result(base, in)
			c.Results = append(c.Results, r)
			var m statistics.Moments
			for k, n := range r.Counts {
				m.Add(statistics.ItemScore(q.item.Scale.Min+k, q.item.Scale.Min, q.item.Scale.Max), int(n))
			}
			scores[q.item.Key] = m
		}
		if len(scores) == 0 {
			c.Results = c.Results[:first] // a group of which all is hidden
			continue
		}
		c.Results = append(c.Results, c.scores(a.Items, base, scores)...)
	}
}

// result is the cell of a group that has these places.
func (q *question) result(r store.SurveyResult, in []int) store.SurveyResult {
	r.Measure, r.Item = OfItem, q.item.Key
	r.Counts = make([]uint32, q.item.Scale.Points())
	for _, p := range in {
		for v, n := range q.counts[p] {
			r.Counts[v] += uint32(n)
		}
	}
	var m statistics.Moments
	for v, n := range r.Counts {
		m.Add(float64(q.item.Scale.Min+v), int(n))
	}
	r.Answers, r.Total, r.Squares = uint32(m.N), m.Sum, m.Squares
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
		items[i].Counted = c.counted[items[i].Key]
		// How many did not know is a number of people, too.
		if !shown[items[i].Key] || items[i].DontKnow < disclosure.Threshold {
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
	p.TimeZone = a.TimeZone
	p.Items, p.Teams = string(encoded), string(parents)
	p.Few, p.Complementary = uint32(c.decision.Few), uint32(c.decision.Complementary)
	return nil
}
