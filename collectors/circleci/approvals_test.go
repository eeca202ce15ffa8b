package circleci

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/event"
)

func TestARunEndsWithTheLastJobThatNobodyStarted(t *testing.T) {
	minute := func(n int) string { return at(noon.Add(time.Duration(n) * time.Minute)) }
	week := func(n int) string { return at(noon.Add(time.Duration(n) * 7 * 24 * time.Hour)) }
	ran := func(id, name string, from, to any, after any) object {
		return object{
			"id":           id,
			"name":         name,
			"type":         "build",
			"job_number":   1,
			"status":       "success",
			"created_at":   minute(0),
			"started_at":   from,
			"stopped_at":   to,
			"dependencies": after,
		}
	}
	approval := func(id string, after any) object {
		return object{"id": id, "name": "ok", "type": "approval", "status": "success", "dependencies": after}
	}
	none := []string{}
	for name, tc := range map[string]struct {
		jobs         []object
		status       string
		stopped      any
		start, end   int // minutes after noon; 0: not known
		deployedWeek int // when the job deploy ended; 0: there is none
	}{
		"no approval": {jobs: []object{ran("a", "build", minute(1), minute(2), none), ran("b", "test", minute(2), minute(5), []string{"a"})}, stopped: minute(5), start: 1, end: 5},
		"approved after weeks": {
			jobs:    []object{ran("a", "build", minute(1), minute(2), none), ran("b", "test", minute(2), minute(5), []string{"a"}), approval("c", []string{"b"}), ran("d", "deploy", week(3), week(4), []string{"c"})},
			stopped: week(4), start: 1, end: 5, deployedWeek: 4,
		},
		"two jobs behind the approval": {
			jobs:    []object{ran("e", "announce", week(4), week(5), []string{"d"}), ran("d", "deploy", week(3), week(4), []string{"c"}), approval("c", []string{"a"}), ran("a", "build", minute(1), minute(2), none)},
			stopped: week(5), start: 1, end: 2, deployedWeek: 4,
		},
		"next to the approval": {
			jobs:    []object{ran("a", "build", minute(1), minute(2), none), approval("c", []string{"a"}), ran("b", "slow test", minute(2), minute(90), []string{"a"}), ran("d", "deploy", minute(3), week(1), []string{"c"})},
			stopped: week(1), start: 1, end: 90, deployedWeek: 1,
		},
		"dependencies as an object": {
			jobs:    []object{ran("a", "build", minute(1), minute(2), object{}), approval("c", object{"a": []string{"success"}}), ran("d", "deploy", week(3), week(4), object{"c": []string{"success"}})},
			stopped: week(4), start: 1, end: 2, deployedWeek: 4,
		},
		"all behind the approval":    {jobs: []object{approval("c", none), ran("d", "deploy", week(3), week(4), []string{"c"})}, stopped: week(4), deployedWeek: 4},
		"nothing says what is after": {jobs: []object{ran("a", "build", minute(1), minute(2), nil), approval("c", nil)}, stopped: week(4), start: 1},
		"canceled while it waited":   {jobs: []object{ran("a", "build", minute(1), minute(2), none), approval("c", []string{"a"})}, status: "canceled", stopped: week(6), start: 1, end: 2},
		"still waiting":              {jobs: []object{ran("a", "build", minute(1), minute(2), none), approval("c", []string{"a"})}, status: "on_hold", start: 1},
		"an end that nobody tells":   {jobs: []object{ran("a", "build", minute(1), nil, none)}, start: 1},
		"no jobs":                    {stopped: minute(7), end: 7},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.push(1, noon, "success")
			w := f.workflows["p1"][0]
			w["status"], w["stopped_at"] = first(tc.status, "success"), tc.stopped
			f.jobs["p1-w1"] = tc.jobs
			m := collecttest.NewWriter()
			rules := func(c *Config) { c.Deployments = []DeploymentRule{{Job: "deploy", Environment: "production"}} }
			collect(t, f.collector(t, (&clock{noon.Add(time.Hour)}).now, rules), m)
			run := collecttest.Find[event.PipelineRun](t, m, "1/build/1")
			want := func(n int) time.Time {
				if n == 0 {
					return time.Time{}
				}
				return noon.Add(time.Duration(n) * time.Minute)
			}
			if !run.StartedAt.Equal(want(tc.start)) || !run.FinishedAt.Equal(want(tc.end)) {
				t.Errorf("from %s to %s, want %s to %s", run.StartedAt, run.FinishedAt, want(tc.start), want(tc.end))
			}
			if tc.deployedWeek == 0 {
				return
			}
			d := collecttest.Find[event.Deployment](t, m, "1/build/deploy")
			if got := at(d.FinishedAt); got != week(tc.deployedWeek) {
				t.Errorf("deployed %s, want %s", got, week(tc.deployedWeek))
			}
			if j := collecttest.Find[event.PipelineJob](t, m, "1/build/1/d"); !j.CreatedAt.IsZero() || j.StartedAt.IsZero() {
				t.Errorf("the job behind the approval was in a queue since %s", j.CreatedAt)
			}
		})
	}
}

func TestAnApprovalOfTheFirstTimeHoldsUpNoRerun(t *testing.T) {
	f := newFake(t)
	f.push(1, noon, "failed")
	id := f.flow("p1", "build", "success", noon.Add(time.Hour), "deploy")
	f.jobs[id][0]["dependencies"] = []string{"ok"}
	f.jobs[id] = append(
		f.jobs[id],
		object{
			"id":           "ok",
			"name":         "ok",
			"type":         "approval",
			"status":       "success",
			"started_at":   at(noon.Add(time.Minute)),
			"dependencies": []string{},
		},
	)
	m := collecttest.NewWriter()
	collect(t, f.collector(t, (&clock{noon.Add(2 * time.Hour)}).now, nil), m)
	if run := collecttest.Find[event.PipelineRun](
		t,
		m,
		"1/build/2",
	); !run.FinishedAt.Equal(noon.Add(time.Hour + time.Minute)) {
		t.Errorf("ended at %s", run.FinishedAt)
	}
}
