package webhook

import (
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

var receivedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func pushed(k Kind, body string) Delivery {
	return Delivery{Source: "gh", Kind: k, ReceivedAt: receivedAt, Headers: map[string]string{"content-type": "application/json"}, Body: []byte(body)}
}

// told is what a test wants to know of an update.
func told(t testing.TB, updates []Update) []event.Event {
	t.Helper()
	events := make([]event.Event, len(updates))
	for i, u := range updates {
		events[i] = u.Event
	}
	return events
}

const gitlabPipeline = `{"object_kind":"pipeline","user":{"id":1,"username":"root"},"project":{"id":5,"path_with_namespace":"shop/pay","web_url":"https://gl.example.com/shop/pay"},
"object_attributes":{"id":31,"name":null,"ref":"main","tag":false,"sha":"bcbb5ec396a2c0f828686f14fac9b80b780504f2","source":"push","status":"%STATUS%",
"created_at":"2026-03-01 10:00:00 UTC","finished_at":"2026-03-01 10:09:00 UTC","duration":540},
"builds":[{"id":381,"stage":"test","name":"rspec","status":"success","created_at":"2026-03-01 10:00:00 UTC","started_at":"2026-03-01 10:02:00 UTC","finished_at":"2026-03-01 10:08:00 UTC",
"queued_duration":30.5,"user":{"id":2,"username":"project_5_bot_ab"},"runner":{"id":1,"description":"shared","tags":["linux","docker"]}},
{"id":380,"stage":"lint","name":"lint","status":"failed","created_at":"2026-03-01 10:00:00 UTC","started_at":null,"finished_at":"2026-03-01 10:08:30 UTC","user":{"id":3,"username":"ana"},"runner":null}]}`

func TestGitLabPipeline(t *testing.T) {
	r := newReceiver(t, testSource(GitLab))
	updates, v := r.Parse(pushed(GitLab, strings.ReplaceAll(gitlabPipeline, "%STATUS%", "failed")))
	if v.Outcome != Accepted || len(updates) != 3 {
		t.Fatalf("%+v, %d updates", v, len(updates))
	}
	origin := event.Origin{Source: "gh", Provider: "gitlab", Scope: "shop/pay", ID: "31", URL: "https://gl.example.com/shop/pay/-/pipelines/31"}
	wantRun := event.PipelineRun{Origin: origin, Attempt: 1, Pipeline: "pipeline", Status: event.Failed, StatusRaw: "failed", Branch: "main", Trigger: "push",
		SHA: "bcbb5ec396a2c0f828686f14fac9b80b780504f2", Actor: "ana", CreatedAt: instant(t, "2026-03-01T10:00:00Z"),
		StartedAt: instant(t, "2026-03-01T10:02:00Z"), FinishedAt: instant(t, "2026-03-01T10:08:30Z"), Duration: 9 * time.Minute}
	origin.ID, origin.URL = "381", "https://gl.example.com/shop/pay/-/jobs/381"
	wantJob := event.PipelineJob{Origin: origin, RunID: "31", Attempt: 1, Name: "rspec", Runner: "linux", Status: event.Succeeded, StatusRaw: "success",
		CreatedAt: instant(t, "2026-03-01T10:01:29.5Z"), StartedAt: instant(t, "2026-03-01T10:02:00Z"), FinishedAt: instant(t, "2026-03-01T10:08:00Z")}
	events := told(t, updates)
	if events[0] != event.Event(wantRun) {
		t.Errorf("run %+v, want %+v", events[0], wantRun)
	}
	if events[1] != event.Event(wantJob) {
		t.Errorf("job %+v, want %+v", events[1], wantJob)
	}
}

func TestGitLabVerdicts(t *testing.T) {
	const project = `"project":{"id":5,"path_with_namespace":"Shop/Pay","web_url":"https://gl.example.com/Shop/Pay"},"user":{"id":7,"username":"ana"}`
	merge := func(action, state string) string {
		return `{"object_kind":"merge_request",` + project + `,"object_attributes":{"iid":4,"title":"Größe","author_id":7,"state":"` + state + `","action":"` + action + `",
"created_at":"2026-03-01T09:00:00Z","updated_at":"2026-03-01 10:00:00 UTC","last_commit":{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"merge_commit_sha":null,"source_branch":"revert-1234567a"}}`
	}
	deployed := func(status string) string {
		return `{"object_kind":"deployment",` + project + `,"status":"` + status + `","status_changed_at":"2026-03-01 10:00:00 +0100","deployment_id":15,"environment":"production",
"deployable_url":"https://gl.example.com/Shop/Pay/-/jobs/9","commit_url":"https://gl.example.com/Shop/Pay/-/commit/279484c09fbe69ededfced8c1bb6e6d24616b468","ref":"main"}`
	}
	job := `{"object_kind":"build","project_id":5,"repository":{"homepage":"https://gl.example.com/Shop/Pay"},"build_id":9,"build_name":"test","build_status":"running","build_started_at":"2026-03-01T10:00:00.5Z","pipeline_id":31,"user":{"id":7}}`
	note := func(user string) string {
		return `{"object_kind":"note","user":` + user + `,"project":{"id":5,"path_with_namespace":"Shop/Pay"},"object_attributes":{"noteable_type":"MergeRequest","system":false,"created_at":"2026-03-01T11:00:00Z"},"merge_request":{"iid":4,"author_id":7,"title":"x","created_at":"2026-03-01T09:00:00Z"}}`
	}
	for _, c := range []struct {
		name, body string
		polled     bool
		scopes     []string
		outcome    Outcome
		reason     string
		check      func(t *testing.T, e event.Event)
	}{
		{name: "empty", body: ``, outcome: Refused, reason: "cannot be read"},
		{name: "no object", body: `[1]`, outcome: Refused, reason: "cannot be read"},
		{name: "no kind", body: `{}`, outcome: Refused, reason: "object_kind"},
		{name: "no project", body: `{"object_kind":"pipeline"}`, outcome: Refused, reason: "path_with_namespace"},
		{name: "no id", body: `{"object_kind":"pipeline",` + project + `}`, outcome: Refused, reason: "object_attributes.id"},
		{name: "push", body: `{"object_kind":"push",` + project + `}`, outcome: Ignored, reason: "pushes are not kept"},
		{name: "a system hook", body: `{"event_name":"user_create"}`, outcome: Ignored, reason: "user_create"},
		{name: "another project", body: deployed("success"), scopes: []string{"shop/other", "6"}, outcome: Ignored, reason: "not among"},
		{name: "a project by id", body: deployed("success"), scopes: []string{"5"}, outcome: Accepted, check: func(t *testing.T, e event.Event) {
			want := event.Deployment{Origin: event.Origin{Source: "gh", Provider: "gitlab", Scope: "Shop/Pay", ID: "15", URL: "https://gl.example.com/Shop/Pay/-/jobs/9"}, Attempt: 1,
				Environment: "production", Status: event.Succeeded, StatusRaw: "success", Ref: "main", SHA: "279484c09fbe69ededfced8c1bb6e6d24616b468", Actor: "ana", FinishedAt: instant(t, "2026-03-01T09:00:00Z")}
			if e != event.Event(want) {
				t.Errorf("%+v, want %+v", e, want)
			}
		}},
		{name: "an unknown word", body: deployed("levitating"), outcome: Accepted, check: func(t *testing.T, e event.Event) {
			if d := e.(event.Deployment); d.Status != event.Running || d.StatusRaw != "levitating" || !d.StartedAt.IsZero() {
				t.Errorf("%+v", d)
			}
		}},
		{name: "an end, polled", body: deployed("failed"), polled: true, outcome: Accepted, reason: "allowed to fail"},
		{name: "a start, polled", body: deployed("running"), polled: true, outcome: Accepted, check: func(t *testing.T, e event.Event) {
			if d := e.(event.Deployment); d.Status != event.Running || !d.StartedAt.Equal(instant(t, "2026-03-01T09:00:00Z")) {
				t.Errorf("%+v", d)
			}
		}},
		{name: "a job of an older server", body: job, scopes: []string{"shop/pay"}, outcome: Accepted, check: func(t *testing.T, e event.Event) {
			if j := e.(event.PipelineJob); j.Scope != "Shop/Pay" || j.ID != "9" || j.RunID != "31" || j.Status != event.Running {
				t.Errorf("%+v", j)
			}
		}},
		{name: "a merge, polled", body: merge("merge", "merged"), polled: true, outcome: Accepted, reason: "the collector reads it"},
		{name: "a merge", body: merge("merge", "merged"), outcome: Accepted, check: func(t *testing.T, e event.Event) {
			c := e.(event.Change)
			if c.ID != "4" || c.Number != 4 || c.Author != "ana" || !c.MergedAt.Equal(instant(t, "2026-03-01T10:00:00Z")) || !c.ClosedAt.Equal(c.MergedAt) ||
				c.MergeSHA != strings.Repeat("a", 40) || c.Reverts != "1234567a" {
				t.Errorf("%+v", c)
			}
		}},
		{name: "approved by the author", body: merge("approved", "opened"), outcome: Accepted, check: func(t *testing.T, e event.Event) {
			if c := e.(event.Change); c.ApprovedAt.IsZero() || !c.FirstReviewAt.IsZero() || !c.MergedAt.IsZero() {
				t.Errorf("%+v", c)
			}
		}},
		{name: "the author's comment", body: note(`{"id":7,"username":"ana"}`), outcome: Ignored, reason: "the author's own"},
		{name: "a bot's comment", body: note(`{"id":8,"username":"group_3_bot"}`), outcome: Ignored, reason: "machine"},
		{name: "a comment", body: note(`{"id":8,"username":"ben"}`), outcome: Accepted, check: func(t *testing.T, e event.Event) {
			if c := e.(event.Change); !c.FirstReviewAt.Equal(instant(t, "2026-03-01T11:00:00Z")) || c.Author != "" {
				t.Errorf("%+v", c)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testSource(GitLab)
			s.Polled, s.Scopes = c.polled, c.scopes
			updates, v := newReceiver(t, s).Parse(pushed(GitLab, c.body))
			if v.Outcome != c.outcome || !strings.Contains(v.Reason, c.reason) {
				t.Fatalf("%s %q, want %s with %q", v.Outcome, v.Reason, c.outcome, c.reason)
			}
			if c.polled && c.reason != "" && (len(v.Collect) != 1 || v.Collect[0] != Target{"gh", "Shop/Pay"} || len(updates) > 0) {
				t.Errorf("collect %+v, %d updates", v.Collect, len(updates))
			}
			if c.check != nil {
				if len(updates) != 1 {
					t.Fatalf("%d updates", len(updates))
				}
				c.check(t, updates[0].Event)
			}
		})
	}
}

const alerts = `{"version":"4","receiver":"dx","status":"firing","externalURL":"https://am.example.com","truncatedAlerts":0,"alerts":[
{"status":"firing","labels":{"alertname":"Down","service":"pay","severity":"critical"},"startsAt":"2026-03-01T10:00:00.123Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"https://prom.example.com/g","fingerprint":"aaa"},
{"status":"resolved","labels":{"alertname":"Slow","job":"Größe"},"startsAt":"2026-03-01T09:00:00Z","endsAt":"2026-03-01T09:30:00Z","fingerprint":"bbb"},
{"status":"firing","labels":{"alertname":"Watchdog","severity":"none"},"startsAt":"2026-03-01T09:00:00Z","fingerprint":"ccc"},
{"status":"firing","labels":{"alertname":"Odd","severity":"page"},"startsAt":"yesterday","fingerprint":"ddd"},
{"status":"firing","labels":{"alertname":"Nameless","severity":"page"},"startsAt":"2026-03-01T09:00:00Z","fingerprint":"eee"},
{"status":"pending","labels":{"alertname":"Odd"},"startsAt":"2026-03-01T09:00:00Z","fingerprint":"fff"}]}`

func TestAlertmanager(t *testing.T) {
	r, err := NewReceiver([]Source{testSource(Alertmanager)}, Options{Service: func(name string) (string, bool) { return "component:default/" + name, name == "pay" }})
	if err != nil {
		t.Fatal(err)
	}
	updates, v := r.Parse(pushed(Alertmanager, alerts))
	if v.Outcome != Accepted || len(updates) != 3 || len(v.Events) != 6 {
		t.Fatalf("%+v, %d updates", v, len(updates))
	}
	for i, want := range []Outcome{Accepted, Accepted, Ignored, Refused, Accepted, Refused} {
		if v.Events[i].Outcome != want {
			t.Errorf("alert %d is %+v, want %s", i, v.Events[i], want)
		}
	}
	origin := event.Origin{Source: "gh", Provider: "alertmanager", Scope: "pay", ID: "aaa@2026-03-01T10:00:00.123Z", URL: "https://prom.example.com/g", Service: "component:default/pay"}
	want := []event.Incident{{Origin: origin, Severity: "critical", OpenedAt: instant(t, "2026-03-01T10:00:00.123Z")},
		{Origin: event.Origin{Source: "gh", Provider: "alertmanager", Scope: "Größe", ID: "bbb@2026-03-01T09:00:00Z", URL: "https://am.example.com"},
			OpenedAt: instant(t, "2026-03-01T09:00:00Z"), ResolvedAt: instant(t, "2026-03-01T09:30:00Z")},
		{Origin: event.Origin{Source: "gh", Provider: "alertmanager", Scope: "Nameless", ID: "eee@2026-03-01T09:00:00Z", URL: "https://am.example.com"},
			Severity: "page", OpenedAt: instant(t, "2026-03-01T09:00:00Z")}}
	for i, u := range updates {
		if u.Event != event.Event(want[i]) {
			t.Errorf("incident %+v, want %+v", u.Event, want[i])
		}
	}
	for name, body := range map[string]string{"no JSON": `{`, "no alerts": `{"version":"4"}`, "only bad ones": `{"alerts":[{"status":"firing"},7]}`} {
		if _, v := r.Parse(pushed(Alertmanager, body)); v.Outcome != Refused || v.Reason == "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	s := testSource(Alertmanager)
	s.Severities = []string{"CRITICAL"}
	if updates, _ := newReceiver(t, s).Parse(pushed(Alertmanager, alerts)); len(updates) != 1 {
		t.Errorf("of one severity: %d updates", len(updates))
	}
}

func TestGitLabPipelineEndsWithoutItsManualJobs(t *testing.T) {
	manual := `{"id":382,"name":"deploy","status":"success","when":"manual","manual":true,"allow_failure":true,"created_at":"2026-03-01 10:00:00 UTC",
"started_at":"2026-03-22 10:00:00 UTC","finished_at":"2026-03-22 10:03:00 UTC","user":{"id":3,"username":"ana"},"runner":null},`
	payload := strings.ReplaceAll(gitlabPipeline, "%STATUS%", "success")
	payload = strings.Replace(strings.Replace(payload, `"builds":[`, `"builds":[`+manual, 1), "2026-03-01 10:09:00 UTC", "2026-03-22 10:03:00 UTC", 1)
	updates, _ := newReceiver(t, testSource(GitLab)).Parse(pushed(GitLab, payload))
	run, ok := told(t, updates)[0].(event.PipelineRun)
	if !ok || !run.FinishedAt.Equal(instant(t, "2026-03-01T10:08:30Z")) || run.Duration != 9*time.Minute {
		t.Errorf("%+v", run)
	}
}
