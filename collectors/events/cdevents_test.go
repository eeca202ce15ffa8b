package events

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/event"
)

var ten = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func originAt(scope, id string) event.Origin {
	return event.Origin{Source: "gh", Provider: Provider, Scope: scope, ID: id}
}

// cdEvents are the CDEvents that are used, and what becomes of each.
var cdEvents = []struct {
	name, kind, data string
	want             event.Event
}{
	{
		"deployed",
		"dev.cdevents.service.deployed.0.2.0",
		deliverytest.CDEvent(
			"team/pay",
			`{"environment":{"id":"production"},"artifactId":"pkg:oci/pay@sha256%3Aab?tag=v1"}`,
			`null`,
		),
		event.Deployment{
			Origin:         originAt("team/pay", "/ci#e-1"),
			Attempt:        1,
			Environment:    "production",
			EnvironmentKey: "production",
			Status:         event.Succeeded,
			StatusRaw:      "deployed",
			Version:        "sha256:ab",
			FinishedAt:     ten,
		},
	},
	{
		"upgraded",
		"dev.cdevents.service.upgraded.0.2.0",
		deliverytest.CDEvent(
			"pay",
			`{"environment":"production","artifactId":"pkg:git/pay@`+deliverytest.CommitA+`"}`,
			`{"id":"d-1","attempt":2,"started_at":"2026-03-01T09:58:00Z","actor":"ana"}`,
		),
		event.Deployment{
			Origin:         originAt("pay", "/ci#d-1"),
			Attempt:        2,
			Environment:    "production",
			EnvironmentKey: "production",
			Status:         event.Succeeded,
			StatusRaw:      "upgraded",
			Version:        deliverytest.CommitA,
			SHA:            deliverytest.CommitA,
			Actor:          "ana",
			StartedAt:      ten.Add(-2 * time.Minute),
			FinishedAt:     ten,
		},
	},
	{
		"rolled back",
		"dev.cdevents.service.rolledback.0.2.0",
		deliverytest.CDEvent("pay", `{"environment":{"id":"e1","name":"staging"}}`, `{}`),
		event.Deployment{
			Origin:         originAt("pay", "/ci#e-1"),
			Attempt:        1,
			Environment:    "staging",
			EnvironmentKey: "staging",
			Status:         event.Succeeded,
			StatusRaw:      "rolledback",
			RollbackOf:     "unknown",
			FinishedAt:     ten,
		},
	},
	{
		"a deployment failed",
		"dev.cdeventsx.dxctl-deployment.finished.0.1.0",
		deliverytest.CDEvent("d-9", `{"environment":{"id":"production"},"service":{"id":"pay"},"outcome":"failure"}`, `[]`),
		event.Deployment{
			Origin:         originAt("pay", "/ci#d-9"),
			Attempt:        1,
			Environment:    "production",
			EnvironmentKey: "production",
			Status:         event.Failed,
			StatusRaw:      "failure",
			FinishedAt:     ten,
		},
	},
	{
		"a run is queued",
		"dev.cdevents.pipelinerun.queued.0.2.0",
		deliverytest.CDEvent(
			"run-1",
			`{"pipelineName":"build","url":"https://ci.example.com/1"}`,
			`{"branch":"main","sha":"abc","trigger":"push"}`,
		),
		event.PipelineRun{
			Origin: event.Origin{
				Source:   "gh",
				Provider: Provider,
				Scope:    "/ci/here",
				ID:       "run-1",
				URL:      "https://ci.example.com/1",
			},
			Attempt:   1,
			Pipeline:  "build",
			Status:    event.Queued,
			StatusRaw: "queued",
			Branch:    "main",
			SHA:       "abc",
			Trigger:   "push",
			CreatedAt: ten,
		},
	},
	{
		"a run is started",
		"dev.cdevents.pipelinerun.started.0.2.0",
		deliverytest.CDEvent("run-1", `{"pipelineName":"build"}`, `null`),
		event.PipelineRun{
			Origin:    originAt("/ci/here", "run-1"),
			Attempt:   1,
			Pipeline:  "build",
			Status:    event.Running,
			StatusRaw: "started",
			StartedAt: ten,
		},
	},
	{
		"a run is finished",
		"dev.cdevents.pipelinerun.finished.0.2.0",
		deliverytest.CDEvent("run-1", `{"pipelineName":"build","outcome":"error"}`, `null`),
		event.PipelineRun{
			Origin:     originAt("/ci/here", "run-1"),
			Attempt:    1,
			Pipeline:   "build",
			Status:     event.Failed,
			StatusRaw:  "error",
			FinishedAt: ten,
		},
	},
	{
		"an unknown outcome",
		"dev.cdevents.pipelinerun.finished.0.2.0",
		deliverytest.CDEvent("run-1", `{"outcome":"levitated"}`, `null`),
		event.PipelineRun{
			Origin:     originAt("/ci/here", "run-1"),
			Attempt:    1,
			Status:     event.Skipped,
			StatusRaw:  "levitated",
			FinishedAt: ten,
		},
	},
	{
		"a job of a run",
		"dev.cdevents.taskrun.finished.0.2.0",
		deliverytest.CDEvent(
			"t-1",
			`{"taskName":"test","outcome":"success","pipelineRun":{"id":"run-1"}}`,
			`{"runner":"linux"}`,
		),
		event.PipelineJob{
			Origin:     originAt("/ci/here", "t-1"),
			RunID:      "run-1",
			Attempt:    1,
			Name:       "test",
			Runner:     "linux",
			Status:     event.Succeeded,
			StatusRaw:  "success",
			FinishedAt: ten,
		},
	},
	{
		"a change is created",
		"dev.cdevents.change.created.0.3.0",
		deliverytest.CDEvent("#12", `{"repository":{"id":"acme/shop"}}`, `{"author":"ana","title":"Größe"}`),
		event.Change{
			Origin:     originAt("/ci/here", "#12"),
			Repository: "acme/shop",
			Number:     12,
			Author:     "ana",
			Title:      "Größe",
			CreatedAt:  ten,
		},
	},
	{
		"a change is merged",
		"dev.cdevents.change.merged.0.2.0",
		deliverytest.CDEvent("12", `{"repository":{"id":"acme/shop"}}`, `{"merge_sha":"abc"}`),
		event.Change{
			Origin:     originAt("/ci/here", "12"),
			Repository: "acme/shop",
			Number:     12,
			MergeSHA:   "abc",
			MergedAt:   ten,
			ClosedAt:   ten,
		},
	},
	{
		"a change is abandoned",
		"dev.cdevents.change.abandoned.0.2.0",
		deliverytest.CDEvent("12", `{"repository":{"id":"acme/shop"}}`, `null`),
		event.Change{Origin: originAt("/ci/here", "12"), Repository: "acme/shop", Number: 12, ClosedAt: ten},
	},
	{
		"an incident",
		"dev.cdevents.incident.detected.0.2.0",
		deliverytest.CDEvent(
			"i-1",
			`{"service":{"id":"team/component:default/pay"}}`,
			`{"severity":"high","deployment":"d-1"}`,
		),
		event.Incident{Origin: originAt("/ci/here", "i-1"), Severity: "high", OpenedAt: ten, Deployment: "d-1", How: "said"},
	},
	{
		"a reported incident",
		"dev.cdevents.incident.reported.0.2.0",
		deliverytest.CDEvent("i-1", `{"ticketURI":"https://tickets.example.com/1"}`, `null`),
		event.Incident{
			Origin: event.Origin{
				Source:   "gh",
				Provider: Provider,
				Scope:    "/ci/here",
				ID:       "i-1",
				URL:      "https://tickets.example.com/1",
			},
			OpenedAt: ten,
		},
	},
	{"a resolved incident", "dev.cdevents.incident.resolved.0.2.0", deliverytest.CDEvent("i-1", `{}`, `null`),
		event.Incident{Origin: originAt("/ci/here", "i-1"), ResolvedAt: ten}},
	{
		"a fact",
		FactType,
		`{"entity":"component:default/pay","name":"runbook.reviewed","value":true}`,
		event.Fact{
			Source:     "gh",
			Entity:     "component:default/pay",
			Name:       "runbook.reviewed",
			Type:       event.BoolFact,
			Value:      json.RawMessage("true"),
			ObservedAt: ten,
		},
	},
}

// TestCDEvents sends every one in structured and in binary mode, and all of them as a batch.
func TestCDEvents(t *testing.T) {
	r := newReceiver(t, testSource())
	var batch []string
	for _, c := range cdEvents {
		t.Run(c.name, func(t *testing.T) {
			one := deliverytest.Delivery("events", deliverytest.CloudEvent(c.kind, c.data))
			one.Headers["content-type"] = "application/cloudevents+json; charset=utf-8"
			binary := deliverytest.Delivery("events", c.data)
			for name, value := range map[string]string{"specversion": "1.0", "id": "e-1", "source": "/ci", "type": c.kind, "time": "2026-03-01T10:00:00Z"} {
				binary.Headers["ce-"+name] = value
			}
			for mode, d := range map[string]delivery.Delivery{"structured": one, "binary": binary} {
				updates, v := r.Parse(d)
				if v.Outcome != delivery.Accepted || len(updates) != 1 {
					t.Fatalf("%s: %+v", mode, v)
				}
				if diff := cmp.Diff(c.want, updates[0].Event); diff != "" {
					t.Errorf("%s (-want +got):\n%s", mode, diff)
				}
			}
		})
		batch = append(batch, deliverytest.CloudEvent(c.kind, c.data))
	}
	d := deliverytest.Delivery("events", "["+strings.Join(batch, ",")+"]")
	d.Headers["content-type"] = "application/cloudevents-batch+json"
	if updates, v := r.Parse(d); v.Outcome != delivery.Accepted || len(updates) != len(cdEvents) ||
		len(v.Events) != len(cdEvents) {
		t.Errorf("the batch: %+v, %d updates", v, len(updates))
	}
}

func TestEventsVerdicts(t *testing.T) {
	const deployed = "dev.cdevents.service.deployed.0.2.0"
	good := deliverytest.CloudEvent(deployed, deliverytest.CDEvent("pay", `{"environment":{"id":"production"}}`, `null`))
	for _, c := range []struct {
		name, media, body string
		outcome           delivery.Outcome
		reason            string
	}{
		{"no event", "application/ld+json", `{}`, delivery.Refused, "it is no CloudEvent"},
		{"no JSON", "application/cloudevents+json", `{"specversion":"1.0"`, delivery.Refused, "not JSON"},
		{"two documents", "application/cloudevents+json", good + good, delivery.Refused, "not JSON"},
		{"an older version", "application/cloudevents+json", strings.Replace(good, `"1.0"`, `"0.3"`, 1), delivery.Refused, "send CloudEvents 1.0"},
		{"no id", "application/cloudevents+json", strings.Replace(good, `"id":"e-1","source"`, `"id":"","source"`, 1), delivery.Refused, "id"},
		{"no subject", "application/cloudevents+json", deliverytest.CloudEvent(deployed, `{}`), delivery.Refused, "no subject.id"},
		{"no environment", "application/cloudevents+json", deliverytest.CloudEvent(deployed, deliverytest.CDEvent("pay", `{}`, `null`)), delivery.Refused, "environment.id"},
		{"odd data", "application/cloudevents+json", deliverytest.CloudEvent(deployed, `[1]`), delivery.Refused, "not a CDEvent"},
		{"removed", "application/cloudevents+json", deliverytest.CloudEvent("dev.cdevents.service.removed.0.2.0", deliverytest.CDEvent("pay", `{}`, `null`)), delivery.Ignored, "only deployed, upgraded and rolledback"},
		{"an artifact", "application/cloudevents+json", deliverytest.CloudEvent("dev.cdevents.artifact.published.0.2.0", `{}`), delivery.Ignored, "artifacts are not stored"},
		{"an unknown subject", "application/cloudevents+json", deliverytest.CloudEvent("dev.cdevents.cat.fed.0.1.0", `{}`), delivery.Ignored, "cat.fed"},
		{"another type", "application/cloudevents+json", deliverytest.CloudEvent("com.example.done", `{}`), delivery.Ignored, "com.example.done"},
		{"an empty batch", "application/cloudevents-batch+json", `[]`, delivery.Ignored, "empty"},
		{"no batch", "application/cloudevents-batch+json", good, delivery.Refused, "not a JSON array"},
		{"one bad of two", "application/cloudevents-batch+json", "[" + good + "," + deliverytest.CloudEvent(deployed, `{}`) + "]", delivery.Accepted, "1 of 2 events are refused; the first is event 2"},
		{"one unused of two", "application/cloudevents-batch+json", "[" + good + "," + deliverytest.CloudEvent("com.example.done", `{}`) + "]", delivery.Accepted, ""},
		{"a fact without value", "application/cloudevents+json", deliverytest.CloudEvent(FactType, `{"entity":"component:default/x","name":"a"}`), delivery.Refused, "a"},
		{"a fact of nothing", "application/cloudevents+json", deliverytest.CloudEvent(FactType, `{"name":"a","value":1}`), delivery.Refused, ""},
		{"a fact of another type", "application/cloudevents+json", deliverytest.CloudEvent(FactType, `{"entity":"x","name":"a.b","type":"bool","value":1}`), delivery.Refused, "bool"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deliverytest.Delivery("events", c.body)
			d.Headers["content-type"] = c.media
			updates, v := newReceiver(t, testSource()).Parse(d)
			if v.Outcome != c.outcome || !strings.Contains(v.Reason, c.reason) ||
				v.Outcome != delivery.Accepted && len(updates) > 0 {
				t.Errorf("%+v with %d updates, want %s with %q", v, len(updates), c.outcome, c.reason)
			}
		})
	}
}

// TestConstructed sends what dxctl event makes to the receiver.
func TestConstructed(t *testing.T) {
	r, err := webhook.NewReceivers(
		[]webhook.Source{testSource()},
		webhook.Options{Service: func(name string) (string, bool) { return "component:default/" + name, name == "pay" }},
	)
	if err != nil {
		t.Fatal(err)
	}
	parse := func(e cloudevent.Event, err error) event.Event {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		d := deliverytest.Delivery("events", string(doc))
		d.Headers["content-type"] = "application/cloudevents+json"
		updates, v := r.Parse(d)
		if len(updates) != 1 {
			t.Fatalf("%s: %+v", doc, v)
		}
		return updates[0].Event
	}
	base := event.Deployment{
		Origin: event.Origin{
			Source:   "gh",
			Provider: Provider,
			Scope:    "pay",
			ID:       "d-1",
			Service:  "component:default/pay",
		},
		Attempt:        1,
		Environment:    "production",
		EnvironmentKey: "production",
		Version:        "v1",
	}
	for status, want := range map[event.Status]event.Deployment{
		"":              {Status: event.Succeeded, StatusRaw: "deployed", FinishedAt: ten},
		event.Succeeded: {Status: event.Succeeded, StatusRaw: "deployed", FinishedAt: ten},
		event.Failed:    {Status: event.Failed, StatusRaw: "failure", FinishedAt: ten},
		event.Cancelled: {Status: event.Cancelled, StatusRaw: "cancel", FinishedAt: ten},
		event.Skipped:   {Status: event.Skipped, StatusRaw: "skipped", FinishedAt: ten},
		event.Running:   {Status: event.Running, StatusRaw: "started", StartedAt: ten},
		event.Queued:    {Status: event.Queued, StatusRaw: "queued", CreatedAt: ten},
	} {
		whole := base
		whole.Status, whole.StatusRaw, whole.CreatedAt, whole.StartedAt, whole.FinishedAt = want.Status, want.StatusRaw, want.CreatedAt, want.StartedAt, want.FinishedAt
		if got := parse(
			NewDeployEvent(Deploy{Service: "pay", Environment: "production", ID: "d-1", Version: "v1", Status: status}, ten),
		); got != event.Event(whole) {
			t.Errorf("%q: %+v, want %+v", status, got, whole)
		}
	}
	opened := parse(NewIncidentEvent(IncidentReport{ID: "i", Service: "pay", Severity: "high"}, ten)).(event.Incident)
	closed := parse(NewIncidentEvent(IncidentReport{ID: "i", Resolved: true}, ten.Add(time.Hour))).(event.Incident)
	if opened.Identity() != closed.Identity() || opened.Service != "component:default/pay" ||
		!closed.ResolvedAt.Equal(ten.Add(time.Hour)) {
		t.Errorf("%+v and %+v", opened, closed)
	}
}
