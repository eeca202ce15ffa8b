package webhook

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
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// maxBatch is how many events one request may carry.
const maxBatch = 10_000

// decodeEvents reads the CloudEvents of a delivery: one in structured or binary mode, or a batch.
func decodeEvents(d Delivery) ([]cloudevent.Event, error) {
	media := d.Headers["content-type"]
	if parsed, _, err := mime.ParseMediaType(media); err == nil {
		media = parsed
	}
	switch media {
	case cloudevent.ApplicationCloudEventsBatchJSON:
		return decodeBatch(d.Body)
	case cloudevent.ApplicationCloudEventsJSON:
		e, err := decodeStructured(d.Body)
		if err != nil {
			return nil, err
		}
		return []cloudevent.Event{e}, nil
	}
	if d.Headers["ce-specversion"] == "" {
		return nil, errors.New("it is no CloudEvent: send Content-Type application/cloudevents+json, application/cloudevents-batch+json, or the attributes as ce- headers")
	}
	e, err := decodeBinary(d)
	if err != nil {
		return nil, err
	}
	return []cloudevent.Event{e}, nil
}

func decodeBatch(body []byte) ([]cloudevent.Event, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("the batch is not a JSON array: %w", err)
	}
	if len(raw) > maxBatch {
		return nil, fmt.Errorf("the batch has %d events; send at most %d at once", len(raw), maxBatch)
	}
	events := make([]cloudevent.Event, 0, len(raw))
	for i, one := range raw {
		e, err := decodeStructured(one)
		if err != nil {
			return nil, fmt.Errorf("event %d of %d: %w", i+1, len(raw), err)
		}
		events = append(events, e)
	}
	return events, nil
}

func decodeStructured(doc []byte) (cloudevent.Event, error) {
	if !json.Valid(doc) { // the SDK reads on past some mistakes, and past the end of the document
		return cloudevent.Event{}, errors.New("the event is not JSON")
	}
	var e cloudevent.Event
	if err := cloudevent.ReadJson(&e, bytes.NewReader(doc)); err != nil {
		return e, fmt.Errorf("the event cannot be read: %w", err)
	}
	return e, check(e)
}

func decodeBinary(d Delivery) (cloudevent.Event, error) {
	h := http.Header{}
	for name, value := range d.Headers {
		if strings.HasPrefix(name, "ce-") { // such values are percent-encoded, which the SDK leaves to its callers
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
		}
		h.Set(name, value)
	}
	e, err := binding.ToEvent(context.Background(), cehttp.NewMessage(h, io.NopCloser(bytes.NewReader(d.Body))))
	if err != nil {
		return cloudevent.Event{}, fmt.Errorf("the event cannot be read: %w", err)
	}
	return *e, check(*e)
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

// events reads a delivery of CloudEvents. One malformed event refuses the whole delivery, because the sender is then told
// once and nothing is half applied; one of no use is only left out.
func (r *Receiver) events(s Source, d Delivery) ([]Update, Verdict) {
	events, err := decodeEvents(d)
	if err != nil {
		return refused("%v", err)
	}
	var updates []Update
	var all []EventVerdict
	used := 0
	for i, e := range events {
		told, v := r.event(s, d, e)
		if v.Outcome == Refused {
			if len(events) == 1 {
				return refused("event %s: %s", e.ID(), v.Reason)
			}
			return refused("event %d of %d, %s: %s", i+1, len(events), e.ID(), v.Reason)
		}
		if v.Outcome == Accepted {
			used++
		}
		updates = append(updates, told...)
		all = append(all, EventVerdict{ID: e.ID(), Outcome: v.Outcome, Reason: v.Reason})
	}
	switch {
	case len(events) == 0:
		return ignored("the batch is empty")
	case used == 0 && len(events) == 1:
		return ignored("%s", all[0].Reason)
	case used == 0:
		return nil, Verdict{Outcome: Ignored, Reason: "none of the events is of use", Events: all}
	case len(events) == 1:
		return updates, Verdict{Outcome: Accepted}
	}
	return updates, Verdict{Outcome: Accepted, Events: all}
}

// event reads one CloudEvent.
func (r *Receiver) event(s Source, d Delivery, e cloudevent.Event) ([]Update, Verdict) {
	if e.Type() == FactType {
		return r.fact(s, d, e)
	}
	name, ok := strings.CutPrefix(e.Type(), "dev.cdevents.")
	if !ok {
		name, ok = strings.CutPrefix(e.Type(), "dev.cdeventsx.dxctl-")
	}
	if !ok {
		return ignored("events of type %s are not used", e.Type())
	}
	subject, rest, _ := strings.Cut(name, ".")
	predicate, _, _ := strings.Cut(rest, ".")
	read, used := readers[subject+"."+predicate]
	if !used {
		if reason, known := unused[subject]; known {
			return ignored("%s.%s: %s", subject, predicate, reason)
		}
		return ignored("CDEvents of %s.%s are not used", subject, predicate)
	}
	doc, err := decodeCDEvent(d, e)
	if err != nil {
		return refused("%v", err)
	}
	doc.service = func(names ...string) string { return r.service(names...) }
	doc.push, doc.predicate = s.Name, predicate
	u, err := read(doc)
	if err != nil {
		return refused("%v", err)
	}
	u.Event = normal(u.Event)
	if err := u.Event.Validate(); err != nil {
		return refused("%v", err)
	}
	return accepted([]Update{u})
}

// at is when an event happened: its own time, else when it was received.
func at(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return milli(t)
		}
	}
	return time.Time{}
}
