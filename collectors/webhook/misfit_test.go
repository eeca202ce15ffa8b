package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// parseEvent parses one structured CloudEvent.
func parseEvent(t *testing.T, doc string) ([]Update, Verdict) {
	t.Helper()
	d := pushed(Events, doc)
	d.Headers["content-type"] = "application/cloudevents+json"
	return newReceiver(t, testSource(Events)).Parse(d)
}

func deployedWith(custom string) string {
	return structured("dev.cdevents.service.deployed.0.2.0", cd("pay", `{"environment":{"id":"production"}}`, custom))
}

// TestMisfitsOfCustomData: one key that does not fit is left out and listed; everything beside it counts.
func TestMisfitsOfCustomData(t *testing.T) {
	for _, c := range []struct{ name, key, field string }{
		{"a time as a number", `"started_at":1763700000`, "customData.started_at"},
		{"a time in milliseconds", `"started_at":1763700000000`, "customData.started_at"},
		{"a time that is a word", `"started_at":"yesterday"`, "customData.started_at"},
		{"a time that cannot be stored", `"started_at":"9999-12-31T00:00:00Z"`, "customData.started_at"},
		{"a text that is a number", `"sha":12`, "customData.sha"},
		{"a text that is an object", `"version":{"major":1}`, "customData.version"},
		{"true as a text", `"bot":"true"`, "customData.bot"},
		{"a negative number", `"additions":-1`, "customData.additions"},
		{"a number that would wrap", `"deletions":4294967296`, "customData.deletions"},
		{"a fraction", `"number":1.5`, "customData.number"},
		{"an unknown key", `"basline":true`, "customData.basline"},
		{"a key twice", `"rollback_of":"a","rollback_of":"b"`, "customData.rollback_of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, custom := range []string{`{"baseline":true,"rollback_of":"a",` + c.key + `}`, `{` + c.key + `,"rollback_of":"a","baseline":true}`} {
				updates, v := parseEvent(t, deployedWith(custom))
				if v.Outcome != Accepted || len(updates) != 1 {
					t.Fatalf("%+v", v)
				}
				d := updates[0].Event.(event.Deployment)
				if !d.Baseline || d.RollbackOf != "a" && c.field != "customData.rollback_of" || !d.StartedAt.IsZero() || d.Bot {
					t.Errorf("%s: %+v", custom, d)
				}
				if len(v.Misfits) == 0 || v.Misfits[0].Field != c.field || v.Misfits[0].Reason == "" {
					t.Errorf("%s: left out %v, want %s", custom, v.Misfits, c.field)
				}
			}
		})
	}
	if _, v := parseEvent(t, deployedWith(`[1]`)); v.Outcome != Accepted || v.Misfits[0].Field != "customData" {
		t.Errorf("customData that is a list: %+v", v)
	}
	if _, v := parseEvent(t, deployedWith(`{"baseline":true}`)); v.Outcome != Accepted || len(v.Misfits) > 0 {
		t.Errorf("customData that fits: %+v", v)
	}
}

// TestIdentityThatDoesNotFit: an event is refused rather than taken for another one.
func TestIdentityThatDoesNotFit(t *testing.T) {
	for custom, says := range map[string]string{
		`{"attempt":0}`: "customData.attempt", `{"attempt":65536}`: "65536", `{"attempt":-1}`: "-1", `{"attempt":"1"}`: `"1"`,
		`{"attempt":1.5}`: "1.5", `{"attempt":true}`: "true", `{"attempt":99999999999999999999}`: "99999999999999999999",
		`{"id":7}`: "customData.id", `{"id":{"a":1}}`: "customData.id",
	} {
		if updates, v := parseEvent(t, deployedWith(custom)); v.Outcome != Refused || !strings.Contains(v.Reason, says) || len(updates) > 0 {
			t.Errorf("%s: %+v", custom, v)
		}
	}
	for custom, want := range map[string]uint16{`{}`: 1, `{"attempt":null}`: 1, `{"attempt":1}`: 1, `{"attempt":65535}`: 65535} {
		updates, v := parseEvent(t, deployedWith(custom))
		if v.Outcome != Accepted || updates[0].Event.(event.Deployment).Attempt != want {
			t.Errorf("%s: %+v", custom, v)
		}
	}
	const run = "dev.cdevents.pipelinerun.finished.0.2.0"
	for what, data := range map[string]string{
		"subject.id":     `{"context":{"id":"e-1"},"subject":{"id":5,"content":{}}}`,
		"subject.source": `{"context":{"id":"e-1"},"subject":{"id":"5","source":[],"content":{}}}`,
		"context.id":     `{"context":{"id":[]},"subject":{"id":"5","content":{}}}`,
		"subject":        `{"context":{"id":"e-1"},"subject":"pay"}`,
	} {
		if _, v := parseEvent(t, structured(run, data)); v.Outcome != Refused || !strings.Contains(v.Reason, what+":") {
			t.Errorf("%s: %+v", what, v)
		}
	}
}

// TestOneOfABatchDoesNotFit: the others are taken, and the answer lists what became of each.
func TestOneOfABatchDoesNotFit(t *testing.T) {
	var batch []string
	for i, custom := range []string{`{"baseline":true}`, `{"attempt":0}`, `{"baseline":true,"x":1}`} {
		batch = append(batch, strings.ReplaceAll(deployedWith(custom), "e-1", fmt.Sprintf("e-%d", i+1)))
	}
	batch = append(batch, `{"specversion":"1.0"}`, `7`)
	d := pushed(Events, "["+strings.Join(batch, ",")+"]")
	d.Headers["content-type"] = "application/cloudevents-batch+json"
	updates, v := newReceiver(t, testSource(Events)).Parse(d)
	var outcomes []string
	for _, e := range v.Events {
		outcomes = append(outcomes, string(e.Outcome))
	}
	if want := "accepted refused accepted refused refused"; strings.Join(outcomes, " ") != want || len(updates) != 2 || v.Outcome != Accepted {
		t.Fatalf("%d updates, %+v; want %s", len(updates), v, want)
	}
	if got := v.Events[2].Misfits; len(got) != 1 || got[0].Field != "customData.x" {
		t.Errorf("left out of the third: %v", got)
	}
	if !strings.Contains(v.Reason, "3 of 5") {
		t.Errorf("the reason: %s", v.Reason)
	}
}

// TestTimeOfAnEventThatIsNone: the event is taken as of when it was received.
func TestTimeOfAnEventThatIsNone(t *testing.T) {
	doc := deployedWith(`null`)
	var attributes map[string]any
	if err := json.Unmarshal([]byte(doc), &attributes); err != nil {
		t.Fatal(err)
	}
	delete(attributes["data"].(map[string]any), "context")
	attributes["time"] = "soon"
	raw, err := json.Marshal(attributes)
	if err != nil {
		t.Fatal(err)
	}
	updates, v := parseEvent(t, string(raw))
	if v.Outcome != Accepted || len(v.Misfits) != 1 || v.Misfits[0].Field != "time" {
		t.Fatalf("%+v", v)
	}
	if at := updates[0].Event.(event.Deployment).FinishedAt; at.IsZero() {
		t.Errorf("it has no time")
	}
}

// TestMisfitsOfPayloads: one field of a payload that does not fit costs that field alone, in every mapper.
func TestMisfitsOfPayloads(t *testing.T) {
	circle := fmt.Sprintf(circleDelivery, "workflow-completed", "w-1", "failed", "")
	for _, c := range []struct {
		name  string
		in    Delivery
		field string
	}{
		{"github run", payload("workflow_run", "requested", `"workflow_run":{"id":9,"status":"queued","created_at":"yesterday","head_sha":{"a":1}}`), "workflow_run.head_sha"},
		{"github job", payload("workflow_job", "queued", `"workflow_job":{"id":5,"run_id":9,"status":"queued","labels":["a",1]}`), "workflow_job.labels[1]"},
		{"github change", payload("pull_request", "opened", `"pull_request":{"number":7,"additions":-3,"deletions":5000000000}`), "pull_request.additions"},
		{"github deployment", payload("deployment", "created", `"deployment":{"id":3,"sha":"a","environment":"production","creator":"x"}`), "deployment.creator"},
		{"gitlab pipeline", pushed(GitLab, `{"object_kind":"pipeline","project":{"path_with_namespace":"a/b"},"object_attributes":{"id":1,"status":"running","created_at":"never"},"builds":[{"id":2,"status":"running","queued_duration":"x"},{"id":-1}]}`), "object_attributes.created_at"},
		{"gitlab change", pushed(GitLab, `{"object_kind":"merge_request","project":{"path_with_namespace":"a/b"},"user":{"id":-5},"object_attributes":{"iid":1,"title":4,"updated_at":"2026-03-01 10:00:00 UTC"}}`), "object_attributes.title"},
		{"circleci", pushed(CircleCI, strings.Replace(circle, `"happened_at":`, `"job":{"number":"x"},"happened_at":`, 1)), "job.number"},
		{"argocd", pushed(ArgoCD, strings.Replace(argoNotification(argoSync("Succeeded", `{}`, commitB, "")), `"metadata":{`, `"metadata":{"labels":{"env":5},`, 1)), "metadata.labels.env"},
		{"alertmanager", pushed(Alertmanager, `{"truncatedAlerts":-1,"alerts":[{"status":"firing","labels":{"service":"pay","severity":3},"startsAt":"2026-03-01T10:00:00Z","fingerprint":"f"}]}`), "truncatedAlerts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			updates, v := newReceiver(t, testSource(c.in.Kind)).Parse(c.in)
			found := func(m Misfit) bool { return m.Field == c.field }
			if v.Outcome != Accepted || len(updates) == 0 || !slices.ContainsFunc(v.Misfits, found) {
				t.Errorf("%d updates, %+v; want %s left out", len(updates), v, c.field)
			}
		})
	}
}

// TestAlertWithOddLabel: a label that is no text costs that label alone.
func TestAlertWithOddLabel(t *testing.T) {
	updates, v := newReceiver(t, testSource(Alertmanager)).Parse(pushed(Alertmanager,
		`{"alerts":[{"status":"firing","labels":{"service":"pay","severity":3},"startsAt":"2026-03-01T10:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"f"}]}`))
	if len(updates) != 1 || len(v.Events) != 1 || len(v.Events[0].Misfits) != 1 || v.Events[0].Misfits[0].Field != "labels.severity" {
		t.Errorf("%d updates, %+v", len(updates), v)
	}
}

// TestMisfitsAreBounded: a payload of nothing but misfits is answered with some of them.
func TestMisfitsAreBounded(t *testing.T) {
	var keys []string
	for i := range 10_000 {
		keys = append(keys, fmt.Sprintf("%q:1", strings.Repeat("k", 300)+fmt.Sprint(i)))
	}
	start := time.Now()
	_, v := parseEvent(t, deployedWith("{"+strings.Join(keys, ",")+"}"))
	if v.Outcome != Accepted || len(v.Misfits) != maxMisfits+1 || len(v.Misfits[0].Field) > 200 {
		t.Errorf("%s with %d", v.Outcome, len(v.Misfits))
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestNoYearOne: a time that is not known is absent or null in everything that is written, never the year 1.
func TestNoYearOne(t *testing.T) {
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	deploy, err := NewDeployEvent(Deploy{Service: "s", Environment: "e", ID: "1"}, now)
	if err != nil {
		t.Fatal(err)
	}
	incident, err := NewIncidentEvent(Disturbance{ID: "1", Service: "s"}, now)
	if err != nil {
		t.Fatal(err)
	}
	fact, err := NewFactEvent(event.Fact{Entity: "component:default/x", Name: "a.b", Type: event.BoolFact, Value: []byte("true")}, now)
	if err != nil {
		t.Fatal(err)
	}
	_, v := parseEvent(t, deployedWith(`{"started_at":"0001-01-01T00:00:00Z"}`))
	if v.Outcome != Accepted || len(v.Misfits) > 0 { // how Go writes that it does not know
		t.Errorf("%+v", v)
	}
	for _, written := range []any{deploy, incident, fact, stamp{}, eventTime{}, factData{}, custom{}, readable{}, Answer{Outcome: v.Outcome, Misfits: v.Misfits}} {
		doc, err := json.Marshal(written)
		if err != nil || strings.Contains(string(doc), "0001-01-01") {
			t.Errorf("%T is written as %s: %v", written, doc, err)
		}
	}
}
