package scorecards

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"cel.dev/cel-go/cel"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
)

// compiledRule is a rule with its programs; those that it does not have are nil.
type compiledRule struct {
	Rule
	expr     *program // with bands: the comparison of pass
	warn     *program
	review   *program
	applies  *program
	evidence *program
	facts    []string // of all of them, sorted
}

// compiledCard is a scorecard with its programs.
type compiledCard struct {
	Scorecard
	filter      *program
	rules       []compiledRule
	definitions map[string]facts.Definition
	references  []reference // to the levels of other scorecards
}

// cardCompiler compiles the expressions of one scorecard and gathers the mistakes.
type cardCompiler struct {
	*compiler
	doc      *format.Document
	problems Problems
	card     *compiledCard
}

// compileCard compiles every expression.
func compileCard(s *Scorecard) (*compiledCard, Problems) {
	definitions := facts.Definitions(s.Facts)
	maps.Copy(definitions, levelFacts(s))
	card := &compiledCard{Scorecard: *s, definitions: definitions}
	inner, err := newCompiler(definitions)
	if err != nil {
		return nil, Problems{s.doc.At("name", err.Error())}
	}
	c := &cardCompiler{compiler: inner, doc: s.doc, card: card}
	if card.filter = c.expression("filter", "filter", s.Filter, cel.BoolType); card.filter != nil &&
		len(card.filter.facts) > 0 {
		c.problems = append(c.problems, s.doc.At("filter", "filter: facts are not known when services are chosen; ask "+
			"entity here, and facts in a rule's applies"))
	}
	for i := range s.Rules {
		card.rules = append(card.rules, c.rule(fmt.Sprintf("rules[%d]", i), &s.Rules[i]))
	}
	return card, c.problems
}

var levelPattern = regexp.MustCompile(`scorecard\.[a-zA-Z0-9._-]+\.level`)

// levelFacts returns the facts of other scorecards' levels that the expressions of s name.
func levelFacts(s *Scorecard) map[string]facts.Definition {
	definitions := map[string]facts.Definition{}
	for i := range s.Rules {
		r := &s.Rules[i]
		for _, text := range r.sources() {
			for _, name := range levelPattern.FindAllString(text, -1) {
				if card, ok := format.ScorecardOf(name); ok {
					definitions[name] = levelFact(card)
				}
			}
		}
	}
	return definitions
}

// levelFact is the definition of the fact of a scorecard's level.
func levelFact(card string) facts.Definition {
	return facts.Definition{
		Name: format.LevelFact(card), Type: event.StringFact, Label: "the level of scorecard " + card,
		Source: "scorecard " + card, Description: "Name of the level that the service has; empty for none.",
	}
}

// sources returns the expressions of a rule.
func (r *Rule) sources() []string {
	list := []string{r.Expr, r.Applies, r.Evidence}
	if r.Bands != nil {
		list = append(list, r.Bands.Value)
	}
	if r.Review != nil {
		list = append(list, r.Review.When)
	}
	return list
}

func (c *cardCompiler) rule(path string, r *Rule) compiledRule {
	compiled := compiledRule{Rule: *r}
	name := func(key string) string { return "rule " + r.ID + ": " + key }
	compiled.expr = c.expression(path+".expr", name("expr"), r.Expr, cel.BoolType)
	compiled.applies = c.expression(path+".applies", name("applies"), r.Applies, cel.BoolType)
	compiled.evidence = c.expression(path+".evidence", name("evidence"), r.Evidence)
	if r.Review != nil {
		compiled.review = c.expression(path+".review.when", name("review.when"), r.Review.When, cel.BoolType)
	}
	if r.Bands != nil {
		c.bands(path+".bands", name("bands"), r.Bands, &compiled)
	}
	for _, p := range []*program{compiled.expr, compiled.warn, compiled.applies, compiled.review, compiled.evidence} {
		if p != nil {
			compiled.facts = append(compiled.facts, p.facts...)
		}
	}
	slices.Sort(compiled.facts)
	compiled.facts = slices.Compact(compiled.facts)
	return compiled
}

// expression compiles the text at path; nil if there is none, or if it has mistakes.
func (c *cardCompiler) expression(path, name, source string, want ...*cel.Type) *program {
	if source == "" {
		return nil
	}
	p, mistakes := c.compile(source, want...)
	for _, m := range mistakes {
		c.problems = append(c.problems, c.doc.In(path, source, m.offset, name+": "+m.message))
	}
	if p != nil {
		for _, fact := range p.facts {
			if card, ok := format.ScorecardOf(fact); ok {
				c.card.references = append(c.card.references, reference{card, func(message string) Problem {
					return c.doc.At(path, name+": "+message)
				}})
			}
		}
	}
	return p
}

// bands compiles the value and the comparisons with it.
func (c *cardCompiler) bands(path, name string, b *format.Bands, r *compiledRule) {
	value := c.expression(path+".value", name+".value", b.Value, cel.DoubleType, cel.IntType, cel.TimestampType,
		cel.DurationType)
	band := func(key, text string) *program {
		parsed, err := format.ParseBand(text)
		if text == "" || err != nil {
			return nil // reported by format
		}
		operand, mistakes := c.compile(parsed.Operand)
		if operand != nil && len(operand.facts) > 0 {
			mistakes = append(mistakes, mistake{0, "a band compares with a fixed value; facts belong into value"})
		}
		for _, m := range mistakes {
			c.problems = append(c.problems,
				c.doc.In(path+"."+key, text, parsed.Offset+m.offset, name+"."+key+": "+m.message))
		}
		if value == nil || len(mistakes) > 0 {
			return nil
		}
		whole, mistakes := c.compile("("+b.Value+") "+parsed.Operator+" ("+parsed.Operand+")", cel.BoolType)
		if len(mistakes) > 0 {
			c.problems = append(c.problems, c.doc.At(path+"."+key, fmt.Sprintf("%s.%s: the value is a %s, which cannot be "+
				"compared with a %s", name, key, value.typ, operand.typ)))
		}
		return whole
	}
	r.expr, r.warn = band("pass", b.Pass), band("warn", b.Warn)
}
