package gitlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// everything is a project with something in each stream: several pages, children, retries, open records.
func everything(t *testing.T) *fake {
	f := start(t)
	f.history(230)
	f.find("pipelines", nth(10))["status"] = "running"
	f.find("jobs", nth(10)*10+1)["status"], f.find("jobs", nth(10)*10+1)["finished_at"] = "running", nil
	retried := f.find("jobs", nth(20)*10)
	f.add("jobs", object{"id": nth(6)*10 + 9, "name": "build", "status": "success", "ref": "main", "created_at": stampText(now.Add(-2 * time.Hour)),
		"started_at": stampText(now.Add(-119 * time.Minute)), "finished_at": stampText(now.Add(-110 * time.Minute)), "pipeline": retried["pipeline"], "user": object{"username": "bo"}})
	for i := range 30 {
		child := f.pipe(nth(7*i)-5, now.Add(-time.Duration(i*70+61)*time.Minute), "success", "child job")
		child["source"] = childSource
	}
	noJobs := f.pipe(90000, now.Add(-60*24*time.Hour), "failed")
	noJobs["source"] = "external"
	for i := range 140 {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		f.add("merge_requests", object{"id": int64(5000 - i), "iid": int64(500 - i), "title": "Größe 変更", "state": "merged", "created_at": stampText(at), "updated_at": stampText(at.Add(time.Minute)),
			"merged_at": stampText(at.Add(time.Minute)), "closed_at": nil, "author": object{"username": "anna"}, "sha": "aa", "merge_commit_sha": "bb", "web_url": "https://gitlab.example.com/m"})
		f.add("deployments", object{"id": int64(3000 - i), "iid": int64(300 - i), "status": "success", "ref": "main", "sha": "cc", "created_at": stampText(at), "updated_at": stampText(at.Add(time.Minute)),
			"user": object{"username": "anna"}, "environment": object{"id": 1, "name": "production"}, "deployable": object{"id": 1, "status": "success", "allow_failure": false,
				"started_at": stampText(at), "finished_at": stampText(at.Add(time.Minute)), "pipeline": object{"id": 1, "source": "push"}}})
	}
	f.add("environments", object{"id": int64(1), "name": "production"}, object{"id": int64(2), "name": "review/feature-1"})
	return f
}

func TestTheFirstSyncReadsInBulk(t *testing.T) {
	f, m := everything(t), newMemory()
	f.collect(t, m, now, nil)
	if got, want := m.counts(), "261 runs, 491 jobs, 140 changes, 140 deployments"; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
	asked, _ := f.asked()
	if n := containing(asked, "/jobs?"); n > 5+2 { // five pages of jobs, and the newest again when history was through
		t.Errorf("%d requests for 491 jobs: %s", n, strings.Join(asked, "\n"))
	}
	if n := containing(asked, "pipelines/"); n != 0 {
		t.Errorf("%d requests for single pipelines", n)
	}
	if len(asked) > 24 {
		t.Errorf("%d requests: %s", len(asked), strings.Join(asked, "\n"))
	}
	r := m.runs["99900"]
	if r.Status != event.Running || !r.FinishedAt.IsZero() || r.StartedAt.IsZero() {
		t.Errorf("running: %+v", r)
	}
	if r := m.runs["99800"]; !r.FinishedAt.Equal(r.CreatedAt.Add(62*time.Second)) || r.Actor != "anna" {
		t.Errorf("with a retried job: %+v", r)
	}
	if r := m.runs["99990"]; r.Status != event.Succeeded || !r.StartedAt.Equal(r.CreatedAt.Add(time.Second)) || !r.FinishedAt.Equal(r.CreatedAt.Add(62*time.Second)) {
		t.Errorf("finished: %+v", r)
	}
	if r := m.runs["99785"]; r.Trigger != childSource || r.FinishedAt.IsZero() {
		t.Errorf("child: %+v", r)
	}
	for kind, want := range map[event.Kind]uint64{event.KindPipelineRun: 261, event.KindPipelineJob: 491, event.KindChange: 140, event.KindDeployment: 140} {
		if l := m.entries[kind]; l.Expected != want || l.Stored != want {
			t.Errorf("ledger of %s: %d of %d, want %d", kind, l.Stored, l.Expected, want)
		}
	}
	if string(m.facts["repository.environments"].Value) != `["production","review/feature-1"]` || string(m.facts["repository.default_branch"].Value) != `"main"` {
		t.Errorf("facts: %+v", m.facts)
	}
	if !f.tokens["secret"] || len(f.tokens) != 1 {
		t.Errorf("tokens sent: %v", f.tokens)
	}
}

func TestWhenNothingIsNewOneConditionalRequestAStreamTellsIt(t *testing.T) {
	f, m := everything(t), newMemory()
	f.lists["jobs"] = slices.DeleteFunc(f.lists["jobs"], func(j object) bool { return j.text("status") == "running" })
	f.find("pipelines", nth(10))["status"] = "success"
	f.collect(t, m, now, nil)
	before, appended := m.events(t), m.appended
	f.asked()
	f.collect(t, m, now.Add(time.Minute), nil)
	if asked, whole := f.asked(); len(asked) != 3 || whole != 0 {
		t.Errorf("%d of %d requests not answered 304: %s", whole, len(asked), strings.Join(asked, "\n"))
	}
	if m.events(t) != before || m.appended != appended {
		t.Errorf("the second collect appended %d events", m.appended-appended)
	}
	f.collect(t, m, now.Add(25*time.Hour), nil) // daily: the project, and updates of old records
	if asked, whole := f.asked(); whole > 8 {
		t.Errorf("%d whole answers a day later: %s", whole, strings.Join(asked, "\n"))
	}
	if m.events(t) != before {
		t.Error("the daily look changed what is stored")
	}
}

func TestARunningPipelineIsReadUntilItIsFinal(t *testing.T) {
	for _, id := range []int64{nth(2), nth(150)} { // on the newest page, and far behind it
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			f, m := start(t), newMemory()
			f.history(200)
			f.find("pipelines", id)["status"] = "running"
			j := f.find("jobs", id*10+1)
			j["status"], j["finished_at"] = "running", nil
			f.collect(t, m, now, nil)
			if r := m.runs[fmt.Sprint(id)]; r.Status != event.Running {
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
			r, job := m.runs[fmt.Sprint(id)], m.jobs[fmt.Sprintf("%d/%d", id, id*10+1)]
			if r.Status != event.Failed || r.StatusRaw != "failed" || !r.FinishedAt.Equal(end) || job.Status != event.Failed || !job.FinishedAt.Equal(end) {
				t.Errorf("%+v\n%+v", r, job)
			}
			if asked, _ := f.asked(); len(asked) > 8 {
				t.Errorf("%d requests: %s", len(asked), strings.Join(asked, "\n"))
			}
			if l := m.entries[event.KindPipelineRun]; l.Open != 0 || l.Stored != 200 {
				t.Errorf("ledger: %+v", l)
			}
		})
	}
}

func TestAJobThatIsRetriedByHandDoesNotMoveTheEnd(t *testing.T) {
	f, m := start(t), newMemory()
	f.history(150)
	f.collect(t, m, now, nil)
	f.change(func() {
		p := f.find("pipelines", nth(100))
		p["status"], p["updated_at"] = "success", stampText(now.Add(time.Minute))
		f.add("jobs", object{"id": int64(2000000), "name": "test", "status": "success", "ref": "main", "created_at": stampText(now), "started_at": stampText(now),
			"finished_at": stampText(now.Add(time.Minute)), "pipeline": p, "user": object{"username": "bo"}})
	})
	f.collect(t, m, now.Add(25*time.Hour), nil)
	if r := m.runs["99000"]; len(m.runs) != 150 || !r.FinishedAt.Equal(r.CreatedAt.Add(62*time.Second)) || r.Actor != "anna" {
		t.Errorf("%d runs; %+v", len(m.runs), r)
	}
	if len(m.jobs) != 301 {
		t.Errorf("%d jobs", len(m.jobs))
	}
}

// TestARunThatFinishesBetweenTwoPages: the jobs are read with the first page of updates; a pipeline on the second ended
// after that.
func TestARunThatFinishesBetweenTwoPages(t *testing.T) {
	f, m := start(t), newMemory()
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
	r, j := m.runs["300249"], m.jobs["300249/3002491"]
	if r.Status != event.Succeeded || !r.FinishedAt.Equal(later.Add(10*time.Second)) || j.Status != event.Succeeded {
		t.Errorf("%+v\n%+v", r, j)
	}
	if len(m.runs) != 550 || len(m.jobs) != 1100 {
		t.Errorf("stored %s", m.counts())
	}
}

func TestPagesThatShiftWhileTheyAreRead(t *testing.T) {
	f, m := start(t), newMemory()
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
		if r := m.runs[fmt.Sprint(p.id())]; r.ID == "" || r.FinishedAt.IsZero() {
			t.Errorf("pipeline %d: %+v", p.id(), r)
		}
	}
	for _, j := range f.lists["jobs"] {
		if key := fmt.Sprintf("%d/%d", j["pipeline"].(object).id(), j.id()); m.jobs[key].ID == "" && f.find("pipelines", j["pipeline"].(object).id()) != nil {
			t.Errorf("job %s is missing", key)
		}
	}
}

func TestARecordThatIsUpdatedTwiceInASecond(t *testing.T) {
	f, m := start(t), newMemory()
	f.history(150)
	at := now.Add(10*time.Second + 100*time.Millisecond)
	f.collect(t, m, now, nil)
	p := f.find("pipelines", nth(120))
	f.change(func() { p["status"], p["updated_at"] = "running", stampText(at) })
	f.collect(t, m, now.Add(25*time.Hour), nil)
	if m.runs["98800"].Status != event.Running {
		t.Fatalf("%+v", m.runs["98800"])
	}
	f.change(func() { p["status"], p["updated_at"] = "failed", stampText(at) }) // the same instant
	f.collect(t, m, now.Add(25*time.Hour+time.Minute), nil)
	if m.runs["98800"].Status != event.Failed {
		t.Errorf("%+v", m.runs["98800"])
	}
}

func TestManyUpdatesInOneInstant(t *testing.T) {
	f, m := start(t), newMemory()
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
	for _, r := range m.runs {
		if r.Status == event.Cancelled && r.StatusRaw == "canceled" {
			n++
		}
	}
	if n != 250 {
		t.Errorf("%d of 250 are known to be cancelled", n)
	}
}

func TestNothingIsLostWhereverItIsKilled(t *testing.T) {
	f, whole := everything(t), newMemory()
	f.collect(t, whole, now, nil)
	want := whole.events(t)
	for _, keepLast := range []bool{false, true} {
		for n := 1; n <= whole.writes; n++ {
			m := newMemory()
			m.breakAt, m.keepLast = n, keepLast
			if err := f.try(t, m, now, nil); !errors.Is(err, errBroken) {
				t.Fatalf("killed at write %d: %v", n, err)
			}
			m.breakAt = 0
			f.collect(t, m, now.Add(time.Minute), nil)
			if m.events(t) != want {
				t.Fatalf("killed at write %d (done: %t) and collected again: %s, want %s\n%s", n, keepLast, m.counts(), whole.counts(), difference(m.events(t), want))
			}
		}
	}
}

func TestNothingIsLostWhenItIsKilledAgainAndAgain(t *testing.T) {
	f, m, tries := everything(t), newMemory(), 0
	for ; tries < 100; tries++ {
		m.breakAt = m.writes + 4 + tries%5
		if f.try(t, m, now, nil) == nil {
			break
		}
	}
	if tries < 3 || tries == 100 {
		t.Errorf("it came through after %d tries", tries)
	}
	m.breakAt = 0
	f.collect(t, m, now, nil)
	whole := newMemory()
	f.collect(t, whole, now, nil)
	if m.events(t) != whole.events(t) {
		t.Errorf("after %d tries: %s\n%s", tries, m.counts(), difference(m.events(t), whole.events(t)))
	}
}

// difference returns the first lines that differ.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return strings.Join(a[max(0, i-12):min(len(a), i+3)], "\n") + "\nwant\n" + strings.Join(b[max(0, i-3):min(len(b), i+3)], "\n")
		}
	}
	return "one is longer"
}

func TestFaultsChangeNothing(t *testing.T) {
	f, whole := everything(t), newMemory()
	f.collect(t, whole, now, nil)
	var n int
	struck := map[string]bool{}
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		n++
		if key := r.URL.String(); n%3 != 0 || struck[key] {
			delete(struck, key)
			return false
		}
		struck[r.URL.String()] = true
		switch n / 3 % 5 {
		case 0:
			w.WriteHeader(http.StatusBadGateway)
		case 1:
			w.Header().Set("Content-Length", "5000")
			_, _ = io.WriteString(w, `[{"id":1`)
		case 2:
			_, _ = io.WriteString(w, "<html>Sign in</html>")
		case 3:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case 4:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return true
	}
	var mu sync.Mutex
	clock := now // passes when the client waits
	c, err := New(Config{Source: "gl", URL: f.URL, Token: "secret", Projects: []string{scope}}, source.Options{
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return clock
		},
		Tune: func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1e6 },
		Sleep: func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			clock = clock.Add(d)
			return ctx.Err()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	if err := c.Collect(t.Context(), scope, m); err != nil {
		t.Fatal(err)
	}
	if m.events(t) != whole.events(t) {
		t.Errorf("failing requests changed what is stored: %s", m.counts())
	}
}

func TestAStreamThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	f, m := everything(t), newMemory()
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/pipelines") {
			_, _ = io.WriteString(w, `{"this":"is no list"}`)
			return true
		}
		return false
	}
	err := f.try(t, m, now, nil)
	if err == nil || !strings.Contains(err.Error(), "pipelines: ") || !strings.Contains(err.Error(), "not what GitLab documents") {
		t.Errorf("error: %v", err)
	}
	if len(m.changes) != 140 || len(m.deployments) != 140 || len(m.runs) != 0 {
		t.Errorf("stored %s", m.counts())
	}
}

func TestAGapIsFoundAndRefilled(t *testing.T) {
	f, m := everything(t), newMemory()
	f.pipe(nth(75)-5, now.Add(-time.Hour-755*time.Minute), "skipped")["source"] = childSource // a child without jobs, which could name it
	f.collect(t, m, now, nil)
	before := m.events(t)
	delete(m.runs, "99245")
	delete(m.runs, "99000")
	delete(m.runs, "99295")
	delete(m.deployments, "2950")
	delete(m.changes, "400")
	f.collect(t, m, now.Add(time.Minute), nil)
	if l := m.entries[event.KindPipelineRun]; l.Stored >= l.Expected {
		t.Errorf("the ledger hides the gap: %+v", l)
	}
	f.collect(t, m, now.Add(2*time.Minute), nil)
	if m.events(t) != before {
		t.Errorf("refilled to %s\n%s", m.counts(), difference(m.events(t), before))
	}
	if l := m.entries[event.KindPipelineRun]; l.Stored != l.Expected {
		t.Errorf("ledger: %+v", l)
	}
}

func TestSince(t *testing.T) {
	f, m := start(t), newMemory()
	f.history(500)
	since := func(n int) func(*Config) {
		return func(c *Config) { c.Since = now.Add(-time.Hour - time.Duration(n)*10*time.Minute).Add(time.Minute) }
	}
	f.collect(t, m, now, since(150))
	if len(m.runs) != 150 {
		t.Errorf("stored %s", m.counts())
	}
	f.collect(t, m, now.Add(time.Minute), since(350))
	if len(m.runs) != 350 {
		t.Errorf("stored %s after since was moved back", m.counts())
	}
	for id, r := range m.runs {
		if r.FinishedAt.IsZero() {
			t.Errorf("%s has no end", id)
			break
		}
	}
	m.since = now.AddDate(-1, 0, 0)
	f.collect(t, m, now.Add(2*time.Minute), since(150))
	if len(m.runs) != 500 {
		t.Errorf("stored %s after reading back further once", m.counts())
	}
}

func TestTheProgressOfThreeStreamsIsSafe(t *testing.T) {
	f := everything(t)
	c := f.collector(t, now, nil)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := c.Collect(t.Context(), scope, newMemory()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
