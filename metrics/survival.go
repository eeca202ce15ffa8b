package metrics

import (
	"cmp"
	"slices"
)

// Duration is one subject of a survival estimate: how long it was watched, and whether the event (the first
// deployment) ended the watching. If not it is censored: the event had not come when the watching ended.
type Duration struct {
	Hours float64
	Event bool
}

// SurvivalPoint is a step of a Kaplan–Meier curve. Points stand at the times of events only.
type SurvivalPoint struct {
	Hours    float64 `json:"hours"`
	AtRisk   int     `json:"at_risk"`  // watched just before this time
	Events   int     `json:"events"`   // at this time
	Survival float64 `json:"survival"` // estimated share that has not had the event after this time
}

// KaplanMeier is the product-limit estimate of the share S(t) for which the event has not come by t:
//
//	S(t) = ∏ (1 − dᵢ/nᵢ) over the event times tᵢ ≤ t
//
// with dᵢ events at tᵢ among the nᵢ watched just before. It uses what censored subjects tell (that they lasted at least
// so long) instead of leaving them out, which would favor the quick. A subject censored at the same time as an event
// counts as watched at that event.
//
// Kaplan, E. L. and Meier, P. (1958). Nonparametric Estimation from Incomplete Observations. Journal of the American
// Statistical Association 53 (282), 457–481. doi:10.1080/01621459.1958.10501452
func KaplanMeier(watched []Duration) []SurvivalPoint {
	ordered := slices.Clone(watched)
	slices.SortFunc(ordered, func(a, b Duration) int { return cmp.Compare(a.Hours, b.Hours) })
	var curve []SurvivalPoint
	survival := 1.0
	for i := 0; i < len(ordered); {
		at, atRisk, events := ordered[i].Hours, len(ordered)-i, 0
		for ; i < len(ordered) && ordered[i].Hours == at; i++ {
			if ordered[i].Event {
				events++
			}
		}
		if events == 0 {
			continue
		}
		survival *= float64(atRisk-events) / float64(atRisk)
		curve = append(curve, SurvivalPoint{Hours: at, AtRisk: atRisk, Events: events, Survival: survival})
	}
	return curve
}

// Thin returns at most n points of a curve, n being 2 or more: the first, the last and others at even distances between
// them. Each point stays exact, but the steps between two of them are no longer told.
func Thin(curve []SurvivalPoint, n int) []SurvivalPoint {
	if len(curve) <= n {
		return curve
	}
	thinned := make([]SurvivalPoint, n)
	for i := range thinned {
		thinned[i] = curve[i*(len(curve)-1)/(n-1)]
	}
	return thinned
}

// roundingSlack absorbs what the product above loses to binary fractions: ten subjects of whom five had the event give
// S = 0.5000000000000001 in some orders, and that is a half.
const roundingSlack = 1e-9

// Quantile returns the smallest time by which the event has come for the share p: the smallest t with S(t) ≤ 1 − p. It
// is nil when the curve does not come down so far, that is when too many are still waiting to tell.
func Quantile(curve []SurvivalPoint, p float64) *float64 {
	for _, point := range curve {
		if point.Survival <= 1-p+roundingSlack {
			hours := point.Hours
			return &hours
		}
	}
	return nil
}
