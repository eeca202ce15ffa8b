package scorecards

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
)

// Engine grades entities. It does not change after New and may be used from many goroutines.
type Engine struct {
	cards   []*compiledCard
	broken  []Broken
	now     func() time.Time
	drafts  bool
	waivers func() *waiver.Book // nil: none
	memory  *facts.Memory
}

// New returns an engine that grades by the scorecards of a set. The error is about a scorecard that neither [Load] nor
// [Parse] made. The level of a scorecard that is not in the set is taken from the facts of the entity.
func New(set Set, now func() time.Time) (*Engine, error) {
	e := &Engine{now: now, broken: set.Broken, memory: &facts.Memory{}}
	if now == nil {
		e.now = time.Now
	}
	var problems Problems
	for _, s := range set.Cards {
		if s.compiled == nil {
			var mistakes Problems
			s.doc = &format.Document{Places: format.Places{Path: s.File}}
			s.compiled, mistakes = compileCard(&s)
			problems = append(problems, mistakes...)
		}
		e.cards = append(e.cards, s.compiled)
	}
	return e, problems.Err()
}

// WithDrafts returns an engine that evaluates the rules in draft, too, as if they were enforced. For tests.
func (e *Engine) WithDrafts() *Engine {
	with := *e
	with.drafts = true
	return &with
}

// At returns an engine that grades as of a time.
func (e *Engine) At(t time.Time) *Engine {
	at := *e
	at.now = func() time.Time { return t }
	return &at
}

// Scorecards returns what the engine grades by.
func (e *Engine) Scorecards() []Scorecard {
	out := make([]Scorecard, 0, len(e.cards))
	for _, c := range e.cards {
		out = append(out, c.Scorecard)
	}
	return out
}

// FactsOf returns the names of the facts that a rule looks at, sorted; nil if there is no such rule.
func (e *Engine) FactsOf(scorecard, rule string) []string {
	for _, card := range e.cards {
		for i := range card.rules {
			if card.Name == scorecard && card.rules[i].ID == rule {
				return card.rules[i].facts
			}
		}
	}
	return nil
}

// Broken returns the files whose scorecards are not used because of mistakes.
func (e *Engine) Broken() []Broken { return e.broken }

// Result is what a rule found about an entity.
type Result struct {
	Rule    string        `json:"rule"`
	Title   string        `json:"title"`
	Level   string        `json:"level"`
	Version uint32        `json:"version"`
	Outcome event.Outcome `json:"outcome"`
	// one sentence: the value behind the outcome, or what is missing and which source should provide it
	Reason string `json:"reason"`
	Why    string `json:"why"`
	Fix    string `json:"fix"` // what to do; of an undecided rule, how to find out and what to do if it fails
	// the day from which an announced rule counts; zero for a rule that counts in the grade
	Announced time.Time      `json:"announced,omitzero"`
	Weight    float64        `json:"weight"`
	Owner     string         `json:"owner,omitempty"`    // ref of who answers for the rule
	DocsURL   string         `json:"docs_url,omitempty"` // address of the first link
	Links     []format.Link  `json:"links,omitempty"`
	Action    *format.Action `json:"action,omitempty"`
	Missing   []string       `json:"missing,omitempty"` // facts without which the rule could not be decided
	// names of the facts that it looks at, sorted; FactsUsed returns them with their values
	FactNames []string `json:"facts,omitempty"`
	URL       string   `json:"url,omitempty"` // where the first of the facts can be seen
	Effort    string   `json:"effort"`

	Waiver   *WaiverOn     `json:"waiver,omitempty"`   // whether or not it holds
	Unwaived event.Outcome `json:"unwaived,omitempty"` // of a waived rule: its outcome without the waiver

	subject *subject // what Facts and Parts look at
	rule    *compiledRule
}

// Counts reports whether the result is counted in the grade. That of an announced rule is not.
func (r *Result) Counts() bool { return r.Announced.IsZero() }

// LeftOut is a scorecard whose filter leaves an entity out.
type LeftOut struct {
	Scorecard string `json:"scorecard"`
	Title     string `json:"title"`
	Reason    string `json:"reason"` // sentence
}

// Grade returns a report for every scorecard whose filter takes the entity. facts are those of the entity, by name.
// A fact that is absent makes the rules that need it unknown, and nothing else.
func (e *Engine) Grade(entity descriptor.Entity, facts map[string]event.Fact) []Report {
	return e.grade(entity, facts)
}

// LeftOut returns the scorecards whose filters leave the entity out.
func (e *Engine) LeftOut(entity descriptor.Entity) []LeftOut {
	subject := newSubject(entity, e.now())
	var left []LeftOut
	for _, card := range e.cards {
		if takes, err := subject.taken(card); !takes && (err == nil || !entity.IsService()) {
			left = append(left, LeftOut{card.Name, card.Title, subject.leftOut(card)})
		}
	}
	return left
}

func (e *Engine) grade(entity descriptor.Entity, known map[string]event.Fact) []Report {
	now := e.now()
	var reports []Report
	born := bornAt(known)
	levels := map[string]event.Fact{}
	waivers := e.waiversFor(entity.Ref, known)
	for _, card := range e.cards {
		subject := newSubject(entity, now)
		subject.firstSeen, subject.waivers = born, waivers
		subject.use(card, known, levels)
		takes, filterErr := subject.taken(card)
		if !takes && (filterErr == nil || !entity.IsService()) {
			levels[card.Name] = leftOutFact(card, subject, now)
			continue
		}
		results := make([]Result, 0, len(card.rules))
		for i := range card.rules {
			if r := &card.rules[i]; e.evaluates(r) {
				results = append(results, r.result())
				subject.decide(r, filterErr, &results[len(results)-1])
			}
		}
		report := newReport(&card.Scorecard, entity.Ref, results)
		report.Born = born
		levels[card.Name] = levelOf(report, subject)
		reports = append(reports, report)
	}
	return reports
}

// evaluates reports whether the engine looks at a rule at all.
func (e *Engine) evaluates(r *compiledRule) bool {
	return r.Status != format.Retired && (r.Status != format.Draft || e.drafts)
}

// decide sets the outcome of a result, and whether it counts at the time of the subject.
func (s *subject) decide(r *compiledRule, filterErr error, result *Result) {
	result.Announced, result.Waiver, result.Unwaived = time.Time{}, nil, ""
	if r.StageAt(s.now) == format.Announced {
		result.Announced = r.EnforcedFrom
	}
	if filterErr != nil {
		result.Outcome, result.Reason = event.ErrorOutcome, "the scorecard's filter failed: "+filterErr.Error()
	} else {
		s.grade(r, result)
	}
	s.waive(r, result)
}

func (r *compiledRule) result() Result {
	return Result{
		Rule:    r.ID,
		Title:   r.Title,
		Level:   r.Level,
		Version: r.Version,
		Why:     r.Why,
		Fix:     r.Fix,
		Weight:  r.Weight,
		Owner:   r.Owner,
		DocsURL: r.DocsURL(),
		Links:   r.Links,
		Action:  r.Action,
		Effort:  string(r.Effort),

		FactNames: r.facts,
	}
}

// taken reports whether the filter of the scorecard takes the entity.
func (s *subject) taken(card *compiledCard) (bool, error) {
	if card.filter == nil {
		return s.entity.IsService(), nil
	}
	value, _, err := card.filter.run.Eval(s)
	return value == types.True, err
}

// leftOut returns the sentence for an entity that the filter leaves out.
func (s *subject) leftOut(card *compiledCard) string {
	switch {
	case card.FilterNote != "":
		return card.FilterNote
	case card.filter == nil:
		return "It is graded for services only, and this is none."
	}
	return "Its filter leaves it out: " + s.because(nil, card.filter, false) + "."
}

// subject is the entity that is being graded, as CEL's variables.
type subject struct {
	entity       descriptor.Entity
	now          time.Time
	nowVal       ref.Val
	tags, notes  ref.Val                     // entity.tags, entity.annotations
	definitions  map[string]facts.Definition // of the scorecard that is evaluated
	slots        map[string]int              // of the scorecard: index in observations, by name and by variable
	observations []observation
	scratch      []*cel.AttributePatternType
	quiet        bool            // only outcomes are asked for, no reasons
	card         *compiledCard   // the scorecard that is evaluated
	waivers      []waiver.Waiver // for the entity
	firstSeen    time.Time       // the earliest time at which the entity is known to have existed; zero: not known
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

// ResolveName returns the value of a variable to CEL.
func (s *subject) ResolveName(name string) (any, bool) {
	if strings.HasPrefix(name, factPrefix) {
		value := s.observation(name).value
		return value, value != nil
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
func (s *subject) variables(r *compiledRule, p *program) (cel.Activation, error) {
	unknown := s.scratch[:0]
	for _, name := range p.facts {
		if s.absence(r, s.observation(name)) != present {
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
	result.subject, result.rule = s, r
	for _, name := range r.facts {
		if s.quiet {
			break
		}
		if result.URL = s.observation(name).fact.URL; result.URL != "" {
			break
		}
	}
	s.judge(r, result)
	if r.Grace > 0 && !s.firstSeen.IsZero() && s.now.Sub(s.firstSeen) < r.Grace && !Earned(result.Outcome) {
		// What a new service has is counted: a rule that passes must not count for more without the age than with it.
		result.Outcome, result.Missing, result.Fix = event.NotApplicable, nil, r.Fix
		if s.quiet {
			return
		}
		result.Reason = fmt.Sprintf("the service is new: the rule applies from %s, %s after it was first seen on %s",
			s.firstSeen.Add(r.Grace).UTC().Format(time.DateOnly), span(r.Grace),
			s.firstSeen.UTC().Format(time.DateOnly))
	}
}

// judge sets the outcome and its reason, whatever the age of the entity.
func (s *subject) judge(r *compiledRule, result *Result) {
	if r.applies != nil && s.ask(r, r.applies, result) != event.Pass {
		if result.Outcome == event.Fail {
			result.Outcome = event.NotApplicable
			if result.Reason = r.AppliesNote; r.AppliesNote == "" && !s.quiet {
				result.Reason = "the rule does not apply: " + s.because(r, r.applies, false)
			}
		}
		return
	}
	if r.Review != nil && (r.review == nil || s.ask(r, r.review, result) != event.Fail) {
		if r.review == nil || result.Outcome == event.Pass {
			result.Outcome, result.Reason = event.NeedsReview, r.Review.Note
			if r.review != nil && !s.quiet {
				result.Reason += " (" + s.because(r, r.review, true) + ")"
			}
		}
		return
	}
	outcome := s.ask(r, r.expr, result)
	if outcome != event.Pass && r.warn != nil {
		open := *result
		switch s.ask(r, r.warn, result) {
		case event.Pass:
			if outcome == event.Fail {
				result.Outcome = event.Warn
				result.Reason = s.reason(r, r.expr, false) + "; this is within the limit for a warning"
				return
			}
			*result = open // it passes or warns, and which of them is not known
		case event.Fail: // some band fails, whatever the others are
			if outcome != event.Fail {
				result.Missing, result.Fix = nil, r.Fix
				result.Reason = s.reason(r, r.warn, false)
				return
			}
		}
	}
	if result.Outcome == event.Pass || result.Outcome == event.Fail {
		result.Reason = s.reason(r, r.expr, result.Outcome == event.Pass)
	}
}

// ask evaluates a program of the rule and returns the outcome of it alone, which it sets in the result: pass for true,
// fail for false.
func (s *subject) ask(r *compiledRule, p *program, result *Result) event.Outcome {
	value, err := s.eval(r, p)
	s.settle(r, p, value, err, result)
	return result.Outcome
}

func (s *subject) eval(r *compiledRule, p *program) (ref.Val, error) {
	if value := s.fast(r, p.root); value != nil {
		return value, nil
	}
	return s.evalCEL(r, p)
}

// evalCEL evaluates with CEL's interpreter.
func (s *subject) evalCEL(r *compiledRule, p *program) (ref.Val, error) {
	vars, err := s.variables(r, p)
	if err != nil {
		return nil, err
	}
	value, _, err := p.run.Eval(vars)
	return value, err
}

// settle turns a value into an outcome.
func (s *subject) settle(r *compiledRule, p *program, value ref.Val, err error, result *Result) {
	if unknown, ok := value.(*types.Unknown); ok && err == nil {
		s.undecided(r, p, unknown, result)
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

func (s *subject) undecided(r *compiledRule, p *program, unknown *types.Unknown, result *Result) {
	for _, id := range unknown.IDs() {
		trails, _ := unknown.GetAttributeTrails(id)
		for _, trail := range trails {
			result.Missing = append(result.Missing, strings.TrimPrefix(trail.Variable(), factPrefix))
		}
	}
	if len(result.Missing) == 0 { // CEL lost the trail: every absent fact may be the one
		for _, name := range p.facts {
			if s.absence(r, s.observation(name)) != present {
				result.Missing = append(result.Missing, name)
			}
		}
	}
	slices.Sort(result.Missing)
	result.Missing = slices.Compact(result.Missing)
	result.Outcome = event.Stale
	for _, name := range result.Missing {
		if !s.absence(r, s.observation(name)).stale() {
			result.Outcome = event.Unknown
		}
	}
	if s.quiet {
		return
	}
	reasons := make([]string, len(result.Missing))
	for i, name := range result.Missing {
		reasons[i] = s.whyAbsent(r, name)
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
