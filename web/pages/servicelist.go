package pages

import (
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

type servicesView struct {
	layout
	listView
	Rows      []serviceRow
	Filter    report.ServiceFilter
	Fields    []pick
	More      []pick // further fields
	MoreSet   bool   // one of them is set
	All       int    // services of the catalog
	Rule      string // title of the rule of the filter
	RulePath  string // its page
	Needed    string // name of the entity that the services depend on
	DependsOn string // its ref
	Unmapped  int
	Scorecard string
}

// services lists the services of the catalog.
func (p *Pages) services(ctx context.Context, r route.Request) (route.Answer, error) {
	services, err := p.reader.Services(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	unmapped, err := p.reader.UnmappedScopes(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	choices := p.reader.ServiceChoices(services)
	filter, err := route.ServiceFilterOf(r, p.reader, choices)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.ServiceColumns)
	order, err := route.OrderOf(r, columns, report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := services.Select(filter)
	sorted := sorting.Rows(fitting, report.ServiceColumns, order)
	view := servicesView{
		layout:   p.layout("Services", "/services"),
		listView: newList("/services", r, columns, order, page, route.PageSize, len(fitting)).withJSON("/api/v1/services", r),
		Rows:     serviceRows(report.Part(sorted, page, route.PageSize), filter),
		Filter:   filter, All: len(services.List), Unmapped: unmapped,
		Scorecard: services.Scorecard(),
	}
	view.Fields, view.More = serviceFields(r, choices)
	view.MoreSet = slices.ContainsFunc(view.More, func(p pick) bool { return p.Value != "" })
	for _, rule := range choices.Rules {
		if rule.Name == filter.Rule {
			scorecard, id, _ := strings.Cut(rule.Name, "/")
			view.Rule, view.RulePath = rule.Title, report.RulePath(scorecard, id)
		}
	}
	if filter.DependsOn != nil {
		view.Needed, view.DependsOn = filter.DependsOn.DisplayName(), filter.DependsOn.Ref
	}
	return p.render("services", view)
}

// serviceFields are the fields of the filter, with the values of the request, and the further ones.
func serviceFields(r route.Request, choices report.ServiceChoices) (fields, more []pick) {
	field := func(label, name string, choices []choice) pick {
		return newPick(label, name, r.Query(name, ""), choices)
	}
	levels := named(choices.Levels)
	levels[len(levels)-1].Label = "no level"
	var rules []choice
	for _, rule := range choices.Rules {
		rules = append(rules, choice{rule.Name, rule.Title})
	}
	fields = []pick{
		field("Team", "team", append(named(choices.Teams), choice{report.NoTeam, "no team"})),
		field("Level", "level", levels),
	}
	more = []pick{
		field("System", "system", named(choices.Systems)),
		field("Lifecycle", "lifecycle", named(choices.Lifecycles)),
		field("Rule", "rule", rules),
		field("Outcome", "outcome", named(choices.Outcomes)),
	}
	return fields, more
}
