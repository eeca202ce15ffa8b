package charts

import "testing"

func TestScoreRange(t *testing.T) {
	for name, c := range map[string]struct {
		values    []float64
		low, high int
	}{
		"a few points apart":    {[]float64{51, 58}, 30, 80},
		"far apart":             {[]float64{4, 97}, 0, 100},
		"at the upper end":      {[]float64{96, 100}, 60, 100},
		"at the lower end":      {[]float64{0, 3}, 0, 40},
		"on a line of the axis": {[]float64{30, 70}, 30, 70},
	} {
		trend := Trend{Values: []*float64{nil}}
		for i := range c.values {
			trend.Values = append(trend.Values, &c.values[i])
		}
		if low, high := scoreRange([]Trend{trend}); low != c.low || high != c.high {
			t.Errorf("%s: the axis goes from %d to %d, want %d to %d", name, low, high, c.low, c.high)
		}
	}
}

func TestTone(t *testing.T) {
	for _, c := range []struct {
		point, points int
		name          string
		strength      float64
	}{
		{0, 5, "bad", 1}, {1, 5, "bad", 0.675}, {2, 5, "none", 1}, {4, 5, "good", 1}, {0, 2, "bad", 1}, {1, 2, "good", 1},
		{0, 1, "none", 1},
	} {
		if name, strength := Tone(c.point, c.points); name != c.name || round(strength, 3) != c.strength {
			t.Errorf("point %d of %d is %s %v, want %s %v", c.point, c.points, name, strength, c.name, c.strength)
		}
	}
}
