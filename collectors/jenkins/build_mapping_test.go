package jenkins

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/event"
)

func TestStatusWords(t *testing.T) {
	yes, no := true, false
	for _, tc := range []struct {
		name     string
		result   string
		building *bool
		want     event.Status
		raw      string
		known    bool
	}{
		{"success", "SUCCESS", &no, event.Succeeded, "SUCCESS", true},
		{"failure", "FAILURE", &no, event.Failed, "FAILURE", true},
		{"tests failed", "UNSTABLE", &no, event.Failed, "UNSTABLE", true},
		{"aborted", "ABORTED", nil, event.Cancelled, "ABORTED", true},
		{"not built", "NOT_BUILT", nil, event.Skipped, "NOT_BUILT", true},
		{"not built, as it was written once", "NOT_BUILD", nil, event.Skipped, "NOT_BUILD", true},
		{"building", "", &yes, event.Running, "building", true},
		{"building, and a step has failed already", "FAILURE", &yes, event.Running, "FAILURE", true},
		{"the result is not written yet", "", &no, event.Running, "", true},
		{"nothing is said", "", nil, event.Running, "", true},
		{"a word of a plugin's own", "MELTED", &no, event.Skipped, "MELTED", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			known := true
			got, raw := buildStatus(build{Result: tc.result, Building: tc.building}, func(string, string) { known = false })
			if got != tc.want || raw != tc.raw || known != tc.known {
				t.Errorf("got %s %q %t", got, raw, known)
			}
		})
	}
}

func TestUnknownWordsAreKeptAndLoggedOnce(t *testing.T) {
	f := start(t, freestyle("shop", ended(3, "MELTED"), ended(2, "MELTED"), ended(1, "SUCCESS")))
	var log bytes.Buffer
	c := f.collector(t, now, nil)
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	m := newMemories()
	if _, err := m.collect(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "MELTED"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	if r := m.of("shop").Run("3"); r.StatusRaw != "MELTED" || r.Status != event.Skipped {
		t.Errorf("%+v", r)
	}
}

// read makes the event of the one build of a job, whose JSON is given.
func read(t *testing.T, text string, tune func(*Config)) (*collecttest.Writer, event.PipelineRun) {
	t.Helper()
	var b fakeBuild
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	f := start(t, folder("team", freestyle("deploy-shop", &b)))
	m := newMemories()
	f.collect(t, m, now, tune)
	for _, e := range m.of("team/deploy-shop").Events() {
		if r, ok := e.(event.PipelineRun); ok {
			return m.of("team/deploy-shop"), r
		}
	}
	return m.of("team/deploy-shop"), event.PipelineRun{}
}

func TestTheQueueIsKnownOnlyWithTheMetricsPlugin(t *testing.T) {
	_, r := read(
		t,
		`{"number":5,"timestamp":1700000000000,"duration":90000,"result":"SUCCESS","building":false,"actions":[{},{"queuingDurationMillis":4500}]}`,
		nil,
	)
	if began := time.UnixMilli(1700000000000).
		UTC(); !r.CreatedAt.Equal(began.Add(-4500*time.Millisecond)) || !r.StartedAt.Equal(began) ||
		!r.FinishedAt.Equal(began.Add(90*time.Second)) {
		t.Errorf("with: %+v", r)
	}
	_, r = read(
		t,
		`{"number":5,"timestamp":1700000000000,"duration":90000,"result":"SUCCESS","building":false,"actions":[{}]}`,
		nil,
	)
	if !r.CreatedAt.IsZero() || r.StartedAt.IsZero() {
		t.Errorf("without: %+v", r)
	}
}

func TestOddBuilds(t *testing.T) {
	for _, tc := range []struct {
		name, text    string
		started, ends bool
		status        event.Status
	}{
		{"null timestamp", `{"number":5,"timestamp":null,"duration":5,"result":"SUCCESS"}`, false, false, event.Succeeded},
		{"no timestamp", `{"number":5,"result":"FAILURE"}`, false, false, event.Failed},
		{"negative", `{"number":5,"timestamp":-7,"duration":-1,"result":"FAILURE"}`, false, false, event.Failed},
		{"null duration", `{"number":5,"timestamp":1700000000000,"duration":null,"result":"SUCCESS"}`, true, false, event.Succeeded},
		{"far too long", `{"number":5,"timestamp":1700000000000,"duration":9223372036854775807,"result":"SUCCESS"}`, true, false, event.Succeeded},
		{"the year 60,000", `{"number":5,"timestamp":1831000000000000,"duration":1,"result":"SUCCESS"}`, false, false, event.Succeeded},
		{"null actions and causes", `{"number":5,"timestamp":1700000000000,"duration":1,"result":"SUCCESS","actions":[null,{"causes":null},{"causes":[null]},{"lastBuiltRevision":null}]}`, true, true, event.Succeeded},
		{"a field of another type", `{"number":5,"timestamp":1700000000000,"duration":1,"result":"SUCCESS","actions":[{"causes":"none"},{"queuingDurationMillis":"long"}]}`, true, true, event.Succeeded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, r := read(t, tc.text, nil)
			if r.ID != "5" || r.Status != tc.status || r.StartedAt.IsZero() == tc.started || r.FinishedAt.IsZero() == tc.ends ||
				!r.CreatedAt.IsZero() {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestAnOddBuildDoesNotCostTheOthers(t *testing.T) {
	builds := until(250)
	(*builds[50])["number"] = "two hundred"
	(*builds[60])["timestamp"] = "yesterday"
	(*builds[70])["actions"] = map[string]any{}
	f := start(t, freestyle("shop", builds...))
	m := newMemories()
	f.collect(t, m, now, nil)
	if n := m.of("shop").Number(event.KindPipelineRun); n != 249 {
		t.Errorf("stored %d runs of the 249 that have a number", n)
	}
	if r := m.of("shop").Run("190"); r.Status != event.Succeeded || !r.StartedAt.IsZero() {
		t.Errorf("%+v", r)
	}
	f.collect(t, newMemories(), now, func(c *Config) { c.Since = at(240) })
}

func TestCauses(t *testing.T) {
	for _, tc := range []struct{ name, causes, trigger, actor string }{
		{"a person", `[{"_class":"hudson.model.Cause$UserIdCause","userId":"anna","userName":"Anna Å"}]`, "manual", "anna"},
		{"a timer", `[{"_class":"hudson.triggers.TimerTrigger$TimerTriggerCause"}]`, "schedule", ""},
		{"a push", `[{"_class":"hudson.triggers.SCMTrigger$SCMTriggerCause"}]`, "push", ""},
		{"another job", `[{"_class":"hudson.model.Cause$UpstreamCause"}]`, "upstream", ""},
		{"replayed by a person", `[{"_class":"org.jenkinsci.plugins.workflow.cps.replay.ReplayCause"},{"_class":"hudson.model.Cause$UserIdCause","userId":"bo"}]`, "manual", "bo"},
		{"a plugin's own", `[{"_class":"com.example.MoonCause"}]`, "moon", ""},
		{"none", `[]`, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, r := read(
				t,
				`{"number":5,"timestamp":1700000000000,"duration":1,"result":"SUCCESS","actions":[{"causes":`+tc.causes+`}]}`,
				nil,
			)
			if r.Trigger != tc.trigger || r.Actor != tc.actor {
				t.Errorf("trigger %q, actor %q", r.Trigger, r.Actor)
			}
		})
	}
}

func TestTheCommitIsThatOfTheJobsOwnRepository(t *testing.T) {
	_, r := read(t, `{"number":5,"timestamp":1700000000000,"duration":1,"result":"SUCCESS","actions":[
		{"lastBuiltRevision":{"SHA1":"aaa","branch":[{"name":"refs/remotes/origin/main"}]},"remoteUrls":["https://git.example.com/lib/pipeline-library.git"]},
		{"lastBuiltRevision":{"SHA1":"bbb","branch":[{"name":"refs/remotes/origin/release/1.x"}]},"remoteUrls":["git@git.example.com:acme/deploy-shop.git"]}]}`, nil)
	if r.SHA != "bbb" || r.Branch != "release/1.x" {
		t.Errorf("%q %q", r.SHA, r.Branch)
	}
	for ref, want := range map[string]string{"refs/remotes/origin/main": "main", "origin/main": "main", "refs/heads/x/y": "x/y", "detached": "", "main": "main", "refs/remotes/main": "main"} {
		if got := plainBranch(ref); got != want {
			t.Errorf("%s is %q, want %q", ref, got, want)
		}
	}
}

func TestDeploymentsByJobOrParameter(t *testing.T) {
	build := `{"number":5,"timestamp":1700000000000,"duration":1000,"result":"SUCCESS","actions":[{"parameters":[{"name":"ENV","value":"prod-eu"},{"name":"TAG","value":" v1.2 "},{"name":"N","value":7},{"name":"SECRET"},{"name":"FLAG","value":true},{"name":"F","value":{}}]}]}`
	for _, tc := range []struct {
		name                 string
		rules                []DeploymentRule
		environment, version string // no environment: it is no deployment
	}{
		{"no rule", nil, "", ""},
		{"by the job's name", []DeploymentRule{{Job: "team/deploy-*", Environment: "production"}}, "production", ""},
		{"by another job's name", []DeploymentRule{{Job: "deploy-*", Environment: "production"}}, "", ""},
		{"at any depth", []DeploymentRule{{Job: "**/deploy-*", Environment: "production", VersionParameter: "TAG"}}, "production", "v1.2"},
		{"by a parameter", []DeploymentRule{{EnvironmentParameter: "ENV", VersionParameter: "N"}}, "prod-eu", "7"},
		{"the parameter before the name", []DeploymentRule{{Job: "**", Environment: "x", EnvironmentParameter: "ENV"}}, "prod-eu", ""},
		{"the name where the parameter lacks", []DeploymentRule{{Job: "**", Environment: "x", EnvironmentParameter: "NONE"}}, "x", ""},
		{"a job without the parameter is none", []DeploymentRule{{EnvironmentParameter: "NONE", Environment: "x"}}, "", ""},
		{"the first rule that matches", []DeploymentRule{{EnvironmentParameter: "NONE"}, {Job: "team/**", Environment: "a"}, {Job: "**", Environment: "b"}}, "a", ""},
		{"a hidden value is none", []DeploymentRule{{EnvironmentParameter: "SECRET"}}, "", ""},
		{"a file is none", []DeploymentRule{{EnvironmentParameter: "F"}}, "", ""},
		{"true", []DeploymentRule{{EnvironmentParameter: "FLAG"}}, "true", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, run := read(t, build, func(c *Config) { c.Deployments = tc.rules })
			var got event.Deployment
			for _, e := range m.Events() {
				if d, ok := e.(event.Deployment); ok {
					got = d
				}
			}
			if got.Environment != tc.environment || got.Version != tc.version {
				t.Fatalf("environment %q, version %q", got.Environment, got.Version)
			}
			if tc.environment != "" &&
				(got.ID != "5" || got.Status != event.Succeeded || !got.FinishedAt.Equal(run.FinishedAt) || got.FinishedAt.IsZero()) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestParametersAreAskedForOnlyWhereARuleLooksAtThem(t *testing.T) {
	f := start(t, freestyle("shop", until(1)...))
	f.collect(t, newMemories(), now, func(c *Config) { c.Deployments = []DeploymentRule{{Job: "shop", Environment: "p"}} })
	if strings.Contains(strings.Join(f.asked(), ""), "parameters") {
		t.Error("parameters are asked for; they may be secret")
	}
	f.collect(t, newMemories(), now, func(c *Config) { c.Deployments = []DeploymentRule{{EnvironmentParameter: "ENV"}} })
	if !strings.Contains(strings.Join(f.asked(), ""), "parameters[name,value]") {
		t.Error("parameters are not asked for")
	}
}

func TestANewRuleIsAppliedToWhatIsStored(t *testing.T) {
	f := start(t, freestyle("deploy", until(150)...))
	m := newMemories()
	f.collect(t, m, now, nil)
	rule := func(c *Config) { c.Deployments = []DeploymentRule{{Job: "deploy", Environment: "production"}} }
	f.collect(t, m, now.Add(time.Minute), rule)
	if n := m.of("deploy").Number(event.KindDeployment); n != 150 || m.of("deploy").Number(event.KindPipelineRun) != 150 {
		t.Errorf("%d deployments", n)
	}
	f.asked()
	f.collect(t, m, now.Add(2*time.Minute), rule)
	if n := len(f.asked()); n != 1 {
		t.Errorf("%d requests when nothing is new", n)
	}
}

func TestStagesOnlyWhenAskedFor(t *testing.T) {
	b := *ended(2, "SUCCESS")
	b["_class"] = "org.jenkinsci.plugins.workflow.job.WorkflowRun"
	b["stages"] = []any{
		map[string]any{
			"id":              "6",
			"name":            "Build",
			"status":          "SUCCESS",
			"startTimeMillis": at(2).UnixMilli(),
			"durationMillis":  1500,
		},
		map[string]any{
			"id":              "7",
			"name":            "Freigabe",
			"status":          "PAUSED_PENDING_INPUT",
			"startTimeMillis": at(2).UnixMilli(),
			"durationMillis":  1500,
		},
		map[string]any{"id": "8", "name": "later", "status": "NOT_EXECUTED", "startTimeMillis": 0, "durationMillis": 0},
		map[string]any{"name": "without an id"},
	}
	f := start(t, freestyle("shop", &b, ended(1, "SUCCESS")))
	f.stages = true
	m := newMemories()
	f.collect(t, m, now, nil)
	if asked := strings.Join(f.asked(), " "); strings.Contains(asked, "wfapi") ||
		m.of("shop").Number(event.KindPipelineJob) != 0 {
		t.Errorf("stages were read: %s", asked)
	}
	stages := func(c *Config) { c.Stages = true }
	f.collect(t, m, now.Add(time.Minute), stages)
	asked := strings.Join(f.asked(), " ")
	if n := strings.Count(asked, "wfapi"); n != 1 { // a freestyle build has none
		t.Errorf("%d requests for stages: %s", n, asked)
	}
	got := map[string]event.PipelineJob{}
	for _, e := range m.of("shop").Events() {
		if j, ok := e.(event.PipelineJob); ok {
			got[j.ID] = j
		}
	}
	if s := got["6"]; len(got) != 3 || s.RunID != "2" || s.Status != event.Succeeded ||
		s.FinishedAt.Sub(s.StartedAt) != 1500*time.Millisecond {
		t.Errorf("%+v", got)
	}
	if s := got["7"]; s.Status != event.Waiting || !s.FinishedAt.IsZero() || s.Name != "Freigabe" {
		t.Errorf("%+v", s)
	}
	if s := got["8"]; s.Status != event.Skipped || !s.StartedAt.IsZero() {
		t.Errorf("%+v", s)
	}
	f.stages = false // the plugin is gone: builds are read anyway
	m = newMemories()
	f.collect(t, m, now, stages)
	if m.of("shop").Number(event.KindPipelineRun) != 2 {
		t.Error("without the plugin no builds are stored")
	}
}
