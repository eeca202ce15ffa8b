// Package pathtest runs the cases that a scorecard has in its directory testdata.
package pathtest

//go:generate go test . -run TestRulesAreDocumented -update

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/strictyaml"
)

// caseFile is a file of testdata: a base, and cases that differ from it.
type caseFile struct {
	Now   time.Time `yaml:"now"`
	Base  observed  `yaml:"base"`
	Cases []struct {
		observed `yaml:",inline"`
		Name     string                   `yaml:"name"`
		Without  yaml.Node                `yaml:"without"` // names of facts of the base, or the word all
		Level    *string                  `yaml:"level"`
		Outcomes map[string]event.Outcome `yaml:"outcomes"`
		Reasons  map[string]string        `yaml:"reasons"`
		Next     []string                 `yaml:"next"`
	} `yaml:"cases"`
}

// observed is what a case observes of a service.
type observed struct {
	Entity entityFields         `yaml:"entity"`
	Facts  map[string]yaml.Node `yaml:"facts"`
	Errors map[string]string    `yaml:"errors"` // facts that a source could not give, and its words
}

type entityFields struct {
	Name        string            `yaml:"name"`
	Type        string            `yaml:"type"`
	Lifecycle   string            `yaml:"lifecycle"`
	Owner       string            `yaml:"owner"`
	System      string            `yaml:"system"`
	Tags        []string          `yaml:"tags"`
	Annotations map[string]string `yaml:"annotations"`
}

// Result is the result of one case.
type Result struct {
	File     string
	Name     string
	Problems []string // empty: the case holds
}

// Run runs the cases in testdata/*.yaml of a directory against its scorecard.yaml. A case that does not
// hold is not an error; a file that cannot be read is.
func Run(fsys fs.FS, dir string) ([]Result, error) {
	name := path.Join(dir, "scorecard.yaml")
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("testing the scorecard: %w", err)
	}
	cards, err := scorecards.Parse(data, name)
	if err != nil {
		return nil, err
	}
	if len(cards) != 1 {
		return nil, fmt.Errorf("%s: it holds %d scorecards; a directory has one", name, len(cards))
	}
	files, err := fs.Glob(fsys, path.Join(dir, "testdata", "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(fmt.Errorf("%s: no cases in %s", name, path.Join(dir, "testdata")), err)
	}
	var results []Result
	for _, file := range files {
		found, err := testFile(fsys, file, cards[0])
		if err != nil {
			return nil, err
		}
		results = append(results, found...)
	}
	return results, nil
}

func testFile(fsys fs.FS, file string, card scorecards.Scorecard) ([]Result, error) {
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("testing the scorecard: %w", err)
	}
	var cases caseFile
	docs, err := strictyaml.Read(file, data)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, fmt.Errorf("%s: a file of cases is one YAML document, not %d", file, len(docs))
	}
	if _, err := docs[0].Decode(&cases); err != nil {
		return nil, err
	}
	if cases.Now.IsZero() {
		return nil, fmt.Errorf("%s: it has no now; write for example now: 2026-11-22T12:00:00Z", file)
	}
	engine, err := scorecards.New(scorecards.Set{Cards: []scorecards.Scorecard{card}}, func() time.Time { return cases.Now })
	if err != nil {
		return nil, err
	}
	engine = engine.WithDrafts()
	results := make([]Result, 0, len(cases.Cases))
	for i := range cases.Cases {
		c := &cases.Cases[i]
		known, err := gather(card, cases.Base, c.observed, &c.Without, cases.Now)
		if err != nil {
			return nil, fmt.Errorf("%s: case %q: %w", file, c.Name, err)
		}
		result := Result{File: file, Name: c.Name}
		reports := engine.Grade(entityOf(cases.Base.Entity, c.Entity), known)
		if len(reports) == 0 {
			result.Problems = append(result.Problems, "the scorecard's filter leaves the service out")
		} else {
			result.Problems = compare(reports[0], c.Level, c.Outcomes, c.Reasons, c.Next)
		}
		results = append(results, result)
	}
	return results, nil
}

func entityOf(base, over entityFields) descriptor.Entity {
	pick := func(a, b string) string {
		if b != "" {
			return b
		}
		return a
	}
	e := descriptor.Entity{
		Kind:        "Component",
		Namespace:   "default",
		Name:        pick(base.Name, over.Name),
		Type:        pick(base.Type, over.Type),
		Lifecycle:   pick(base.Lifecycle, over.Lifecycle),
		Owner:       pick(base.Owner, over.Owner),
		System:      pick(base.System, over.System),
		Tags:        slices.Concat(base.Tags, over.Tags),
		Annotations: map[string]string{},
	}
	maps.Copy(e.Annotations, base.Annotations)
	maps.Copy(e.Annotations, over.Annotations)
	e.Ref = identifier.Ref{Kind: "component", Namespace: "default", Name: strings.ToLower(e.Name)}.String()
	return e
}

// gather makes the facts of a case: the base without what the case takes away, then the case's own.
func gather(
	card scorecards.Scorecard,
	base, own observed,
	without *yaml.Node,
	now time.Time,
) (map[string]event.Fact, error) {
	definitions := facts.Definitions(card.Facts)
	known := map[string]event.Fact{}
	dropAll, drop := without.Value == "all", []string{}
	if without.Kind == yaml.SequenceNode {
		if err := without.Decode(&drop); err != nil {
			return nil, fmt.Errorf("without: %w", err)
		}
	} else if without.Kind != 0 && !dropAll {
		return nil, fmt.Errorf("without is %q; write a list of facts or the word all", without.Value)
	}
	for _, name := range drop {
		if _, ok := definitions[name]; !ok {
			return nil, fmt.Errorf("without: unknown fact %q", name)
		}
	}
	add := func(f observed, skip func(string) bool) error {
		for _, name := range slices.Sorted(maps.Keys(f.Facts)) {
			node := f.Facts[name]
			fact, err := factOf(definitions, name, &node, now)
			if err != nil {
				return err
			}
			if !skip(name) {
				known[name] = fact
			}
		}
		for name, message := range f.Errors {
			known[name] = event.Fact{Source: "test", Name: name, Type: definitions[name].Type, Error: message, ObservedAt: now}
		}
		return nil
	}
	err := add(base, func(name string) bool { return dropAll || slices.Contains(drop, name) })
	return known, errors.Join(err, add(own, func(string) bool { return false }))
}

func factOf(definitions map[string]facts.Definition, name string, node *yaml.Node, now time.Time) (event.Fact, error) {
	d, ok := definitions[name]
	if !ok {
		return event.Fact{}, fmt.Errorf("line %d: unknown fact %q%s", node.Line, name, facts.Suggestion(name, definitions))
	}
	var value any
	if err := node.Decode(&value); err != nil {
		return event.Fact{}, fmt.Errorf("line %d: %w", node.Line, err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return event.Fact{}, fmt.Errorf("line %d: %w", node.Line, err)
	}
	fact := event.Fact{Source: "test", Entity: "test", Name: name, Type: d.Type, Value: raw, ObservedAt: now}
	if _, err := fact.Decode(); err != nil {
		return event.Fact{}, fmt.Errorf("line %d: %w", node.Line, err)
	}
	return fact, nil
}

func compare(
	r scorecards.Report,
	level *string,
	outcomes map[string]event.Outcome,
	reasons map[string]string,
	next []string,
) []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if level != nil && r.Level != *level {
		problem("level is %q, want %q", r.Level, *level)
	}
	got := map[string]scorecards.Result{}
	for _, result := range r.Results {
		got[result.Rule] = result
	}
	for _, rule := range slices.Sorted(maps.Keys(outcomes)) {
		result, ok := got[rule]
		switch {
		case !ok:
			problem("the scorecard has no rule %s", rule)
		case result.Outcome != outcomes[rule]:
			problem("%s is %q (%s), want %q", rule, result.Outcome, result.Reason, outcomes[rule])
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(reasons)) {
		if got[rule].Reason != reasons[rule] {
			problem("%s says %q, want %q", rule, got[rule].Reason, reasons[rule])
		}
	}
	if next != nil {
		var rules []string
		for _, result := range r.Next {
			rules = append(rules, result.Rule)
		}
		if !slices.Equal(rules, next) {
			problem("next is %v, want %v", rules, next)
		}
	}
	return problems
}
