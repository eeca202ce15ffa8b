package server_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// TestDeclinedSteps: the page of a service says which of the next steps its repository declines, until when, and why.
func TestDeclinedSteps(t *testing.T) {
	declines := func(until string) event.Fact {
		value, err := json.Marshal([]string{`{"all":true,"reason":"It moves <soon>.","by":"ann","until":"` + until + `"}`})
		if err != nil {
			t.Fatal(err)
		}
		return event.Fact{
			Source: "gh", Entity: "component:default/payment-service", Name: "repository.golden_path.declined",
			Type: event.ListFact, Value: value, ObservedAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		}
	}
	for until, declined := range map[string]bool{"2999-03-01": true, "2026-10-01": false} {
		f := newFixture(t, testCatalog, testPeople, []event.Event{declines(until)})
		page, api := f.page(t, "/services/default/payment-service"), f.page(t, "/api/v1/services/default/payment-service")
		const text = "declined until 2999-03-01: It moves &lt;soon&gt;."
		if strings.Contains(page, text) != declined || strings.Contains(page, "The repository declines it") != declined {
			t.Errorf("%s: the page has no or the wrong text", until)
		}
		if strings.Contains(api, `"declined":"declined until `+until) != declined {
			t.Errorf("%s: the API has no or the wrong text: %s", until, api)
		}
	}
}
