package metrics

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/event"
)

// CIWeeks is how the CI of a service did, week by week.
type CIWeeks struct {
	Duration     Definition     `json:"duration"`     // of the minutes
	Success      Definition     `json:"success_rate"` // of the rate
	Weeks        []CIWeek       `json:"weeks"`        // every week of the window, also those without runs
	Missing      []Missing      `json:"missing"`      // what was never collected, when that is why the counts are nil
	Completeness []Completeness `json:"completeness"`
}

// CIWeek is one week. The rate and the minutes are nil in a week without data; the rate rests on Runs attempts, the
// minutes on Timed. The counts of attempts are nil where no source was asked for runs, and before the history of runs
// begins.
type CIWeek struct {
	Start     time.Time `json:"start"`
	Runs      *int      `json:"runs"` // attempts that succeeded or failed
	Succeeded *int      `json:"succeeded"`
	Failed    *int      `json:"failed"`
	Other     *int      `json:"other"`    // cancelled, skipped and open attempts; in no rate
	Timed     int       `json:"timed"`    // succeeded, and in the quantiles
	Negative  int       `json:"negative"` // succeeded, but ended before they started: in no quantile
	// succeeded, but without a duration, and without a start or an end: in no quantile
	Untimed       int      `json:"untimed"`
	SuccessRate   *float64 `json:"success_rate"`
	MedianMinutes *float64 `json:"median_minutes"`
	P95Minutes    *float64 `json:"p95_minutes"`
	Partial       bool     `json:"partial"` // the week is cut by the window, by now, or by the first known run
}

type durationRow struct {
	Service   string    `ch:"service"`
	Bucket    time.Time `ch:"bucket"`
	Succeeded uint64    `ch:"succeeded"`
	Timed     uint64    `ch:"timed"`
	Negative  uint64    `ch:"negative"`
	Untimed   uint64    `ch:"untimed"`
	Median    *float64  `ch:"median"`
	P95       *float64  `ch:"p95"`
}

type successRow struct {
	Service   string     `ch:"service"`
	Bucket    time.Time  `ch:"bucket"`
	Succeeded uint64     `ch:"succeeded"`
	Failed    uint64     `ch:"failed"`
	Other     uint64     `ch:"other"`
	LastAt    *time.Time `ch:"last_at"`
}

func (r successRow) rate() *float64 { return share(r.Succeeded, r.Succeeded+r.Failed) }

// share is part / all, or nil of nothing.
func share(part, all uint64) *float64 {
	if all == 0 {
		return nil
	}
	s := float64(part) / float64(all)
	return &s
}

// CISeries returns the CI of one service week by week.
func (e *Engine) CISeries(ctx context.Context, service string, w Window) (CIWeeks, error) {
	c, err := e.cover(ctx, w, event.KindPipelineRun)
	if err == nil {
		err = c.limit(Week)
	}
	if err != nil {
		return CIWeeks{}, err
	}
	params := map[string]any{"service": service, "bucket": string(Week), "from": c.From, "to": c.To}
	var durations []durationRow
	var result CIWeeks
	if result.Duration, err = e.query(ctx, CIDurationID, &durations, params); err != nil {
		return CIWeeks{}, err
	}
	var successes []successRow
	if result.Success, err = e.query(ctx, CISuccessRateID, &successes, params); err != nil {
		return CIWeeks{}, err
	}
	if result.Completeness, err = e.Completeness(ctx, CIDurationID, service); err != nil {
		return CIWeeks{}, err
	}
	collected, err := e.collected(ctx, service, event.KindPipelineRun)
	if err != nil {
		return CIWeeks{}, err
	}
	result.Missing = collected.missing(service, event.KindPipelineRun)
	result.Weeks = ciWeeks(successes, durations, c, len(result.Missing) == 0)
	return result, nil
}

// ciWeeks lays the rows over all weeks of the window. Unless runs were collected a week without rows has no counts.
func ciWeeks(successes []successRow, durations []durationRow, c coverage, collected bool) []CIWeek {
	weeks := map[time.Time]CIWeek{}
	for _, row := range successes {
		var week CIWeek
		week.count(row)
		weeks[row.Bucket.UTC()] = week
	}
	for _, row := range durations {
		week := weeks[row.Bucket.UTC()]
		week.Timed, week.Negative, week.Untimed = int(row.Timed), int(row.Negative), int(row.Untimed)
		week.MedianMinutes, week.P95Minutes = row.Median, row.P95
		weeks[row.Bucket.UTC()] = week
	}
	var list []CIWeek
	for start := Week.start(c.From); start.Before(c.To); start = Week.next(start) {
		week, end := weeks[start], Week.next(start)
		if week.Runs == nil && collected && c.touches(start, end) {
			week.count(successRow{})
		}
		week.Start, week.Partial = start, !c.covers(start, end)
		list = append(list, week)
	}
	return list
}

func (w *CIWeek) count(row successRow) {
	w.Runs, w.Succeeded = pointer(int(row.Succeeded+row.Failed)), pointer(int(row.Succeeded))
	w.Failed, w.Other = pointer(int(row.Failed)), pointer(int(row.Other))
	w.SuccessRate = row.rate()
}

// DefaultBranchStats is how the CI of a service did on its default branch in a window. The rate and the minutes are nil
// without attempts to compute them from.
type DefaultBranchStats struct {
	Service     string   `json:"service"`
	Branch      string   `json:"branch"`  // "": not known, so main and master count
	Unnamed     bool     `json:"unnamed"` // no attempt names a branch, so all count
	Succeeded   int      `json:"succeeded"`
	Failed      int      `json:"failed"`
	Others      int      `json:"others"` // attempts that succeeded or failed, but not on the default branch
	Timed       int      `json:"timed"`  // succeeded, and in the quantile
	P90Minutes  *float64 `json:"p90_minutes"`
	SuccessRate *float64 `json:"success_rate"` // 0 to 1
}

// DefaultBranch returns the CI of the default branches of all services that have any runs in the window, by ref; of one
// service only, unless service is empty.
func (e *Engine) DefaultBranch(ctx context.Context, w Window, service string) ([]DefaultBranchStats, error) {
	if err := w.validate(); err != nil {
		return nil, err
	}
	w = e.bounded(w)
	var rows []struct {
		Service   string   `ch:"service"`
		Branch    string   `ch:"branch"`
		Unnamed   bool     `ch:"unnamed"`
		Succeeded uint64   `ch:"succeeded"`
		Failed    uint64   `ch:"failed"`
		Others    int64    `ch:"others"`
		Timed     uint64   `ch:"timed"`
		P90       *float64 `ch:"p90"`
	}
	params := map[string]any{"service": service, "from": w.From, "to": w.To}
	if _, err := e.query(ctx, CIDefaultBranchID, &rows, params); err != nil {
		return nil, err
	}
	stats := make([]DefaultBranchStats, len(rows))
	for i, r := range rows {
		stats[i] = DefaultBranchStats{
			Service:     r.Service,
			Branch:      r.Branch,
			Unnamed:     r.Unnamed,
			Succeeded:   int(r.Succeeded),
			Failed:      int(r.Failed),
			Others:      int(r.Others),
			Timed:       int(r.Timed),
			P90Minutes:  r.P90,
			SuccessRate: share(r.Succeeded, r.Succeeded+r.Failed),
		}
	}
	return stats, nil
}
