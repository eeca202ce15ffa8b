package route

import (
	"github.com/dxctl/dxctl/metrics"
)

// Groupings are the ways to form cohorts.
var Groupings = []metrics.Grouping{metrics.Month, metrics.Quarter, metrics.HalfYear, metrics.Team}

// Buckets are the spans of the buckets of a deployment frequency.
var Buckets = []metrics.Grouping{metrics.Day, metrics.Week, metrics.Month}

// FirstDeployQuery reads of, cohort, from and to. The answers to unknown words name the known ones.
func FirstDeployQuery(r Request) (metrics.Population, metrics.TTFDOptions, error) {
	of := metrics.Population(r.Query("of", string(metrics.Engineers)))
	if err := OneOf("of", string(of), string(metrics.Engineers), string(metrics.Services)); err != nil {
		return of, metrics.TTFDOptions{}, err
	}
	opt := metrics.TTFDOptions{Cohort: metrics.Grouping(r.Query("cohort", string(metrics.Quarter)))}
	var groupings []string
	for _, g := range Groupings {
		groupings = append(groupings, string(g))
	}
	if err := OneOf("cohort", string(opt.Cohort), groupings...); err != nil {
		return of, opt, err
	}
	var err error
	opt.Window, err = WindowOf(r)
	return of, opt, err
}

// WindowOf reads from and to, half open.
func WindowOf(r Request) (metrics.Window, error) {
	var w metrics.Window
	var err error
	if w.From, err = parseInstant("from", r.Query("from", "")); err != nil {
		return w, err
	}
	if w.To, err = parseInstant("to", r.Query("to", "")); err != nil {
		return w, err
	}
	if !w.From.IsZero() && !w.To.IsZero() && !w.From.Before(w.To) {
		return w, BadRequest("from=%q is not earlier than to=%q; the window begins with from and ends before to",
			r.Query("from", ""), r.Query("to", ""))
	}
	return w, nil
}
