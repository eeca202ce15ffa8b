package web

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/web/charts"
)

// dash stands where a value is not known. Unknown is not zero.
const dash = "—"

// ago says how far t lies from now, as a person would.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		if d > -time.Minute {
			return "just now"
		}
		return "in " + span(-d)
	}
	if d < time.Minute {
		return "just now"
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
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

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// whole writes an integer with thousands apart.
func whole[T int | int64 | uint64](n T) string {
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

// quantity is a value apart from its unit, so that a page can set them differently.
type quantity struct{ Value, Unit string }

func (q quantity) String() string {
	if q.Unit == "" {
		return q.Value
	}
	return q.Value + " " + q.Unit
}

// hours writes a span of hours in the unit that people would use. nil is a quantile that was not reached.
func hours(h *float64) quantity {
	if h == nil {
		return quantity{Value: "not reached yet"}
	}
	days := *h / 24
	value, unit, _ := strings.Cut(charts.Days(&days), " ")
	return quantity{value, map[string]string{"min": "min", "h": "hours", "d": "days"}[unit]}
}

// minutes writes a number of minutes.
func minutes(m *float64) quantity {
	switch {
	case m == nil:
		return quantity{Value: dash}
	case *m < 1:
		return quantity{charts.Number(*m*60, 0), "s"}
	case *m < 90:
		return quantity{charts.Number(*m, 1), "min"}
	}
	return quantity{charts.Number(*m/60, 1), "h"}
}

// percent writes a share of 0 to 1. 99.6 % is not 100 %: nothing is rounded up to all or down to none.
func percent(share *float64) string {
	if share == nil {
		return dash
	}
	p := *share * 100
	r := math.Round(p)
	if (r == 100 && p < 100) || (r == 0 && p > 0) {
		return charts.Number(math.Min(math.Max(p, 0.1), 99.9), 1) + " %"
	}
	return charts.Number(r, 0) + " %"
}

// refName shortens an entity ref for reading: component:default/x is x, component:team/x is team/x.
func refName(ref string) string {
	_, rest, found := strings.Cut(ref, ":")
	if !found {
		return ref
	}
	return strings.TrimPrefix(rest, "default/")
}

// servicePath is the page of a service. What no service claims has its place on /unmapped.
func servicePath(ref string) string {
	kind, rest, _ := strings.Cut(ref, ":")
	namespace, name, found := strings.Cut(rest, "/")
	if !found {
		return ""
	}
	if kind == "unmapped" {
		return "/unmapped"
	}
	return "/services/" + url.PathEscape(namespace) + "/" + url.PathEscape(name)
}

// eventsPath is the list of the events behind a figure. Arguments come in pairs; empty values are left out.
func eventsPath(kind string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return "/events/" + kind
	}
	return "/events/" + kind + "?" + query.Encode()
}

// instant writes t for a query parameter; the zero time is "".
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// httpURL returns u when a link to it is safe, else "".
func httpURL(u string) string {
	parsed, err := url.Parse(u)
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" {
		return ""
	}
	return u
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return whole(n) + " " + many
}

// mark is the sign of an outcome. The word is always beside it.
func mark(outcome string) string {
	switch outcome {
	case "pass":
		return "✓"
	case "fail":
		return "✕"
	case "error":
		return "!"
	case "unknown", "stale":
		return "?"
	case "waived":
		return "~"
	}
	return "–"
}

func queryString(name, value string) string { return url.Values{name: {value}}.Encode() }

// kindName is a kind of event in the plural.
func kindName(kind string) string {
	switch kind {
	case "pipeline_run":
		return "CI runs"
	case "pipeline_job":
		return "CI jobs"
	}
	return strings.ReplaceAll(kind, "_", " ") + "s"
}
