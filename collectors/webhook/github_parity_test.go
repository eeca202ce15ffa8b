package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	poller "github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// collected is a Writer of collectors/github that keeps what is appended.
type collected struct {
	source.Writer // the methods that no stream needs
	mu            sync.Mutex
	events        map[event.Identity]event.Event
}

func (c *collected) Load(context.Context, string, any) (bool, error) { return false, nil }
func (c *collected) Save(context.Context, string, any) error         { return nil }
func (c *collected) Append(_ context.Context, events ...event.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		c.events[e.Identity()] = event.Normalize(e)
	}
	return nil
}
func (c *collected) Update(ctx context.Context, events ...event.Event) error {
	return c.Append(ctx, events...)
}
func (c *collected) Count(context.Context, event.Kind, time.Time, time.Time) (stored, open uint64, err error) {
	return 0, 0, nil
}
func (c *collected) Runs(_ context.Context, ids []string) ([]event.PipelineRun, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []event.PipelineRun
	for _, e := range c.events {
		if run, ok := e.(event.PipelineRun); ok && slices.Contains(ids, run.ID) {
			found = append(found, run)
		}
	}
	return found, nil
}
func (c *collected) Open(context.Context, event.Kind, time.Time) (map[string]time.Time, error) {
	return nil, nil
}
func (c *collected) Removing(string, int, int) error { return nil }
func (c *collected) Reread() bool                    { return false }
func (c *collected) Since() time.Time                { return time.Time{} }
func (c *collected) Progress(string, uint64, uint64) {}

// TestSameAsCollected has one GitHub collected and its records sent as webhooks too. What both make is the same, field by
// field, but for what a payload cannot say: commits of a pull request, and the end of a run by its jobs.
func TestSameAsCollected(t *testing.T) {
	server := githubtest.New(t)
	server.Repos["acme/shop"] = parityRepo()
	collector, err := poller.New(poller.Config{Source: "gh", URL: server.API(), Token: "x", Repositories: []string{"acme/shop"}, Incidents: poller.Incidents{Labels: []string{"incident"}}}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &collected{events: map[event.Identity]event.Event{}}
	if err := collector.Collect(t.Context(), "acme/shop", w); err != nil {
		t.Fatal(err)
	}
	r := incidentReceiver(t)
	k := newRecords(nil)
	for _, d := range parityDeliveries(t, server.API()+"/repos/acme/shop") {
		updates, v := r.Parse(d)
		if v.Outcome != delivery.Accepted {
			t.Fatalf("%s: %+v", d.Headers["x-github-event"], v)
		}
		for _, u := range updates {
			k.apply(u)
		}
	}
	kinds := map[event.Kind]int{}
	for _, got := range k.changed() {
		got = plain(got)
		want, ok := w.events[got.Identity()]
		if !ok {
			t.Errorf("nothing was collected with the identity of %+v", got)
			continue
		}
		if want = unsaid(want, got); !same(want, got) {
			t.Errorf("sent      %+v\ncollected %+v", got, want)
		}
		kinds[got.Kind()]++
	}
	for kind, n := range map[event.Kind]int{event.KindPipelineRun: 3, event.KindPipelineJob: 3, event.KindDeployment: 2, event.KindChange: 1, event.KindIncident: 1} {
		if kinds[kind] != n {
			t.Errorf("%d records of kind %s were compared, want %d", kinds[kind], kind, n)
		}
	}
}

// unsaid takes out of a collected record what a payload cannot say, or the fake server spells otherwise than a payload.
func unsaid(want, got event.Event) event.Event {
	switch want := want.(type) {
	case event.PipelineRun:
		want.FinishedAt = got.(event.PipelineRun).FinishedAt
		return want
	case event.Change:
		want.CommitSHAs, want.FirstCommitAt = nil, time.Time{}
		return want
	case event.Deployment:
		want.StatusRaw = strings.ToLower(want.StatusRaw) // GraphQL's capitals
		want.URL = got.(event.Deployment).URL
		return want
	}
	return want
}

func parityRepo() *githubtest.Repo {
	run := func(id int64, status, conclusion string) githubtest.Run {
		return githubtest.Run{ID: id, Attempt: 1, Name: "ci", Branch: "main", Event: "push", Status: status, Conclusion: conclusion, Actor: "ana",
			Created: deliverytest.Clock("10:00:00"), Updated: deliverytest.Clock("10:05:00"),
			Jobs: []githubtest.Job{{ID: id + 100, Attempt: 1, Name: "test", Status: status, Conclusion: conclusion, Created: deliverytest.Clock("10:00:00"), Started: deliverytest.Clock("10:00:30"), Completed: deliverytest.Clock("10:04:00")}}}
	}
	return &githubtest.Repo{
		Runs: []githubtest.Run{run(11, "completed", "success"), run(12, "completed", "failure"), run(13, "completed", "evaporated")},
		Pulls: []githubtest.Pull{{Number: 7, Title: "Größe", Body: "Reverts #5", Author: "ana", Kind: "User", HeadRef: "size", Created: deliverytest.Clock("10:00:00"), Updated: deliverytest.Clock("11:00:00"),
			Closed: deliverytest.Clock("11:00:00"), Merged: deliverytest.Clock("11:00:00"), Commits: []githubtest.Commit{{SHA: "abc", At: deliverytest.Clock("09:00:00")}},
			Reviews: []githubtest.Review{{State: "COMMENTED", Author: "lint[bot]", Kind: "Bot", At: deliverytest.Clock("10:10:00")}, {State: "APPROVED", Author: "bo", Kind: "User", At: deliverytest.Clock("10:30:00")}}}},
		Deployments: []githubtest.Deployment{
			{ID: 3, Environment: "production", SHA: "abc", Ref: "main", Creator: "ana", Created: deliverytest.Clock("10:00:00"),
				Statuses: []githubtest.Status{{State: "IN_PROGRESS", At: deliverytest.Clock("10:01:00")}, {State: "SUCCESS", At: deliverytest.Clock("10:02:00")}, {State: "INACTIVE", At: deliverytest.Clock("18:00:00")}}},
			{ID: 4, Environment: "staging", SHA: "abd", Ref: "main", Creator: "ana", Created: deliverytest.Clock("10:00:00"),
				Statuses: []githubtest.Status{{State: "ERROR", At: deliverytest.Clock("10:02:00")}, {State: "FAILURE", At: deliverytest.Clock("10:03:00")}}}},
		Issues: []githubtest.Issue{{Number: 4, Labels: []string{"incident", "sev2", "P1"}, Created: deliverytest.Clock("10:00:00"), Updated: deliverytest.Clock("12:00:00"), Closed: deliverytest.Clock("12:00:00")}},
	}
}

// parityDeliveries are the payloads of the same records. Runs and jobs are REST's own JSON, as GitHub sends it.
func parityDeliveries(t *testing.T, api string) []delivery.Delivery {
	t.Helper()
	var all []delivery.Delivery
	var runs struct {
		Runs []json.RawMessage `json:"workflow_runs"`
	}
	get(t, api+"/actions/runs", &runs)
	for i, run := range runs.Runs {
		var id struct {
			ID int64 `json:"id"`
		}
		if err := json.Unmarshal(run, &id); err != nil {
			t.Fatal(err)
		}
		var jobs struct {
			Jobs []map[string]any `json:"jobs"`
		}
		get(t, fmt.Sprintf("%s/actions/runs/%d/jobs?filter=all", api, id.ID), &jobs)
		all = append(all, deliverytest.GitHub("workflow_run", "completed", fmt.Sprintf(`"workflow_run":%s`, run)))
		for _, job := range jobs.Jobs {
			job["run_id"] = id.ID
			doc, err := json.Marshal(job)
			if err != nil {
				t.Fatalf("job of run %d: %v", i, err)
			}
			all = append(all, deliverytest.GitHub("workflow_job", "completed", fmt.Sprintf(`"workflow_job":%s`, doc)))
		}
	}
	pull := `"pull_request":{"number":7,"title":"Größe","body":"Reverts #5","html_url":"https://github.test/pull/7","user":{"login":"ana","type":"User"},"head":{"ref":"size"},
"created_at":"2026-03-01T10:00:00Z","updated_at":"2026-03-01T11:00:00Z","closed_at":"2026-03-01T11:00:00Z","merged_at":"2026-03-01T11:00:00Z","merge_commit_sha":"` + fmt.Sprintf("%040d", 7) + `","additions":1,"deletions":2}`
	for _, review := range []string{`{"state":"commented","submitted_at":"2026-03-01T10:10:00Z","user":{"login":"lint[bot]","type":"Bot"}}`, `{"state":"approved","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"bo"}}`} {
		all = append(all, deliverytest.GitHub("pull_request_review", "submitted", pull+`,"review":`+review))
	}
	deployment := func(id int, environment, sha, state, at string) delivery.Delivery {
		return deliverytest.GitHub("deployment_status", "created", fmt.Sprintf(`"deployment":{"id":%d,"sha":%q,"ref":"main","task":"deploy","environment":%q,"created_at":"2026-03-01T10:00:00Z","creator":{"login":"ana","type":"User"}},
"deployment_status":{"state":%q,"created_at":"2026-03-01T%sZ"}`, id, sha, environment, state, at))
	}
	return append(all, deliverytest.GitHub("pull_request", "closed", pull),
		deployment(3, "production", "abc", "in_progress", "10:01:00"), deployment(3, "production", "abc", "success", "10:02:00"),
		deployment(4, "staging", "abd", "error", "10:02:00"), deployment(4, "staging", "abd", "failure", "10:03:00"),
		deliverytest.GitHub("issues", "closed", `"issue":{"number":4,"html_url":"https://github.test/issues/4","created_at":"2026-03-01T10:00:00Z","updated_at":"2026-03-01T12:00:00Z","closed_at":"2026-03-01T12:00:00Z",
"labels":[{"name":"incident"},{"name":"sev2"},{"name":"P1"}]}`))
}

func get(t *testing.T, address string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	doc, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc, into); err != nil {
		t.Fatalf("%s: %v: %.200s", address, err, doc)
	}
}
