package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
	"golang.org/x/sync/errgroup"
)

// recentDays is the window of the numbers beside a service. The facts ci.runs_30d and deploy.count_30d use the same.
const recentDays = 30

// It begins at a whole minute, so that links and what is kept hold for as long, and is open at the end.
func (a *app) recent() metrics.Window {
	return metrics.Window{From: a.deps.Now().UTC().Truncate(time.Minute).AddDate(0, 0, -recentDays)}
}

// serviceRow is a service with everything that lists show of it.
type serviceRow struct {
	Entity  catalog.Entity
	Team    string // display name of the owner; "" when nobody owns it
	Reports []scorecards.Report
	Report  *scorecards.Report // of the first scorecard; nil when there is none
	Numbers metrics.ServiceNumbers
	From    time.Time // of the window of Numbers
	Rank    int       // of the level in its scorecard, from 0 for none
	Hidden  bool      // does not fit the filter
}

// Level is the level of the first scorecard, "" for none.
func (r serviceRow) Level() string {
	if r.Report == nil {
		return ""
	}
	return strings.ToLower(r.Report.Level)
}

// Text is what the filter searches.
func (r serviceRow) Text() string {
	return strings.Join(append([]string{r.Entity.Name, r.Entity.Title, r.Team, r.Entity.System, r.Entity.Description}, r.Entity.Tags...), " ")
}

// Path is the page of the service.
func (r serviceRow) Path() string { return servicePath(r.Entity.Ref) }

// NoDeploys says why it is not known whether the service was deployed, or "" when it is.
func (r serviceRow) NoDeploys() string {
	return noSource(r.Numbers, event.KindDeployment, "deployment")
}

// NoLastDeploy says why there is no last deployment.
func (r serviceRow) NoLastDeploy() string {
	return cmp.Or(r.NoDeploys(), "its sources hold no successful production deployment")
}

// NoRuns says why there is no rate of CI runs.
func (r serviceRow) NoRuns() string {
	return cmp.Or(noSource(r.Numbers, event.KindPipelineRun, "CI run"), "no finished run in 30 days")
}

// NoTimedRuns says why there is no CI duration.
func (r serviceRow) NoTimedRuns() string {
	return cmp.Or(noSource(r.Numbers, event.KindPipelineRun, "CI run"), "no timed, successful run in 30 days")
}

// NoChanges says why there is no review share.
func (r serviceRow) NoChanges() string {
	return cmp.Or(noSource(r.Numbers, event.KindChange, "change"), "no merged change in 30 days")
}

func noSource(n metrics.ServiceNumbers, kind event.Kind, what string) string {
	if source := n.NoSource(kind); source != "" {
		return "no " + what + " was ever collected: " + source + " should give them"
	}
	return ""
}

// Deploys is the list of the deployments that the number counts.
func (r serviceRow) Deploys() string { return deploysPath(r.Entity.Ref, "", r.From) }

// LastDeployments is the list of all that were ever counted.
func (r serviceRow) LastDeployments() string { return deploysPath(r.Entity.Ref, "", time.Time{}) }

// Runs is the list of the CI runs in the success rate.
func (r serviceRow) Runs() string {
	return eventsPath("pipeline_runs", "service", r.Entity.Ref, "status", "succeeded,failed", "from", instant(r.From))
}

// TimedRuns is the list of the CI runs in the duration.
func (r serviceRow) TimedRuns() string {
	return eventsPath("pipeline_runs", "service", r.Entity.Ref, "status", "succeeded", "from", instant(r.From))
}

// UntimedRuns is the list of the successful CI runs that are in no duration, because theirs is not known.
func (r serviceRow) UntimedRuns() string {
	return eventsPath("pipeline_runs", "service", r.Entity.Ref, "status", "succeeded", "without", "duration", "from", instant(r.From))
}

// Changes is the list of the merged changes in the review share.
func (r serviceRow) Changes() string {
	return eventsPath("changes", "service", r.Entity.Ref, "status", "merged", "bots", "no", "from", instant(r.From))
}

// deploysPath lists production deployments exactly as the metrics count them.
func deploysPath(service, team string, from time.Time) string {
	return eventsPath("deployments", "service", service, "team", team, "environment", metrics.Production, "counted", "yes", "from", instant(from))
}

// teamName is the display name of an owner.
func teamName(cat *catalog.Catalog, owner string) string {
	if owner == "" {
		return ""
	}
	if e, ok := cat.Entity(owner); ok {
		return e.DisplayName()
	}
	return refName(owner)
}

// serviceRows joins catalog, reports and numbers. unmapped are the numbers of what no service claims.
func (a *app) serviceRows(ctx context.Context) (rows []serviceRow, unmapped []metrics.ServiceNumbers, err error) {
	cat := a.deps.Catalog()
	window := a.recent()
	var numbers []metrics.ServiceNumbers
	var reports []scorecards.Report
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { numbers, err = a.figures.services(ctx, window); return err })
	g.Go(func() (err error) { reports, err = a.figures.reports(ctx); return err })
	if err := g.Wait(); err != nil {
		return nil, nil, fmt.Errorf("services: %w", err)
	}
	rows, unmapped = join(cat, numbers, reports, window.From)
	a.rank(rows)
	return rows, unmapped, nil
}

func join(cat *catalog.Catalog, numbers []metrics.ServiceNumbers, reports []scorecards.Report, from time.Time) (rows []serviceRow, unmapped []metrics.ServiceNumbers) {
	index := map[string]int{}
	for _, e := range cat.Services() {
		index[e.Ref] = len(rows)
		rows = append(rows, serviceRow{Entity: e, Team: teamName(cat, e.Owner), From: from, Numbers: metrics.ServiceNumbers{Service: e.Ref}})
	}
	for _, n := range numbers {
		if i, ok := index[n.Service]; ok {
			rows[i].Numbers = n
		} else if strings.HasPrefix(n.Service, "unmapped:") {
			unmapped = append(unmapped, n)
		}
	}
	for _, r := range reports {
		if i, ok := index[r.Entity]; ok {
			rows[i].Reports = append(rows[i].Reports, r)
		}
	}
	for i := range rows {
		if len(rows[i].Reports) > 0 {
			rows[i].Report = &rows[i].Reports[0]
		}
	}
	return rows, unmapped
}

// rank gives every row the rank of its level among the levels of its scorecard.
func (a *app) rank(rows []serviceRow) {
	levels := map[string][]string{}
	for _, card := range a.deps.Scorecards.Scorecards() {
		levels[card.Name] = card.Levels
	}
	for i := range rows {
		if r := rows[i].Report; r != nil {
			rows[i].Rank = slices.Index(levels[r.Scorecard], r.Level) + 1
		}
	}
}

// sortColumn is a column that the list can be sorted by. Value returns nil for what is not known.
type sortColumn struct {
	Key, Label string
	Right      bool
	text       func(serviceRow) string
	value      func(serviceRow) *float64
}

func known(v float64) *float64 { return &v }

var serviceColumns = []sortColumn{
	{Key: "name", Label: "service", text: func(r serviceRow) string { return strings.ToLower(r.Entity.DisplayName()) }},
	{Key: "team", Label: "team", text: func(r serviceRow) string { return strings.ToLower(r.Team) }},
	{Key: "level", Label: "level", value: func(r serviceRow) *float64 { return known(float64(r.Rank)) }},
	{Key: "score", Label: "score", Right: true, value: func(r serviceRow) *float64 {
		if r.Report == nil || r.Report.Coverage == 0 {
			return nil
		}
		return known(r.Report.Score)
	}},
	{Key: "deploys", Label: "deploys, 30 d", Right: true, value: func(r serviceRow) *float64 {
		if r.Numbers.Deploys == nil {
			return nil
		}
		return known(float64(*r.Numbers.Deploys))
	}},
	{Key: "last", Label: "last deploy", Right: true, value: func(r serviceRow) *float64 {
		if r.Numbers.LastDeploy == nil {
			return nil
		}
		return known(float64(r.Numbers.LastDeploy.Unix()))
	}},
	{Key: "ci", Label: "CI p95", Right: true, value: func(r serviceRow) *float64 { return r.Numbers.P95Minutes }},
	{Key: "success", Label: "CI success", Right: true, value: func(r serviceRow) *float64 { return r.Numbers.SuccessRate }},
}

// sortServices orders rows by a column. What is not known stays last in both directions.
func sortServices(rows []serviceRow, column sortColumn, descending bool) {
	slices.SortStableFunc(rows, func(x, y serviceRow) int {
		var order int
		if column.text != nil {
			p, q := column.text(x), column.text(y)
			if (p == "") != (q == "") {
				return cmp.Compare(len(q), len(p))
			}
			order = cmp.Compare(p, q)
		} else {
			p, q := column.value(x), column.value(y)
			switch {
			case p == nil && q == nil:
				return 0
			case p == nil:
				return 1
			case q == nil:
				return -1
			}
			order = cmp.Compare(*p, *q)
		}
		if descending {
			return -order
		}
		return order
	})
}
