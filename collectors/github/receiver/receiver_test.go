package receiver

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/event"
)

func overAtAnUnknownTime(e event.Incident) event.Incident {
	e.EndUnknown = true
	return e
}

// TestReceiverPayloads: what each payload says of a source that nobody polls. The last update is compared.
func TestReceiverPayloads(t *testing.T) {
	cases := []struct {
		name string
		in   delivery.Delivery
		want event.Event
	}{
		{
			"run queued",
			deliverytest.GitHub(
				"workflow_run",
				"requested",
				deliverytest.GitHubRun+`"status":"queued","conclusion":null,"run_attempt":1}`,
			),
			deliverytest.WantRun(1, event.Queued, "queued"),
		},
		{
			"run without an attempt",
			deliverytest.GitHub("workflow_run", "requested", deliverytest.GitHubRun+`"status":"in_progress"}`),
			deliverytest.WantRun(1, event.Running, "in_progress"),
		},
		{
			"run that succeeded",
			deliverytest.GitHub(
				"workflow_run",
				"completed",
				deliverytest.GitHubRun+`"status":"completed","conclusion":"success","run_attempt":3}`,
			),
			deliverytest.WantRun(3, event.Succeeded, "success"),
		},
		{
			"run that needs an approval",
			deliverytest.GitHub(
				"workflow_run",
				"completed",
				deliverytest.GitHubRun+`"status":"completed","conclusion":"action_required"}`,
			),
			deliverytest.WantRun(1, event.Waiting, "action_required"),
		},
		{
			"run that was given up",
			deliverytest.GitHub(
				"workflow_run",
				"completed",
				deliverytest.GitHubRun+`"status":"completed","conclusion":"stale"}`,
			),
			deliverytest.WantRun(1, event.Cancelled, "stale"),
		},
		{
			"run with an unknown conclusion",
			deliverytest.GitHub(
				"workflow_run",
				"completed",
				deliverytest.GitHubRun+`"status":"completed","conclusion":"evaporated"}`,
			),
			deliverytest.WantRun(1, event.Skipped, "evaporated"),
		},
		{
			"run with an unknown status",
			deliverytest.GitHub("workflow_run", "moved", deliverytest.GitHubRun+`"status":"levitating"}`),
			deliverytest.WantRun(1, event.Running, "levitating"),
		},
		{
			"job queued, with a start that is none",
			deliverytest.GitHub("workflow_job", "queued", deliverytest.GitHubJob+`"status":"queued"}`),
			deliverytest.WantJob(event.Queued, "queued", time.Time{}, time.Time{}),
		},
		{
			"job running",
			deliverytest.GitHub(
				"workflow_job",
				"in_progress",
				deliverytest.GitHubJob+`"status":"in_progress","completed_at":null}`,
			),
			deliverytest.WantJob(event.Running, "in_progress", deliverytest.Clock("10:00:30"), time.Time{}),
		},
		{
			"job that failed",
			deliverytest.GitHub(
				"workflow_job",
				"completed",
				deliverytest.GitHubJob+`"status":"completed","conclusion":"timed_out","completed_at":"2026-03-01T10:04:00Z"}`,
			),
			deliverytest.WantJob(event.Failed, "timed_out", deliverytest.Clock("10:00:30"), deliverytest.Clock("10:04:00")),
		},
		{
			"pull request opened",
			deliverytest.GitHub(
				"pull_request",
				"opened",
				deliverytest.GitHubPull+`"merged_at":null,"closed_at":null,"additions":3,"deletions":1}`,
			),
			deliverytest.EditChange(deliverytest.WantPull(), func(e *event.Change) { e.Additions, e.Deletions = 3, 1 }),
		},
		{
			"pull request merged",
			deliverytest.GitHub(
				"pull_request",
				"closed",
				deliverytest.GitHubPull+`"merged_at":"2026-03-01T11:00:00Z","closed_at":"2026-03-01T11:00:00Z"}`,
			),
			deliverytest.EditChange(deliverytest.WantPull(), func(e *event.Change) {
				e.MergedAt, e.ClosedAt, e.MergeSHA = deliverytest.Clock("11:00:00"), deliverytest.Clock("11:00:00"), "def"
			}),
		},
		{
			"an action that is not known",
			deliverytest.GitHub("pull_request", "teleported", deliverytest.GitHubPull+`"closed_at":null}`),
			deliverytest.WantPull(),
		},
		{
			"approved",
			deliverytest.GitHub(
				"pull_request_review",
				"submitted",
				deliverytest.GitHubPull+`"closed_at":null},"review":{"state":"approved","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"bo"}}`,
			),
			deliverytest.EditChange(deliverytest.WantPull(), func(e *event.Change) {
				e.FirstReviewAt, e.ApprovedAt = deliverytest.Clock("10:30:00"), deliverytest.Clock("10:30:00")
			}),
		},
		{
			"commented",
			deliverytest.GitHub(
				"pull_request_review",
				"submitted",
				deliverytest.GitHubPull+`"closed_at":null},"review":{"state":"commented","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"bo"}}`,
			),
			deliverytest.EditChange(
				deliverytest.WantPull(),
				func(e *event.Change) { e.FirstReviewAt = deliverytest.Clock("10:30:00") },
			),
		},
		{
			"a bot's review",
			deliverytest.GitHub(
				"pull_request_review",
				"submitted",
				deliverytest.GitHubPull+`"closed_at":null},"review":{"state":"approved","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"lint[bot]"}}`,
			),
			deliverytest.WantPull(),
		},
		{
			"one's own review",
			deliverytest.GitHub(
				"pull_request_review",
				"submitted",
				deliverytest.GitHubPull+`"closed_at":null},"review":{"state":"commented","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"ana"}}`,
			),
			deliverytest.WantPull(),
		},
		{
			"deployment created",
			deliverytest.GitHub("deployment", "created", deliverytest.GitHubDeployment),
			deliverytest.WantDeployment(event.Queued, "", deliverytest.DeploymentsPage),
		},
		{
			"deployment of a tag",
			deliverytest.GitHub(
				"deployment",
				"created",
				strings.Replace(deliverytest.GitHubDeployment, `"main"`, `"refs/tags/v2"`, 1),
			),
			deliverytest.EditDeployment(
				deliverytest.WantDeployment(event.Queued, "", deliverytest.DeploymentsPage),
				func(e *event.Deployment) { e.Ref, e.Version = "v2", "v2" },
			),
		},
		{
			"deployment of a commit",
			deliverytest.GitHub("deployment", "created", strings.Replace(deliverytest.GitHubDeployment, `"main"`, `"abc"`, 1)),
			deliverytest.EditDeployment(
				deliverytest.WantDeployment(event.Queued, "", deliverytest.DeploymentsPage),
				func(e *event.Deployment) { e.Ref = "" },
			),
		},
		{
			"deployment running",
			deliverytest.GitHub(
				"deployment_status",
				"created",
				deliverytest.GitHubDeployment+`,"deployment_status":{"state":"in_progress","created_at":"2026-03-01T10:01:00Z","log_url":"https://ci.example.com/1"}`,
			),
			deliverytest.EditDeployment(
				deliverytest.WantDeployment(event.Running, "in_progress", "https://ci.example.com/1"),
				func(e *event.Deployment) { e.StartedAt = deliverytest.Clock("10:01:00") },
			),
		},
		{
			"deployment that succeeded",
			deliverytest.GitHub(
				"deployment_status",
				"created",
				deliverytest.GitHubDeployment+`,"deployment_status":{"state":"success","created_at":"2026-03-01T10:02:00Z","log_url":"","target_url":"https://ci.example.com/2"}`,
			),
			deliverytest.EditDeployment(
				deliverytest.WantDeployment(event.Succeeded, "success", "https://ci.example.com/2"),
				func(e *event.Deployment) { e.FinishedAt = deliverytest.Clock("10:02:00") },
			),
		},
		{
			"deployment with an unknown state",
			deliverytest.GitHub(
				"deployment_status",
				"created",
				deliverytest.GitHubDeployment+`,"deployment_status":{"state":"sleeping","created_at":"2026-03-01T10:02:00Z"}`,
			),
			deliverytest.WantDeployment(event.Running, "sleeping", ""),
		},
		{
			"an incident opens",
			deliverytest.GitHub(
				"issues",
				"opened",
				deliverytest.GitHubIssue+`"labels":[{"name":"INCIDENT"},{"name":"severity/2"},{"name":"sev1"}],"closed_at":null}`,
			),
			deliverytest.WantIncident("sev1", time.Time{}),
		},
		{
			"an incident is closed",
			deliverytest.GitHub(
				"issues",
				"closed",
				deliverytest.GitHubIssue+`"labels":[{"name":"incident"},{"name":"severity: High"}],"closed_at":"2026-03-01T12:00:00Z"}`,
			),
			deliverytest.WantIncident("high", deliverytest.Clock("12:00:00")),
		},
		{
			"an incident is closed, nobody knows when",
			deliverytest.GitHub(
				"issues",
				"closed",
				deliverytest.GitHubIssue+`"state":"closed","labels":[{"name":"incident"}],"closed_at":null}`,
			),
			overAtAnUnknownTime(deliverytest.WantIncident("", time.Time{})),
		},
		{
			"an incident was none",
			deliverytest.GitHub(
				"issues",
				"unlabeled",
				deliverytest.GitHubIssue+`"labels":[],"updated_at":"2026-03-01T11:00:00Z"},"label":{"name":"incident"}`,
			),
			deliverytest.WantIncident("", deliverytest.Clock("11:00:00")),
		},
		{
			"an incident is deleted",
			deliverytest.GitHub(
				"issues",
				"deleted",
				deliverytest.GitHubIssue+`"labels":[{"name":"incident"},{"name":"P1"}],"updated_at":"2026-03-01T11:00:00Z"}`,
			),
			deliverytest.WantIncident("p1", deliverytest.Clock("11:00:00")),
		},
	}
	s := testSource(Receiver{IncidentLabels: []string{"incident"}})
	r := newReceiver(t, s)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			updates, v := r.Parse(c.in)
			if v.Outcome != delivery.Accepted || len(updates) == 0 || len(v.Collect) > 0 {
				t.Fatalf("%+v, %d updates", v, len(updates))
			}
			if got := updates[len(updates)-1].Event; !reflect.DeepEqual(c.want, got) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestReceiverIgnoresAndRefuses: what is ignored or refused, and what the reason says.
func TestReceiverIgnoresAndRefuses(t *testing.T) {
	cases := []struct {
		name string
		in   delivery.Delivery
		want delivery.Outcome
		says string
	}{
		{"a type that is not used", deliverytest.GitHub("star", "created", ""), delivery.Ignored, "star"},
		{"a type with a reason", deliverytest.GitHub("check_run", "created", ""), delivery.Ignored, "workflow_job"},
		{
			"ping of everything",
			deliverytest.GitHub("ping", "", `"hook":{"events":["*"]}`),
			delivery.Ignored,
			"all that is used",
		},
		{
			"ping of little",
			deliverytest.GitHub("ping", "", `"hook":{"events":["push","workflow_run"]}`),
			delivery.Ignored,
			"does not send deployment, deployment_status, pull_request",
		},
		{
			"push to a branch",
			deliverytest.GitHub("push", "", `"ref":"refs/heads/x"`),
			delivery.Ignored,
			"not the default branch",
		},
		{
			"push without a poller",
			deliverytest.GitHub("push", "", `"ref":"refs/heads/main"`),
			delivery.Ignored,
			"no collector polls",
		},
		{"release without a poller", deliverytest.GitHub("release", "published", ""), delivery.Ignored, "no collector polls"},
		{"a draft of a release", deliverytest.GitHub("release", "created", ""), delivery.Ignored, "nothing is released"},
		{
			"an issue",
			deliverytest.GitHub("issues", "opened", deliverytest.GitHubIssue+`"labels":[]}`),
			delivery.Ignored,
			"incidents.labels",
		},
		{
			"another took over",
			deliverytest.GitHub(
				"deployment_status",
				"created",
				deliverytest.GitHubDeployment+`,"deployment_status":{"state":"inactive"}`,
			),
			delivery.Ignored,
			"another deployment replaced it",
		},
		{
			"another repository",
			deliverytest.GitHub(
				"workflow_run",
				"requested",
				`"repository":{"full_name":"acme/other"},`+deliverytest.GitHubRun+`"status":"queued"}`,
			),
			delivery.Ignored,
			"acme/other",
		},
		{
			"no repository",
			deliverytest.GitHub("workflow_run", "requested", `"repository":null`),
			delivery.Refused,
			"repository.full_name",
		},
		{"no run", deliverytest.GitHub("workflow_run", "requested", ""), delivery.Refused, "workflow_run.id"},
		{
			"a job without its run",
			deliverytest.GitHub("workflow_job", "queued", `"workflow_job":{"id":5}`),
			delivery.Refused,
			"run_id",
		},
		{
			"no pull request",
			deliverytest.GitHub("pull_request", "opened", `"pull_request":null`),
			delivery.Refused,
			"pull_request.number",
		},
		{
			"no review",
			deliverytest.GitHub("pull_request_review", "submitted", deliverytest.GitHubPull+`"closed_at":null}`),
			delivery.Refused,
			"review",
		},
		{"no deployment", deliverytest.GitHub("deployment", "created", ""), delivery.Refused, "deployment.id"},
		{
			"no state",
			deliverytest.GitHub("deployment_status", "created", deliverytest.GitHubDeployment),
			delivery.Refused,
			"state",
		},
		{
			"an id that is a word",
			deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":"nine"}`),
			delivery.Refused,
			"workflow_run.id: it is the text \"nine\"",
		},
		{
			"an attempt of 0",
			deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":9,"run_attempt":0}`),
			delivery.Refused,
			"workflow_run.run_attempt is the number 0",
		},
		{
			"an attempt beyond the last",
			deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":9,"run_attempt":65536}`),
			delivery.Refused,
			"65536",
		},
		{
			"an attempt of a job that is a text",
			deliverytest.GitHub("workflow_job", "queued", `"workflow_job":{"id":5,"run_id":9,"run_attempt":"2"}`),
			delivery.Refused,
			"workflow_job.run_attempt",
		},
		{
			"a negative id",
			deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":-9}`),
			delivery.Refused,
			"workflow_run.id",
		},
		{
			"an id that no server has",
			deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":92233720368547758080}`),
			delivery.Refused,
			"92233720368547758080",
		},
		{
			"not JSON",
			delivery.Delivery{
				Source:  "gh",
				Kind:    "github",
				Headers: map[string]string{"x-github-event": "push"},
				Body:    []byte("payload=x"),
			},
			delivery.Refused,
			"cannot be read",
		},
		{
			"a form without its field",
			delivery.Delivery{
				Source:  "gh",
				Kind:    "github",
				Headers: map[string]string{"x-github-event": "push", "content-type": delivery.FormType},
				Body:    []byte("a=b"),
			},
			delivery.Refused,
			"payload",
		},
	}
	s := testSource(Receiver{})
	s.Scopes = []string{"Acme/Shop"}
	r := newReceiver(t, s)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			updates, v := r.Parse(c.in)
			if v.Outcome != c.want || !strings.Contains(v.Reason, c.says) || len(updates) > 0 {
				t.Errorf("%d updates, %+v; want %s with %q", len(updates), v, c.want, c.says)
			}
		})
	}
}

// TestReceiverOfAPolledSource: of a source that a collector reads, what that one reads better is only asked for.
func TestReceiverOfAPolledSource(t *testing.T) {
	cases := []struct {
		name            string
		in              delivery.Delivery
		writes, collect bool
	}{
		{
			"run queued",
			deliverytest.GitHub("workflow_run", "requested", deliverytest.GitHubRun+`"status":"queued"}`),
			true,
			false,
		},
		{
			"run complete",
			deliverytest.GitHub(
				"workflow_run",
				"completed",
				deliverytest.GitHubRun+`"status":"completed","conclusion":"success"}`,
			),
			false,
			true,
		},
		{
			"run again",
			deliverytest.GitHub("workflow_run", "requested", deliverytest.GitHubRun+`"status":"queued","run_attempt":2}`),
			true,
			true,
		},
		{
			"job complete",
			deliverytest.GitHub(
				"workflow_job",
				"completed",
				deliverytest.GitHubJob+`"status":"completed","conclusion":"success"}`,
			),
			true,
			false,
		},
		{
			"pull request opened",
			deliverytest.GitHub("pull_request", "opened", deliverytest.GitHubPull+`"closed_at":null}`),
			true,
			true,
		},
		{
			"pull request labeled",
			deliverytest.GitHub("pull_request", "labeled", deliverytest.GitHubPull+`"closed_at":null}`),
			true,
			false,
		},
		{
			"review dismissed",
			deliverytest.GitHub(
				"pull_request_review",
				"dismissed",
				deliverytest.GitHubPull+`"closed_at":null},"review":{"state":"dismissed","user":{"login":"bo"}}`,
			),
			true,
			true,
		},
		{"deployment created", deliverytest.GitHub("deployment", "created", deliverytest.GitHubDeployment), false, true},
		{
			"deployment ends",
			deliverytest.GitHub(
				"deployment_status",
				"created",
				deliverytest.GitHubDeployment+`,"deployment_status":{"state":"success"}`,
			),
			false,
			true,
		},
		{"push to the default branch", deliverytest.GitHub("push", "", `"ref":"refs/heads/main"`), false, true},
		{"a tag", deliverytest.GitHub("push", "", `"ref":"refs/tags/v1"`), false, true},
		{"release", deliverytest.GitHub("release", "published", ""), false, true},
		{"settings", deliverytest.GitHub("repository", "edited", ""), false, true},
	}
	s := testSource(Receiver{})
	s.Polled, s.Scopes = true, []string{"Acme/Shop"}
	r := newReceiver(t, s)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			updates, v := r.Parse(c.in)
			if v.Outcome != delivery.Accepted || (len(updates) > 0) != c.writes || (len(v.Collect) > 0) != c.collect {
				t.Fatalf("%+v, %d updates", v, len(updates))
			}
			for _, target := range v.Collect {
				if target != (delivery.Target{Source: "gh", Scope: "Acme/Shop"}) {
					t.Errorf("asks for %v; the collector spells it Acme/Shop", target)
				}
			}
			for _, u := range updates {
				if o := u.Event.Identity(); o.Scope != "Acme/Shop" {
					t.Errorf("written with the scope %s", o.Scope)
				}
				if run, ok := u.Event.(event.PipelineRun); ok && !u.NeedsPriorFinal {
					t.Errorf("attempt %d would be written before the earlier ones", run.Attempt)
				}
			}
		})
	}
}

func testSource(r Receiver) webhook.Source {
	return webhook.Source{Name: "gh", Receiver: r, Secret: deliverytest.Secret}
}

func newReceiver(t testing.TB, sources ...webhook.Source) *webhook.Receivers {
	t.Helper()
	r, err := webhook.NewReceivers(sources, webhook.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
