package webhook

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
)

// TestDeliveriesStartAlike: after a damaged part of the inbox the next whole record is found by how it starts.
func TestDeliveriesStartAlike(t *testing.T) {
	start := Format().Start
	for _, d := range []delivery.Delivery{{}, {Source: `{"source":"`, ID: `{"source":"`, Headers: map[string]string{"x": `{"source":"`}, Body: []byte(`{"source":"`)}} {
		doc, err := json.Marshal(d)
		if err != nil || !bytes.HasPrefix(doc, start) || bytes.Count(doc, start) != 1 {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// TestDescribedAndRestored: what people read of a rejected delivery is enough to queue it again.
func TestDescribedAndRestored(t *testing.T) {
	for _, body := range []string{`{"a":"<é>"}`, "{\"a\":\"\xff\"}", ""} {
		want := delivery.Delivery{
			Source:     "gh",
			Kind:       "github",
			ID:         "poison",
			ReceivedAt: deliverytest.ReceivedAt,
			Headers:    map[string]string{"x-github-event": "push"},
			Body:       []byte(body),
		}
		record, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		line, ok := Format().Describe(record)
		if !ok || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%q is described as %q", body, line)
		}
		again, ok := Format().Restore(line)
		got, err := decodeRecord(again)
		if !ok || err != nil || string(got.Body) != body || got.Headers["x-github-event"] != "push" ||
			!got.ReceivedAt.Equal(want.ReceivedAt) {
			t.Errorf("%q is restored as %+v, %v", body, got, err)
		}
	}
	if doc, err := json.Marshal(readable{}); err != nil || bytes.Contains(doc, []byte("0001-01-01")) {
		t.Errorf("a time that is not known is written as %s: %v", doc, err)
	}
	if _, ok := Format().Describe([]byte(`{"source":`)); ok {
		t.Error("a malformed record is described")
	}
	if _, ok := Format().Restore([]byte(`{"number":7,"record":"x"}`)); ok {
		t.Error("a line without a delivery is restored")
	}
}

// encodedRecords returns deliveries as an inbox holds them.
func encodedRecords(t *testing.T, deliveries ...delivery.Delivery) [][]byte {
	t.Helper()
	all := make([][]byte, len(deliveries))
	for i, d := range deliveries {
		record, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = record
	}
	return all
}
