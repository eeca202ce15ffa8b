package webhook

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/event"
)

func gh(id, url string) event.Origin {
	return event.Origin{Source: "gh", Provider: "github", Scope: "acme/shop", ID: id, URL: url}
}

const (
	run9 = `"workflow_run":{"id":9,"name":"ci","path":".github/workflows/ci.yml","head_branch":"main","head_sha":"abc","event":"push","html_url":"https://github.example.com/acme/shop/actions/runs/9",
"created_at":"2026-03-01T10:00:00Z","run_started_at":"2026-03-01T10:00:01Z","updated_at":"2026-03-01T10:05:00Z","actor":{"login":"ana","type":"User"},"triggering_actor":{"login":"deployer","type":"Bot"},`
	job5 = `"workflow_job":{"id":5,"run_id":9,"run_attempt":2,"name":"test","labels":["ubuntu-latest","x"],"runner_name":"r-77","runner_group_name":"big","html_url":"javascript:alert(1)",
"created_at":"2026-03-01T10:00:00Z","started_at":"2026-03-01T10:00:30Z",`
	deployment3 = `"deployment":{"id":3,"sha":"abc","ref":"main","task":"deploy","environment":"production","created_at":"2026-03-01T10:00:00Z","creator":{"login":"rel[bot]","type":"Bot"}}`
	pull7       = `"pull_request":{"number":7,"title":"Größe","body":"Reverts acme/shop#5","html_url":"https://github.example.com/acme/shop/pull/7","user":{"login":"ana","type":"User"},
"created_at":"2026-03-01T10:00:00Z","head":{"ref":"size","sha":"abc"},"merge_commit_sha":"def",`
	issue4 = `"issue":{"number":4,"html_url":"https://github.example.com/acme/shop/issues/4","created_at":"2026-03-01T10:00:00Z",`
)

func wantRun(attempt uint16, status event.Status, raw string) event.PipelineRun {
	return event.PipelineRun{Origin: gh("9", "https://github.example.com/acme/shop/actions/runs/9"), Attempt: attempt, Pipeline: "ci", Status: status, StatusRaw: raw, Branch: "main",
		Trigger: "push", SHA: "abc", Actor: "deployer", Bot: true, CreatedAt: deliverytest.Clock("10:00:00"), StartedAt: deliverytest.Clock("10:00:01")}
}

func wantJob(status event.Status, raw string, started, finished time.Time) event.PipelineJob {
	return event.PipelineJob{Origin: gh("5", ""), RunID: "9", Attempt: 2, Name: "test", Runner: "ubuntu-latest", Status: status, StatusRaw: raw,
		CreatedAt: deliverytest.Clock("10:00:00"), StartedAt: started, FinishedAt: finished}
}

func wantPull() event.Change {
	return event.Change{Origin: gh("7", "https://github.example.com/acme/shop/pull/7"), Repository: "acme/shop", Number: 7, Title: "Größe", Author: "ana",
		CreatedAt: deliverytest.Clock("10:00:00"), HeadSHA: "abc", Reverts: "5"}
}

func wantDeployment(status event.Status, raw, url string) event.Deployment {
	return event.Deployment{Origin: gh("3", url), Attempt: 1, Environment: "production", Status: status, StatusRaw: raw, CreatedAt: deliverytest.Clock("10:00:00"),
		SHA: "abc", Ref: "main", Actor: "rel[bot]", Bot: true, Trigger: "deploy"}
}

func wantIncident(severity string, resolved time.Time) event.Incident {
	return event.Incident{Origin: gh("4", "https://github.example.com/acme/shop/issues/4"), Severity: severity, OpenedAt: deliverytest.Clock("10:00:00"), ResolvedAt: resolved}
}

func overAtAnUnknownTime(e event.Incident) event.Incident {
	e.EndUnknown = true
	return e
}

func change(e event.Change, edit func(*event.Change)) event.Change {
	edit(&e)
	return e
}

func deployed(e event.Deployment, edit func(*event.Deployment)) event.Deployment {
	edit(&e)
	return e
}

const deploymentsPage = "https://github.example.com/acme/shop/deployments"

// TestGitHubPayloads: what each payload says of a source that nobody polls. The last update is compared.
func TestGitHubPayloads(t *testing.T) {
	cases := []struct {
		name string
		in   delivery.Delivery
		want event.Event
	}{
		{"run queued", deliverytest.GitHub("workflow_run", "requested", run9+`"status":"queued","conclusion":null,"run_attempt":1}`), wantRun(1, event.Queued, "queued")},
		{"run without an attempt", deliverytest.GitHub("workflow_run", "requested", run9+`"status":"in_progress"}`), wantRun(1, event.Running, "in_progress")},
		{"run that succeeded", deliverytest.GitHub("workflow_run", "completed", run9+`"status":"completed","conclusion":"success","run_attempt":3}`), wantRun(3, event.Succeeded, "success")},
		{"run that needs an approval", deliverytest.GitHub("workflow_run", "completed", run9+`"status":"completed","conclusion":"action_required"}`), wantRun(1, event.Waiting, "action_required")},
		{"run that was given up", deliverytest.GitHub("workflow_run", "completed", run9+`"status":"completed","conclusion":"stale"}`), wantRun(1, event.Cancelled, "stale")},
		{"run with an unknown conclusion", deliverytest.GitHub("workflow_run", "completed", run9+`"status":"completed","conclusion":"evaporated"}`), wantRun(1, event.Skipped, "evaporated")},
		{"run with an unknown status", deliverytest.GitHub("workflow_run", "moved", run9+`"status":"levitating"}`), wantRun(1, event.Running, "levitating")},
		{"job queued, with a start that is none", deliverytest.GitHub("workflow_job", "queued", job5+`"status":"queued"}`), wantJob(event.Queued, "queued", time.Time{}, time.Time{})},
		{"job running", deliverytest.GitHub("workflow_job", "in_progress", job5+`"status":"in_progress","completed_at":null}`), wantJob(event.Running, "in_progress", deliverytest.Clock("10:00:30"), time.Time{})},
		{"job that failed", deliverytest.GitHub("workflow_job", "completed", job5+`"status":"completed","conclusion":"timed_out","completed_at":"2026-03-01T10:04:00Z"}`), wantJob(event.Failed, "timed_out", deliverytest.Clock("10:00:30"), deliverytest.Clock("10:04:00"))},
		{"pull request opened", deliverytest.GitHub("pull_request", "opened", pull7+`"merged_at":null,"closed_at":null,"additions":3,"deletions":1}`),
			change(wantPull(), func(e *event.Change) { e.Additions, e.Deletions = 3, 1 })},
		{"pull request merged", deliverytest.GitHub("pull_request", "closed", pull7+`"merged_at":"2026-03-01T11:00:00Z","closed_at":"2026-03-01T11:00:00Z"}`),
			change(wantPull(), func(e *event.Change) {
				e.MergedAt, e.ClosedAt, e.MergeSHA = deliverytest.Clock("11:00:00"), deliverytest.Clock("11:00:00"), "def"
			})},
		{"an action that is not known", deliverytest.GitHub("pull_request", "teleported", pull7+`"closed_at":null}`), wantPull()},
		{"approved", deliverytest.GitHub("pull_request_review", "submitted", pull7+`"closed_at":null},"review":{"state":"approved","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"bo"}}`),
			change(wantPull(), func(e *event.Change) {
				e.FirstReviewAt, e.ApprovedAt = deliverytest.Clock("10:30:00"), deliverytest.Clock("10:30:00")
			})},
		{"commented", deliverytest.GitHub("pull_request_review", "submitted", pull7+`"closed_at":null},"review":{"state":"commented","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"bo"}}`),
			change(wantPull(), func(e *event.Change) { e.FirstReviewAt = deliverytest.Clock("10:30:00") })},
		{"a bot's review", deliverytest.GitHub("pull_request_review", "submitted", pull7+`"closed_at":null},"review":{"state":"approved","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"lint[bot]"}}`), wantPull()},
		{"one's own review", deliverytest.GitHub("pull_request_review", "submitted", pull7+`"closed_at":null},"review":{"state":"commented","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"ana"}}`), wantPull()},
		{"deployment created", deliverytest.GitHub("deployment", "created", deployment3), wantDeployment(event.Queued, "", deploymentsPage)},
		{"deployment of a tag", deliverytest.GitHub("deployment", "created", strings.Replace(deployment3, `"main"`, `"refs/tags/v2"`, 1)),
			deployed(wantDeployment(event.Queued, "", deploymentsPage), func(e *event.Deployment) { e.Ref, e.Version = "v2", "v2" })},
		{"deployment of a commit", deliverytest.GitHub("deployment", "created", strings.Replace(deployment3, `"main"`, `"abc"`, 1)),
			deployed(wantDeployment(event.Queued, "", deploymentsPage), func(e *event.Deployment) { e.Ref = "" })},
		{"deployment running", deliverytest.GitHub("deployment_status", "created", deployment3+`,"deployment_status":{"state":"in_progress","created_at":"2026-03-01T10:01:00Z","log_url":"https://ci.example.com/1"}`),
			deployed(wantDeployment(event.Running, "in_progress", "https://ci.example.com/1"), func(e *event.Deployment) { e.StartedAt = deliverytest.Clock("10:01:00") })},
		{"deployment that succeeded", deliverytest.GitHub("deployment_status", "created", deployment3+`,"deployment_status":{"state":"success","created_at":"2026-03-01T10:02:00Z","log_url":"","target_url":"https://ci.example.com/2"}`),
			deployed(wantDeployment(event.Succeeded, "success", "https://ci.example.com/2"), func(e *event.Deployment) { e.FinishedAt = deliverytest.Clock("10:02:00") })},
		{"deployment with an unknown state", deliverytest.GitHub("deployment_status", "created", deployment3+`,"deployment_status":{"state":"sleeping","created_at":"2026-03-01T10:02:00Z"}`),
			wantDeployment(event.Running, "sleeping", "")},
		{"an incident opens", deliverytest.GitHub("issues", "opened", issue4+`"labels":[{"name":"INCIDENT"},{"name":"severity/2"},{"name":"sev1"}],"closed_at":null}`), wantIncident("sev1", time.Time{})},
		{"an incident is closed", deliverytest.GitHub("issues", "closed", issue4+`"labels":[{"name":"incident"},{"name":"severity: High"}],"closed_at":"2026-03-01T12:00:00Z"}`), wantIncident("high", deliverytest.Clock("12:00:00"))},
		{"an incident is closed, nobody knows when", deliverytest.GitHub("issues", "closed", issue4+`"state":"closed","labels":[{"name":"incident"}],"closed_at":null}`), overAtAnUnknownTime(wantIncident("", time.Time{}))},
		{"an incident was none", deliverytest.GitHub("issues", "unlabeled", issue4+`"labels":[],"updated_at":"2026-03-01T11:00:00Z"},"label":{"name":"incident"}`), wantIncident("", deliverytest.Clock("11:00:00"))},
		{"an incident is deleted", deliverytest.GitHub("issues", "deleted", issue4+`"labels":[{"name":"incident"},{"name":"P1"}],"updated_at":"2026-03-01T11:00:00Z"}`), wantIncident("p1", deliverytest.Clock("11:00:00"))},
	}
	s := testSource(github.Receiver{IncidentLabels: []string{"incident"}})
	r := newReceiver(t, s)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			updates, v := r.Parse(c.in)
			if v.Outcome != delivery.Accepted || len(updates) == 0 || len(v.Collect) > 0 {
				t.Fatalf("%+v, %d updates", v, len(updates))
			}
			if got := updates[len(updates)-1].Event; !same(c.want, got) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestGitHubOfNoUse: what is ignored or refused, and what the reason says.
func TestGitHubOfNoUse(t *testing.T) {
	cases := []struct {
		name string
		in   delivery.Delivery
		want delivery.Outcome
		says string
	}{
		{"a type that is not used", deliverytest.GitHub("star", "created", ""), delivery.Ignored, "star"},
		{"a type with a reason", deliverytest.GitHub("check_run", "created", ""), delivery.Ignored, "workflow_job"},
		{"ping of everything", deliverytest.GitHub("ping", "", `"hook":{"events":["*"]}`), delivery.Ignored, "all that is used"},
		{"ping of little", deliverytest.GitHub("ping", "", `"hook":{"events":["push","workflow_run"]}`), delivery.Ignored, "does not send deployment, deployment_status, pull_request"},
		{"push to a branch", deliverytest.GitHub("push", "", `"ref":"refs/heads/x"`), delivery.Ignored, "not the default branch"},
		{"push without a poller", deliverytest.GitHub("push", "", `"ref":"refs/heads/main"`), delivery.Ignored, "no collector polls"},
		{"release without a poller", deliverytest.GitHub("release", "published", ""), delivery.Ignored, "no collector polls"},
		{"a draft of a release", deliverytest.GitHub("release", "created", ""), delivery.Ignored, "nothing is released"},
		{"an issue", deliverytest.GitHub("issues", "opened", issue4+`"labels":[]}`), delivery.Ignored, "incidents.labels"},
		{"another took over", deliverytest.GitHub("deployment_status", "created", deployment3+`,"deployment_status":{"state":"inactive"}`), delivery.Ignored, "another deployment replaced it"},
		{"another repository", deliverytest.GitHub("workflow_run", "requested", `"repository":{"full_name":"acme/other"},`+run9+`"status":"queued"}`), delivery.Ignored, "acme/other"},
		{"no repository", deliverytest.GitHub("workflow_run", "requested", `"repository":null`), delivery.Refused, "repository.full_name"},
		{"no run", deliverytest.GitHub("workflow_run", "requested", ""), delivery.Refused, "workflow_run.id"},
		{"a job without its run", deliverytest.GitHub("workflow_job", "queued", `"workflow_job":{"id":5}`), delivery.Refused, "run_id"},
		{"no pull request", deliverytest.GitHub("pull_request", "opened", `"pull_request":null`), delivery.Refused, "pull_request.number"},
		{"no review", deliverytest.GitHub("pull_request_review", "submitted", pull7+`"closed_at":null}`), delivery.Refused, "review"},
		{"no deployment", deliverytest.GitHub("deployment", "created", ""), delivery.Refused, "deployment.id"},
		{"no state", deliverytest.GitHub("deployment_status", "created", deployment3), delivery.Refused, "state"},
		{"an id that is a word", deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":"nine"}`), delivery.Refused, "workflow_run.id: it is the text \"nine\""},
		{"an attempt of 0", deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":9,"run_attempt":0}`), delivery.Refused, "workflow_run.run_attempt is the number 0"},
		{"an attempt beyond the last", deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":9,"run_attempt":65536}`), delivery.Refused, "65536"},
		{"an attempt of a job that is a text", deliverytest.GitHub("workflow_job", "queued", `"workflow_job":{"id":5,"run_id":9,"run_attempt":"2"}`), delivery.Refused, "workflow_job.run_attempt"},
		{"a negative id", deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":-9}`), delivery.Refused, "workflow_run.id"},
		{"an id that no server has", deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":92233720368547758080}`), delivery.Refused, "92233720368547758080"},
		{"not JSON", delivery.Delivery{Source: "gh", Kind: "github", Headers: map[string]string{"x-github-event": "push"}, Body: []byte("payload=x")}, delivery.Refused, "cannot be read"},
		{"a form without its field", delivery.Delivery{Source: "gh", Kind: "github", Headers: map[string]string{"x-github-event": "push", "content-type": delivery.FormType}, Body: []byte("a=b")}, delivery.Refused, "payload"},
	}
	s := testSource(github.Receiver{})
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

// TestGitHubPolled: of a source that a collector reads, what that one reads better is only asked for.
func TestGitHubPolled(t *testing.T) {
	cases := []struct {
		name            string
		in              delivery.Delivery
		writes, collect bool
	}{
		{"run queued", deliverytest.GitHub("workflow_run", "requested", run9+`"status":"queued"}`), true, false},
		{"run complete", deliverytest.GitHub("workflow_run", "completed", run9+`"status":"completed","conclusion":"success"}`), false, true},
		{"run again", deliverytest.GitHub("workflow_run", "requested", run9+`"status":"queued","run_attempt":2}`), true, true},
		{"job complete", deliverytest.GitHub("workflow_job", "completed", job5+`"status":"completed","conclusion":"success"}`), true, false},
		{"pull request opened", deliverytest.GitHub("pull_request", "opened", pull7+`"closed_at":null}`), true, true},
		{"pull request labelled", deliverytest.GitHub("pull_request", "labeled", pull7+`"closed_at":null}`), true, false},
		{"review dismissed", deliverytest.GitHub("pull_request_review", "dismissed", pull7+`"closed_at":null},"review":{"state":"dismissed","user":{"login":"bo"}}`), true, true},
		{"deployment created", deliverytest.GitHub("deployment", "created", deployment3), false, true},
		{"deployment ends", deliverytest.GitHub("deployment_status", "created", deployment3+`,"deployment_status":{"state":"success"}`), false, true},
		{"push to the default branch", deliverytest.GitHub("push", "", `"ref":"refs/heads/main"`), false, true},
		{"a tag", deliverytest.GitHub("push", "", `"ref":"refs/tags/v1"`), false, true},
		{"release", deliverytest.GitHub("release", "published", ""), false, true},
		{"settings", deliverytest.GitHub("repository", "edited", ""), false, true},
	}
	s := testSource(github.Receiver{})
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

// TestUnknownWordsAreLoggedOnce counts the lines.
func TestUnknownWordsAreLoggedOnce(t *testing.T) {
	var log strings.Builder
	r, err := NewReceivers([]Source{testSource(github.Receiver{})}, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.Parse(deliverytest.GitHub("workflow_run", "x", run9+`"status":"levitating"}`))
		r.Parse(deliverytest.GitHub("workflow_job", "x", job5+`"status":"levitating"}`))
	}
	if n := strings.Count(log.String(), "levitating"); n != 2 {
		t.Errorf("%d lines, want one for runs and one for jobs:\n%s", n, log.String())
	}
	for n := range 2 * maxWarned {
		r.Parse(deliverytest.GitHub("workflow_run", "x", run9+fmt.Sprintf(`"status":"word %d"}`, n)))
	}
	if n := strings.Count(log.String(), "\n"); n != maxWarned {
		t.Errorf("%d lines, want %d at most", n, maxWarned)
	}
}
