package webhook

import (
	"fmt"
	"strings"
	"testing"
)

// wellBehaved fails when a parser panicked, or did not say why it took nothing. What is accepted can be stored: Parse
// refuses what cannot.
func wellBehaved(t *testing.T, updates []Update, v Verdict) {
	t.Helper()
	if strings.Contains(v.Reason, "runtime error") || strings.Contains(v.Reason, "could not be read:") {
		t.Fatalf("it panicked: %s", v.Reason)
	}
	if v.Outcome != Accepted && (v.Reason == "" || len(updates) > 0) {
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
		t.Fatalf("of %d records %d change when the delivery comes again: %+v, then %+v", changed, n, k.changed(), again.changed())
	}
}

func fuzzSender(f *testing.F, k Kind, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	plain, polled := testSource(k), testSource(k)
	polled.Name, polled.Polled = "polled", true
	r := newReceiver(f, plain, polled)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, source := range []string{plain.Name, polled.Name} {
			d := pushed(k, "")
			d.Source, d.Body = source, body
			updates, v := r.Parse(d)
			wellBehaved(t, updates, v)
		}
	})
}

func FuzzGitLab(f *testing.F) {
	fuzzSender(f, GitLab, strings.ReplaceAll(gitlabPipeline, "%STATUS%", "running"),
		`{"object_kind":"build","repository":{"homepage":"https://gl.example.com/a/b"},"build_id":1,"pipeline_id":2,"build_status":"created","build_queued_duration":1e300,"build_started_at":"2026-03-01T10:00:00Z"}`,
		`{"object_kind":"merge_request","project":{"path_with_namespace":"a/b"},"user":{"id":1},"object_attributes":{"iid":1,"action":"approved","author_id":"2","updated_at":"2026-03-01 10:00:00 UTC"}}`,
		`{"object_kind":"deployment","project":{"path_with_namespace":"a/b"},"deployment_id":1,"status":"success","commit_url":"/"}`,
		`{"object_kind":"note","project":{"path_with_namespace":"a/b"},"object_attributes":{"noteable_type":"MergeRequest"},"user":{"id":1},"merge_request":{"iid":1}}`)
}

func FuzzCircleCI(f *testing.F) {
	fuzzSender(f, CircleCI, fmt.Sprintf(circleDelivery, "workflow-completed", "w-1", "failed", ""),
		fmt.Sprintf(circleDelivery, "job-completed", "w-1", "", `,"job":{"id":"j-1","number":7,"name":"test","status":"x"}`),
		fmt.Sprintf(circleDelivery, "job-completed", "w 1", "", `,"job":{"id":"j-1"}`), `{"type":"ping"}`)
}

func FuzzArgoCD(f *testing.F) {
	fuzzSender(f, ArgoCD, argoNotification(argoSync("Succeeded", `{"automated":true}`, commitB, "")), argoNotification(argoSync("Failed", `{}`, commitA, `,"resources":[{}]`)), argoNotification("null"))
}

func FuzzAlertmanager(f *testing.F) {
	fuzzSender(f, Alertmanager, alerts, `{"alerts":[null]}`)
}

func FuzzEvents(f *testing.F) {
	for _, c := range cdEvents {
		f.Add("application/json", "1.0", c.kind, []byte(c.data))
		f.Add("application/cloudevents+json", "", "", []byte(structured(c.kind, c.data)))
	}
	f.Add("application/cloudevents-batch+json", "", "", []byte("["+structured(FactType, `{"entity":"component:default/x","name":"a.b","value":true}`)+"]"))
	r := newReceiver(f, testSource(Events))
	f.Fuzz(func(t *testing.T, media, version, kind string, body []byte) {
		d := pushed(Events, "")
		d.Headers = map[string]string{"content-type": media, "ce-specversion": version, "ce-type": kind, "ce-source": "/s", "ce-id": "1", "ce-time": "2026-03-01T10:00:00Z"}
		d.Body = body
		updates, v := r.Parse(d)
		wellBehaved(t, updates, v)
	})
}
