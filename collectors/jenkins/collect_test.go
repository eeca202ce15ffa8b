package jenkins

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

func TestTheFirstSyncReadsLongPages(t *testing.T) {
	f := start(t, freestyle("shop", until(1234)...))
	m := newMemories()
	f.collect(t, m, now, nil)
	if n := m.of("shop").Number(event.KindPipelineRun); n != 1234 {
		t.Errorf("stored %d runs", n)
	}
	asked := f.asked()
	if len(asked) != 1+1+6 { // the root, the newest builds, and 1134 older ones
		t.Errorf("%d requests: %s", len(asked), strings.Join(asked, "\n"))
	}
	for _, a := range asked {
		if strings.HasSuffix(a, "?") {
			t.Errorf("no tree: %s", a)
		}
	}
	if !strings.Contains(asked[1], "{0,100}") || !strings.Contains(asked[2], "{99,300}") {
		t.Errorf("ranges of the first pages: %s, %s", asked[1], asked[2])
	}
	l := m.of("shop").Ledger(event.KindPipelineRun)
	if l.Expected != 1234 || l.Stored != 1234 || l.Open != 0 {
		t.Errorf("ledger: %+v", l)
	}
}

func TestWhenNothingIsNewOneRequestTellsIt(t *testing.T) {
	for _, etags := range []bool{false, true} {
		f := start(
			t,
			freestyle("a", until(150)...),
			freestyle("b", until(3)...),
			freestyle("never"),
			folder("team", freestyle("c", until(5)...)),
		)
		f.etags = etags
		m := newMemories()
		f.collect(t, m, now, nil)
		before, appended := m.of("a").Text(), m.of("a").Appended()
		f.asked()
		f.collect(t, m, now.Add(time.Minute), nil)
		if asked := f.asked(); len(asked) != 1 {
			t.Errorf("with ETags %t: %d requests: %s", etags, len(asked), strings.Join(asked, "\n"))
		}
		if m.of("a").Text() != before || m.of("a").Appended() != appended {
			t.Error("the second collect changed what is stored")
		}
	}
}

func TestOnlyWhatIsNewIsAskedFor(t *testing.T) {
	job := freestyle("shop", until(300)...)
	f := start(t, job)
	m := newMemories()
	f.collect(t, m, now, nil)
	f.asked()
	f.change(func() { job.builds = until(303) })
	f.collect(t, m, now.Add(time.Minute), nil)
	asked := f.asked()
	if len(asked) != 2 || !strings.Contains(asked[1], "{0,4}") {
		t.Errorf("asked %s", strings.Join(asked, "\n"))
	}
	if n := m.of("shop").Number(event.KindPipelineRun); n != 303 {
		t.Errorf("stored %d", n)
	}
	f.change(func() { job.builds = until(600) })
	f.collect(t, m, now.Add(2*time.Minute), nil)
	if n := m.of("shop").Number(event.KindPipelineRun); n != 600 {
		t.Errorf("stored %d after many new builds", n)
	}
	if n := len(f.asked()); n != 1+2 {
		t.Errorf("%d requests for 297 new builds", n)
	}
}

func TestARunningBuildIsReadUntilItIsFinal(t *testing.T) {
	builds := until(250)
	builds[0], builds[180] = running(250), running(70) // the second is on no newest page
	job := freestyle("shop", builds...)
	f := start(t, job)
	m := newMemories()
	f.collect(t, m, now, nil)
	for _, id := range []string{"250", "70"} {
		if r := m.of("shop").Run(id); r.Status != event.Running || !r.FinishedAt.IsZero() || r.StartedAt.IsZero() {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if l := m.of("shop").Ledger(event.KindPipelineRun); l.Open != 2 {
		t.Errorf("ledger: %+v", l)
	}
	f.change(func() { job.builds[180] = ended(70, "FAILURE") })
	f.collect(t, m, now.Add(time.Minute), nil)
	f.change(func() { job.builds[0] = ended(250, "UNSTABLE") })
	f.collect(t, m, now.Add(2*time.Minute), nil)
	f.asked()
	f.collect(t, m, now.Add(3*time.Minute), nil)
	if asked := f.asked(); len(asked) != 1 {
		t.Errorf("%d requests though all is final", len(asked))
	}
	if r := m.of("shop").
		Run("70"); r.Status != event.Failed || r.StatusRaw != "FAILURE" ||
		!r.FinishedAt.Equal(at(70).Add(time.Minute)) {
		t.Errorf("70: %+v", r)
	}
	if r := m.of("shop").Run("250"); r.Status != event.Failed || r.StatusRaw != "UNSTABLE" {
		t.Errorf("250: %+v", r)
	}
}

func TestABuildThatNeverEndsIsLetGo(t *testing.T) {
	builds := until(250)
	builds[180] = running(70)
	f := start(t, freestyle("shop", builds...))
	m := newMemories()
	f.collect(t, m, now, nil)
	f.collect(t, m, now.Add(60*24*time.Hour), nil)
	f.asked()
	f.collect(t, m, now.Add(60*24*time.Hour+time.Minute), nil)
	if asked := f.asked(); len(asked) != 1 {
		t.Errorf("asked %s", strings.Join(asked, "\n"))
	}
}

func TestPagesThatShiftWhileTheyAreRead(t *testing.T) {
	for _, tc := range []struct {
		name string
		then func(job *item, pages int)
		lost int // builds that Jenkins deleted before they were read
	}{
		{"new builds push the others down", func(job *item, pages int) {
			for range 7 {
				n, _ := (*job.builds[0])["number"].(int)
				job.builds = slices.Insert(job.builds, 0, ended(n+1, "SUCCESS"))
			}
		}, 0},
		{"read builds are deleted and the others move up", func(job *item, pages int) {
			if pages < 4 {
				job.builds = slices.Delete(job.builds, 10, 40)
			}
		}, 0},
		{"the oldest are deleted", func(job *item, pages int) {
			job.builds = job.builds[:max(100, len(job.builds)-5)]
		}, 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			job := freestyle("shop", until(500)...)
			f := start(t, job)
			pages := 0
			f.before = func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.RawQuery, "allBuilds") {
					if pages++; pages > 1 && pages < 20 {
						tc.then(job, pages)
					}
				}
				return false
			}
			m := newMemories()
			f.collect(t, m, now, nil)
			f.before = nil
			f.collect(t, m, now.Add(time.Minute), nil)
			kept := m.of("shop")
			for n := 1 + tc.lost; n <= 500; n++ {
				if kept.Run(fmt.Sprint(n)).ID == "" {
					t.Fatalf("build %d is missing", n)
				}
			}
			for _, b := range job.builds {
				if kept.Run(fmt.Sprint((*b)["number"])).ID == "" {
					t.Fatalf("build %d is missing", (*b)["number"])
				}
			}
		})
	}
}

func TestAJobThatWasMadeAnewCountsFromOneAgain(t *testing.T) {
	job := freestyle("shop", until(20)...)
	f := start(t, job)
	m := newMemories()
	f.collect(t, m, now, nil)
	f.change(func() {
		b := *ended(1, "FAILURE")
		b["timestamp"] = now.UnixMilli()
		job.builds = []*fakeBuild{&b}
	})
	f.collect(t, m, now.Add(time.Minute), nil)
	f.collect(t, m, now.Add(2*time.Minute), nil)
	kept := m.of("shop")
	if n := kept.Number(event.KindPipelineRun); n != 21 {
		t.Errorf("stored %d runs", n)
	}
	if r := kept.Run("1"); r.Status != event.Succeeded {
		t.Errorf("the first build 1 was overwritten: %+v", r)
	}
	if r := kept.Run(fmt.Sprint("1@", now.UnixMilli())); r.Status != event.Failed {
		t.Errorf("the second build 1: %+v", r)
	}
}

// organization is a Jenkins with something of everything.
func organization() []*item {
	builds := until(430)
	builds[5], builds[150] = running(425), running(280)
	deploys := until(120)
	for i, b := range deploys {
		(*b)["actions"] = []any{
			map[string]any{
				"parameters": []any{
					map[string]any{"name": "ENV", "value": []string{"prod", "staging"}[i%2]},
					map[string]any{"name": "TAG", "value": fmt.Sprint("v", i)},
				},
			},
		}
	}
	var main []*fakeBuild
	for n := 130; n > 0; n-- {
		b := *ended(n, "SUCCESS")
		b["_class"] = "org.jenkinsci.plugins.workflow.job.WorkflowRun"
		b["stages"] = []any{
			map[string]any{
				"id":              "6",
				"name":            "Build",
				"status":          "SUCCESS",
				"startTimeMillis": at(n).UnixMilli(),
				"durationMillis":  1000,
			},
			map[string]any{
				"id":              "9",
				"name":            "Prüfen 検査",
				"status":          "FAILED",
				"startTimeMillis": at(n).UnixMilli(),
				"durationMillis":  2000,
			},
		}
		main = append(main, &b)
	}
	return []*item{freestyle("shop", builds...), folder("team", freestyle("deploy", deploys...),
		multibranch("api", freestyle("main", main...), freestyle("feature%2Fx", until(3)...)))}
}

func everything(c *Config) {
	c.Stages = true
	c.Deployments = []DeploymentRule{{Job: "team/deploy", EnvironmentParameter: "ENV", VersionParameter: "TAG"}}
}

func TestAGapIsFoundAndRefilled(t *testing.T) {
	f := start(t, freestyle("shop", until(250)...))
	m := newMemories()
	f.collect(t, m, now, nil)
	kept := m.of("shop")
	for _, n := range []int{3, 120, 249} {
		kept.Remove(event.KindPipelineRun, fmt.Sprintf("%d/1", n))
	}
	f.collect(t, m, now.Add(time.Minute), nil)
	if l := kept.Ledger(event.KindPipelineRun); l.Stored != 250 || l.Expected != 250 {
		t.Errorf("ledger: %d of %d", l.Stored, l.Expected)
	}
	f.asked()
	kept.Remove(event.KindPipelineRun, "7/1")
	f.collect(t, m, now.Add(2*time.Minute), nil)
	if n := len(f.asked()); n != 1 {
		t.Errorf("looked for gaps again within the day: %d requests", n)
	}
	if l := kept.Ledger(event.KindPipelineRun); l.Stored != 249 || l.Expected != 250 {
		t.Errorf("the ledger hides a gap: %d of %d", l.Stored, l.Expected)
	}
}

func TestSince(t *testing.T) {
	f := start(t, freestyle("shop", until(1000)...))
	m := newMemories()
	since := func(number int) func(*Config) { return func(c *Config) { c.Since = at(number) } }
	f.collect(t, m, now, since(901))
	if n := m.of("shop").Number(event.KindPipelineRun); n != 100 {
		t.Errorf("stored %d", n)
	}
	if n := len(f.asked()); n > 3 {
		t.Errorf("%d requests", n)
	}
	f.collect(t, m, now.Add(time.Minute), since(501))
	if n := m.of("shop").Number(event.KindPipelineRun); n != 500 {
		t.Errorf("stored %d after since was moved back", n)
	}
	f.collect(t, m, now.Add(2*time.Minute), since(901))
	if n := m.of("shop").Number(event.KindPipelineRun); n != 500 {
		t.Errorf("stored %d after since was moved forward", n)
	}
}

func TestABranchThatCannotBeReadDoesNotHoldUpTheOthers(t *testing.T) {
	api := multibranch(
		"api",
		freestyle("aaa", until(3)...),
		freestyle("main", until(4)...),
		freestyle("gone", until(2)...),
	)
	f := start(t, api)
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.Contains(r.URL.Path, "/job/aaa/"):
			w.WriteHeader(http.StatusForbidden)
			return true
		case strings.Contains(r.URL.Path, "/job/gone/"): // since the project was listed
			api.jobs = api.jobs[:2]
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	}
	m := newMemories()
	_, err := m.collect(t.Context(), f.collector(t, now, nil))
	if err == nil || !strings.Contains(err.Error(), "builds of api/aaa") || !strings.Contains(err.Error(), "Job/Read") ||
		strings.Contains(err.Error(), "api/gone") {
		t.Errorf("error: %v", err)
	}
	if n := m.of("api").Number(event.KindPipelineRun); n != 4 {
		t.Errorf("stored %d runs of the branch that can be read", n)
	}
}

func TestADeletedBranchKeepsItsBuilds(t *testing.T) {
	api := multibranch("api", freestyle("main", until(4)...), freestyle("old", until(5)...))
	f := start(t, api)
	m := newMemories()
	f.collect(t, m, now, nil)
	f.change(func() { api.jobs = api.jobs[:1] })
	f.collect(t, m, now.Add(time.Minute), nil)
	kept := m.of("api")
	if l := kept.Ledger(event.KindPipelineRun); kept.Number(event.KindPipelineRun) != 9 || l.Expected != 9 ||
		l.Stored != 9 {
		t.Errorf("%d runs, ledger %+v", kept.Number(event.KindPipelineRun), l)
	}
	if kept.Run("old#5").Branch != "old" {
		t.Errorf("%+v", kept.Run("old#5"))
	}
}

func TestTheUserAndTokenAreSentTogether(t *testing.T) {
	f := start(t, freestyle("shop", until(1)...))
	f.collect(t, newMemories(), now, nil)
	if !f.auth["Basic dTp4"] || len(f.auth) != 1 {
		t.Errorf("sent %v", f.auth)
	}
	g := start(t, freestyle("shop", until(1)...))
	g.collect(t, newMemories(), now, func(c *Config) { c.User, c.Token = "", "" })
	if !g.auth[""] || len(g.auth) != 1 {
		t.Errorf("without credentials sent %v", g.auth)
	}
}
