package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/dxctl/dxctl/surveys/statistics"
)

// SurveyNumber is a result: of an item, of a dimension, or the index.
type SurveyNumber struct {
	Measure   string `json:"measure"` // item, dimension, index
	Item      string `json:"item"`    // key of the item or the dimension
	Text      string `json:"text"`
	Dimension string `json:"dimension,omitempty"` // of the item
	N         int    `json:"n"`                   // answers
	People    int    `json:"people"`              // who could answer; 0: not known
	// Mean is that of the points in the direction in which more is better, or of the scores of a dimension or the index.
	Mean SurveyEstimate `json:"mean"`
	// Score is the mean on 0 to 100, for items of different scales.
	Score SurveyEstimate `json:"score"`
	// TopTwo is the share of the two highest points (of an item about satisfaction: the CSAT). Null: not an item.
	TopTwo *SurveyEstimate `json:"top_two,omitempty"`
	// NetPromoter is the eNPS, −100 to 100. Null: not an item with 0 to 10 points.
	NetPromoter *SurveyEstimate `json:"net_promoter,omitempty"`
	Lowest      int             `json:"lowest"` // point of the first of Counts
	Counts      []int           `json:"counts,omitempty"`
	Change      *SurveyChange   `json:"change"` // since the survey before; null: not known
	moments     statistics.Moments
}

// SurveyEstimate is a number with its 95 % interval.
type SurveyEstimate struct {
	Value *float64 `json:"value"`
	SE    *float64 `json:"se"` // standard error
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
	// Worst and Best are set if at least 80 % answered: the value if all others had answered the worst or the best.
	Worst *float64 `json:"worst,omitempty"`
	Best  *float64 `json:"best,omitempty"`
}

// SurveyChange is the difference of the scores (0–100) of a group in two surveys.
type SurveyChange struct {
	Since      string   `json:"since"` // id of the survey before
	Before     *float64 `json:"before"`
	Difference float64  `json:"difference"`
	// Low and High are the 95 % interval for whatever dependence of the two samples: two surveys mostly ask the same
	// people, and answers cannot be matched.
	Low         float64 `json:"low"`
	High        float64 `json:"high"`
	BeyondNoise bool    `json:"beyond_noise"`
}

func estimateOf(e statistics.Estimate) SurveyEstimate {
	known := func(v float64) *float64 {
		if math.IsNaN(v) {
			return nil
		}
		return &v
	}
	out := SurveyEstimate{Value: known(e.Value), SE: known(e.SE), Low: known(e.Low), High: known(e.High)}
	if e.HasBounds {
		out.Worst, out.Best = known(e.Worst), known(e.Best)
	}
	return out
}

// DimensionNames are the dimensions in words.
var DimensionNames = map[string]string{
	"feedback_loops": "Feedback loops", "cognitive_load": "Cognitive load", "flow": "Flow",
	"satisfaction": "Satisfaction", "recommend": "Recommendation",
}

// IndexName is the index in words.
const IndexName = "Experience index"

func newSurveyNumber(s Survey, c *surveyCell) SurveyNumber {
	n := SurveyNumber{Measure: c.Measure, Item: c.Item, N: int(c.Answers), People: int(c.People)}
	if c.Measure != SurveyItems {
		n.Text = cmp.Or(DimensionNames[c.Item], IndexName)
		n.moments = c.scores(SurveyItem{})
		n.Mean = estimateOf(statistics.Mean(n.moments, n.People, 0, 100))
		n.Score = n.Mean
		return n
	}
	item, _ := s.Item(c.Item)
	n.Text, n.Dimension, n.Lowest = item.Text, item.Dimension, item.Min
	d := statistics.Distribution{Min: item.Min}
	for _, count := range c.Counts {
		d.Counts = append(d.Counts, int(count))
	}
	n.Counts = d.Counts
	n.moments = c.scores(item)
	n.Mean, n.Score = estimateOf(d.Mean(n.People)), estimateOf(d.Score(n.People))
	top := estimateOf(d.TopTwo(n.People))
	n.TopTwo = &top
	if promoters, ok := d.NetPromoter(n.People); ok {
		e := estimateOf(promoters)
		n.NetPromoter = &e
	}
	return n
}

// scores are the moments of the answers on 0 to 100.
func (c *surveyCell) scores(item SurveyItem) statistics.Moments {
	if c.Measure != SurveyItems {
		return statistics.Moments{N: int(c.Answers), Sum: c.Total, Squares: c.Squares}
	}
	var m statistics.Moments
	for i, n := range c.Counts {
		m.Add(statistics.ItemScore(item.Min+i, item.Min, item.Max), int(n))
	}
	return m
}

// compare sets the change since an earlier survey. same has the dimensions, and the index "", that are made of the same
// items in both.
func (n *SurveyNumber) compare(s Survey, c *surveyCell, before Survey, earlier *surveyCell, same map[string]bool) {
	was, is := SurveyItem{}, SurveyItem{}
	if c.Measure == SurveyItems {
		var ok, okToo bool
		was, ok = before.Item(c.Item)
		is, okToo = s.Item(c.Item)
		if !ok || !okToo {
			return
		}
	}
	if c.Measure != SurveyItems && !same[c.Item] {
		return
	}
	m := earlier.scores(was)
	change, ok := statistics.Compare(m, c.scores(is))
	if !ok {
		return
	}
	value := m.Sum / float64(m.N)
	n.Change = &SurveyChange{Since: before.ID, Before: &value, Difference: change.Difference, Low: change.WidestLow,
		High: change.WidestHigh, BeyondNoise: change.BeyondNoise}
}

// numberOrder is the place of each number in a row; that of an item is after the dimensions.
type numberOrder map[string]int // by the key of the item

func (s Survey) numberOrder() numberOrder {
	o := numberOrder{}
	for i := range s.Items {
		o[s.Items[i].Key] = 10 + i
	}
	return o
}

// sort puts the index first, then dimensions and items in the order of the survey.
func (o numberOrder) sort(all []SurveyNumber) {
	rank := func(n *SurveyNumber) int {
		switch n.Measure {
		case SurveyIndex:
			return 0
		case SurveyDimension:
			return 1 + slices.Index(indexDimensions, n.Item)
		}
		return o[n.Item]
	}
	slices.SortFunc(all, func(a, b SurveyNumber) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(a.Item, b.Item))
	})
}

// sameDimensions returns the dimensions, and the index "", that are made of the same items in two surveys; none if
// there is no survey before.
func sameDimensions(s Survey, before *Survey) map[string]bool {
	same := map[string]bool{}
	if before != nil {
		for _, d := range append([]string{""}, indexDimensions...) {
			same[d] = sameItems(s, *before, d)
		}
	}
	return same
}

// sameItems reports whether a dimension, or the index (""), is made of the same items in two surveys.
func sameItems(s, before Survey, dimension string) bool {
	of := func(s Survey) []string {
		var keys []string
		for _, i := range s.Items {
			if i.Counted && (i.Dimension == dimension || dimension == "" && slices.Contains(indexDimensions, i.Dimension)) {
				keys = append(keys, i.Key)
			}
		}
		slices.Sort(keys)
		return keys
	}
	return slices.Equal(of(s), of(before))
}

// indexDimensions are the dimensions of the index.
var indexDimensions = []string{"feedback_loops", "cognitive_load", "flow"}

// Asks reports whether the survey asks for a dimension, or all that the index ("") needs.
func (s Survey) Asks(dimension string) bool {
	if dimension == "" {
		return !slices.ContainsFunc(indexDimensions, func(d string) bool { return !s.Asks(d) })
	}
	return slices.ContainsFunc(s.Items, func(i SurveyItem) bool { return i.Dimension == dimension })
}
