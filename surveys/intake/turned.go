package intake

import (
	"fmt"
	"math"
	"strings"

	"github.com/dxctl/dxctl/surveys"
)

const (
	// leastToTell is from how many answers it is said that a scale may be turned round.
	leastToTell = 20
	// against is the correlation with all other ratings from which an item is said to go against them. It has to be below
	// 0 by so many standard errors, too: among many items of few answers some correlation is below −0.3 by chance.
	against, chance = -0.3, 3.5
	// quarterly is the standard deviation by which the mean of an item changes from one survey to the next, on −1 to 1: it
	// is 0.3 points of a scale of 5 points, which is more than is usual.
	quarterly = 0.15
	// turnedOdds is from how much more likely a scale that was turned round makes what is seen, as a logarithm: a
	// thousand times, because few scales are.
	turnedOdds = 6.9
	// clearMean is how far from the middle of the scale, on −1 to 1, a mean is clear enough to see that it is mirrored,
	// and half of it is how far it then is on the other side.
	clearMean = 0.25
	// leastMirrored is how many items, at least, are mirrored if the scale of a form was turned round.
	leastMirrored = 3
)

// profile is an item as the answers of a survey show it.
type profile struct {
	n    int
	mean float64 // on −1 to 1, in the good direction
	se   float64 // of mean
	with int     // answers of people who rated more than three items
	rho  float64 // correlation with the mean of the other items, over these
}

// profiles returns the profile of each item; those of comments and of items without answers have n 0.
func profiles(items []surveys.Item, responses []surveys.Response) []profile {
	sum := make([]float64, len(responses)) // of the ratings
	count := make([]int, len(responses))
	value := func(i, k int) (float64, bool) {
		if k >= len(responses[i].Ratings) {
			return 0, false
		}
		point, ok := responses[i].Ratings[k].Get()
		if !ok {
			return 0, false
		}
		s := items[k].Scale
		return 2*float64(items[k].Good(point)-s.Min)/float64(s.Max-s.Min) - 1, true
	}
	for i := range responses {
		for k := range items {
			if v, ok := value(i, k); ok && items[k].Kind == surveys.Rating {
				sum[i] += v
				count[i]++
			}
		}
	}
	all := make([]profile, len(items))
	for k := range items {
		if items[k].Kind != surveys.Rating {
			continue
		}
		var xs, ys []float64
		squares, p := 0.0, &all[k]
		for i := range responses {
			v, ok := value(i, k)
			if !ok {
				continue
			}
			p.n++
			p.mean += v
			squares += v * v
			if count[i] > 3 {
				xs, ys = append(xs, v), append(ys, (sum[i]-v)/float64(count[i]-1))
			}
		}
		if p.n > 1 {
			n := float64(p.n)
			p.mean /= n
			p.se = math.Sqrt(max(0, squares/n-p.mean*p.mean) / (n - 1))
		}
		p.with, p.rho = len(xs), correlation(xs, ys)
	}
	return all
}

// checkAgainst notes ratings that go against the others: where most people who are content with the rest are not with
// this, its direction is likely to be the other one. It takes 20 answers and a correlation of −0.3 that is not chance.
func (p *Plan) checkAgainst(r Result) {
	p.against = map[string]bool{}
	for k, now := range profiles(p.Survey.Items, r.Answers.Responses) {
		if now.with >= leastToTell && now.rho <= against && fisher(now.rho)*math.Sqrt(float64(now.with-3)) <= -chance {
			key := p.Survey.Items[k].Key
			p.against[key] = true
			p.Notes = append(p.Notes, fmt.Sprintf("item %s goes against all others: check its direction, and whether the form "+
				"turned its scale round", key))
		}
	}
}

// CheckTurned notes ratings whose scale seems to be turned round since an earlier survey without a word in the form or
// in the map: where answers are bare numbers, nothing else shows it. Nothing is changed.
//
// Two things tell: the mean is mirrored about the middle of the scale, and the correlation with the other items has the
// other sign. For each of the two, and with z the correlation after Fisher's transformation, normal distributions about
// the earlier value and about its mirror image give the logarithm of how much more likely the image makes what is seen:
// −2·z₀·z₁/(1/(n₀−3) + 1/(n₁−3)) and −2·m₀·m₁/(SE₀² + SE₁² + 0.15²), where 0.15 allows for real changes. An item is
// named if the sum is at least log 1000. A form that turned all its scales round leaves the correlations as they were;
// then the means of most items tell.
func (p *Plan) CheckTurned(r Result, earlier surveys.Answers) {
	now, before := profiles(p.Survey.Items, r.Answers.Responses), profiles(earlier.Items, earlier.Responses)
	var mirrored []string
	clearMeans := 0
	for k, item := range p.Survey.Items {
		at := earlier.ItemIndex(item.Key)
		if at < 0 || now[k].n < leastToTell || before[at].n < leastToTell {
			continue
		}
		means, correlations := mirror(before[at], now[k])
		if math.Abs(before[at].mean) >= clearMean {
			clearMeans++
			if m := now[k].mean; math.Abs(m) >= clearMean/2 && m*before[at].mean < 0 {
				mirrored = append(mirrored, item.Key)
			}
		}
		if means+correlations < turnedOdds || p.against[item.Key] {
			continue
		}
		p.against[item.Key] = true
		p.Notes = append(p.Notes, fmt.Sprintf("item %s looks turned round since survey %s: its mean or what it has in "+
			"common with the other items is mirrored. Check in the form that its numbers still go the same way; if they do "+
			"not, write scale: %s in the map. Nothing was changed", item.Key, earlier.Survey, turnedScale(item)))
	}
	if len(mirrored) >= leastMirrored && 2*len(mirrored) > clearMeans {
		p.Notes = append(p.Notes, fmt.Sprintf("the means of %d of the %d items whose mean was clear in survey %s are "+
			"mirrored about the middle of their scale (%s): check in the form whether all numbers were turned round; if they "+
			"were, write the scales the other way round in the map, such as 5-1. Nothing was changed", len(mirrored), clearMeans,
			earlier.Survey, strings.Join(mirrored, ", ")))
	}
}

// mirror returns the evidence for a scale that was turned round, by the means and by the correlations; see CheckTurned.
func mirror(before, now profile) (means, correlations float64) {
	means = -2 * before.mean * now.mean / (before.se*before.se + now.se*now.se + quarterly*quarterly)
	if before.with >= leastToTell && now.with >= leastToTell {
		correlations = -2 * fisher(before.rho) * fisher(now.rho) / (1/float64(before.with-3) + 1/float64(now.with-3))
	}
	return means, correlations
}

// fisher is Fisher's transformation of a correlation, whose standard error is 1/√(n − 3).
func fisher(rho float64) float64 { return math.Atanh(max(-0.99, min(0.99, rho))) }

// correlation is Pearson's.
func correlation(x, y []float64) float64 {
	n := float64(len(x))
	var sx, sy, sxx, syy, sxy float64
	for i := range x {
		sx, sy = sx+x[i], sy+y[i]
		sxx, syy, sxy = sxx+x[i]*x[i], syy+y[i]*y[i], sxy+x[i]*y[i]
	}
	spread := math.Sqrt((sxx - sx*sx/n) * (syy - sy*sy/n))
	if !(spread > 1e-12) {
		return 0
	}
	return (sxy - sx*sy/n) / spread
}
