package statistics

import (
	"math"
	"testing"
)

// quantileT is the inverse of the distribution: of R's qt(0.975, degrees) and of the library that inverts it.
func TestQuantileT(t *testing.T) {
	for degrees, want := range map[float64]float64{1: 12.7062047361747, 2: 4.30265272974946, 5: 2.57058183563631,
		30: 2.04227245630124, 1000: 1.96233908082641} {
		if got := quantileT(degrees); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("%v degrees: %.12f, want %.12f", degrees, got, want)
		}
	}
	worst := 0.0
	for k := range 400 {
		degrees := math.Pow(1.04, float64(k)) // 1 to 6 million
		want := exactQuantileT(degrees)
		worst = max(worst, math.Abs(quantileT(degrees)/want-1))
	}
	if worst > 1e-8 {
		t.Errorf("quantileT is wrong by up to %.2g of its value", worst)
	}
	if got, one := quantileT(1-1e-12), quantileT(1); got != one {
		t.Errorf("hardly less than 1 degree: %v, want %v", got, one)
	}
}
