package runs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/github/mapping"
)

// TestWhatRemainsOfASpan: what is left to read of the hour from 12:00 to 13:00 after its listing was read.
func TestWhatRemainsOfASpan(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 22, 12, minute, 0, 0, time.UTC) }
	show := func(spans []span) string {
		texts := make([]string, len(spans))
		for i, s := range spans {
			texts[i] = s.From.Format("15:04:05") + "-" + s.To.Format("15:04:05")
			if s.Split {
				texts[i] += " split"
			}
			if s.Above != nil {
				texts[i] += fmt.Sprintf(" below %s: %d seen, %d left", s.Above.To.Format("15:04"), s.Above.Seen, s.Above.Left)
			}
		}
		return strings.Join(texts, ", ")
	}
	runs := func(times ...time.Time) []mapping.Run {
		all := make([]mapping.Run, len(times))
		for i, at := range times {
			all[i] = mapping.Run{ID: int64(i + 1), CreatedAt: at}
		}
		return all
	}
	hour := span{From: at(0), To: at(60)}
	const halves = "12:30:01-13:00:00 split, 12:00:00-12:30:00 split"
	for _, tc := range []struct {
		name  string
		span  span
		runs  []mapping.Run
		total uint64
		want  string
	}{
		{"all are listed", hour, runs(at(50), at(40)), listed, ""},
		{"the part below the listed ones", hour, runs(at(50), at(40), at(30), at(30)), listed + 1, "12:00:00-12:30:00 below 13:00: 2 seen, 999 left"},
		{"all of the last second", hour, runs(at(60), at(60)), listed + 1, "13:00:00-13:00:00, 12:00:00-12:59:59"},
		{"one second", span{From: at(60), To: at(60)}, runs(at(60)), listed + 1, ""},
		{"a listing in no order", hour, runs(at(40), at(50)), listed + 1, halves},
		{"a part of a listing in no order", span{From: at(0), To: at(60), Split: true}, runs(at(50), at(40)), listed + 1, halves},
		{"no run can be read", hour, nil, listed + 1, halves},
		{"the last run has no time", hour, runs(at(50), time.Time{}), listed + 1, halves},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := show(tc.span.remaining(tc.runs, tc.total)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestARunThatIsListedTwiceCountsOnce(t *testing.T) {
	old, updated := now.Add(-time.Hour), now
	listing := []mapping.Run{
		{ID: 1, UpdatedAt: old},
		{ID: 2, RunAttempt: 2, UpdatedAt: old},
		{ID: 1, UpdatedAt: updated},
		{ID: 2, RunAttempt: 1, UpdatedAt: updated},
	}
	got := unique(listing)
	if len(got) != 2 || got[0].ID != 1 || !got[0].UpdatedAt.Equal(updated) || got[1].ID != 2 || got[1].RunAttempt != 2 {
		t.Errorf("%+v", got)
	}
}
