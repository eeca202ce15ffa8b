package statistics

import "math"

// Change is the difference of two means, the later less the earlier.
type Change struct {
	Difference float64
	// Low and High are the 95 % interval of Welch's t for two independent samples.
	Low, High float64
	// WidestLow and WidestHigh are the interval that holds for whatever dependence of the two samples.
	WidestLow, WidestHigh float64
	BeyondNoise           bool // zero lies outside of the widest interval
}

// Compare returns how a mean changed between two surveys; ok is false if one of them has fewer than two answers.
//
// Two quarters mostly ask the same people, and answers cannot be matched: how strongly the two samples depend on each
// other is not known. The standard error of the difference is √(SE₁² + SE₂² − 2ρ·SE₁·SE₂) with an unknown correlation
// ρ; it is largest, SE₁ + SE₂, for ρ = −1. A change is called so only if it is beyond that. The finite population
// correction is left out: also of a team that answered completely, the same people answer a little differently from
// one quarter to the next.
//
// Welch, B. L. (1947). The generalization of "Student's" problem when several different population variances are
// involved. Biometrika 34 (1–2), 28–35. doi:10.1093/biomet/34.1-2.28
func Compare(earlier, later Moments) (c Change, ok bool) {
	v1, ok1 := earlier.variance()
	v2, ok2 := later.variance()
	if !ok1 || !ok2 {
		return Change{}, false
	}
	n1, n2 := float64(earlier.N), float64(later.N)
	c.Difference = later.Sum/n2 - earlier.Sum/n1
	a, b := v1/n1, v2/n2
	if a+b == 0 { // all answered alike, both times: there is no noise to see
		c.Low, c.High, c.WidestLow, c.WidestHigh = c.Difference, c.Difference, c.Difference, c.Difference
		c.BeyondNoise = c.Difference != 0
		return c, true
	}
	degrees := (a + b) * (a + b) / (a*a/(n1-1) + b*b/(n2-1))
	t := quantileT(degrees)
	c.Low, c.High = c.Difference-t*math.Sqrt(a+b), c.Difference+t*math.Sqrt(a+b)
	widest := t * (math.Sqrt(a) + math.Sqrt(b))
	c.WidestLow, c.WidestHigh = c.Difference-widest, c.Difference+widest
	c.BeyondNoise = c.WidestLow > 0 || c.WidestHigh < 0
	return c, true
}
