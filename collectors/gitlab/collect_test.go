package gitlab

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/event"
)

// everything is a project with something in each stream: several pages, children, retries, open records.
func everything(t testing.TB) *fake {
	f := start(t)
	f.history(230)
	f.find("pipelines", nth(10))["status"] = "running"
	f.find("jobs", nth(10)*10+1)["status"], f.find("jobs", nth(10)*10+1)["finished_at"] = "running", nil
	retried := f.find("jobs", nth(20)*10)
	f.add(
		"jobs",
		object{
			"id":          nth(6)*10 + 9,
			"name":        "build",
			"status":      "success",
			"ref":         "main",
			"created_at":  stampText(now.Add(-2 * time.Hour)),
			"started_at":  stampText(now.Add(-119 * time.Minute)),
			"finished_at": stampText(now.Add(-110 * time.Minute)),
			"pipeline":    retried["pipeline"],
			"user":        object{"username": "bo"},
		},
	)
	for i := range 30 {
		child := f.pipe(nth(7*i)-5, now.Add(-time.Duration(i*70+61)*time.Minute), "success", "child job")
		child["source"] = mapping.ChildSource
	}
	noJobs := f.pipe(90000, now.Add(-60*24*time.Hour), "failed")
	noJobs["source"] = "external"
	for i := range 140 {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		f.add(
			"merge_requests",
			object{
				"id":               int64(5000 - i),
				"iid":              int64(500 - i),
				"title":            "Größe 変更",
				"state":            "merged",
				"created_at":       stampText(at),
				"updated_at":       stampText(at.Add(time.Minute)),
				"merged_at":        stampText(at.Add(time.Minute)),
				"closed_at":        nil,
				"author":           object{"username": "anna"},
				"sha":              "aa",
				"merge_commit_sha": "bb",
				"web_url":          "https://gitlab.example.com/m",
			},
		)
		f.add(
			"deployments",
			object{
				"id":         int64(3000 - i),
				"iid":        int64(300 - i),
				"status":     "success",
				"ref":        "main",
				"sha":        "cc",
				"created_at": stampText(at),
				"updated_at": stampText(at.Add(time.Minute)),
				"user": object{
					"username": "anna",
				},
				"environment": object{"id": 1, "name": "production"},
				"deployable": object{
					"id":            1,
					"status":        "success",
					"allow_failure": false,
					"started_at":    stampText(at),
					"finished_at":   stampText(at.Add(time.Minute)),
					"pipeline":      object{"id": 1, "source": "push"},
				},
			},
		)
	}
	f.add("environments", object{"id": int64(1), "name": "production"}, object{"id": int64(2), "name": "review/feature-1"})
	return f
}

func TestTheFirstSyncReadsInBulk(t *testing.T) {
	f, m := everything(t), collecttest.NewWriter()
	f.collect(t, m, now, nil)
	if got, want := counts(m), "261 runs, 491 jobs, 140 changes, 140 deployments"; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
	asked, _ := f.asked()
	if n := containing(asked, "/jobs?"); n > 5+2 { // five pages of jobs, and the newest again when history was through
		t.Errorf("%d requests for 491 jobs: %s", n, strings.Join(asked, "\n"))
	}
	if n := containing(asked, "pipelines/"); n != 0 {
		t.Errorf("%d requests for single pipelines", n)
	}
	if len(asked) > 24+3+6 { // with those for the files, and for the settings
		t.Errorf("%d requests: %s", len(asked), strings.Join(asked, "\n"))
	}
	r := m.Run("99900")
	if r.Status != event.Running || !r.FinishedAt.IsZero() || r.StartedAt.IsZero() {
		t.Errorf("running: %+v", r)
	}
	if r := m.Run("99800"); !r.FinishedAt.Equal(r.CreatedAt.Add(62*time.Second)) || r.Actor != "anna" {
		t.Errorf("with a retried job: %+v", r)
	}
	if r := m.Run("99990"); r.Status != event.Succeeded || !r.StartedAt.Equal(r.CreatedAt.Add(time.Second)) ||
		!r.FinishedAt.Equal(r.CreatedAt.Add(62*time.Second)) {
		t.Errorf("finished: %+v", r)
	}
	if r := m.Run("99785"); r.Trigger != mapping.ChildSource || r.FinishedAt.IsZero() {
		t.Errorf("child: %+v", r)
	}
	for kind, want := range map[event.Kind]uint64{event.KindPipelineRun: 261, event.KindPipelineJob: 491, event.KindChange: 140, event.KindDeployment: 140} {
		if l := m.Ledger(kind); l.Expected != want || l.Stored != want {
			t.Errorf("ledger of %s: %d of %d, want %d", kind, l.Stored, l.Expected, want)
		}
	}
	if string(collecttest.Stored[event.Fact](m)["repository.environments"].Value) != `["production","review/feature-1"]` ||
		string(collecttest.Stored[event.Fact](m)["repository.default_branch"].Value) != `"main"` {
		t.Errorf("facts: %+v", collecttest.Stored[event.Fact](m))
	}
	if !f.tokens["secret"] || len(f.tokens) != 1 {
		t.Errorf("tokens sent: %v", f.tokens)
	}
}

func TestWhenNothingIsNewOneConditionalRequestAStreamTellsIt(t *testing.T) {
	f, m := everything(t), collecttest.NewWriter()
	f.lists["jobs"] = slices.DeleteFunc(f.lists["jobs"], func(j object) bool { return j.text("status") == "running" })
	f.find("pipelines", nth(10))["status"] = "success"
	f.collect(t, m, now, nil)
	before, appended := m.Text(), m.Appended()
	f.asked()
	f.collect(t, m, now.Add(time.Minute), nil)
	if asked, whole := f.asked(); len(asked) != 4 || whole != 0 {
		t.Errorf("%d of %d requests not answered 304: %s", whole, len(asked), strings.Join(asked, "\n"))
	}
	if m.Text() != before || m.Appended() != appended {
		t.Errorf("the second collect appended %d events", m.Appended()-appended)
	}
	f.collect(t, m, now.Add(25*time.Hour), nil) // daily: the project, and updates of old records
	if asked, whole := f.asked(); whole > 8+6 { // the fake has no settings: each is answered 404
		t.Errorf("%d whole answers a day later: %s", whole, strings.Join(asked, "\n"))
	}
	if m.Text() != before {
		t.Error("the daily look changed what is stored")
	}
}

func TestARunningPipelineIsReadUntilItIsFinal(t *testing.T) {
	for _, id := range []int64{nth(2), nth(150)} { // on the newest page, and far behind it
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			f, m := start(t), collecttest.NewWriter()
			f.history(200)
			f.find("pipelines", id)["status"] = "running"
			j := f.find("jobs", id*10+1)
			j["status"], j["finished_at"] = "running", nil
			f.collect(t, m, now, nil)
			if r := m.Run(fmt.Sprint(id)); r.Status != event.Running {
				t.Fatalf("%+v", r)
			}
			end := now.Add(30 * time.Second)
			f.change(func() {
				p := f.find("pipelines", id)
				p["status"], p["updated_at"] = "failed", stampText(end)
				j["status"], j["finished_at"] = "failed", stampText(end)
			})
			f.asked()
			f.collect(t, m, now.Add(time.Minute), nil)
			r, job := m.Run(fmt.Sprint(id)), collecttest.Stored[event.PipelineJob](m)[fmt.Sprintf("%d/1/%d", id, id*10+1)]
			if r.Status != event.Failed || r.StatusRaw != "failed" || !r.FinishedAt.Equal(end) || job.Status != event.Failed ||
				!job.FinishedAt.Equal(end) {
				t.Errorf("%+v\n%+v", r, job)
			}
			if asked, _ := f.asked(); len(asked) > 8 {
				t.Errorf("%d requests: %s", len(asked), strings.Join(asked, "\n"))
			}
			if l := m.Ledger(event.KindPipelineRun); l.Open != 0 || l.Stored != 200 {
				t.Errorf("ledger: %+v", l)
			}
		})
	}
}

func TestAJobThatIsRetriedByHandDoesNotMoveTheEnd(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.history(150)
	f.collect(t, m, now, nil)
	f.change(func() {
		p := f.find("pipelines", nth(100))
		p["status"], p["updated_at"] = "success", stampText(now.Add(time.Minute))
		f.add(
			"jobs",
			object{
				"id":          int64(2000000),
				"name":        "test",
				"status":      "success",
				"ref":         "main",
				"created_at":  stampText(now),
				"started_at":  stampText(now),
				"finished_at": stampText(now.Add(time.Minute)),
				"pipeline":    p,
				"user":        object{"username": "bo"},
			},
		)
	})
	f.collect(t, m, now.Add(25*time.Hour), nil)
	if r := m.Run(
		"99000",
	); m.Number(event.KindPipelineRun) != 150 || !r.FinishedAt.Equal(r.CreatedAt.Add(62*time.Second)) ||
		r.Actor != "anna" {
		t.Errorf("%d runs; %+v", m.Number(event.KindPipelineRun), r)
	}
	if m.Number(event.KindPipelineJob) != 301 {
		t.Errorf("%d jobs", m.Number(event.KindPipelineJob))
	}
}

// TestARunThatFinishesBetweenTwoPages: the jobs are read with the first page of updates; a pipeline on the second ended
// after that.
func TestARunThatFinishesBetweenTwoPages(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.history(300)
	f.collect(t, m, now, nil)
	later := now.Add(time.Hour)
	f.change(func() {
		for i := range 250 {
			p := f.pipe(int64(300000+i), now.Add(time.Duration(i)*10*time.Second), "success", "build", "test")
			p["updated_at"] = stampText(now.Add(time.Duration(i)*10*time.Second + 2*time.Minute))
		}
	})
	last := f.find("pipelines", 300249)
	last["status"], last["updated_at"] = "running", stampText(later.Add(-time.Minute))
	job := f.find("jobs", 3002491)
	job["status"], job["finished_at"] = "running", nil
	jobs := 0
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/jobs") {
			jobs++
		} else if jobs > 0 && last["status"] == "running" && strings.HasSuffix(r.URL.Path, "/pipelines") {
			f.clock = later.Add(10 * time.Second)
			last["status"], last["updated_at"] = "success", stampText(f.clock)
			job["status"], job["finished_at"] = "success", stampText(f.clock)
		}
		return false
	}
	f.collect(t, m, later, nil)
	r, j := m.Run("300249"), collecttest.Stored[event.PipelineJob](m)["300249/1/3002491"]
	if r.Status != event.Succeeded || !r.FinishedAt.Equal(later.Add(10*time.Second)) || j.Status != event.Succeeded {
		t.Errorf("%+v\n%+v", r, j)
	}
	if m.Number(event.KindPipelineRun) != 550 || m.Number(event.KindPipelineJob) != 1100 {
		t.Errorf("stored %s", counts(m))
	}
}

func TestPagesThatShiftWhileTheyAreRead(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.history(450)
	next := int64(300000)
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/pipelines") && next < 300020 {
			next++
			f.pipe(next, now.Add(time.Duration(next-300000)*time.Second), "success", "build", "test")
			if next < 300004 { // a deletion pulls the others up, past the next page
				i := slices.IndexFunc(f.lists["pipelines"], func(o object) bool { return o.id() == nth(int(next-300000)) })
				f.lists["pipelines"] = slices.Delete(f.lists["pipelines"], i, i+1)
			}
		}
		return false
	}
	f.collect(t, m, now.Add(time.Minute), nil)
	f.before = nil
	f.collect(t, m, now.Add(2*time.Minute), nil)
	f.collect(t, m, now.Add(3*time.Minute), nil)
	for _, p := range f.lists["pipelines"] {
		if r := m.Run(fmt.Sprint(p.id())); r.ID == "" || r.FinishedAt.IsZero() {
			t.Errorf("pipeline %d: %+v", p.id(), r)
		}
	}
	for _, j := range f.lists["jobs"] {
		if key := fmt.Sprintf(
			"%d/1/%d",
			j["pipeline"].(object).id(),
			j.id(),
		); collecttest.Stored[event.PipelineJob](m)[key].ID == "" &&
			f.find("pipelines", j["pipeline"].(object).id()) != nil {
			t.Errorf("job %s is missing", key)
		}
	}
}

func TestARecordThatIsUpdatedTwiceInASecond(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.history(150)
	at := now.Add(10*time.Second + 100*time.Millisecond)
	f.collect(t, m, now, nil)
	p := f.find("pipelines", nth(120))
	f.change(func() { p["status"], p["updated_at"] = "running", stampText(at) })
	f.collect(t, m, now.Add(25*time.Hour), nil)
	if m.Run("98800").Status != event.Running {
		t.Fatalf("%+v", m.Run("98800"))
	}
	f.change(func() { p["status"], p["updated_at"] = "failed", stampText(at) }) // the same instant
	f.collect(t, m, now.Add(25*time.Hour+time.Minute), nil)
	if m.Run("98800").Status != event.Failed {
		t.Errorf("%+v", m.Run("98800"))
	}
}

func TestManyUpdatesInOneInstant(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.history(400)
	f.collect(t, m, now, nil)
	f.change(func() { // somebody cancels 250 at once
		for i := range 250 {
			p := f.find("pipelines", nth(100+i))
			p["status"], p["updated_at"] = "canceled", stampText(now.Add(time.Minute))
		}
	})
	f.collect(t, m, now.Add(25*time.Hour), nil)
	n := 0
	for _, r := range collecttest.Stored[event.PipelineRun](m) {
		if r.Status == event.Cancelled && r.StatusRaw == "canceled" {
			n++
		}
	}
	if n != 250 {
		t.Errorf("%d of 250 are known to be cancelled", n)
	}
}

func TestAStreamThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	f, m := everything(t), collecttest.NewWriter()
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/pipelines") {
			_, _ = io.WriteString(w, `{"this":"is no list"}`)
			return true
		}
		return false
	}
	err := f.try(t, m, now, nil)
	if err == nil || !strings.Contains(err.Error(), "pipelines: ") ||
		!strings.Contains(err.Error(), "not what GitLab documents") {
		t.Errorf("error: %v", err)
	}
	if m.Number(event.KindChange) != 140 || m.Number(event.KindDeployment) != 140 || m.Number(event.KindPipelineRun) != 0 {
		t.Errorf("stored %s", counts(m))
	}
}

func TestAGapIsFoundAndRefilled(t *testing.T) {
	f, m := everything(t), collecttest.NewWriter()
	// a child without jobs, which could name it
	f.pipe(nth(75)-5, now.Add(-time.Hour-755*time.Minute), "skipped")["source"] = mapping.ChildSource
	f.collect(t, m, now, nil)
	before := m.Text()
	m.Remove(event.KindPipelineRun, "99245/1")
	m.Remove(event.KindPipelineRun, "99000/1")
	m.Remove(event.KindPipelineRun, "99295/1")
	m.Remove(event.KindDeployment, "2950")
	m.Remove(event.KindChange, "400")
	f.collect(t, m, now.Add(time.Minute), nil)
	if l := m.Ledger(event.KindPipelineRun); l.Stored >= l.Expected {
		t.Errorf("the ledger hides the gap: %+v", l)
	}
	f.collect(t, m, now.Add(2*time.Minute), nil)
	if m.Text() != before {
		t.Errorf("refilled to %s\n%s", counts(m), m.Text())
	}
	if l := m.Ledger(event.KindPipelineRun); l.Stored != l.Expected {
		t.Errorf("ledger: %+v", l)
	}
}

func TestSince(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.history(500)
	since := func(n int) func(*Config) {
		return func(c *Config) { c.Since = now.Add(-time.Hour - time.Duration(n)*10*time.Minute).Add(time.Minute) }
	}
	f.collect(t, m, now, since(150))
	if m.Number(event.KindPipelineRun) != 150 {
		t.Errorf("stored %s", counts(m))
	}
	f.collect(t, m, now.Add(time.Minute), since(350))
	if m.Number(event.KindPipelineRun) != 350 {
		t.Errorf("stored %s after since was moved back", counts(m))
	}
	for id, r := range collecttest.Stored[event.PipelineRun](m) {
		if r.FinishedAt.IsZero() {
			t.Errorf("%s has no end", id)
			break
		}
	}
	m.From = now.AddDate(-1, 0, 0)
	f.collect(t, m, now.Add(2*time.Minute), since(150))
	if m.Number(event.KindPipelineRun) != 500 {
		t.Errorf("stored %s after reading back further once", counts(m))
	}
}

func TestTheProgressOfThreeStreamsIsSafe(t *testing.T) {
	f := everything(t)
	c := f.collector(t, now, nil)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := c.Collect(t.Context(), scope, collecttest.NewWriter()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
