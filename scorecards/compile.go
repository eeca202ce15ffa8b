package scorecards

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// factVariable is the name under which CEL knows a fact. Authors write facts["ci.p95_minutes"]; the compiler turns each
// into a variable of the fact's own type, so that a comparison of a number with a string is found when the file is
// loaded, and an absent fact can be named.
func factVariable(name string) string { return "facts." + name }

const factPrefix = "facts."

// entityVariables are what an expression can ask of the entity.
var entityVariables = []struct {
	name string
	typ  *cel.Type
}{
	{"entity.ref", cel.StringType},
	{"entity.kind", cel.StringType},
	{"entity.namespace", cel.StringType},
	{"entity.name", cel.StringType},
	{"entity.type", cel.StringType},
	{"entity.lifecycle", cel.StringType},
	{"entity.owner", cel.StringType},
	{"entity.system", cel.StringType},
	{"entity.tags", cel.ListType(cel.StringType)},
	{"entity.annotations", cel.MapType(cel.StringType, cel.StringType)},
}

// factTypes are the CEL types of facts.
var factTypes = map[event.FactType]*cel.Type{
	event.BoolFact:   cel.BoolType,
	event.NumberFact: cel.DoubleType,
	event.StringFact: cel.StringType,
	event.TimeFact:   cel.TimestampType,
	event.ListFact:   cel.ListType(cel.StringType),
}

// compiler turns the expressions of one scorecard into programs.
type compiler struct {
	env         *cel.Env
	definitions map[string]facts.Definition
}

func newCompiler(definitions map[string]facts.Definition) (*compiler, error) {
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true),
		cel.Variable("now", cel.TimestampType),
	}
	for _, v := range entityVariables {
		options = append(options, cel.Variable(v.name, v.typ))
	}
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		typ, ok := factTypes[definitions[name].Type]
		if !ok {
			return nil, fmt.Errorf(
				"fact %s: type %q is not one of bool, number, string, time, list",
				name,
				definitions[name].Type,
			)
		}
		options = append(options, cel.Variable(factVariable(name), typ))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("preparing CEL: %w", err)
	}
	return &compiler{env: env, definitions: definitions}, nil
}

// program is a compiled expression.
type program struct {
	source  string
	run     cel.Program // may short-circuit
	explain cel.Program // evaluates every part and keeps its value
	root    celast.Expr
	facts   []string // names of the facts that it refers to, sorted
}

// exprError is a mistake in an expression; line counts from 1 within it.
type exprError struct {
	line    int
	message string
}

func (e exprError) Error() string { return e.message }

// compile checks source and returns its program. The error is an exprError. want nil accepts any type.
func (c *compiler) compile(source string, want *cel.Type) (*program, error) {
	ast, issues := c.env.Parse(source)
	if issues.Err() != nil {
		return nil, firstIssue(issues, source)
	}
	facts, err := c.rewrite(ast.NativeRep(), ast.NativeRep().Expr())
	if err != nil {
		return nil, err
	}
	checked, issues := c.env.Check(ast)
	if issues.Err() != nil {
		return nil, firstIssue(issues, source)
	}
	if want != nil && !checked.OutputType().IsExactType(want) {
		return nil, exprError{1, fmt.Sprintf("the expression is a %s; it must be a %s", checked.OutputType(), want)}
	}
	p := &program{source: source, root: checked.NativeRep().Expr(), facts: facts}
	if p.run, err = c.env.Program(checked, cel.EvalOptions(cel.OptOptimize, cel.OptPartialEval)); err != nil {
		return nil, exprError{1, err.Error()}
	}
	if p.explain, err = c.env.Program(
		checked,
		cel.EvalOptions(cel.OptExhaustiveEval, cel.OptTrackState, cel.OptPartialEval),
	); err != nil {
		return nil, exprError{1, err.Error()}
	}
	return p, nil
}

// firstIssue returns the first mistake that CEL found, with a hint where its words do not help.
func firstIssue(issues *cel.Issues, source string) error {
	found := issues.Errors()
	if len(found) == 0 {
		return exprError{1, issues.Err().Error()}
	}
	first := found[0]
	message := first.Message
	switch {
	case strings.Contains(message, "undeclared reference to 'entity'"):
		names := make([]string, 0, len(entityVariables))
		for _, v := range entityVariables {
			names = append(names, strings.TrimPrefix(v.name, "entity."))
		}
		message = "entity has no such field; it has " + strings.Join(names, ", ")
	case strings.Contains(message, "undeclared reference"):
		message += "; an expression can use facts[\"name\"], entity.field and now"
	}
	if strings.TrimSpace(source) == "" {
		message = "the expression is empty"
	}
	return exprError{first.Location.Line(), message}
}

// rewrite replaces facts["name"] by the fact's variable and whole numbers next to a number fact by decimal ones,
// because CEL does not mix the two. It returns the names of the facts.
func (c *compiler) rewrite(native *celast.AST, root celast.Expr) ([]string, error) {
	factory := celast.NewExprFactory()
	names := map[string]bool{}
	var errs []error
	fail := func(e celast.Expr, format string, args ...any) {
		line := native.SourceInfo().GetStartLocation(e.ID()).Line()
		errs = append(errs, exprError{max(line, 1), fmt.Sprintf(format, args...)})
	}
	celast.PostOrderVisit(root, celast.NewExprVisitor(func(e celast.Expr) {
		name, ok := factName(e)
		if !ok {
			c.promote(factory, e)
			return
		}
		if _, known := c.definitions[name]; !known {
			fail(e, "%s", c.unknownFact(name))
		}
		names[name] = true
		e.SetKindCase(factory.NewIdent(e.ID(), factVariable(name)))
	}))
	celast.PostOrderVisit(root, celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() == celast.IdentKind && e.AsIdent() == "facts" {
			fail(e, `facts is only read as facts["name"] with a name in quotes, so that a missing fact can be named`)
		}
	}))
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// factName returns the name in facts["name"] or facts.name.
func factName(e celast.Expr) (string, bool) {
	isFacts := func(x celast.Expr) bool { return x.Kind() == celast.IdentKind && x.AsIdent() == "facts" }
	switch e.Kind() {
	case celast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index || len(call.Args()) != 2 || !isFacts(call.Args()[0]) ||
			call.Args()[1].Kind() != celast.LiteralKind {
			return "", false
		}
		name, ok := call.Args()[1].AsLiteral().(types.String)
		return string(name), ok
	case celast.SelectKind:
		if s := e.AsSelect(); isFacts(s.Operand()) && !s.IsTestOnly() {
			return s.FieldName(), true
		}
	}
	return "", false
}

func (c *compiler) unknownFact(name string) string {
	return fmt.Sprintf("unknown fact %q", name) + facts.Suggestion(name, c.definitions)
}

// arithmetic are the operators between numbers.
var arithmetic = []string{operators.Add, operators.Subtract, operators.Multiply, operators.Divide}

var comparisons = []string{
	operators.Equals,
	operators.NotEquals,
	operators.Less,
	operators.LessEquals,
	operators.Greater,
	operators.GreaterEquals,
}

func (c *compiler) promote(factory celast.ExprFactory, e celast.Expr) {
	if e.Kind() != celast.CallKind {
		return
	}
	call := e.AsCall()
	if !slices.Contains(arithmetic, call.FunctionName()) && !slices.Contains(comparisons, call.FunctionName()) {
		return
	}
	if !slices.ContainsFunc(call.Args(), c.isNumber) {
		return
	}
	for _, arg := range call.Args() {
		if arg.Kind() == celast.LiteralKind {
			if n, ok := arg.AsLiteral().(types.Int); ok {
				arg.SetKindCase(factory.NewLiteral(arg.ID(), types.Double(n)))
			}
		}
	}
}

// isNumber reports whether e is a number fact or arithmetic with one.
func (c *compiler) isNumber(e celast.Expr) bool {
	switch e.Kind() {
	case celast.IdentKind:
		name, ok := strings.CutPrefix(e.AsIdent(), factPrefix)
		return ok && c.definitions[name].Type == event.NumberFact
	case celast.CallKind:
		return slices.Contains(arithmetic, e.AsCall().FunctionName()) && slices.ContainsFunc(e.AsCall().Args(), c.isNumber)
	}
	return false
}

// compiledRule is a rule with its programs.
type compiledRule struct {
	Rule
	expr, applies, evidence *program
	facts                   []string // of all three, sorted
}

// compiledCard is a scorecard with its programs.
type compiledCard struct {
	Scorecard
	filter      *program
	rules       []compiledRule
	definitions map[string]facts.Definition
}

// compileCard compiles every expression; the errors have file and line and are joined.
func compileCard(s Scorecard) (*compiledCard, error) {
	card := &compiledCard{Scorecard: s, definitions: facts.Definitions(s.Facts)}
	c, err := newCompiler(card.definitions)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", s.File, s.Line, err)
	}
	var errs []error
	compile := func(what, source string, at position, want *cel.Type) *program {
		if source == "" {
			return nil
		}
		p, err := c.compile(source, want)
		var mistake exprError
		if errors.As(err, &mistake) {
			errs = append(errs, fmt.Errorf("%s:%d: %s: %s", s.File, at.at(mistake.line), what, mistake.message))
		}
		return p
	}
	card.filter = compile("filter", s.Filter, s.filterAt, cel.BoolType)
	if card.filter != nil && len(card.filter.facts) > 0 {
		errs = append(errs, fmt.Errorf("%s:%d: filter: facts are not known when services are chosen; ask entity here, and "+
			"facts in a rule's applies", s.File, s.filterAt.line))
	}
	for _, r := range s.Rules {
		compiled := compiledRule{Rule: r}
		compiled.expr = compile("rule "+r.ID+": expr", r.Expr, r.exprAt, cel.BoolType)
		compiled.applies = compile("rule "+r.ID+": applies", r.Applies, r.appliesAt, cel.BoolType)
		compiled.evidence = compile("rule "+r.ID+": evidence", r.Evidence, r.evidenceAt, nil)
		for _, p := range []*program{compiled.expr, compiled.applies, compiled.evidence} {
			if p != nil {
				compiled.facts = append(compiled.facts, p.facts...)
			}
		}
		slices.Sort(compiled.facts)
		compiled.facts = slices.Compact(compiled.facts)
		card.rules = append(card.rules, compiled)
	}
	return card, errors.Join(errs...)
}
