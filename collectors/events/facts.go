package events

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// FactType is the CloudEvents type of an observed fact. CDEvents has none.
const FactType = "dev.dxctl.fact.observed.v1"

// MediaFacts and MediaFactLines are the types of a document of facts: one fact or a JSON array of them, and one fact a
// line.
const (
	MediaFacts     = "application/json"
	MediaFactLines = "application/x-ndjson"
)

// MaxFacts is how many facts one request may report.
const MaxFacts = 10_000

// maxSkew is how far the clock of a sender may be ahead. A time within it counts as the time of receipt.
const maxSkew = 5 * time.Minute

// factData is a fact as senders write it: an element of a document of facts, and the data of an event of [FactType].
type factData struct {
	Entity     string             `json:"entity,omitempty"`
	Service    string             `json:"service,omitempty"` // another name of entity
	Name       string             `json:"name"`
	Type       event.FactType     `json:"type,omitempty"`
	Value      json.RawMessage    `json:"value,omitempty"`
	ObservedAt delivery.EventTime `json:"observed_at,omitzero"`
	ExpiresAt  delivery.EventTime `json:"expires_at,omitzero"`
	ExpiresIn  string             `json:"expires_in,omitempty"` // 90d, 12h; instead of expires_at
	URL        string             `json:"url,omitempty"`
	Error      string             `json:"error,omitempty"`
}

// NewFactEvent returns the CloudEvent of a fact. Source and, where it is zero, ObservedAt are set when it is received.
func NewFactEvent(f event.Fact, now time.Time) (cloudevent.Event, error) {
	f.Source, f.ObservedAt = "push", when(f.ObservedAt, now)
	err := f.Validate()
	if f.Name != "" {
		err = errors.Join(source.ValidFactName(f.Name), err)
	}
	if err != nil {
		return cloudevent.Event{}, err
	}
	e := cloudevent.New()
	e.SetType(FactType)
	e.SetID(DeterministicID("fact", f.Entity, f.Name, string(f.Value), f.ObservedAt.Format(time.RFC3339Nano)))
	e.SetSource(CLISource)
	e.SetSubject(f.Entity)
	e.SetTime(f.ObservedAt)
	err = e.SetData(cloudevent.ApplicationJSON, factData{Entity: f.Entity, Name: f.Name, Type: f.Type, Value: f.Value,
		ExpiresAt: delivery.EventTime{Stamp: delivery.Stamp{Time: f.ExpiresAt}}, URL: f.URL, Error: f.Error})
	return e, err
}

// fact reads an event of [FactType].
func (s sender) fact(d delivery.Delivery, e cloudevent.Event) ([]delivery.Update, delivery.Verdict) {
	data := factData{Entity: e.Subject()}
	misfits, err := delivery.DecodeStrictly(e.Data(), &data, "data")
	if err != nil {
		return delivery.Refuse("its data is not a fact: %v", err)
	}
	if data.ObservedAt.IsZero() {
		data.ObservedAt.Time = e.Time()
	}
	return s.observed(d, data, misfits, "data.")
}

// factList reads a document of facts. Each is judged for itself: one that is refused costs no other.
func (s sender) factList(d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	documents, err := splitFacts(d)
	if err != nil {
		return delivery.Refuse("%v", err)
	}
	if len(documents) == 0 {
		return delivery.Ignore("there are no facts in the request")
	}
	var updates []delivery.Update
	var all []judged
	for i, doc := range documents {
		if i == MaxFacts {
			all = append(all, judged{verdict: delivery.Verdict{Outcome: delivery.Refused, Reason: fmt.Sprintf("this and all "+
				"further facts, %d in total, are refused: one request may report at most %d", len(documents)-i, MaxFacts)}})
			break
		}
		var data factData
		misfits, err := delivery.DecodeStrictly(doc, &data, "")
		if err != nil {
			_, v := delivery.Refuse("it is not a fact: %v", err)
			all = append(all, judged{verdict: v})
			continue
		}
		told, v := s.observed(d, data, misfits, "")
		updates = append(updates, told...)
		all = append(all, judged{id: strings.TrimSpace(data.Entity + data.Service + " " + data.Name), verdict: v})
	}
	return updates, summary(all, "fact")
}

// splitFacts returns the documents of the facts in a request: of a JSON array its elements, otherwise each line or the
// only object.
func splitFacts(d delivery.Delivery) ([]json.RawMessage, error) {
	if factMedia(d) == MediaFactLines {
		var lines []json.RawMessage
		for line := range bytes.Lines(d.Body) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				lines = append(lines, line)
			}
		}
		return lines, nil
	}
	if !json.Valid(d.Body) {
		return nil, notJSON(d.Body)
	}
	if delivery.FirstByte(d.Body) != '[' {
		return []json.RawMessage{d.Body}, nil
	}
	var list []json.RawMessage
	err := json.Unmarshal(d.Body, &list)
	return list, err
}

// notJSON returns the cause and the line of a mistake.
func notJSON(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("the body is empty: send a fact, or a JSON array of facts")
	}
	var v any
	err := json.Unmarshal(body, &v)
	line := 1
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line += bytes.Count(body[:min(int(syntax.Offset), len(body))], []byte("\n"))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil {
		line += bytes.Count(body, []byte("\n"))
	}
	return fmt.Errorf("the body is not JSON: line %d: %w; to send one fact a line, use Content-Type %s", line, err,
		MediaFactLines)
}

// factMedia returns the media type of a document of facts; empty if the delivery is a CloudEvent.
func factMedia(d delivery.Delivery) string {
	media, _, err := mime.ParseMediaType(d.Headers["content-type"])
	if err != nil || d.Headers["ce-specversion"] != "" || (media != MediaFacts && media != MediaFactLines) {
		return ""
	}
	return media
}

// unsupportedFacts returns why a request is no document of facts; empty if it may be one.
func unsupportedFacts(h http.Header) string {
	media, unreadable := delivery.MediaType(h)
	switch {
	case unreadable != "":
		return unreadable
	case h.Get("Ce-Specversion") != "":
		return "send CloudEvents to the address of events; facts have no ce- headers"
	case media == MediaFacts || media == MediaFactLines:
		return ""
	}
	return fmt.Sprintf("send Content-Type %s, or %s for one fact a line", MediaFacts, MediaFactLines)
}

// observed returns the update of a fact. at is the place of data in the payload, for messages.
func (s sender) observed(d delivery.Delivery, data factData, misfits delivery.Misfits, at string,
) ([]delivery.Update, delivery.Verdict) {
	refuse := func(format string, args ...any) ([]delivery.Update, delivery.Verdict) {
		return delivery.RefuseWith(misfits, format, args...)
	}
	for _, field := range []string{
		"entity", "service", "name", "type", "error", "observed_at", "expires_at", "expires_in",
	} {
		if reason := misfits.At(at + field); reason != "" { // without it, the fact would be another one
			return refuse("%s", reason)
		}
	}
	entity, err := s.entity(data.Entity, data.Service)
	if err != nil {
		return refuse("%v", err)
	}
	if err := s.mayReport(data.Name); err != nil {
		return refuse("%v", err)
	}
	if err := data.complete(s.Facts); err != nil {
		return refuse("%v", err)
	}
	f := event.Fact{Source: s.Name, Entity: entity, Name: data.Name, Type: data.Type, Value: data.Value, Error: data.Error,
		ObservedAt: delivery.FirstKnown(data.ObservedAt.Time, d.ReceivedAt), URL: delivery.Link(data.URL)}
	if ahead := f.ObservedAt.Sub(d.ReceivedAt); !d.ReceivedAt.IsZero() && ahead > 0 {
		if ahead > maxSkew {
			return refuse("observed_at %s is in the future: the fact was received at %s; correct the clock of the sender, or "+
				"leave observed_at out", f.ObservedAt.Format(time.RFC3339), d.ReceivedAt.Format(time.RFC3339))
		}
		f.ObservedAt = d.ReceivedAt
	}
	if f.ExpiresAt, err = expiry(data, f.ObservedAt); err != nil {
		return refuse("%v", err)
	}
	if valid := s.Facts.Validity(f.Name, s.Valid); f.ExpiresAt.IsZero() && f.Error == "" && valid > 0 {
		f.ExpiresAt = f.ObservedAt.Add(valid)
	}
	if err := f.Validate(); err != nil {
		return refuse("%v", err)
	}
	return []delivery.Update{{Event: f, At: f.ObservedAt}}, delivery.Verdict{Outcome: delivery.Accepted, Misfits: misfits}
}

// entity returns the ref of the entity that a fact is about.
func (s sender) entity(name, service string) (string, error) {
	switch {
	case name == "":
		name = service
	case service != "" && service != name:
		return "", fmt.Errorf("the fact names the entity %q and the service %q; give one of them", name, service)
	}
	if name == "" {
		return "", errors.New("the fact names no entity: give the name or the ref of a service in the catalog")
	}
	ref, err := identifier.ParseRef(name, "component", "")
	if err != nil {
		return "", err
	}
	if s.Lookup == nil { // no catalog to compare with
		return ref.String(), nil
	}
	if known, ok := s.Lookup(name); ok {
		return known, nil
	}
	return "", fmt.Errorf("the catalog has no %s: check the name, or describe it in a file of catalog.files first", ref)
}

// mayReport returns an error if the configuration does not let the source report the fact.
func (s sender) mayReport(name string) error {
	if err := source.ValidFactName(name); err != nil {
		return err
	}
	switch {
	case len(s.Facts) == 0:
		return fmt.Errorf("the source %s may report no facts; add the name to it in dx.yaml, such as facts: [%s.*]", s.Name,
			name[:strings.IndexByte(name, '.')])
	case !s.Facts.Names().Contains(name):
		return fmt.Errorf("the source %s may not report the fact %s; in dx.yaml its facts are %s", s.Name, name,
			delivery.Excerpt(strings.Join(s.Facts.Names(), ", ")))
	}
	return nil
}

// expiry returns when a fact expires; zero if it does not.
func expiry(data factData, observed time.Time) (time.Time, error) {
	at := data.ExpiresAt.Time
	if data.ExpiresIn != "" {
		valid, err := source.ParseValidity(data.ExpiresIn)
		if err != nil {
			return at, fmt.Errorf("expires_in: %w", err)
		}
		if !at.IsZero() {
			return at, errors.New("the fact has both expires_at and expires_in; give one of them")
		}
		return observed.Add(valid), nil
	}
	if !at.IsZero() && !at.After(observed) {
		return at, fmt.Errorf("expires_at %s is not after the observation at %s", at.Format(time.RFC3339),
			observed.Format(time.RFC3339))
	}
	return at, nil
}

// complete sets the type where it is not given, and checks that there is a value or the reason why there is none.
func (f *factData) complete(declared source.DeclaredFacts) error {
	if string(f.Value) == "null" {
		f.Value = nil
	}
	switch {
	case f.Error == "" && len(f.Value) == 0:
		return fmt.Errorf("the fact %s has neither a value nor an error, which is the reason why there is no value", f.Name)
	case f.Error != "" && len(f.Value) > 0:
		return fmt.Errorf("the fact %s has both a value and an error, which is the reason why there is no value", f.Name)
	}
	if f.Type == "" {
		f.Type = typeOf(f.Value)
		// A value of another type than the declared one keeps its own, so that rules name the source that sent it.
		d, _ := declared.Named(f.Name)
		if f.Error != "" || d.Type == event.TimeFact && f.Type == event.StringFact {
			f.Type = cmp.Or(d.Type, f.Type)
		}
	}
	if f.Type != "" && !slices.Contains(event.FactTypes, f.Type) {
		return fmt.Errorf("the fact %s has the type %.40q; use bool, number, string, time or list", f.Name, f.Type)
	}
	if f.Type == "" && f.Error == "" {
		return fmt.Errorf("the value of the fact %s is %s; it must be true or false, a number, a text, a time or a list of "+
			"texts", f.Name, delivery.Describe(f.Value))
	}
	return nil
}

// typeOf returns the type of a fact that a JSON value has; empty if no fact has such a value.
func typeOf(value json.RawMessage) event.FactType {
	switch delivery.FirstByte(value) {
	case 't', 'f':
		return event.BoolFact
	case '"':
		return event.StringFact
	case '[':
		return event.ListFact
	case '{', 'n', 0:
		return ""
	}
	return event.NumberFact
}
