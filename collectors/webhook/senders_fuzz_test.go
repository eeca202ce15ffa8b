package webhook

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/alertmanager"
	"github.com/dxctl/dxctl/collectors/argocd"
	"github.com/dxctl/dxctl/collectors/circleci"
	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/events"
	gitlabreceiver "github.com/dxctl/dxctl/collectors/gitlab/receiver"
	sources "github.com/dxctl/dxctl/collectors/source"
)

// wellBehaved fails when a parser panicked, or did not say why it took nothing. What is accepted can be stored: Parse
// refuses what cannot.
func wellBehaved(t *testing.T, updates []delivery.Update, v delivery.Verdict) {
	t.Helper()
	if strings.Contains(v.Reason, "runtime error") || strings.Contains(v.Reason, "could not be read:") {
		t.Fatalf("it panicked: %s", v.Reason)
	}
	if v.Outcome != delivery.Accepted && (v.Reason == "" || len(updates) > 0) {
		t.Fatalf("%+v with %d updates", v, len(updates))
	}
	k := newRecords(nil)
	for _, u := range updates {
		k.apply(u)
	}
	changed := len(k.changed())
	again := newRecords(k.changed())
	for _, u := range updates {
		again.apply(u)
	}
	if n := len(again.changed()); n > 0 {
		t.Fatalf(
			"of %d records %d change when the delivery comes again: %+v, then %+v",
			changed,
			n,
			k.changed(),
			again.changed(),
		)
	}
}

func fuzzSender(f *testing.F, r Receiver, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	plain, polled := testSource(r), testSource(r)
	polled.Name, polled.Polled = "polled", true
	kind, receivers := r.Protocol().Kind, newReceiver(f, plain, polled)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, source := range []string{plain.Name, polled.Name} {
			d := deliverytest.Delivery(kind, "")
			d.Source, d.Body = source, body
			updates, v := receivers.Parse(d)
			wellBehaved(t, updates, v)
		}
	})
}

func FuzzGitLab(f *testing.F) {
	fuzzSender(
		f,
		gitlabreceiver.Receiver{},
		strings.ReplaceAll(deliverytest.GitLabPipeline, "%STATUS%", "running"),
		`{"object_kind":"build","repository":{"homepage":"https://gl.example.com/a/b"},"build_id":1,"pipeline_id":2,"build_status":"created","build_queued_duration":1e300,"build_started_at":"2026-03-01T10:00:00Z"}`,
		`{"object_kind":"merge_request","project":{"path_with_namespace":"a/b"},"user":{"id":1},"object_attributes":{"iid":1,"action":"approved","author_id":"2","updated_at":"2026-03-01 10:00:00 UTC"}}`,
		`{"object_kind":"deployment","project":{"path_with_namespace":"a/b"},"deployment_id":1,"status":"success","commit_url":"/"}`,
		`{"object_kind":"note","project":{"path_with_namespace":"a/b"},"object_attributes":{"noteable_type":"MergeRequest"},"user":{"id":1},"merge_request":{"iid":1}}`,
	)
}

func FuzzCircleCI(f *testing.F) {
	fuzzSender(
		f,
		circleci.Receiver{},
		fmt.Sprintf(deliverytest.CircleDelivery, "workflow-completed", "w-1", "failed", ""),
		fmt.Sprintf(
			deliverytest.CircleDelivery,
			"job-completed",
			"w-1",
			"",
			`,"job":{"id":"j-1","number":7,"name":"test","status":"x"}`,
		),
		fmt.Sprintf(deliverytest.CircleDelivery, "job-completed", "w 1", "", `,"job":{"id":"j-1"}`),
		`{"type":"ping"}`,
	)
}

func FuzzArgoCD(f *testing.F) {
	fuzzSender(
		f,
		argocd.Receiver{},
		deliverytest.ArgoNotification(deliverytest.ArgoSync("Succeeded", `{"automated":true}`, deliverytest.CommitB, "")),
		deliverytest.ArgoNotification(deliverytest.ArgoSync("Failed", `{}`, deliverytest.CommitA, `,"resources":[{}]`)),
		deliverytest.ArgoNotification("null"),
	)
}

func FuzzAlertmanager(f *testing.F) {
	fuzzSender(f, alertmanager.Receiver{}, deliverytest.Alerts, `{"alerts":[null]}`)
}

func FuzzEvents(f *testing.F) {
	content := `{"environment":{"id":"production"},"service":{"id":"pay"},"pipelineRun":{"id":"r-1"},"repository":{"id":"acme/shop"},"outcome":"failure"}`
	for _, kind := range []string{"dev.cdevents.service.deployed.0.2.0", "dev.cdevents.service.rolledback.0.2.0", "dev.cdeventsx.dxctl-deployment.finished.0.1.0",
		"dev.cdevents.pipelinerun.queued.0.2.0", "dev.cdevents.taskrun.started.0.2.0", "dev.cdevents.change.merged.0.2.0",
		"dev.cdevents.incident.detected.0.2.0", "dev.cdevents.incident.resolved.0.2.0"} {
		data := deliverytest.CDEvent("s-1", content, `{"attempt":2,"started_at":"2026-03-01T09:58:00Z","number":7}`)
		f.Add("application/json", "1.0", kind, []byte(data))
		f.Add("application/cloudevents+json", "", "", []byte(deliverytest.CloudEvent(kind, data)))
	}
	f.Add(
		"application/cloudevents-batch+json",
		"",
		"",
		[]byte(
			"["+deliverytest.CloudEvent(events.FactType, `{"entity":"component:default/x","name":"a.b","value":true}`)+"]",
		),
	)
	r := newReceiver(f, testSource(events.Receiver{Facts: sources.Names("a.*")}))
	f.Fuzz(func(t *testing.T, media, version, kind string, body []byte) {
		d := deliverytest.Delivery("events", "")
		d.Headers = map[string]string{
			"content-type":   media,
			"ce-specversion": version,
			"ce-type":        kind,
			"ce-source":      "/s",
			"ce-id":          "1",
			"ce-time":        "2026-03-01T10:00:00Z",
		}
		d.Body = body
		updates, v := r.Parse(d)
		wellBehaved(t, updates, v)
	})
}
