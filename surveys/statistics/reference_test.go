package statistics_test

import (
	"math"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/surveys/statistics"
)

// The numbers of this file were printed by testdata/reference.R (R's survey package, t.test, cor.test, p.adjust) and
// testdata/reference.py (statsmodels).

func moments(values ...float64) statistics.Moments {
	var m statistics.Moments
	for _, v := range values {
		m.Add(v, 1)
	}
	return m
}

func equal(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > 1e-6 {
		t.Errorf("%s is %.9f, want %.9f", what, got, want)
	}
}

var (
	team   = []float64{4, 5, 3, 4, 2, 5, 4, 4}
	before = []float64{2, 3, 3, 2, 4, 3, 2, 1, 3, 2}
)

func TestMeansAndTotalsEqualSurvey(t *testing.T) {
	net := statistics.Distribution{Counts: []int{1, 0, 0, 1, 0, 0, 1, 2, 2, 3, 2}}
	score, ok := net.NetPromoter(30)
	if !ok {
		t.Fatal("0 to 10 has a net promoter score")
	}
	for _, test := range []struct {
		name string
		got  statistics.Estimate
		want [4]float64 // mean, standard error, interval
	}{
		{"8 of 12", statistics.Mean(moments(team...), 12, 1, 5),
			[4]float64{3.875, 0.202293398428, 3.396652124140, 4.353347875860}},
		{"8 of 40", statistics.Mean(moments(team...), 40, 1, 5),
			[4]float64{3.875, 0.313391585264, 3.133946657240, 4.616053342760}},
		{"eNPS, 12 of 30", score, [4]float64{16.666666666667, 18.667748886377, -24.420771604567, 57.754104937901}},
	} {
		equal(t, test.name+": mean", test.got.Value, test.want[0])
		equal(t, test.name+": standard error", test.got.SE, test.want[1])
		equal(t, test.name+": low", test.got.Low, test.want[2])
		equal(t, test.name+": high", test.got.High, test.want[3])
	}
	for population, want := range map[int][2]float64{12: {46.5, 2.427520781138}, 40: {155, 12.535663410560}} {
		total, se := statistics.Total(moments(team...), population)
		equal(t, "total", total, want[0])
		equal(t, "standard error of the total", se, want[1])
	}
}

func TestWilsonEqualsStatsmodels(t *testing.T) {
	for _, test := range []struct {
		k, n      int
		low, high float64
	}{
		{0, 5, 0, 0.434482464783},
		{5, 5, 0.565517535217, 1},
		{3, 8, 0.136844285824, 0.694257605397},
		{1, 12, 0.014865094405, 0.353879911141},
		{42, 60, 0.574912920531, 0.801018338612},
		{4999, 5000, 0.998867910919, 0.999964694217},
	} {
		low, high := statistics.Wilson(test.k, test.n)
		equal(t, "low", low, test.low)
		equal(t, "high", high, test.high)
	}
}

func TestChangeEqualsWelch(t *testing.T) {
	c, ok := statistics.Compare(moments(before...), moments(team...))
	if !ok {
		t.Fatal("two samples can be compared")
	}
	equal(t, "difference", c.Difference, 1.375)
	equal(t, "low", c.Low, 0.427358681818)
	equal(t, "high", c.High, 2.322641318182)
	if c.WidestLow >= c.Low || c.WidestHigh <= c.High {
		t.Errorf("the interval for any dependence (%v to %v) is not wider than that of independent samples",
			c.WidestLow, c.WidestHigh)
	}
}

func TestRankCorrelationEqualsR(t *testing.T) {
	x := []float64{3.1, 4.2, 2.8, 3.9, 4.4, 3.3, 2.9, 4.0, 3.6, 4.2, 3.0, 3.7}
	y := []float64{18, 9, 22, 11, 10, 15, 20, 14, 12, 8, 25, 12}
	c, ok := statistics.Spearman(x, y)
	if !ok {
		t.Fatal("12 groups can be correlated")
	}
	equal(t, "rho", c.Rho, -0.912280701754)
	equal(t, "p", c.P, 0.000035249360)
	equal(t, "low", c.Low, -0.980809207510)
	equal(t, "high", c.High, -0.643130922454)
	for i, p := range statistics.Holm([]float64{0.01, 0.04, 0.03, 0.005, 0.5}) {
		equal(t, "adjusted p", p, []float64{0.04, 0.09, 0.09, 0.025, 0.5}[i])
	}
}

// The bounds and p-values of the same order were computed in Python from all exchanges of two values and from
// factorials. They are those of the nearest other order.
func TestRankCorrelationOfTheSameOrder(t *testing.T) {
	apart, tied := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, []float64{1, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9}
	for _, test := range []struct {
		name   string
		x      []float64
		low, p float64
	}{
		{"10 groups", apart, 0.928347748, 5.511463844797178e-07},
		{"12 groups with ties", tied, 0.965354953, 5.010421677088344e-08},
	} {
		opposite, exchanged := make([]float64, len(test.x)), slices.Clone(test.x)
		for i, v := range test.x {
			opposite[i] = -v
		}
		same, ok := statistics.Spearman(test.x, test.x)
		against, _ := statistics.Spearman(test.x, opposite)
		if !ok || same.Rho != 1 || same.High != 1 || against.Rho != -1 || against.Low != -1 || against.High != -same.Low {
			t.Errorf("%s: %+v and %+v", test.name, same, against)
		}
		equal(t, test.name+": low", same.Low, test.low)
		if math.Abs(same.P/test.p-1) > 1e-9 || same.P != against.P {
			t.Errorf("%s: p is %v and %v, want %v", test.name, same.P, against.P, test.p)
		}
		last := len(exchanged) - 1
		exchanged[last], exchanged[last-1] = exchanged[last-1], exchanged[last]
		near, _ := statistics.Spearman(test.x, exchanged)
		if near.Rho >= 1 || math.Abs(near.Low-same.Low) > 1e-12 || near.P < same.P {
			t.Errorf("%s: two neighbors exchanged have %+v, and the same order %+v", test.name, near, same)
		}
	}
}
