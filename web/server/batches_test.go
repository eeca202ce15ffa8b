package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// batchesOf makes batches b0, b1, … with fixes of a service, each of as many rules that no scorecard has, and one that
// the test's scorecard has.
func batchesOf(service string, n, rules int) (events []event.Event) {
	for i := range n {
		id := fmt.Sprintf("b%d", i)
		events = append(events, event.ActionBatch{
			Source: "dxctl", ID: id, Action: "fix", Actor: "ana", Plan: "sha256:0", Status: event.Waiting, Wave: 1,
			Waves: []uint32{1, 2}, Note: "checks are not finished", StartedAt: present.Add(-time.Duration(i+30) * time.Hour),
		}, fixOf(id, i, service, rules),
			event.ActionStep{Source: "dxctl", Run: id + "/component:default/" + service, Number: 1, Name: "pull request",
				Status: event.Succeeded, At: present.Add(-20 * time.Hour), Note: "opened as #9000"})
	}
	return events
}

// fixOf makes a merged fix.
func fixOf(batch string, i int, service string, rules int) event.ActionRun {
	run := event.ActionRun{
		Source: "dxctl", ID: batch + "/component:default/" + service, Action: "fix", Entity: "component:default/" + service,
		Actor: "ana", Batch: batch, Wave: uint32(1 + i%2), Repository: "myorg/" + service, Outcome: "merged",
		Pull: uint64(9000 + i), Status: event.Succeeded, StartedAt: present.Add(-26 * time.Hour),
		FinishedAt: present.Add(-25 * time.Hour), URL: "https://git.example/myorg/" + service + "/pull/9000", Rules: []string{"readme"},
	}
	for k := range rules {
		run.Rules = append(run.Rules, fmt.Sprintf("rule-%03d", k))
	}
	return run
}

func TestBatches(t *testing.T) {
	f := sharedFixture(t)
	for _, c := range []struct {
		path      string
		want, not []string
	}{
		{"/batches", []string{`href="/batches/b0"`, "checks are not finished", "1 of 2"}, nil},
		{"/batches?status=running", []string{"No batch fits"}, []string{`href="/batches/b0"`}},
		{"/batches/b0", []string{"dxctl fix --all --resume b0", `href="/batches/b0/default/payment-service"`, "merged",
			"1 rule passes, 3 rules are not graded yet", "#9000"}, nil},
		{"/batches/b0?state=declined", []string{"No fix fits"}, []string{"#9000"}},
		{"/batches/b0/default/payment-service", []string{"pull request", "opened as #9000", "passes", "not graded yet"}, nil},
		{"/fixes", []string{"100 % (21–100 %), n = 1", "0 % (0–79 %), n = 1", "none is graded"}, nil},
		{"/api/v1/batches", []string{`"rules_passing":1`, `"rules_not_graded_yet":3`, `"merged":1`}, nil},
		{"/api/v1/batches/b0", []string{`"credit":"passes"`, `"fate":"merged"`}, nil},
		{"/api/v1/batches/b0/default/payment-service", []string{`"name":"pull request"`, `"number":1`}, nil},
		{"/api/v1/fixes", []string{`"rule":"readme"`, `"share":1`, `"n":1`, `"enough":5`}, nil},
		{"/services", []string{`href="/batches"`}, nil},
	} {
		t.Run(c.path, func(t *testing.T) {
			page := strings.Join(strings.Fields(f.page(t, c.path)), " ")
			for _, want := range c.want {
				if !strings.Contains(page, want) {
					t.Errorf("%q is not on the page", want)
				}
			}
			for _, not := range c.not {
				if strings.Contains(page, not) {
					t.Errorf("%q is on the page", not)
				}
			}
		})
	}
	for path, want := range map[string]int{
		"/batches/none": 404, "/batches/b0/default/none": 404, "/batches?status=x": 400, "/batches/b0?state=x": 400,
		"/api/v1/batches/none": 404, "/batches/b0?sort=x": 400, "/fixes?state=merged": 400,
	} {
		if status, _, body := f.get(t, path); status != want {
			t.Errorf("%s: status %d, want %d: %.200s", path, status, want, body)
		}
	}
}
