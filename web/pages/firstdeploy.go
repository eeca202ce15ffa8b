package pages

import (
	"context"
	"slices"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

type firstDeployView struct {
	layout
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
	Subjects     []metrics.Subject
	Uncounted    int    // cohorts of whom nobody is in the estimate
	CutGroups    int    // cohorts beyond cohortLimit
	Only         string // the cohort that the list is narrowed to
	All          string // the list of all
	Omitted      int    // subjects that are in no estimate
	Cut          int    // subjects beyond subjectLimit
}

// cohortRow is a cohort with the list of who is in it.
type cohortRow struct {
	metrics.Cohort
	Link  string
	Small bool
}

const subjectLimit = 500

// firstDeploy shows time to first deploy of engineers or services.
func (p *Pages) firstDeploy(ctx context.Context, r route.Request) (route.Answer, error) {
	of, opt, err := route.FirstDeployQuery(r)
	if err != nil {
		return route.Answer{}, err
	}
	result, err := p.reader.TimeToFirstDeploy(ctx, of, opt)
	if err != nil {
		return route.Answer{}, err
	}
	view := firstDeployView{
		layout: p.layout("Time to first deploy", "/time-to-first-deploy"),
		Of:     of, What: string(of), One: string(of)[:len(of)-1],
		Tabs: []navItem{{firstDeployPath(metrics.Engineers, opt.Cohort, ""), "Engineers"},
			{firstDeployPath(metrics.Services, opt.Cohort, ""), "Services"}},
		ActiveTab: map[metrics.Population]string{metrics.Engineers: "Engineers", metrics.Services: "Services"}[of],
		Grouping:  string(opt.Cohort), Result: result, Completeness: report.Sum(result.Completeness),
		Only: r.Query("only", ""), All: firstDeployPath(of, opt.Cohort, ""),
	}
	if view.Only != "" {
		var labels []string
		for _, g := range result.Cohorts {
			labels = append(labels, g.Label)
		}
		if err := route.OneOf("only", view.Only, labels...); err != nil {
			return route.Answer{}, err
		}
	}
	view.Charts = true
	for _, g := range route.Groupings {
		view.Groupings = append(view.Groupings, navItem{firstDeployPath(of, g, ""), string(g)})
	}
	view.Curve = charts.Arrival("curve", "Share of "+view.What+" who have deployed, by days since their start",
		view.What, curves(result))
	shown, cut := shownCohorts(result.Cohorts)
	view.Rows, view.CutGroups = cohortRows(of, opt.Cohort, shown), cut
	view.Uncounted = len(result.Cohorts) - len(shown) - cut
	view.Cohorts = cohortChart("cohorts", of, opt.Cohort, result.Cohorts)
	view.Cohorts.Table, view.Cohorts.Tall = charts.Table{}, true // the page has the table, in full
	view.Subjects = slices.DeleteFunc(slices.Clone(result.Subjects),
		func(s metrics.Subject) bool { return view.Only != "" && s.Cohort != view.Only })
	// By the day they started and never by how long they took: this is no ranking of people.
	slices.SortStableFunc(view.Subjects, func(x, y metrics.Subject) int { return y.StartedAt.Compare(x.StartedAt) })
	if len(view.Subjects) > subjectLimit {
		view.Cut = len(view.Subjects) - subjectLimit
		view.Subjects = view.Subjects[:subjectLimit]
	}
	for _, n := range result.Excluded {
		view.Omitted += n.N
	}
	return p.render("firstdeploy", view)
}

func cohortRows(of metrics.Population, by metrics.Grouping, cohorts []metrics.Cohort) []cohortRow {
	var rows []cohortRow
	for _, g := range cohorts {
		link := firstDeployPath(of, by, g.Label)
		g.Label = words.RefName(g.Label)
		rows = append(rows, cohortRow{g, link, g.N < report.SmallGroup})
	}
	return rows
}

// deploymentLink is the deployment that was a subject's first.
func deploymentLink(s metrics.Subject) string {
	if s.Deployment == "" {
		return ""
	}
	return eventsPath("deployments", "service", s.Service, "id", s.Deployment)
}

// waited is how long a subject has waited, for display.
func waited(s metrics.Subject) words.Quantity {
	if s.StartedAt.IsZero() {
		return words.Quantity{Value: words.Dash}
	}
	h := s.Hours
	return words.Hours(&h)
}
