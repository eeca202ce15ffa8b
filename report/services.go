package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// Service is a service of the catalog, or another entity that a scorecard grades, with its grades and the numbers of
// the last 30 days.
type Service struct {
	Entity         descriptor.Entity
	Team           string // display name of the owner; "" without an owner
	System         string // display name of the system; "" without a system
	Reports        []scorecards.Report
	Report         *scorecards.Report // of the first scorecard that grades it; nil when there is none
	LeftOut        []scorecards.LeftOut
	Numbers        metrics.ServiceStats
	Window         metrics.Window // of Numbers
	Rank           int            // of the level in its scorecard, from 0 for none
	NumbersUnknown bool           // it is of a past time

	// Only [Reader.WithWays] sets them: of a list of services they would take long.
	Ways        []Way        // to the next level of each scorecard that has one
	Percentiles []Percentile // of each scorecard that grades it, in the order of Reports
}

// Level is the level of the first scorecard in lower case, "none" without one.
func (s Service) Level() string {
	if s.Report == nil {
		return words.Level("")
	}
	return words.Level(s.Report.Level)
}

// Text is what the filter searches.
func (s Service) Text() string {
	return strings.Join(append([]string{s.Entity.Name, s.Entity.Title, s.Team, s.System, s.Entity.System,
		s.Entity.Description}, s.Entity.Tags...), " ")
}

// NoDeploys says why it is not known whether the service was deployed, or "" when it is.
func (s Service) NoDeploys() string {
	return noSource(s.Numbers, event.KindDeployment, "deployment")
}

// NoLastDeploy says why there is no last deployment.
func (s Service) NoLastDeploy() string {
	return cmp.Or(s.NoDeploys(), "its sources hold no successful production deployment")
}

// NoRuns says why there is no rate of CI runs.
func (s Service) NoRuns() string {
	return cmp.Or(noSource(s.Numbers, event.KindPipelineRun, "CI run"), "no finished run in 30 days")
}

// NoTimedRuns says why there is no CI duration.
func (s Service) NoTimedRuns() string {
	return cmp.Or(noSource(s.Numbers, event.KindPipelineRun, "CI run"), "no timed, successful run in 30 days")
}

// NoChanges says why there is no review share.
func (s Service) NoChanges() string {
	return cmp.Or(noSource(s.Numbers, event.KindChange, "change"), "no merged change in 30 days")
}

func noSource(n metrics.ServiceStats, kind event.Kind, what string) string {
	if source := n.NoSource(kind); source != "" {
		return "no " + what + " was ever collected: " + source + " should give them"
	}
	return ""
}

// displayName is the name of an entity as pages show it; "" for no ref.
func displayName(cat *catalog.Catalog, ref string) string {
	if ref == "" {
		return ""
	}
	if e, ok := cat.Entity(ref); ok {
		return e.DisplayName()
	}
	return words.RefName(ref)
}

// Services are all services of the catalog.
type Services struct {
	List     []Service              // in the order of the catalog
	Others   []Service              // graded entities that are no services, such as libraries
	Unmapped []metrics.ServiceStats // the numbers of what no service claims
}

// Services joins the catalog, the grades and the numbers of the last 30 days.
func (r *Reader) Services(ctx context.Context) (Services, error) {
	cat := r.deps.Catalog()
	window := r.Recent()
	var numbers []metrics.ServiceStats
	var reports []scorecards.Report
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { numbers, err = r.serviceStats(ctx, window); return err })
	g.Go(func() (err error) { reports, err = r.gradeReports(ctx); return err })
	if err := g.Wait(); err != nil {
		return Services{}, fmt.Errorf("reading the services: %w", err)
	}
	all := join(cat, numbers, reports, window)
	for _, list := range [][]Service{all.List, all.Others} {
		for i := range list {
			list[i].NumbersUnknown = !r.then.IsZero()
			if len(list[i].Reports) < len(r.deps.Scorecards.Scorecards()) {
				list[i].LeftOut = r.deps.Scorecards.LeftOut(list[i].Entity)
			}
		}
		r.rank(list)
	}
	return all, nil
}

func join(cat *catalog.Catalog, numbers []metrics.ServiceStats, reports []scorecards.Report,
	window metrics.Window) Services {
	var all Services
	index, others := map[string]int{}, map[string]int{}
	for _, e := range cat.Services() {
		index[e.Ref] = len(all.List)
		all.List = append(all.List, newService(cat, e, window))
	}
	for _, report := range reports {
		if _, ok := index[report.Entity]; ok {
			continue
		}
		if e, ok := cat.Entity(report.Entity); ok && !has(others, e.Ref) {
			others[e.Ref] = len(all.Others)
			all.Others = append(all.Others, newService(cat, e, window))
		}
	}
	for _, n := range numbers {
		if i, ok := index[n.Service]; ok {
			all.List[i].Numbers = n
		} else if i, ok := others[n.Service]; ok {
			all.Others[i].Numbers = n
		} else if strings.HasPrefix(n.Service, unmappedPrefix) {
			all.Unmapped = append(all.Unmapped, n)
		}
	}
	for _, report := range reports {
		if i, ok := index[report.Entity]; ok {
			all.List[i].Reports = append(all.List[i].Reports, report)
		} else if i, ok := others[report.Entity]; ok {
			all.Others[i].Reports = append(all.Others[i].Reports, report)
		}
	}
	for _, list := range [][]Service{all.List, all.Others} {
		for i := range list {
			if s := &list[i]; len(s.Reports) > 0 {
				s.Report = &s.Reports[0]
			}
		}
	}
	return all
}

func newService(cat *catalog.Catalog, e descriptor.Entity, window metrics.Window) Service {
	return Service{
		Entity: e, Team: displayName(cat, e.Owner), System: displayName(cat, e.System), Window: window,
		Numbers: metrics.ServiceStats{Service: e.Ref, Missing: []metrics.Missing{}},
	}
}

func has(set map[string]int, key string) bool {
	_, ok := set[key]
	return ok
}

// rank gives every service the rank of its level among the levels of its scorecard.
func (r *Reader) rank(list []Service) {
	levels := map[string][]string{}
	for _, card := range r.deps.Scorecards.Scorecards() {
		levels[card.Name] = card.Levels
	}
	for i := range list {
		if report := list[i].Report; report != nil {
			list[i].Rank = slices.Index(levels[report.Scorecard], report.Level) + 1
		}
	}
}

// Levels are the levels of a scorecard, the lowest first.
func (r *Reader) Levels(scorecard string) []string {
	for _, card := range r.deps.Scorecards.Scorecards() {
		if card.Name == scorecard {
			return card.Levels
		}
	}
	return nil
}

// LevelNames are the levels of all scorecards in lower case, the highest first.
func (r *Reader) LevelNames() []string {
	var names []string
	for _, card := range r.deps.Scorecards.Scorecards() {
		for _, level := range slices.Backward(card.Levels) {
			if level = words.Level(level); !slices.Contains(names, level) {
				names = append(names, level)
			}
		}
	}
	return names
}

// BrokenScorecards are the files whose scorecards are not used because of mistakes.
func (r *Reader) BrokenScorecards() []scorecards.Broken { return r.deps.Scorecards.Broken() }
