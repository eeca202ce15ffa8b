// Package events receives and makes events that scripts and other tools send: CloudEvents that carry CDEvents, and
// facts.
package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// maxBatch is how many events one request may carry.
const maxBatch = 10_000

// decodeEvents reads the CloudEvents of a delivery: one in structured or binary mode, or a batch, of which each may
// fail for itself.
func decodeEvents(d delivery.Delivery) ([]decoded, error) {
	media := d.Headers["content-type"]
	if parsed, _, err := mime.ParseMediaType(media); err == nil {
		media = parsed
	}
	switch media {
	case cloudevent.ApplicationCloudEventsBatchJSON:
		return decodeBatch(d.Body)
	case cloudevent.ApplicationCloudEventsJSON:
		return []decoded{decodeStructured(d.Body)}, nil
	}
	if d.Headers["ce-specversion"] == "" {
		return nil, errors.New("it is no CloudEvent: send Content-Type application/cloudevents+json, " +
			"application/cloudevents-batch+json, or the attributes as ce- headers")
	}
	return []decoded{decodeBinary(d)}, nil
}

// unreadable returns why an event cannot be read. The library lists mistakes in lines.
func unreadable(err error) error {
	return errors.New("the event cannot be read: " + strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}

// decoded is one event of a delivery, or why it cannot be read.
type decoded struct {
	event   cloudevent.Event
	misfits delivery.Misfits
	err     error
}

func decodeBatch(body []byte) ([]decoded, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("the batch is not a JSON array: %w", err)
	}
	if len(raw) > maxBatch {
		return nil, fmt.Errorf("the batch has %d events; send at most %d at once", len(raw), maxBatch)
	}
	events := make([]decoded, len(raw))
	for i, one := range raw {
		events[i] = decodeStructured(one)
	}
	return events, nil
}

func decodeStructured(doc []byte) decoded {
	if !json.Valid(doc) { // the SDK reads on past some mistakes, and past the end of the document
		return decoded{err: errors.New("the event is not JSON")}
	}
	var out decoded
	err := cloudevent.ReadJson(&out.event, bytes.NewReader(doc))
	if err != nil {
		if timeless, ok := withoutTime(doc, &out.misfits); ok {
			out.event = cloudevent.Event{}
			err = cloudevent.ReadJson(&out.event, bytes.NewReader(timeless))
		}
	}
	if err != nil {
		out.err = unreadable(err)
		return out
	}
	out.err = check(out.event)
	return out
}

// withoutTime leaves the time out of a CloudEvent where it is none; false when it is one, or there is none.
func withoutTime(doc []byte, m *delivery.Misfits) ([]byte, bool) {
	var attributes map[string]json.RawMessage
	if json.Unmarshal(doc, &attributes) != nil {
		return nil, false
	}
	var at delivery.EventTime
	raw, given := attributes["time"]
	if !given {
		return nil, false
	}
	if err := at.UnmarshalJSON(raw); err != nil {
		m.Add("time", "%v", err)
	}
	delete(attributes, "time")
	if !at.IsZero() { // written otherwise than RFC 3339 has it, and understood
		attributes["time"] = json.RawMessage(strconv.Quote(at.Format(time.RFC3339Nano)))
	}
	timeless, err := json.Marshal(attributes)
	return timeless, err == nil
}

func decodeBinary(d delivery.Delivery) decoded {
	h := http.Header{}
	var out decoded
	for name, value := range d.Headers {
		if strings.HasPrefix(name, "ce-") { // such values are percent-encoded, which the SDK leaves to its callers
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
		}
		if name == "ce-time" {
			if _, err := time.Parse(time.RFC3339Nano, value); err != nil {
				out.misfits.Add("time", "%.40q is not a time; write it as 2026-01-31T12:00:00Z", value)
				continue
			}
		}
		h.Set(name, value)
	}
	e, err := binding.ToEvent(context.Background(), cehttp.NewMessage(h, io.NopCloser(bytes.NewReader(d.Body))))
	if err != nil {
		out.err = unreadable(err)
		return out
	}
	out.event, out.err = *e, check(*e)
	return out
}

// check says in one line what an event lacks.
func check(e cloudevent.Event) error {
	if e.SpecVersion() != cloudevent.CloudEventsVersionV1 {
		return fmt.Errorf("specversion %q: send CloudEvents 1.0", e.SpecVersion())
	}
	if err := e.Validate(); err != nil {
		return fmt.Errorf("the event is not valid: %s", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	}
	return nil
}

// Kind is the kind of this source, as the configuration names it.
const Kind = "events"

// Config is one sender of events.
type Config struct {
	Secret   string `yaml:"secret"`          // the bearer token of its events, which tells its source
	Previous string `yaml:"previous_secret"` // accepted too, while the secret is being changed
	// Facts are the facts that it may report: names, and prefixes such as security.*. Without any, it may report none.
	Facts source.DeclaredFacts `yaml:"facts"`
	// FactsExpire is how long a value is valid (30d, 12h) if neither its sender nor its entry in Facts states it; "":
	// until the next value.
	FactsExpire string `yaml:"facts_expire"`
}

// Validate reports every mistake. The secrets are checked where the source is received.
func (c Config) Validate() error {
	err := c.Facts.Validate()
	if c.FactsExpire != "" {
		if _, expireErr := source.ParseValidity(c.FactsExpire); expireErr != nil {
			err = errors.Join(err, fmt.Errorf("facts_expire: %w", expireErr))
		}
	}
	return err
}

// DeclaredFacts returns the facts that the source may report.
func (c Config) DeclaredFacts() source.DeclaredFacts { return c.Facts }

// Receiver returns what reads the events of the source. c must be valid.
func (c Config) Receiver() Receiver {
	valid, _ := source.ParseValidity(c.FactsExpire) // 0 if it is ""
	return Receiver{Facts: c.Facts, Valid: valid}
}

// Receiver reads CloudEvents, of which CDEvents and facts are used, and documents of facts.
type Receiver struct {
	Facts source.DeclaredFacts // that the source may report
	Valid time.Duration        // of a value whose sender does not state it; 0: until the next value
}

// Protocol returns how events are sent: sources of events share an address.
func (Receiver) Protocol() delivery.Protocol {
	return delivery.Protocol{
		Kind:         Kind,
		Sign:         delivery.Bearer,
		Unauthorized: delivery.BearerMissing,
		Unsupported:  unsupportedEvent,
		Facts:        unsupportedFacts,
		Headers:      []string{"content-type", "ce-*"},
		IDs:          []string{"Ce-Id"},
		Shared:       true,
	}
}

// Parse reads one delivery.
func (r Receiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	return sender{s, r}.parse(d)
}

// unsupportedEvent returns why a request is no CloudEvent; empty when it may be one.
func unsupportedEvent(h http.Header) string {
	media, unreadable := delivery.MediaType(h)
	switch {
	case unreadable != "":
		return unreadable
	case h.Get("Ce-Specversion") != "" || media == cloudevent.ApplicationCloudEventsJSON ||
		media == cloudevent.ApplicationCloudEventsBatchJSON:
		return ""
	}
	return "send Content-Type application/cloudevents+json, application/cloudevents-batch+json, or a CloudEvent's " +
		"attributes as ce- headers"
}

// sender is the source of a delivery of events.
type sender struct {
	delivery.Source
	Receiver
}

// parse reads a delivery of CloudEvents, or of facts. Each is judged for itself: one that is refused costs no other of
// its batch, and the answer lists it.
func (s sender) parse(d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	if factMedia(d) != "" {
		return s.factList(d)
	}
	events, err := decodeEvents(d)
	if err != nil {
		return delivery.Refuse("%v", err)
	}
	if len(events) == 0 {
		return delivery.Ignore("the batch is empty")
	}
	var updates []delivery.Update
	all := make([]judged, len(events))
	for i, e := range events {
		told, v := s.decoded(d, e)
		updates = append(updates, told...)
		all[i] = judged{id: e.event.ID(), verdict: v}
	}
	if len(events) > 1 {
		return updates, summary(all, "event")
	}
	v := all[0].verdict
	if v.Outcome == delivery.Refused && all[0].id != "" {
		v.Reason = "event " + delivery.Excerpt(all[0].id) + ": " + v.Reason
	}
	return updates, v
}

// judged is what becomes of one part of a delivery: an event of a batch, or a fact.
type judged struct {
	id      string
	verdict delivery.Verdict
}

// summary returns the verdict of a delivery of several parts, which lists that of each. noun names a part.
func summary(parts []judged, noun string) delivery.Verdict {
	v := delivery.Verdict{Outcome: delivery.Accepted, Events: make([]delivery.EventVerdict, len(parts))}
	refused, accepted, first := 0, 0, -1
	for i, p := range parts {
		v.Events[i] = delivery.EventVerdict{
			Index:   i,
			ID:      delivery.Excerpt(p.id),
			Outcome: p.verdict.Outcome,
			Reason:  p.verdict.Reason,
			Misfits: p.verdict.Misfits,
		}
		switch p.verdict.Outcome {
		case delivery.Accepted:
			accepted++
		case delivery.Refused:
			refused++
			if first < 0 {
				first = i
			}
		}
	}
	switch {
	case accepted == 0 && refused > 0:
		v.Outcome = delivery.Refused
	case accepted == 0:
		v.Outcome, v.Reason = delivery.Ignored, "none of the "+noun+"s is used"
	}
	if refused > 0 {
		v.Reason = fmt.Sprintf("%d of %d %ss are refused; the first is %s %d, %s: %s", refused, len(parts), noun, noun,
			first+1, v.Events[first].ID, v.Events[first].Reason)
	}
	return v
}

func (s sender) decoded(d delivery.Delivery, e decoded) ([]delivery.Update, delivery.Verdict) {
	if e.err != nil {
		return delivery.RefuseWith(e.misfits, "%v", e.err)
	}
	updates, v := s.event(d, e.event)
	v.Misfits = append(e.misfits, v.Misfits...)
	return updates, v
}

// event reads one CloudEvent.
func (s sender) event(d delivery.Delivery, e cloudevent.Event) ([]delivery.Update, delivery.Verdict) {
	if e.Type() == FactType {
		return s.fact(d, e)
	}
	name, ok := strings.CutPrefix(e.Type(), "dev.cdevents.")
	if !ok {
		name, ok = strings.CutPrefix(e.Type(), "dev.cdeventsx.dxctl-")
	}
	if !ok {
		return delivery.Ignore("events of type %s are not used", e.Type())
	}
	subject, rest, _ := strings.Cut(name, ".")
	predicate, _, _ := strings.Cut(rest, ".")
	read, used := readers[subject+"."+predicate]
	if !used {
		if reason, known := unused[subject]; known {
			return delivery.Ignore("%s.%s: %s", subject, predicate, reason)
		}
		return delivery.Ignore("CDEvents of %s.%s are not used", subject, predicate)
	}
	doc, err := decodeCDEvent(d, e)
	if err != nil {
		return delivery.RefuseWith(doc.misfits, "%v", err)
	}
	doc.service, doc.push, doc.predicate = s.Service, s.Name, predicate
	doc.unrecognized, doc.machine = s.Unrecognized, s.Machine
	u, err := read(doc)
	if err != nil {
		return delivery.RefuseWith(doc.misfits, "%v", err)
	}
	u.Event = event.Normalize(u.Event)
	if err := u.Event.Validate(); err != nil {
		return delivery.RefuseWith(doc.misfits, "%v", err)
	}
	return []delivery.Update{u}, delivery.Verdict{Outcome: delivery.Accepted, Misfits: doc.misfits}
}
