package store

import (
	"encoding/json"
	"time"

	"github.com/dxctl/dxctl/event"
)

type factRow struct {
	Source     string     `ch:"source"`
	SourceKey  string     `ch:"source_key"` // Source once more, as a part of the table's key
	Entity     string     `ch:"entity"`
	Fact       string     `ch:"fact"`
	Type       string     `ch:"type"`
	Value      string     `ch:"value"`
	ObservedAt time.Time  `ch:"observed_at"`
	ExpiresAt  *time.Time `ch:"expires_at"`
	Error      string     `ch:"error"`
	URL        string     `ch:"url"`
}

func newFactRow(f *event.Fact) factRow {
	return factRow{
		Source: f.Source, SourceKey: f.Source, Entity: f.Entity, Fact: f.Name, Type: string(f.Type), Value: factValue(f),
		ObservedAt: f.ObservedAt, ExpiresAt: nullable(&f.ExpiresAt), Error: f.Error, URL: f.URL,
	}
}

func (r factRow) event() event.Fact {
	return event.Fact{
		Source: r.Source, Entity: r.Entity, Name: r.Fact, Type: event.FactType(r.Type), Value: json.RawMessage(r.Value),
		ObservedAt: r.ObservedAt.UTC(), ExpiresAt: known(r.ExpiresAt), Error: r.Error, URL: r.URL,
	}
}

type factHistoryRow struct {
	Source    string    `ch:"source"`
	SourceKey string    `ch:"source_key"`
	Entity    string    `ch:"entity"`
	Fact      string    `ch:"fact"`
	Type      string    `ch:"type"`
	Value     string    `ch:"value"`
	Error     string    `ch:"error"`
	ValidFrom time.Time `ch:"valid_from"`
}

func newFactHistoryRow(f *event.Fact) factHistoryRow {
	return factHistoryRow{
		Source: f.Source, SourceKey: f.Source, Entity: f.Entity, Fact: f.Name, Type: string(f.Type), Value: factValue(f),
		Error: f.Error, ValidFrom: f.ObservedAt,
	}
}

func (r factHistoryRow) key() [3]string { return [3]string{r.Entity, r.Fact, r.Source} }

func (r factHistoryRow) state() factHistoryRow {
	return factHistoryRow{Type: r.Type, Value: r.Value, Error: r.Error}
}

// factValue returns the value as it is stored: compact JSON, empty where there is an error instead.
func factValue(f *event.Fact) string {
	if f.Error != "" || len(f.Value) == 0 {
		return ""
	}
	if plain(f.Value) {
		return string(f.Value)
	}
	var v any
	if err := json.Unmarshal(f.Value, &v); err != nil {
		return string(f.Value)
	}
	if _, isNumber := v.(float64); isNumber {
		return string(f.Value) // a number keeps its digits
	}
	compact, err := json.Marshal(v)
	if err != nil {
		return string(f.Value)
	}
	return string(compact)
}

// plain reports whether JSON is a boolean, a number or a text of plain characters, which stay as they are.
func plain(raw json.RawMessage) bool {
	switch c := raw[0]; {
	case c == '-' || '0' <= c && c <= '9', string(raw) == "true", string(raw) == "false":
		return true
	case c != '"' || len(raw) < 2 || raw[len(raw)-1] != '"':
		return false
	}
	for _, c := range raw[1 : len(raw)-1] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// verdictRow are the columns that the grade that holds now and the history of grades share.
type verdictRow struct {
	Entity      string `ch:"entity"`
	Scorecard   string `ch:"scorecard"`
	Rule        string `ch:"rule"`
	RuleVersion uint32 `ch:"rule_version"`
	Level       string `ch:"level"`
	Outcome     string `ch:"outcome"`
	Reason      string `ch:"reason"`
}

func newVerdictRow(g *event.Grade) verdictRow {
	return verdictRow{
		Entity: g.Entity, Scorecard: g.Scorecard, Rule: g.Rule, RuleVersion: g.RuleVersion, Level: g.Level,
		Outcome: string(g.Outcome), Reason: g.Reason,
	}
}

func (r verdictRow) grade(at time.Time) event.Grade {
	return event.Grade{
		Entity: r.Entity, Scorecard: r.Scorecard, Rule: r.Rule, RuleVersion: r.RuleVersion, Level: r.Level,
		Outcome: event.Outcome(r.Outcome), Reason: r.Reason, EvaluatedAt: at.UTC(),
	}
}

type gradeRow struct {
	verdictRow
	URL         string    `ch:"url"`
	EvaluatedAt time.Time `ch:"evaluated_at"`
}

func newGradeRow(g *event.Grade) gradeRow {
	return gradeRow{verdictRow: newVerdictRow(g), URL: g.URL, EvaluatedAt: g.EvaluatedAt}
}

func (r gradeRow) event() event.Grade {
	g := r.grade(r.EvaluatedAt)
	g.URL = r.URL
	return g
}

type gradeHistoryRow struct {
	verdictRow
	ValidFrom time.Time `ch:"valid_from"`
}

func newGradeHistoryRow(g *event.Grade) gradeHistoryRow {
	return gradeHistoryRow{verdictRow: newVerdictRow(g), ValidFrom: g.EvaluatedAt}
}

func (r gradeHistoryRow) event() event.Grade { return r.grade(r.ValidFrom) }

func (r gradeHistoryRow) key() [3]string { return [3]string{r.Entity, r.Rule, r.Scorecard} }

func (r gradeHistoryRow) state() gradeHistoryRow {
	r.ValidFrom = time.Time{}
	return r
}
