// Package statistics computes what is shown of a survey's answers: means, shares, indexes and changes, each with the
// number of answers that it rests on and an interval. It works on plain numbers and counts.
package statistics

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// confidence is the level of all intervals.
const confidence = 0.95

// nearlyAll is the share of the population from which the people who did not answer matter more than chance does.
const nearlyAll = 0.8

// Moments are the sums by which a mean and its interval are computed. Moments of groups that share nobody can be
// added.
type Moments struct {
	N       int     // answers
	Sum     float64 // of the values
	Squares float64 // sum of the squared values
}

// Add includes a value that was given n times.
func (m *Moments) Add(value float64, n int) {
	m.N += n
	m.Sum += value * float64(n)
	m.Squares += value * value * float64(n)
}

// variance is the sample's variance, with n − 1. It is not known for fewer than two values.
func (m Moments) variance() (float64, bool) {
	if m.N < 2 {
		return 0, false
	}
	n := float64(m.N)
	return max(0, (m.Squares-m.Sum*m.Sum/n)/(n-1)), true
}

// Estimate is a number computed from some of a population, in the unit of the values.
type Estimate struct {
	N          int     // answers
	Population int     // people who could answer; 0: not known
	Value      float64 // not a number if N is 0
	SE         float64 // standard error; not a number if it is not known
	// Low and High are the 95 % interval; not numbers if it is not known (fewer than two answers).
	Low, High float64
	// Worst and Best are the value if all who did not answer had given the lowest or the highest possible answer. They
	// are set (HasBounds) if at least 80 % answered: then the interval says little, because hardly anything is left to
	// chance, and what is not known is what the others think.
	Worst, Best float64
	HasBounds   bool
}

// Mean estimates the mean of a population. With s the sample's standard deviation, and N people of whom n answered:
//
//	SE = s/√n · √(1 − n/N), interval = mean ± t(0.975; n−1) · SE
//
// Lohr, S. (2021). Sampling: Design and Analysis, 3rd edition, 2.3 and 2.5. It is svymean of R's survey with fpc. If
// the population is not known, or smaller than n because people left it, nothing is corrected. lowest and highest are
// the least and greatest possible values.
func Mean(m Moments, population int, lowest, highest float64) Estimate {
	e := Estimate{N: m.N, Population: population, Value: math.NaN(), SE: math.NaN(), Low: math.NaN(), High: math.NaN()}
	if m.N == 0 {
		return e
	}
	e.Value = m.Sum / float64(m.N)
	if variance, ok := m.variance(); ok {
		e.SE = math.Sqrt(variance / float64(m.N) * remainder(m.N, population))
		half := quantileT(float64(m.N-1)) * e.SE
		e.Low, e.High = max(lowest, e.Value-half), min(highest, e.Value+half)
	}
	e.Worst, e.Best, e.HasBounds = bounds(m.Sum, m.N, population, lowest, highest)
	return e
}

// Total estimates the sum over the population: N times the mean, with N times its standard error. Without a population
// it is the sum of the answers, whose standard error is 0.
func Total(m Moments, population int) (total, se float64) {
	if population < m.N || m.N == 0 {
		return m.Sum, 0
	}
	e := Mean(m, population, math.Inf(-1), math.Inf(1))
	return float64(population) * e.Value, float64(population) * e.SE
}

// Share estimates a share (0 to 1) of which k of n answers are. Its interval is Wilson's, without a correction for a
// finite population; for shares it stays within 0 and 1 and is not empty at 0 % and 100 %.
func Share(k, n, population int) Estimate {
	e := Estimate{N: n, Population: population, Value: math.NaN(), SE: math.NaN(), Low: math.NaN(), High: math.NaN()}
	if n == 0 {
		return e
	}
	e.Value = float64(k) / float64(n)
	if n > 1 {
		e.SE = math.Sqrt(e.Value * (1 - e.Value) / float64(n-1) * remainder(n, population))
	}
	e.Low, e.High = Wilson(k, n)
	e.Worst, e.Best, e.HasBounds = bounds(float64(k), n, population, 0, 1)
	return e
}

// Wilson returns the 95 % score interval of a share of k in n, n being at least 1.
//
// Wilson, E. B. (1927). Probable Inference, the Law of Succession, and Statistical Inference. Journal of the American
// Statistical Association 22 (158), 209–212. doi:10.1080/01621459.1927.10502953
func Wilson(k, n int) (low, high float64) {
	z := distuv.UnitNormal.Quantile(1 - (1-confidence)/2)
	count, share := float64(n), float64(k)/float64(n)
	middle := (share + z*z/(2*count)) / (1 + z*z/count)
	half := z / (1 + z*z/count) * math.Sqrt(share*(1-share)/count+z*z/(4*count*count))
	low, high = max(0, middle-half), min(1, middle+half)
	if k == 0 {
		low = 0 // what rounding leaves is not a bound
	}
	if k == n {
		high = 1
	}
	return low, high
}

// remainder is 1 − n/N: the finite population correction of a variance.
func remainder(n, population int) float64 {
	if population < n || population == 0 {
		return 1
	}
	return 1 - float64(n)/float64(population)
}

func bounds(sum float64, n, population int, lowest, highest float64) (worst, best float64, ok bool) {
	if population < n || float64(n) < nearlyAll*float64(population) || math.IsInf(lowest, 0) || math.IsInf(highest, 0) {
		return 0, 0, false
	}
	missing := float64(population - n)
	return (sum + missing*lowest) / float64(population), (sum + missing*highest) / float64(population), true
}
