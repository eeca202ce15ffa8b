package report

import (
	"github.com/dxctl/dxctl/metrics"
)

// SmallGroup is the size under which a median says little; pages state so next to it.
const SmallGroup = 5

// Headline sets the latest cohort that has a median against the first one that has one. Small groups are taken only
// when there is no other.
type Headline struct {
	First, Last *metrics.Cohort
	Change      float64         // of the median, as a share of the first; negative is shorter
	Since       *metrics.Cohort // a later cohort that has not reached its median yet
}

func headlineOf(cohorts []metrics.Cohort) Headline {
	least := 1
	for _, g := range cohorts {
		if g.N >= SmallGroup && g.MedianHours != nil {
			least = SmallGroup
		}
	}
	var h Headline
	for i := range cohorts {
		g := &cohorts[i]
		if g.N == 0 || g.Start.IsZero() {
			continue
		}
		if g.MedianHours != nil && g.N < least {
			continue
		}
		if g.MedianHours == nil {
			h.Since = g
			continue
		}
		if h.First == nil {
			h.First = g
		}
		h.Last, h.Since = g, nil
	}
	if h.First != nil && h.First != h.Last && *h.First.MedianHours > 0 {
		h.Change = *h.Last.MedianHours / *h.First.MedianHours - 1
	}
	return h
}
