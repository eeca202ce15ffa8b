package pages

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

type serviceView struct {
	layout
	report.ServicePage
	Row        serviceRow
	LeftOut    []scorecards.LeftOut
	Broken     []brokenCard
	Cards      []gradeView
	First      []stepItem // what to do first
	Fixes      string     // page of the plan of its fixes; "" for none
	Levelled   bool       // there are scorecards, and every level of them is reached
	DependsOn  []entityLink
	Dependents []entityLink
	MoreBelow  int    // entities beyond DependsOn
	MoreAbove  int    // entities beyond Dependents
	AllAbove   string // the list of all services that depend on it
	Named      int    // tags and links that the page names at most
	Descriptor string // file:line
	Component  bool   // it may have CI runs and changes

	FrequencyChart charts.Chart
	NoDeploys      string // why Frequency.PerWeek is not known
	CIChart        charts.Chart
	DeployCoverage report.CompletenessSum
	CICoverage     report.CompletenessSum

	AllDeploys, AllChanges, AllRuns, AllFacts string // lists
}

// entityLink is another entity, with its page when it is a service.
type entityLink struct{ Name, Kind, Path string }

// gradeView is one scorecard of the service, its rules by level.
type gradeView struct {
	scorecards.Report
	Counts  []outcomeCount
	Levels  []levelRules
	History historyView
	Way     *report.Way // nil: there is no next level
	Peers   string      // sentence without a period
}

// stepItem is a step with the place of its rule on the page.
type stepItem struct {
	report.Step
	Href string
}

// historyView is how the grade by a scorecard changed.
type historyView struct {
	report.CardHistory
	Chart  charts.Chart
	Latest []changedRule // the latest changes of rules, newest first
	More   int           // earlier ones
}

// changedRule is a rule whose outcome changed, or that the rules of the scorecard did: the cause of what changes with
// them.
type changedRule struct {
	scorecards.OutcomeChange
	At           time.Time
	RulesChanged bool
	Digest       string // the first characters of that of the new rules
}

type outcomeCount struct {
	Outcome string
	N       int
}

type levelRules struct {
	Level string
	Rules []scorecards.Result
	Pass  int // or warn
	// rules that count in the grade: those that are only announced do not
	Counted int
}

// service shows one service of the catalog, or another graded entity.
func (p *Pages) service(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := p.reader.ServicePage(ctx, r.ServiceRef())
	if err != nil {
		return route.Answer{}, err
	}
	e := page.Service.Entity
	view := serviceView{
		layout: p.layout(e.DisplayName(), "/services"), ServicePage: page, Row: serviceRow{Service: page.Service},
		Descriptor:     fmt.Sprintf("%s:%d", e.File, e.Line),
		FrequencyChart: frequencyChart("frequency", page.Frequency, e.Ref),
		NoDeploys:      report.NotCollected(page.Frequency.Missing),
		CIChart:        ciChart("ci", page.CI, e.Ref),
		DeployCoverage: report.Sum(page.Frequency.Completeness), CICoverage: report.Sum(page.CI.Completeness),
		Component:  e.Kind == "Component",
		AllFacts:   report.ServicePath(e.Ref) + "/facts",
		AllDeploys: eventsPath("deployments", "service", e.Ref),
		AllChanges: eventsPath("changes", "service", e.Ref),
		AllRuns:    eventsPath("pipeline_runs", "service", e.Ref),
	}
	if p.deps.Fixes != nil && view.Component {
		view.Fixes = report.ServicePath(e.Ref) + "/fix"
	}
	view.LeftOut, view.Broken = page.Service.LeftOut, brokenCards(p.reader.BrokenScorecards())
	view.Charts = true
	view.Named = route.NamedSize
	view.AllAbove = servicesPath("depends_on", e.Ref)
	view.DependsOn, view.MoreBelow = entityLinks(page.DependsOn)
	view.Dependents, view.MoreAbove = entityLinks(page.Dependents)
	for _, graded := range page.Service.Reports {
		card := gradeOf(graded, p.reader.Levels(graded.Scorecard))
		i := slices.IndexFunc(page.History, func(h report.CardHistory) bool { return h.Scorecard == graded.Scorecard })
		if i >= 0 {
			card.History = historyViewOf(page.History[i], p.reader.Now())
		}
		i = slices.IndexFunc(page.Service.Ways, func(w report.Way) bool { return w.Scorecard == graded.Scorecard })
		if i >= 0 {
			card.Way = &page.Service.Ways[i]
		}
		card.Peers = page.Service.Percentiles[len(view.Cards)].Text()
		view.Cards = append(view.Cards, card)
	}
	for _, step := range page.First {
		view.First = append(view.First, stepItem{step, view.anchor(step)})
	}
	view.Levelled = len(view.Cards) > 0 && len(page.Service.Ways) == 0 && !slices.ContainsFunc(page.Service.Reports,
		func(r scorecards.Report) bool { return r.Level == "" })
	return p.render("service", view)
}

// anchor is the place of a step's rule on the page.
func (v *serviceView) anchor(step report.Step) string {
	i := slices.IndexFunc(v.Cards, func(c gradeView) bool { return c.Scorecard == step.Scorecard })
	return fmt.Sprintf("#rule-%d-%s", i, step.Rule)
}

// The bounds of what the page of a service shows of a history, for each scorecard: the API has all of it.
const (
	latestMoments = 60 // grades that are drawn
	latestRules   = 15 // changes of rules
)

// historyViewOf draws a history, and lists the rules whose outcome changed after they were first graded.
func historyViewOf(h report.CardHistory, now time.Time) historyView {
	h.Moments = h.Moments[max(0, len(h.Moments)-latestMoments):]
	v := historyView{CardHistory: h}
	scores := make([]charts.Score, len(h.Moments))
	for i, m := range h.Moments {
		scores[i] = charts.Score{At: m.At, Level: m.Level, Low: m.Score, High: m.ScoreHigh, Coverage: m.Coverage}
	}
	v.Chart = charts.Scores("history-"+h.Scorecard, "Score by "+h.Title, scores, now)
	for _, m := range slices.Backward(h.Moments) {
		if m.RulesChanged && len(v.Latest) < latestRules {
			v.Latest = append(v.Latest, changedRule{At: m.At, RulesChanged: true, Digest: report.ShortDigest(m.RulesDigest)})
		}
		for _, change := range m.Changes {
			switch {
			case change.From == "" || change.From == change.To:
			case len(v.Latest) < latestRules:
				v.Latest = append(v.Latest, changedRule{OutcomeChange: change, At: m.At})
			default:
				v.More++
			}
		}
	}
	return v
}

// entityLinks are the entities that a page names, and how many more there are.
func entityLinks(entities []report.EntityLink) (links []entityLink, more int) {
	for _, e := range report.Part(entities, 1, route.NamedSize) {
		kind, _, _ := strings.Cut(e.Ref, ":")
		link := entityLink{Name: words.RefName(e.Ref), Kind: kind}
		if e.Page {
			link.Path = report.ServicePath(e.Ref)
		}
		links = append(links, link)
	}
	return links, len(entities) - len(links)
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
			if rule.Counts() {
				counts[string(rule.Outcome)]++
				rules.Counted++
			}
			if rule.Counts() && (rule.Outcome == event.Pass || rule.Outcome == event.Warn) {
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
	for _, o := range report.Outcomes {
		if counts[o] > 0 {
			v.Counts = append(v.Counts, outcomeCount{o, counts[o]})
		}
	}
	return v
}

// brokenCard is a file of scorecards that is not used, with its first problem.
type brokenCard struct {
	Title   string
	Problem string
	More    int // problems
}

func brokenCards(broken []scorecards.Broken) []brokenCard {
	var cards []brokenCard
	for _, b := range broken {
		card := brokenCard{Title: cmp.Or(strings.Join(b.Names, ", "), b.File)}
		if len(b.Problems) > 0 {
			card.Problem, card.More = b.Problems[0].Error(), len(b.Problems)-1
		}
		cards = append(cards, card)
	}
	return cards
}

// urgency is the place of an outcome among those that ask for attention.
func urgency(r scorecards.Result) int { return slices.Index(report.Outcomes, string(r.Outcome)) }
