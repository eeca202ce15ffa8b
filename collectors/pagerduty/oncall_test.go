package pagerduty

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

func TestPeopleOnCall(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	c := f.collector(t, now.now, nil)
	fact := func() event.Fact {
		t.Helper()
		var last event.Fact
		for _, e := range m.Events() {
			if f, ok := e.(event.Fact); ok && f.Name == "on_call.schedule_people" && !f.ObservedAt.Before(last.ObservedAt) {
				last = f
			}
		}
		if err := last.Validate(); err != nil {
			t.Error(err)
		}
		return last
	}
	entry := func(id string, level int) object {
		return object{"user": object{"id": id, "type": "user_reference"}, "escalation_level": level, "schedule": nil}
	}
	collect(t, c, m)
	if got := fact(); string(got.Value) != "0" || got.Entity != "unmapped:pagerduty/PSHOP01" || got.Source != "pd" ||
		!strings.HasSuffix(got.URL, "/PSHOP01") || !got.ExpiresAt.After(noon) {
		t.Errorf("nobody on call: %+v", got)
	}
	if _, requests := f.askedApart(); len(requests) != 2 {
		t.Errorf("%q", requests)
	}
	for i := range 120 { // two pages; everybody twice
		f.onCall = append(f.onCall, entry(fmt.Sprintf("U%d", i%60), 1+i/60))
	}
	now.at = noon.Add(30 * time.Minute)
	collect(t, c, m)
	if _, requests := f.askedApart(); len(requests) != 0 {
		t.Errorf("within the hour: %q", requests)
	}
	now.at = noon.Add(61 * time.Minute)
	collect(t, c, m)
	if got := fact(); string(got.Value) != "60" || !got.ObservedAt.Equal(now.at) {
		t.Errorf("60 people: %+v", got)
	}
	// An answer that cannot be used replaces nothing.
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/oncalls" {
			http.Error(w, "<html>", http.StatusInternalServerError)
		}
		return r.URL.Path == "/oncalls"
	}
	now.at = now.at.Add(2 * time.Hour)
	if err := c.Collect(t.Context(), service, m); err == nil || !strings.Contains(err.Error(), "people on call: ") {
		t.Error(err)
	}
	if got := fact(); string(got.Value) != "60" {
		t.Errorf("after a failure: %+v", got)
	}
	f.answer, f.onCall = nil, nil
	collect(t, c, m)
	if got := fact(); got.Value != nil || !strings.Contains(got.Error, "the token of the source pd may not read who is on "+
		"call in PagerDuty; give a read-only REST API key") {
		t.Errorf("without the right: %+v", got)
	}
}
