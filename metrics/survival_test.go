package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The remission times, in weeks, of leukemia patients under 6-mercaptopurine: Freireich, E. J. et al. (1963). The
// Effect of 6-Mercaptopurine on the Duration of Steroid-induced Remissions in Acute Leukemia. Blood 21 (6), 699–716. It
// is the worked example of the estimator in Cox and Oakes, Analysis of Survival Data (1984), and Kleinbaum and Klein,
// Survival Analysis, where the curve below is printed. A plus sign in the source means censored.
var sixMP = []Duration{
	{6, true}, {6, true}, {6, true}, {7, true}, {10, true}, {13, true}, {16, true}, {22, true}, {23, true},
	{6, false}, {9, false}, {10, false}, {11, false}, {17, false}, {19, false}, {20, false}, {25, false}, {32, false},
	{32, false}, {34, false}, {35, false},
}

// The placebo group of the same trial: nobody is censored.
var placebo = []float64{1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23}

func TestKaplanMeierPublishedCurve(t *testing.T) {
	want := []SurvivalPoint{
		{Hours: 6, AtRisk: 21, Events: 3, Survival: 0.8571},
		{Hours: 7, AtRisk: 17, Events: 1, Survival: 0.8067},
		{Hours: 10, AtRisk: 15, Events: 1, Survival: 0.7529},
		{Hours: 13, AtRisk: 12, Events: 1, Survival: 0.6902},
		{Hours: 16, AtRisk: 11, Events: 1, Survival: 0.6275},
		{Hours: 22, AtRisk: 7, Events: 1, Survival: 0.5378},
		{Hours: 23, AtRisk: 6, Events: 1, Survival: 0.4482},
	}
	curve := KaplanMeier(sixMP)
	if len(curve) != len(want) {
		t.Fatalf("%d steps, want %d: %+v", len(curve), len(want), curve)
	}
	for i, w := range want {
		got := curve[i]
		if got.Hours != w.Hours || got.AtRisk != w.AtRisk || got.Events != w.Events ||
			math.Abs(got.Survival-w.Survival) > 5e-5 {
			t.Errorf("step %d is %+v, want %+v", i, got, w)
		}
	}
	if median := Quantile(curve, 0.5); median == nil || *median != 23 {
		t.Errorf("median %v, published is 23 weeks", median)
	}
	if p90 := Quantile(curve, 0.9); p90 != nil {
		t.Errorf("p90 is %v, but the curve ends at 0.4482", *p90)
	}
}

func TestKaplanMeierWithoutCensoringIsTheEmpiricalShare(t *testing.T) {
	var watched []Duration
	for _, weeks := range placebo {
		watched = append(watched, Duration{weeks, true})
	}
	curve := KaplanMeier(watched)
	if median := Quantile(curve, 0.5); median == nil || *median != 8 {
		t.Errorf("median %v, published is 8 weeks", median)
	}
	for _, point := range curve {
		longer := 0
		for _, weeks := range placebo {
			if weeks > point.Hours {
				longer++
			}
		}
		if want := float64(longer) / float64(len(placebo)); math.Abs(point.Survival-want) > 1e-12 {
			t.Errorf("S(%v) = %v, want %v", point.Hours, point.Survival, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	hours := func(h float64) *float64 { return &h }
	tests := []struct {
		name    string
		watched []Duration
		p       float64
		want    *float64
	}{
		{"nobody", nil, 0.5, nil},
		{"one, waiting", []Duration{{5, false}}, 0.5, nil},
		{"one, deployed", []Duration{{5, true}}, 0.5, hours(5)},
		{"deployed at once", []Duration{{0, true}}, 0.5, hours(0)},
		{"exactly half", []Duration{{1, true}, {2, false}}, 0.5, hours(1)},
		{"censored at the time of an event still counts at it", []Duration{{1, true}, {1, false}, {1, false}}, 0.3, hours(1)},
		{"censored before the event does not", []Duration{{0.5, false}, {1, true}}, 0.5, hours(1)},
		{"not reached", []Duration{{1, true}, {2, false}, {3, false}}, 0.5, nil},
		{
			"p90 of ten",
			[]Duration{
				{1, true},
				{2, true},
				{3, true},
				{4, true},
				{5, true},
				{6, true},
				{7, true},
				{8, true},
				{9, true},
				{10, true},
			},
			0.9,
			hours(9),
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := Quantile(KaplanMeier(tc.watched), tc.p)
			if (got == nil) != (tc.want == nil) || got != nil && *got != *tc.want {
				t.Errorf("got %v, want %v", show(got), show(tc.want))
			}
		})
	}
}

func show(p *float64) any {
	if p == nil {
		return "not reached"
	}
	return *p
}

// What must hold of any curve: it falls, stays within 0 and 1, and does not depend on the order of the subjects.
func TestKaplanMeierProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		watched := make([]Duration, r.IntN(40))
		for i := range watched {
			watched[i] = Duration{float64(r.IntN(15)), r.IntN(3) > 0}
		}
		curve := KaplanMeier(watched)
		last := SurvivalPoint{Hours: -1, AtRisk: len(watched) + 1, Survival: 1}
		for _, point := range curve {
			if point.Survival >= last.Survival || point.Survival < 0 || point.Hours <= last.Hours ||
				point.AtRisk >= last.AtRisk {
				t.Fatalf("%+v after %+v in the curve of %v", point, last, watched)
			}
			last = point
		}
		r.Shuffle(len(watched), func(i, j int) { watched[i], watched[j] = watched[j], watched[i] })
		for i, point := range KaplanMeier(watched) {
			if point != curve[i] {
				t.Fatalf("the order of the subjects changed the curve: %+v and %+v", point, curve[i])
			}
		}
	}
}
