package receiver

import (
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/event"
)

func testSource(r Receiver) webhook.Source {
	return webhook.Source{Name: "gh", Receiver: r, Secret: deliverytest.Secret}
}

func newReceiver(t testing.TB, sources ...webhook.Source) *webhook.Receivers {
	t.Helper()
	r, err := webhook.NewReceivers(sources, webhook.Options{Machine: func(provider, login string) bool {
		return provider == "gitlab" && login == "ci-user"
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReceiverPipeline(t *testing.T) {
	r := newReceiver(t, testSource(Receiver{}))
	updates, v := r.Parse(
		deliverytest.Delivery("gitlab", strings.ReplaceAll(deliverytest.GitLabPipeline, "%STATUS%", "failed")),
	)
	if v.Outcome != delivery.Accepted || len(updates) != 3 {
		t.Fatalf("%+v, %d updates", v, len(updates))
	}
	origin := event.Origin{
		Source:   "gh",
		Provider: "gitlab",
		Scope:    "shop/pay",
		ID:       "31",
		URL:      "https://gl.example.com/shop/pay/-/pipelines/31",
	}
	wantRun := event.PipelineRun{
		Origin:     origin,
		Attempt:    1,
		Pipeline:   "pipeline",
		Status:     event.Failed,
		StatusRaw:  "failed",
		Branch:     "main",
		Trigger:    "push",
		SHA:        "bcbb5ec396a2c0f828686f14fac9b80b780504f2",
		Actor:      "ana",
		CreatedAt:  deliverytest.Instant(t, "2026-03-01T10:00:00Z"),
		StartedAt:  deliverytest.Instant(t, "2026-03-01T10:02:00Z"),
		FinishedAt: deliverytest.Instant(t, "2026-03-01T10:08:30Z"),
		Duration:   9 * time.Minute,
	}
	origin.ID, origin.URL = "381", "https://gl.example.com/shop/pay/-/jobs/381"
	wantJob := event.PipelineJob{
		Origin:     origin,
		RunID:      "31",
		Attempt:    1,
		Name:       "rspec",
		Runner:     "linux",
		Status:     event.Succeeded,
		StatusRaw:  "success",
		CreatedAt:  deliverytest.Instant(t, "2026-03-01T10:01:29.5Z"),
		StartedAt:  deliverytest.Instant(t, "2026-03-01T10:02:00Z"),
		FinishedAt: deliverytest.Instant(t, "2026-03-01T10:08:00Z"),
	}
	events := deliverytest.Events(t, updates)
	if events[0] != event.Event(wantRun) {
		t.Errorf("run %+v, want %+v", events[0], wantRun)
	}
	if events[1] != event.Event(wantJob) {
		t.Errorf("job %+v, want %+v", events[1], wantJob)
	}
}

func TestReceiverVerdicts(t *testing.T) {
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
		outcome    delivery.Outcome
		reason     string
		check      func(t *testing.T, e event.Event)
	}{
		{name: "empty", body: ``, outcome: delivery.Refused, reason: "cannot be read"},
		{name: "no object", body: `[1]`, outcome: delivery.Refused, reason: "cannot be read"},
		{name: "no kind", body: `{}`, outcome: delivery.Refused, reason: "object_kind"},
		{name: "no project", body: `{"object_kind":"pipeline"}`, outcome: delivery.Refused, reason: "path_with_namespace"},
		{name: "no id", body: `{"object_kind":"pipeline",` + project + `}`, outcome: delivery.Refused, reason: "object_attributes.id"},
		{name: "push", body: `{"object_kind":"push",` + project + `}`, outcome: delivery.Ignored, reason: "pushes are not stored"},
		{name: "a system hook", body: `{"event_name":"user_create"}`, outcome: delivery.Ignored, reason: "user_create"},
		{name: "another project", body: deployed("success"), scopes: []string{"shop/other", "6"}, outcome: delivery.Ignored, reason: "not among"},
		{name: "a project by id", body: deployed("success"), scopes: []string{"5"}, outcome: delivery.Accepted, check: func(t *testing.T, e event.Event) {
			want := event.Deployment{Origin: event.Origin{Source: "gh", Provider: "gitlab", Scope: "Shop/Pay", ID: "15", URL: "https://gl.example.com/Shop/Pay/-/jobs/9"}, Attempt: 1,
				Environment: "production", Status: event.Succeeded, StatusRaw: "success", Ref: "main", SHA: "279484c09fbe69ededfced8c1bb6e6d24616b468", Actor: "ana", FinishedAt: deliverytest.Instant(t, "2026-03-01T09:00:00Z")}
			if e != event.Event(want) {
				t.Errorf("%+v, want %+v", e, want)
			}
		}},
		{name: "an unknown word", body: deployed("levitating"), outcome: delivery.Accepted, check: func(t *testing.T, e event.Event) {
			if d := e.(event.Deployment); d.Status != event.Running || d.StatusRaw != "levitating" || !d.StartedAt.IsZero() {
				t.Errorf("%+v", d)
			}
		}},
		{name: "an end, polled", body: deployed("failed"), polled: true, outcome: delivery.Accepted, reason: "allowed to fail"},
		{name: "a start, polled", body: deployed("running"), polled: true, outcome: delivery.Accepted, check: func(t *testing.T, e event.Event) {
			if d := e.(event.Deployment); d.Status != event.Running || !d.StartedAt.Equal(deliverytest.Instant(t, "2026-03-01T09:00:00Z")) {
				t.Errorf("%+v", d)
			}
		}},
		{name: "a job of an older server", body: job, scopes: []string{"shop/pay"}, outcome: delivery.Accepted, check: func(t *testing.T, e event.Event) {
			if j := e.(event.PipelineJob); j.Scope != "Shop/Pay" || j.ID != "9" || j.RunID != "31" || j.Status != event.Running {
				t.Errorf("%+v", j)
			}
		}},
		{name: "a merge, polled", body: merge("merge", "merged"), polled: true, outcome: delivery.Accepted, reason: "the collector reads it"},
		{name: "a merge", body: merge("merge", "merged"), outcome: delivery.Accepted, check: func(t *testing.T, e event.Event) {
			c := e.(event.Change)
			if c.ID != "4" || c.Number != 4 || c.Author != "ana" || !c.MergedAt.Equal(deliverytest.Instant(t, "2026-03-01T10:00:00Z")) || !c.ClosedAt.Equal(c.MergedAt) ||
				c.MergeSHA != strings.Repeat("a", 40) || c.Reverts != "1234567a" {
				t.Errorf("%+v", c)
			}
		}},
		{name: "approved by the author", body: merge("approved", "opened"), outcome: delivery.Accepted, check: func(t *testing.T, e event.Event) {
			if c := e.(event.Change); !c.ApprovedAt.IsZero() || !c.FirstReviewAt.IsZero() || !c.MergedAt.IsZero() {
				t.Errorf("%+v", c)
			}
		}},
		{name: "the author's comment", body: note(`{"id":7,"username":"ana"}`), outcome: delivery.Ignored, reason: "the author's own"},
		{name: "a bot's comment", body: note(`{"id":8,"username":"group_3_bot"}`), outcome: delivery.Ignored, reason: "machine"},
		{name: "the comment of a machine with a user's name", body: note(`{"id":8,"username":"ci-user"}`), outcome: delivery.Ignored, reason: "machine"},
		{name: "a comment", body: note(`{"id":8,"username":"ben"}`), outcome: delivery.Accepted, check: func(t *testing.T, e event.Event) {
			if c := e.(event.Change); !c.FirstReviewAt.Equal(deliverytest.Instant(t, "2026-03-01T11:00:00Z")) || c.Author != "" {
				t.Errorf("%+v", c)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testSource(Receiver{})
			s.Polled, s.Scopes = c.polled, c.scopes
			updates, v := newReceiver(t, s).Parse(deliverytest.Delivery("gitlab", c.body))
			if v.Outcome != c.outcome || !strings.Contains(v.Reason, c.reason) {
				t.Fatalf("%s %q, want %s with %q", v.Outcome, v.Reason, c.outcome, c.reason)
			}
			if c.polled && c.reason != "" &&
				(len(v.Collect) != 1 || v.Collect[0] != delivery.Target{Source: "gh", Scope: "Shop/Pay"} || len(updates) > 0) {
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

func TestReceiverPipelineEndsWithoutItsManualJobs(t *testing.T) {
	manual := `{"id":382,"name":"deploy","status":"success","when":"manual","manual":true,"allow_failure":true,"created_at":"2026-03-01 10:00:00 UTC",
"started_at":"2026-03-22 10:00:00 UTC","finished_at":"2026-03-22 10:03:00 UTC","user":{"id":3,"username":"ana"},"runner":null},`
	payload := strings.ReplaceAll(deliverytest.GitLabPipeline, "%STATUS%", "success")
	payload = strings.Replace(
		strings.Replace(payload, `"builds":[`, `"builds":[`+manual, 1),
		"2026-03-01 10:09:00 UTC",
		"2026-03-22 10:03:00 UTC",
		1,
	)
	updates, _ := newReceiver(t, testSource(Receiver{})).Parse(deliverytest.Delivery("gitlab", payload))
	run, ok := deliverytest.Events(t, updates)[0].(event.PipelineRun)
	if !ok || !run.FinishedAt.Equal(deliverytest.Instant(t, "2026-03-01T10:08:30Z")) || run.Duration != 9*time.Minute {
		t.Errorf("%+v", run)
	}
}
