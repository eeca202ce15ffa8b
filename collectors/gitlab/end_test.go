package gitlab

import (
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/event"
)

// ran is a job of the pipeline that began an hour before now: minutes of it after that, and who is its user.
func ran(id int64, from, to float64, user string, more ...func(object)) object {
	at := func(m float64) string { return stampText(now.Add(-time.Hour + time.Duration(m*float64(time.Minute)))) }
	o := object{
		"id":              id,
		"name":            fmt.Sprint("job ", id),
		"status":          "success",
		"ref":             "main",
		"allow_failure":   false,
		"created_at":      at(0),
		"started_at":      at(from),
		"finished_at":     at(to),
		"queued_duration": 3.0,
		"user":            object{"username": user},
	}
	for _, change := range more {
		change(o)
	}
	return o
}

func optional(o object)   { o["allow_failure"] = true }
func queuedLong(o object) { o["queued_duration"] = 3600.0 }
func noQueue(o object)    { o["queued_duration"] = nil }
func notStarted(status string) func(object) {
	return func(o object) { o["started_at"], o["status"] = nil, status }
}

const threeWeeks = 21 * 24 * 60 // in minutes

func TestTheEndOfAPipelineIsThatOfItsAutomaticJobs(t *testing.T) {
	for _, c := range []struct {
		name string
		jobs []object
		want float64 // minutes; -1: not known
	}{
		{"one after the other", []object{ran(1, 0, 3, "anna"), ran(2, 3.1, 5, "anna")}, 5},
		{"side by side", []object{ran(1, 0, 5, "anna"), ran(2, 0.1, 3, "anna")}, 5},
		{"a manual job, weeks later", []object{ran(1, 0, 5, "anna"), ran(2, threeWeeks, threeWeeks+1, "anna", optional)}, 5},
		{"a manual job, by somebody else, at once", []object{ran(1, 0, 5, "anna"), ran(2, 5.2, 8, "bo", optional)}, 5},
		{"a manual job, minutes later", []object{ran(1, 0, 5, "anna"), ran(2, 9, 10, "anna", optional)}, 5},
		{"what follows a manual job that nobody waited for", []object{ran(1, 0, 5, "anna"), ran(2, threeWeeks, threeWeeks+1, "anna", optional), ran(3, threeWeeks+1, threeWeeks+2, "anna")}, 5},
		{"what follows a manual job that the pipeline waited for", []object{ran(1, 0, 5, "anna"), ran(2, 60, 61, "bo"), ran(3, 61.1, 63, "anna")}, 63},
		{"a retry by hand, weeks later", []object{ran(1, 0, 5, "anna"), ran(2, threeWeeks, threeWeeks+1, "anna")}, 5},
		{"a retry by GitLab", []object{ran(1, 0, 5, "anna"), ran(2, 5.1, 9, "anna")}, 9},
		{"a job that may fail", []object{ran(1, 0, 3, "anna"), ran(2, 3.1, 5, "anna", optional)}, 5},
		{"an hour in the queue", []object{ran(1, 0, 3, "anna"), ran(2, 63.2, 65, "anna", queuedLong)}, 65},
		{"an old server, that gives no time in the queue", []object{ran(1, 0, 3, "anna", noQueue), ran(2, 20, 25, "anna", noQueue)}, 25},
		{"only a manual job", []object{ran(1, threeWeeks, threeWeeks+1, "anna", optional)}, -1},
		{"the first job is pressed", []object{ran(1, 0.2, 1, "bo", optional), ran(2, 0.1, 4, "anna"), ran(3, 4.1, 6, "anna")}, 6},
		{"canceled before it ran", []object{ran(1, 0, 3, "anna"), ran(2, 0, threeWeeks, "anna", notStarted("canceled"))}, 3},
		{"everything canceled", []object{ran(1, 0, 3, "anna", notStarted("canceled"))}, 3},
		{"no runner was found", []object{ran(1, 0, 3, "anna"), ran(2, 0, 63, "anna", notStarted("failed"))}, 63},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, jobs := range []Jobs{AllJobs, DefaultBranchJobs} {
				f, m := start(t), collecttest.NewWriter()
				p := f.pipe(1000, now.Add(-time.Hour), "success")
				p["updated_at"] = stampText(now.Add(threeWeeks * time.Minute))
				for _, j := range c.jobs {
					j["pipeline"] = p
					f.add("jobs", j)
				}
				f.collect(t, m, now.Add(22*24*time.Hour), func(cfg *Config) { cfg.Jobs = jobs })
				r := m.Run("1000")
				got := r.FinishedAt.Sub(r.CreatedAt).Minutes()
				if r.FinishedAt.IsZero() {
					got = -1
				}
				if diff := got - c.want; diff > 0.001 || diff < -0.001 {
					t.Errorf("jobs %s: ended after %v minutes, want %v", jobs, got, c.want)
				}
			}
		})
	}
}

func TestWithoutJobsGitLabsOwnTimesCount(t *testing.T) {
	at := now.Add(-time.Hour)
	for _, c := range []struct {
		name     string
		finished time.Time
		duration any
		want     time.Duration // of the end after the start; 0: not known
		own      time.Duration
	}{
		{"as it ended", at.Add(6 * time.Minute), 300.0, 5 * time.Minute, 5 * time.Minute},
		{"a job was pressed later", at.Add(30 * time.Minute), 360.0, 0, 6 * time.Minute},
		{"no duration", at.Add(6 * time.Minute), nil, 5 * time.Minute, 0},
		{"nonsense", at.Add(6 * time.Minute), -4.0, 5 * time.Minute, 0},
	} {
		f, m := start(t), collecttest.NewWriter()
		p := f.pipe(1000, at, "success")
		p["started_at"], p["finished_at"], p["duration"] = stampText(at.Add(time.Minute)), stampText(c.finished), c.duration
		for range 2 {
			f.collect(t, m, now, func(cfg *Config) { cfg.Jobs = NoJobs })
			r := m.Run("1000")
			if r.Status != event.Succeeded || c.want == 0 != r.FinishedAt.IsZero() ||
				c.want > 0 && r.FinishedAt.Sub(r.StartedAt) != c.want ||
				r.Duration != c.own {
				t.Errorf("%s: started %s, finished %s, took %s", c.name, r.StartedAt, r.FinishedAt, r.Duration)
			}
			p["ref"] = "changed" // the listing is read again
		}
	}
}

func TestADeploymentThatIsChangedLaterHasNoFinish(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	at := now.Add(-30 * 24 * time.Hour)
	for i, after := range []time.Duration{5 * time.Minute, 18 * 24 * time.Hour} {
		f.add(
			"deployments",
			object{
				"id":          int64(10 + i),
				"status":      "success",
				"ref":         "main",
				"sha":         "cc",
				"created_at":  stampText(at),
				"updated_at":  stampText(at.Add(after)),
				"environment": object{"name": "production"},
			},
		)
	}
	f.collect(t, m, now, nil)
	if a, b := collecttest.Stored[event.Deployment](m)["10"], collecttest.Stored[event.Deployment](m)["11"]; a.FinishedAt.Sub(
		at,
	) != 5*time.Minute ||
		!b.FinishedAt.IsZero() {
		t.Errorf("finished %s and %s", a.FinishedAt, b.FinishedAt)
	}
}
