package pages

import (
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

type scorecardsView struct {
	layout
	listView
	Rows   []cardRow
	Text   string
	Fields []pick
	All    int
	Broken []brokenCard
}

// cardRow is a scorecard with its bar.
type cardRow struct {
	report.Card
	Path      string
	Bar       []segment
	LevelText string // the levels in words
}

func newCardRow(c report.Card) cardRow {
	row := cardRow{Card: c, Path: report.ScorecardPath(c.Scorecard.Name)}
	var pairs []any
	var text []string
	for _, l := range c.Levels {
		if l.N > 0 {
			pairs = append(pairs, l.Level, l.N)
			text = append(text, words.Whole(l.N)+" "+l.Level)
		}
	}
	row.Bar, row.LevelText = segments(0, pairs...), strings.Join(text, ", ")
	return row
}

// scorecards lists the scorecards.
func (p *Pages) scorecards(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CardFilterOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.CardColumns)
	order, err := route.OrderOf(r, columns, sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	cards, err := p.reader.Cards(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(report.SelectCards(cards, filter), report.CardColumns, order)
	view := scorecardsView{
		layout: p.layout("Scorecards", "/services"),
		listView: newList("/scorecards", r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1/scorecards", r),
		Text: filter.Text, All: len(cards), Broken: brokenCards(p.reader.BrokenScorecards()),
		Fields: []pick{newPick("Origin", "origin", filter.Origin, named(report.Origins))},
	}
	for _, c := range report.Part(fitting, page, route.PageSize) {
		view.Rows = append(view.Rows, newCardRow(c))
	}
	return p.render("scorecards", view)
}

// cardHead is what the pages of one scorecard have in common.
type cardHead struct {
	Card   cardRow
	Tabs   []navItem
	Tab    string // path of the current one
	Owner  string // page of the owner's services; "" if nobody is named
	Levels []cardLevel
}

// cardLevel is a level with the list of what has it.
type cardLevel struct {
	report.LevelCount
	Link string
}

func newCardHead(c report.Card, tab string) cardHead {
	h := cardHead{Card: newCardRow(c), Tab: report.ScorecardPath(c.Scorecard.Name) + tab}
	h.Tabs = []navItem{{h.Card.Path, "Rules"}, {h.Card.Path + "/services", "Services"}, {h.Card.Path + "/teams", "Teams"}}
	for _, l := range c.Levels {
		h.Levels = append(h.Levels, cardLevel{l, with(h.Card.Path+"/services", "level", l.Level)})
	}
	if c.Scorecard.Owner != "" {
		h.Owner = servicesPath("team", c.Scorecard.Owner)
	}
	return h
}

type scorecardView struct {
	layout
	listView
	cardHead
	Rows   []ruleRow
	Text   string
	Fields []pick
	All    int // rules
	Trend  charts.Chart
}

// ruleRow is a rule of a scorecard with its page.
type ruleRow struct {
	report.RuleRow
	Path string
}

// scorecard shows one scorecard and lists its rules.
func (p *Pages) scorecard(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	card, err := p.reader.Card(ctx, r.Param("scorecard"))
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.RuleFilterOf(r, &card)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.RuleColumns)
	order, err := route.OrderOf(r, columns, sorting.Order{By: "level"})
	if err != nil {
		return route.Answer{}, err
	}
	trend, err := p.reader.Trend(ctx, &card)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(report.SelectRules(card.Rules, filter), report.RuleColumns, order)
	head := newCardHead(card, "")
	view := scorecardView{
		layout: p.layout(card.Scorecard.Title, "/services"),
		listView: newList(head.Card.Path, r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1"+head.Card.Path, r),
		cardHead: head, Text: filter.Text, All: len(card.Rules), Trend: trendChart(&card, trend),
		Fields: []pick{newPick("Level", "level", filter.Level, named(report.RuleLevels(card.Rules))),
			newPick("Stage", "stage", filter.Stage, named(report.RuleStages))},
	}
	view.Charts = true
	for _, row := range report.Part(fitting, page, route.PageSize) {
		view.Rows = append(view.Rows, ruleRow{row, report.RulePath(card.Scorecard.Name, row.Rule.ID)})
	}
	return p.render("scorecard", view)
}

// levelColors are the colors of the levels that have one.
var levelColors = map[string]string{
	"gold": "var(--gold)", "silver": "var(--silver)", "bronze": "var(--bronze)", "none": "var(--none)",
}

// trendChart draws how many had each level, the highest at the bottom.
func trendChart(c *report.Card, trend []report.LevelsAt) charts.Chart {
	states := make([]charts.State, len(c.Levels))
	for i, l := range c.Levels {
		states[i] = charts.State{Name: l.Level, Color: levelColors[l.Level]}
		if l.Level == words.Level("") {
			states[i].Name = "no level"
		}
	}
	stacks := make([]charts.Stack, len(trend))
	for i, at := range trend {
		stacks[i] = charts.Stack{At: at.At, Known: at.Graded > 0, Counts: make([]int, len(c.Levels))}
		for j, l := range c.Levels {
			stacks[i].Counts[j] = at.Levels[l.Level]
		}
	}
	return charts.Stacks("trend", "Levels at the end of each week", "Graded", states, stacks)
}

type scorecardServicesView struct {
	layout
	listView
	cardHead
	Rows   []serviceRow
	Text   string
	Fields []pick
}

// scorecardServices lists what a scorecard grades.
func (p *Pages) scorecardServices(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	card, err := p.reader.Card(ctx, r.Param("scorecard"))
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CardServiceFilterOf(r, p.reader, &card)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.CardServiceColumns)
	order, err := route.OrderOf(r, columns, report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(report.Services{List: card.Graded}.Select(filter), report.CardServiceColumns, order)
	head := newCardHead(card, "/services")
	view := scorecardServicesView{
		layout: p.layout("Services graded by "+card.Scorecard.Title, "/services"),
		listView: newList(head.Tab, r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1"+head.Tab, r),
		cardHead: head, Text: filter.Text,
		Rows: serviceRows(report.Part(fitting, page, route.PageSize), report.ServiceFilter{}),
	}
	view.Fields, _ = serviceFields(r, p.reader.Choices(&card))
	return p.render("scorecard_services", view)
}

type scorecardTeamsView struct {
	layout
	listView
	cardHead
	Rows []teamRow
	Text string
	All  int // teams
}

// scorecardTeams lists the teams of what a scorecard grades.
func (p *Pages) scorecardTeams(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	card, err := p.reader.Card(ctx, r.Param("scorecard"))
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.CardTeamColumns)
	order, err := route.OrderOf(r, columns, report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	teams, text := card.Teams(), r.Query("q", "")
	fitting := sorting.Rows(teams.Select(text), report.CardTeamColumns, order)
	head := newCardHead(card, "/teams")
	view := scorecardTeamsView{
		layout: p.layout("Teams graded by "+card.Scorecard.Title, "/services"),
		listView: newList(head.Tab, r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1"+head.Tab, r),
		cardHead: head, Text: text, All: len(teams.List),
		Rows: p.teamRows(report.Part(fitting, page, route.PageSize), teams),
	}
	for i := range view.Rows {
		team := view.Rows[i].Owner
		if team == "" {
			team = report.NoTeam
		}
		view.Rows[i].Link = with(head.Card.Path+"/services", "team", team)
	}
	return p.render("scorecard_teams", view)
}

type ruleView struct {
	layout
	listView
	report.RulePage
	Rows       []ruleService
	Text       string
	Fields     []pick
	Outcomes   []outcomeLink
	Trend      charts.Chart
	Waivers    string // list; "" without any
	Expression string // "" where only a person decides
}

// ruleService is an entity with its outcome of a rule and what it would take.
type ruleService struct {
	report.RuleService
	Step *report.Step // nil: it is earned
	Path string
}

// outcomeLink is how many have an outcome, and the list of them.
type outcomeLink struct {
	report.OutcomeCount
	Link string
}

// rule shows one rule, and lists who passes and who does not.
func (p *Pages) rule(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	rule, err := p.reader.Rule(ctx, r.Param("scorecard"), r.Param("rule"))
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CardServiceFilterOf(r, p.reader, &rule.Card)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.RuleServiceColumns)
	order, err := route.OrderOf(r, columns, report.ByOutcome)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(rule.Select(filter), report.RuleServiceColumns, order)
	rows := report.Part(fitting, page, route.PageSize)
	steps, err := p.reader.Steps(ctx, rows)
	if err != nil {
		return route.Answer{}, err
	}
	scorecard := rule.Card.Scorecard.Name
	path := report.RulePath(scorecard, rule.Row.Rule.ID)
	choices := p.reader.Choices(&rule.Card)
	view := ruleView{
		layout:   p.layout(rule.Row.Rule.Title, "/services"),
		listView: newList(path, r, columns, order, page, route.PageSize, len(fitting)).withJSON("/api/v1"+path, r),
		RulePage: rule, Text: filter.Text, Trend: outcomesChart(rule.History),
	}
	view.Charts = true
	view.Fields, _ = serviceFields(r, choices)
	view.Expression = rule.Row.Rule.Source()
	view.Fields = []pick{view.Fields[0], newPick("Outcome", "outcome", filter.Outcome, named(report.Outcomes))}
	for _, o := range rule.Outcomes() {
		view.Outcomes = append(view.Outcomes, outcomeLink{o, with(path, "outcome", string(o.Outcome))})
	}
	if rule.Row.Waivers > 0 {
		view.Waivers = with("/waivers", "rule", report.RuleName(scorecard, rule.Row.Rule.ID))
	}
	for i := range rows {
		view.Rows = append(view.Rows, ruleService{rows[i], steps[i], report.ServicePath(rows[i].Entity.Ref)})
	}
	return p.render("rule", view)
}

// outcomeStates are the states of the chart of a rule, from the bottom.
var outcomeStates = []struct {
	charts.State
	outcomes []event.Outcome
}{
	{charts.State{Name: "pass", Color: "var(--chart-good)"}, []event.Outcome{event.Pass}},
	{charts.State{Name: "warn", Color: "var(--chart-6)"}, []event.Outcome{event.Warn}},
	{charts.State{Name: "waived", Color: "var(--chart-4)"}, []event.Outcome{event.Waived}},
	{charts.State{Name: "not applicable", Color: "var(--none)"}, []event.Outcome{event.NotApplicable}},
	{charts.State{Name: "no verdict", Color: "var(--chart-2)"},
		[]event.Outcome{event.Unknown, event.Stale, event.ErrorOutcome, event.NeedsReview}},
	{charts.State{Name: "fail", Color: "var(--chart-bad)"}, []event.Outcome{event.Fail}},
}

// outcomesChart draws how many had each outcome; states that nobody ever had are left out.
func outcomesChart(history []report.OutcomeCounts) charts.Chart {
	var states []charts.State
	stacks := make([]charts.Stack, len(history))
	for i, at := range history {
		stacks[i] = charts.Stack{At: at.At, Known: at.Graded > 0}
	}
	for _, s := range outcomeStates {
		counts := make([]int, len(history))
		for i := range history {
			for _, o := range s.outcomes {
				counts[i] += history[i].Counts[o]
			}
		}
		if slices.Max(append(counts, 0)) == 0 {
			continue
		}
		states = append(states, s.State)
		for i := range stacks {
			stacks[i].Counts = append(stacks[i].Counts, counts[i])
		}
	}
	return charts.Stacks("trend", "Outcomes at the end of each week", "Outcomes", states, stacks)
}
