package statistics_test

import (
	"math"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/surveys/statistics"
)

func TestFewAnswers(t *testing.T) {
	none := statistics.Mean(moments(), 9, 1, 5)
	if none.N != 0 || !math.IsNaN(none.Value) || !math.IsNaN(none.Low) || none.HasBounds {
		t.Errorf("no answers give %+v", none)
	}
	one := statistics.Mean(moments(4), 9, 1, 5)
	if one.Value != 4 || !math.IsNaN(one.SE) || !math.IsNaN(one.Low) {
		t.Errorf("one answer gives %+v, want a mean without an interval", one)
	}
	if s := statistics.Share(0, 0, 9); !math.IsNaN(s.Value) || !math.IsNaN(s.Low) {
		t.Errorf("the share of no answers is %+v", s)
	}
}

func TestBoundsOfNonResponse(t *testing.T) {
	for _, test := range []struct {
		name       string
		population int
		has        bool
		worst      float64
		best       float64
	}{
		{"8 of 10", 10, true, (31 + 2*1) / 10.0, (31 + 2*5) / 10.0},
		{"all", 8, true, 31 / 8.0, 31 / 8.0},
		{"8 of 11 is too little", 11, false, 0, 0},
		{"population not known", 0, false, 0, 0},
		{"population smaller than the answers", 7, false, 0, 0},
	} {
		e := statistics.Mean(moments(team...), test.population, 1, 5)
		if e.HasBounds != test.has || math.Abs(e.Worst-test.worst) > 1e-12 || math.Abs(e.Best-test.best) > 1e-12 {
			t.Errorf("%s: bounds %v, %v to %v", test.name, e.HasBounds, e.Worst, e.Best)
		}
	}
	whole := statistics.Mean(moments(team...), 8, 1, 5)
	if whole.SE != 0 || whole.Low != whole.Value {
		t.Errorf("everybody answered, and the standard error is %v", whole.SE)
	}
	unknown, tooSmall := statistics.Mean(moments(team...), 0, 1, 5), statistics.Mean(moments(team...), 7, 1, 5)
	if unknown.SE != tooSmall.SE || unknown.SE == 0 {
		t.Errorf("without a usable population the standard errors are %v and %v", unknown.SE, tooSmall.SE)
	}
}

func TestIntervalStaysOnTheScale(t *testing.T) {
	e := statistics.Mean(moments(5, 5, 5, 5, 2), 100, 1, 5)
	if e.High != 5 || e.Low >= e.Value {
		t.Errorf("interval %v to %v", e.Low, e.High)
	}
}

func TestDistribution(t *testing.T) {
	d := statistics.Distribution{Min: 1, Counts: []int{0, 1, 1, 4, 2}}
	equal(t, "mean", d.Mean(12).Value, 3.875)
	equal(t, "score", d.Score(12).Value, 100*(3.875-1)/4)
	top := d.TopTwo(12)
	equal(t, "top two", top.Value, 6.0/8)
	if d.N() != 8 || d.Max() != 5 || top.N != 8 {
		t.Errorf("n %d, highest point %d", d.N(), d.Max())
	}
	if _, ok := d.NetPromoter(12); ok {
		t.Error("a scale of 5 points has a net promoter score")
	}
}

func TestScores(t *testing.T) {
	for _, test := range []struct {
		point, low, high int
		want             float64
	}{{1, 1, 5, 0}, {3, 1, 5, 50}, {7, 1, 7, 100}, {0, 0, 10, 0}, {7, 0, 10, 70}, {1, 1, 10, 0}} {
		equal(t, "score", statistics.ItemScore(test.point, test.low, test.high), test.want)
	}
	if rate, ok := statistics.ResponseRate(9, 12); rate != 0.75 || !ok {
		t.Errorf("response rate %v", rate)
	}
	for _, population := range []int{0, 8} {
		if _, ok := statistics.ResponseRate(9, population); ok {
			t.Errorf("9 of %d have a response rate", population)
		}
	}
}

func TestChangeBeyondNoise(t *testing.T) {
	steady := []float64{3, 4, 3, 4, 3, 4}
	for _, test := range []struct {
		name           string
		earlier, later []float64
		known, beyond  bool
	}{
		{"clearly higher", []float64{1, 2, 1, 2, 1, 2}, []float64{4, 5, 4, 5, 4, 5}, true, true},
		{"clearly lower", []float64{4, 5, 4, 5, 4, 5}, []float64{1, 2, 1, 2, 1, 2}, true, true},
		{"the same", steady, steady, true, false},
		{"beyond Welch's interval only", []float64{2, 3, 2, 3, 3, 2, 3, 2}, []float64{3, 3, 4, 2, 4, 3, 3, 4}, true, false},
		{"all alike, then all alike", []float64{3, 3}, []float64{4, 4}, true, true},
		{"one answer", []float64{3}, steady, false, false},
	} {
		c, ok := statistics.Compare(moments(test.earlier...), moments(test.later...))
		if ok != test.known || c.BeyondNoise != test.beyond {
			t.Errorf("%s: known %v, beyond noise %v: %+v", test.name, ok, c.BeyondNoise, c)
		}
		if test.name == "beyond Welch's interval only" && c.Low <= 0 {
			t.Errorf("%s: Welch's interval begins at %v", test.name, c.Low)
		}
	}
}

func TestCorrelationNeedsGroups(t *testing.T) {
	xs := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if _, ok := statistics.Spearman(xs[:9], xs[:9]); ok {
		t.Error("nine groups are correlated")
	}
	if _, ok := statistics.Spearman(xs, make([]float64, 10)); ok {
		t.Error("a number that is the same everywhere is correlated")
	}
	down := slices.Clone(xs)
	slices.Reverse(down)
	if c, ok := statistics.Spearman(xs, down); !ok || c.Rho != -1 || c.High <= c.Low || c.P <= 0 {
		t.Errorf("opposite orders give %+v", c)
	}
}

func TestMeanOfItems(t *testing.T) {
	a, b := moments(0, 50, 100, 50), moments(100, 100, 0, 0, 50)
	m, ok := statistics.MeanOfItems([]statistics.Moments{a, b}, 4)
	if !ok || m.N != 4 {
		t.Fatalf("two of four items: %+v, %v", m, ok)
	}
	first, second := statistics.Mean(a, 0, 0, 100), statistics.Mean(b, 0, 0, 100)
	got := statistics.Mean(m, 0, 0, 100)
	equal(t, "mean", got.Value, (first.Value+second.Value)/2)
	equal(t, "standard error", got.SE, (first.SE+second.SE)/2)
	for _, items := range [][]statistics.Moments{nil, {a}, {a, moments(5)}} {
		if _, ok := statistics.MeanOfItems(items, 3); ok {
			t.Errorf("%d of 3 items are enough", len(items))
		}
	}
}
