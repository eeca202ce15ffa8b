package metrics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Window is a half-open span of time: From is part of it, To is not. Zero means open: From the first record of the kind
// that the metric counts, To the present. Both are instants; the buckets in it are UTC.
type Window struct {
	From time.Time `json:"from" nullable:"true"`
	To   time.Time `json:"to"   nullable:"true"`
}

// Contains reports whether t lies in the window.
func (w Window) Contains(t time.Time) bool {
	return (w.From.IsZero() || !t.Before(w.From)) && (w.To.IsZero() || t.Before(w.To))
}

func (w Window) validate() error {
	if !w.From.IsZero() && !w.To.IsZero() && !w.From.Before(w.To) {
		return errors.New("metrics: the window ends before it begins")
	}
	return nil
}

// Last returns the window of the given number of days that ends now.
func Last(days int, now time.Time) Window {
	return Window{From: now.AddDate(0, 0, -days), To: now}
}

// Grouping says by what numbers are put together: by a span of time, by team or by service.
type Grouping string

// The groupings. Weeks begin on Monday; all spans are UTC.
const (
	Day      Grouping = "day"
	Week     Grouping = "week"
	Month    Grouping = "month"
	Quarter  Grouping = "quarter"
	HalfYear Grouping = "half-year"
	Team     Grouping = "team"
	Service  Grouping = "service"
)

// whole is the grouping that puts a window into one bucket; only the queries know it.
const whole Grouping = "whole"

func (g Grouping) oneOf(what string, allowed ...Grouping) error {
	for _, a := range allowed {
		if g == a {
			return nil
		}
	}
	return fmt.Errorf("metrics: cannot group %s by %q; use one of %q", what, string(g), allowed)
}

func pointer[T any](v T) *T { return &v }

// start returns the beginning of the span of this grouping that t lies in.
func (g Grouping) start(t time.Time) time.Time {
	t = t.UTC()
	y, m, d := t.Date()
	switch g {
	case Week:
		return time.Date(y, m, d-(int(t.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
	case Month:
		return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	case Quarter:
		return time.Date(y, (m-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	case HalfYear:
		return time.Date(y, (m-1)/6*6+1, 1, 0, 0, 0, 0, time.UTC)
	default:
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
}

// next returns the beginning of the span after the one that begins at t.
func (g Grouping) next(t time.Time) time.Time {
	switch g {
	case Week:
		return t.AddDate(0, 0, 7)
	case Month:
		return t.AddDate(0, 1, 0)
	case Quarter:
		return t.AddDate(0, 3, 0)
	case HalfYear:
		return t.AddDate(0, 6, 0)
	default:
		return t.AddDate(0, 0, 1)
	}
}

// label names the span that begins at t: 2026-11-22, 2026-11, 2026-Q4, 2026-H2.
func (g Grouping) label(t time.Time) string {
	switch g {
	case Month:
		return t.Format("2006-01")
	case Quarter:
		return fmt.Sprintf("%d-Q%d", t.Year(), (int(t.Month())-1)/3+1)
	case HalfYear:
		return fmt.Sprintf("%d-H%d", t.Year(), (int(t.Month())-1)/6+1)
	default:
		return t.Format(time.DateOnly)
	}
}

// coverage is the part of a window that something is known about: from the first record of the kind that a metric
// counts until now. A week before that is not a week without deployments, and a service without deployments may well
// have a history of pipeline runs.
type coverage struct {
	Window        // as asked, with its open ends filled in; From is zero when nothing was ever collected
	known  Window // the covered part
}

// weeks is the length of the covered part in weeks, and at least one, so that three deployments in the first hour of
// collection do not become five hundred a week.
func (c coverage) weeks() float64 {
	return max(1, c.known.To.Sub(c.known.From).Hours()/(7*24))
}

// covers reports whether all of the span is covered.
func (c coverage) covers(from, to time.Time) bool {
	return !c.known.From.IsZero() && !from.Before(c.known.From) && !to.After(c.known.To)
}

// touches reports whether a part of the span is covered. Where a source was asked and has no records at all, their
// history has no beginning, and everything until now is covered.
func (c coverage) touches(from, to time.Time) bool {
	return from.Before(c.known.To) && (c.known.From.IsZero() || to.After(c.known.From))
}

// firstTime is before every record: the store has no earlier times.
var firstTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// bounded fills in the open ends of w for a query that counts records: without asking when their history begins,
// which [Engine.cover] does for rates and series.
func (e *Engine) bounded(w Window) Window {
	if w.From.IsZero() {
		w.From = firstTime
	}
	if w.To.IsZero() {
		w.To = e.now().UTC()
	}
	return w
}

// cover fills in the open ends of w and cuts it to what is known of a kind: deployments, pipeline runs or changes.
func (e *Engine) cover(ctx context.Context, w Window, kind event.Kind) (coverage, error) {
	if err := w.validate(); err != nil {
		return coverage{}, err
	}
	var rows []struct {
		Since *time.Time `ch:"since"`
	}
	if err := e.queryFile(ctx, "history/"+string(kind)+".sql", &rows, nil); err != nil {
		return coverage{}, err
	}
	now := e.now().UTC()
	c := coverage{Window: w, known: w}
	if c.To.IsZero() {
		c.To = now
	}
	c.known.To = c.To
	if c.known.To.After(now) {
		c.known.To = now
	}
	if len(rows) == 0 || rows[0].Since == nil {
		c.known.From = time.Time{}
		if c.From.IsZero() {
			c.From = c.To
		}
		return c, nil
	}
	since := rows[0].Since.UTC()
	if c.From.IsZero() {
		c.From = since
	}
	c.known.From = c.From
	if since.After(c.known.From) {
		c.known.From = since
	}
	return c, nil
}
