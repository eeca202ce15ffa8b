package argocd

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
	r, err := webhook.NewReceivers(sources, webhook.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReceiver(t *testing.T) {
	const automated, ana = `{"automated":true}`, `{"username":"ana"}`
	const commitC = "cccccccccccccccccccccccccccccccccccccccc"
	base := event.Deployment{
		Origin: event.Origin{
			Source:   "gh",
			Provider: "argocd",
			Scope:    "pay",
			ID:       "2026-03-01T10:00:00Z",
			URL:      "https://cd.example.com/applications/argocd/pay",
		},
		Attempt:     1,
		Environment: "production",
		Ref:         "main",
		CreatedAt:   deliverytest.Instant(t, "2026-03-01T10:00:00Z"),
		StartedAt:   deliverytest.Instant(t, "2026-03-01T10:00:00Z"),
		FinishedAt:  deliverytest.Instant(t, "2026-03-01T10:02:00Z"),
	}
	with := func(edit func(*event.Deployment)) *event.Deployment {
		d := base
		edit(&d)
		return &d
	}
	for _, c := range []struct {
		name, body string
		polled     bool
		outcome    delivery.Outcome
		reason     string
		want       *event.Deployment
	}{
		{name: "empty", outcome: delivery.Refused, reason: "template"},
		{name: "another template", body: `{"text":"synced"}`, outcome: delivery.Refused, reason: "metadata.name"},
		{name: "never synced", body: deliverytest.ArgoNotification("null"), outcome: delivery.Ignored, reason: "was not synced"},
		{name: "a dry run", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Succeeded", ana, commitC, `,"dryRun":true`)), outcome: delivery.Ignored, reason: "dry run"},
		{name: "a self-heal", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Succeeded", automated, deliverytest.CommitB, "")), outcome: delivery.Ignored, reason: "self-heal"},
		{name: "a self-heal that failed", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Failed", automated, deliverytest.CommitB, "")), outcome: delivery.Ignored, reason: "self-heal"},
		{name: "a self-heal that is counted", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Failed", automated, commitC, `,"autoHealAttemptsCount":2`)), outcome: delivery.Ignored, reason: "self-heal"},
		{name: "somebody syncs the same again", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Succeeded", ana, deliverytest.CommitB, "")), outcome: delivery.Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Actor, d.Trigger = event.Succeeded, "Succeeded", deliverytest.CommitB, "ana", "manual"
		})},
		{name: "a sync", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Succeeded", automated, commitC, "")), outcome: delivery.Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Trigger = event.Succeeded, "Succeeded", commitC, "automated"
		})},
		{name: "back to what was before", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Succeeded", ana, deliverytest.CommitA, "")), outcome: delivery.Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Actor, d.Trigger, d.RollbackOf = event.Succeeded, "Succeeded", deliverytest.CommitA, "ana", "manual", "2026-03-01T09:00:00Z"
		})},
		{name: "a failed sync", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Failed", automated, commitC, "")), outcome: delivery.Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Trigger = event.Failed, "Failed", commitC, "automated"
		})},
		{name: "an error, polled", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Error", `{"username":"proj:shop:ci"}`, commitC, "")), polled: true, outcome: delivery.Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Trigger, d.Actor, d.Bot = event.Failed, "Error", commitC, "manual", "proj:shop:ci", true
		})},
		{name: "a sync, polled", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Succeeded", automated, commitC, "")), polled: true, outcome: delivery.Accepted, reason: "reads its history"},
		{
			name: "an end that is not told", body: deliverytest.ArgoNotification(strings.Replace(deliverytest.ArgoSync("Failed", automated, commitC, ""), `"finishedAt":"2026-03-01T10:02:00Z",`, "", 1)),
			outcome: delivery.Accepted, want: with(func(d *event.Deployment) {
				d.Status, d.StatusRaw, d.SHA, d.Trigger, d.FinishedAt = event.Failed, "Failed", commitC, "automated", time.Time{}
			}),
		},
		{name: "an unknown phase", body: deliverytest.ArgoNotification(deliverytest.ArgoSync("Levitating", ana, commitC, "")), outcome: delivery.Accepted, want: with(func(d *event.Deployment) {
			d.Status, d.StatusRaw, d.SHA, d.Actor, d.Trigger = event.Skipped, "Levitating", commitC, "ana", "manual"
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testSource(Receiver{Config: Config{URL: "https://cd.example.com/"}})
			s.Polled = c.polled
			updates, v := newReceiver(t, s).Parse(deliverytest.Delivery("argocd", c.body))
			if v.Outcome != c.outcome || !strings.Contains(v.Reason, c.reason) {
				t.Fatalf("%s %q, want %s with %q", v.Outcome, v.Reason, c.outcome, c.reason)
			}
			if c.polled && (len(v.Collect) != 1 || v.Collect[0] != delivery.Target{Source: "gh", Scope: "pay"}) {
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

func TestRevisionVersions(t *testing.T) {
	for _, c := range []struct {
		name               string
		synced             revision
		sha, ref, versions string
	}{
		{"a chart", revision{Revision: "1.2.3", Source: []byte(`{"chart":"pay","targetRevision":"1.*"}`)}, "", "1.*", "1.2.3"},
		{"an image", revision{Revision: deliverytest.CommitA, Source: []byte(`{"targetRevision":"main","kustomize":{"images":["reg.example.com:5000/pay:v7@sha256:00"]}}`)}, deliverytest.CommitA, "main", "v7"},
		{"two images", revision{Revision: deliverytest.CommitA, Source: []byte(`{"targetRevision":"main","kustomize":{"images":["a:1","b:2"]}}`)}, deliverytest.CommitA, "main", ""},
		{"several sources", revision{Revisions: []string{deliverytest.CommitB, "2.0.0"}, Sources: []byte(`[{"ref":"values","targetRevision":"main"},{"chart":"pay","targetRevision":"2.*"}]`)}, deliverytest.CommitB, "main", "2.0.0"},
		{"nothing", revision{}, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if sha, ref, version := c.synced.version(); sha != c.sha || ref != c.ref || version != c.versions {
				t.Errorf("%q %q %q", sha, ref, version)
			}
		})
	}
}

// TestReceiverPlace: what the configuration says of an application holds for its notifications too.
func TestReceiverPlace(t *testing.T) {
	body := deliverytest.ArgoNotification(deliverytest.ArgoSync("Failed", `{}`, deliverytest.CommitB, ""))
	cfg := Config{QualifiedNames: true, Environments: []EnvironmentRule{{Application: "pay", Environment: "prod"}}}
	updates, _ := newReceiver(t, testSource(Receiver{cfg})).Parse(deliverytest.Delivery(Provider, body))
	if len(updates) != 1 || updates[0].Event.(event.Deployment).Scope != "argocd/pay" ||
		updates[0].Event.(event.Deployment).Environment != "prod" {
		t.Errorf("%+v", updates)
	}
	cfg.Applications = []string{"*-dev"}
	if _, v := newReceiver(
		t,
		testSource(Receiver{cfg}),
	).Parse(deliverytest.Delivery(Provider, body)); v.Outcome != delivery.Ignored {
		t.Errorf("%+v", v)
	}
}
