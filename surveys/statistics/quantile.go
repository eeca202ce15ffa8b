package statistics

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/stat/distuv"
)

// quantileNodes is the number of coefficients of chebyshev. With them quantileT is exact to 1e-8 of its value.
const quantileNodes = 40

// chebyshev are the coefficients of the Chebyshev polynomials by which quantileT is interpolated: of its logarithm as a
// function of one over the degrees of freedom, which is smooth from 0, the normal distribution, to 1.
var chebyshev = sync.OnceValue(func() []float64 {
	values, coefficients := make([]float64, quantileNodes), make([]float64, quantileNodes)
	angle := func(k int) float64 { return math.Pi * (float64(k) + 0.5) / quantileNodes }
	for k := range values {
		values[k] = math.Log(exactQuantileT(2 / (math.Cos(angle(k)) + 1)))
	}
	for j := range coefficients {
		for k, value := range values {
			coefficients[j] += 2 / float64(quantileNodes) * value * math.Cos(float64(j)*angle(k))
		}
	}
	coefficients[0] /= 2
	return coefficients
})

// quantileT is the factor of a 95 % interval by Student's t: 12.7 for 1 degree of freedom, 1.96 for infinitely many.
// The degrees need not be a whole number; fewer than 1, which only rounding makes, count as 1. A page has an interval
// for each of ten thousands of numbers, and inverting the distribution for each would take most of its time.
func quantileT(degrees float64) float64 {
	// Clenshaw's recurrence.
	x, next, afterNext := 2/max(1, degrees)-1, 0.0, 0.0
	all := chebyshev()
	for j := len(all) - 1; j > 0; j-- {
		next, afterNext = all[j]+2*x*next-afterNext, next
	}
	return math.Exp(all[0] + x*next - afterNext)
}

func exactQuantileT(degrees float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: degrees}.Quantile(1 - (1-confidence)/2)
}
