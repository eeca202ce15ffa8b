package campaign

import "time"

// State is what a campaign is at a moment. Its dates and the stored grades decide it; nothing else is kept, so that a
// campaign whose file changes is at once in the state that the file says:
//
//	            first day                 last day is over
//	planned ───────────────▶ running ───────────────────────▶ missed
//	                          │   ▲                             ▲
//	              all reached │   │ one no longer               │ not all had reached it
//	                          ▼   │                             │ at that moment
//	                         reached ───────────────────────────┘
//	                            │       last day is over
//	                            └─────────────────────────────▶ reached
//
// Within its days a campaign goes back from reached to running when a service loses what it had. At the end of its
// last day the state is final for a selection: what its services reach or lose later does not change it. The selection
// is that of today's catalog, so that a service that leaves or joins it may. It is ended where nobody knows whether the
// goal was reached: no grade was stored at that moment, or none of a service while all others had reached it. A
// selection without any service reaches nothing: the campaign is planned, running or ended.
type State string

// States, in the order in which lists have them.
const (
	Running State = "running"
	Planned State = "planned"
	Met     State = "reached"
	Missed  State = "missed"
	Ended   State = "ended"
)

// States are all states.
var States = []State{Running, Planned, Met, Missed, Ended}

// Over reports whether the last day is over at a moment.
func (c *Campaign) Over(now time.Time) bool { return !now.Before(c.End()) }

// StateAt returns the state at a moment. total and done are how many services are selected and how many have reached
// the goal: at the moment, and after the last day at its end. known is false if that is not known.
func (c *Campaign) StateAt(now time.Time, total, done int, known bool) State {
	switch {
	case now.Before(c.Starts):
		return Planned
	case c.Over(now) && (!known || total == 0):
		return Ended
	case total > 0 && done == total:
		return Met
	case c.Over(now):
		return Missed
	}
	return Running
}
