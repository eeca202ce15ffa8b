package webhook

import (
	"cmp"
	"encoding/json"
	"math"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// mergeState is what the merge of a record has to know in addition to the record's values, so that its outcome does not
// depend on the order in which updates arrive. Every part of it only grows, and what grows is a maximum or a minimum:
// two updates applied in either order, or twice, leave the same state, and a record's values follow from the state.
//
// It is kept with the record in event.Origin.MergeState, as JSON. A record that a collector stored has none: its values
// then count as said at the latest time that the record shows.
type mergeState struct {
	// Said is when the sender said the value of a field, in milliseconds since 1970: the latest value counts.
	Said map[string]int64 `json:"said,omitempty"`
	// Statuses are those that were told.
	Statuses map[event.Status]toldStatus `json:"statuses,omitempty"`
	// Open is when the sender last said that a change or an incident is open, in milliseconds since 1970.
	Open int64 `json:"open,omitempty"`
	// Closed is when a change was closed, as was said last, at ClosedSaid; or when an incident was resolved at the latest.
	Closed     int64 `json:"closed,omitempty"`
	ClosedSaid int64 `json:"closed_said,omitempty"`
	// Over is when the sender last said that an incident is over or a change closed, without a time, in milliseconds since
	// 1970. Merged is whether it said that a change is merged, without a time.
	Over   int64 `json:"over,omitempty"`
	Merged bool  `json:"merged,omitempty"`

	now       int64 // of the update at hand
	seed      int64 // of values that a collector stored
	collected bool
}

// toldStatus is what was told of one status.
type toldStatus struct {
	At       int64  `json:"at,omitempty"`       // the latest time at which it was told, in milliseconds since 1970
	Finished int64  `json:"finished,omitempty"` // the earliest end that was told with it
	Raw      string `json:"raw,omitempty"`      // the source's own word, of that end
	RawAt    int64  `json:"raw_at,omitempty"`   // when it was told, in milliseconds since 1970
}

// and joins what was told of one status twice. The word is that of the earlier end; where neither has an end, or both
// have the same one, of the later time.
func (t toldStatus) and(o toldStatus) toldStatus {
	out := t
	if o.Raw != "" &&
		(t.Raw == "" || cmp.Or(cmp.Compare(t.end(), o.end()), cmp.Compare(o.RawAt, t.RawAt), cmp.Compare(o.Raw, t.Raw)) > 0) {
		out.Raw, out.RawAt = o.Raw, o.RawAt
	}
	out.At = max(t.At, o.At)
	if o.end() < t.end() {
		out.Finished = o.Finished
	}
	return out
}

// end is when the status ended; the end of time where that was not told.
func (t toldStatus) end() int64 {
	if t.Finished == 0 {
		return math.MaxInt64
	}
	return t.Finished
}

// loadState reads the state of a stored record for an update. known is the latest time that the record shows.
func loadState(o event.Origin, known, now time.Time) *mergeState {
	s := &mergeState{now: millis(now), seed: millis(known)}
	if o.MergeState == "" || json.Unmarshal([]byte(o.MergeState), s) != nil {
		s.collected = true
	}
	if s.Said == nil {
		s.Said = map[string]int64{}
	}
	return s
}

// save returns the state as it is kept.
func (s *mergeState) save() string {
	doc, err := json.Marshal(s) // keys are sorted, so that equal states are equal texts
	if err != nil {
		return ""
	}
	return string(doc)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// said is when the sender said the stored value of a field.
func (s *mergeState) said(field string) int64 {
	if at, ok := s.Said[field]; ok {
		return at
	}
	return s.seed
}

// newer reports whether the update's value of a field counts, given how the two compare, and notes when it was said.
func (s *mergeState) newer(field string, unknown bool, compared int) bool {
	if at := s.said(field); !unknown && (s.now < at || s.now == at && compared <= 0) {
		return false
	}
	s.Said[field] = s.now
	return true
}

// pick sets the value that counts: of those that are not empty the latest, of several at one time the greatest.
func pick[T cmp.Ordered](s *mergeState, field string, was *T, is T) {
	var empty T
	if is != empty && s.newer(field, *was == empty, cmp.Compare(is, *was)) {
		*was = is
	}
}

// class orders statuses: what has ended does not become open again. With successLasts a success is not undone either:
// such sources give a deployment further statuses when another takes over.
func class(s event.Status, successLasts bool) int {
	switch {
	case s == event.Succeeded && successLasts:
		return 3
	case s.Final():
		return 2
	case s == event.Queued:
		return 0
	}
	return 1
}

// status folds a status in and returns the one that counts: of the highest class the latest.
func (s *mergeState) status(was, is course, successLasts bool) course {
	if s.Statuses == nil {
		s.Statuses = map[event.Status]toldStatus{}
		if was.status != "" {
			s.Statuses[was.status] = toldStatus{At: s.seed, Finished: millis(was.finished), Raw: was.raw, RawAt: s.seed}
		}
	}
	now := toldStatus{At: s.now, Finished: millis(is.finished), Raw: is.raw, RawAt: s.now}
	if before, known := s.Statuses[is.status]; known {
		now = before.and(now)
	}
	s.Statuses[is.status] = now
	out := course{created: finer(was.created, is.created), started: finer(was.started, is.started)}
	for status, t := range s.Statuses {
		best := s.Statuses[out.status]
		if out.status == "" || cmp.Or(cmp.Compare(class(status, successLasts), class(out.status, successLasts)),
			cmp.Compare(t.At, best.At), cmp.Compare(status, out.status)) > 0 {
			out.status = status
		}
	}
	best := s.Statuses[out.status]
	out.raw, out.finished = best.Raw, fromMillis(best.Finished)
	return out
}

// finer is the earlier of two times. Of one instant that some senders write in whole seconds it is the exact one.
func finer(a, b time.Time) time.Time {
	switch {
	case !b.IsZero() && b.Truncate(time.Second).Equal(a):
		return b
	case !a.IsZero() && a.Truncate(time.Second).Equal(b):
		return a
	}
	return delivery.Earliest(a, b)
}
