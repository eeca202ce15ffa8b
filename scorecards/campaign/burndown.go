package campaign

import (
	"time"

	"github.com/dxctl/dxctl/event"
)

// Day is how the selection stood at a moment: of the entities that had a grade by then.
type Day struct {
	At        time.Time `json:"at"`
	Known     bool      `json:"known"`   // false: no entity of the selection had a grade, and the counts are 0
	Reached   int       `json:"reached"` // passed, warned or did not apply
	Waived    int       `json:"waived"`  // count as reached because of a waiver
	Failed    int       `json:"failed"`
	Unknown   int       `json:"unknown"`
	NotGraded int       `json:"not_graded"` // entities of today's selection without a grade at that moment
	// Net is how many entities more than the day before have reached the goal, of those with a grade on both days. It
	// is negative where more were lost than gained, and 0 on the first known day.
	Net int `json:"net"`

	both bool // the day before is known, too
}

// Done returns how many had reached the goal, waived ones included.
func (d Day) Done() int { return d.Reached + d.Waived }

// Left returns how many had not, whether they failed or are not known.
func (d Day) Left() int { return d.Failed + d.Unknown }

// Graded returns how many entities had a grade.
func (d Day) Graded() int { return d.Done() + d.Left() }

// Count counts an entity with a verdict.
func (d *Day) Count(v Verdict) {
	d.Known = true
	switch v {
	case Reached:
		d.Reached++
	case Waived:
		d.Waived++
	case Failed:
		d.Failed++
	default:
		d.Unknown++
	}
}

// Since is since when an entity has had its last stored verdict.
type Since struct {
	Verdict Verdict
	At      time.Time
	First   bool // since its first grade: it may have been so before
}

// History is how the selection stood over time.
type History struct {
	Days  []Day
	Since map[string]Since // by entity; those without a grade are missing
}

// Times returns the moments of a burn-down: the midnights, UTC, from the beginning of the first day to the end of the
// last one, as far as they are past; none before the first day.
func (c *Campaign) Times(now time.Time) []time.Time {
	var times []time.Time
	for at := c.Starts; !at.After(now) && !at.After(c.End()); at = at.AddDate(0, 0, 1) {
		times = append(times, at)
	}
	return times
}

// BurnDown returns how the entities stood at each of the times. grades are those of the rules of the goal whenever they
// changed, of any entity, oldest first; times are in order. Levels are those that the scorecard has now.
func (c *Campaign) BurnDown(entities []string, grades []event.Grade, times []time.Time) History {
	h := History{Since: make(map[string]Since, len(entities))}
	followed := make(map[string]*followed, len(entities))
	for _, ref := range entities {
		followed[ref] = newFollowed(c.Rules())
	}
	next := 0
	apply := func(until time.Time) {
		for ; next < len(grades) && !grades[next].EvaluatedAt.After(until); next++ {
			g := &grades[next]
			if f := followed[g.Entity]; f != nil && g.Scorecard == c.Goal.Scorecard {
				f.set(g)
			}
		}
	}
	for i, at := range times {
		apply(at)
		day := Day{At: at, both: i > 0}
		for _, ref := range entities {
			f := followed[ref]
			f.decide()
			if !f.graded() {
				day.NotGraded++
				continue
			}
			day.Count(f.verdict)
			if f.wasGraded && f.verdict.Done() != f.wasDone {
				if day.Net++; f.wasDone {
					day.Net -= 2
				}
			}
			f.wasGraded, f.wasDone = true, f.verdict.Done()
		}
		if i > 0 {
			day.both = day.Known && h.Days[i-1].Known
		}
		h.Days = append(h.Days, day)
	}
	if len(grades) > 0 {
		apply(grades[len(grades)-1].EvaluatedAt)
	}
	for _, ref := range entities {
		f := followed[ref]
		if f.decide(); f.graded() {
			h.Since[ref] = Since{Verdict: f.verdict, At: f.since, First: f.first}
		}
	}
	return h
}

// followed is an entity while its grades are followed.
type followed struct {
	slots    map[string]int
	outcomes []event.Outcome // "": not graded

	at      time.Time // of the latest grade that decide has not seen; zero: none
	verdict Verdict   // "" before the first grade
	since   time.Time
	first   bool

	wasGraded, wasDone bool // at the moment before
}

func newFollowed(rules []string) *followed {
	f := &followed{slots: make(map[string]int, len(rules)), outcomes: make([]event.Outcome, len(rules))}
	for i, rule := range rules {
		f.slots[rule] = i
	}
	return f
}

func (f *followed) graded() bool { return f.verdict != "" }

// set applies a grade. Those of one moment belong together, so the verdict is decided when another one comes.
func (f *followed) set(g *event.Grade) {
	i, ok := f.slots[g.Rule]
	if !ok {
		return
	}
	if !f.at.Equal(g.EvaluatedAt) {
		f.decide()
	}
	f.outcomes[i], f.at = g.Outcome, g.EvaluatedAt
}

// decide sets the verdict by the outcomes so far, and since when it has been held.
func (f *followed) decide() {
	if f.at.IsZero() {
		return
	}
	at := f.at
	f.at = time.Time{}
	known := make([]event.Outcome, 0, len(f.outcomes))
	for _, o := range f.outcomes {
		if o != "" {
			known = append(known, o)
		}
	}
	verdict := verdictOf(known)
	if verdict == f.verdict {
		return
	}
	f.first = f.verdict == ""
	f.verdict, f.since = verdict, at
}
