package delivery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Stamp is a time as senders write it: RFC 3339, "2016-08-12 15:23:28 UTC", or seconds since 1970. Null, the empty
// string and Go's year 1 are the zero time: not known.
type Stamp struct{ time.Time }

var stampLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05 MST",
	"2006-01-02 15:04:05 -0700",
	"2006-01-02T15:04:05",
	time.DateTime,
}

// UnmarshalJSON reads a string, a number or null.
func (s *Stamp) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	s.Time = time.Time{}
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	if raw[0] != '"' {
		seconds, err := strconv.ParseFloat(string(raw), 64)
		if err != nil || seconds < -1e11 || seconds > 1e11 {
			return fmt.Errorf("%.40s is not a time", raw)
		}
		return s.set(time.UnixMilli(int64(seconds * 1000)))
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	at, err := parseTime(text)
	if err != nil {
		return err
	}
	return s.set(at)
}

func (s *Stamp) set(at time.Time) error {
	if at.Year() <= 1 { // how Go, and senders written in it, write a time that is not known
		return nil
	}
	if !event.ValidTime(at) {
		return fmt.Errorf("%s is outside 1970 to 2199", at.Format(time.RFC3339))
	}
	s.Time = Milli(at)
	return nil
}

// MarshalJSON writes a time that is not known as null: the year 1 would be taken for one that is.
func (s Stamp) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	return s.Time.MarshalJSON()
}

// EventTime is a Stamp that is never a number: events are written by people, who mean seconds or milliseconds by one.
type EventTime struct{ Stamp }

// UnmarshalJSON reads a string or null.
func (i *EventTime) UnmarshalJSON(raw []byte) error {
	if first := FirstByte(raw); first != '"' && first != 'n' {
		return fmt.Errorf("it is %s, not a time as 2026-01-31T12:00:00Z", Describe(raw))
	}
	return i.Stamp.UnmarshalJSON(raw)
}

// parseTime reads a time; zero for the empty string.
func parseTime(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range stampLayouts {
		// A zone's letters alone say no offset; only UTC is sure.
		if at, err := time.Parse(layout, text); err == nil &&
			(!strings.HasSuffix(layout, "MST") || strings.HasSuffix(text, "UTC")) {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time; write it as 2026-01-31T12:00:00Z", text)
}

// Milli returns the time as the store keeps it.
func Milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

// ID is an identity that one sender writes as a number and another as a string.
type ID string

// UnmarshalJSON reads a string, an integer or null.
func (n *ID) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	switch {
	case string(raw) == "null":
		*n = ""
		return nil
	case len(raw) > 0 && raw[0] == '"':
		return json.Unmarshal(raw, (*string)(n))
	}
	if _, err := strconv.ParseUint(string(raw), 10, 64); err != nil {
		return fmt.Errorf("it is %s, not an id", Describe(raw))
	}
	*n = ID(raw)
	return nil
}

// Earliest returns the earliest known of the times.
func Earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Latest returns the latest of the times.
func Latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// Attempt is the number of an attempt as a sender gives it. Absent or null is the first. It is part of the identity of
// a record, so a value that does not fit is kept for the error instead of being replaced by another.
type Attempt struct {
	number uint16
	misfit string
}

// UnmarshalJSON never fails; see [Attempt.Value].
func (a *Attempt) UnmarshalJSON(raw []byte) error {
	*a = Attempt{}
	if FirstByte(raw) == 'n' {
		return nil
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(raw)), 10, 16)
	if a.number = uint16(n); err != nil || n == 0 {
		a.misfit = Describe(raw)
	}
	return nil
}

// Value returns the number, or why there is none.
func (a Attempt) Value() (uint16, error) {
	switch {
	case a.misfit != "":
		return 0, fmt.Errorf("attempt is %s, not a whole number from 1 to 65535", a.misfit)
	case a.number == 0:
		return 1, nil
	}
	return a.number, nil
}

// FirstKnown returns the first known of the times, as the store keeps it.
func FirstKnown(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return Milli(t)
		}
	}
	return time.Time{}
}
