package replay

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// Result is how the entities of the catalog stood on each of many days.
type Result struct {
	Days     []time.Time // when each day was graded
	Entities []Entity    // sorted by ref; those of one ref in the order of the engine's scorecards
}

// Entity is how one entity stood by one scorecard.
type Entity struct {
	Ref       string
	Scorecard string
	Rules     []string // ids of the rules that were evaluated
	Moments   []Moment // of the first day, and of every day on which anything was different from the day before
}

// Moment is how an entity stands from a day on, until the next moment.
type Moment struct {
	Day int // index in Result.Days
	At  time.Time
	// the filter of the scorecard leaves the entity out from this day on; everything else is empty then
	LeftOut bool
	Level   string // empty: none
	// 0 to 1, as of scorecards.Report
	Score, ScoreHigh, Coverage float64
	// in the order of Rules; empty: the rule does not count that day
	Outcomes []event.Outcome
}

// Grade grades every entity on each day by the scorecards of an engine, which must be one of those of Load. It does so
// on every core. Reasons are not computed; [History.FactsAt] with [scorecards.Engine.Grade] gives them.
func (h *History) Grade(engine *scorecards.Engine) *Result {
	rules := engine.TrackedRules()
	slots := map[string]*scorecards.FactSlot{}
	for _, name := range engine.TrackedFacts() {
		slot := engine.Slot(name)
		slots[name] = &slot
	}
	entities := h.catalog.Entities()
	graded := make([][]Entity, len(entities))
	scorecards.OnEveryCore(len(entities), func(i int) { graded[i] = h.grade(engine, slots, rules, entities[i]) })
	return &Result{Days: h.times, Entities: slices.Concat(graded...)}
}

// walked is a fact while its entity is followed from day to day.
type walked struct {
	name    string
	slot    *scorecards.FactSlot
	lines   []*line
	cursors []cursor
	last    state
	// of one source, never expires, and no outcome depends on its age: only a new version of it changes anything
	timeless bool
}

// grade follows one entity.
func (h *History) grade(engine *scorecards.Engine, slots map[string]*scorecards.FactSlot, rules map[string][]string,
	of descriptor.Entity) []Entity {
	known := h.entities[of.Ref]
	if known == nil {
		known = &entity{}
	}
	facts := make([]walked, 0, len(known.facts))
	for name, lines := range known.facts {
		if slot, ok := slots[name]; ok {
			facts = append(facts, walked{name: name, slot: slot, lines: lines, cursors: make([]cursor, len(lines)),
				timeless: len(lines) == 1 && !slot.Aged && lines[0].neverExpires(known)})
		}
	}
	tracker := engine.Track(of)
	var stands []Entity
	for day, at := range h.times {
		ms := at.UnixMilli()
		last := known.lastAt(ms)
		for i := range facts {
			facts[i].follow(tracker, known, of.Ref, ms, last)
		}
		standings, changed := tracker.Step(at)
		if stands == nil {
			stands = make([]Entity, len(standings))
		}
		for i, s := range standings {
			if changed[i] {
				stands[i].Ref, stands[i].Scorecard, stands[i].Rules = of.Ref, s.Scorecard, rules[s.Scorecard]
				stands[i].Moments = append(stands[i].Moments, Moment{
					Day: day, At: at, LeftOut: !s.Taken, Level: s.Level, Score: s.Score, ScoreHigh: s.ScoreHigh,
					Coverage: s.Coverage, Outcomes: s.Outcomes,
				})
			}
		}
	}
	return slices.DeleteFunc(stands, func(e Entity) bool {
		return !slices.ContainsFunc(e.Moments, func(m Moment) bool { return !m.LeftOut })
	})
}

// follow tells the tracker what is different at a time.
func (f *walked) follow(tracker *scorecards.Tracker, e *entity, ref string, ms int64, last []int) {
	if f.timeless && !f.lines[0].changes(&f.cursors[0], ms) {
		return
	}
	s := e.stateAt(f.lines, f.cursors, ms, last)
	switch {
	case s == f.last || s.version == nil:
	case f.last.version != nil && s.line == f.last.line && s.version.value == f.last.version.value:
		observed, expires := s.times()
		tracker.Touch(f.slot, observed, expires)
	default:
		tracker.Set(f.slot, s.fact(ref, f.name), s.version.value.read)
	}
	f.last = s
}
