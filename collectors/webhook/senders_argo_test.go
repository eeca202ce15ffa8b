package webhook

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

const (
	commitA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	commitB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	argoSrc = `{"repoURL":"https://git.example.com/m","targetRevision":"main","path":"pay"}`
)

// argoNotification is what the template sends: two syncs in the history, of commit A and then B, and the latest operation.
func argoNotification(operation string) string {
	return fmt.Sprintf(`{"metadata":{"name":"pay","namespace":"argocd","labels":{"env":"production"}},"spec":{"source":%[1]s,"destination":{"namespace":"shop"}},
"status":{"history":[{"id":2,"revision":"%[3]s","source":%[1]s,"deployStartedAt":"2026-03-01T09:00:00Z","deployedAt":"2026-03-01T09:01:00Z"},
{"id":1,"revision":"%[2]s","source":%[1]s,"deployStartedAt":"2026-03-01T08:00:00Z","deployedAt":"2026-03-01T08:01:00Z"}],"operationState":%[4]s}}`, argoSrc, commitA, commitB, operation)
}

func argoSync(phase, by, commit, more string) string {
	return fmt.Sprintf(`{"phase":%q,"startedAt":"2026-03-01T10:00:00Z","finishedAt":"2026-03-01T10:02:00Z","operation":{"initiatedBy":%s,"sync":{"revision":%q%s}},"syncResult":{"revision":%[3]q,"source":%[5]s}}`,
		phase, by, commit, more, argoSrc)
}

func TestArgoCD(t *testing.T) {
	const automated, ana = `{"automated":true}`, `{"username":"ana"}`
	const commitC = "cccccccccccccccccccccccccccccccccccccccc"
	base := event.Deployment{Origin: event.Origin{Source: "gh", Provider: "argocd", Scope: "pay", ID: "2026-03-01T10:00:00Z", URL: "https://cd.example.com/applications/argocd/pay"},
		Attempt: 1, Environment: "production", Ref: "main", CreatedAt: instant(t, "2026-03-01T10:00:00Z"), StartedAt: instant(t, "2026-03-01T10:00:00Z"), FinishedAt: instant(t, "2026-03-01T10:02:00Z")}
	with := func(edit func(*event.Deployment)) *event.Deployment {
		d := base
		edit(&d)
		return &d
	}
	for _, c := range []struct {
		name, body string
		polled     bool
		outcome    Outcome
		reason     string
		want       *event.Deployment
	}{
		{name: "empty", outcome: Refused, reason: "template"},
		{name: "another template", body: `{"text":"synced"}`, outcome: Refused, reason: "metadata.name"},
		{name: "never synced", body: argoNotification("null"), outcome: Ignored, reason: "was not synced"},
		{name: "a dry run", body: argoNotification(argoSync("Succeeded", ana, commitC, `,"dryRun":true`)), outcome: Ignored, reason: "dry run"},
		{name: "a self-heal", body: argoNotification(argoSync("Succeeded", automated, commitB, "")), outcome: Ignored, reason: "self-heal"},
		{name: "a self-heal that failed", body: argoNotification(argoSync("Failed", automated, commitB, "")), outcome: Ignored, reason: "self-heal"},
		{name: "a self-heal that is counted", body: argoNotification(argoSync("Failed", automated, commitC, `,"autoHealAttemptsCount":2`)), outcome: Ignored, reason: "self-heal"},
		{name: "somebody syncs the same again", body: argoNotification(argoSync("Succeeded", ana, commitB, "")), outcome: Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Actor, d.Trigger = event.Succeeded, "Succeeded", commitB, "ana", "manual"
		})},
		{name: "a sync", body: argoNotification(argoSync("Succeeded", automated, commitC, "")), outcome: Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Trigger = event.Succeeded, "Succeeded", commitC, "automated"
		})},
		{name: "back to what was before", body: argoNotification(argoSync("Succeeded", ana, commitA, "")), outcome: Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Actor, d.Trigger, d.RollbackOf = event.Succeeded, "Succeeded", commitA, "ana", "manual", "2026-03-01T09:00:00Z"
		})},
		{name: "a failed sync", body: argoNotification(argoSync("Failed", automated, commitC, "")), outcome: Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Trigger = event.Failed, "Failed", commitC, "automated"
		})},
		{name: "an error, polled", body: argoNotification(argoSync("Error", `{"username":"proj:shop:ci"}`, commitC, "")), polled: true, outcome: Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Trigger, d.Actor, d.Bot = event.Failed, "Error", commitC, "manual", "proj:shop:ci", true
		})},
		{name: "a sync, polled", body: argoNotification(argoSync("Succeeded", automated, commitC, "")), polled: true, outcome: Accepted, reason: "reads its history"},
		{
			name: "an end that is not told", body: argoNotification(strings.Replace(argoSync("Failed", automated, commitC, ""), `"finishedAt":"2026-03-01T10:02:00Z",`, "", 1)),
			outcome: Accepted, want: with(func(d *event.Deployment) {
				d.Status, d.StatusRaw, d.SHA, d.Trigger, d.FinishedAt = event.Failed, "Failed", commitC, "automated", time.Time{}
			}),
		},
		{name: "an unknown phase", body: argoNotification(argoSync("Levitating", ana, commitC, "")), outcome: Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Actor, d.Trigger = event.Skipped, "Levitating", commitC, "ana", "manual"
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testSource(ArgoCD)
			s.Polled, s.URL = c.polled, "https://cd.example.com/"
			updates, v := newReceiver(t, s).Parse(pushed(ArgoCD, c.body))
			if v.Outcome != c.outcome || !strings.Contains(v.Reason, c.reason) {
				t.Fatalf("%s %q, want %s with %q", v.Outcome, v.Reason, c.outcome, c.reason)
			}
			if c.polled && (len(v.Collect) != 1 || v.Collect[0] != Target{"gh", "pay"}) {
				t.Errorf("collect %+v", v.Collect)
			}
			switch {
			case c.want == nil && len(updates) > 0:
				t.Errorf("%+v", updates)
			case c.want != nil && (len(updates) != 1 || updates[0].Event != event.Event(*c.want)):
				t.Errorf("%+v, want %+v", updates, *c.want)
			}
		})
	}
}

// TestArgoCDPlace shows that what the collector's configuration says of an application holds for its notifications too.
func TestArgoCDPlace(t *testing.T) {
	body := argoNotification(argoSync("Failed", `{}`, commitB, ""))
	s := testSource(ArgoCD)
	s.Application = func([]byte) (string, string, bool) { return "argocd/pay", "prod", true }
	updates, _ := newReceiver(t, s).Parse(pushed(ArgoCD, body))
	if len(updates) != 1 || updates[0].Event.(event.Deployment).Scope != "argocd/pay" || updates[0].Event.(event.Deployment).Environment != "prod" {
		t.Errorf("%+v", updates)
	}
	s.Application = func([]byte) (string, string, bool) { return "", "", false }
	if _, v := newReceiver(t, s).Parse(pushed(ArgoCD, body)); v.Outcome != Ignored {
		t.Errorf("%+v", v)
	}
}

func TestArgoCDVersions(t *testing.T) {
	for _, c := range []struct {
		name               string
		brought            argoBrought
		sha, ref, versions string
	}{
		{"a chart", argoBrought{Revision: "1.2.3", Source: []byte(`{"chart":"pay","targetRevision":"1.*"}`)}, "", "1.*", "1.2.3"},
		{"an image", argoBrought{Revision: commitA, Source: []byte(`{"targetRevision":"main","kustomize":{"images":["reg.example.com:5000/pay:v7@sha256:00"]}}`)}, commitA, "main", "v7"},
		{"two images", argoBrought{Revision: commitA, Source: []byte(`{"targetRevision":"main","kustomize":{"images":["a:1","b:2"]}}`)}, commitA, "main", ""},
		{"several sources", argoBrought{Revisions: []string{commitB, "2.0.0"}, Sources: []byte(`[{"ref":"values","targetRevision":"main"},{"chart":"pay","targetRevision":"2.*"}]`)}, commitB, "main", "2.0.0"},
		{"nothing", argoBrought{}, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if sha, ref, version := c.brought.version(); sha != c.sha || ref != c.ref || version != c.versions {
				t.Errorf("%q %q %q", sha, ref, version)
			}
		})
	}
}

const circleDelivery = `{"type":%q,"id":"e-1","happened_at":"2026-03-01T10:10:00Z","project":{"id":"p","name":"shop","slug":"gh/acme/shop"},
"workflow":{"id":%q,"name":"build","status":%q,"created_at":"2026-03-01T10:00:00Z","stopped_at":"2026-03-01T10:09:00.5Z"},
"pipeline":{"id":"q","number":12,"created_at":"2026-03-01T09:59:00Z","trigger":{"type":"webhook"},"vcs":{"branch":"main","revision":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}%s}`

func TestCircleCI(t *testing.T) {
	s := testSource(CircleCI)
	s.Scopes = []string{"gh/Acme/shop"}
	r := newReceiver(t, s)
	updates, v := r.Parse(pushed(CircleCI, fmt.Sprintf(circleDelivery, "workflow-completed", "w-1", "failed", "")))
	want := event.PipelineRun{Origin: event.Origin{Source: "gh", Provider: "circleci", Scope: "github/Acme/shop", ID: "12/build", URL: "https://app.circleci.com/pipelines/github/Acme/shop/12/workflows/w-1"},
		Attempt: 1, Pipeline: "build", Status: event.Failed, StatusRaw: "failed", Branch: "main", Trigger: "push", SHA: commitA, CreatedAt: instant(t, "2026-03-01T10:00:00Z"), FinishedAt: instant(t, "2026-03-01T10:09:00.5Z")}
	if v.Outcome != Accepted || len(updates) != 1 || updates[0].Event != event.Event(want) || updates[0].Run != "w-1" {
		t.Errorf("%+v %+v, want %+v", v, updates, want)
	}
	updates, v = r.Parse(pushed(CircleCI, fmt.Sprintf(circleDelivery, "job-completed", "w-1", "", `,"job":{"id":"j-1","number":7,"name":"test","status":"canceled","started_at":null,"stopped_at":"2026-03-01T10:05:00Z"}`)))
	if v.Outcome != Accepted || len(updates) != 2 || updates[0].Event.(event.PipelineRun).Status != event.Running {
		t.Fatalf("%+v %+v", v, updates)
	}
	job := updates[1].Event.(event.PipelineJob)
	if job.ID != "j-1" || job.RunID != "12/build" || job.Status != event.Cancelled || job.URL != want.URL+"/jobs/7" || !job.StartedAt.IsZero() {
		t.Errorf("%+v", job)
	}
	for _, c := range []struct {
		name, body string
		outcome    Outcome
		reason     string
	}{
		{"empty", ``, Refused, "cannot be read"},
		{"no type", `{}`, Refused, "no type"},
		{"ping", `{"type":"ping"}`, Ignored, "works"},
		{"another type", `{"type":"x-started"}`, Ignored, "not used"},
		{"no project", `{"type":"workflow-completed"}`, Refused, "project.slug"},
		{"another project", `{"type":"workflow-completed","project":{"slug":"github/acme/other"}}`, Ignored, "not among"},
		{"no workflow", `{"type":"workflow-completed","project":{"slug":"github/acme/shop"}}`, Refused, "workflow.id"},
		{"no job", fmt.Sprintf(circleDelivery, "job-completed", "w-1", "", ""), Refused, "job.id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, v := r.Parse(pushed(CircleCI, c.body)); v.Outcome != c.outcome || !strings.Contains(v.Reason, c.reason) {
				t.Errorf("%+v", v)
			}
		})
	}
	s.Polled = true
	updates, v = newReceiver(t, s).Parse(pushed(CircleCI, fmt.Sprintf(circleDelivery, "workflow-completed", "w-1", "failed", "")))
	if len(updates) > 0 || len(v.Collect) != 1 || v.Collect[0] != (Target{"gh", "github/Acme/shop"}) {
		t.Errorf("polled: %+v %+v", v, updates)
	}
}
