package scorecards

import (
	"maps"
	"slices"
	"time"

	"cel.dev/cel-go/common/types"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
)

// Tracker grades one entity at one time after another, without reasons. A rule is evaluated again only when a fact that
// it looks at has changed or expired, or when the time alone may change it. The outcomes, levels and scores are those
// of [Engine.Grade] by the same facts at the same time.
//
// A Tracker must not be used from several goroutines.
type Tracker struct {
	cards  []*tracked
	levels map[string]event.Fact // by scorecard
	birth  map[string]event.Fact // the facts that bornAt looks at

	entity  string
	waivers []waiver.Waiver // next to the scorecards
}

// Standing is how an entity stands by a scorecard at a time.
type Standing struct {
	Scorecard string
	Taken     bool // the filter takes the entity; otherwise there are no outcomes
	Level     string
	// 0 to 1, as of Report
	Score, ScoreHigh, Coverage float64
	// by rule, in the order of Engine.TrackedRules; empty: the rule does not count at that time
	Outcomes []event.Outcome
}

// tracked is the state of one scorecard.
type tracked struct {
	card     *compiledCard
	subject  *subject
	rules    []int // indexes in card.rules
	results  []Result
	dirty    []bool   // by index in card.rules
	aging    []bool   // by slot: the fact may expire, or is a level
	levels   []string // by slot: the scorecard whose level the fact is; empty: another fact
	asked    bool     // another scorecard asks for the level
	standing Standing
	begun    bool
	// why the filter could not decide about a service; nil: it did
	filterErr error
}

// FactSlot is where the facts of a name go. It belongs to the engine that returned it.
type FactSlot struct {
	name    string
	birth   bool
	waivers bool
	uses    []slotUse
	// Aged: an outcome may depend on when the fact was observed.
	Aged bool
}

type slotUse struct{ card, slot int }

// TrackedFacts returns the names of the facts that trackers look at, sorted.
func (e *Engine) TrackedFacts() []string {
	names := append(slices.Clone(birthFacts), WaiversFact)
	for _, card := range e.cards {
		for _, name := range card.facts {
			if card.levels[name] == "" || !e.grades(card.levels[name]) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// grades reports whether the engine has a scorecard of a name.
func (e *Engine) grades(scorecard string) bool {
	return slices.ContainsFunc(e.cards, func(c *compiledCard) bool { return c.Name == scorecard })
}

// TrackedRules returns the ids of the rules of each scorecard that are evaluated, in the order of its Outcomes.
func (e *Engine) TrackedRules() map[string][]string {
	ids := make(map[string][]string, len(e.cards))
	for _, card := range e.cards {
		ids[card.Name] = []string{}
		for i := range card.rules {
			if e.evaluates(&card.rules[i]) {
				ids[card.Name] = append(ids[card.Name], card.rules[i].ID)
			}
		}
	}
	return ids
}

// Slot returns the slot of a fact.
func (e *Engine) Slot(name string) FactSlot {
	s := FactSlot{name: name, birth: slices.Contains(birthFacts, name), waivers: name == WaiversFact}
	for c, card := range e.cards {
		if slot, ok := card.slots[name]; ok && (card.levels[name] == "" || !e.grades(card.levels[name])) {
			s.uses = append(s.uses, slotUse{c, slot})
			s.Aged = s.Aged || e.asks(card.Name) || slices.ContainsFunc(card.users[slot], func(rule int) bool {
				return card.rules[rule].Freshness > 0
			})
		}
	}
	return s
}

// asks reports whether a scorecard looks at the level of the one with this name, which is as old as the facts of it.
func (e *Engine) asks(name string) bool {
	return slices.ContainsFunc(e.cards, func(card *compiledCard) bool {
		return slices.Contains(slices.Collect(maps.Values(card.levels)), name)
	})
}

// Track returns a tracker of an entity of which no fact is known yet.
func (e *Engine) Track(entity descriptor.Entity) *Tracker {
	t := &Tracker{levels: map[string]event.Fact{}, birth: map[string]event.Fact{}, entity: entity.Ref,
		waivers: e.book().Of(entity.Ref)}
	asked := map[string]bool{}
	for _, card := range e.cards {
		s := newSubject(entity, time.Time{})
		s.quiet, s.waivers = true, t.waivers
		s.use(card, nil, nil)
		state := &tracked{card: card, subject: s, dirty: make([]bool, len(card.rules))}
		state.standing.Scorecard = card.Name
		for _, name := range card.facts {
			state.levels = append(state.levels, card.levels[name])
			state.aging = append(state.aging, card.levels[name] != "")
		}
		for i := range card.rules {
			if e.evaluates(&card.rules[i]) {
				state.rules = append(state.rules, i)
				state.results = append(state.results, card.rules[i].result())
			}
		}
		t.cards = append(t.cards, state)
		for _, other := range card.levels {
			asked[other] = true
		}
	}
	for _, state := range t.cards {
		state.asked = asked[state.card.Name]
	}
	return t
}

// Set sets a fact. read is its value, as ValueOf returns it.
func (t *Tracker) Set(slot *FactSlot, f event.Fact, read Value) {
	if slot.birth {
		t.birth[slot.name] = f
	}
	if slot.waivers {
		all := append(slices.Clip(t.waivers), waiversOf(t.entity, f)...)
		for _, c := range t.cards {
			c.subject.waivers = all
			for rule := range c.dirty {
				c.dirty[rule] = true
			}
		}
	}
	for _, use := range slot.uses {
		c := t.cards[use.card]
		c.subject.observations[use.slot] = observeValue(c.card.used[use.slot], f, true, read, time.Time{})
		c.aging[use.slot] = !f.ExpiresAt.IsZero() // Step judges the age
		c.markUsers(use.slot)
	}
}

// Touch sets when a fact was observed and when it expires, the zero time for never. Its value is the same as before.
func (t *Tracker) Touch(slot *FactSlot, observed, expires time.Time) {
	for _, use := range slot.uses {
		c := t.cards[use.card]
		o := &c.subject.observations[use.slot]
		o.fact.ObservedAt, o.fact.ExpiresAt = observed, expires
		// one that had expired may no longer do so
		c.aging[use.slot] = c.aging[use.slot] || !expires.IsZero()
	}
}

func (c *tracked) markUsers(slot int) {
	for _, rule := range c.card.users[slot] {
		c.dirty[rule] = true
	}
}

// Step grades at a time, which is not before that of the last step. It returns how the entity stands by each scorecard
// and which of them stand otherwise than at the last step. The slices are valid until the next step.
func (t *Tracker) Step(now time.Time) (standings []*Standing, changed []bool) {
	born := bornAt(t.birth)
	standings, changed = make([]*Standing, len(t.cards)), make([]bool, len(t.cards))
	for i, c := range t.cards {
		c.subject.now, c.subject.nowVal, c.subject.firstSeen = now, types.Timestamp{Time: now}, born
		changed[i] = c.step(t.levels)
		standings[i] = &c.standing
		if c.asked {
			t.levels[c.card.Name] = c.levelFact()
		}
	}
	return standings, changed
}

// step grades by one scorecard and reports whether anything is different.
func (c *tracked) step(levels map[string]event.Fact) bool {
	s := c.subject
	for i, aging := range c.aging {
		if !aging {
			continue
		}
		o := &s.observations[i]
		if c.levels[i] != "" {
			if level, ok := levels[c.levels[i]]; ok {
				*o = observe(c.card.used[i], level, true, s.now) // the rules that look at it are timed
				continue
			}
		}
		if o.absent != present && o.absent != expired || o.value == nil || types.IsError(o.value) {
			continue
		}
		is := present
		if isExpired(o.fact, s.now) {
			is = expired
		}
		if is != o.absent {
			o.absent = is
			c.markUsers(i)
		}
	}
	first := !c.begun
	if first || c.card.filter.usesNow() {
		takes, err := s.taken(c.card)
		taken := takes || err != nil && s.entity.IsService()
		first = first || taken != c.standing.Taken
		c.filterErr, c.standing.Taken = err, taken
	}
	c.begun = true
	if !c.standing.Taken {
		c.standing = Standing{Scorecard: c.card.Name}
		return first
	}
	changed := first
	for i, rule := range c.rules {
		r := &c.card.rules[rule]
		if !first && !c.dirty[rule] && !r.timed && !s.covered(r) {
			continue
		}
		c.dirty[rule] = false
		result := &c.results[i]
		before, counted := result.Outcome, result.Counts()
		result.Outcome, result.Missing = "", nil
		s.decide(r, c.filterErr, result)
		changed = changed || result.Outcome != before || result.Counts() != counted
	}
	if changed {
		c.standing = standingOf(c.card, c.results)
	}
	return changed
}

func standingOf(card *compiledCard, results []Result) Standing {
	standing := Standing{Scorecard: card.Name, Taken: true, Outcomes: make([]event.Outcome, len(results))}
	sum := tally{}
	for i := range results {
		if results[i].Counts() {
			standing.Outcomes[i] = results[i].Outcome
			sum.add(results[i].Outcome, results[i].Weight)
		}
	}
	if sum.all() > 0 {
		standing.Score, standing.ScoreHigh, standing.Coverage = sum.score()
		standing.Level, _ = reached(card.Levels, results)
	}
	return standing
}

// levelFact returns the level as a fact for other scorecards.
func (c *tracked) levelFact() event.Fact {
	if !c.standing.Taken {
		return leftOutFact(c.card, c.subject, c.subject.now)
	}
	return levelOf(newReport(&c.card.Scorecard, c.subject.entity.Ref, c.results), c.subject)
}
