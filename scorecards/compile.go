package scorecards

import (
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

// newCompiler returns a compiler for expressions over the facts. Those whose type is not one of factTypes are left out:
// the file that declares them is reported elsewhere.
func newCompiler(definitions map[string]facts.Definition) (*compiler, error) {
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true),
		cel.Variable("now", cel.TimestampType),
	}
	for _, v := range entityVariables {
		options = append(options, cel.Variable(v.name, v.typ))
	}
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		if typ, ok := factTypes[definitions[name].Type]; ok {
			options = append(options, cel.Variable(factVariable(name), typ))
		}
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
	typ     *cel.Type
	texts   map[int64]string // source of the parts, by id
}

// costLimit bounds an evaluation, in CEL's units, about one for each step: 50 elements compared with 50 others are some
// ten thousand.
const costLimit = 1_000_000

// compile checks source and returns its program, or what is wrong with it. want nil accepts any type.
func (c *compiler) compile(source string, want ...*cel.Type) (*program, []mistake) {
	if strings.TrimSpace(source) == "" {
		return nil, []mistake{{0, "the expression is empty"}}
	}
	ast, issues := c.env.Parse(source)
	if issues.Err() != nil {
		return nil, issuesOf(issues, source)[:1] // what follows a syntax error mostly follows from it
	}
	facts, mistakes := c.rewrite(ast.NativeRep(), source)
	checked, issues := c.env.Check(ast)
	if issues.Err() != nil {
		mistakes = append(mistakes, issuesOf(issues, source)...)
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	typ := checked.OutputType()
	if len(want) > 0 && !slices.ContainsFunc(want, typ.IsExactType) {
		return nil, []mistake{{0, fmt.Sprintf("the expression is a %s; it must be a %s", typeName(typ), typeList(want))}}
	}
	p := &program{source: source, root: checked.NativeRep().Expr(), facts: facts, typ: typ,
		texts: textsOf(checked)}
	var err error
	if p.run, err = c.env.Program(checked, cel.CostLimit(costLimit),
		cel.EvalOptions(cel.OptOptimize, cel.OptPartialEval)); err != nil {
		return nil, []mistake{{0, err.Error()}}
	}
	if p.explain, err = c.env.Program(
		checked,
		cel.CostLimit(costLimit),
		cel.EvalOptions(cel.OptExhaustiveEval, cel.OptTrackState, cel.OptPartialEval),
	); err != nil {
		return nil, []mistake{{0, err.Error()}}
	}
	return p, nil
}

func typeList(types []*cel.Type) string {
	names := make([]string, 0, len(types))
	for _, t := range types {
		names = append(names, typeName(t))
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// offsetOf returns the byte offset of a line, counted from 1, and a column in code points, counted from 0.
func offsetOf(source string, line, column int) int {
	offset := 0
	for text := range strings.Lines(source) {
		if line--; line > 0 {
			offset += len(text)
			continue
		}
		for i := range text {
			if column == 0 {
				return offset + i
			}
			column--
		}
		break
	}
	return min(offset, len(source))
}

// rewrite replaces facts["name"] by the fact's variable and whole numbers next to a number fact by decimal ones,
// because CEL does not mix the two. It returns the names of the facts, and those that are unknown as mistakes.
func (c *compiler) rewrite(native *celast.AST, source string) ([]string, []mistake) {
	factory := celast.NewExprFactory()
	names := map[string]bool{}
	var mistakes []mistake
	fail := func(e celast.Expr, message string) {
		at := native.SourceInfo().GetStartLocation(e.ID())
		mistakes = append(mistakes, mistake{offsetOf(source, at.Line(), at.Column()), message})
	}
	root := native.Expr()
	celast.PostOrderVisit(root, celast.NewExprVisitor(func(e celast.Expr) {
		name, at, ok := factName(e)
		if !ok {
			c.promote(factory, e)
			return
		}
		if _, known := c.definitions[name]; !known {
			fail(at, c.unknownFact(name))
		}
		names[name] = true
		e.SetKindCase(factory.NewIdent(e.ID(), factVariable(name)))
	}))
	celast.PostOrderVisit(root, celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() == celast.IdentKind && e.AsIdent() == "facts" {
			fail(e, `facts is only read as facts["name"] with a name in quotes, so that a missing fact can be named`)
		}
	}))
	return slices.Sorted(maps.Keys(names)), mistakes
}

// factName returns the name in facts["name"] or facts.name, and the part that is the word facts.
func factName(e celast.Expr) (name string, at celast.Expr, ok bool) {
	isFacts := func(x celast.Expr) bool { return x.Kind() == celast.IdentKind && x.AsIdent() == "facts" }
	switch e.Kind() {
	case celast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index || len(call.Args()) != 2 || !isFacts(call.Args()[0]) ||
			call.Args()[1].Kind() != celast.LiteralKind {
			return "", nil, false
		}
		name, ok := call.Args()[1].AsLiteral().(types.String)
		return string(name), call.Args()[0], ok
	case celast.SelectKind:
		if s := e.AsSelect(); isFacts(s.Operand()) && !s.IsTestOnly() {
			return s.FieldName(), s.Operand(), true
		}
	}
	return "", nil, false
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
