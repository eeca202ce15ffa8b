package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/event"
)

// parseEvent parses one structured CloudEvent.
func parseEvent(t *testing.T, doc string) ([]delivery.Update, delivery.Verdict) {
	t.Helper()
	d := deliverytest.Delivery("events", doc)
	d.Headers["content-type"] = "application/cloudevents+json"
	return newReceiver(t, testSource()).Parse(d)
}

func deployedWith(custom string) string {
	return deliverytest.CloudEvent(
		"dev.cdevents.service.deployed.0.2.0",
		deliverytest.CDEvent("pay", `{"environment":{"id":"production"}}`, custom),
	)
}

// TestMisfitsOfCustomData: one key that does not fit is left out and listed; everything else counts.
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
				if v.Outcome != delivery.Accepted || len(updates) != 1 {
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
	if _, v := parseEvent(t, deployedWith(`[1]`)); v.Outcome != delivery.Accepted || v.Misfits[0].Field != "customData" {
		t.Errorf("customData that is a list: %+v", v)
	}
	if _, v := parseEvent(t, deployedWith(`{"baseline":true}`)); v.Outcome != delivery.Accepted || len(v.Misfits) > 0 {
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
		if updates, v := parseEvent(
			t,
			deployedWith(custom),
		); v.Outcome != delivery.Refused || !strings.Contains(v.Reason, says) ||
			len(updates) > 0 {
			t.Errorf("%s: %+v", custom, v)
		}
	}
	for custom, want := range map[string]uint16{`{}`: 1, `{"attempt":null}`: 1, `{"attempt":1}`: 1, `{"attempt":65535}`: 65535} {
		updates, v := parseEvent(t, deployedWith(custom))
		if v.Outcome != delivery.Accepted || updates[0].Event.(event.Deployment).Attempt != want {
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
		if _, v := parseEvent(t, deliverytest.CloudEvent(run, data)); v.Outcome != delivery.Refused ||
			!strings.Contains(v.Reason, what+":") {
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
	d := deliverytest.Delivery("events", "["+strings.Join(batch, ",")+"]")
	d.Headers["content-type"] = "application/cloudevents-batch+json"
	updates, v := newReceiver(t, testSource()).Parse(d)
	var outcomes []string
	for _, e := range v.Events {
		outcomes = append(outcomes, string(e.Outcome))
	}
	if want := "accepted refused accepted refused refused"; strings.Join(outcomes, " ") != want || len(updates) != 2 ||
		v.Outcome != delivery.Accepted {
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
	if v.Outcome != delivery.Accepted || len(v.Misfits) != 1 || v.Misfits[0].Field != "time" {
		t.Fatalf("%+v", v)
	}
	if at := updates[0].Event.(event.Deployment).FinishedAt; at.IsZero() {
		t.Errorf("it has no time")
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
	if v.Outcome != delivery.Accepted || len(v.Misfits) != delivery.MaxMisfits+1 || len(v.Misfits[0].Field) > 200 {
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
	incident, err := NewIncidentEvent(IncidentReport{ID: "1", Service: "s"}, now)
	if err != nil {
		t.Fatal(err)
	}
	fact, err := NewFactEvent(
		event.Fact{Entity: "component:default/x", Name: "a.b", Type: event.BoolFact, Value: []byte("true")},
		now,
	)
	if err != nil {
		t.Fatal(err)
	}
	_, v := parseEvent(t, deployedWith(`{"started_at":"0001-01-01T00:00:00Z"}`))
	if v.Outcome != delivery.Accepted || len(v.Misfits) > 0 { // how Go writes that it does not know
		t.Errorf("%+v", v)
	}
	for _, written := range []any{deploy, incident, fact, delivery.Stamp{}, delivery.EventTime{}, factData{}, custom{}} {
		doc, err := json.Marshal(written)
		if err != nil || strings.Contains(string(doc), "0001-01-01") {
			t.Errorf("%T is written as %s: %v", written, doc, err)
		}
	}
}

// TestAnUnrecognizedOutcomeIsLogged has a word that CDEvents does not define: it is stored as is, and logged.
func TestAnUnrecognizedOutcomeIsLogged(t *testing.T) {
	var log bytes.Buffer
	r, err := webhook.NewReceivers(
		[]webhook.Source{testSource()},
		webhook.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"levitated", "success", ""} {
		d := deliverytest.Delivery("events", deliverytest.CloudEvent(
			"dev.cdevents.pipelinerun.finished.0.2.0",
			deliverytest.CDEvent("build/7", `{"pipelineName":"build","outcome":"`+word+`"}`, `{}`),
		))
		d.Headers["content-type"] = "application/cloudevents+json"
		updates, v := r.Parse(d)
		if v.Outcome != delivery.Accepted || len(updates) != 1 {
			t.Fatalf("%q: %+v", word, v)
		}
		if run := updates[0].Event.(event.PipelineRun); !run.Status.Final() || word != "" && run.StatusRaw != word {
			t.Errorf("%q: %+v", word, run)
		}
	}
	text := log.String()
	if strings.Count(text, "unrecognized status; stored as is") != 1 || !strings.Contains(text, "word=levitated") {
		t.Errorf("logged: %s", text)
	}
}
