package circleci

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func TestCollect(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 10; n++ {
		f.push(n, noon.Add(time.Duration(n-400)*time.Hour), "success")
	}
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	if runs, jobs := m.Number(event.KindPipelineRun), m.Number(event.KindPipelineJob); runs != 10 || jobs != 10 {
		t.Fatalf("%d runs and %d jobs, want 10 and 10", runs, jobs)
	}
	if n := f.asked(); n != 4+10+10 {
		t.Errorf("%d requests, want 4 pages, 10 pipelines and 10 workflows", n)
	}
	got := collecttest.Find[event.PipelineRun](t, m, "7/build/1")
	created := noon.Add((7 - 400) * time.Hour)
	want := event.PipelineRun{
		Origin: event.Origin{
			Source:   "circle",
			Provider: "circleci",
			Scope:    slug,
			ID:       "7/build",
			URL:      f.URL + "/pipelines/" + slug + "/7/workflows/p7-w1",
		},
		Attempt:    1,
		Pipeline:   "build",
		Status:     event.Succeeded,
		StatusRaw:  "success",
		Branch:     "main",
		Trigger:    "push",
		SHA:        fmt.Sprintf("%040d", 7),
		Actor:      "ann",
		CreatedAt:  created,
		StartedAt:  created.Add(10 * time.Second),
		FinishedAt: created.Add(time.Minute),
	}
	if got != want {
		t.Errorf("run is\n%+v, want\n%+v", got, want)
	}
	job := collecttest.Find[event.PipelineJob](t, m, "7/build/1/p7-w1-j1")
	if !job.CreatedAt.IsZero() || job.FinishedAt != want.FinishedAt || job.URL != want.URL+"/jobs/1" {
		t.Errorf("job is %+v", job)
	}
	if l := m.Ledger(event.KindPipelineRun); l.Expected != 10 || l.Stored != 10 || l.Note != "" {
		t.Errorf("ledger is %+v", l)
	}

	before := m.Appended()
	collect(t, c, m)
	if n := f.asked(); n != 1 || m.Appended() != before {
		t.Errorf("nothing is new: %d requests and %d events, want 1 and 0", n, m.Appended()-before)
	}
}

func TestNewPipelinesConnectToWhatIsKnown(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 10; n++ {
		f.push(n, noon.Add(-400*time.Hour), "success")
	}
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	f.asked()
	for n := 11; n <= 15; n++ {
		f.push(n, noon.Add(-300*time.Hour), "success")
	}
	collect(t, c, m)
	if runs := m.Number(event.KindPipelineRun); runs != 15 {
		t.Errorf("%d runs, want 15", runs)
	}
	if n := f.asked(); n != 2+5+5 {
		t.Errorf("%d requests, want 2 pages and 2 a new pipeline", n)
	}
	f.push(17, noon.Add(-200*time.Hour), "success")
	f.push(16, noon.Add(-200*time.Hour), "success") // listed above what was created at the same moment
	f.mu.Lock()
	f.pipelines[0], f.pipelines[1], f.pipelines[2] = f.pipelines[1], f.pipelines[2], f.pipelines[0] // 17 15 16
	f.pageSize = 2
	f.mu.Unlock()
	collect(t, c, m)
	if runs := m.Number(event.KindPipelineRun); runs != 17 {
		t.Errorf("%d runs, want 17: a pipeline that stands below an older one is read as well", runs)
	}
}

func TestRunningAgain(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.push(1, noon.Add(-5*time.Minute), "failed")
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	f.mu.Lock()
	id := f.flow("p1", "build", "success", noon, "test", "deploy")
	f.jobs[id][0]["stopped_at"] = at(noon.Add(-4 * time.Minute)) // carried over from the first attempt
	f.workflows["p1"][0], f.workflows["p1"][1] = f.workflows["p1"][1], f.workflows["p1"][0]
	f.mu.Unlock()
	collect(t, c, m)
	if m.Number(event.KindPipelineRun) != 1 {
		t.Fatal("it was asked again at once")
	}
	now.at = noon.Add(2 * time.Hour)
	collect(t, c, m)
	for attempt, want := range map[int]event.Status{1: event.Failed, 2: event.Succeeded} {
		if got := collecttest.Find[event.PipelineRun](t, m, fmt.Sprintf("1/build/%d", attempt)); got.Status != want {
			t.Errorf("attempt %d is %s, want %s", attempt, got.Status, want)
		}
	}
	want := []string{"1/build/1/p1-w1-j1", "1/build/2/p1-w2-j2"}
	if got := m.Keys(event.KindPipelineJob); !slices.Equal(got, want) {
		t.Errorf("jobs are %q, want %q", got, want)
	}
	if l := m.Ledger(event.KindPipelineRun); l.Expected != 1 || l.Stored != 1 {
		t.Errorf("attempts of one run count once: %+v", l)
	}
	f.asked()
	requests := 0
	for range 24 * 10 {
		now.at = now.at.Add(time.Hour)
		collect(t, c, m)
		requests += f.asked() - 1
	}
	if requests > 3 {
		t.Errorf("%d requests within ten days for a pipeline that has ended, want at most 3", requests)
	}
}

func TestAnAttemptKeepsItsNumber(t *testing.T) {
	first := workflow{ID: "b", Name: "build"} // without a time
	workflows := []workflow{{ID: "a", Name: "build", CreatedAt: source.Timestamp{Time: noon}}, first}
	inOrder(workflows)
	got := number(workflows, map[string]flow{"b": {Name: "build", Attempt: 1}})
	if got["b"] != 1 || got["a"] != 2 {
		t.Errorf("attempts are %v, want b to stay the first", got)
	}
}

func TestUnderWay(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.push(1, noon.Add(-10*time.Minute), "running")
	f.push(2, noon.Add(-400*time.Hour), "hibernating") // no word of CircleCI's
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	run := collecttest.Find[event.PipelineRun](t, m, "1/build/1")
	if run.Status != event.Running || !run.FinishedAt.IsZero() {
		t.Errorf("run is %+v, want it to be under way", run)
	}
	if run := collecttest.Find[event.PipelineRun](
		t,
		m,
		"2/build/1",
	); run.Status != event.Running ||
		run.StatusRaw != "hibernating" {
		t.Errorf("run is %s, %q; an unknown word is kept and the run is read again", run.Status, run.StatusRaw)
	}
	f.mu.Lock()
	for _, id := range []string{"p1", "p2"} {
		w := f.workflows[id][0]
		w["status"], w["stopped_at"] = "canceled", at(noon)
		f.jobs[id+"-w1"][0]["status"] = "blocked"
	}
	f.mu.Unlock()
	now.at = noon.Add(time.Hour)
	collect(t, c, m)
	for _, n := range []string{"1", "2"} {
		if run := collecttest.Find[event.PipelineRun](
			t,
			m,
			""+n+"/build/1",
		); run.Status != event.Cancelled ||
			!run.FinishedAt.Equal(noon) {
			t.Errorf("run %s is %+v, want it cancelled", n, run)
		}
		if job := collecttest.Find[event.PipelineJob](t, m, ""+n+"/build/1/p"+n+"-w1-j1"); job.Status != event.Skipped {
			t.Errorf("job of %s is %s: what had not begun when its workflow ended never will", n, job.Status)
		}
	}
}

func TestHowOftenAPipelineIsAskedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		w    watch
		age  time.Duration // when it was last asked for
		want time.Duration // until it is again; negative: never
	}{
		"under way":                    {watch{Open: true, Flows: map[string]flow{"w": {}}}, 10 * time.Minute, 0},
		"under way for long":           {watch{Open: true, Flows: map[string]flow{"w": {}}}, 10 * time.Hour, 30 * time.Minute},
		"waits for an approval":        {watch{Open: true, Flows: map[string]flow{"w": {}}}, 10 * 24 * time.Hour, time.Hour},
		"waits forever":                {watch{Open: true, Flows: map[string]flow{"w": {}}}, 31 * 24 * time.Hour, -1},
		"no workflow yet":              {watch{Open: true}, time.Minute, 0},
		"no workflow to come":          {watch{Open: true}, 25 * time.Hour, -1},
		"failed":                       {watch{Failed: true}, time.Minute, 15 * time.Minute},
		"failed a while ago":           {watch{Failed: true}, time.Hour, 5 * time.Hour},
		"failed long ago":              {watch{Failed: true}, 24 * time.Hour, -1},
		"succeeded":                    {watch{}, time.Minute, 6 * time.Hour},
		"succeeded yesterday":          {watch{}, 20 * time.Hour, -1},
		"created by a clock before us": {watch{Open: true}, -time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tc.w.Born, tc.w.Asked = noon, noon.Add(tc.age)
			at, ever := tc.w.due()
			if ever != (tc.want >= 0) || ever && at.Sub(tc.w.Asked) != tc.want {
				t.Errorf("asked again after %s (ever: %t), want %s", at.Sub(tc.w.Asked), ever, tc.want)
			}
		})
	}
}

func TestOddRecords(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	old := noon.Add(-400 * time.Hour)
	for n := 1; n <= 6; n++ {
		f.push(n, old, "success")
	}
	f.pipelines[0]["state"], f.workflows["p6"] = "errored", nil // no workflow was made
	delete(f.workflows, "p5")                                   // expired
	f.pipelines[2]["trigger"], f.pipelines[2]["vcs"] = object{}, nil
	f.pipelines[2]["trigger_parameters"] = object{
		"git":        object{"branch": "feature/é", "checkout_sha": "abc"},
		"github_app": object{"user_username": "renovate[bot]"},
	}
	f.pipelines[3]["number"] = 3
	f.workflows["p3"][0]["created_at"], f.workflows["p3"][0]["stopped_at"] = "", nil
	f.jobs["p3-w1"][0]["started_at"] = nil
	delete(f.jobs, "p2-w1")
	f.workflows["p1"] = append(f.workflows["p1"], object{"id": 7})
	if err := f.collector(t, now.now, nil).
		Collect(t.Context(), slug, m); !rest.OnlySkipped(err) ||
		!strings.Contains(err.Error(), "pipeline 1 (GET pipeline/p1/workflow: a record cannot be read") {
		t.Errorf("error %v", err)
	}

	failed := collecttest.Find[event.PipelineRun](t, m, "6/Build Error/1")
	if failed.Status != event.Failed || failed.StatusRaw != "errored" || !failed.CreatedAt.Equal(old) ||
		!failed.FinishedAt.IsZero() {
		t.Errorf("pipeline without a workflow is %+v", failed)
	}
	if got := collecttest.Find[event.PipelineRun](
		t,
		m,
		"4/build/1",
	); got.Branch != "feature/é" || got.SHA != "abc" || got.Actor != "renovate[bot]" || !got.Bot ||
		got.Trigger != "" {
		t.Errorf("pipeline of a GitHub App is %+v", got)
	}
	if got := collecttest.Find[event.PipelineRun](
		t,
		m,
		"3/build/1",
	); !got.CreatedAt.IsZero() || !got.StartedAt.IsZero() ||
		!got.FinishedAt.IsZero() {
		t.Errorf("times that are not given are %+v", got)
	}
	collecttest.Find[event.PipelineRun](t, m, "2/build/1")
	collecttest.Find[event.PipelineRun](t, m, "1/build/1")
	if l := m.Ledger(event.KindPipelineRun); l.Expected != 6 || l.Stored != 5 ||
		!strings.Contains(l.Note, "lists 1 pipelines") {
		t.Errorf("ledger is %+v", l)
	}
}

func TestDeployments(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	f.push(1, noon.Add(-400*time.Hour), "success")
	f.flow("p1", "release", "success", noon.Add(-399*time.Hour), "deploy-staging", "deploy-approval", "deploy-production")
	f.jobs["p1-w2"][1]["type"] = "approval"
	collect(t, f.collector(t, now.now, nil), m)
	if n := m.Number(event.KindDeployment); n != 0 {
		t.Fatalf("%d deployments without a rule", n)
	}
	c := f.collector(t, now.now, func(c *Config) {
		c.Deployments = []DeploymentRule{
			{Job: "deploy-staging", Environment: "staging"},
			{Job: "deploy-*", Environment: "production"},
			{Workflow: "build", Branch: "release/*", Environment: "x"},
		}
	})
	collect(t, c, m)
	if n := m.Number(event.KindDeployment); n != 2 {
		t.Errorf("%d deployments, want 2: an approval is none, and the other rule is for other branches: %q", n, m.Text())
	}
	d := collecttest.Find[event.Deployment](t, m, "1/release/deploy-production")
	if d.Environment != "production" || d.Status != event.Succeeded || d.SHA != fmt.Sprintf("%040d", 1) ||
		d.Ref != "main" ||
		d.StartedAt.IsZero() {
		t.Errorf("deployment is %+v", d)
	}
	if l := m.Ledger(event.KindPipelineRun); l.Expected != 2 || l.Stored != 2 {
		t.Errorf("reading again for the rules doubled what was listed: %+v", l)
	}
	f.asked()
	collect(t, c, m)
	if n := f.asked(); n != 1 {
		t.Errorf("%d requests with unchanged rules, want 1", n)
	}
}

func TestSince(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 12; n++ {
		f.push(n, noon.Add(time.Duration(n-400)*time.Hour), "success")
	}
	since := func(n int) func(*Config) {
		return func(c *Config) { c.Since = noon.Add(time.Duration(n-400) * time.Hour) }
	}
	collect(t, f.collector(t, now.now, since(8)), m)
	if n := m.Number(event.KindPipelineRun); n != 5 {
		t.Fatalf("%d runs since the eighth, want 5", n)
	}
	m.From = noon.Add((5 - 400) * time.Hour)
	collect(t, f.collector(t, now.now, since(8)), m)
	if n := m.Number(event.KindPipelineRun); n != 8 {
		t.Errorf("%d runs since the fifth, want 8", n)
	}
	m.From = time.Time{}
	collect(t, f.collector(t, now.now, nil), m)
	if l := m.Ledger(event.KindPipelineRun); m.Number(event.KindPipelineRun) != 12 || l.Expected != 12 {
		t.Errorf("%d runs, want all 12; ledger %+v", m.Number(event.KindPipelineRun), l)
	}
}

func TestFaults(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 12; n++ {
		f.push(n, noon.Add(-400*time.Hour), "success")
	}
	f.failEvery = 3
	collect(t, f.collector(t, now.now, nil), m)
	if runs, jobs := m.Number(event.KindPipelineRun), m.Number(event.KindPipelineJob); runs != 12 || jobs != 12 {
		t.Errorf("%d runs and %d jobs, want 12 and 12", runs, jobs)
	}
}

func TestPipelinesArriveWhileThePagesAreRead(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 12; n++ {
		f.push(n, noon.Add(-400*time.Hour), "success")
	}
	next := 13
	f.after = func(path string) {
		if strings.HasSuffix(path, "/pipeline") && next < 30 {
			f.add(next, noon.Add(-300*time.Hour), "success")
			next++
		}
	}
	c := f.collector(t, now.now, nil)
	for range 30 {
		collect(t, c, m)
	}
	if n := m.Number(event.KindPipelineRun); n != 29 {
		t.Errorf("%d runs, want 29", n)
	}
	if l := m.Ledger(event.KindPipelineRun); l.Expected != 29 {
		t.Errorf("ledger is %+v", l)
	}
}

func TestAPageTokenThatIsTooOld(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 12; n++ {
		f.push(n, noon.Add(-400*time.Hour), "success")
	}
	m.FailAt, m.Once = 5, true // within the second page
	c := f.collector(t, now.now, nil)
	if err := c.Collect(t.Context(), slug, m); !errors.Is(err, collecttest.ErrKilled) {
		t.Fatalf("error is %v, want the disk's", err)
	}
	refusals := 0
	f.meet = func(uri string) bool {
		if strings.Contains(uri, "page-token") && refusals == 0 {
			refusals++
			return true
		}
		return false
	}
	collect(t, c, m)
	if n := m.Number(event.KindPipelineRun); n != 12 || refusals != 1 {
		t.Errorf("%d runs after %d refusals, want 12 after 1", n, refusals)
	}
}

func TestAGapIsFilled(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	for n := 1; n <= 10; n++ {
		f.push(n, noon.Add(-400*time.Hour), "success")
	}
	c := f.collector(t, now.now, nil)
	collect(t, c, m)
	m.Remove(event.KindPipelineRun, "4/build/1")
	collect(t, c, m)
	if l := m.Ledger(event.KindPipelineRun); l.Expected != 10 || l.Stored != 10 {
		t.Errorf("ledger is %+v, want the gap filled", l)
	}
	m.Remove(event.KindPipelineRun, "4/build/1")
	f.asked()
	collect(t, c, m)
	if l := m.Ledger(event.KindPipelineRun); l.Gap() != 1 || f.asked() != 1 {
		t.Errorf("ledger is %+v, want the gap shown, and looked for once a day", l)
	}
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	if err := f.collector(t, nil, nil).Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	err := f.collector(t, nil, func(c *Config) { c.Token = "old" }).Check(t.Context())
	if !errors.Is(err, rest.ErrUnauthorized) {
		t.Errorf("Check with a bad token: %v", err)
	}
	err = f.collector(t, nil, func(c *Config) { c.Projects = append(c.Projects, "gh/acme/none") }).Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "gh/acme/none") ||
		!strings.Contains(err.Error(), "follow the project") {
		t.Errorf("Check with an unknown project: %v", err)
	}
	if _, err := f.collector(t, nil, nil).Scopes(t.Context(), nil); err != nil {
		t.Error(err)
	}
	err = f.collector(t, nil, nil).Collect(t.Context(), "github/acme/none", collecttest.NewWriter())
	if err == nil || !strings.Contains(err.Error(), "pipelines: GET project/github/acme/none/pipeline: status 404") {
		t.Errorf("Collect of an unknown project: %v", err)
	}
}
