package scorecards

import (
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// fast returns the value that CEL gives to e, computed without CEL's interpreter, or nil where it cannot: a fact is
// absent, out of date or of another type, an operation fails, or e has another shape than most rules have. It uses the
// operations of CEL's own values; TestFastIsCEL and FuzzFastIsCEL compare the two.
func (s *subject) fast(r *compiledRule, e celast.Expr) ref.Val {
	switch e.Kind() {
	case celast.LiteralKind:
		return e.AsLiteral()
	case celast.IdentKind:
		return s.fastVariable(r, e.AsIdent())
	case celast.SelectKind:
		if sel := e.AsSelect(); !sel.IsTestOnly() && identOf(sel.Operand()) == "entity" {
			return s.fastVariable(r, "entity."+sel.FieldName())
		}
	case celast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			if call.FunctionName() == "size" && len(call.Args()) == 0 {
				return size(s.fast(r, call.Target()))
			}
			return nil
		}
		return s.fastCall(r, call.FunctionName(), call.Args())
	}
	return nil
}

func (s *subject) fastVariable(r *compiledRule, name string) ref.Val {
	if strings.HasPrefix(name, factPrefix) {
		o := s.observation(name)
		if s.absence(r, o) != present || o.value == nil || types.IsUnknownOrError(o.value) {
			return nil
		}
		return o.value
	}
	switch v, _ := s.ResolveName(name); v := v.(type) {
	case ref.Val:
		return v
	case string:
		return types.String(v)
	}
	return nil
}

func (s *subject) fastCall(r *compiledRule, name string, args []celast.Expr) ref.Val {
	switch name {
	case operators.LogicalAnd, operators.LogicalOr:
		decides := types.Bool(name == operators.LogicalOr)
		for _, arg := range args {
			if v, ok := s.fast(r, arg).(types.Bool); !ok {
				return nil
			} else if v == decides {
				return v
			}
		}
		return !decides
	case operators.Conditional:
		switch s.fast(r, args[0]) {
		case types.True:
			return s.fast(r, args[1])
		case types.False:
			return s.fast(r, args[2])
		}
		return nil
	case operators.In:
		return s.fastIn(r, args[0], args[1])
	}
	first := s.fast(r, args[0])
	if first == nil {
		return nil
	}
	if len(args) == 1 {
		return unary(name, first)
	}
	if len(args) != 2 {
		return nil
	}
	second := s.fast(r, args[1])
	if second == nil {
		return nil
	}
	return binary(name, first, second)
}

// fastIn is whether a list has an element: a list of values in the source, or a fact.
func (s *subject) fastIn(r *compiledRule, element, list celast.Expr) ref.Val {
	v := s.fast(r, element)
	if v == nil {
		return nil
	}
	if list.Kind() == celast.ListKind {
		found := types.False
		for _, e := range list.AsList().Elements() {
			if e.Kind() != celast.LiteralKind {
				return nil
			}
			if types.Equal(v, e.AsLiteral()) == types.True {
				found = types.True
			}
		}
		return found
	}
	if container, ok := s.fast(r, list).(traits.Container); ok {
		return sound(container.Contains(v))
	}
	return nil
}

func unary(name string, v ref.Val) ref.Val {
	switch name {
	case operators.LogicalNot:
		if b, ok := v.(types.Bool); ok {
			return !b
		}
	case "size":
		return size(v)
	case "duration":
		if text, ok := v.(types.String); ok {
			return sound(text.ConvertToType(types.DurationType))
		}
	}
	return nil
}

func binary(name string, a, b ref.Val) ref.Val {
	switch name {
	case operators.Equals:
		return sound(types.Equal(a, b))
	case operators.NotEquals:
		if equal, ok := types.Equal(a, b).(types.Bool); ok {
			return !equal
		}
	case operators.Subtract:
		if from, ok := a.(traits.Subtractor); ok {
			return sound(from.Subtract(b))
		}
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		left, ok := a.(traits.Comparer)
		if !ok {
			return nil
		}
		order, ok := left.Compare(b).(types.Int)
		if !ok {
			return nil // NaN
		}
		switch name {
		case operators.Less:
			return types.Bool(order < 0)
		case operators.LessEquals:
			return types.Bool(order <= 0)
		case operators.Greater:
			return types.Bool(order > 0)
		}
		return types.Bool(order >= 0)
	}
	return nil
}

func size(v ref.Val) ref.Val {
	if sized, ok := v.(traits.Sizer); ok {
		return sized.Size()
	}
	return nil
}

// sound returns v unless it is an error.
func sound(v ref.Val) ref.Val {
	if types.IsUnknownOrError(v) {
		return nil
	}
	return v
}
