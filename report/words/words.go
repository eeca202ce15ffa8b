// Package words puts units, durations and names into words, once for the pages, the API, the charts and the command
// line.
package words

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Dash stands where a value is not known. Unknown is not zero.
const Dash = "—"

// NotReached stands for a quantile that an estimate did not reach.
const NotReached = "not reached yet"

// Ago is how far t lies from now, in the largest unit that fits.
func Ago(t, now time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		if d > -time.Minute {
			return "just now"
		}
		return "in " + Span(-d)
	}
	if d < time.Minute {
		return "just now"
	}
	return Span(d) + " ago"
}

// Span is a length of time in whole units, rounded down.
func Span(d time.Duration) string {
	count := func(n int, unit string) string { return Plural(n, unit, unit+"s") }
	switch days := int(d.Hours() / 24); {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return count(int(d.Minutes()), "minute")
	case d < 24*time.Hour:
		return count(int(d.Hours()), "hour")
	case days < 60:
		return count(days, "day")
	case days < 730:
		return count(days/30, "month")
	default:
		return count(days/365, "year")
	}
}

// UTC is an instant to the second.
func UTC(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Day is a date; the zero time is a dash.
func Day(t time.Time) string {
	if t.IsZero() {
		return Dash
	}
	return t.UTC().Format("2 Jan 2006")
}

// DayIn is the day of t in a time zone, as its midnight in UTC, so that Day writes it as it is there.
func DayIn(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Instant is t as a query parameter takes it; the zero time is "".
func Instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Whole writes an integer with a thin space between thousands.
func Whole[T int | int64 | uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return sign + s
}

// Number writes v with at most digits decimals and no trailing zeros.
func Number(v float64, digits int) string {
	s := fmt.Sprintf("%.*f", digits, v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// Fixed writes v with so many decimals, also where they are zeros, so that the numbers of a column can be compared.
func Fixed(v float64, digits int) string {
	s := fmt.Sprintf("%.*f", digits, v)
	if zero := strings.TrimPrefix(s, "-"); strings.Trim(zero, "0.") == "" {
		return zero
	}
	return s
}

// Plural is a count with its noun.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Whole(n) + " " + many
}

// Quantity is a value apart from its unit, so that a page can style them differently.
type Quantity struct{ Value, Unit string }

// String joins value and unit with a space.
func (q Quantity) String() string {
	if q.Unit == "" {
		return q.Value
	}
	return q.Value + " " + q.Unit
}

// Hours writes a span of hours in minutes, hours or days; nil is a quantile that was not reached.
func Hours(h *float64) Quantity {
	if h == nil {
		return Quantity{Value: NotReached}
	}
	days := *h / 24
	value, unit, _ := strings.Cut(Days(&days), " ")
	return Quantity{value, map[string]string{"min": "min", "h": "hours", "d": "days"}[unit]}
}

// Days writes a span of days in minutes, hours or days; nil is a quantile that was not reached.
func Days(d *float64) string {
	if d == nil {
		return NotReached
	}
	switch long := math.Abs(*d); {
	case long*24*60 < 90:
		return Number(*d*24*60, 0) + " min"
	case long < 1:
		return Number(*d*24, 1) + " h"
	case long < 10:
		return Number(*d, 1) + " d"
	}
	return Number(*d, 0) + " d"
}

// Minutes writes a number of minutes in seconds, minutes or hours; nil is not known.
func Minutes(m *float64) Quantity {
	switch {
	case m == nil:
		return Quantity{Value: Dash}
	case *m < 1:
		return Quantity{Number(*m*60, 0), "s"}
	case *m < 90:
		return Quantity{Number(*m, 1), "min"}
	}
	return Quantity{Number(*m/60, 1), "h"}
}

// Percent writes a share of 0 to 1; nil is not known. 99.6 % is not 100 %: nothing is rounded up to all or down to
// none.
func Percent(share *float64) string {
	if share == nil {
		return Dash
	}
	p := *share * 100
	r := math.Round(p)
	if (r == 100 && p < 100) || (r == 0 && p > 0) {
		return Number(math.Min(math.Max(p, 0.1), 99.9), 1) + " %"
	}
	return Number(r, 0) + " %"
}

// Interval writes an interval of shares of 0 to 1: "60–75 %", and one number where the ends are written alike.
func Interval(low, high float64) string {
	from, to := Percent(&low), Percent(&high)
	if from == to {
		return from
	}
	return strings.TrimSuffix(from, " %") + "–" + to
}

// Change is how a median moved, as a share of what it was: negative is shorter.
func Change(share float64) string {
	switch {
	case share <= -0.005:
		return fmt.Sprintf("%.0f %% shorter", -share*100)
	case share >= 0.005:
		return fmt.Sprintf("%.0f %% longer", share*100)
	}
	return "as long"
}

// RefName shortens an entity ref for reading: component:default/x is x, component:team/x is team/x.
func RefName(ref string) string {
	_, rest, found := strings.Cut(ref, ":")
	if !found {
		return ref
	}
	return strings.TrimPrefix(rest, "default/")
}

// KindName is a kind of event in the plural.
func KindName(kind string) string {
	switch kind {
	case "pipeline_run":
		return "CI runs"
	case "pipeline_job":
		return "CI jobs"
	}
	return strings.ReplaceAll(kind, "_", " ") + "s"
}

// Level is a level of a scorecard in lower case; no level at all is "none".
func Level(level string) string {
	if level == "" {
		return "none"
	}
	return strings.ToLower(level)
}

// Inside writes a title as it stands inside a sentence: Deployments as deployments, CI jobs as CI jobs.
func Inside(title string) string {
	first, rest, _ := strings.Cut(title, " ")
	if first != strings.ToUpper(first) {
		first = strings.ToLower(first)
	}
	if rest == "" {
		return first
	}
	return first + " " + rest
}
