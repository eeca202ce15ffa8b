package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestActionBatch reads a batch as another process finds it.
func TestActionBatch(t *testing.T) {
	s := storetest.Open(t)
	b := event.ActionBatch{Source: "dxctl", ID: "b1", Action: "fix", Status: event.Running, Waves: []uint32{1, 1},
		Settings: `{"waves":"1,rest"}`, StartedAt: noon}
	run := func(id, batch string, wave uint32, outcome string, minutes int) event.ActionRun {
		return event.ActionRun{Source: "dxctl", ID: id, Action: "fix", Entity: payment, Batch: batch, Wave: wave,
			Outcome: outcome, Status: event.Succeeded, StartedAt: noon,
			FinishedAt: noon.Add(time.Duration(minutes) * time.Minute)}
	}
	second, first, other := run("b1/a", "b1", 2, "", 1), run("b1/z", "b1", 1, "opened", 2), run("b2/a", "b2", 1, "declined", 3)
	step := event.ActionStep{Source: "dxctl", Run: "b1/z", Number: 1, Name: "pull request", Status: event.Succeeded, At: noon,
		Undo: "[]"}
	back := step
	back.Number, back.Name, back.At, back.Undo = 2, "restore: ruleset", noon.Add(time.Hour), ""
	others := step
	others.Run = "b2/a"
	mustAppend(t, s, b, second, first, other, others, step, back)
	b.Status = event.Waiting
	mustAppend(t, s, b)

	got, found, err := s.ActionBatch(t.Context(), "b1")
	if err != nil || !found || !reflect.DeepEqual(got, b) {
		t.Errorf("%+v, %t, %v", got, found, err)
	}
	if _, found, err := s.ActionBatch(t.Context(), "b3"); found || err != nil {
		t.Errorf("a batch that does not exist: %t, %v", found, err)
	}
	runs, err := s.ActionRuns(t.Context(), "b1")
	if err != nil || !reflect.DeepEqual(runs, []event.ActionRun{first, second}) {
		t.Errorf("%+v, %v", runs, err)
	}
	known, err := s.ActionRunsOf(t.Context(), "fix")
	if err != nil || !reflect.DeepEqual(known, []event.ActionRun{other, first}) {
		t.Errorf("%+v, %v", known, err)
	}
	steps, err := s.ActionSteps(t.Context(), []string{"b1/z", "b1/a"})
	if err != nil || !reflect.DeepEqual(steps, []event.ActionStep{step, back}) {
		t.Errorf("%+v, %v", steps, err)
	}
	if last, err := s.LastActions(t.Context(), "settings", "fix"); err != nil || !last[payment].Equal(back.At) {
		t.Errorf("%v, %v", last, err)
	}
}
