package webhook

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

const shop = `"repository":{"full_name":"acme/shop","html_url":"https://github.example.com/acme/shop","default_branch":"main"}`

// payload is a GitHub delivery as the inbox has it, of the repository acme/shop unless it says another.
func payload(kind, action, rest string) Delivery {
	body := `{"action":"` + action + `"`
	if !strings.Contains(rest, `"repository"`) {
		body += "," + shop
	}
	if rest != "" {
		body += "," + rest
	}
	return Delivery{Source: "gh", Kind: GitHub, Headers: map[string]string{"x-github-event": kind, "content-type": "application/json"}, Body: []byte(body + "}")}
}

func clock(hhmmss string) time.Time {
	t, err := time.Parse(time.DateTime, "2026-03-01 "+hhmmss)
	if err != nil {
		panic(err)
	}
	return t
}

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
		Trigger: "push", SHA: "abc", Actor: "deployer", Bot: true, CreatedAt: clock("10:00:00"), StartedAt: clock("10:00:01")}
}

func wantJob(status event.Status, raw string, started, finished time.Time) event.PipelineJob {
	return event.PipelineJob{Origin: gh("5", ""), RunID: "9", Attempt: 2, Name: "test", Runner: "ubuntu-latest", Status: status, StatusRaw: raw,
		CreatedAt: clock("10:00:00"), StartedAt: started, FinishedAt: finished}
}

func wantPull() event.Change {
	return event.Change{Origin: gh("7", "https://github.example.com/acme/shop/pull/7"), Repository: "acme/shop", Number: 7, Title: "Größe", Author: "ana",
		CreatedAt: clock("10:00:00"), HeadSHA: "abc", Reverts: "5"}
}

func wantDeployment(status event.Status, raw, url string) event.Deployment {
	return event.Deployment{Origin: gh("3", url), Attempt: 1, Environment: "production", Status: status, StatusRaw: raw, CreatedAt: clock("10:00:00"),
		SHA: "abc", Ref: "main", Actor: "rel[bot]", Bot: true, Trigger: "deploy"}
}

func wantIncident(severity string, resolved time.Time) event.Incident {
	return event.Incident{Origin: gh("4", "https://github.example.com/acme/shop/issues/4"), Severity: severity, OpenedAt: clock("10:00:00"), ResolvedAt: resolved}
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
		in   Delivery
		want event.Event
	}{
		{"run queued", payload("workflow_run", "requested", run9+`"status":"queued","conclusion":null,"run_attempt":1}`), wantRun(1, event.Queued, "queued")},
		{"run without an attempt", payload("workflow_run", "requested", run9+`"status":"in_progress"}`), wantRun(1, event.Running, "in_progress")},
		{"run that succeeded", payload("workflow_run", "completed", run9+`"status":"completed","conclusion":"success","run_attempt":3}`), wantRun(3, event.Succeeded, "success")},
		{"run that needs an approval", payload("workflow_run", "completed", run9+`"status":"completed","conclusion":"action_required"}`), wantRun(1, event.Waiting, "action_required")},
		{"run that was given up", payload("workflow_run", "completed", run9+`"status":"completed","conclusion":"stale"}`), wantRun(1, event.Cancelled, "stale")},
		{"run with an unknown conclusion", payload("workflow_run", "completed", run9+`"status":"completed","conclusion":"evaporated"}`), wantRun(1, event.Skipped, "evaporated")},
		{"run with an unknown status", payload("workflow_run", "moved", run9+`"status":"levitating"}`), wantRun(1, event.Running, "levitating")},
		{"job queued, with a start that is none", payload("workflow_job", "queued", job5+`"status":"queued"}`), wantJob(event.Queued, "queued", time.Time{}, time.Time{})},
		{"job running", payload("workflow_job", "in_progress", job5+`"status":"in_progress","completed_at":null}`), wantJob(event.Running, "in_progress", clock("10:00:30"), time.Time{})},
		{"job that failed", payload("workflow_job", "completed", job5+`"status":"completed","conclusion":"timed_out","completed_at":"2026-03-01T10:04:00Z"}`), wantJob(event.Failed, "timed_out", clock("10:00:30"), clock("10:04:00"))},
		{"pull request opened", payload("pull_request", "opened", pull7+`"merged_at":null,"closed_at":null,"additions":3,"deletions":1}`),
			change(wantPull(), func(e *event.Change) { e.Additions, e.Deletions = 3, 1 })},
		{"pull request merged", payload("pull_request", "closed", pull7+`"merged_at":"2026-03-01T11:00:00Z","closed_at":"2026-03-01T11:00:00Z"}`),
			change(wantPull(), func(e *event.Change) {
				e.MergedAt, e.ClosedAt, e.MergeSHA = clock("11:00:00"), clock("11:00:00"), "def"
			})},
		{"an action that is not known", payload("pull_request", "teleported", pull7+`"closed_at":null}`), wantPull()},
		{"approved", payload("pull_request_review", "submitted", pull7+`"closed_at":null},"review":{"state":"approved","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"bo"}}`),
			change(wantPull(), func(e *event.Change) { e.FirstReviewAt, e.ApprovedAt = clock("10:30:00"), clock("10:30:00") })},
		{"commented", payload("pull_request_review", "submitted", pull7+`"closed_at":null},"review":{"state":"commented","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"bo"}}`),
			change(wantPull(), func(e *event.Change) { e.FirstReviewAt = clock("10:30:00") })},
		{"a bot's review", payload("pull_request_review", "submitted", pull7+`"closed_at":null},"review":{"state":"approved","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"lint[bot]"}}`), wantPull()},
		{"one's own review", payload("pull_request_review", "submitted", pull7+`"closed_at":null},"review":{"state":"commented","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"ana"}}`), wantPull()},
		{"deployment created", payload("deployment", "created", deployment3), wantDeployment(event.Queued, "", deploymentsPage)},
		{"deployment of a tag", payload("deployment", "created", strings.Replace(deployment3, `"main"`, `"refs/tags/v2"`, 1)),
			deployed(wantDeployment(event.Queued, "", deploymentsPage), func(e *event.Deployment) { e.Ref, e.Version = "v2", "v2" })},
		{"deployment of a commit", payload("deployment", "created", strings.Replace(deployment3, `"main"`, `"abc"`, 1)),
			deployed(wantDeployment(event.Queued, "", deploymentsPage), func(e *event.Deployment) { e.Ref = "" })},
		{"deployment running", payload("deployment_status", "created", deployment3+`,"deployment_status":{"state":"in_progress","created_at":"2026-03-01T10:01:00Z","log_url":"https://ci.example.com/1"}`),
			deployed(wantDeployment(event.Running, "in_progress", "https://ci.example.com/1"), func(e *event.Deployment) { e.StartedAt = clock("10:01:00") })},
		{"deployment that succeeded", payload("deployment_status", "created", deployment3+`,"deployment_status":{"state":"success","created_at":"2026-03-01T10:02:00Z","log_url":"","target_url":"https://ci.example.com/2"}`),
			deployed(wantDeployment(event.Succeeded, "success", "https://ci.example.com/2"), func(e *event.Deployment) { e.FinishedAt = clock("10:02:00") })},
		{"deployment with an unknown state", payload("deployment_status", "created", deployment3+`,"deployment_status":{"state":"sleeping","created_at":"2026-03-01T10:02:00Z"}`),
			wantDeployment(event.Running, "sleeping", "")},
		{"an incident opens", payload("issues", "opened", issue4+`"labels":[{"name":"INCIDENT"},{"name":"severity/2"},{"name":"sev1"}],"closed_at":null}`), wantIncident("sev1", time.Time{})},
		{"an incident is closed", payload("issues", "closed", issue4+`"labels":[{"name":"incident"},{"name":"severity: High"}],"closed_at":"2026-03-01T12:00:00Z"}`), wantIncident("high", clock("12:00:00"))},
		{"an incident was none", payload("issues", "unlabeled", issue4+`"labels":[],"updated_at":"2026-03-01T11:00:00Z"},"label":{"name":"incident"}`), wantIncident("", clock("11:00:00"))},
		{"an incident is deleted", payload("issues", "deleted", issue4+`"labels":[{"name":"incident"},{"name":"P1"}],"updated_at":"2026-03-01T11:00:00Z"}`), wantIncident("p1", clock("11:00:00"))},
	}
	s := testSource(GitHub)
	s.IncidentLabels = []string{"incident"}
	r := newReceiver(t, s)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			updates, v := r.Parse(c.in)
			if v.Outcome != Accepted || len(updates) == 0 || len(v.Collect) > 0 {
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
		in   Delivery
		want Outcome
		says string
	}{
		{"a type that is not used", payload("star", "created", ""), Ignored, "star"},
		{"a type with a reason", payload("check_run", "created", ""), Ignored, "workflow_job"},
		{"ping of everything", payload("ping", "", `"hook":{"events":["*"]}`), Ignored, "all that is used"},
		{"ping of little", payload("ping", "", `"hook":{"events":["push","workflow_run"]}`), Ignored, "does not send deployment, deployment_status, pull_request"},
		{"push to a branch", payload("push", "", `"ref":"refs/heads/x"`), Ignored, "not the default branch"},
		{"push without a poller", payload("push", "", `"ref":"refs/heads/main"`), Ignored, "no collector polls"},
		{"release without a poller", payload("release", "published", ""), Ignored, "no collector polls"},
		{"a draft of a release", payload("release", "created", ""), Ignored, "nothing is released"},
		{"an issue", payload("issues", "opened", issue4+`"labels":[]}`), Ignored, "incident_labels"},
		{"another took over", payload("deployment_status", "created", deployment3+`,"deployment_status":{"state":"inactive"}`), Ignored, "another deployment took over"},
		{"another repository", payload("workflow_run", "requested", `"repository":{"full_name":"acme/other"},`+run9+`"status":"queued"}`), Ignored, "acme/other"},
		{"no repository", payload("workflow_run", "requested", `"repository":null`), Refused, "repository.full_name"},
		{"no run", payload("workflow_run", "requested", ""), Refused, "workflow_run.id"},
		{"a job without its run", payload("workflow_job", "queued", `"workflow_job":{"id":5}`), Refused, "run_id"},
		{"no pull request", payload("pull_request", "opened", `"pull_request":null`), Refused, "pull_request.number"},
		{"no review", payload("pull_request_review", "submitted", pull7+`"closed_at":null}`), Refused, "review"},
		{"no deployment", payload("deployment", "created", ""), Refused, "deployment.id"},
		{"no state", payload("deployment_status", "created", deployment3), Refused, "state"},
		{"an id that is a word", payload("workflow_run", "requested", `"workflow_run":{"id":"nine"}`), Refused, "workflow_run.id: it is the text \"nine\""},
		{"an attempt of 0", payload("workflow_run", "requested", `"workflow_run":{"id":9,"run_attempt":0}`), Refused, "workflow_run.run_attempt is the number 0"},
		{"an attempt beyond the last", payload("workflow_run", "requested", `"workflow_run":{"id":9,"run_attempt":65536}`), Refused, "65536"},
		{"an attempt of a job that is a text", payload("workflow_job", "queued", `"workflow_job":{"id":5,"run_id":9,"run_attempt":"2"}`), Refused, "workflow_job.run_attempt"},
		{"a negative id", payload("workflow_run", "requested", `"workflow_run":{"id":-9}`), Refused, "workflow_run.id"},
		{"an id that no server has", payload("workflow_run", "requested", `"workflow_run":{"id":92233720368547758080}`), Refused, "92233720368547758080"},
		{"not JSON", Delivery{Source: "gh", Kind: GitHub, Headers: map[string]string{"x-github-event": "push"}, Body: []byte("payload=x")}, Refused, "cannot be read"},
		{"a form without its field", Delivery{Source: "gh", Kind: GitHub, Headers: map[string]string{"x-github-event": "push", "content-type": formType}, Body: []byte("a=b")}, Refused, "payload"},
	}
	s := testSource(GitHub)
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
		in              Delivery
		writes, collect bool
	}{
		{"run queued", payload("workflow_run", "requested", run9+`"status":"queued"}`), true, false},
		{"run complete", payload("workflow_run", "completed", run9+`"status":"completed","conclusion":"success"}`), false, true},
		{"run again", payload("workflow_run", "requested", run9+`"status":"queued","run_attempt":2}`), true, true},
		{"job complete", payload("workflow_job", "completed", job5+`"status":"completed","conclusion":"success"}`), true, false},
		{"pull request opened", payload("pull_request", "opened", pull7+`"closed_at":null}`), true, true},
		{"pull request labelled", payload("pull_request", "labeled", pull7+`"closed_at":null}`), true, false},
		{"review dismissed", payload("pull_request_review", "dismissed", pull7+`"closed_at":null},"review":{"state":"dismissed","user":{"login":"bo"}}`), true, true},
		{"deployment created", payload("deployment", "created", deployment3), false, true},
		{"deployment ends", payload("deployment_status", "created", deployment3+`,"deployment_status":{"state":"success"}`), false, true},
		{"push to the default branch", payload("push", "", `"ref":"refs/heads/main"`), false, true},
		{"a tag", payload("push", "", `"ref":"refs/tags/v1"`), false, true},
		{"release", payload("release", "published", ""), false, true},
		{"settings", payload("repository", "edited", ""), false, true},
	}
	s := testSource(GitHub)
	s.Polled, s.Scopes = true, []string{"Acme/Shop"}
	r := newReceiver(t, s)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			updates, v := r.Parse(c.in)
			if v.Outcome != Accepted || (len(updates) > 0) != c.writes || (len(v.Collect) > 0) != c.collect {
				t.Fatalf("%+v, %d updates", v, len(updates))
			}
			for _, target := range v.Collect {
				if target != (Target{"gh", "Acme/Shop"}) {
					t.Errorf("asks for %v; the collector spells it Acme/Shop", target)
				}
			}
			for _, u := range updates {
				if o := u.Event.Identity(); o.Scope != "Acme/Shop" {
					t.Errorf("written with the scope %s", o.Scope)
				}
				if run, ok := u.Event.(event.PipelineRun); ok && !u.Earlier {
					t.Errorf("attempt %d would be written before the earlier ones", run.Attempt)
				}
			}
		})
	}
}

// TestUnknownWordsAreLoggedOnce counts the lines.
func TestUnknownWordsAreLoggedOnce(t *testing.T) {
	var log strings.Builder
	r, err := NewReceiver([]Source{testSource(GitHub)}, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.Parse(payload("workflow_run", "x", run9+`"status":"levitating"}`))
		r.Parse(payload("workflow_job", "x", job5+`"status":"levitating"}`))
	}
	if n := strings.Count(log.String(), "levitating"); n != 2 {
		t.Errorf("%d lines, want one for runs and one for jobs:\n%s", n, log.String())
	}
	for n := range 2 * maxWarned {
		r.Parse(payload("workflow_run", "x", run9+fmt.Sprintf(`"status":"word %d"}`, n)))
	}
	if n := strings.Count(log.String(), "\n"); n != maxWarned {
		t.Errorf("%d lines, want %d at most", n, maxWarned)
	}
}

func TestIncidentLabels(t *testing.T) {
	for name, c := range map[string]struct {
		kind   Kind
		labels []string
		says   string
	}{
		"right":        {GitHub, []string{"incident"}, ""},
		"empty":        {GitHub, []string{" "}, "a label is empty"},
		"another kind": {CircleCI, []string{"incident"}, "only issues of GitHub"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Source{Name: "x", Kind: c.kind, Secret: testSecret, IncidentLabels: c.labels}.Validate()
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}
