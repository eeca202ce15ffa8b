package server_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Runs and jobs of which it is not known how long they took are counted, shown and linked; a duration of the source's
// own counts before the times.
func TestDurationsThatAreNotKnown(t *testing.T) {
	const repository = "myorg/payment-service"
	run := func(id string, started, finished time.Time, took time.Duration) event.Event {
		return event.PipelineRun{Origin: origin(repository, id), Attempt: 1, Pipeline: "nightly", Status: event.Succeeded,
			StartedAt: started, FinishedAt: finished, Duration: took}
	}
	at := present.Add(-time.Hour)
	f := newFixture(t, testCatalog, testPeople, append(testEvents(),
		run("own", at.Add(-48*time.Hour), at, 7*time.Minute), run("no-start", time.Time{}, at, 0),
		run("no-end", at, time.Time{}, 0), run("backwards", at, at.Add(-time.Minute), 0),
		event.PipelineRun{Origin: origin(repository, "open"), Attempt: 1, Pipeline: "nightly", Status: event.Running,
			StartedAt: at}))

	_, _, page := f.get(t, "/services/default/payment-service")
	link := regexp.MustCompile(`<a href="([^"]*without=duration[^"]*)">3 left out</a>`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("the page does not say that 3 runs are left out")
	}
	_, _, list := f.get(t, strings.ReplaceAll(link[1], "&amp;", "&"))
	for _, id := range []string{"no-start", "no-end", "backwards"} {
		if !strings.Contains(list, repository+"/"+id) {
			t.Errorf("the list lacks %s", id)
		}
	}
	if strings.Contains(list, repository+"/own") || strings.Contains(list, repository+"/open") {
		t.Error("the list has a run whose duration is known, or one that has not ended")
	}
	for address, want := range map[string]string{
		"/events/pipeline_runs?q=own":         `data-label="took">7`,
		"/events/pipeline_runs?q=nightly":     "3</a> that ended",
		"/events/pipeline_jobs":               `without=queue">1</a>`,
		"/events/pipeline_jobs?without=queue": "Of each it is not known how long it waited in the queue",
	} {
		if status, _, body := f.get(t, address); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, lacks %q", address, status, want)
		}
	}
	var doc struct {
		Without int `json:"without_duration"`
		Events  []struct {
			ID       string  `json:"id"`
			Duration *uint64 `json:"duration_ms"`
		} `json:"events"`
	}
	_, _, body := f.get(t, "/api/v1/events/pipeline_runs?q=nightly")
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Without != 3 || len(doc.Events) != 5 {
		t.Errorf("%d of %d runs have no duration, want 3 of 5", doc.Without, len(doc.Events))
	}
	for _, e := range doc.Events {
		if known := e.ID == "own"; known != (e.Duration != nil) || known && *e.Duration != 420_000 {
			t.Errorf("run %s has the duration %v", e.ID, e.Duration)
		}
	}
	for path, want := range map[string]string{
		"/events/changes?without=duration":      "is a parameter of what has a duration",
		"/events/pipeline_runs?without=queue":   "duration",
		"/events/pipeline_runs?without=seconds": "seconds",
	} {
		if status, _, body := f.get(t, path); status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: status %d", path, status)
		}
	}
}

// An incident that was resolved at an unknown time is not open, has no duration, and is counted as left out of
// durations.
func TestAnIncidentThatWasResolvedAtAnUnknownTime(t *testing.T) {
	const repository = "myorg/payment-service"
	at := present.Add(-time.Hour)
	f := newFixture(t, testCatalog, testPeople, append(testEvents(),
		event.Incident{Origin: origin(repository, "untimed"), Severity: "odd", OpenedAt: at, EndUnknown: true},
		event.Incident{Origin: origin(repository, "still"), Severity: "odd", OpenedAt: at}))
	for path, want := range map[string]string{
		"/api/v1/events/incidents?q=odd&status=open":      `"total":1,`,
		"/api/v1/events/incidents?q=odd&status=resolved":  `"total":1,`,
		"/api/v1/events/incidents?q=odd":                  `"without_duration":1`,
		"/api/v1/events/incidents?q=odd&without=duration": `"id":"untimed"`,
	} {
		if status, _, body := f.get(t, path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, lacks %s: %s", path, status, want, body)
		}
	}
	if _, _, body := f.get(t, "/events/incidents?q=odd"); !strings.Contains(body, "1</a> that ended") {
		t.Error("the page does not say that one is left out of the durations")
	}
}

// A change that ended at an unknown time is listed as what it is.
func TestAChangeThatEndedAtAnUnknownTime(t *testing.T) {
	const repository = "myorg/payment-service"
	var events []event.Event
	for id, end := range map[string]string{"m": event.MergedChange, "c": event.ClosedChange, "o": ""} {
		events = append(
			events,
			event.Change{Origin: origin(repository, id), Title: "odd", CreatedAt: present.Add(-time.Hour), EndUnknown: end},
		)
	}
	f := newFixture(t, testCatalog, testPeople, events)
	for status, id := range map[string]string{"merged": "m", "closed": "c", "open": "o"} {
		_, _, body := f.get(t, "/api/v1/events/changes?status="+status)
		if !strings.Contains(body, `"total":1,`) || !strings.Contains(body, `"id":"`+id+`"`) ||
			!strings.Contains(body, `"status":"`+status+`"`) {
			t.Errorf("%s: %s", status, body)
		}
	}
}
