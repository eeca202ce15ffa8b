package scorecards

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
)

// observation is a fact as an expression sees it.
type observation struct {
	fact   event.Fact
	value  ref.Val // nil when there is none to use
	absent absence // by itself; a rule may have its own limit of age
}

// absence is why the value of a fact cannot be used.
type absence uint8

const (
	present absence = iota // it can be used, or its value is an error
	missing                // nobody gave the fact
	failed                 // it has an error instead of a value
	expired                // there is a value, but it has expired
	tooOld                 // there is a value, but it is older than a rule wants
)

// noObservation is that of a fact that the scorecard does not look at.
var noObservation = observation{absent: missing}

// observation returns the observation of a fact, which must not be changed.
func (s *subject) observation(name string) *observation {
	if slot, ok := s.slots[name]; ok {
		return &s.observations[slot]
	}
	return &noObservation
}

// use prepares the facts that the rules of a scorecard use. levels are those of the scorecards before.
func (s *subject) use(card *compiledCard, facts, levels map[string]event.Fact) {
	s.card, s.definitions, s.slots = card, card.definitions, card.slots
	s.observations = make([]observation, len(card.facts))
	for i, name := range card.facts {
		fact, known := facts[name]
		if other, ok := card.levels[name]; ok {
			if level, graded := levels[other]; graded {
				fact, known = level, true
			}
		}
		s.observations[i] = observe(card.used[i], fact, known, s.now)
	}
}

// Value is the value of a fact as expressions see it. It does not change, so that it is read once where many facts
// have it.
type Value struct{ value ref.Val }

// ValueOf reads the value of a fact; what cannot be read is an error to the rules that look at it.
func ValueOf(f event.Fact) Value {
	if f.Error != "" {
		return Value{}
	}
	return Value{valueOf(f)}
}

func observe(d *facts.Definition, fact event.Fact, known bool, now time.Time) observation {
	return observeValue(d, fact, known, Value{}, now)
}

// observeValue is observe of a fact whose value was read before; the zero Value: it was not.
func observeValue(d *facts.Definition, fact event.Fact, known bool, read Value, now time.Time) observation {
	o := observation{fact: fact}
	switch {
	case !known:
		o.absent = missing
	case fact.Error != "":
		o.absent = failed
	case fact.Type != d.Type:
		o.value = types.NewErr("%s is a %s, and a %s was expected; %s gave it", d.Name, fact.Type, d.Type, fact.Source)
	default:
		if o.value = read.value; o.value == nil {
			o.value = valueOf(fact)
		}
		if !types.IsError(o.value) && isExpired(fact, now) {
			o.absent = expired
		}
	}
	return o
}

func isExpired(f event.Fact, now time.Time) bool {
	return !f.ExpiresAt.IsZero() && !now.Before(f.ExpiresAt)
}

// valueOf returns the value of a fact for CEL, or an error of CEL. What most facts look like is read without a parser
// of JSON.
func valueOf(f event.Fact) ref.Val {
	switch raw := f.Value; f.Type {
	case event.BoolFact:
		switch string(raw) {
		case "true":
			return types.True
		case "false":
			return types.False
		}
	case event.NumberFact:
		if isPlainNumber(raw) {
			if v, err := strconv.ParseFloat(string(raw), 64); err == nil {
				return types.Double(v)
			}
		}
	case event.StringFact:
		if isPlainString(raw) {
			return types.String(raw[1 : len(raw)-1])
		}
	case event.ListFact:
		if string(raw) == "[]" {
			return emptyList
		}
	}
	value, err := f.Decode()
	if err != nil {
		return types.NewErr("%v", err)
	}
	return toCEL(value)
}

var emptyList = types.DefaultTypeAdapter.NativeToValue([]string{})

// isPlainNumber reports whether raw consists of digits, with at most a point between them and a sign before: what JSON
// and strconv read as the same number.
func isPlainNumber(raw []byte) bool {
	if len(raw) > 1 && raw[0] == '-' {
		raw = raw[1:]
	}
	point := false
	for i, c := range raw {
		switch {
		case c >= '0' && c <= '9':
		case c == '.' && !point && i > 0 && i < len(raw)-1:
			point = true
		default:
			return false
		}
	}
	return len(raw) > 0 && (raw[0] != '0' || len(raw) == 1 || raw[1] == '.')
}

// isPlainString reports whether raw is a JSON string of printable ASCII without an escape.
func isPlainString(raw []byte) bool {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return false
	}
	for _, c := range raw[1 : len(raw)-1] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func toCEL(value any) ref.Val {
	switch v := value.(type) {
	case bool:
		return types.Bool(v)
	case float64:
		return types.Double(v)
	case string:
		return types.String(v)
	case time.Time:
		return types.Timestamp{Time: v}
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

// absence returns why a rule cannot use an observation; present if it can. r may be nil.
func (s *subject) absence(r *compiledRule, o *observation) absence {
	if o.absent != present || r == nil || r.Freshness == 0 || o.value == nil || types.IsError(o.value) ||
		o.fact.ObservedAt.IsZero() || s.now.Sub(o.fact.ObservedAt) <= r.Freshness {
		return o.absent
	}
	return tooOld
}

// stale reports whether there is a value that is only too old.
func (a absence) stale() bool { return a == expired || a == tooOld }

// whyAbsent returns a sentence: why the rule cannot use the fact; "" if it can.
func (s *subject) whyAbsent(r *compiledRule, name string) string {
	o, d := s.observation(name), s.definitions[name]
	switch s.absence(r, o) {
	case missing:
		return fmt.Sprintf("%s is not known; %s should give it", name, cmp.Or(d.Source, "no source is named that"))
	case failed:
		return fmt.Sprintf("%s is not known: %s", name, o.fact.Error)
	case expired:
		return fmt.Sprintf("%s is out of date: %s gave %s on %s and it held until %s", name, o.fact.Source,
			display(d, o.value, time.Time{}), o.fact.ObservedAt.UTC().Format(time.DateOnly),
			o.fact.ExpiresAt.UTC().Format(time.DateOnly))
	case tooOld:
		return fmt.Sprintf("%s is out of date: %s gave %s on %s, and the rule wants it at most %s old", name,
			o.fact.Source, display(d, o.value, time.Time{}), o.fact.ObservedAt.UTC().Format(time.DateOnly),
			span(r.Freshness))
	}
	return ""
}

// prepare fills in what evaluations look up by the names of facts.
func (c *compiledCard) prepare() {
	c.slots = make(map[string]int, 2*len(c.facts))
	c.levels = map[string]string{}
	c.used = make([]*facts.Definition, len(c.facts))
	for i, name := range c.facts {
		c.slots[name], c.slots[factVariable(name)] = i, i
		d := c.definitions[name]
		c.used[i] = &d
		if other, ok := format.ScorecardOf(name); ok {
			c.levels[name] = other
		}
	}
	c.users = make([][]int, len(c.facts))
	for i := range c.rules {
		r := &c.rules[i]
		r.timed = r.Freshness > 0 || r.Grace > 0 || r.Status == format.Announced
		for _, p := range []*program{r.expr, r.warn, r.applies, r.review} {
			r.timed = r.timed || p.usesNow()
		}
		for _, name := range r.facts {
			c.users[c.slots[name]] = append(c.users[c.slots[name]], i)
			r.timed = r.timed || c.levels[name] != ""
		}
	}
}

// usesNow reports whether the value of the program depends on the time. p may be nil.
func (p *program) usesNow() bool {
	if p == nil {
		return false
	}
	found := false
	celast.PostOrderVisit(p.root, celast.NewExprVisitor(func(e celast.Expr) { found = found || identOf(e) == "now" }))
	return found
}
