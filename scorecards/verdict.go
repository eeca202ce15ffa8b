package scorecards

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/dxctl/dxctl/event"
)

// FactUsed is a fact that a rule looked at.
type FactUsed struct {
	Name       string    `json:"name"`
	Value      string    `json:"value"`                // as people read it; "" if it is not known
	Error      string    `json:"error,omitempty"`      // why it is not known, or cannot be used
	Source     string    `json:"source"`               // who gave it, or who should
	ObservedAt time.Time `json:"observed_at,omitzero"` // zero: never
	ExpiresAt  time.Time `json:"expires_at,omitzero"`  // zero: it does not expire
	URL        string    `json:"url,omitempty"`

	Type        event.FactType  `json:"-"`
	Raw         json.RawMessage `json:"-"` // the value as it is stored; nil if there is none
	Description string          `json:"-"` // one sentence; "" without one
}

// FactsUsed returns the facts that the rule looked at, by name.
func (r Result) FactsUsed() []FactUsed {
	if r.rule == nil {
		return nil
	}
	used := make([]FactUsed, 0, len(r.rule.facts))
	for _, name := range r.rule.facts {
		o, d := r.subject.observation(name), r.subject.definitions[name]
		f := FactUsed{
			Name: name, Source: o.fact.Source, ObservedAt: o.fact.ObservedAt, ExpiresAt: o.fact.ExpiresAt, URL: o.fact.URL,
			Type: o.fact.Type, Raw: o.fact.Value, Description: d.Description,
		}
		if f.Source == "" {
			f.Source = d.Source
		}
		f.Error = r.subject.whyAbsent(r.rule, name)
		switch {
		case o.value == nil:
		case types.IsError(o.value):
			f.Error = strings.TrimPrefix(errorText(o.value), "error: ")
		default:
			f.Value = display(d, o.value, r.subject.now)
		}
		used = append(used, f)
	}
	return used
}

func errorText(v ref.Val) string {
	if err, ok := v.(*types.Err); ok {
		return err.Error()
	}
	return ""
}

// Part is a part of a rule's expression and the value that it had.
type Part struct {
	Of    string `json:"of"`    // expr, applies or review: the expression that it belongs to
	Text  string `json:"text"`  // CEL
	Value string `json:"value"` // as people read it; "not known" if it is not
}

// Expression returns the condition under which the rule passes, as it is written; "" where only a person decides.
func (r Result) Expression() string {
	if r.rule == nil {
		return ""
	}
	return r.rule.Source()
}

// Parts returns the parts of the rule's expressions, in their order, with the values that they had.
func (r Result) Parts() []Part {
	if r.rule == nil {
		return nil
	}
	var parts []Part
	for _, p := range []struct {
		of string
		*program
	}{{"applies", r.rule.applies}, {"review", r.rule.review}, {"expr", r.rule.expr}, {"warn", r.rule.warn}} {
		if p.program != nil {
			parts = append(parts, r.subject.parts(r.rule, p.program, p.of)...)
		}
	}
	return parts
}

// parts returns what the operators of logic in a program connect.
func (s *subject) parts(r *compiledRule, p *program, of string) []Part {
	vars, err := s.variables(r, p)
	if err != nil {
		return nil
	}
	_, details, err := p.explain.Eval(vars)
	if details == nil {
		return nil
	}
	var parts []Part
	seen := map[string]bool{}
	add := func(e celast.Expr) {
		text := p.text(e)
		if text == "" || seen[text] || e.Kind() == celast.LiteralKind {
			return
		}
		seen[text] = true
		part := Part{Of: of, Text: text, Value: "not known"}
		if v, ok := details.State().Value(e.ID()); ok && v != nil {
			switch {
			case types.IsError(v):
				part.Value = "error: " + errorText(v)
			case !types.IsUnknown(v):
				part.Value = display(s.definitions[strings.TrimPrefix(identOf(e), factPrefix)], v, s.now)
			}
		} else if err != nil {
			part.Value = "error: " + err.Error()
		}
		parts = append(parts, part)
	}
	visit(p.root, add)
	return parts
}

func identOf(e celast.Expr) string {
	if e.Kind() == celast.IdentKind {
		return e.AsIdent()
	}
	return ""
}

// visit calls add for the operands of the operators of logic, and for the sides of each comparison before it.
func visit(e celast.Expr, add func(celast.Expr)) {
	if e.Kind() == celast.CallKind {
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional:
			for _, arg := range call.Args() {
				visit(arg, add)
			}
			return
		}
		if _, compares := wants[call.FunctionName()]; compares {
			for _, arg := range call.Args() {
				add(arg)
			}
		}
	}
	add(e)
}

// text returns the part of the source that e was parsed from, on one line; "" if it is not known.
func (p *program) text(e celast.Expr) string {
	text, ok := p.texts[e.ID()]
	if !ok {
		return ""
	}
	return text
}

// textsOf returns the source of each part that may be explained. Facts are written as facts["name"].
func textsOf(checked *cel.Ast) map[int64]string {
	native := checked.NativeRep()
	texts := map[int64]string{}
	visit(native.Expr(), func(e celast.Expr) {
		if text, err := cel.ExprToString(e, native.SourceInfo()); err == nil {
			texts[e.ID()] = factsWritten(e, text)
		}
	})
	return texts
}

// factsWritten replaces the variables of facts in the text of e by facts["name"].
func factsWritten(e celast.Expr, text string) string {
	names := map[string]bool{}
	celast.PostOrderVisit(e, celast.NewExprVisitor(func(part celast.Expr) {
		if name, ok := strings.CutPrefix(identOf(part), factPrefix); ok {
			names[name] = true
		}
	}))
	var pairs []string
	for _, name := range slices.SortedFunc(maps.Keys(names), longestFirst) {
		pairs = append(pairs, factVariable(name), `facts["`+name+`"]`)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// longestFirst orders names so that one that another begins with comes after it.
func longestFirst(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) }
