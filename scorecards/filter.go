package scorecards

import (
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// Filter is a condition over an entity in CEL, in the language of a scorecard's filter. The nil filter takes every
// entity. It may be used from many goroutines.
type Filter struct{ run *program }

// FilterMistake is an error in the expression of a filter.
type FilterMistake struct {
	Offset  int // in the expression, in bytes
	Message string
}

// CompileFilter compiles an expression over entity; nil for an empty one. What is wrong with it is returned as
// mistakes, all at once.
func CompileFilter(source string) (*Filter, []FilterMistake) {
	if source == "" {
		return nil, nil
	}
	c, err := newCompiler(facts.Definitions(nil)) // so that a fact is recognized, and refused as such
	if err != nil {
		return nil, []FilterMistake{{0, err.Error()}}
	}
	p, mistakes := c.compile(source, cel.BoolType)
	if len(mistakes) > 0 {
		all := make([]FilterMistake, len(mistakes))
		for i, m := range mistakes {
			all[i] = FilterMistake{m.offset, ofFilter(m.message)}
		}
		return nil, all
	}
	if len(p.facts) > 0 {
		return nil, []FilterMistake{{0, noFacts}}
	}
	return &Filter{p}, nil
}

// Takes reports whether the filter takes an entity at a time. The error is that of the expression, such as a key that
// the annotations do not have.
func (f *Filter) Takes(entity descriptor.Entity, now time.Time) (bool, error) {
	if f == nil {
		return true, nil
	}
	value, _, err := f.run.run.Eval(newSubject(entity, now))
	return value == types.True, err
}
