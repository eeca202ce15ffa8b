package webhook

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/inbox"
)

// Format is the format of deliveries in an inbox: JSON documents. No document contains Start elsewhere, because quotes
// within JSON are escaped and bodies are base64.
func Format() inbox.Format {
	return inbox.Format{
		Start: []byte(`{"source":"`), // Source is the first field of Delivery
		Describe: func(record []byte) ([]byte, bool) {
			d, err := decodeRecord(record)
			if err != nil {
				return nil, false
			}
			return describe(d)
		},
		Restore: func(line []byte) ([]byte, bool) {
			var l readable
			if json.Unmarshal(line, &l) != nil || l.Source == "" || l.Kind == "" {
				return nil, false
			}
			d := delivery.Delivery{
				Source:     l.Source,
				Kind:       l.Kind,
				ID:         l.ID,
				ReceivedAt: l.ReceivedAt,
				Headers:    l.Headers,
				Body:       l.BodyBase64,
			}
			if l.Body != "" {
				d.Body = []byte(l.Body)
			}
			record, err := json.Marshal(d)
			return record, err == nil
		},
	}
}

// readable is a delivery for people: with its body as text, where it is text.
type readable struct {
	Source     string            `json:"source"`
	Kind       string            `json:"kind"`
	ID         string            `json:"id"`
	ReceivedAt time.Time         `json:"received_at,omitzero"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body,omitempty"`
	BodyBase64 []byte            `json:"body_base64,omitempty"` // instead of Body where that is not text
}

// describe returns a delivery as one line.
func describe(d delivery.Delivery) ([]byte, bool) {
	l := readable{Source: d.Source, Kind: d.Kind, ID: d.ID, ReceivedAt: d.ReceivedAt, Headers: d.Headers}
	if utf8.Valid(d.Body) {
		l.Body = string(d.Body)
	} else {
		l.BodyBase64 = d.Body
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(l)
	return line.Bytes(), err == nil
}

// decodeRecord reads a delivery from its record.
func decodeRecord(record []byte) (delivery.Delivery, error) {
	var d delivery.Delivery
	err := json.Unmarshal(record, &d)
	return d, err
}
