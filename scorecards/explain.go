package scorecards

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// reason returns one sentence: why the rule passed or failed, with the value behind it. p is the program that decided.
func (s *subject) reason(r *compiledRule, p *program, passed bool) string {
	if s.quiet {
		return ""
	}
	text := s.because(r, p, passed)
	if r.evidence == nil {
		return text
	}
	value, err := s.eval(r, r.evidence)
	if err != nil || types.IsUnknownOrError(value) {
		return text
	}
	shown := display(s.evidenceDefinition(r.evidence), value, time.Time{})
	if strings.Contains(text, shown) {
		return text
	}
	return fmt.Sprintf("%s (%s)", text, shown)
}

// evidenceDefinition returns the fact's definition when the evidence is one fact, so that it is shown with its unit.
func (s *subject) evidenceDefinition(p *program) facts.Definition {
	if p.root.Kind() == celast.IdentKind {
		return s.definitions[strings.TrimPrefix(p.root.AsIdent(), factPrefix)]
	}
	return facts.Definition{}
}

// because explains the value of a program that is known to be true or false: the parts that decided it are named with
// the values that they saw.
func (s *subject) because(r *compiledRule, p *program, holds bool) string {
	if p.root.Kind() == celast.IdentKind { // one fact: nothing has to be evaluated to name it
		return (&explanation{subject: s}).leaf(p.root, holds)
	}
	if s.fast(r, p.root) != nil {
		return s.explained(&explanation{subject: s, rule: r}, p, holds)
	}
	vars, err := s.variables(r, p)
	if err != nil {
		return err.Error()
	}
	_, details, err := p.explain.Eval(vars)
	if err != nil || details == nil {
		return s.values(p.facts)
	}
	return s.explained(&explanation{subject: s, rule: r, details: details}, p, holds)
}

func (s *subject) explained(x *explanation, p *program, holds bool) string {
	x.walk(p.root, holds, true)
	if len(x.parts) == 0 {
		return s.values(p.facts)
	}
	return strings.Join(x.parts, "; ")
}

// values lists facts with their values.
func (s *subject) values(names []string) string {
	parts := make([]string, 0, len(names))
	for _, name := range names {
		o := s.observation(name)
		if o.value == nil || types.IsError(o.value) {
			parts = append(parts, s.definitions[name].Noun()+" is not known")
			continue
		}
		parts = append(parts, stated(s.definitions[name], display(s.definitions[name], o.value, time.Time{})))
	}
	if len(parts) == 0 {
		return "the expression looks at no fact"
	}
	return strings.Join(parts, ", ")
}

// stated returns a fact with its value: "the license is MIT", "no open ports", "open ports: 80, 443".
func stated(d facts.Definition, shown string) string {
	noun := d.Noun()
	if d.Type != event.ListFact {
		return noun + " is " + shown
	}
	for _, article := range []string{"the ", "its "} {
		noun = strings.TrimPrefix(noun, article)
	}
	if shown == noElements {
		return "no " + noun
	}
	return noun + ": " + shown
}

// explanation gathers the parts of an expression that decided it.
type explanation struct {
	subject *subject
	rule    *compiledRule    // may be nil
	details *cel.EvalDetails // nil where the program's value was computed without CEL's interpreter
	parts   []string
}

func (x *explanation) value(e celast.Expr) ref.Val {
	if e.Kind() == celast.LiteralKind {
		return e.AsLiteral()
	}
	if x.details == nil {
		if e.Kind() == celast.ListKind {
			return literals(e.AsList().Elements())
		}
		return x.subject.fast(x.rule, e)
	}
	v, ok := x.details.State().Value(e.ID())
	if !ok {
		return nil
	}
	return v
}

// literals returns a list of values in the source; nil if an element is something else.
func literals(elements []celast.Expr) ref.Val {
	values := make([]ref.Val, 0, len(elements))
	for _, e := range elements {
		if e.Kind() != celast.LiteralKind {
			return nil
		}
		values = append(values, e.AsLiteral())
	}
	return types.DefaultTypeAdapter.NativeToValue(values)
}

// walk adds what made e hold or not. wanted is what the rule wants it to be: false below a "!".
func (x *explanation) walk(e celast.Expr, holds, wanted bool) {
	if e.Kind() == celast.CallKind {
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr:
			// A conjunction fails by the parts that are false and holds by all; a disjunction the other way round.
			for _, arg := range call.Args() {
				if x.value(arg) == types.Bool(holds) {
					x.walk(arg, holds, wanted)
				}
			}
			return
		case operators.LogicalNot:
			x.walk(call.Args()[0], !holds, !wanted)
			return
		case operators.Conditional:
			chosen := call.Args()[2]
			if x.value(call.Args()[0]) == types.True {
				chosen = call.Args()[1]
			}
			x.walk(chosen, holds, wanted)
			return
		}
		if text, ok := x.comparison(call.FunctionName(), call.Args(), holds, wanted); ok {
			x.add(text)
			return
		}
	}
	x.add(x.leaf(e, holds))
}

func (x *explanation) add(text string) {
	if text != "" && !slices.Contains(x.parts, text) {
		x.parts = append(x.parts, text)
	}
}

// leaf explains a part that is no comparison.
func (x *explanation) leaf(e celast.Expr, holds bool) string {
	if d, ok := x.definition(e); ok {
		switch {
		case holds && d.True != "":
			return d.True
		case !holds && d.False != "":
			return d.False
		}
		return fmt.Sprintf("%s is %t", d.Noun(), holds)
	}
	var names []string
	celast.PostOrderVisit(e, celast.NewExprVisitor(func(part celast.Expr) {
		if d, ok := x.definition(part); ok && !slices.Contains(names, d.Name) {
			names = append(names, d.Name)
		}
	}))
	if len(names) == 0 {
		return ""
	}
	return x.subject.values(names)
}

func (x *explanation) definition(e celast.Expr) (facts.Definition, bool) {
	if e.Kind() != celast.IdentKind {
		return facts.Definition{}, false
	}
	name, ok := strings.CutPrefix(e.AsIdent(), factPrefix)
	d, known := x.subject.definitions[name]
	return d, ok && known
}

// name returns the noun phrase for a fact or for a field of the entity.
func (x *explanation) name(e celast.Expr) (string, facts.Definition, bool) {
	if d, ok := x.definition(e); ok {
		return d.Noun(), d, true
	}
	if e.Kind() == celast.IdentKind {
		if field, ok := strings.CutPrefix(e.AsIdent(), "entity."); ok {
			return "the " + field, facts.Definition{}, true
		}
	}
	// The checker keeps entity.type as a selection where no qualified name was written.
	if e.Kind() == celast.SelectKind && e.AsSelect().Operand().Kind() == celast.IdentKind &&
		e.AsSelect().Operand().AsIdent() == "entity" {
		return "the " + e.AsSelect().FieldName(), facts.Definition{}, true
	}
	return "", facts.Definition{}, false
}

// wants are the words for what an operator requires: of numbers and texts, and of times.
var wants = map[string][2]string{
	operators.LessEquals:    {"at most %s", "it on %s or earlier"},
	operators.Less:          {"less than %s", "it before %s"},
	operators.GreaterEquals: {"at least %s", "it on %s or later"},
	operators.Greater:       {"more than %s", "it after %s"},
	operators.Equals:        {"%s", "%s"},
	operators.NotEquals:     {"anything but %s", "anything but %s"},
	operators.In:            {"one of %s", "one of %s"},
	notIn:                   {"none of %s", "none of %s"},
}

const notIn = "!" + operators.In

// mirrored is the operator when its sides are exchanged.
var mirrored = map[string]string{
	operators.LessEquals: operators.GreaterEquals, operators.Less: operators.Greater,
	operators.GreaterEquals: operators.LessEquals, operators.Greater: operators.Less,
	operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
}

// negated is the operator that holds exactly when the other does not.
var negated = map[string]string{
	operators.LessEquals: operators.Greater, operators.Less: operators.GreaterEquals,
	operators.GreaterEquals: operators.Less, operators.Greater: operators.LessEquals,
	operators.Equals: operators.NotEquals, operators.NotEquals: operators.Equals,
	operators.In: notIn,
}

// comparison explains a comparison of a fact or a field with anything: "p95 is 17.4 minutes, the rule wants at most
// 10". It contains nothing that changes only because a day has passed: a reason is stored again when it changes.
func (x *explanation) comparison(op string, args []celast.Expr, holds, wanted bool) (string, bool) {
	if _, known := wants[op]; !known || len(args) != 2 {
		return "", false
	}
	left, right := args[0], args[1]
	if _, _, ok := x.name(sinceNow(left)); !ok {
		if _, _, ok = x.name(sinceNow(right)); !ok || mirrored[op] == "" {
			return x.contains(op, args, holds)
		}
		left, right, op = right, left, mirrored[op]
	}
	if !wanted { // below a "!" the rule wants the contrary
		op = negated[op]
	}
	name, d, _ := x.name(sinceNow(left))
	have, want := x.value(sinceNow(left)), x.value(right)
	if have == nil || want == nil || types.IsUnknownOrError(have) || types.IsUnknownOrError(want) {
		return "", false
	}
	settled := (op == operators.Equals || op == operators.In) && holds == wanted
	if settled || op == operators.NotEquals && want == types.String("") { // "is not set" is enough
		return fmt.Sprintf("%s is %s", name, display(d, have, time.Time{})), true
	}
	return fmt.Sprintf(
		"%s is %s, the rule wants %s",
		name,
		display(d, have, time.Time{}),
		x.wish(op, left, right, d, have),
	), true
}

// wish returns what a comparison requires.
func (x *explanation) wish(op string, left, right celast.Expr, d facts.Definition, have ref.Val) string {
	ago := x.value(right)
	if sinceNow(left) == left { // now - fact <= duration("720h") is the same wish as fact >= now - duration("720h")
		ago = nil
		if amount := sinceNow(right); amount != right {
			ago = x.value(amount)
		}
	} else if mirror, ok := mirrored[op]; ok {
		op = mirror
	}
	if length, ok := ago.(types.Duration); ok {
		if words, ok := agoWords[op]; ok {
			return fmt.Sprintf(words, span(length.Duration))
		}
	}
	words := wants[op][0]
	if have.Type() == types.TimestampType {
		words = wants[op][1]
	}
	return fmt.Sprintf(words, display(facts.Definition{Unit: shareUnit(d)}, x.value(right), time.Time{}))
}

// agoWords are the words for a time that is compared with now less a duration.
var agoWords = map[string]string{
	operators.GreaterEquals: "it at most %s ago", operators.Greater: "it less than %s ago",
	operators.LessEquals: "it at least %s ago", operators.Less: "it more than %s ago",
}

// sinceNow returns x of now - x, and any other expression as it is.
func sinceNow(e celast.Expr) celast.Expr {
	if e.Kind() == celast.CallKind && e.AsCall().FunctionName() == operators.Subtract && len(e.AsCall().Args()) == 2 {
		if from := e.AsCall().Args()[0]; from.Kind() == celast.IdentKind && from.AsIdent() == "now" {
			return e.AsCall().Args()[1]
		}
	}
	return e
}

// contains explains "go" in facts["catalog.tags"].
func (x *explanation) contains(op string, args []celast.Expr, holds bool) (string, bool) {
	name, d, ok := x.name(args[1])
	if op != operators.In || !ok {
		return "", false
	}
	have, want := x.value(args[1]), x.value(args[0])
	if have == nil || want == nil || types.IsUnknownOrError(have) || types.IsUnknownOrError(want) {
		return "", false
	}
	verb := "hold"
	if !holds {
		verb = "lack"
	}
	if _, isList := have.(traits.Lister); isList {
		name += " (" + display(d, have, time.Time{}) + ")"
	}
	return fmt.Sprintf("%s %s %s", name, verb, display(facts.Definition{}, want, time.Time{})), true
}

// shareUnit keeps percentages percentages on the side that the rule wants; other units are named once.
func shareUnit(d facts.Definition) string {
	if d.Unit == "share" {
		return "share"
	}
	return ""
}

// maxListed is how many elements of a list a sentence names.
const maxListed = 6

// FactText returns the value of a fact as people read it.
func FactText(d facts.Definition, f event.Fact, now time.Time) (string, error) {
	value, err := f.Decode()
	if err != nil {
		return "", err
	}
	return display(d, toCEL(value), now), nil
}

// display writes a value as people read it.
func display(d facts.Definition, value ref.Val, now time.Time) string {
	switch v := value.(type) {
	case types.Bool:
		if v {
			return "yes"
		}
		return "no"
	case types.Double:
		if d.Unit == "share" {
			return number(float64(v)*100) + " %"
		}
		return strings.TrimSpace(number(float64(v)) + " " + d.Unit)
	case types.Int:
		return strconv.FormatInt(int64(v), 10)
	case types.String:
		if v == "" {
			return "not set"
		}
		return string(v)
	case types.Timestamp:
		return v.UTC().Format(time.DateOnly) + age(now.Sub(v.Time))
	case types.Duration:
		return span(v.Duration)
	case traits.Lister:
		return list(v, now)
	}
	return fmt.Sprint(value.Value())
}

func list(v traits.Lister, now time.Time) string {
	var parts []string
	for it := v.Iterator(); it.HasNext() == types.True; {
		if len(parts) == maxListed {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, display(facts.Definition{}, it.Next(), now))
	}
	if len(parts) == 0 {
		return noElements
	}
	return strings.Join(parts, ", ")
}

// noElements is how an empty list is shown.
const noElements = "none"

// number writes at most one digit after the point, two below 10.
func number(f float64) string {
	digits := 1.0
	if math.Abs(f) < 10 {
		digits = 2
	}
	scale := math.Pow(10, digits)
	return strconv.FormatFloat(math.Round(f*scale)/scale, 'f', -1, 64)
}

func age(d time.Duration) string {
	if d < 0 {
		return ""
	}
	return " (" + span(d) + " ago)"
}

func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return strconv.Itoa(int(d.Hours()/24)) + " days"
	case d >= 2*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " hours"
	}
	return strconv.Itoa(int(d.Minutes())) + " minutes"
}

// DefinitionsOf returns the facts that a rule looks at, by name; nil if there is no such rule.
func (e *Engine) DefinitionsOf(scorecard, rule string) []facts.Definition {
	var used []facts.Definition
	for _, card := range e.cards {
		if card.Name == scorecard {
			for _, name := range e.FactsOf(scorecard, rule) {
				used = append(used, card.definitions[name])
			}
		}
	}
	return used
}
