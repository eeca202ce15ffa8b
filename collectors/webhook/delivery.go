package webhook

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/dxctl/dxctl/collectors/inbox"
)

// Delivery is one request of a sender, as it was received and is queued in the inbox.
type Delivery struct {
	Source     string            `json:"source"`
	Kind       Kind              `json:"kind"`
	ID         string            `json:"id"` // the sender's own, for people who search for it; may be empty
	ReceivedAt time.Time         `json:"received_at"`
	Headers    map[string]string `json:"headers,omitempty"` // only those that are needed to read the body; names in lower case
	Body       []byte            `json:"body"`
}

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
			return d.describe()
		},
		Restore: func(line []byte) ([]byte, bool) {
			var l readable
			if json.Unmarshal(line, &l) != nil || l.Source == "" || l.Kind == "" {
				return nil, false
			}
			d := Delivery{Source: l.Source, Kind: l.Kind, ID: l.ID, ReceivedAt: l.ReceivedAt, Headers: l.Headers, Body: l.BodyBase64}
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
	Kind       Kind              `json:"kind"`
	ID         string            `json:"id"`
	ReceivedAt time.Time         `json:"received_at,omitzero"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body,omitempty"`
	BodyBase64 []byte            `json:"body_base64,omitempty"` // instead of Body where that is not text
}

func (d Delivery) describe() ([]byte, bool) {
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
func decodeRecord(record []byte) (Delivery, error) {
	var d Delivery
	err := json.Unmarshal(record, &d)
	return d, err
}
