package report

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// Overview is how it goes, and what to do next.
type Overview struct {
	FirstDeploy  metrics.TTFD // of engineers
	NewServices  metrics.TTFD // of services
	Headline     Headline     // of FirstDeploy
	ServiceLast  Headline     // of NewServices
	Frequency    metrics.Series
	Window       metrics.Window // of Frequency and of the deployments of teams
	Teams        Teams
	Levels       []LevelGroup
	Steps        []NextStep
	Totals       Totals
	Completeness []Completeness // by kind
	Gap          int
	Services     int
	Engineers    int // who work here now
	Unmapped     int // scopes of no service
	Scorecard    string
	Others       []CardLevels // of the further scorecards
	Adoption     metrics.Adoption
	Survey       *SurveyDocument // the latest that is published; nil: none
}

// CardLevels is how many services have each level of a scorecard, the highest level first, "none" last.
type CardLevels struct {
	Name   string
	Title  string
	Levels []LevelCount
	Graded int
}

// LevelCount is how many services have a level.
type LevelCount struct {
	Level string // in lower case; "none" for none
	N     int
}

// LevelGroup is the services that hold a level.
type LevelGroup struct {
	Level    string // "none" for no level
	Services []StepService
}

// Totals are the numbers of all services together, of the last 30 days, unmapped records included.
type Totals struct {
	Deploys           *int // nil: not known
	Runs, Succeeded   int
	Changes, Reviewed int
	Success, Review   *float64 // shares of 0 to 1; nil: not known
	Window            metrics.Window
}

// maxSteps is how many next steps the overview has.
const maxSteps = 5

// Overview answers the first page.
func (r *Reader) Overview(ctx context.Context) (Overview, error) {
	view := Overview{Window: r.ChartWindow()}
	var services Services
	var byTeam map[string]int
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		view.FirstDeploy, err = r.TimeToFirstDeploy(ctx, metrics.Engineers, metrics.TTFDOptions{})
		return err
	})
	g.Go(func() (err error) {
		view.NewServices, err = r.TimeToFirstDeploy(ctx, metrics.Services, metrics.TTFDOptions{})
		return err
	})
	g.Go(func() (err error) {
		view.Frequency, err = r.DeploymentFrequency(ctx, metrics.DeployQuery{Window: view.Window})
		return err
	})
	g.Go(func() (err error) {
		byTeam, err = r.deploymentsByTeam(ctx, view.Window)
		return err
	})
	g.Go(func() (err error) { services, err = r.Services(ctx); return err })
	g.Go(func() (err error) { view.Completeness, err = r.LedgerByKind(ctx); return err })
	g.Go(func() (err error) { view.Unmapped, err = r.UnmappedScopes(ctx); return err })
	g.Go(func() (err error) { view.Adoption, err = r.Adoption(ctx); return err })
	g.Go(func() error {
		surveys, err := r.SurveyDocuments(ctx)
		if len(surveys) > 0 {
			view.Survey = &surveys[0]
		}
		return err
	})
	if err := g.Wait(); err != nil {
		return Overview{}, err
	}
	view.Engineers = working(r.deps.Catalog().People().All(), r.deps.Now())
	view.Headline, view.ServiceLast = headlineOf(view.FirstDeploy.Cohorts), headlineOf(view.NewServices.Cohorts)
	view.Levels = r.levelGroups(services.List)
	view.Teams = Teams{teamsOf(services.List, byTeam), view.Window}
	view.Steps = nextSteps(services.List, maxSteps)
	view.Totals = totals(services, r.Recent())
	view.Services = len(services.List)
	for _, s := range view.Completeness {
		view.Gap += s.Gap
	}
	view.Scorecard = services.Scorecard()
	view.Others = r.otherLevels(services.List)
	return view, nil
}

// otherLevels counts the levels of every scorecard but the first.
func (r *Reader) otherLevels(services []Service) []CardLevels {
	var all []CardLevels
	for i, card := range r.deps.Scorecards.Scorecards() {
		if i == 0 {
			continue
		}
		levels := CardLevels{Name: card.Name, Title: card.Title}
		for _, level := range slices.Backward(append([]string{""}, card.Levels...)) {
			count := LevelCount{Level: words.Level(level)}
			for _, s := range services {
				if slices.ContainsFunc(s.Reports, func(g scorecards.Report) bool {
					return g.Scorecard == card.Name && g.Level == level
				}) {
					count.N++
				}
			}
			levels.Graded += count.N
			levels.Levels = append(levels.Levels, count)
		}
		if levels.Graded > 0 {
			all = append(all, levels)
		}
	}
	return all
}

// Scorecard is the title of the scorecard by which the services are graded; "" without one.
func (s Services) Scorecard() string {
	for i := len(s.List) - 1; i >= 0; i-- {
		if s.List[i].Report != nil {
			return s.List[i].Report.Title
		}
	}
	return ""
}

// working is how many of the people are in a team, or simply here, at a time.
func working(everyone []people.Person, at time.Time) int {
	n := 0
	for _, p := range everyone {
		if slices.ContainsFunc(p.Memberships, func(m people.Membership) bool { return m.Covers(at) }) {
			n++
		}
	}
	return n
}

// levelGroups are the services by level, the highest level first, "none" last.
func (r *Reader) levelGroups(services []Service) []LevelGroup {
	byLevel := map[string][]StepService{}
	for _, s := range services {
		byLevel[s.Level()] = append(byLevel[s.Level()], StepService{Name: s.Entity.DisplayName(), Ref: s.Entity.Ref})
	}
	var groups []LevelGroup
	for _, level := range append(r.LevelNames(), words.Level("")) {
		groups = append(groups, LevelGroup{Level: level, Services: byLevel[level]})
	}
	return groups
}

func totals(services Services, window metrics.Window) Totals {
	t := Totals{Window: window}
	numbers := slices.Clone(services.Unmapped)
	for _, s := range services.List {
		numbers = append(numbers, s.Numbers)
	}
	for _, n := range numbers {
		if n.Deploys != nil {
			deploys := Counted(t.Deploys) + *n.Deploys
			t.Deploys = &deploys
		}
		t.Runs += Counted(n.Runs)
		t.Succeeded += Counted(n.Succeeded)
		t.Changes += Counted(n.Changes)
		t.Reviewed += Counted(n.Reviewed)
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

// Counted is a count that is added up; what is not known adds nothing.
func Counted(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// NotCollected says what was never collected and what should give it, or "" when nothing lacks.
func NotCollected(missing []metrics.Missing) string {
	var parts []string
	for _, m := range missing {
		parts = append(parts, "no "+words.KindName(string(m.Kind))+" were ever collected: "+m.Source+" should give them")
	}
	return strings.Join(parts, "; ")
}
