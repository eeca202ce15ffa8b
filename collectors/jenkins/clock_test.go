package jenkins

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// TestAClockThatWasFarAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the
// year to pass.
func TestAClockThatWasFarAhead(t *testing.T) {
	shop := freestyle("shop", until(250)...)
	shop.builds[0] = running(250)
	f := start(t, shop)
	m := newMemories()
	for range 2 {
		f.collect(t, m, now.Add(365*24*time.Hour), nil)
		m.of("shop").Remove(event.KindPipelineRun, "120/1")
	}
	f.change(func() { shop.builds[0] = ended(250, "FAILURE") })
	f.collect(t, m, now.Add(time.Minute), nil)
	kept := m.of("shop")
	if l := kept.Ledger(event.KindPipelineRun); kept.Number(event.KindPipelineRun) != 250 || l.Gap() != 0 {
		t.Errorf("%d runs are stored, want 250; ledger %+v", kept.Number(event.KindPipelineRun), l)
	}
	if r := kept.Run("250"); r.Status != event.Failed {
		t.Errorf("the build that ran is %+v", r)
	}
}

func TestNewFoldersAfterTheClockWasSetBack(t *testing.T) {
	f := start(t, folder("one", freestyle("shop", until(3)...)))
	m := newMemories()
	f.collect(t, m, now.Add(365*24*time.Hour), nil)
	f.change(func() { f.root.jobs = append(f.root.jobs, folder("two", freestyle("new", until(3)...))) })
	f.collect(t, m, now, nil)
	if n := m.of("two/new").Number(event.KindPipelineRun); n != 3 {
		t.Errorf("%d runs of a job in a new folder, want 3", n)
	}
}
