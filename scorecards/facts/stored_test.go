package facts

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestReadKeepsTexts: what separates fields, and what takes several bytes, may be in every text.
func TestReadKeepsTexts(t *testing.T) {
	s := storetest.Open(t)
	const ref, odd = "component:default/a", "7:é\n1:\x00\"世"
	if err := s.Replace(t.Context(), "entities", []struct {
		Ref string `ch:"ref"`
	}{{ref}}); err != nil {
		t.Fatal(err)
	}
	value, err := json.Marshal(odd)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 12, 0, 0, 123_000_000, time.UTC)
	whole := event.Fact{
		Source: "push", Entity: ref, Name: "a.b", Type: event.StringFact, Value: value, ObservedAt: at,
		ExpiresAt: at.Add(time.Hour), URL: "https://example.com/2:x",
	}
	broken := event.Fact{Source: "push", Entity: ref, Name: "a.c", Type: event.BoolFact, Error: odd, ObservedAt: at}
	if err := s.Append(t.Context(), whole, broken); err != nil {
		t.Fatal(err)
	}
	for _, only := range [][]string{nil, {ref}} {
		asked, err := Of(t.Context(), s, only, nil)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := Read(t.Context(), asked, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := stored[ref]["a.b"]
		if string(got.Value) != string(value) || got.URL != whole.URL || !got.ObservedAt.Equal(at) ||
			!got.ExpiresAt.Equal(whole.ExpiresAt) || got.Type != whole.Type || got.Source != "push" {
			t.Errorf("only %v: read %+v, want %+v", only, got, whole)
		}
		if got := stored[ref]["a.c"]; got.Error != odd || got.Value != nil || !got.ExpiresAt.IsZero() {
			t.Errorf("only %v: read %+v, want %+v", only, got, broken)
		}
	}
}
