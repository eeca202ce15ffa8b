// Package checks writes grades for people at a terminal and in the formats that pull request checks read: SARIF and
// JUnit. It also decides whether grades reach a level that a check requires.
package checks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// Service is a component with its grades.
type Service struct {
	Ref     string
	At      fact.Location // of the descriptor in the checkout; the path is "" if there is none
	Anchor  fact.Location // a file of the service for what has no place of its own; the path is "" in the store
	Reports []scorecards.Report
	Facts   map[string]event.Fact // by name; those of a service of the store are not known here
	LeftOut []string              // sentences: why a scorecard does not apply
}

// Grades are the grades of some services.
type Grades struct {
	Root     string // of the checkout; "" for services of the store
	Services []Service
	Cards    []scorecards.Scorecard
	Problems []fact.Problem // of descriptors
	Lost     []fact.Problem // those of Problems because of which a descriptor is not graded
	Notes    []string
	Version  string // of dxctl
}

// Add adds a report of a service of the store.
func (g *Grades) Add(r scorecards.Report) {
	i := slices.IndexFunc(g.Services, func(s Service) bool { return s.Ref == r.Entity })
	if i < 0 {
		i = len(g.Services)
		g.Services = append(g.Services, Service{Ref: r.Entity})
	}
	g.Services[i].Reports = append(g.Services[i].Reports, r)
}

// Validate returns an error if no scorecard has a level; "" is none.
func (g *Grades) Validate(level string) error {
	var all []string
	for _, c := range g.Cards {
		for _, l := range c.Levels {
			if l == level {
				return nil
			}
			if !slices.Contains(all, l) {
				all = append(all, l)
			}
		}
	}
	if level == "" {
		return nil
	}
	return fmt.Errorf("--fail-below %s: unknown level; the levels are %s", level, strings.Join(all, ", "))
}

// Place is where a rule is not met.
type Place struct {
	fact.Location

	Text string
}

// Places returns where a rule of a service is not met, as far as its facts have places, and a sentence for further
// places, which may be "".
func (g *Grades) Places(s *Service, card string, r *scorecards.Result) (places []Place, more string) {
	definitions := g.definitions(card)
	for _, name := range r.FactNames {
		f, known := s.Facts[name]
		forPerson := strings.Contains(name, ".ambiguous_") // what a person has to check is no fault
		if !definitions[name].Places || !known || f.Error != "" || forPerson != (r.Outcome == event.NeedsReview) {
			continue
		}
		var list []string
		if json.Unmarshal(f.Value, &list) != nil {
			continue
		}
		for _, element := range list {
			at, text, ok := named.ParsePlace(element)
			if !ok {
				more = element
				continue
			}
			places = append(places, Place{at, text})
		}
	}
	return places, more
}

func (g *Grades) definitions(card string) map[string]facts.Definition {
	var own []facts.Definition
	if i := slices.IndexFunc(g.Cards, func(c scorecards.Scorecard) bool { return c.Name == card }); i >= 0 {
		own = g.Cards[i].Facts
	}
	return facts.Definitions(own)
}

func (g *Grades) levels(card string) []string {
	i := slices.IndexFunc(g.Cards, func(c scorecards.Scorecard) bool { return c.Name == card })
	if i < 0 {
		return nil
	}
	return g.Cards[i].Levels
}

// Standing is how grades relate to a level.
type Standing int

// The standings, the best first: the worst of several services is the greatest.
const (
	Reached Standing = iota
	Open             // what is not known decides
	Below            // a rule fails
)

// Against returns how the grades relate to a level in every scorecard that has it, and a sentence for each grade that
// does not reach it. The error is that no scorecard has the level.
func (g *Grades) Against(level string) (Standing, []string, error) {
	if err := g.Validate(level); err != nil {
		return Below, nil, err
	}
	worst := Reached
	var why []string
	for i := range g.Services {
		for j := range g.Services[i].Reports {
			standing, rules := g.against(&g.Services[i].Reports[j], level)
			worst = max(worst, standing)
			text := fmt.Sprintf("%s does not reach %s of %s: ", g.Services[i].Ref, level, g.Services[i].Reports[j].Title)
			switch standing {
			case Below:
				why = append(why, text+strings.Join(rules, ", ")+" failed")
			case Open:
				why = append(why, text+strings.Join(rules, ", ")+" is not known")
			}
		}
	}
	for _, lost := range g.Lost {
		worst = max(worst, Open)
		why = append(why, "a descriptor cannot be read, so what it describes is not graded: "+lost.String())
	}
	return worst, why, nil
}

// against returns the standing of one report and the rules that decide.
func (g *Grades) against(r *scorecards.Report, level string) (Standing, []string) {
	levels := g.levels(r.Scorecard)
	want := slices.Index(levels, level)
	if want < 0 || slices.Index(levels, r.Level) >= want {
		return Reached, nil
	}
	var failed, open []string
	for i := range r.Results {
		x := &r.Results[i]
		if slices.Index(levels, x.Level) > want || !x.Counts() {
			continue
		}
		switch state(x.Outcome) {
		case failing:
			failed = append(failed, x.Rule)
		case undecided:
			open = append(open, x.Rule)
		}
	}
	switch {
	case len(failed) > 0:
		return Below, failed
	case len(open) > 0:
		return Open, open
	}
	return Reached, nil // no rule of these levels applies
}

// kind is what an outcome says about a rule.
type kind int

const (
	settled   kind = iota // it passes, is waived or does not apply
	failing               // it fails
	undecided             // it is unknown, stale, in error, or for a person to decide
)

func state(o event.Outcome) kind {
	switch o {
	case event.Fail:
		return failing
	case event.Pass, event.Warn, event.Waived, event.NotApplicable:
		return settled
	}
	return undecided
}

// sources groups the facts that undecided rules lack by who would give them: source → rules, in order.
func (g *Grades) sources(s *Service, r *scorecards.Report) (order []string, rules map[string][]string) {
	definitions := g.definitions(r.Scorecard)
	rules = map[string][]string{}
	for i := range r.Results {
		x := &r.Results[i]
		if state(x.Outcome) != undecided || x.Outcome == event.ErrorOutcome || x.Outcome == event.NeedsReview {
			continue
		}
		for _, name := range x.Missing {
			source := cmp.Or(definitions[name].Source, "a source")
			if f, read := s.Facts[name]; read && f.Error != "" {
				source = f.Error
			}
			if !slices.Contains(rules[source], x.Rule) {
				rules[source] = append(rules[source], x.Rule)
			}
		}
		if len(x.Missing) == 0 {
			rules[x.Reason] = append(rules[x.Reason], x.Rule)
		}
	}
	order = slices.Sorted(maps.Keys(rules))
	slices.SortStableFunc(order, func(a, b string) int { return len(rules[b]) - len(rules[a]) })
	return order, rules
}
