package source

import (
	"encoding/json"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Timestamp is a time in the JSON of a source, as RFC 3339 writes it. Null, an empty string, what is no time and what
// no event may carry ([event.ValidTime]) are the zero time: not known.
type Timestamp struct{ time.Time }

// UnmarshalJSON never fails: one odd time must not cost the other records of its page.
func (t *Timestamp) UnmarshalJSON(raw []byte) error {
	t.Time = time.Time{}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		t.Time = ParseTime(text)
	}
	return nil
}

// ParseTime reads a time as RFC 3339 writes it, in UTC; zero when it is none that an event may carry.
func ParseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return Known(t)
}

// Known returns the time in UTC; zero when no event may carry it, as the year 1 of a broken clock.
func Known(t time.Time) time.Time {
	if !event.ValidTime(t) {
		return time.Time{}
	}
	return t.UTC()
}

// Earliest returns the earliest of the times that are known. The zero time is not known and never wins; it is the
// result when none is known.
func Earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}

// Latest returns the latest of the times that are known; zero when none is.
func Latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
