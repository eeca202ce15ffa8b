package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// stamp reads a time as the senders write it: RFC 3339, GitLab's "2016-08-12 15:23:28 UTC", or seconds since 1970. Null,
// nothing, and a time that no event may carry (Go's year 1) are not known.
type stamp struct{ time.Time }

var stampLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05", time.DateTime}

// UnmarshalJSON reads a string, a number or null.
func (s *stamp) UnmarshalJSON(raw []byte) error {
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

func (s *stamp) set(at time.Time) error {
	if event.ValidTime(at) {
		s.Time = milli(at)
	}
	return nil
}

// parseTime reads a time; zero for the empty string.
func parseTime(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range stampLayouts {
		// A zone's letters alone say no offset; only UTC is sure.
		if at, err := time.Parse(layout, text); err == nil && (!strings.HasSuffix(layout, "MST") || strings.HasSuffix(text, "UTC")) {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time; write it as 2026-01-31T12:00:00Z", text)
}

// milli is the instant as the store keeps it.
func milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

// number reads an identity that one sender writes as a number and another as a string.
type number string

// UnmarshalJSON reads a string, an integer or null.
func (n *number) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	switch {
	case string(raw) == "null":
		*n = ""
		return nil
	case len(raw) > 0 && raw[0] == '"':
		return json.Unmarshal(raw, (*string)(n))
	}
	if _, err := strconv.ParseInt(string(raw), 10, 64); err != nil {
		return fmt.Errorf("%.40s is not an id", raw)
	}
	*n = number(raw)
	return nil
}

// earliest is the earliest known of the times.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// latest is the latest of the times.
func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// attempt is the number of an attempt; 1 where the sender gives none.
func attempt(n int) uint16 {
	if n < 1 || n > 65535 {
		return 1
	}
	return uint16(n)
}
