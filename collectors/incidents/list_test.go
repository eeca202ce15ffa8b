package incidents

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
)

// TestAdvance covers the way from the newest record to the oldest: by offset, then by time, in windows or without.
func TestAdvance(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		at     Place
		page   listed[int]
		window time.Duration
		floor  time.Time
		want   *Place // nil: it has been read
		fails  bool
	}{
		"the next page":             {at: Place{Offset: 100}, page: listed[int]{more: true}, want: &Place{Offset: 200}},
		"the last page":             {at: Place{Offset: 100}, page: listed[int]{}},
		"all of it is too old":      {at: Place{Offset: 100}, page: listed[int]{more: true, old: true}},
		"as far as is counted":      {at: Place{Offset: 400}, page: listed[int]{more: true, lowest: noon}, want: &Place{Before: noon.Add(time.Second)}},
		"the next page of a time":   {at: Place{Before: noon}, page: listed[int]{more: true}, want: &Place{Before: noon, Offset: 100}},
		"the last page of a time":   {at: Place{Before: noon}, page: listed[int]{}},
		"the last page of a window": {at: Place{Before: noon, Offset: 100}, window: day, want: &Place{Before: noon.Add(-day)}},
		"the window of the epoch":   {at: Place{Before: noon.AddDate(-10, 0, 0)}, window: day},
		"the window of the floor":   {at: Place{Before: noon}, window: day, floor: noon.Add(-time.Hour)},
		"too many in one second":    {at: Place{Before: noon.Add(time.Second), Offset: 400}, page: listed[int]{more: true, lowest: noon}, fails: true},
		"no time to go on from":     {at: Place{Offset: 400}, page: listed[int]{more: true}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			base := source.Options{}.Base(source.Profile{Epoch: noon.AddDate(-10, 0, 0)}, "pd")
			r := &reader[int]{base: base, cfg: Config{Depth: 500, Window: c.window, Precision: time.Second}}
			r.state.History, r.state.Floor = &c.at, c.floor
			err := r.advance(c.page)
			if c.fails {
				if err == nil {
					t.Fatalf("it goes on at %+v", r.state.History)
				}
				return
			}
			got := r.state.History
			if err != nil || (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}
