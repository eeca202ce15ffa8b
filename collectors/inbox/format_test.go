package inbox

import (
	"bytes"
	"encoding/json"
	"testing"
)

// message is what the records of these tests hold.
type message struct {
	Source string `json:"source"`
	ID     string `json:"id"`
	Body   []byte `json:"body,omitempty"`
}

// line is a message as [RejectedFile] has it.
type line struct {
	Source string `json:"source"`
	ID     string `json:"id"`
	Body   string `json:"body"`
}

var testFormat = Format{
	Start: []byte(`{"source":"`),
	Describe: func(record []byte) ([]byte, bool) {
		var m message
		if json.Unmarshal(record, &m) != nil {
			return nil, false
		}
		doc, err := json.Marshal(line{m.Source, m.ID, string(m.Body)})
		return doc, err == nil
	},
	Restore: func(doc []byte) ([]byte, bool) {
		var l line
		if json.Unmarshal(doc, &l) != nil || l.Source == "" {
			return nil, false
		}
		return encoded(l.ID, []byte(l.Body)), true
	},
}

// encoded returns the record of a message.
func encoded(id string, body []byte) []byte {
	doc, err := json.Marshal(message{"gh", id, body})
	if err != nil { // a struct of strings
		panic(err)
	}
	return doc
}

// idOf returns the id of the message in a record; empty where the record is malformed.
func idOf(record []byte) string {
	var m message
	_ = json.Unmarshal(record, &m)
	return m.ID
}

// TestPutRefusesAnotherFormat: a record without the start of the format would be lost behind a damaged part.
func TestPutRefusesAnotherFormat(t *testing.T) {
	q := openInbox(t, t.TempDir(), Config{})
	defer closeInbox(t, q)
	if err := q.Put(t.Context(), []byte(`{"id":"1"}`)); err == nil {
		t.Error("a record of another format is queued")
	}
	if _, err := Open(t.TempDir(), Format{}, Config{}, Options{}); err == nil {
		t.Error("an inbox without a format opens")
	}
}

// TestRejectionOfAMalformedRecord: a record that cannot be described is kept as it is, as text or base64.
func TestRejectionOfAMalformedRecord(t *testing.T) {
	for record, want := range map[string]string{`{"source":"`: `"record":"{\"source\":\""}`, "{\"source\":\"\xff": `"record_base64":"eyJzb3VyY2UiOiL/"}`} {
		got, err := rejection{Number: 7, Reason: "no"}.line(testFormat, []byte(record))
		if err != nil || !bytes.HasSuffix(got, []byte(want+"\n")) || !bytes.HasPrefix(got, []byte(`{"number":7,`)) {
			t.Errorf("%q: %s, %v; want %s", record, got, err, want)
		}
	}
}
