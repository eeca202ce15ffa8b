package mapping

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
)

func TestQueuedIsTheTimeSpentWaitingForARunner(t *testing.T) {
	created := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name   string
		start  time.Duration // after creation; 0: not started
		queued Amount
		want   time.Duration
	}{
		{"a job of a later stage", time.Hour, Amount{30, true}, time.Hour - 30*time.Second},
		{"a job of the first stage", 30 * time.Second, Amount{30, true}, 0},
		{"not told", time.Hour, Amount{}, 0},
		{"negative", time.Hour, Amount{-5, true}, 0},
		{"longer than it exists", time.Hour, Amount{7200, true}, 0},
		{"a number beyond sense", time.Hour, Amount{1e300, true}, 0},
		{"not started", 0, Amount{30, true}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := Job{CreatedAt: source.Timestamp{Time: created}, QueuedDuration: tc.queued}
			if tc.start > 0 {
				j.StartedAt = source.Timestamp{Time: created.Add(tc.start)}
			}
			if got := j.entered().Sub(created); got != tc.want {
				t.Errorf("entered %s after creation, want %s", got, tc.want)
			}
		})
	}
}
