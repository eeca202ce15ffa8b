package jenkins

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
	"github.com/dxctl/dxctl/event"
)

// TestAClockThatJumps collects on a machine whose clock is hours off every time it is looked at: what is stored is what a
// right clock stores.
func TestAClockThatJumps(t *testing.T) {
	f := start(t, organisation()...)
	f.stages = true
	whole, m := newMemories(), newMemories()
	f.collect(t, whole, now, everything)
	for range 3 {
		clock := resttest.Jumping(now)
		cfg := Config{Source: "ci", URL: f.URL, User: "u", Token: "x"}
		everything(&cfg)
		c, err := New(cfg, source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1e6 }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.collect(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if m.contents() != whole.contents() {
		t.Error("what is stored differs from what a right clock stores")
	}
}

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	shop := freestyle("shop", until(250)...)
	shop.builds[0] = running(250)
	f := start(t, shop)
	m := newMemories()
	for range 2 {
		f.collect(t, m, now.Add(365*24*time.Hour), nil)
		delete(m.of("shop").events, "run shop 120 1")
	}
	f.change(func() { shop.builds[0] = ended(250, "FAILURE") })
	f.collect(t, m, now.Add(time.Minute), nil)
	kept := m.of("shop")
	if l := kept.ledger[event.KindPipelineRun]; kept.count("run") != 250 || l.Gap() != 0 {
		t.Errorf("%d runs are stored, want 250; ledger %+v", kept.count("run"), l)
	}
	if r := kept.run("250"); r.Status != event.Failed {
		t.Errorf("the build that ran is %+v", r)
	}
}

func TestNewFoldersAfterTheClockWasSetBack(t *testing.T) {
	f := start(t, folder("one", freestyle("shop", until(3)...)))
	m := newMemories()
	f.collect(t, m, now.Add(365*24*time.Hour), nil)
	f.change(func() { f.root.jobs = append(f.root.jobs, folder("two", freestyle("new", until(3)...))) })
	f.collect(t, m, now, nil)
	if n := m.of("two/new").count("run"); n != 3 {
		t.Errorf("%d runs of a job in a new folder, want 3", n)
	}
}
