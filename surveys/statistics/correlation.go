package statistics

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// LeastGroups is the number of groups from which two columns of numbers are correlated.
const LeastGroups = 10

// Correlation is the rank correlation of two numbers over groups.
type Correlation struct {
	N         int
	Rho       float64 // −1 to 1
	Low, High float64 // 95 % interval
	P         float64 // two-sided; see [Holm] where several are looked at
}

// Spearman is the rank correlation of xs and ys, which have the same length; ties have their mean rank. It is not
// known (false) for fewer than [LeastGroups] pairs, or if one side is the same everywhere. The interval is that of
// Fisher's z with Bonett and Wright's variance (1 + ρ²/2)/(n − 3), the p-value that of t with n − 2 degrees of freedom.
//
// Neither is defined if both sides have the same order, or the opposite one (ρ = ±1): z is infinite, and that would be
// an interval without a width. The interval then reaches from ±1 to the bound of the nearest coefficient that the same
// values can have in another order: that of two neighbors exchanged, 1 − 12/(n³ − n) without ties, by Spearman's
// formula 1 − 6·Σd²/(n³ − n). A bound that grows with the coefficient cannot be lower at 1 than there, so that it is on
// the safe side. The p-value is then the exact one of a permutation test: 2/n!, times the orders that ties leave open.
// No other is below it, where t would be.
//
// Bonett, D. G. and Wright, T. A. (2000). Sample size requirements for estimating Pearson, Kendall and Spearman
// correlations. Psychometrika 65 (1), 23–28. doi:10.1007/BF02294183
//
// Kendall, M. G. (1948). Rank Correlation Methods. Griffin, London. Chapters 1 (the formula), 3 (ties) and 4
// (permutations).
func Spearman(xs, ys []float64) (Correlation, bool) {
	n := len(xs)
	if n < LeastGroups || len(ys) != n || slices.Min(xs) == slices.Max(xs) || slices.Min(ys) == slices.Max(ys) {
		return Correlation{}, false
	}
	ranked := ranks(xs)
	rho := max(-1, min(1, stat.Correlation(ranked, ranks(ys), nil)))
	c := Correlation{N: n, Rho: rho}
	nearest, least := sameOrder(ranked)
	if math.Abs(rho) > 1-1e-12 {
		low, _ := rankInterval(nearest, n)
		c.Rho, c.Low, c.High, c.P = 1, low, 1, least
		if rho < 0 {
			c.Rho, c.Low, c.High = -1, -1, -low
		}
		return c, true
	}
	c.Low, c.High = rankInterval(rho, n)
	t := math.Abs(rho) * math.Sqrt(float64(n-2)/(1-rho*rho))
	c.P = max(least, 2*distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 2)}.Survival(t))
	return c, true
}

// rankInterval is the 95 % interval of a rank correlation of n pairs, strictly between −1 and 1.
func rankInterval(rho float64, n int) (low, high float64) {
	z, half := math.Atanh(rho), distuv.UnitNormal.Quantile(1-(1-confidence)/2)*math.Sqrt((1+rho*rho/2)/float64(n-3))
	return math.Tanh(z - half), math.Tanh(z + half)
}

// sameOrder returns the rank correlation that is nearest to 1 if ranks are paired with another order of themselves, and
// the chance that an order at random is the same or the opposite one. Not all ranks are the same.
func sameOrder(of []float64) (nearest, p float64) {
	sorted := slices.Sorted(slices.Values(of))
	n, mean, squares := len(sorted), float64(len(sorted)+1)/2, 0.0
	step := math.Inf(1) // the least difference of two ranks
	log, _ := math.Lgamma(float64(n + 1))
	log, tied := -log, 1
	for i, rank := range sorted {
		squares += (rank - mean) * (rank - mean)
		switch {
		case i == 0:
		case rank == sorted[i-1]:
			tied++
			log += math.Log(float64(tied))
		default:
			step, tied = min(step, rank-sorted[i-1]), 1
		}
	}
	return 1 - step*step/squares, min(1, 2*math.Exp(log))
}

func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	of := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			of[i] = float64(from+to+1) / 2
		}
		from = to
	}
	return of
}

// Holm adjusts p-values for the number of comparisons: the chance that any of them is below a limit by accident stays
// below that limit.
//
// Holm, S. (1979). A Simple Sequentially Rejective Multiple Test Procedure. Scandinavian Journal of Statistics 6 (2),
// 65–70.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	adjusted, before := make([]float64, len(ps)), 0.0
	for rank, i := range order {
		before = max(before, min(1, ps[i]*float64(len(ps)-rank)))
		adjusted[i] = before
	}
	return adjusted
}
