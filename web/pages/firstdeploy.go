package pages

import (
	"cmp"
	"context"
	"slices"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

type firstDeployView struct {
	layout
	listView     // of the cohorts
	Of           metrics.Population
	What, One    string // engineers, engineer
	Tabs         []navItem
	ActiveTab    string
	Groupings    []navItem
	Grouping     string
	Result       metrics.TTFD
	Completeness report.CompletenessSum
	Curve        charts.Chart
	Cohorts      charts.Chart
	Rows         []cohortRow
	Uncounted    int    // cohorts of whom nobody is in the estimate
	Subjects     string // the list of all
	Waiting      string
	Deployed     string
	Excluded     string
	Omitted      int // subjects that are in no estimate
}

// cohortRow is a cohort with the list of who is in it.
type cohortRow struct {
	metrics.Cohort
	Link  string
	Small bool
}

// firstDeploy shows time to first deploy of engineers or services, by cohort.
func (p *Pages) firstDeploy(ctx context.Context, r route.Request) (route.Answer, error) {
	of, opt, err := route.FirstDeployQuery(r)
	if err != nil {
		return route.Answer{}, err
	}
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.CohortColumns)
	order, err := route.OrderOf(r, columns, report.CohortOrder(opt.Cohort))
	if err != nil {
		return route.Answer{}, err
	}
	result, err := p.reader.TimeToFirstDeploy(ctx, of, opt)
	if err != nil {
		return route.Answer{}, err
	}
	cohorts := slices.DeleteFunc(slices.Clone(result.Cohorts), func(g metrics.Cohort) bool { return g.N == 0 })
	shown := report.Part(sorting.Rows(cohorts, report.CohortColumns, order), page, route.PageSize)
	subjects := without("/time-to-first-deploy/subjects", r.Values(), route.ListParameters()...)
	view := firstDeployView{
		layout:   p.layout("Time to first deploy", "/time-to-first-deploy"),
		listView: newList("/time-to-first-deploy", r, columns, order, page, route.PageSize, len(cohorts)),
		Of:       of, What: string(of), One: string(of)[:len(of)-1],
		Tabs: []navItem{{firstDeployPath(metrics.Engineers, opt.Cohort), "Engineers"},
			{firstDeployPath(metrics.Services, opt.Cohort), "Services"}},
		ActiveTab: tabOf(of), Grouping: string(opt.Cohort), Result: result,
		Completeness: report.Sum(result.Completeness), Uncounted: len(result.Cohorts) - len(cohorts),
		Subjects: subjects, Waiting: with(subjects, "state", string(report.SubjectWaiting)),
		Deployed: with(subjects, "state", string(report.SubjectDeployed)),
		Excluded: with(subjects, "state", string(report.SubjectExcluded)),
		Rows:     cohortRows(subjects, shown),
	}
	view.JSON = without("/api/v1/metrics/time-to-first-deploy", r.Values(), route.ListParameters()...)
	view.Charts = true
	for _, g := range route.Groupings {
		view.Groupings = append(view.Groupings, navItem{firstDeployPath(of, g), string(g)})
	}
	view.Curve = charts.Arrival("curve", "Share of "+view.What+" who have deployed, by days since their start",
		view.What, curves(result))
	view.Cohorts = cohortChart("cohorts", shown,
		func(label string) string { return with(subjects, "only", label) })
	view.Cohorts.Table, view.Cohorts.Tall = charts.Table{}, true // the page has the table
	for _, n := range result.Excluded {
		view.Omitted += n.N
	}
	return p.render("firstdeploy", view)
}

func tabOf(of metrics.Population) string {
	if of == metrics.Services {
		return "Services"
	}
	return "Engineers"
}

// cohortRows are the cohorts of a page, with links to the list of their subjects.
func cohortRows(subjects string, cohorts []metrics.Cohort) []cohortRow {
	var rows []cohortRow
	for _, g := range cohorts {
		link := with(subjects, "only", g.Label)
		g.Label = words.RefName(g.Label)
		rows = append(rows, cohortRow{g, link, g.N < report.SmallGroup})
	}
	return rows
}

// inTime sorts cohorts as charts draw them: spans from the earliest, teams as they are.
func inTime(cohorts []metrics.Cohort) []metrics.Cohort {
	cohorts = slices.Clone(cohorts)
	slices.SortStableFunc(cohorts, func(x, y metrics.Cohort) int { return x.Start.Compare(y.Start) })
	return cohorts
}

type subjectsView struct {
	layout
	listView
	Of        metrics.Population
	One       string // engineer, service
	Tabs      []navItem
	ActiveTab string
	Grouping  string
	Result    metrics.TTFD
	Filter    report.SubjectFilter
	Fields    []pick
	Rows      []metrics.Subject
	Back      string // the page of time to first deploy
	From, To  string // of the window, as asked for
}

// subjects lists the engineers or the services of time to first deploy.
func (p *Pages) subjects(ctx context.Context, r route.Request) (route.Answer, error) {
	of, opt, err := route.FirstDeployQuery(r)
	if err != nil {
		return route.Answer{}, err
	}
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := report.SubjectColumns(of)
	order, err := route.OrderOf(r, sorting.Columns(columns), report.LatestStart)
	if err != nil {
		return route.Answer{}, err
	}
	result, err := p.reader.TimeToFirstDeploy(ctx, of, opt)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.SubjectFilterOf(ctx, r, p.reader, result)
	if err != nil {
		return route.Answer{}, err
	}
	const path = "/time-to-first-deploy/subjects"
	fitting := sorting.Rows(filter.Select(result.Subjects), columns, order)
	title := "Time to first deploy of " + string(of)
	view := subjectsView{
		layout:   p.layout(title, "/time-to-first-deploy"),
		listView: newList(path, r, sorting.Columns(columns), order, page, route.PageSize, len(fitting)),
		Of:       of, One: string(of)[:len(of)-1], ActiveTab: tabOf(of), Grouping: string(opt.Cohort), Result: result,
		Tabs: []navItem{{subjectsPath(metrics.Engineers, opt.Cohort, ""), "Engineers"},
			{subjectsPath(metrics.Services, opt.Cohort, ""), "Services"}},
		Filter: filter, Rows: report.Part(fitting, page, route.PageSize),
		Back: without("/time-to-first-deploy", r.Values(), "q", "team", "only", "state", "sort", "dir"),
		From: r.Query("from", ""), To: r.Query("to", ""),
	}
	view.listView = view.withJSON("/api/v1/metrics/time-to-first-deploy", r)
	view.Clear = without(path, r.Values(), route.ListParameters("q", "team", "only", "state")...)
	view.Fields = subjectFields(filter, result)
	view.Filtered = filter != report.SubjectFilter{}
	return p.render("subjects", view)
}

// subjectFields are the fields of the filter.
func subjectFields(f report.SubjectFilter, result metrics.TTFD) []pick {
	var teams, cohorts []choice
	for _, team := range route.SubjectTeams(result) {
		teams = append(teams, choice{team, words.RefName(team)})
	}
	for _, g := range slices.Backward(inTime(result.Cohorts)) {
		cohorts = append(cohorts, choice{g.Label, words.RefName(g.Label)})
	}
	states := []choice{{string(report.SubjectDeployed), "have deployed"}, {string(report.SubjectWaiting), "not yet"},
		{string(report.SubjectExcluded), "in no estimate"}}
	fields := []pick{newPick("Team", "team", f.Team, teams)}
	if !slices.EqualFunc(teams, cohorts, func(x, y choice) bool { return cmp.Compare(x.Value, y.Value) == 0 }) {
		fields = append(fields, newPick("Cohort", "only", f.Cohort, cohorts))
	}
	return append(fields, newPick("State", "state", string(f.State), states))
}

// deploymentLink is the deployment that was a subject's first.
func deploymentLink(s metrics.Subject) string {
	if s.DeploymentID == "" {
		return ""
	}
	return eventsPath("deployments", "service", s.Service, "id", s.DeploymentID)
}

// waited is how long a subject has waited, for display.
func waited(s metrics.Subject) words.Quantity {
	if s.StartedAt.IsZero() {
		return words.Quantity{Value: words.Dash}
	}
	h := s.Hours
	return words.Hours(&h)
}
