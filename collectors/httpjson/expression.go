package httpjson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
)

const (
	// costLimit bounds an expression: a pass over the largest answer costs about a tenth of it.
	costLimit = 5_000_000
	// interruptEvery is after how many steps of a loop it is checked whether somebody still waits.
	interruptEvery = 1000
	maxExpression  = 4 << 10
)

// programs are the compiled expressions of a source.
type programs struct {
	address  address
	entities cel.Program // nil: every one
	items    cel.Program // nil: a request for each entity
	entity   cel.Program // of an item
	values   []cel.Program
}

// entityVariables are the fields of entity in expressions.
var entityVariables = []cel.EnvOption{
	cel.Variable("entity.ref", cel.StringType), cel.Variable("entity.kind", cel.StringType),
	cel.Variable("entity.namespace", cel.StringType), cel.Variable("entity.name", cel.StringType),
	cel.Variable("entity.type", cel.StringType), cel.Variable("entity.lifecycle", cel.StringType),
	cel.Variable("entity.owner", cel.StringType), cel.Variable("entity.system", cel.StringType),
	cel.Variable("entity.tags", cel.ListType(cel.StringType)),
	cel.Variable("entity.annotations", cel.MapType(cel.StringType, cel.StringType)),
}

// compile checks the address and every expression; the errors are joined.
func compile(c Config) (programs, error) {
	var p programs
	var errs []error
	fail := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	var err error
	p.address, err = parseAddress(c.URL)
	fail(err)
	of := func(what string, e Expression, want []*cel.Type, variables ...cel.EnvOption) cel.Program {
		if e.Text == "" {
			return nil
		}
		program, err := compileOne(e, want, variables)
		if err != nil {
			fail(fmt.Errorf("%s: %w", what, err))
		}
		return program
	}
	answer := []cel.EnvOption{cel.Variable("body", cel.DynType), cel.Variable("status", cel.IntType)}
	item := cel.Variable("item", cel.DynType)
	p.entities = of("entities", c.Entities, []*cel.Type{cel.BoolType}, entityVariables...)
	p.items = of("items", c.Items, []*cel.Type{cel.ListType(cel.DynType), cel.DynType}, answer...)
	p.entity = of("entity", c.Entity, []*cel.Type{cel.StringType, cel.DynType}, item)
	variables := slices.Concat(answer, entityVariables)
	if c.Items.Text != "" {
		variables = append(variables, item)
	}
	for i, f := range c.Facts {
		what := fmt.Sprintf("facts[%d] %s: value", i, f.Name)
		p.values = append(p.values, of(what, f.Value, resultTypes[f.Type], variables...))
	}
	switch {
	case len(errs) > 0:
	case c.Items.Text == "" && c.Entity.Text != "":
		fail(errors.New("entity names what an item of a listing is about; add items, or remove entity"))
	case c.Items.Text != "" && c.Entity.Text == "":
		fail(errors.New("entity is missing: items makes the address a listing, so say which entity an item is about, " +
			"such as entity: item.name"))
	case c.Items.Text != "" && p.address.hasPlaceholders():
		fail(errors.New("url: the address of a listing is the same for every entity; remove its placeholders, or items"))
	case c.Items.Text == "" && !p.address.hasPlaceholders():
		fail(errors.New("url has no placeholder, so every entity would get the same facts; use one such as {name}, or " +
			"describe a listing with items and entity"))
	}
	return p, errors.Join(errs...)
}

// resultTypes are what an expression may result in, by the type of the fact. What is picked from an answer is dynamic.
var resultTypes = map[event.FactType][]*cel.Type{
	event.BoolFact:   {cel.BoolType, cel.DynType},
	event.NumberFact: {cel.DoubleType, cel.IntType, cel.UintType, cel.DynType},
	event.StringFact: {cel.StringType, cel.DynType},
	event.TimeFact:   {cel.TimestampType, cel.StringType, cel.DynType},
	event.ListFact:   {cel.ListType(cel.StringType), cel.ListType(cel.DynType), cel.DynType},
}

// compileOne compiles an expression. The error has its line in the file.
func compileOne(e Expression, want []*cel.Type, variables []cel.EnvOption) (cel.Program, error) {
	at := func(line int) string { return fmt.Sprintf("line %d: ", e.line+line-1) }
	if e.line == 0 {
		at = func(int) string { return "" }
	}
	if len(e.Text) > maxExpression {
		return nil, fmt.Errorf("%sthe expression has more than %d bytes", at(1), maxExpression)
	}
	env, err := cel.NewEnv(append([]cel.EnvOption{
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(), ext.Math(),
	}, variables...)...)
	if err != nil {
		return nil, fmt.Errorf("preparing CEL: %w", err)
	}
	checked, issues := env.Compile(e.Text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		message := first.Message
		if strings.Contains(message, "undeclared reference") {
			message += "; an expression can use " + strings.Join(variableNames(env), ", ")
		}
		return nil, fmt.Errorf("%s%s", at(max(first.Location.Line(), 1)), message)
	}
	result := checked.OutputType()
	if result.IsExactType(cel.OptionalType(cel.DynType)) {
		result = cel.DynType
	}
	fits := slices.ContainsFunc(want, result.IsExactType)
	if len(want) > 0 && !fits {
		return nil, fmt.Errorf("%sthe expression is a %s; it must be a %s", at(1), checked.OutputType(), want[0])
	}
	program, err := env.Program(checked, cel.CostLimit(costLimit), cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		return nil, fmt.Errorf("%s%w", at(1), err)
	}
	return program, nil
}

func variableNames(env *cel.Env) []string {
	var names []string
	for _, v := range env.Variables() {
		if strings.HasPrefix(v.Name(), "entity.") || v.Name() == "body" || v.Name() == "status" || v.Name() == "item" {
			names = append(names, v.Name())
		}
	}
	return names
}

// entityValues are the variables of an entity.
func entityValues(e descriptor.Entity) map[string]any {
	annotations := e.Annotations
	if annotations == nil {
		annotations = map[string]string{}
	}
	return map[string]any{
		"entity.ref": e.Ref, "entity.kind": e.Kind, "entity.namespace": e.Namespace, "entity.name": e.Name,
		"entity.type": e.Type, "entity.lifecycle": e.Lifecycle, "entity.owner": e.Owner, "entity.system": e.System,
		"entity.tags": append([]string{}, e.Tags...), "entity.annotations": annotations,
	}
}

// eval evaluates an expression, and turns a panic of it into an error.
func eval(ctx context.Context, p cel.Program, variables map[string]any) (value ref.Val, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("the expression failed: %v", failure)
		}
	}()
	value, _, err = p.ContextEval(ctx, variables)
	if err != nil {
		return nil, err
	}
	if optional, ok := value.(*types.Optional); ok {
		if !optional.HasValue() {
			return nil, errors.New("the answer has no such value")
		}
		value = optional.GetValue()
	}
	if types.IsUnknownOrError(value) {
		return nil, fmt.Errorf("%v", value)
	}
	return value, nil
}

// valueOf returns the JSON of a fact's value. The error says what the expression resulted in instead.
func valueOf(kind event.FactType, value ref.Val) (json.RawMessage, error) {
	unfit := func() (json.RawMessage, error) {
		return nil, fmt.Errorf("the expression resulted in a %s where a %s is expected", describe(value), kind)
	}
	var v any
	switch value := value.(type) {
	case types.Bool:
		if kind != event.BoolFact {
			return unfit()
		}
		v = bool(value)
	case types.Int, types.Uint, types.Double:
		number, ok := value.ConvertToType(types.DoubleType).(types.Double)
		if kind != event.NumberFact || !ok || math.IsNaN(float64(number)) || math.IsInf(float64(number), 0) {
			return unfit()
		}
		v = float64(number)
	case types.String:
		switch kind {
		case event.StringFact:
			v = string(value)
		case event.TimeFact:
			at, err := time.Parse(time.RFC3339Nano, string(value))
			if err != nil {
				return nil, errors.New("the expression resulted in a text that is not a time in RFC 3339")
			}
			v = at.UTC()
		default:
			return unfit()
		}
	case types.Timestamp:
		if kind != event.TimeFact {
			return unfit()
		}
		v = value.UTC()
	default:
		list, err := value.ConvertToNative(listOfTexts)
		if texts, ok := list.([]string); err == nil && ok && kind == event.ListFact {
			v = append([]string{}, texts...)
			break
		}
		return unfit()
	}
	return json.Marshal(v)
}

func describe(v ref.Val) string {
	switch v.Type() {
	case types.NullType:
		return "null"
	case types.MapType:
		return "JSON object"
	}
	return v.Type().TypeName()
}
