package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// FactType is the type of a fact's value.
type FactType string

// The types of facts. A time is an RFC 3339 string, a list is a list of strings.
const (
	BoolFact   FactType = "bool"
	NumberFact FactType = "number"
	StringFact FactType = "string"
	TimeFact   FactType = "time"
	ListFact   FactType = "list"
)

// FactTypes are all types of facts.
var FactTypes = []FactType{BoolFact, NumberFact, StringFact, TimeFact, ListFact}

// Fact is a named, typed, dated observation about an entity: repository.files.readme is true of component:default/x.
type Fact struct {
	Source     string // who observed it: a source's name, "catalog", "metrics"
	Entity     string // entity ref
	Name       string // dotted: ci.p95_minutes
	Type       FactType
	Value      json.RawMessage // JSON of the type; nil when Error is set
	ObservedAt time.Time
	ExpiresAt  time.Time // after this the value is stale; zero: it does not go stale
	Error      string    // why there is no value: which source should have given it and what it said
	URL        string
}

// Kind returns KindFact.
func (Fact) Kind() Kind { return KindFact }

// Identity returns the entity, the name and who observed it.
func (f Fact) Identity() Identity {
	return Identity{Kind: KindFact, Source: f.Source, Scope: f.Entity, ID: f.Name}
}

// Began returns the zero time: a fact is observed and does not begin.
func (Fact) Began() time.Time { return time.Time{} }

func (f Fact) normalized() Event {
	f.URL = address(f.URL)
	cutAll(MaxText, &f.Error)
	inMillis(&f.ObservedAt, &f.ExpiresAt)
	return f
}

// Validate checks that the fact is named and that its value is JSON of its type.
func (f Fact) Validate() error {
	if f.Entity == "" || f.Name == "" || f.Source == "" {
		return fmt.Errorf("fact %.80q of %.80q from %q: entity, name and source are required", f.Name, f.Entity, f.Source)
	}
	err := bounded(KindFact, f.Name, limited{"source", f.Source, MaxID}, limited{"entity", f.Entity, MaxScope},
		limited{"name", f.Name, MaxID}, limited{"value", string(f.Value), MaxValue})
	if err != nil {
		return err
	}
	err = validateTimes(
		KindFact,
		f.Entity+" "+f.Name,
		namedTime{"observed_at", f.ObservedAt},
		namedTime{"expires_at", f.ExpiresAt},
	)
	if f.Error != "" {
		return err
	}
	if _, decodeErr := f.Decode(); decodeErr != nil {
		err = errors.Join(err, decodeErr)
	}
	return err
}

// Decode returns the value as bool, float64, string, time.Time or []string, by the fact's type.
func (f Fact) Decode() (any, error) {
	fail := func(reason string) (any, error) {
		return nil, fmt.Errorf("fact %s of %s: value %s is not a %s%s", f.Name, f.Entity, f.Value, f.Type, reason)
	}
	switch f.Type {
	case BoolFact:
		return decodeAs[bool](f.Value, fail)
	case NumberFact:
		return decodeAs[float64](f.Value, fail)
	case StringFact:
		return decodeAs[string](f.Value, fail)
	case TimeFact:
		return decodeAs[time.Time](f.Value, fail)
	case ListFact:
		return decodeAs[[]string](f.Value, fail)
	}
	return fail(": unknown type")
}

func decodeAs[T any](raw json.RawMessage, fail func(reason string) (any, error)) (any, error) {
	var v *T
	if json.Unmarshal(raw, &v) != nil {
		return fail("") // the reason of the library names types of Go
	}
	if v == nil {
		return fail(": it is null")
	}
	return *v, nil
}

// Outcome is what a rule found about an entity.
type Outcome string

// The outcomes. Only pass, warn and fail are verdicts; the rest say why there is none.
const (
	Pass          Outcome = "pass"
	Warn          Outcome = "warn" // passes, but not by much: earns the level
	Fail          Outcome = "fail"
	Waived        Outcome = "waived"
	NotApplicable Outcome = "not applicable"
	Unknown       Outcome = "unknown"
	Stale         Outcome = "stale"
	ErrorOutcome  Outcome = "error"
	NeedsReview   Outcome = "needs review" // no fact can settle it: a person must look
)

// Outcomes are all outcomes, those that ask for attention first.
var Outcomes = []Outcome{Fail, ErrorOutcome, NeedsReview, Stale, Unknown, Warn, Waived, Pass, NotApplicable}

// Grade is the outcome of one rule for one entity.
type Grade struct {
	Entity      string
	Scorecard   string
	Rule        string
	RuleVersion uint32
	Level       string // the level that the rule belongs to: bronze, silver, gold
	Outcome     Outcome
	Reason      string // one sentence: the value behind the verdict, or the fact that is missing and who should give it
	RulesDigest string // of what decides the grades of the scorecard; "" if it is not recorded
	URL         string
	EvaluatedAt time.Time
}

// RulesInForce are the rules of a scorecard by which grades were given from a time on, until those with another digest.
type RulesInForce struct {
	Scorecard string
	Digest    string
	Since     time.Time
}

// Kind returns KindGrade.
func (Grade) Kind() Kind { return KindGrade }

// Identity returns the entity, the scorecard and the rule.
func (g Grade) Identity() Identity {
	return Identity{Kind: KindGrade, Scope: g.Entity, Parent: g.Scorecard, ID: g.Rule}
}

// Began returns the zero time: a grade is evaluated and does not begin.
func (Grade) Began() time.Time { return time.Time{} }

func (g Grade) normalized() Event {
	g.URL = address(g.URL)
	cutAll(MaxText, &g.Reason)
	inMillis(&g.EvaluatedAt)
	return g
}

// Validate checks that the grade is named and its outcome known.
func (g Grade) Validate() error {
	if !slices.Contains(Outcomes, g.Outcome) {
		return fmt.Errorf("grade %s/%s of %s: unknown outcome %q", g.Scorecard, g.Rule, g.Entity, string(g.Outcome))
	}
	if g.Entity == "" || g.Scorecard == "" || g.Rule == "" {
		return fmt.Errorf("grade %q/%q of %q: entity, scorecard and rule are required", g.Scorecard, g.Rule, g.Entity)
	}
	return validateTimes(KindGrade, g.Entity, namedTime{"evaluated_at", g.EvaluatedAt})
}

// LedgerEntry sets what a source said it has in a window against what is stored.
type LedgerEntry struct {
	Source      string
	Provider    string // kind of the source, as in Origin; empty: not known
	Scope       string
	Of          Kind // what is counted
	WindowStart time.Time
	WindowEnd   time.Time
	Expected    uint64 // what the source said
	Stored      uint64 // what the store holds
	Open        uint64 // of those stored: not final yet, read again later
	CheckedAt   time.Time
	URL         string
	Note        string // why a gap cannot be filled, when that is known
}

// Kind returns KindLedger.
func (LedgerEntry) Kind() Kind { return KindLedger }

// Identity returns the scope, the kind that is counted and the start of the window.
func (l LedgerEntry) Identity() Identity {
	return Identity{
		Kind: KindLedger, Source: l.Source, Scope: l.Scope, ID: string(l.Of),
		Parent: l.WindowStart.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
	}
}

// Began returns the zero time: an entry counts a window and does not begin.
func (LedgerEntry) Began() time.Time { return time.Time{} }

func (l LedgerEntry) normalized() Event {
	l.URL = address(l.URL)
	cutAll(MaxText, &l.Note)
	inMillis(&l.WindowStart, &l.WindowEnd, &l.CheckedAt)
	return l
}

// Gap is how many records the source has that the store lacks. Stored may exceed Expected, because sources forget
// (GitHub deletes runs after 400 days) and the store does not; that is no gap.
func (l LedgerEntry) Gap() uint64 {
	if l.Stored >= l.Expected {
		return 0
	}
	return l.Expected - l.Stored
}

// Validate checks that the entry is named and its window ordered.
func (l LedgerEntry) Validate() error {
	if l.Source == "" || l.Scope == "" || l.Of == "" {
		return fmt.Errorf("ledger entry %q/%q/%q: source, scope and kind are required", l.Source, l.Scope, l.Of)
	}
	if l.WindowEnd.Before(l.WindowStart) {
		return fmt.Errorf("ledger entry %s/%s/%s: the window ends before it starts", l.Source, l.Scope, l.Of)
	}
	return validateTimes(
		KindLedger,
		l.Source,
		namedTime{"window_start", l.WindowStart},
		namedTime{"window_end", l.WindowEnd},
		namedTime{"checked_at", l.CheckedAt},
	)
}
