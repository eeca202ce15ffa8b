package scorecards

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
)

// compiledRule is a rule with its programs; those that it does not have are nil.
type compiledRule struct {
	Rule
	expr     *program // with bands: whether all pass
	warn     *program // whether all pass or warn
	review   *program
	applies  *program
	evidence *program
	facts    []string // of all of them, sorted
	timed    bool     // its outcome may change with the time alone, or with the level of another scorecard
}

// compiledCard is a scorecard with its programs.
type compiledCard struct {
	Scorecard
	filter      *program
	rules       []compiledRule
	facts       []string // that the rules look at, sorted
	definitions map[string]facts.Definition
	references  []reference // to the levels of other scorecards

	used   []*facts.Definition // of facts
	slots  map[string]int      // index in facts, by name and by CEL's variable
	levels map[string]string   // names of the facts of levels → the scorecard
	users  [][]int             // by index in facts: the indexes of the rules that look at it
}

// cardCompiler compiles the expressions of one scorecard and gathers the mistakes.
type cardCompiler struct {
	*compiler
	doc      *format.Document
	problems Problems
	card     *compiledCard
}

// noFacts is why a filter cannot ask for facts.
const noFacts = "facts are not known when services are chosen; ask entity here"

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
		c.problems = append(c.problems, s.doc.At("filter", "filter: "+noFacts+", and facts in a rule's applies"))
	}
	for i := range c.problems {
		c.problems[i].Message = ofFilter(c.problems[i].Message)
	}
	for i := range s.Rules {
		card.rules = append(card.rules, c.rule(fmt.Sprintf("rules[%d]", i), &s.Rules[i]))
		card.facts = append(card.facts, card.rules[i].facts...)
	}
	slices.Sort(card.facts)
	card.facts = slices.Compact(card.facts)
	card.prepare()
	return card, c.problems
}

// LevelFacts returns the facts of other scorecards' levels that the rules of s name, by name.
func LevelFacts(s Scorecard) map[string]facts.Definition { return levelFacts(&s) }

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
	for _, band := range r.Bands {
		list = append(list, band.Value)
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
	if len(r.Bands) > 0 {
		c.bands(path, name("bands"), r.Bands, &compiled)
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

// bands compiles the values and the comparisons with them.
func (c *cardCompiler) bands(path, name string, bands format.Bands, r *compiledRule) {
	before := len(c.problems)
	var pass, warn []string
	warns := false
	for i, b := range bands {
		p, w := c.band(c.doc.BandPath(path, i), name, b)
		pass = append(pass, p)
		if w != "" {
			warns, p = true, "("+p+" || "+w+")"
		}
		warn = append(warn, p)
	}
	if len(c.problems) > before || slices.Contains(pass, "") {
		return // reported
	}
	compile := func(parts []string) *program {
		p, mistakes := c.compile(strings.Join(parts, " && "), cel.BoolType)
		for _, m := range mistakes {
			c.problems = append(c.problems, c.doc.At(path+".bands", name+": "+m.message))
		}
		return p
	}
	if r.expr = compile(pass); warns {
		r.warn = compile(warn)
	}
}

// band checks one band and returns the conditions under which it passes and warns, "" if it never does.
func (c *cardCompiler) band(path, name string, b format.Band) (pass, warn string) {
	value := c.expression(path+".value", name+".value", b.Value, cel.DoubleType, cel.IntType, cel.TimestampType,
		cel.DurationType)
	limit := func(key, text string) (string, *program) {
		parsed, err := format.ParseLimit(text)
		if text == "" || err != nil {
			return "", nil // reported by format
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
			return "", nil
		}
		whole := "(" + b.Value + ") " + parsed.Operator + " (" + parsed.Operand + ")"
		if _, mistakes := c.compile(whole, cel.BoolType); len(mistakes) > 0 {
			c.problems = append(c.problems, c.doc.At(path+"."+key, fmt.Sprintf("%s.%s: the value is a %s, which cannot be "+
				"compared with a %s", name, key, typeName(value.typ), typeName(operand.typ))))
		}
		return whole, operand
	}
	pass, passAt := limit("pass", b.Pass)
	warn, warnAt := limit("warn", b.Warn)
	if narrower(b, passAt, warnAt) {
		c.problems = append(c.problems, c.doc.At(path+".warn", fmt.Sprintf("%s.warn: %q is no wider than pass, %q, so that "+
			"it never warns", name, b.Warn, b.Pass)))
	}
	return pass, warn
}

// narrower reports whether what warns passes already: both limits are numbers, and that of warn is not the wider one.
func narrower(b format.Band, pass, warn *program) bool {
	if pass == nil || warn == nil {
		return false
	}
	p, ok := literal(pass)
	w, also := literal(warn)
	switch operator := strings.TrimSpace(b.Warn)[0]; {
	case !ok || !also:
		return false
	case operator == '<':
		return w < p || w == p && strings.TrimSpace(b.Pass)[1] == '='
	case operator == '>':
		return w > p || w == p && strings.TrimSpace(b.Pass)[1] == '='
	}
	return false
}

// literal returns the number that the whole program is.
func literal(p *program) (float64, bool) {
	if p.root.Kind() != celast.LiteralKind {
		return 0, false
	}
	switch v := p.root.AsLiteral().(type) {
	case types.Int:
		return float64(v), true
	case types.Double:
		return float64(v), true
	}
	return 0, false
}
