package pagerduty

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

func TestTheLastChangeOfAStatusIsNotTheResolution(t *testing.T) {
	after := func(h int) time.Time { return noon.Add(-48 * time.Hour).Add(time.Duration(h) * time.Hour) }
	entry := func(kind string, h int) object { return object{"type": kind, "created_at": stampText(after(h))} }
	for name, tc := range map[string]struct {
		resolvedAt any
		changed    int // hours after the opening
		inLog      []object
		asked      []object // the log that is asked for
		want       int      // 0: not known
	}{
		"the incident says it":             {resolvedAt: stampText(after(2)), changed: 30, inLog: []object{entry("resolve_log_entry", 5)}, want: 2},
		"the log within it":                {changed: 30, inLog: []object{entry("acknowledge_log_entry", 1), entry("resolve_log_entry", 3)}, want: 3},
		"the log that is asked for":        {changed: 30, asked: []object{entry("resolve_log_entry", 4), entry("annotate_log_entry", 30), entry("trigger_log_entry", 0)}, want: 4},
		"opened again, and resolved again": {changed: 9, asked: []object{entry("resolve_log_entry", 8), entry("resolve_log_entry", 4)}, want: 8},
		"only the change":                  {changed: 6, want: 6},
		"a change before the incident":     {changed: -6},
	} {
		t.Run(name, func(t *testing.T) {
			f, m := newFake(t), collecttest.NewWriter()
			i := f.open(1, service, after(0))
			acknowledge(i, after(1))
			c := f.collector(t, (&clock{noon}).now, nil)
			collect(t, c, m) // the acknowledgment is known before the end
			resolve(i, after(tc.changed))
			if tc.resolvedAt != nil {
				i["resolved_at"] = tc.resolvedAt
			}
			if tc.inLog != nil {
				i["log_entries"] = tc.inLog
			}
			f.logs["Q1"] = tc.asked
			collect(t, c, m)
			e := collecttest.Find[event.Incident](t, m, "Q1")
			want := time.Time{}
			if tc.want != 0 {
				want = after(tc.want)
			}
			if !e.ResolvedAt.Equal(want) || !e.AcknowledgedAt.Equal(after(1)) {
				t.Errorf("acknowledged %s, resolved %s; want %s", e.AcknowledgedAt, e.ResolvedAt, want)
			}
		})
	}
}
