package metrics

import (
	"slices"
	"time"
)

// Labels of cohorts that are no span and no team.
const (
	labelAll     = "all"
	labelUnknown = "not known"
)

// estimate puts the subjects into cohorts and estimates each and all of them together. It returns a *LimitError when
// there are too many cohorts.
func estimate(rows []firstDeployRow, opt TTFDOptions, now time.Time) (TTFD, error) {
	var result TTFD
	var all group
	groups := map[string]*group{}
	var order []*group
	omitted := map[string]int{}
	for _, row := range rows {
		s := row.subject(now)
		// A window asks for a span of starts, so a start that is not known is in none but the open one.
		open := opt.Window.From.IsZero() && opt.Window.To.IsZero()
		if s.StartedAt.IsZero() && !open || !s.StartedAt.IsZero() && !opt.Window.Contains(s.StartedAt) {
			continue
		}
		label, start := cohortOf(s, opt.Cohort)
		s.Cohort = label
		g := groups[label]
		if g == nil {
			g = &group{label: label, start: start}
			groups[label] = g
			order = append(order, g)
		}
		g.add(s)
		all.add(s)
		if !s.Counted {
			omitted[s.Note]++
		}
		result.Subjects = append(result.Subjects, s)
	}
	if len(order) > MaxCohorts {
		return TTFD{}, &LimitError{Buckets: len(order), Bucket: opt.Cohort, Window: opt.Window, Cohorts: true}
	}
	slices.SortFunc(order, compareGroups)
	for _, g := range order {
		result.Cohorts = append(result.Cohorts, g.cohort())
	}
	all.label, all.start = labelAll, opt.Window.From
	result.Overall = all.cohort()
	thinCurves(result.Cohorts)
	result.Overall.Curve = Thin(result.Overall.Curve, MaxCurvePoints)
	for _, reason := range reasons {
		if n := omitted[reason]; n > 0 {
			result.Excluded = append(result.Excluded, Excluded{Reason: reason, N: n})
		}
	}
	return result, nil
}

// thinCurves shares MaxCurvePoints among the curves of the cohorts, each by its length.
func thinCurves(cohorts []Cohort) {
	total := 0
	for _, g := range cohorts {
		total += len(g.Curve)
	}
	if total <= MaxCurvePoints {
		return
	}
	for i := range cohorts {
		g := &cohorts[i]
		g.Curve = Thin(g.Curve, max(2, len(g.Curve)*MaxCurvePoints/total))
	}
}

func cohortOf(s Subject, by Grouping) (label string, start time.Time) {
	switch {
	case by == Team && s.Team == "":
		return labelUnknown, time.Time{}
	case by == Team:
		return s.Team, time.Time{}
	case s.StartedAt.IsZero():
		return labelUnknown, time.Time{}
	}
	start = by.start(s.StartedAt)
	return by.label(start), start
}

// group gathers the subjects of a cohort.
type group struct {
	label    string
	start    time.Time
	watched  []Duration
	deployed int
	excluded int
}

// compareGroups orders by start, then by label, with what is not known last.
func compareGroups(a, b *group) int {
	if (a.label == labelUnknown) != (b.label == labelUnknown) {
		if a.label == labelUnknown {
			return 1
		}
		return -1
	}
	if c := a.start.Compare(b.start); c != 0 {
		return c
	}
	if a.label < b.label {
		return -1
	}
	return 1
}

func (g *group) add(s Subject) {
	if !s.Counted {
		g.excluded++
		return
	}
	g.watched = append(g.watched, Duration{Hours: s.Hours, Event: s.DeployedAt != nil})
	if s.DeployedAt != nil {
		g.deployed++
	}
}

func (g *group) cohort() Cohort {
	curve := KaplanMeier(g.watched)
	return Cohort{
		Label: g.label, Start: g.start, N: len(g.watched), Deployed: g.deployed, Censored: len(g.watched) - g.deployed,
		Excluded: g.excluded, MedianHours: Quantile(curve, 0.5), P90Hours: Quantile(curve, 0.9), Curve: curve,
		CurveSteps: len(curve),
	}
}
