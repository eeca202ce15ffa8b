package jenkins

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// TestABuildThatFinishesBetweenTwoPages ends builds after the first page was read: one that was on it, and one that a
// later page shows.
func TestABuildThatFinishesBetweenTwoPages(t *testing.T) {
	job := freestyle("shop", until(900)...)
	job.builds[2], job.builds[700] = running(898), running(200)
	f := start(t, job)
	pages := 0
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.RawQuery, "allBuilds") {
			if pages++; pages == 2 {
				job.builds[2], job.builds[700] = ended(898, "FAILURE"), ended(200, "ABORTED")
			}
		}
		return false
	}
	m := newMemories()
	f.collect(t, m, now, nil)
	f.collect(t, m, now.Add(time.Minute), nil)
	for number, want := range map[int]event.Status{898: event.Failed, 200: event.Cancelled, 899: event.Succeeded} {
		if r := m.of("shop").Run(fmt.Sprint(number)); r.Status != want || r.FinishedAt.IsZero() {
			t.Errorf("build %d is %+v, want %s", number, r, want)
		}
	}
	if n := m.of("shop").Number(event.KindPipelineRun); pages < 3 || n != 900 {
		t.Errorf("%d runs of 900 after %d pages", n, pages)
	}
}
