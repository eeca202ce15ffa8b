package scorecards

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// Engine grades entities. It does not change after New and may be used from many goroutines.
type Engine struct {
	cards []*compiledCard
	now   func() time.Time
}

// New compiles the scorecards. Errors have the file and line of the expression.
func New(cards []Scorecard, now func() time.Time) (*Engine, error) {
	e := &Engine{now: now}
	if now == nil {
		e.now = time.Now
	}
	var errs []error
	for _, s := range cards {
		card, err := compileCard(s)
		e.cards, errs = append(e.cards, card), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return e, nil
}

// Scorecards returns what the engine grades by.
func (e *Engine) Scorecards() []Scorecard {
	out := make([]Scorecard, 0, len(e.cards))
	for _, c := range e.cards {
		out = append(out, c.Scorecard)
	}
	return out
}

// Result is what a rule found about an entity.
type Result struct {
	Rule    string        `json:"rule"`
	Title   string        `json:"title"`
	Level   string        `json:"level"`
	Version uint32        `json:"version"`
	Outcome event.Outcome `json:"outcome"`
	// one sentence: the value behind the outcome, or what is missing and which source should provide it
	Reason  string            `json:"reason"`
	Why     string            `json:"why"`
	Fix     string            `json:"fix"` // what to do; of an undecided rule, how to find out and what to do if it fails
	DocsURL string            `json:"docs_url,omitempty"`
	Missing []string          `json:"missing,omitempty"` // facts without which the rule could not be decided
	Facts   map[string]string `json:"facts,omitempty"`   // the facts that it looked at, as people read them
	URL     string            `json:"url,omitempty"`     // where the first of them can be seen
	Effort  string            `json:"effort"`
}

// Grade returns a report for every scorecard whose filter takes the entity. facts are those of the entity, by name.
// A fact that is absent makes the rules that need it unknown, and nothing else.
func (e *Engine) Grade(entity descriptor.Entity, facts map[string]event.Fact) []Report {
	now := e.now()
	var reports []Report
	subject := newSubject(entity, now)
	for _, card := range e.cards {
		subject.use(card, facts)
		var filterErr error
		if card.filter != nil {
			value, _, err := card.filter.run.Eval(subject)
			if err == nil && value != types.True {
				continue
			}
			filterErr = err
		}
		results := make([]Result, 0, len(card.rules))
		for i := range card.rules {
			r := &card.rules[i]
			result := r.result()
			if filterErr != nil {
				result.Outcome, result.Reason = event.ErrorOutcome, "the scorecard's filter failed: "+filterErr.Error()
			} else {
				subject.grade(r, &result)
			}
			results = append(results, result)
		}
		reports = append(reports, newReport(card.Scorecard, entity.Ref, results))
	}
	return reports
}

func (r *compiledRule) result() Result {
	return Result{
		Rule:    r.ID,
		Title:   r.Title,
		Level:   r.Level,
		Version: r.Version,
		Why:     r.Why,
		Fix:     r.Fix,
		DocsURL: r.DocsURL,
		Effort:  string(r.Effort),
	}
}

// observation is a fact as an expression sees it.
type observation struct {
	fact    event.Fact
	value   ref.Val // nil when there is none to use
	absence string  // why there is none: a sentence
	stale   bool    // there is one, but it has expired
}

// subject is the entity that is being graded, as CEL's variables.
type subject struct {
	entity       descriptor.Entity
	now          time.Time
	nowVal       ref.Val
	tags, notes  ref.Val // entity.tags, entity.annotations
	definitions  map[string]facts.Definition
	observations map[string]observation
	scratch      []*cel.AttributePatternType
}

func newSubject(entity descriptor.Entity, now time.Time) *subject {
	tags, annotations := entity.Tags, entity.Annotations
	if annotations == nil {
		annotations = map[string]string{}
	}
	return &subject{
		entity: entity,
		now:    now,
		nowVal: types.Timestamp{Time: now},
		tags:   types.DefaultTypeAdapter.NativeToValue(slices.Clip(tags)),
		notes:  types.DefaultTypeAdapter.NativeToValue(annotations),
	}
}

// use prepares the facts that the rules of a scorecard use.
func (s *subject) use(card *compiledCard, facts map[string]event.Fact) {
	s.definitions = card.definitions
	s.observations = make(map[string]observation, len(card.definitions))
	for i := range card.rules {
		for _, name := range card.rules[i].facts {
			if _, done := s.observations[name]; !done {
				fact, known := facts[name]
				s.observations[name] = observe(card.definitions[name], fact, known, s.now)
			}
		}
	}
}

func observe(d facts.Definition, fact event.Fact, known bool, now time.Time) observation {
	o := observation{fact: fact}
	switch {
	case !known:
		o.absence = fmt.Sprintf("%s is not known; %s should give it", d.Name, cmp.Or(d.Source, "no source is named that"))
	case fact.Error != "":
		o.absence = fmt.Sprintf("%s is not known: %s", d.Name, fact.Error)
	case fact.Type != d.Type:
		o.value = types.NewErr("%s is a %s, and a %s was expected; %s gave it", d.Name, fact.Type, d.Type, fact.Source)
	default:
		value, err := fact.Decode()
		if err != nil {
			o.value = types.NewErr("%v", err)
			return o
		}
		o.value = toCEL(value)
		if !fact.ExpiresAt.IsZero() && !now.Before(fact.ExpiresAt) {
			o.stale = true
			o.absence = fmt.Sprintf(
				"%s is out of date: %s gave %s on %s and it held until %s",
				d.Name,
				fact.Source,
				format(d, o.value, time.Time{}),
				fact.ObservedAt.UTC().Format(time.DateOnly),
				fact.ExpiresAt.UTC().Format(time.DateOnly),
			)
		}
	}
	return o
}

func toCEL(value any) ref.Val {
	switch v := value.(type) {
	case bool:
		return types.Bool(v)
	case float64:
		return types.Double(v)
	case string:
		return types.String(v)
	case time.Time:
		return types.Timestamp{Time: v}
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

// ResolveName returns the value of a variable to CEL.
func (s *subject) ResolveName(name string) (any, bool) {
	if fact, ok := strings.CutPrefix(name, factPrefix); ok {
		o, known := s.observations[fact]
		if !known || o.value == nil {
			return nil, false
		}
		return o.value, true
	}
	switch name {
	case "now":
		return s.nowVal, true
	case "entity.ref":
		return s.entity.Ref, true
	case "entity.kind":
		return s.entity.Kind, true
	case "entity.namespace":
		return s.entity.Namespace, true
	case "entity.name":
		return s.entity.Name, true
	case "entity.type":
		return s.entity.Type, true
	case "entity.lifecycle":
		return s.entity.Lifecycle, true
	case "entity.owner":
		return s.entity.Owner, true
	case "entity.system":
		return s.entity.System, true
	case "entity.tags":
		return s.tags, true
	case "entity.annotations":
		return s.notes, true
	}
	return nil, false
}

// Parent returns nil: there are no further variables.
func (s *subject) Parent() cel.Activation { return nil }

// variables returns what p is evaluated with: the facts of it that are absent or out of date are marked as unknown.
func (s *subject) variables(p *program) (cel.Activation, error) {
	unknown := s.scratch[:0]
	for _, name := range p.facts {
		if s.observations[name].absence != "" {
			unknown = append(unknown, cel.AttributePattern(factVariable(name)))
		}
	}
	s.scratch = unknown
	if len(unknown) == 0 {
		return s, nil
	}
	return cel.PartialVars(s, unknown...)
}

// grade sets the outcome of the result, its reason and the values of its facts.
func (s *subject) grade(r *compiledRule, result *Result) {
	s.addFacts(r, result)
	if r.applies != nil {
		value, err := s.eval(r.applies)
		if err != nil || value != types.True {
			s.settle(r.applies, value, err, result)
			if result.Outcome == event.Fail {
				result.Outcome = event.NotApplicable
				result.Reason = "the rule does not apply: " + s.because(r.applies, false)
			}
			return
		}
	}
	value, err := s.eval(r.expr)
	s.settle(r.expr, value, err, result)
	if result.Outcome == event.Pass || result.Outcome == event.Fail {
		result.Reason = s.reason(r, result.Outcome == event.Pass)
	}
}

func (s *subject) eval(p *program) (ref.Val, error) {
	vars, err := s.variables(p)
	if err != nil {
		return nil, err
	}
	value, _, err := p.run.Eval(vars)
	return value, err
}

// settle turns a value into an outcome.
func (s *subject) settle(p *program, value ref.Val, err error, result *Result) {
	if unknown, ok := value.(*types.Unknown); ok && err == nil {
		s.undecided(p, unknown, result)
		return
	}
	switch {
	case err != nil:
		result.Outcome, result.Reason = event.ErrorOutcome, "the rule could not be evaluated: "+err.Error()
	case value == types.True:
		result.Outcome = event.Pass
	case value == types.False:
		result.Outcome = event.Fail
	default:
		result.Outcome, result.Reason = event.ErrorOutcome, fmt.Sprintf(
			"the rule gave %v, which is neither true nor false",
			value,
		)
	}
}

func (s *subject) undecided(p *program, unknown *types.Unknown, result *Result) {
	for _, id := range unknown.IDs() {
		trails, _ := unknown.GetAttributeTrails(id)
		for _, trail := range trails {
			result.Missing = append(result.Missing, strings.TrimPrefix(trail.Variable(), factPrefix))
		}
	}
	if len(result.Missing) == 0 { // CEL lost the trail: every absent fact may be the one
		for _, name := range p.facts {
			if s.observations[name].absence != "" {
				result.Missing = append(result.Missing, name)
			}
		}
	}
	slices.Sort(result.Missing)
	result.Missing = slices.Compact(result.Missing)
	result.Outcome = event.Stale
	reasons := make([]string, 0, len(result.Missing))
	for _, name := range result.Missing {
		o := s.observations[name]
		if !o.stale {
			result.Outcome = event.Unknown
		}
		reasons = append(reasons, o.absence)
	}
	result.Reason = strings.Join(reasons, "; ")
	result.Fix = s.findOut(result)
}

// findOut returns how to decide an undecided rule, followed by its fix, which may not be necessary.
func (s *subject) findOut(result *Result) string {
	if result.Outcome == event.Stale {
		return "Read the sources again (dxctl collect), then grade again. If the rule fails then:\n\n" + result.Fix
	}
	var sources []string
	for _, name := range result.Missing {
		if source := s.definitions[name].Source; source != "" && !slices.Contains(sources, source) {
			sources = append(sources, source)
		}
	}
	if len(sources) == 0 {
		sources = []string{"a source"}
	}
	return fmt.Sprintf("First find out: let %s give %s, then grade again. If the rule fails then:\n\n%s",
		strings.Join(sources, " and "), strings.Join(result.Missing, " and "), result.Fix)
}

// addFacts adds the values of the facts that the rule uses.
func (s *subject) addFacts(r *compiledRule, result *Result) {
	if len(r.facts) == 0 {
		return
	}
	result.Facts = make(map[string]string, len(r.facts))
	for _, name := range r.facts {
		o := s.observations[name]
		result.URL = cmp.Or(result.URL, o.fact.URL)
		switch {
		case o.value == nil:
			result.Facts[name] = "not known"
		case types.IsError(o.value):
			result.Facts[name] = "error"
		default:
			result.Facts[name] = format(s.definitions[name], o.value, s.now)
		}
	}
}
