package metrics

import (
	"encoding/json"
	"time"
)

// A time that is not known is null in JSON, never the year 1. Such fields have the tag nullable, for the description of
// the API.

// MarshalJSON writes an open end as null.
func (w Window) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		From *time.Time `json:"from"`
		To   *time.Time `json:"to"`
	}{knownTime(w.From), knownTime(w.To)})
}

// MarshalJSON writes the start of a cohort that is no span of time as null.
func (c Cohort) MarshalJSON() ([]byte, error) {
	type plain Cohort
	if c.Curve == nil {
		c.Curve = []SurvivalPoint{}
	}
	return json.Marshal(struct {
		plain
		Start *time.Time `json:"start"`
	}{plain(c), knownTime(c.Start)})
}

// MarshalJSON writes a start that is not known as null.
func (s Subject) MarshalJSON() ([]byte, error) {
	type plain Subject
	return json.Marshal(struct {
		plain
		StartedAt *time.Time `json:"started_at"`
	}{plain(s), knownTime(s.StartedAt)})
}

func knownTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
