package words_test

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/report/words"
)

func known(v float64) *float64 { return &v }

func TestDays(t *testing.T) {
	for _, tt := range []struct {
		name string
		days *float64
		want string
	}{
		{"not reached", nil, "not reached yet"},
		{"zero", known(0), "0 min"},
		{"minutes", known(0.02), "29 min"},
		{"hours", known(0.5), "12 h"},
		{"days", known(2.04), "2 d"},
		{"less than nothing", known(-2), "-2 d"},
		{"a fortnight", known(13.7), "14 d"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := words.Days(tt.days); got != tt.want {
				t.Errorf("Days = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestDayIn: the day of a survey is that of its time zone, whatever it is in UTC.
func TestDayIn(t *testing.T) {
	for zone, hour := range map[string]int{"Europe/Berlin": -2, "UTC": 0, "America/Los_Angeles": 7} {
		in, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		midnight := time.Date(2026, 9, 14, hour, 0, 0, 0, time.UTC)
		got := words.Day(words.DayIn(midnight, in)) + ", " + words.Day(words.DayIn(midnight.Add(-1), in))
		if got != "14 Sep 2026, 13 Sep 2026" {
			t.Errorf("%s: %s", zone, got)
		}
	}
}

func TestHours(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hours *float64
		want  string
	}{
		{"not reached", nil, "not reached yet"},
		{"minutes", known(0.5), "30 min"},
		{"hours", known(12), "12 hours"},
		{"days", known(60), "2.5 days"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := words.Hours(tt.hours).String(); got != tt.want {
				t.Errorf("Hours = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMinutes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		minutes *float64
		want    string
	}{
		{"not known", nil, "—"},
		{"seconds", known(0.5), "30 s"},
		{"minutes", known(12.34), "12.3 min"},
		{"hours", known(150), "2.5 h"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := words.Minutes(tt.minutes).String(); got != tt.want {
				t.Errorf("Minutes = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPercentRoundsNothingUpToAllOrDownToNone(t *testing.T) {
	for _, tt := range []struct {
		name  string
		share *float64
		want  string
	}{
		{"not known", nil, "—"},
		{"none", known(0), "0 %"},
		{"hardly any", known(0.0004), "0.1 %"},
		{"half", known(0.5), "50 %"},
		{"almost all", known(0.9999), "99.9 %"},
		{"all", known(1), "100 %"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := words.Percent(tt.share); got != tt.want {
				t.Errorf("Percent = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		back time.Duration
		want string
	}{
		{"now", 0, "just now"},
		{"a clock that is a little ahead", -30 * time.Second, "just now"},
		{"later", -3 * time.Hour, "in 3 hours"},
		{"a minute", time.Minute, "1 minute ago"},
		{"days", 59 * 24 * time.Hour, "59 days ago"},
		{"months", 90 * 24 * time.Hour, "3 months ago"},
		{"years", 800 * 24 * time.Hour, "2 years ago"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := words.Ago(now.Add(-tt.back), now); got != tt.want {
				t.Errorf("Ago = %q, want %q", got, tt.want)
			}
		})
	}
}
