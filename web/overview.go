package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/web/charts"
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
	PerWeek       *float64 // nil: not known
	NoDeploys     string   // why PerWeek is not known
	FrequencyAll  string
	Teams         []teamRow
	MoreTeams     int // beyond Teams
	Levels        []levelGroup
	LevelBar      []segment
	Card          string
	Steps         []nextStep
	Totals        totals
	Completeness  []completeness
	Gap           int
	Services      int
	Engineers     int // who work here now
	Unmapped      int
	DeployBasis   basisView
	EngineerBasis basisView
}

// teamRow is a team: its services by level, and how often they deploy.
type teamRow struct {
	Name, Link string
	Services   int
	Levels     []segment
	LevelText  string // the levels in words
	Deploys    *int   // nil: of none of its services deployments were ever collected
	DeployLink string
	DeployBar  []segment
	DeployText string // Deploys in words
	owner      string
	byLevel    map[string]int
}

// levelGroup is the services that hold a level, the highest level first, "none" last.
type levelGroup struct {
	Level, Link string
	N, More     int           // More are not in Services
	Services    []stepService // by name
}

// totals are the numbers of all services together, of the last 30 days.
type totals struct {
	Deploys                      *int // nil: not known
	Runs, Succeeded              int
	Changes, Reviewed            int
	Success, Review              *float64
	DeployLink, RunLink, ChgLink string
}

// working is how many of the people are in a team, or simply here, at a time.
func working(people []catalog.Person, at time.Time) int {
	n := 0
	for _, p := range people {
		if slices.ContainsFunc(p.Memberships, func(m catalog.Membership) bool { return m.Covers(at) }) {
			n++
		}
	}
	return n
}

// overview is the first page: how it goes, and what to do next.
func (a *app) overview(ctx context.Context, r request) (answer, error) {
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
		view.FirstDeploy, err = a.figures.firstDeploy(ctx, metrics.Engineers, metrics.TTFDOptions{})
		return err
	})
	g.Go(func() (err error) {
		view.NewServices, err = a.figures.firstDeploy(ctx, metrics.Services, metrics.TTFDOptions{})
		return err
	})
	g.Go(func() (err error) {
		frequency, err = a.figures.frequency(ctx, metrics.DeployQuery{Window: window})
		return err
	})
	g.Go(func() (err error) {
		byTeam, err = a.figures.frequencyBy(ctx, metrics.DeployQuery{Window: window, Bucket: metrics.Month}, metrics.Team)
		return err
	})
	g.Go(func() (err error) { rows, unmapped, err = a.serviceRows(ctx); return err })
	g.Go(func() (err error) { ledger, err = a.ledgerRows(ctx); return err })
	g.Go(func() (err error) { view.Unmapped, err = a.unmappedScopes(ctx); return err })
	if err := g.Wait(); err != nil {
		return answer{}, err
	}
	view.Engineers = working(a.deps.Catalog().People(), a.deps.Now())
	view.Headline, view.ServiceLast = headlineOf(view.FirstDeploy.Cohorts), headlineOf(view.NewServices.Cohorts)
	view.Cohorts = cohortChart("cohorts", metrics.Engineers, metrics.Quarter, view.FirstDeploy.Cohorts)
	view.Frequency, view.FrequencyN, view.PerWeek = frequencyChart("frequency", frequency, ""), frequency.N, frequency.PerWeek
	view.NoDeploys = notCollected(frequency.Missing)
	view.FrequencyAll = deploysPath("", "", window.From)
	view.Levels = a.levelGroups(rows)
	view.LevelBar = levelBar(view.Levels)
	teams := a.teamRows(rows, byTeam, window)
	view.Teams = part(teams, 1, namedSize)
	view.MoreTeams = len(teams) - len(view.Teams)
	view.Steps = nextSteps(rows, 5)
	view.Totals = a.totals(rows, unmapped)
	view.Services = len(rows)
	view.Completeness = byKind(summarise(ledger))
	for _, s := range view.Completeness {
		view.Gap += s.Gap
	}
	view.DeployBasis, view.EngineerBasis = sumBasis(frequency.Basis), sumBasis(view.FirstDeploy.Basis)
	for _, r := range rows {
		if r.Report != nil {
			view.Card = r.Report.Title
		}
	}
	return a.render("overview", view)
}

// levelNames are the levels of all scorecards, the highest first.
func (a *app) levelNames() []string {
	var names []string
	for _, card := range a.deps.Scorecards.Scorecards() {
		for _, level := range slices.Backward(card.Levels) {
			if level = strings.ToLower(level); !slices.Contains(names, level) {
				names = append(names, level)
			}
		}
	}
	return names
}

func (a *app) levelGroups(rows []serviceRow) []levelGroup {
	const named = 6
	var groups []levelGroup
	for _, level := range append(a.levelNames(), "") {
		g := levelGroup{Level: levelName(level), Link: "/services?" + queryString("level", levelName(level))}
		for _, r := range rows {
			if r.Level() == level {
				g.N++
				g.Services = append(g.Services, stepService{Name: r.Entity.DisplayName(), Path: r.Path()})
			}
		}
		if len(g.Services) > named {
			g.More = len(g.Services) - named + 1
			g.Services = g.Services[:named-1]
		}
		groups = append(groups, g)
	}
	return groups
}

func levelBar(groups []levelGroup) []segment {
	var pairs []any
	for _, g := range groups {
		pairs = append(pairs, g.Level, g.N)
	}
	return segments(0, pairs...)
}

// teamRows joins the levels and the deployments of teams, by name; what nobody owns comes last.
func (a *app) teamRows(rows []serviceRow, splits []metrics.Split, window metrics.Window) []teamRow {
	cat := a.deps.Catalog()
	index := map[string]int{}
	var teams []teamRow
	for _, r := range rows {
		i, ok := index[r.Entity.Owner]
		if !ok {
			i = len(teams)
			index[r.Entity.Owner] = i
			t := teamRow{Name: teamName(cat, r.Entity.Owner), Link: "/services?" + queryString("team", r.Team), owner: r.Entity.Owner, byLevel: map[string]int{}}
			if t.owner == "" {
				t.Name, t.Link = "nobody", "/services?sort=team&dir=desc"
			} else {
				t.DeployLink = deploysPath("", t.owner, window.From)
			}
			teams = append(teams, t)
		}
		teams[i].Services++
		if r.Numbers.Deploys != nil && teams[i].Deploys == nil {
			teams[i].Deploys = new(int)
		}
		teams[i].byLevel[levelName(r.Level())]++
	}
	most := 1
	for n, s := range splits {
		if i, ok := index[s.Key]; ok && s.Key != "" {
			teams[i].Deploys = &splits[n].Series.N
			most = max(most, s.Series.N)
		}
	}
	for i := range teams {
		t := &teams[i]
		var pairs []any
		var words []string
		for _, level := range append(a.levelNames(), "none") {
			if n := t.byLevel[level]; n > 0 {
				pairs = append(pairs, level, n)
				words = append(words, fmt.Sprintf("%d %s", n, level))
			}
		}
		t.Levels, t.LevelText = segments(0, pairs...), strings.Join(words, ", ")
		t.DeployBar = segments(most, "main", counted(t.Deploys))
		t.DeployText = "not known"
		if t.Deploys != nil {
			t.DeployText = plural(*t.Deploys, "deployment", "deployments")
		}
	}
	slices.SortFunc(teams, func(x, y teamRow) int {
		if (x.owner == "") != (y.owner == "") {
			return cmp.Compare(len(y.owner), len(x.owner))
		}
		return strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name))
	})
	return teams
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
		if n.Deploys != nil {
			deploys := counted(t.Deploys) + *n.Deploys
			t.Deploys = &deploys
		}
		t.Runs, t.Succeeded = t.Runs+counted(n.Runs), t.Succeeded+counted(n.Succeeded)
		t.Changes, t.Reviewed = t.Changes+counted(n.Changes), t.Reviewed+counted(n.Reviewed)
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
