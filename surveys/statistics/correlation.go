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
// Bonett, D. G. and Wright, T. A. (2000). Sample size requirements for estimating Pearson, Kendall and Spearman
// correlations. Psychometrika 65 (1), 23–28. doi:10.1007/BF02294183
func Spearman(xs, ys []float64) (Correlation, bool) {
	n := len(xs)
	if n < LeastGroups || len(ys) != n || slices.Min(xs) == slices.Max(xs) || slices.Min(ys) == slices.Max(ys) {
		return Correlation{}, false
	}
	rho := stat.Correlation(ranks(xs), ranks(ys), nil)
	rho = max(-1, min(1, rho))
	c := Correlation{N: n, Rho: rho, Low: rho, High: rho}
	if math.Abs(rho) > 1-1e-12 {
		return c, true
	}
	z, half := math.Atanh(rho), distuv.UnitNormal.Quantile(1-(1-confidence)/2)*math.Sqrt((1+rho*rho/2)/float64(n-3))
	c.Low, c.High = math.Tanh(z-half), math.Tanh(z+half)
	t := math.Abs(rho) * math.Sqrt(float64(n-2)/(1-rho*rho))
	c.P = 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 2)}.Survival(t)
	return c, true
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
