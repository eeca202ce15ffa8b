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
	"github.com/dxctl/dxctl/web/charts"
	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"
)

type serviceView struct {
	layout
	Row          serviceRow
	Cards        []gradeView
	System       string
	Repository   string // address of its repository, when the catalog says it
	Slug         string
	DependsOn    []entityLink
	Dependents   []entityLink
	MoreBelow    int    // entities beyond DependsOn
	MoreAbove    int    // entities beyond Dependents
	Descriptor   string // file:line
	Deployments  []eventRow
	Changes      []eventRow
	Frequency    charts.Chart
	PerWeek      *float64 // nil: not known
	NoDeploys    string   // why PerWeek is not known
	FrequencyN   int
	CI           charts.Chart
	DeployBasis  basisView
	CIBasis      basisView
	AllDeploys   string
	AllChanges   string
	AllRuns      string
	DefinitionOf string
}

// entityLink is another entity, with its page when it is a service.
type entityLink struct{ Name, Kind, Path string }

// gradeView is one scorecard of the service, its rules by level.
type gradeView struct {
	scorecards.Report
	Counts []outcomeCount
	Levels []levelRules
}

type outcomeCount struct {
	Outcome string
	N       int
}

type levelRules struct {
	Level string
	Rules []scorecards.Result
	Pass  int
}

// weeksShown is how far back the charts of a service go.
const weeksShown = 26

// chartWindow is whole weeks up to the present, in UTC, and open at the end.
func chartWindow(now time.Time, weeks int) metrics.Window {
	today := now.UTC().Truncate(24 * time.Hour)
	monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
	return metrics.Window{From: monday.AddDate(0, 0, -7*(weeks-1))}
}

// service shows one service of the catalog.
func (a *app) service(ctx context.Context, r request) (answer, error) {
	ref := strings.ToLower("component:" + r.Param("namespace") + "/" + r.Param("name"))
	cat := a.deps.Catalog()
	entity, ok := cat.Entity(ref)
	if !ok || !entity.IsService() {
		return answer{}, a.noService(ref, cat)
	}
	view := serviceView{
		layout: a.layout(entity.DisplayName(), "/services"), AllDeploys: eventsPath("deployments", "service", entity.Ref),
		AllChanges: eventsPath("changes", "service", entity.Ref), AllRuns: eventsPath("pipeline_runs", "service", entity.Ref),
	}
	view.Charts = true
	window := chartWindow(a.deps.Now(), weeksShown)
	var frequency metrics.Series
	var ci metrics.CIWeeks
	var rows []serviceRow
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { rows, _, err = a.serviceRows(ctx); return err })
	g.Go(func() (err error) {
		frequency, err = a.figures.frequency(ctx, metrics.DeployQuery{Service: entity.Ref, Window: window})
		return err
	})
	g.Go(func() (err error) { ci, err = a.figures.ci(ctx, entity.Ref, window); return err })
	g.Go(func() (err error) {
		view.Deployments, err = a.listEvents(ctx, eventKinds[0], eventFilter{Service: entity.Ref}, 10, 0)
		return err
	})
	g.Go(func() (err error) {
		view.Changes, err = a.listEvents(ctx, eventKinds[2], eventFilter{Service: entity.Ref}, 8, 0)
		return err
	})
	if err := g.Wait(); err != nil {
		return answer{}, err
	}
	if i := slices.IndexFunc(rows, func(r serviceRow) bool { return r.Entity.Ref == entity.Ref }); i >= 0 {
		view.Row = rows[i]
	}
	view.describe(cat, entity)
	for _, r := range view.Row.Reports {
		view.Cards = append(view.Cards, gradeOf(r, a.levelsOf(r.Scorecard)))
	}
	view.Frequency, view.PerWeek, view.FrequencyN = frequencyChart("frequency", frequency, entity.Ref), frequency.PerWeek, frequency.N
	view.NoDeploys = notCollected(frequency.Missing)
	view.DeployBasis, view.CIBasis = sumBasis(frequency.Basis), sumBasis(ci.Basis)
	view.CI = ciChart("ci", ci, entity.Ref)
	return a.render("service", view)
}

// noService explains why there is no page, and names what is close.
func (a *app) noService(ref string, cat *catalog.Catalog) error {
	if e, ok := cat.Entity(ref); ok {
		return fiber.NewError(fiber.StatusNotFound, fmt.Sprintf("%s is of the type %q, which is not deployed and so has no grade; it is described in %s:%d", refName(ref), e.Type, e.File, e.Line))
	}
	name := ref[strings.LastIndex(ref, "/")+1:]
	for _, e := range cat.Services() {
		if strings.EqualFold(e.Name, name) || (name != "" && strings.Contains(strings.ToLower(e.Name), name)) {
			return fiber.NewError(fiber.StatusNotFound, fmt.Sprintf("the catalog has no service %s; did you mean %s?", refName(ref), refName(e.Ref)))
		}
	}
	return fiber.NewError(fiber.StatusNotFound, fmt.Sprintf("the catalog has no service %s", refName(ref)))
}

func (v *serviceView) describe(cat *catalog.Catalog, e catalog.Entity) {
	if e.System != "" {
		v.System = teamName(cat, e.System)
	}
	v.Slug, v.Repository = e.Repository()
	if source, ok := strings.CutPrefix(e.Annotations["backstage.io/source-location"], "url:"); ok && httpURL(source) != "" {
		v.Repository = source
		v.Slug = cmp.Or(v.Slug, source)
	}
	v.Descriptor = fmt.Sprintf("%s:%d", e.File, e.Line)
	link := func(ref string) entityLink {
		kind, _, _ := strings.Cut(ref, ":")
		l := entityLink{Name: refName(ref), Kind: kind}
		if other, ok := cat.Entity(ref); ok && other.IsService() {
			l.Path = servicePath(ref)
		}
		return l
	}
	for _, ref := range e.DependsOn {
		v.DependsOn = append(v.DependsOn, link(ref))
	}
	for _, other := range cat.Entities() {
		if slices.Contains(other.DependsOn, e.Ref) || slices.Contains(e.DependencyOf, other.Ref) {
			v.Dependents = append(v.Dependents, link(other.Ref))
		}
	}
	below, above := part(v.DependsOn, 1, namedSize), part(v.Dependents, 1, namedSize)
	v.MoreBelow, v.MoreAbove = len(v.DependsOn)-len(below), len(v.Dependents)-len(above)
	v.DependsOn, v.Dependents = below, above
}

func (a *app) levelsOf(scorecard string) []string {
	for _, card := range a.deps.Scorecards.Scorecards() {
		if card.Name == scorecard {
			return card.Levels
		}
	}
	return nil
}

// gradeOf lays the rules out by level, from the lowest, and within a level what fails first.
func gradeOf(r scorecards.Report, levels []string) gradeView {
	v := gradeView{Report: r}
	counts := map[string]int{}
	for _, level := range levels {
		rules := levelRules{Level: level}
		for _, rule := range r.Results {
			if rule.Level != level {
				continue
			}
			counts[string(rule.Outcome)]++
			if rule.Outcome == event.Pass {
				rules.Pass++
			}
			rules.Rules = append(rules.Rules, rule)
		}
		if len(rules.Rules) > 0 {
			v.Levels = append(v.Levels, rules)
		}
	}
	for _, l := range v.Levels {
		slices.SortStableFunc(l.Rules, func(x, y scorecards.Result) int { return cmp.Compare(urgency(x), urgency(y)) })
	}
	for _, o := range outcomes {
		if counts[o] > 0 {
			v.Counts = append(v.Counts, outcomeCount{o, counts[o]})
		}
	}
	return v
}

// outcomes in the order in which they ask for attention.
var outcomes = []string{"fail", "error", "stale", "unknown", "waived", "pass", "not applicable"}

func urgency(r scorecards.Result) int { return slices.Index(outcomes, string(r.Outcome)) }

func frequencyChart(id string, s metrics.Series, service string) charts.Chart {
	counts := make([]charts.Count, len(s.Buckets))
	for i, b := range s.Buckets {
		end := b.Start.AddDate(0, 0, 7)
		counts[i] = charts.Count{Start: b.Start, End: end, N: b.N, Partial: b.Partial, Unknown: b.Value == nil && b.N == 0, Link: eventsPath("deployments", "service", service,
			"environment", metrics.Production, "counted", "yes", "from", b.Start.Format(time.DateOnly), "to", end.Format(time.DateOnly))}
	}
	return charts.Frequency(id, "Production deployments by week", "deployments", "week", counts)
}

// notCollected says what was never collected and what should give it, or "" when nothing lacks.
func notCollected(missing []metrics.Missing) string {
	var parts []string
	for _, m := range missing {
		parts = append(parts, "no "+kindName(string(m.Kind))+" were ever collected: "+m.Source+" should give them")
	}
	return strings.Join(parts, "; ")
}

// counted is a count that is added up; what is not known adds nothing.
func counted(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func ciChart(id string, s metrics.CIWeeks, service string) charts.Chart {
	weeks := make([]charts.CIWeek, len(s.Weeks))
	for i, w := range s.Weeks {
		weeks[i] = charts.CIWeek{Start: w.Start, Succeeded: counted(w.Succeeded), Finished: counted(w.Runs), Unknown: w.Runs == nil,
			LeftOut: w.Negative + w.Untimed, Median: w.MedianMinutes, P95: w.P95Minutes, Partial: w.Partial,
			Link: eventsPath("pipeline_runs", "service", service, "status", "succeeded,failed",
				"from", w.Start.Format(time.DateOnly), "to", w.Start.AddDate(0, 0, 7).Format(time.DateOnly))}
	}
	return charts.CI(id, "Minutes of successful CI runs by week", weeks)
}
