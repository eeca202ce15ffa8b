package surveys

import (
	"testing"
	"time"
)

func TestParseScale(t *testing.T) {
	for text, want := range map[string]Scale{
		"1-5": {1, 5}, " 1–7 ": {1, 7}, "1 - 10": {1, 10}, "0-10": {0, 10},
		"": {}, "5": {}, "0-5": {}, "1-6": {}, "a-b": {}, "-1-5": {}, "5-1": {},
	} {
		got, err := ParseScale(text)
		if got != want || (err == nil) != (want != Scale{}) {
			t.Errorf("ParseScale(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestGood(t *testing.T) {
	for _, c := range []struct {
		item        Item
		point, want int
	}{
		{Item{Scale: Scale{1, 5}}, 2, 2},
		{Item{Scale: Scale{1, 5}, Reversed: true}, 2, 4},
		{Item{Scale: Scale{1, 7}, Reversed: true}, 4, 4},
		{Item{Scale: Scale{0, 10}, Reversed: true}, 0, 10},
		{Item{Scale: Scale{1, 10}, Reversed: true}, 10, 1},
	} {
		if got := c.item.Good(c.point); got != c.want {
			t.Errorf("%+v: point %d is %d in the good direction, want %d", c.item.Scale, c.point, got, c.want)
		}
	}
}

func TestTenureAt(t *testing.T) {
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	at := day("2026-09-30")
	for text, want := range map[string]Tenure{
		"2026-10-01": "", "2026-09-30": UnderThreeMonths, "2026-07-01": UnderThreeMonths, "2026-06-30": UnderOneYear,
		"2025-10-01": UnderOneYear, "2025-09-30": UnderThreeYears, "2023-10-01": UnderThreeYears, "2023-09-30": ThreeYears,
	} {
		if got := TenureAt(day(text), at); got != want {
			t.Errorf("started on %s: %q, want %q", text, got, want)
		}
	}
	if got := TenureAt(time.Time{}, at); got != "" {
		t.Errorf("an unknown start gives %q", got)
	}
}
