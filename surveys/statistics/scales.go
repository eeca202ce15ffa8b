package statistics

import "math"

// Distribution is how many gave each point of a scale, in the direction in which more is better: Counts[0] is how many
// gave the point Min.
type Distribution struct {
	Min    int
	Counts []int
}

// Max is the highest point.
func (d Distribution) Max() int { return d.Min + len(d.Counts) - 1 }

// N is the number of answers.
func (d Distribution) N() int {
	n := 0
	for _, c := range d.Counts {
		n += c
	}
	return n
}

// Moments are those of the points.
func (d Distribution) Moments() Moments {
	var m Moments
	for i, n := range d.Counts {
		m.Add(float64(d.Min+i), n)
	}
	return m
}

// Mean is the mean point.
func (d Distribution) Mean(population int) Estimate {
	return Mean(d.Moments(), population, float64(d.Min), float64(d.Max()))
}

// Score is the mean on a scale of 0 to 100, on which scales of different lengths can be compared.
func (d Distribution) Score(population int) Estimate {
	var m Moments
	for i, n := range d.Counts {
		m.Add(ItemScore(d.Min+i, d.Min, d.Max()), n)
	}
	return Mean(m, population, 0, 100)
}

// TopTwo is the share that gave one of the two highest points. Of an item about satisfaction it is the CSAT.
func (d Distribution) TopTwo(population int) Estimate {
	k := 0
	for i := max(0, len(d.Counts)-2); i < len(d.Counts); i++ {
		k += d.Counts[i]
	}
	return Share(k, d.N(), population)
}

// NetPromoter is the share of promoters (9 and 10) less the share of detractors (0 to 6), times 100; ok is false if the
// scale is not 0 to 10. It is the mean of +100, 0 and −100, and has the interval of that mean.
//
// Reichheld, F. F. (2003). The One Number You Need to Grow. Harvard Business Review 81 (12), 46–54.
func (d Distribution) NetPromoter(population int) (e Estimate, ok bool) {
	if d.Min != 0 || len(d.Counts) != 11 {
		return Estimate{}, false
	}
	var m Moments
	for point, n := range d.Counts {
		switch {
		case point >= 9:
			m.Add(100, n)
		case point >= 7:
			m.Add(0, n)
		default:
			m.Add(-100, n)
		}
	}
	return Mean(m, population, -100, 100), true
}

// ItemScore is a point of a scale, in the good direction, on 0 to 100.
func ItemScore(point, lowest, highest int) float64 {
	return 100 * float64(point-lowest) / float64(highest-lowest)
}

// ResponseRate is the share of the people who could answer that did; not known (false) without people, or if more
// answered than could.
func ResponseRate(answered, population int) (float64, bool) {
	if population == 0 || answered > population {
		return math.NaN(), false
	}
	return float64(answered) / float64(population), true
}

// MeanOfItems combines the scores (0–100) of the items of a dimension, or of the dimensions of the index, to those of
// their mean: the mean of the result is the mean of the means, and its standard error the mean of the standard errors.
// That is the upper bound of the standard error of a mean of dependent means. N is the least of the items. It is not
// known (false) if fewer than half of the items that were asked are there, or one has fewer than two answers.
//
// The dimensions are those of Noda, A., Storey, M.-A., Forsgren, N. and Greiler, M. (2023). DevEx: What Actually Drives
// Productivity. ACM Queue 21 (2), 35–53. doi:10.1145/3595878. The weights are ours: equal.
func MeanOfItems(items []Moments, asked int) (Moments, bool) {
	if len(items) == 0 || 2*len(items) < asked {
		return Moments{}, false
	}
	m := Moments{N: items[0].N}
	mean, se := 0.0, 0.0
	for _, item := range items {
		variance, ok := item.variance()
		if !ok {
			return Moments{}, false
		}
		m.N = min(m.N, item.N)
		mean += item.Sum / float64(item.N) / float64(len(items))
		se += math.Sqrt(variance/float64(item.N)) / float64(len(items))
	}
	n := float64(m.N)
	m.Sum = n * mean
	m.Squares = n*mean*mean + n*(n-1)*se*se // so that variance/n is se²
	return m, true
}
