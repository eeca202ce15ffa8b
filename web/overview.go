package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"
)

type overviewView struct {
	layout
	FirstDeploy   metrics.TTFD
	Headline      headline
	Cohorts       charts.Chart
	NewServices   metrics.TTFD
	ServiceLast   headline
	Frequency     charts.Chart
	FrequencyN    int
	PerWeek       float64
	FrequencyAll  string
	Teams         []teamDeploys
	Levels        levelCount
	TeamLevels    []levelCount
	Card          string
	Steps         []nextStep
	Totals        totals
	Completeness  []completeness
	Gap           int
	Services      int
	Unmapped      int
	DeployBasis   basisView
	EngineerBasis basisView
}

// teamDeploys is how often the services of a team deploy.
type teamDeploys struct {
	Name, Link string
	N, Share   int // Share is of the most frequent team's, in percent, for the bar
}

// levelCount is how many services hold each level, of a team or of all.
type levelCount struct {
	Name, Link                 string
	Gold, Silver, Bronze, None int
	Other                      int // levels of a scorecard with words of its own
}

// Total is the number of services.
func (l levelCount) Total() int { return l.Gold + l.Silver + l.Bronze + l.None + l.Other }

func (l *levelCount) add(level string) {
	switch level {
	case "gold":
		l.Gold++
	case "silver":
		l.Silver++
	case "bronze":
		l.Bronze++
	case "":
		l.None++
	default:
		l.Other++
	}
}

// totals are the numbers of all services together, of the last 30 days.
type totals struct {
	Deploys                      int
	Runs, Succeeded              int
	Changes, Reviewed            int
	Success, Review              *float64
	DeployLink, RunLink, ChgLink string
}

// overview is the first page: how it goes, and what to do next.
func (a *app) overview(c *fiber.Ctx) error {
	ctx, cancel := requestContext(c)
	defer cancel()
	view := overviewView{layout: a.layout("Overview", "/")}
	view.Charts = true
	window := chartWindow(a.deps.Now(), weeksShown)
	var rows []serviceRow
	var unmapped []metrics.ServiceNumbers
	var frequency metrics.Series
	var byTeam []metrics.Split
	var ledger []ledgerRow
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		view.FirstDeploy, err = a.deps.Metrics.TimeToFirstDeploy(ctx, metrics.Engineers, metrics.TTFDOptions{})
		return err
	})
	g.Go(func() (err error) {
		view.NewServices, err = a.deps.Metrics.TimeToFirstDeploy(ctx, metrics.Services, metrics.TTFDOptions{})
		return err
	})
	g.Go(func() (err error) {
		frequency, err = a.deps.Metrics.DeploymentFrequency(ctx, metrics.DeployQuery{Window: window})
		return err
	})
	g.Go(func() (err error) {
		byTeam, err = a.deps.Metrics.DeploymentsBy(ctx, metrics.DeployQuery{Window: window, Bucket: metrics.Month}, metrics.Team)
		return err
	})
	g.Go(func() (err error) { rows, unmapped, err = a.serviceRows(ctx); return err })
	g.Go(func() (err error) { ledger, err = a.ledgerRows(ctx); return err })
	if err := g.Wait(); err != nil {
		return err
	}
	view.Headline, view.ServiceLast = headlineOf(view.FirstDeploy.Cohorts), headlineOf(view.NewServices.Cohorts)
	view.Cohorts = cohortChart("cohorts", metrics.Engineers, metrics.Quarter, view.FirstDeploy.Cohorts)
	view.Frequency, view.FrequencyN, view.PerWeek = frequencyChart("frequency", frequency, ""), frequency.N, frequency.PerWeek
	view.FrequencyAll = deploysPath("", "", window.From)
	view.Teams = a.teamDeploys(byTeam, window)
	view.Levels, view.TeamLevels = countLevels(rows)
	view.Steps = nextSteps(rows, 5)
	view.Totals = a.totals(rows, unmapped)
	view.Services, view.Unmapped = len(rows), len(unmapped)
	view.Completeness = sorted(summarise(ledger))
	for _, s := range view.Completeness {
		view.Gap += s.Gap
	}
	view.DeployBasis, view.EngineerBasis = sumBasis(frequency.Basis), sumBasis(view.FirstDeploy.Basis)
	for _, r := range rows {
		if r.Report != nil {
			view.Card = r.Report.Title
		}
	}
	return a.render(c, fiber.StatusOK, "overview", view)
}

func (a *app) teamDeploys(splits []metrics.Split, window metrics.Window) []teamDeploys {
	const shown = 8
	cat := a.deps.Catalog()
	var out []teamDeploys
	for _, s := range splits {
		if s.Key == "" || s.Series.N == 0 { // what no team owns stands under the records of no service
			continue
		}
		out = append(out, teamDeploys{Name: teamName(cat, s.Key), N: s.Series.N, Link: deploysPath("", s.Key, window.From)})
	}
	slices.SortStableFunc(out, func(x, y teamDeploys) int { return cmp.Compare(y.N, x.N) })
	if len(out) > shown {
		out = out[:shown]
	}
	for i := range out {
		out[i].Share = max(1, out[i].N*100/out[0].N)
	}
	return out
}

// countLevels counts levels over all services and by team, teams by name.
func countLevels(rows []serviceRow) (all levelCount, teams []levelCount) {
	index := map[string]int{}
	for _, r := range rows {
		all.add(r.Level())
		i, ok := index[r.Team]
		if !ok {
			i = len(teams)
			index[r.Team] = i
			teams = append(teams, levelCount{Name: r.Team, Link: "/services?" + queryString("team", r.Team)})
			if r.Team == "" {
				teams[i].Name, teams[i].Link = "nobody's", "/services?sort=team"
			}
		}
		teams[i].add(r.Level())
	}
	slices.SortFunc(teams, func(x, y levelCount) int { return strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)) })
	return all, teams
}

func (a *app) totals(rows []serviceRow, unmapped []metrics.ServiceNumbers) totals {
	from := instant(a.recent().From)
	t := totals{
		DeployLink: eventsPath("deployments", "environment", metrics.Production, "counted", "yes", "from", from),
		RunLink:    eventsPath("pipeline_runs", "status", "succeeded,failed", "from", from),
		ChgLink:    eventsPath("changes", "status", "merged", "bots", "no", "from", from),
	}
	numbers := slices.Clone(unmapped)
	for _, r := range rows {
		numbers = append(numbers, r.Numbers)
	}
	for _, n := range numbers {
		t.Deploys += n.Deploys
		t.Runs, t.Succeeded = t.Runs+n.Runs, t.Succeeded+n.Succeeded
		t.Changes, t.Reviewed = t.Changes+n.Changes, t.Reviewed+n.Reviewed
	}
	share := func(part, all int) *float64 {
		if all == 0 {
			return nil
		}
		s := float64(part) / float64(all)
		return &s
	}
	t.Success, t.Review = share(t.Succeeded, t.Runs), share(t.Reviewed, t.Changes)
	return t
}

// changeText says how a median moved, in words.
func changeText(change float64) string {
	switch {
	case change <= -0.005:
		return fmt.Sprintf("%.0f %% shorter", -change*100)
	case change >= 0.005:
		return fmt.Sprintf("%.0f %% longer", change*100)
	}
	return "as long"
}
