package metrics_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/metrics"
)

func TestUnknownTimesAreNull(t *testing.T) {
	at := time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		value any
		want  string
	}{
		{metrics.Window{}, `{"from":null,"to":null}`},
		{metrics.Window{From: at}, `{"from":"2026-11-18T00:00:00Z","to":null}`},
		{metrics.Cohort{Label: "team"}, `"start":null`},
		{metrics.Cohort{Label: "team"}, `"label":"team"`},
		{metrics.Cohort{Start: at}, `"start":"2026-11-18T00:00:00Z"`},
		{metrics.Subject{ID: "x"}, `"started_at":null`},
		{[]metrics.Subject{{ID: "x", StartedAt: at}}, `"started_at":"2026-11-18T00:00:00Z"`},
	} {
		raw, err := json.Marshal(tt.value)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), tt.want) || strings.Contains(string(raw), "0001-") {
			t.Errorf("%T: %s, want %s", tt.value, raw, tt.want)
		}
	}
}
