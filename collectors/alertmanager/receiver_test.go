package alertmanager

import (
	"testing"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/event"
)

func newReceivers(t *testing.T, c Config) *webhook.Receivers {
	t.Helper()
	r, err := webhook.NewReceivers([]webhook.Source{{Name: "gh", Receiver: Receiver{c}, Secret: deliverytest.Secret}},
		webhook.Options{Service: func(name string) (string, bool) { return "component:default/" + name, name == "pay" }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAlertmanager(t *testing.T) {
	r := newReceivers(t, Config{})
	updates, v := r.Parse(deliverytest.Delivery("alertmanager", deliverytest.Alerts))
	if v.Outcome != delivery.Accepted || len(updates) != 3 || len(v.Events) != 6 {
		t.Fatalf("%+v, %d updates", v, len(updates))
	}
	for i, want := range []delivery.Outcome{delivery.Accepted, delivery.Accepted, delivery.Ignored, delivery.Refused, delivery.Accepted, delivery.Refused} {
		if v.Events[i].Outcome != want {
			t.Errorf("alert %d is %+v, want %s", i, v.Events[i], want)
		}
	}
	origin := event.Origin{
		Source:   "gh",
		Provider: "alertmanager",
		Scope:    "pay",
		ID:       "aaa@2026-03-01T10:00:00.123Z",
		URL:      "https://prom.example.com/g",
		Service:  "component:default/pay",
	}
	want := []event.Incident{
		{Origin: origin, Severity: "critical", OpenedAt: deliverytest.Instant(t, "2026-03-01T10:00:00.123Z")},
		{
			Origin: event.Origin{
				Source:   "gh",
				Provider: "alertmanager",
				Scope:    "Größe",
				ID:       "bbb@2026-03-01T09:00:00Z",
				URL:      "https://am.example.com",
			},
			OpenedAt:   deliverytest.Instant(t, "2026-03-01T09:00:00Z"),
			ResolvedAt: deliverytest.Instant(t, "2026-03-01T09:30:00Z"),
		},
		{
			Origin: event.Origin{
				Source:   "gh",
				Provider: "alertmanager",
				Scope:    "Nameless",
				ID:       "eee@2026-03-01T09:00:00Z",
				URL:      "https://am.example.com",
			},
			Severity: "page",
			OpenedAt: deliverytest.Instant(t, "2026-03-01T09:00:00Z"),
		},
	}
	for i, u := range updates {
		if u.Event != event.Event(want[i]) {
			t.Errorf("incident %+v, want %+v", u.Event, want[i])
		}
	}
	for name, body := range map[string]string{"no JSON": `{`, "no alerts": `{"version":"4"}`, "only bad ones": `{"alerts":[{"status":"firing"},7]}`} {
		if _, v := r.Parse(deliverytest.Delivery("alertmanager", body)); v.Outcome != delivery.Refused || v.Reason == "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if updates, _ := newReceivers(
		t,
		Config{Severities: []string{"CRITICAL"}},
	).Parse(deliverytest.Delivery("alertmanager", deliverytest.Alerts)); len(updates) != 1 {
		t.Errorf("of one severity: %d updates", len(updates))
	}
}

// TestAlertWithOddLabel: a label that is no text costs that label alone.
func TestAlertWithOddLabel(t *testing.T) {
	updates, v := newReceivers(t, Config{}).Parse(deliverytest.Delivery(
		"alertmanager",
		`{"alerts":[{"status":"firing","labels":{"service":"pay","severity":3},"startsAt":"2026-03-01T10:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"f"}]}`,
	))
	if len(updates) != 1 || len(v.Events) != 1 || len(v.Events[0].Misfits) != 1 ||
		v.Events[0].Misfits[0].Field != "labels.severity" {
		t.Errorf("%d updates, %+v", len(updates), v)
	}
}
