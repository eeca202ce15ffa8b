package report

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// ServiceFilter selects services. Empty fields select all.
type ServiceFilter struct {
	Text      string // part of the name, title, team, system, description or a tag, in any case
	Team      string // display name or ref of the owner; NoTeam for services without an owner
	System    string // display name or ref of the system
	Lifecycle string
	Level     string             // by the first scorecard, in lower case; "none" for none
	Rule      string             // scorecard/rule: services to which the rule applies
	Outcome   string             // of the rule, or of any rule if none is given
	DependsOn *descriptor.Entity // services that need it; nil: all
}

// NoTeam is the team of services without an owner, in filters.
const NoTeam = "none"

// Select returns the services that fit the filter, in the order of the list.
func (s Services) Select(f ServiceFilter) []Service {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	var list []Service
	for _, service := range s.List {
		if f.fits(service) && (text == "" || strings.Contains(strings.ToLower(service.Text()), text)) {
			list = append(list, service)
		}
	}
	return list
}

func (f ServiceFilter) fits(s Service) bool {
	return (f.Team == "" || f.Team == s.Team || f.Team == s.Entity.Owner || f.Team == NoTeam && s.Entity.Owner == "") &&
		(f.System == "" || f.System == s.System || f.System == s.Entity.System) &&
		(f.Lifecycle == "" || f.Lifecycle == s.Entity.Lifecycle) &&
		(f.Level == "" || f.Level == s.Level()) &&
		(f.DependsOn == nil || needs(s.Entity, *f.DependsOn)) &&
		(f.Rule == "" && f.Outcome == "" || f.outcome(s) != nil)
}

// ResultOf returns the result of the rule by which the filter selects a service, or nil if it does not ask for one.
func (f ServiceFilter) ResultOf(s Service) *scorecards.Result {
	if f.Rule == "" && f.Outcome == "" {
		return nil
	}
	return f.outcome(s)
}

// outcome returns the first result of the service that the filter selects, or nil.
func (f ServiceFilter) outcome(s Service) *scorecards.Result {
	for _, report := range s.Reports {
		for i := range report.Results {
			result := &report.Results[i]
			if (f.Rule == "" || f.Rule == RuleName(report.Scorecard, result.Rule)) &&
				(f.Outcome == "" || f.Outcome == string(result.Outcome)) {
				return result
			}
		}
	}
	return nil
}

// needs reports whether an entity depends on another, as the descriptor of either states.
func needs(e, other descriptor.Entity) bool {
	return slices.Contains(e.DependsOn, other.Ref) || slices.Contains(other.DependencyOf, e.Ref)
}

// RuleName is the name of a rule in filters.
func RuleName(scorecard, rule string) string { return scorecard + "/" + rule }

// RuleChoice is a rule that services can be selected by.
type RuleChoice struct{ Name, Title string }

// ServiceChoices are the values that a [ServiceFilter] can have, each sorted and without repetition.
type ServiceChoices struct {
	Teams, Systems       []string // display names
	TeamRefs, SystemRefs []string
	Lifecycles           []string
	Levels               []string     // the highest first, "none" last
	Rules                []RuleChoice // by scorecard, in its order
	Outcomes             []string     // those that ask for attention first
}

// Outcomes are the outcomes of rules, those that ask for attention first.
var Outcomes = outcomes()

func outcomes() []string {
	names := make([]string, 0, len(event.Outcomes))
	for _, o := range event.Outcomes {
		names = append(names, string(o))
	}
	return names
}

// ServiceChoices returns what the services can be selected by.
func (r *Reader) ServiceChoices(s Services) ServiceChoices {
	choices := ServiceChoices{Levels: append(r.LevelNames(), words.Level("")), Outcomes: Outcomes}
	for _, service := range s.List {
		choices.Teams = append(choices.Teams, service.Team)
		choices.TeamRefs = append(choices.TeamRefs, service.Entity.Owner)
		choices.Systems = append(choices.Systems, service.System)
		choices.SystemRefs = append(choices.SystemRefs, service.Entity.System)
		choices.Lifecycles = append(choices.Lifecycles, service.Entity.Lifecycle)
	}
	for _, values := range []*[]string{
		&choices.Teams, &choices.TeamRefs, &choices.Systems, &choices.SystemRefs, &choices.Lifecycles,
	} {
		*values = Distinct(*values)
	}
	for _, card := range r.deps.Scorecards.Scorecards() {
		for _, rule := range card.Rules {
			choices.Rules = append(choices.Rules, RuleChoice{RuleName(card.Name, rule.ID), rule.Title})
		}
	}
	return choices
}

// ByName is the order of lists of services and teams that nobody has sorted.
var ByName = sorting.Order{By: "name"}

func text[T any](key, label string, value func(T) string) sorting.Field[T] {
	lower := func(row T) string { return strings.ToLower(value(row)) }
	return sorting.Field[T]{Column: sorting.Column{Key: key, Label: label}, Text: lower}
}

func number[T any](key, label string, value func(T) *float64) sorting.Field[T] {
	return sorting.Field[T]{Column: sorting.Column{Key: key, Label: label, Number: true}, Value: value}
}

func count(n *int) *float64 {
	if n == nil {
		return nil
	}
	return sorting.Count(*n)
}

// ServiceColumns are the columns of the list of services.
var ServiceColumns = []sorting.Field[Service]{
	text("name", "service", func(s Service) string { return s.Entity.DisplayName() }),
	text("team", "team", func(s Service) string { return s.Team }),
	text("system", "system", func(s Service) string { return s.System }),
	{Column: sorting.Column{Key: "level", Label: "level"},
		Value: func(s Service) *float64 { return sorting.Count(s.Rank) }},
	number("score", "score", func(s Service) *float64 {
		if s.Report == nil || s.Report.Coverage == 0 {
			return nil
		}
		return sorting.Value(s.Report.Score)
	}),
	number("deploys", "deploys", func(s Service) *float64 { return count(s.Numbers.Deploys) }),
	number("last", "last deploy", func(s Service) *float64 {
		if s.Numbers.LastDeploy == nil {
			return nil
		}
		return sorting.Value(float64(s.Numbers.LastDeploy.Unix()))
	}),
	number("ci", "CI p95", func(s Service) *float64 { return s.Numbers.P95Minutes }),
	number("success", "CI success", func(s Service) *float64 { return s.Numbers.SuccessRate }),
}

// EntityColumns are the columns of the list of graded entities that are no services.
var EntityColumns = []sorting.Field[Service]{
	text("name", "name", func(s Service) string { return s.Entity.DisplayName() }),
	text("kind", "kind", func(s Service) string { return s.KindName() }),
	ServiceColumns[1], ServiceColumns[2], ServiceColumns[3], ServiceColumns[4],
}

// KindName is the type of a Component, such as library, or else the kind, in lower case.
func (s Service) KindName() string {
	if s.Entity.Kind == "Component" && s.Entity.Type != "" {
		return strings.ToLower(s.Entity.Type)
	}
	return strings.ToLower(s.Entity.Kind)
}
