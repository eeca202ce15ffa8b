package app

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestJobTimes reads how long jobs took: of successful attempts of the service in 90 days, by workflow and job.
func TestJobTimes(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	a := &App{now: func() time.Time { return now }, Store: storetest.Open(t)}
	of := func(id, service string) event.Origin {
		return event.Origin{Source: "gh", Provider: "github", Scope: "acme/pay", ID: id, Service: service}
	}
	var events []event.Event
	for i, r := range []struct {
		workflow, job, service string
		status                 event.Status
		daysAgo                int
		took                   time.Duration
	}{
		{"ci", "test (1)", "component:default/pay", event.Succeeded, 1, 8 * time.Minute},
		{"ci", "test (1)", "component:default/pay", event.Succeeded, 2, 9 * time.Minute},
		{"ci", "test (1)", "component:default/pay", event.Failed, 2, 50 * time.Minute},
		{"ci", "test (1)", "component:default/pay", event.Succeeded, 100, 70 * time.Minute},
		{"ci", "lint", "component:default/pay", event.Succeeded, 1, 30 * time.Second},
		{"nightly", "test (1)", "component:default/pay", event.Succeeded, 1, time.Hour},
		{"ci", "test (1)", "component:default/other", event.Succeeded, 1, 5 * time.Hour},
	} {
		run := fmt.Sprint(100 + i)
		at := now.AddDate(0, 0, -r.daysAgo)
		events = append(events,
			event.PipelineRun{Origin: of(run, r.service), Attempt: 1, Pipeline: r.workflow, Status: r.status, CreatedAt: at,
				StartedAt: at, FinishedAt: at.Add(r.took)},
			event.PipelineJob{Origin: of("1"+run, r.service), RunID: run, Attempt: 1, Name: r.job, Status: r.status,
				CreatedAt: at, StartedAt: at, FinishedAt: at.Add(r.took)})
	}
	if err := a.Store.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	got, err := a.JobTimes(t.Context(), "component:default/pay")
	want := []edits.JobTime{
		{Workflow: "ci", Job: "lint", Longest: 30 * time.Second, Runs: 1},
		{Workflow: "ci", Job: "test (1)", Longest: 9 * time.Minute, Runs: 2},
		{Workflow: "nightly", Job: "test (1)", Longest: time.Hour, Runs: 1},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}
