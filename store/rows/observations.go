package rows

import (
	"encoding/json"
	"time"

	"github.com/dxctl/dxctl/event"
)

// The columns of the keys of the histories; the first is the entity.
var (
	FactKey  = [3]string{"entity", "fact", "source"}
	GradeKey = [3]string{"entity", "rule", "scorecard"}
)

// Fact is the row of a fact that holds now.
type Fact struct {
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

// NewFact returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewFact(f *event.Fact) Fact {
	return Fact{
		Source: f.Source, SourceKey: f.Source, Entity: f.Entity, Fact: f.Name, Type: string(f.Type), Value: factValue(f),
		ObservedAt: f.ObservedAt, ExpiresAt: nullable(&f.ExpiresAt), Error: f.Error, URL: f.URL,
	}
}

// Event returns the event that the row was made of.
func (r Fact) Event() event.Fact {
	return event.Fact{
		Source: r.Source, Entity: r.Entity, Name: r.Fact, Type: event.FactType(r.Type), Value: json.RawMessage(r.Value),
		ObservedAt: r.ObservedAt.UTC(), ExpiresAt: Known(r.ExpiresAt), Error: r.Error, URL: r.URL,
	}
}

// FactHistory is the row of a fact since a time.
type FactHistory struct {
	Source    string `ch:"source"`
	SourceKey string `ch:"source_key"`
	Entity    string `ch:"entity"`
	Fact      string `ch:"fact"`
	Type      string `ch:"type"`
	Value     string `ch:"value"`
	Error     string `ch:"error"`
	// milliseconds from the observation until the fact expires; 0: never, -1: not recorded
	ExpiresAfter int64     `ch:"expires_after_ms"`
	ValidFrom    time.Time `ch:"valid_from"`
}

// NewFactHistory returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewFactHistory(f *event.Fact) FactHistory {
	return FactHistory{
		Source: f.Source, SourceKey: f.Source, Entity: f.Entity, Fact: f.Name, Type: string(f.Type), Value: factValue(f),
		Error: f.Error, ExpiresAfter: expiresAfter(f), ValidFrom: f.ObservedAt,
	}
}

// expiresAfter returns the milliseconds from the observation of a fact until it expires; 0: never.
func expiresAfter(f *event.Fact) int64 {
	if f.ExpiresAt.IsZero() {
		return 0
	}
	return max(1, f.ExpiresAt.UnixMilli()-f.ObservedAt.UnixMilli()) // a fact may be out of date when it is observed
}

// Key returns what was observed: the values of the columns of FactKey.
func (r FactHistory) Key() [3]string { return [3]string{r.Entity, r.Fact, r.Source} }

// State returns what was observed of it: the row without its time. Equal states are no change.
func (r FactHistory) State() FactHistory {
	return FactHistory{Type: r.Type, Value: r.Value, Error: r.Error}
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

// verdictColumns are the columns that the grade that holds now and the history of grades share.
type verdictColumns struct {
	Entity      string `ch:"entity"`
	Scorecard   string `ch:"scorecard"`
	Rule        string `ch:"rule"`
	RuleVersion uint32 `ch:"rule_version"`
	Level       string `ch:"level"`
	Outcome     string `ch:"outcome"`
	Reason      string `ch:"reason"`
	RulesDigest string `ch:"rules_digest"`
}

func newVerdictColumns(g *event.Grade) verdictColumns {
	return verdictColumns{
		Entity: g.Entity, Scorecard: g.Scorecard, Rule: g.Rule, RuleVersion: g.RuleVersion, Level: g.Level,
		Outcome: string(g.Outcome), Reason: g.Reason, RulesDigest: g.RulesDigest,
	}
}

func (r verdictColumns) grade(at time.Time) event.Grade {
	return event.Grade{
		Entity: r.Entity, Scorecard: r.Scorecard, Rule: r.Rule, RuleVersion: r.RuleVersion, Level: r.Level,
		Outcome: event.Outcome(r.Outcome), Reason: r.Reason, RulesDigest: r.RulesDigest, EvaluatedAt: at.UTC(),
	}
}

// Grade is the row of a grade that holds now.
type Grade struct {
	verdictColumns
	URL         string    `ch:"url"`
	EvaluatedAt time.Time `ch:"evaluated_at"`
}

// NewGrade returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewGrade(g *event.Grade) Grade {
	return Grade{verdictColumns: newVerdictColumns(g), URL: g.URL, EvaluatedAt: g.EvaluatedAt}
}

// Event returns the event that the row was made of.
func (r Grade) Event() event.Grade {
	g := r.grade(r.EvaluatedAt)
	g.URL = r.URL
	return g
}

// GradeHistory is the row of a grade since a time.
type GradeHistory struct {
	verdictColumns
	ValidFrom time.Time `ch:"valid_from"`
}

// NewGradeHistory returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewGradeHistory(g *event.Grade) GradeHistory {
	return GradeHistory{verdictColumns: newVerdictColumns(g), ValidFrom: g.EvaluatedAt}
}

// Event returns the event that the row was made of.
func (r GradeHistory) Event() event.Grade { return r.grade(r.ValidFrom) }

// Key returns what was observed: the values of the columns of GradeKey.
func (r GradeHistory) Key() [3]string { return [3]string{r.Entity, r.Rule, r.Scorecard} }

// State returns what was observed of it: the row without its time and without the digest of the rules, whose changes
// RulesHistory has. Equal states are no change.
func (r GradeHistory) State() GradeHistory {
	r.ValidFrom, r.RulesDigest = time.Time{}, ""
	return r
}

// RulesHistory is the row of the rules of a scorecard since a time.
type RulesHistory struct {
	Scorecard string    `ch:"scorecard"`
	Digest    string    `ch:"digest"`
	ValidFrom time.Time `ch:"valid_from"`
}

// Rules returns the rules by which grades were given, one row a scorecard and digest, in the order of the grades.
// Grades without a digest are left out.
func Rules(grades []event.Grade) []RulesHistory {
	var all []RulesHistory
	last := map[string]string{}
	for i := range grades {
		g := &grades[i]
		if g.RulesDigest != "" && last[g.Scorecard] != g.RulesDigest {
			last[g.Scorecard] = g.RulesDigest
			all = append(all, RulesHistory{Scorecard: g.Scorecard, Digest: g.RulesDigest, ValidFrom: g.EvaluatedAt})
		}
	}
	return all
}
