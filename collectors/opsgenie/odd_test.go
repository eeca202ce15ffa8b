package opsgenie

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// TestOddRecords has records that lack what they should have. Each keeps what is known of it, and none costs another.
func TestOddRecords(t *testing.T) {
	f, m := newFake(t), collecttest.NewWriter()
	f.alert("good", noon.Add(-time.Hour))
	f.alert("no priority", noon.Add(-2*time.Hour))["priority"] = nil
	f.alert("a number as status", noon.Add(-3*time.Hour))["status"] = 7
	f.alert("an unknown status", noon.Add(-4*time.Hour))["status"] = "snoozed by دفع"
	a := f.alert("closed at no time", noon.Add(-5*time.Hour))
	a["status"], a["report"], a["updatedAt"] = "closed", nil, nil
	b := f.alert("closed before it began", noon.Add(-6*time.Hour))
	b["status"], b["report"] = "closed", object{"ackTime": -1, "closeTime": -5}
	f.alert("no id", noon.Add(-7*time.Hour))["id"] = nil
	for range 2 {
		err := f.collector(t, resttest.At(noon).Now, withTeam).Collect(t.Context(), team, m)
		if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "a number as status (") ||
			!strings.Contains(err.Error(), "a record without an id") {
			t.Errorf("error %v", err)
		}
	}
	want := []string{"an unknown status", "closed at no time", "closed before it began", "good", "no priority"}
	if got := m.Keys(event.KindIncident); !slices.Equal(got, want) {
		t.Errorf("stored are %q, want %q", got, want)
	}
	if got := collecttest.Find[event.Incident](
		t,
		m,
		"closed at no time",
	); !got.ResolvedAt.IsZero() || !got.AcknowledgedAt.IsZero() ||
		!got.OpenedAt.Equal(noon.Add(-5*time.Hour)) {
		t.Errorf("times that are not told are %+v", got)
	}
	if got := collecttest.Find[event.Incident](
		t,
		m,
		"closed before it began",
	); !got.AcknowledgedAt.IsZero() ||
		!got.ResolvedAt.IsZero() {
		t.Errorf("times that are invalid are %+v", got)
	}
	if got := collecttest.Find[event.Incident](t, m, "an unknown status"); !got.ResolvedAt.IsZero() {
		t.Errorf("an unknown status is %+v, want it open", got)
	}
	if got := collecttest.Find[event.Incident](t, m, "no priority"); strings.TrimSpace(got.Severity) != "" {
		t.Errorf("no priority is %q", got.Severity)
	}
}
