// Package pathtest runs tables of cases against a scorecard: what is observed of a service, and what the scorecard must
// find. The files of cases are in the directory testdata of a scorecard.yaml, and in NAME.test.yaml next to NAME.yaml.
package pathtest

//go:generate go test . -run TestRulesAreDocumented -update

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
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
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/strictyaml"
)

// caseFile is a file of cases: a base, and cases that differ from it.
type caseFile struct {
	Scorecard string     `yaml:"scorecard"` // which of the file; needed if it has several
	Now       time.Time  `yaml:"now"`
	Base      observed   `yaml:"base"`
	Cases     []testCase `yaml:"cases"`
}

// testCase is what is observed and what must be found. What is left out is not compared.
type testCase struct {
	observed `yaml:",inline"`
	Name     string                   `yaml:"name"`
	Now      time.Time                `yaml:"now"`     // that of the file if absent
	Without  yaml.Node                `yaml:"without"` // names of facts of the base, or the word all
	Level    *string                  `yaml:"level"`
	Score    []float64                `yaml:"score"` // the ends of the interval, in percent; one number if they are equal
	Coverage *float64                 `yaml:"coverage"`
	LeftOut  *string                  `yaml:"left_out"` // the sentence for what the filter leaves out
	Outcomes map[string]event.Outcome `yaml:"outcomes"`
	Reasons  map[string]string        `yaml:"reasons"`
	Next     []string                 `yaml:"next"`
}

// observed is what a case observes of a service.
type observed struct {
	Entity entityFields         `yaml:"entity"`
	Facts  map[string]yaml.Node `yaml:"facts"`
	Errors map[string]string    `yaml:"errors"`   // facts that a source could not give, and its words
	Times  map[string]time.Time `yaml:"times"`    // when facts were observed; now if absent
	Expire map[string]time.Time `yaml:"expiries"` // when facts expire; never if absent
}

type entityFields struct {
	Kind        string            `yaml:"kind"`
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
	File      string   `json:"file"`
	Line      int      `json:"line"`
	Scorecard string   `json:"scorecard"`
	Name      string   `json:"case"`
	Problems  []string `json:"problems"` // empty: the case holds
}

// File is the content of a file and its name as shown to people.
type File struct {
	Name string
	Data []byte
}

// Run runs the cases in testdata/*.yaml of a directory against its scorecard.yaml. A case that does not
// hold is not an error; a file that cannot be read is.
func Run(fsys fs.FS, dir string) ([]Result, error) {
	name := path.Join(dir, "scorecard.yaml")
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("testing the scorecard: %w", err)
	}
	names, err := fs.Glob(fsys, path.Join(dir, "testdata", "*.yaml"))
	if err != nil || len(names) == 0 {
		return nil, errors.Join(fmt.Errorf("%s: no cases in %s", name, path.Join(dir, "testdata")), err)
	}
	var cases []File
	for _, file := range names {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("testing the scorecard: %w", err)
		}
		cases = append(cases, File{file, text})
	}
	results, _, err := Test(File{name, data}, cases)
	return results, err
}

// Test runs files of cases against the scorecards of a file, and returns the rules that no case names, as
// scorecard/rule. declared are the facts that sources declare. The error is about files that cannot be used, all of
// them.
func Test(cards File, cases []File, declared ...facts.Definition) (results []Result, untested []string, err error) {
	parsed, err := scorecards.Parse(cards.Data, cards.Name, declared...)
	if err != nil {
		return nil, nil, err
	}
	tested := map[string]bool{}
	var errs []error
	for _, file := range cases {
		found, err := testFile(file, parsed, tested)
		results, errs = append(results, found...), append(errs, err)
	}
	for _, card := range parsed {
		for _, rule := range card.Rules {
			if name := card.Name + "/" + rule.ID; rule.Status != format.Retired && !tested[name] {
				untested = append(untested, name)
			}
		}
	}
	return results, untested, errors.Join(errs...)
}

func testFile(file File, cards []scorecards.Scorecard, tested map[string]bool) ([]Result, error) {
	var cases caseFile
	docs, err := strictyaml.Read(file.Name, file.Data)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, fmt.Errorf("%s: a file of cases is one YAML document, not %d", file.Name, len(docs))
	}
	where, err := docs[0].Decode(&cases)
	if err != nil {
		return nil, err
	}
	card, err := chosen(cases.Scorecard, cards)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where.At("scorecard"), err)
	}
	if cases.Now.IsZero() {
		return nil, fmt.Errorf("%s: it has no now; write for example now: 2026-11-22T12:00:00Z", file.Name)
	}
	if len(cases.Cases) == 0 {
		return nil, fmt.Errorf("%s: it has no cases", file.Name)
	}
	r := runner{card: card, base: cases.Base, definitions: definitionsOf(card)}
	var results []Result
	var errs []error
	for i := range cases.Cases {
		c := &cases.Cases[i]
		at := fmt.Sprintf("cases[%d]", i)
		if c.Now.IsZero() {
			c.Now = cases.Now
		}
		problems, err := r.run(c)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: case %q: %w", where.At(at), c.Name, err))
			continue
		}
		for rule := range c.Outcomes {
			tested[card.Name+"/"+rule] = true
		}
		_, line, _ := strings.Cut(where.At(at), file.Name+":")
		result := Result{File: file.Name, Scorecard: card.Name, Name: c.Name, Problems: problems}
		if _, err := fmt.Sscan(line, &result.Line); err != nil {
			result.Line = 1
		}
		results = append(results, result)
	}
	return results, errors.Join(errs...)
}

// chosen returns the scorecard of a name; without a name the only one.
func chosen(name string, cards []scorecards.Scorecard) (scorecards.Scorecard, error) {
	names := make([]string, 0, len(cards))
	for _, card := range cards {
		if card.Name == name || name == "" && len(cards) == 1 {
			return card, nil
		}
		names = append(names, card.Name)
	}
	if name == "" {
		return scorecards.Scorecard{}, fmt.Errorf("its file has %d scorecards; name one, as scorecard: %s",
			len(cards), names[0])
	}
	return scorecards.Scorecard{}, fmt.Errorf("unknown scorecard %q%s", name, spelling.Hint(name, names))
}

// definitionsOf returns the facts that cases may state: those of the scorecard, and levels of other ones.
func definitionsOf(card scorecards.Scorecard) map[string]facts.Definition {
	definitions := facts.Definitions(card.Facts)
	maps.Copy(definitions, scorecards.LevelFacts(card))
	return definitions
}

// runner runs the cases of a file.
type runner struct {
	card        scorecards.Scorecard
	base        observed
	definitions map[string]facts.Definition
}

func (r runner) run(c *testCase) (problems []string, err error) {
	if err := r.check(c); err != nil {
		return nil, err
	}
	engine, err := scorecards.New(scorecards.Set{Cards: []scorecards.Scorecard{r.card}}, func() time.Time { return c.Now })
	if err != nil {
		return nil, err
	}
	engine = engine.WithDrafts()
	known, err := r.gather(c)
	if err != nil {
		return nil, err
	}
	entity := entityOf(r.base.Entity, c.Entity)
	reports := engine.Grade(entity, known)
	left := engine.LeftOut(entity)
	switch {
	case len(reports) == 0 && c.LeftOut != nil:
		if len(left) == 1 && left[0].Reason != *c.LeftOut {
			return []string{fmt.Sprintf("left_out: got %q, want %q", left[0].Reason, *c.LeftOut)}, nil
		}
		return nil, nil
	case len(reports) == 0:
		return []string{"the scorecard's filter leaves the service out: " + left[0].Reason}, nil
	case c.LeftOut != nil:
		return []string{fmt.Sprintf("left_out: the scorecard's filter takes the service, want %q", *c.LeftOut)}, nil
	}
	return compare(reports[0], c), nil
}

// check refuses expectations that no scorecard could meet: they are mistakes of the file.
func (r runner) check(c *testCase) error {
	var errs []error
	for _, rule := range slices.Sorted(maps.Keys(c.Outcomes)) {
		if o := c.Outcomes[rule]; !slices.Contains(event.Outcomes, o) {
			known := make([]string, 0, len(event.Outcomes))
			for _, outcome := range event.Outcomes {
				known = append(known, string(outcome))
			}
			errs = append(errs, fmt.Errorf("outcomes: %s: unknown outcome %q%s", rule, o, spelling.Hint(string(o), known)))
		}
	}
	if c.Level != nil && *c.Level != "" && !slices.Contains(r.card.Levels, *c.Level) {
		errs = append(errs, fmt.Errorf("level %q is not one of %s", *c.Level, strings.Join(r.card.Levels, ", ")))
	}
	if len(c.Score) > 2 {
		errs = append(errs, errors.New("score has more than two numbers; write the ends of the interval, such as [60, 75]"))
	}
	return errors.Join(errs...)
}

func entityOf(base, over entityFields) descriptor.Entity {
	pick := func(a, b string) string {
		if b != "" {
			return b
		}
		return a
	}
	e := descriptor.Entity{
		Kind:        cmp.Or(pick(base.Kind, over.Kind), "Component"),
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
	e.Ref = identifier.Ref{Kind: strings.ToLower(e.Kind), Namespace: "default", Name: strings.ToLower(e.Name)}.String()
	return e
}

// gather makes the facts of a case: the base without what the case takes away, then the case's own.
func (r runner) gather(c *testCase) (map[string]event.Fact, error) {
	without := &c.Without
	known := map[string]event.Fact{}
	dropAll, drop := without.Value == "all", []string{}
	if without.Kind == yaml.SequenceNode {
		if err := without.Decode(&drop); err != nil {
			return nil, fmt.Errorf("without: %w", err)
		}
	} else if without.Kind != 0 && !dropAll {
		return nil, fmt.Errorf("without is %q; write a list of facts or the word all", without.Value)
	}
	errs := []error{r.named("without", drop)}
	add := func(f *observed, skip func(string) bool) {
		for _, name := range slices.Sorted(maps.Keys(f.Facts)) {
			node := f.Facts[name]
			fact, err := r.fact(name, &node, c.Now)
			errs = append(errs, err)
			if err == nil && !skip(name) {
				known[name] = fact
			}
		}
		errs = append(errs, r.named("errors", slices.Collect(maps.Keys(f.Errors))))
		for name, message := range f.Errors {
			if !skip(name) {
				known[name] = event.Fact{
					Source: "test", Name: name, Type: r.definitions[name].Type, Error: message, ObservedAt: c.Now,
				}
			}
		}
		errs = append(errs, r.named("times", slices.Collect(maps.Keys(f.Times))),
			r.named("expiries", slices.Collect(maps.Keys(f.Expire))))
		for name, fact := range known {
			if at, ok := f.Times[name]; ok {
				fact.ObservedAt = at
			}
			if at, ok := f.Expire[name]; ok {
				fact.ExpiresAt = at
			}
			known[name] = fact
		}
	}
	add(&r.base, func(name string) bool { return dropAll || slices.Contains(drop, name) })
	add(&c.observed, func(string) bool { return false })
	return known, errors.Join(errs...)
}

// named refuses names of facts that the scorecard cannot ask for.
func (r runner) named(key string, names []string) error {
	var errs []error
	for _, name := range slices.Sorted(slices.Values(names)) {
		if _, ok := r.definitions[name]; !ok {
			errs = append(errs, fmt.Errorf("%s: unknown fact %q%s", key, name, facts.Suggestion(name, r.definitions)))
		}
	}
	return errors.Join(errs...)
}

func (r runner) fact(name string, node *yaml.Node, now time.Time) (event.Fact, error) {
	d, ok := r.definitions[name]
	if !ok {
		return event.Fact{}, fmt.Errorf("line %d: unknown fact %q%s", node.Line, name, facts.Suggestion(name, r.definitions))
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

// compare returns how a report differs from what the case wants.
func compare(r scorecards.Report, c *testCase) []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if c.Level != nil && r.Level != *c.Level {
		problem("level: got %q, want %q", r.Level, *c.Level)
	}
	if len(c.Score) > 0 {
		low, high := c.Score[0]/100, c.Score[len(c.Score)-1]/100
		if !near(r.Score, low) || !near(r.ScoreHigh, high) {
			problem("score: got [%.4g, %.4g], want [%.4g, %.4g]", 100*r.Score, 100*r.ScoreHigh, 100*low, 100*high)
		}
	}
	if c.Coverage != nil && !near(r.Coverage, *c.Coverage/100) {
		problem("coverage: got %.4g, want %.4g", 100*r.Coverage, *c.Coverage)
	}
	got := map[string]scorecards.Result{}
	for _, result := range r.Results {
		got[result.Rule] = result
	}
	for _, rule := range slices.Sorted(maps.Keys(c.Outcomes)) {
		result, ok := got[rule]
		switch {
		case !ok:
			problem("the scorecard has no rule %s that is evaluated", rule)
		case result.Outcome != c.Outcomes[rule]:
			problem("%s: got %s (%s), want %s", rule, result.Outcome, result.Reason, c.Outcomes[rule])
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(c.Reasons)) {
		if got[rule].Reason != c.Reasons[rule] {
			problem("%s: reason: got %q, want %q", rule, got[rule].Reason, c.Reasons[rule])
		}
	}
	if c.Next != nil {
		var rules []string
		for i := range r.Next {
			rules = append(rules, r.Next[i].Rule)
		}
		if !slices.Equal(rules, c.Next) {
			problem("next: got %v, want %v", rules, c.Next)
		}
	}
	return problems
}

// near compares shares as people write them, in whole percent.
func near(got, want float64) bool { return math.Abs(got-want) < 0.005 }
