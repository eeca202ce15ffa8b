package web

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/web/charts"
)

// smallGroup is the size under which a median says little; the pages say so beside it.
const smallGroup = 5

type firstDeployView struct {
	layout
	Of        metrics.Subjects
	What, One string // engineers, engineer
	Tabs      []navItem
	ActiveTab string
	Groupings []navItem
	Grouping  string
	Result    metrics.TTFD
	Basis     basisView
	Curve     charts.Chart
	Cohorts   charts.Chart
	Rows      []cohortRow
	Subjects  []metrics.Subject
	Uncounted int    // cohorts of whom nobody is in the estimate
	Only      string // the cohort that the list is narrowed to
	All       string // the list of all
	Omitted   int    // subjects that are in no estimate
	Cut       int    // subjects beyond subjectLimit
}

// cohortRow is a cohort with the list of who is in it.
type cohortRow struct {
	metrics.Cohort
	Link  string
	Small bool
}

const subjectLimit = 500

// firstDeploy shows time to first deploy of engineers or services.
func (a *app) firstDeploy(ctx context.Context, r request) (answer, error) {
	of, opt, err := firstDeployQuery(r)
	if err != nil {
		return answer{}, err
	}
	result, err := a.figures.firstDeploy(ctx, of, opt)
	if err != nil {
		return answer{}, err
	}
	view := firstDeployView{
		layout: a.layout("Time to first deploy", "/time-to-first-deploy"), Of: of, What: string(of), One: string(of)[:len(of)-1],
		Tabs:      []navItem{{firstDeployPath(metrics.Engineers, opt.Cohort, ""), "Engineers"}, {firstDeployPath(metrics.Services, opt.Cohort, ""), "Services"}},
		ActiveTab: map[metrics.Subjects]string{metrics.Engineers: "Engineers", metrics.Services: "Services"}[of],
		Grouping:  string(opt.Cohort), Result: result, Basis: sumBasis(result.Basis), Only: r.Query("only", ""), All: firstDeployPath(of, opt.Cohort, ""),
	}
	if view.Only != "" {
		var labels []string
		for _, g := range result.Cohorts {
			labels = append(labels, g.Label)
		}
		if err := oneOf("only", view.Only, labels...); err != nil {
			return answer{}, err
		}
	}
	view.Charts = true
	for _, g := range cohortGroupings {
		view.Groupings = append(view.Groupings, navItem{firstDeployPath(of, g, ""), string(g)})
	}
	view.Curve = charts.Arrival("curve", "Share of "+view.What+" who have deployed, by days since their start", view.What, curves(result))
	view.Rows = cohortRows(of, opt.Cohort, result.Cohorts)
	view.Uncounted = len(result.Cohorts) - len(view.Rows)
	view.Cohorts = cohortChart("cohorts", of, opt.Cohort, result.Cohorts)
	view.Cohorts.Table, view.Cohorts.Tall = charts.Table{}, true // the page has the table, in full
	view.Subjects = slices.DeleteFunc(slices.Clone(result.Subjects), func(s metrics.Subject) bool { return view.Only != "" && s.Cohort != view.Only })
	// By the day they started and never by how long they took: this is no ranking of people.
	slices.SortStableFunc(view.Subjects, func(x, y metrics.Subject) int { return y.StartedAt.Compare(x.StartedAt) })
	if len(view.Subjects) > subjectLimit {
		view.Cut = len(view.Subjects) - subjectLimit
		view.Subjects = view.Subjects[:subjectLimit]
	}
	for _, n := range result.NotCounted {
		view.Omitted += n.N
	}
	return a.render("firstdeploy", view)
}

var cohortGroupings = []metrics.Grouping{metrics.Month, metrics.Quarter, metrics.HalfYear, metrics.Team}

// firstDeployQuery reads of, cohort, from and to. The answers to unknown words name the known ones.
func firstDeployQuery(r request) (metrics.Subjects, metrics.TTFDOptions, error) {
	of := metrics.Subjects(r.Query("of", string(metrics.Engineers)))
	if err := oneOf("of", string(of), string(metrics.Engineers), string(metrics.Services)); err != nil {
		return of, metrics.TTFDOptions{}, err
	}
	opt := metrics.TTFDOptions{Cohort: metrics.Grouping(r.Query("cohort", string(metrics.Quarter)))}
	var groupings []string
	for _, g := range cohortGroupings {
		groupings = append(groupings, string(g))
	}
	if err := oneOf("cohort", string(opt.Cohort), groupings...); err != nil {
		return of, opt, err
	}
	var err error
	opt.Window, err = windowOf(r)
	return of, opt, err
}

// windowOf reads from and to, half open.
func windowOf(r request) (metrics.Window, error) {
	var w metrics.Window
	var err error
	if w.From, err = parseInstant("from", r.Query("from", "")); err != nil {
		return w, err
	}
	if w.To, err = parseInstant("to", r.Query("to", "")); err != nil {
		return w, err
	}
	if !w.From.IsZero() && !w.To.IsZero() && !w.From.Before(w.To) {
		return w, badRequest("from=%q is not earlier than to=%q; the window begins with from and ends before to", r.Query("from", ""), r.Query("to", ""))
	}
	return w, nil
}

func firstDeployPath(of metrics.Subjects, by metrics.Grouping, only string) string {
	query := url.Values{}
	if of != metrics.Engineers {
		query.Set("of", string(of))
	}
	if by != metrics.Quarter {
		query.Set("cohort", string(by))
	}
	fragment := ""
	if only != "" {
		query.Set("only", only)
		fragment = "#subjects"
	}
	if len(query) == 0 {
		return "/time-to-first-deploy"
	}
	return "/time-to-first-deploy?" + query.Encode() + fragment
}

func cohortRows(of metrics.Subjects, by metrics.Grouping, cohorts []metrics.Cohort) []cohortRow {
	var rows []cohortRow
	for _, g := range cohorts {
		if g.N > 0 {
			link := firstDeployPath(of, by, g.Label)
			g.Label = cohortLabel(g.Label)
			rows = append(rows, cohortRow{g, link, g.N < smallGroup})
		}
	}
	return rows
}

func cohortLabel(label string) string { return refName(label) }

func cohortChart(id string, of metrics.Subjects, by metrics.Grouping, cohorts []metrics.Cohort) charts.Chart {
	var drawn []charts.Cohort
	for _, g := range cohorts {
		if g.N > 0 { // a cohort that is only left out has no estimate to draw; the table has it
			drawn = append(drawn, charts.Cohort{Label: cohortLabel(g.Label), N: g.N, Deployed: g.Deployed, Waiting: g.Censored,
				Median: inDays(g.MedianHours), P90: inDays(g.P90Hours), Link: firstDeployPath(of, by, g.Label)})
		}
	}
	return charts.Cohorts(id, "Days to the first deployment by cohort, median and 90th percentile", drawn)
}

func inDays(hours *float64) *float64 {
	if hours == nil {
		return nil
	}
	d := *hours / 24
	return &d
}

// curves are all cohorts when they are few, else everybody, the first and the last cohort that say something.
func curves(result metrics.TTFD) []charts.Curve {
	const few = 5
	chosen := slices.DeleteFunc(slices.Clone(result.Cohorts), func(g metrics.Cohort) bool { return g.N == 0 })
	if len(chosen) > few {
		said := slices.DeleteFunc(slices.Clone(chosen), func(g metrics.Cohort) bool { return g.N < smallGroup || g.MedianHours == nil })
		chosen = []metrics.Cohort{result.Overall}
		if len(said) > 0 {
			chosen = append(chosen, said[0])
		}
		if len(said) > 1 {
			chosen = append(chosen, said[len(said)-1])
		}
	}
	until := map[string]float64{} // the longest observation, in hours; of everybody under the label of all
	for _, s := range result.Subjects {
		if s.Counted {
			until[s.Cohort] = max(until[s.Cohort], s.Hours)
			until[result.Overall.Label] = max(until[result.Overall.Label], s.Hours)
		}
	}
	var out []charts.Curve
	for _, g := range chosen {
		curve := charts.Curve{Name: cohortLabel(g.Label), N: g.N, Until: until[g.Label] / 24}
		if g.N > 0 {
			curve.Points = append(curve.Points, charts.CurvePoint{AtRisk: g.N})
		}
		for _, p := range g.Curve {
			curve.Points = append(curve.Points, charts.CurvePoint{Day: p.Hours / 24, Share: 1 - p.Survival, AtRisk: p.AtRisk})
		}
		out = append(out, curve)
	}
	return out
}

// headline sets the latest cohort that has a median against the first one that has one.
type headline struct {
	First, Last *metrics.Cohort
	Change      float64 // of the median, as a share of the first; negative is shorter
	Since       *metrics.Cohort
}

func headlineOf(cohorts []metrics.Cohort) headline {
	least := 1
	for _, g := range cohorts { // small groups speak only when there is no other
		if g.N >= smallGroup && g.MedianHours != nil {
			least = smallGroup
		}
	}
	var h headline
	for i := range cohorts {
		g := &cohorts[i]
		if g.N == 0 || g.Start.IsZero() {
			continue
		}
		if g.MedianHours != nil && g.N < least {
			continue
		}
		if g.MedianHours == nil {
			h.Since = g
			continue
		}
		if h.First == nil {
			h.First = g
		}
		h.Last, h.Since = g, nil
	}
	if h.First != nil && h.First != h.Last && *h.First.MedianHours > 0 {
		h.Change = *h.Last.MedianHours / *h.First.MedianHours - 1
	}
	return h
}

// deploymentLink is the deployment that was a subject's first.
func deploymentLink(s metrics.Subject) string {
	if s.Deployment == "" {
		return ""
	}
	return eventsPath("deployments", "service", s.Service, "id", s.Deployment)
}

// waited is how long a subject has waited, for display.
func waited(s metrics.Subject) quantity {
	if s.StartedAt.IsZero() {
		return quantity{Value: dash}
	}
	h := s.Hours
	return hours(&h)
}

func day(t time.Time) string {
	if t.IsZero() {
		return dash
	}
	return t.UTC().Format("2 Jan 2006")
}
