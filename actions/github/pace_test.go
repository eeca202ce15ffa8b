package github_test

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// TestForecast: writes are a second apart until the hour has its number of them, and go on when it is over.
func TestForecast(t *testing.T) {
	l := github.Limits{PerHour: 1000, WritesPerHour: 100, Pause: time.Second, ReadEvery: 100 * time.Millisecond}
	for _, c := range []struct {
		reads, writes int
		want          time.Duration
	}{
		{0, 0, 0},
		{1, 0, 0},
		{11, 0, time.Second},
		{0, 100, 99 * time.Second},
		{0, 101, time.Hour},
		{0, 250, 2*time.Hour + 49*time.Second},
		{1001, 0, time.Hour},
		{1000, 1, time.Hour},
	} {
		if got := l.Forecast(c.reads, c.writes); got != c.want {
			t.Errorf("%d reads and %d writes take %s, want %s", c.reads, c.writes, got, c.want)
		}
	}
}

// TestSpent: what another process wrote counts.
func TestSpent(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	clock := resttest.At(start)
	p := github.NewPace(github.Limits{PerHour: 1000, WritesPerHour: 10, Pause: time.Second}, clock.Now, clock.Sleep)
	p.Spent(start.Add(-30*time.Minute), 10)
	if err := p.Wait(t.Context(), true); err != nil || clock.Now().Sub(start) != 30*time.Minute {
		t.Errorf("the next write is after %s, %v", clock.Now().Sub(start), err)
	}
	// A clock that was ahead when the write was recorded does not stop the others for longer than the hour.
	p = github.NewPace(github.Limits{WritesPerHour: 1}, clock.Now, clock.Sleep)
	start = clock.Now()
	p.Spent(start.Add(24*time.Hour), 1)
	if err := p.Wait(t.Context(), true); err != nil || clock.Now().Sub(start) != time.Hour {
		t.Errorf("the next write is after %s, %v", clock.Now().Sub(start), err)
	}
}
