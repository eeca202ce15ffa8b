package gitlab

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/event"
)

func TestUnknownWordsAreKeptAndLoggedOnce(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	for i := range 3 {
		f.pipe(nth(i), now.Add(-time.Duration(i+1)*time.Hour), "melted", "build")
	}
	var log bytes.Buffer
	c := f.collector(t, now, nil)
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	if err := c.Collect(t.Context(), scope, m); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "word=melted"); n != 2 { // of a pipeline, and of a job
		t.Errorf("logged %d times: %s", n, log.String())
	}
	for _, r := range collecttest.Stored[event.PipelineRun](m) {
		if r.StatusRaw != "melted" || r.Status != event.Running {
			t.Errorf("%+v", r)
		}
	}
}

func deploy(id int64, change object) object {
	d := object{
		"id":         id,
		"status":     "success",
		"ref":        "v1.2.0",
		"sha":        "cc",
		"created_at": "2026-11-20T10:00:00.000Z",
		"updated_at": "2026-11-20T10:09:00.000Z",
		"user": object{
			"username": "anna",
		},
		"environment": object{"name": "production"},
		"deployable": object{
			"id":            1,
			"status":        "success",
			"allow_failure": false,
			"tag":           true,
			"started_at":    "2026-11-20T10:01:00.000Z",
			"finished_at":   "2026-11-20T11:05:00.000+01:00",
			"pipeline":      object{"source": "push"},
			"web_url":       "https://gitlab.example.com/j",
		},
	}
	for k, v := range change {
		d[k] = v
	}
	return d
}

func TestDeployments(t *testing.T) {
	allowed := func(status string) object {
		return object{
			"status": status,
			"deployable": object{
				"status":        status,
				"allow_failure": true,
				"started_at":    nil,
				"finished_at":   "2026-11-20T10:05:00.000Z",
			},
		}
	}
	for _, tc := range []struct {
		name     string
		change   object
		status   event.Status
		finished string // 15:04; empty: not known
	}{
		{"succeeded", object{}, event.Succeeded, "10:05"},
		{"failed", object{"status": "failed"}, event.Failed, "10:05"},
		{"failed, and its job may fail", allowed("failed"), event.Skipped, "10:05"},
		{"succeeded, and its job may fail", allowed("success"), event.Succeeded, "10:05"},
		{"running", object{"status": "running"}, event.Running, ""},
		{"waits for an approval", object{"status": "blocked"}, event.Waiting, ""},
		{"recorded through the API", object{"deployable": nil}, event.Succeeded, "10:09"},
		{"null times", object{"created_at": nil, "updated_at": nil, "deployable": nil}, event.Succeeded, ""},
		{"no environment", object{"environment": nil}, event.Succeeded, "10:05"},
		{"a broken time", object{"created_at": "soon", "finished_at": 7}, event.Succeeded, "10:05"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, m := start(t), collecttest.NewWriter()
			f.add("deployments", deploy(5, tc.change))
			f.collect(t, m, now, nil)
			d := collecttest.Stored[event.Deployment](m)["5"]
			finished := ""
			if !d.FinishedAt.IsZero() {
				finished = d.FinishedAt.UTC().Format("15:04")
			}
			if d.Status != tc.status || finished != tc.finished || d.StatusRaw == "" || d.Actor != "anna" {
				t.Errorf("%+v", d)
			}
		})
	}
	f, m := start(t), collecttest.NewWriter()
	f.add("deployments", deploy(5, nil))
	f.collect(t, m, now, nil)
	if d := collecttest.Stored[event.Deployment](m)["5"]; d.Version != "v1.2.0" || d.Environment != "production" ||
		d.Trigger != "push" ||
		d.URL != "https://gitlab.example.com/j" {
		t.Errorf("%+v", d)
	}
}

func TestADeploymentIsReadUntilItIsFinal(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	d := deploy(5, object{"status": "running"})
	f.add("deployments", d)
	f.collect(t, m, now, nil)
	f.change(func() { d["status"], d["updated_at"] = "failed", stampText(now.Add(time.Minute)) })
	f.collect(t, m, now.Add(2*time.Minute), nil)
	if got := collecttest.Stored[event.Deployment](m)["5"]; got.Status != event.Failed || got.FinishedAt.IsZero() {
		t.Errorf("%+v", got)
	}
}

func TestAnOddRecordDoesNotCostTheOthers(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.history(150)
	f.find("pipelines", nth(40))["created_at"] = 7
	f.find("pipelines", nth(41))["ref"] = []int{1}
	f.find("jobs", nth(50)*10)["queued_duration"] = "long"
	f.find("jobs", nth(51)*10)["user"] = "anna"
	f.find("pipelines", nth(60))["id"] = "none"
	f.add("deployments", deploy(5, nil), object{"id": nil}, deploy(4, object{"user": 7}))
	f.collect(t, m, now, nil)
	if m.Number(event.KindPipelineRun) != 149 || m.Number(event.KindPipelineJob) < 298 ||
		m.Number(event.KindDeployment) != 2 {
		t.Errorf("stored %s", counts(m))
	}
	j := collecttest.Stored[event.PipelineJob](m)[fmt.Sprintf("%d/1/%d", nth(50), nth(50)*10)]
	// its creation, not its start: 0 seconds in the queue would be invented
	if !j.CreatedAt.Equal(j.StartedAt.Add(-time.Second)) {
		t.Errorf("%+v", j)
	}
}

func TestNamesInAnyScript(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	p := f.pipe(nth(0), now.Add(-time.Hour), "success", "сборка 🚀", "テスト [1/2]")
	p["ref"], p["name"] = "фича/длинная", "夜間ビルド"
	mr := f.pipe(nth(1), now.Add(-2*time.Hour), "success")
	mr["ref"] = "refs/merge-requests/42/head"
	f.collect(t, m, now, nil)
	if r := m.Run("100000"); r.Branch != "фича/длинная" || r.Pipeline != "夜間ビルド" ||
		collecttest.Stored[event.PipelineJob](m)["100000/1/1000000"].Name != "сборка 🚀" {
		t.Errorf("%+v %+v", r, collecttest.Stored[event.PipelineJob](m))
	}
	if r := m.Run("99990"); r.Branch != "!42" || r.Pipeline != "pipeline" {
		t.Errorf("%+v", r)
	}
}

func TestJobsAsConfigured(t *testing.T) {
	other := func(f *fake) {
		f.history(20)
		for _, j := range f.lists["jobs"][:10] {
			j["ref"] = "feature"
		}
	}
	for choice, want := range map[Jobs]int{AllJobs: 40, DefaultBranchJobs: 30, NoJobs: 0} {
		t.Run(string(choice), func(t *testing.T) {
			f, m := start(t), collecttest.NewWriter()
			other(f)
			f.collect(t, m, now, func(c *Config) { c.Jobs = choice })
			if m.Number(event.KindPipelineJob) != want || m.Number(event.KindPipelineRun) != 20 {
				t.Errorf("stored %s", counts(m))
			}
			if asked, _ := f.asked(); choice == NoJobs && containing(asked, "/jobs?") > 0 {
				t.Error("jobs are asked for")
			}
			f.collect(t, m, now.Add(time.Minute), nil)
			if m.Number(event.KindPipelineJob) != 40 {
				t.Errorf("stored %s when all jobs are wanted", counts(m))
			}
		})
	}
}

func TestAPipelineWithoutJobsIsAskedForItsTimes(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	p := f.pipe(nth(0), now.Add(-time.Hour), "failed")
	p["source"], p["started_at"], p["finished_at"], p["user"] = "external", stampText(
		now.Add(-50*time.Minute),
	), stampText(now.Add(-40*time.Minute)), object{
		"username": "ci",
	}
	f.collect(t, m, now, nil)
	if r := m.Run("100000"); r.Pipeline != "external" || !r.StartedAt.Equal(now.Add(-50*time.Minute)) ||
		!r.FinishedAt.Equal(now.Add(-40*time.Minute)) {
		t.Errorf("%+v", r)
	}
}

func TestServersOfOtherAges(t *testing.T) {
	for _, tc := range []struct {
		name string
		tune func(*fake)
	}{
		{"no keyset paging of jobs", func(f *fake) { f.noKeyset = true }},
		{"no totals", func(f *fake) { f.noTotal = true }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, m, plain := everything(t), collecttest.NewWriter(), collecttest.NewWriter()
			f.collect(t, plain, now, nil)
			tc.tune(f)
			f.collect(t, m, now, nil)
			if m.Text() != plain.Text() {
				t.Errorf("stored %s\n%s", counts(m), m.Text())
			}
			f.collect(t, m, now.Add(time.Minute), nil)
			if m.Text() != plain.Text() {
				t.Error("the second collect changed what is stored")
			}
		})
	}
	f, m := start(t), collecttest.NewWriter()
	f.history(130)
	f.noSource = true // answers with all pipelines where children are asked for
	f.collect(t, m, now, nil)
	f.asked()
	f.collect(t, m, now.Add(time.Minute), nil)
	if asked, whole := f.asked(); m.Number(event.KindPipelineRun) != 130 || whole != 0 ||
		containing(asked, mapping.ChildSource) != 0 {
		t.Errorf("stored %s, asked %s", counts(m), strings.Join(asked, "\n"))
	}
}

func TestRulesMakeDeploymentsOfJobs(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.pipe(nth(0), now.Add(-time.Hour), "success", "build", "deploy-prod")
	f.pipe(nth(1), now.Add(-2*time.Hour), "failed", "deploy-prod")["ref"] = "x"
	f.find("jobs", nth(1)*10)["allow_failure"] = true
	f.collect(t, m, now, nil)
	rules := func(c *Config) {
		c.Deployments = []mapping.DeploymentRule{{Job: "deploy-*", Environment: "production"}}
	}
	f.collect(t, m, now.Add(time.Minute), rules) // rules that were not there before
	a, b := collecttest.Stored[event.Deployment](m)[fmt.Sprint("job/", nth(0)*10+1)], collecttest.Stored[event.Deployment](m)[fmt.Sprint("job/", nth(1)*10)]
	if m.Number(event.KindDeployment) != 2 || a.Environment != "production" || a.Status != event.Succeeded ||
		a.FinishedAt.IsZero() ||
		b.Status != event.Skipped ||
		b.StatusRaw != "failed" {
		t.Errorf("%+v", collecttest.Stored[event.Deployment](m))
	}
	f.asked()
	f.collect(t, m, now.Add(2*time.Minute), rules)
	if asked, whole := f.asked(); whole != 0 || len(asked) != 4 {
		t.Errorf("asked %s", strings.Join(asked, "\n"))
	}
}

func TestMergeRequests(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	base := object{
		"state":      "opened",
		"title":      "t",
		"created_at": "2026-11-20T10:00:00.000Z",
		"updated_at": "2026-11-20T10:00:00.000Z",
		"author":     object{"username": "project_7_bot_1a2b"},
		"sha":        "hh",
	}
	add := func(id int64, change object) {
		o := object{"id": id + 1000, "iid": id}
		for _, from := range []object{base, change} {
			for k, v := range from {
				o[k] = v
			}
		}
		f.add("merge_requests", o)
	}
	add(1, nil)
	add(
		2,
		object{
			"state":            "merged",
			"merged_at":        "2026-11-20T11:00:00.000Z",
			"merge_commit_sha": "mm",
			"author":           object{"username": "anna"},
		},
	)
	add(
		3,
		object{
			"state":             "merged",
			"merged_at":         "2026-11-20T11:00:00.000Z",
			"squash_commit_sha": "ss",
			"description":       "This reverts merge request !2",
		},
	)
	add(
		4,
		object{"state": "closed", "closed_at": "2026-11-20T12:00:00.000Z", "author": nil, "source_branch": "revert-0123abcd"},
	)
	f.collect(t, m, now, nil)
	if c := collecttest.Stored[event.Change](m)["1"]; !c.Bot || !c.MergedAt.IsZero() || !c.ClosedAt.IsZero() ||
		c.MergeSHA != "" ||
		c.Repository != scope ||
		c.Number != 1 {
		t.Errorf("%+v", c)
	}
	if c := collecttest.Stored[event.Change](m)["2"]; c.MergeSHA != "mm" || c.Bot || c.Author != "anna" ||
		c.ClosedAt.IsZero() {
		t.Errorf("%+v", c)
	}
	if c := collecttest.Stored[event.Change](m)["3"]; c.MergeSHA != "ss" || c.Reverts != "2" {
		t.Errorf("%+v", c)
	}
	if c := collecttest.Stored[event.Change](m)["4"]; c.ClosedAt.IsZero() || !c.MergedAt.IsZero() ||
		c.Reverts != "0123abcd" ||
		c.Author != "" {
		t.Errorf("%+v", c)
	}
}

func TestGroupsAndProjects(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.group = []object{
		f.project,
		{"id": int64(8), "path_with_namespace": "acme/sub/Ünïcode"},
		{"id": int64(9), "path_with_namespace": "acme/old", "archived": true},
	}
	tune := func(c *Config) { c.Groups = []string{"acme"} }
	scopes, err := f.collector(t, now, tune).Scopes(t.Context(), m)
	if err != nil || !slices.Equal(scopes, []string{scope, "acme/sub/Ünïcode"}) {
		t.Errorf("%q, %v", scopes, err)
	}
	f.asked()
	again, err := f.collector(t, now.Add(time.Minute), tune).Scopes(t.Context(), m)
	if asked, whole := f.asked(); err != nil || !slices.Equal(again, scopes) || len(asked) != 1 || whole != 0 {
		t.Errorf("%q, %v, asked %q", again, err, asked)
	}
	all, err := f.collector(t, now, func(c *Config) { c.Groups, c.Archived = []string{"acme"}, true }).
		Scopes(t.Context(), m)
	if err != nil || len(all) != 3 {
		t.Errorf("with archived: %q, %v", all, err)
	}
}

func TestWhatIsSwitchedOffIsSaid(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Count(r.URL.Path, "/") > 4 && !strings.HasSuffix(r.URL.Path, "merge_requests") &&
			!strings.HasSuffix(r.URL.Path, scope) {
			refuse(w, 403, "403 Forbidden")
			return true
		}
		return false
	}
	f.collect(t, m, now, nil)
	for _, kind := range []event.Kind{event.KindPipelineRun, event.KindDeployment} {
		if l := m.Ledger(kind); !strings.Contains(l.Note, "switched off") {
			t.Errorf("%s: %+v", kind, l)
		}
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		status        int
		message, want string
	}{{401, "invalid_token", "read_api"}, {404, "404 Project Not Found", "does not exist"}, {403, "insufficient_scope", "Reporter"}} {
		t.Run(fmt.Sprint(tc.status), func(t *testing.T) {
			f := start(t)
			f.before = func(w http.ResponseWriter, _ *http.Request) bool {
				refuse(w, tc.status, tc.message)
				return true
			}
			c := f.collector(t, now, nil)
			_, scopes := c.Scopes(t.Context(), collecttest.NewWriter())
			for _, err := range []error{scopes, c.Check(t.Context())} {
				if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "project "+scope) {
					t.Errorf("error %v does not say %q", err, tc.want)
				}
			}
		})
	}
	f := start(t)
	if err := f.collector(t, now, nil).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestASecondUpdateAtTheCursorIsRead(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.history(150)
	f.collect(t, m, now, nil)
	f.asked()
	f.find("pipelines", nth(0))["status"] = "running" // run again, in the instant of the update that is known
	job := f.find("jobs", nth(0)*10)
	job["status"], job["finished_at"] = "running", nil
	f.collect(t, m, now.Add(time.Minute), nil)
	id := fmt.Sprint(nth(0))
	if r := m.Run(id); r.Status != event.Running || !r.FinishedAt.IsZero() {
		t.Errorf("stored as %s, finished %s", r.Status, r.FinishedAt)
	}
	f.find("pipelines", nth(0))["status"] = "success"
	job["status"], job["finished_at"] = "success", stampText(now.Add(time.Minute))
	f.collect(t, m, now.Add(2*time.Minute), nil)
	if r := m.Run(id); r.Status != event.Succeeded || !r.FinishedAt.Equal(now.Add(time.Minute)) {
		t.Errorf("stored as %s, finished %s", r.Status, r.FinishedAt)
	}
}
