// Package delivery has the words that receivers of webhooks share: what a sender delivered, what it says about records,
// how it proves who it is, and tolerant decoding of payloads, in which one odd value costs no other.
package delivery

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Delivery is one request of a sender, as it was received and is queued.
type Delivery struct {
	Source     string            `json:"source"`
	Kind       string            `json:"kind"` // of the source; see [Protocol]
	ID         string            `json:"id"`   // the sender's own, for people who search for it; may be empty
	ReceivedAt time.Time         `json:"received_at"`
	Headers    map[string]string `json:"headers,omitempty"` // only those of the protocol; names in lower case
	Body       []byte            `json:"body"`
}

// Outcome is what becomes of a delivery.
type Outcome string

// The outcomes.
const (
	Accepted Outcome = "accepted"
	Ignored  Outcome = "ignored" // valid, ignored; Verdict.Reason is why
	Refused  Outcome = "refused" // malformed; Verdict.Reason is the mistake
)

// Target is a scope of a polled source that is worth collecting soon.
type Target struct{ Source, Scope string }

// Verdict is what becomes of a delivery, and why.
type Verdict struct {
	Outcome Outcome
	Reason  string
	// Collect lists the scopes to collect soon, because the payload does not hold enough.
	Collect []Target
	// Events has a verdict for each event of a delivery that carries several; empty for one that carries one.
	Events []EventVerdict
	// Misfits are the parts of the payload that were left out because they do not fit.
	Misfits []Misfit
}

// EventVerdict is what becomes of one event of a delivery.
type EventVerdict struct {
	Index   int     `json:"index"` // of the event in the delivery, from 0
	ID      string  `json:"id"`    // of the event; the entity and the name of a fact
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	// Misfits are the parts of the event that were left out because they do not fit.
	Misfits []Misfit `json:"ignored_fields,omitempty"`
}

// Update is what a delivery says about one record. What is empty in Event is not known, unless Full.
type Update struct {
	Event event.Event
	// At is the sender's time of this state; zero: the sender gives none. An update older than the stored record only
	// fills what is empty there.
	At time.Time
	// Full: the sender described the record in full, so that a closed or resolved record without such a time in the event
	// was opened again.
	Full bool
	// RunUnknown: a job whose run the sender did not name; the job may be stored under its run.
	RunUnknown bool
	// NeedsPriorFinal: apply only when every earlier attempt of the run is stored as final. A collector asks for the
	// earlier attempts of a run that it has not seen, and would not if this one were stored before them.
	NeedsPriorFinal bool
	// ExternalAttempt, of a run or a job, is the sender's own id of the attempt, with which the run's URL ends; set where
	// the sender does not number attempts. The attempt is then the stored one with such a URL, else the next.
	ExternalAttempt string
	// SuccessLasts, of a deployment: a success stays, because the sender gives a deployment further statuses when another
	// one replaces it.
	SuccessLasts bool
	// CollectedEnvironment, of a deployment: the environment that a collector stored stays, because it is configured
	// there.
	CollectedEnvironment bool
}

// Accept returns the updates of a delivery, and the scopes to collect for what it does not say.
func Accept(updates []Update, collect ...Target) ([]Update, Verdict) {
	return updates, Verdict{Outcome: Accepted, Collect: collect}
}

// Ignore returns the verdict of a delivery that is valid and not used.
func Ignore(format string, args ...any) ([]Update, Verdict) {
	return nil, Verdict{Outcome: Ignored, Reason: fmt.Sprintf(format, args...)}
}

// Refuse returns the verdict of a malformed delivery.
func Refuse(format string, args ...any) ([]Update, Verdict) {
	return nil, Verdict{Outcome: Refused, Reason: fmt.Sprintf(format, args...)}
}

// RefuseWith refuses a payload and lists its parts that do not fit, which may be the cause.
func RefuseWith(m Misfits, format string, args ...any) ([]Update, Verdict) {
	return nil, Verdict{Outcome: Refused, Reason: fmt.Sprintf(format, args...), Misfits: m}
}

// Source is the source of a delivery, as its receiver needs it.
type Source struct {
	Name string // name
	// Polled: a collector reads the source too. Then a receiver writes only what that collector would not do better, and
	// asks for a collect of the scope for the rest.
	Polled bool
	// Scopes are those to be taken, spelled as the collector spells them; empty: every scope. Case does not matter.
	Scopes []string
	// Lookup returns the ref of the service that a sender calls by a name; nil: none is known.
	Lookup func(name string) (ref string, ok bool)
	// Unrecognized logs, once for each word, that a sender uses a word that its documentation does not have. what names
	// where: "status of a run". The word is stored as it is.
	Unrecognized func(what, word string)
	// Machine reports whether a login is a machine's, whatever the sender says; nil: none is known.
	Machine func(login string) bool
	Logger  *slog.Logger
}

// Scope returns a scope as the collector spells it; false when the source does not take it.
func (s Source) Scope(name string) (string, bool) {
	if len(s.Scopes) == 0 {
		return name, name != ""
	}
	for _, configured := range s.Scopes {
		if strings.EqualFold(configured, name) {
			return configured, true
		}
	}
	return "", false
}

// CollectSoon accepts a delivery of which nothing is written: the collector reads the scope.
func (s Source) CollectSoon(scope, reason string) ([]Update, Verdict) {
	if !s.Polled {
		return Ignore("%s, and no collector polls %s", reason, s.Name)
	}
	return nil, Verdict{Outcome: Accepted, Reason: reason, Collect: []Target{{s.Name, scope}}}
}

// Service returns the ref of the service that has one of the names; empty when none is known. A complete ref
// (component:default/x) is taken as one.
func (s Source) Service(names ...string) string {
	for _, name := range names {
		if name == "" {
			continue
		}
		if s.Lookup != nil {
			if ref, ok := s.Lookup(name); ok {
				return ref
			}
		}
		if refRule.MatchString(name) {
			return strings.ToLower(name)
		}
	}
	return ""
}

var refRule = regexp.MustCompile(`^[A-Za-z]+:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)

// Link returns the first of the addresses that a browser can open.
func Link(addresses ...string) string {
	for _, a := range addresses {
		if strings.HasPrefix(a, "https://") || strings.HasPrefix(a, "http://") {
			return a
		}
	}
	return ""
}

// LastPart returns what follows the last slash; all of it where there is none.
func LastPart(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// Commit matches the id of a git commit.
var Commit = regexp.MustCompile(`^[0-9a-f]{40}$`)
