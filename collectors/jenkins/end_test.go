package jenkins

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

func TestABuildEndsWhenItsDurationIsOver(t *testing.T) {
	began := time.UnixMilli(1700000000000).UTC()
	for _, tc := range []struct {
		name, text string
		ends       time.Time
		took       time.Duration
	}{
		{"ended", `"duration":90000,"result":"SUCCESS","building":false`, began.Add(90 * time.Second), 90 * time.Second},
		{"aborted", `"duration":5000,"result":"ABORTED","building":false`, began.Add(5 * time.Second), 5 * time.Second},
		{"building", `"duration":0,"result":null,"building":true`, time.Time{}, 0},
		{"building, with an estimate", `"duration":90000,"result":"FAILURE","building":true`, time.Time{}, 0},
		{"cut short by a crash of Jenkins", `"duration":0,"result":"FAILURE","building":false`, time.Time{}, 0},
		{"negative", `"duration":-90000,"result":"FAILURE","building":false`, time.Time{}, 0},
		{"no duration", `"result":"FAILURE","building":false`, time.Time{}, 0},
		{
			"continued by a person after weeks", `"duration":1814400000,"result":"SUCCESS","building":false,"actions":[
				{"_class":"org.jenkinsci.plugins.workflow.support.steps.input.InputAction"}]`, time.Time{}, 0,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rule := func(c *Config) { c.Deployments = []DeploymentRule{{Job: "team/**", Environment: "production"}} }
			m, r := read(t, `{"number":5,"timestamp":1700000000000,`+tc.text+`}`, rule)
			if !r.FinishedAt.Equal(tc.ends) || r.Duration != tc.took || !r.StartedAt.Equal(began) {
				t.Errorf("finished %s, duration %s; want %s, %s", r.FinishedAt, r.Duration, tc.ends, tc.took)
			}
			if tc.name != "continued by a person after weeks" {
				return
			}
			for _, e := range m.Events() {
				if d, ok := e.(event.Deployment); ok && !d.FinishedAt.Equal(began.Add(21*24*time.Hour)) {
					t.Errorf("deployed at %s", d.FinishedAt)
				}
			}
		})
	}
}

func TestStagesTellWhenThePartBeforeAPersonEnded(t *testing.T) {
	stage := func(id string, start, duration, pause int64) any {
		return map[string]any{
			"id":                  id,
			"name":                id,
			"status":              "SUCCESS",
			"startTimeMillis":     at(2).UnixMilli() + start,
			"durationMillis":      duration,
			"pauseDurationMillis": pause,
		}
	}
	waited := map[string]any{"_class": "org.jenkinsci.plugins.workflow.support.steps.input.InputAction"}
	const day = 24 * 3600 * 1000
	for name, tc := range map[string]struct {
		stages  []any
		ends    time.Duration // after the beginning; 0: not known
		took    time.Duration
		running bool
	}{
		"build, test, ask, deploy": {stages: []any{stage("1", 0, 60_000, 0), stage("2", 60_000, 30_000, 0), stage("3", 90_000, 21*day, 21*day-50), stage("4", 21*day+90_000, 5000, 0)}, ends: 90 * time.Second},
		"asked at once":            {stages: []any{stage("1", 0, day, day-5), stage("2", day, 5000, 0)}},
		"answered at once":         {stages: []any{stage("1", 0, 30_000, 0), stage("2", 30_000, 30_000, 0)}, ends: time.Minute, took: time.Minute},
		"still asking":             {stages: []any{stage("1", 0, 60_000, 0)}, running: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := *ended(2, "SUCCESS", waited) // a minute long
			if tc.running {
				b = *running(2)
			}
			b["_class"], b["stages"] = "org.jenkinsci.plugins.workflow.job.WorkflowRun", tc.stages
			f := start(t, freestyle("shop", &b))
			f.stages, f.paused = true, tc.running
			m := newMemories()
			f.collect(t, m, now, func(c *Config) { c.Stages = true })
			r := m.of("shop").Run("2")
			want := time.Time{}
			if tc.ends > 0 {
				want = at(2).Add(tc.ends)
			}
			if !r.FinishedAt.Equal(want) || r.Duration != tc.took {
				t.Errorf("finished %s, duration %s; want %s, %s", r.FinishedAt, r.Duration, want, tc.took)
			}
			if tc.running != (r.Status == event.Waiting) {
				t.Errorf("status %s", r.Status)
			}
		})
	}
}

func TestAReReadCorrectsTimesThatAreStored(t *testing.T) {
	f := start(t, freestyle("shop", until(3)...))
	m := newMemories()
	f.collect(t, m, now, nil)
	of := m.of("shop")
	wrong := of.Run("2")
	wrong.FinishedAt, wrong.Duration = wrong.FinishedAt.Add(time.Hour), 0
	if err := of.Append(t.Context(), wrong); err != nil {
		t.Fatal(err)
	}
	of.Forget() // as a backfill, which has checkpoints of its own
	f.collect(t, m, now.Add(time.Minute), nil)
	if r := of.Run("2"); !r.FinishedAt.Equal(at(2).Add(time.Minute)) || r.Duration != time.Minute {
		t.Errorf("finished %s, duration %s", r.FinishedAt, r.Duration)
	}
}
