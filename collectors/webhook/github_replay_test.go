package webhook

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
	"github.com/dxctl/dxctl/collectors/inbox"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// lifecycle is what GitHub sends of a change from its opening to its deployment, in order, and an incident after it.
func lifecycle() []delivery.Delivery {
	run := func(status, updated string) delivery.Delivery {
		return deliverytest.GitHub(
			"workflow_run",
			"x",
			`"workflow_run":{"id":9,"name":"ci","head_branch":"main","run_attempt":1,"created_at":"2026-03-01T10:00:00Z","run_started_at":"2026-03-01T10:00:01Z","updated_at":"`+updated+`",`+status+`}`,
		)
	}
	deployment := func(state, at string) delivery.Delivery {
		return deliverytest.GitHub(
			"deployment_status",
			"created",
			deliverytest.GitHubDeployment+`,"deployment_status":{"state":"`+state+`","created_at":"`+at+`","log_url":"https://ci.example.com/`+state+`"}`,
		)
	}
	return []delivery.Delivery{
		deliverytest.GitHub(
			"pull_request",
			"opened",
			deliverytest.GitHubPull+`"updated_at":"2026-03-01T10:00:00Z","closed_at":null,"additions":3,"deletions":1}`,
		),
		deliverytest.GitHub(
			"pull_request_review",
			"submitted",
			deliverytest.GitHubPull+`"updated_at":"2026-03-01T10:20:00Z","closed_at":null},"review":{"state":"commented","submitted_at":"2026-03-01T10:20:00Z","user":{"login":"bo"}}`,
		),
		deliverytest.GitHub(
			"pull_request_review",
			"submitted",
			deliverytest.GitHubPull+`"updated_at":"2026-03-01T10:30:00Z","closed_at":null},"review":{"state":"approved","submitted_at":"2026-03-01T10:30:00Z","user":{"login":"bo"}}`,
		),
		deliverytest.GitHub(
			"pull_request",
			"closed",
			deliverytest.GitHubPull+`"updated_at":"2026-03-01T11:00:00Z","merged_at":"2026-03-01T11:00:00Z","closed_at":"2026-03-01T11:00:00Z","additions":3,"deletions":1}`,
		),
		run(`"status":"queued"`, "2026-03-01T10:00:01Z"),
		deliverytest.GitHub("workflow_job", "queued", deliverytest.GitHubJob+`"status":"queued"}`),
		deliverytest.GitHub("workflow_job", "in_progress", deliverytest.GitHubJob+`"status":"in_progress"}`),
		run(`"status":"in_progress"`, "2026-03-01T10:00:31Z"),
		deliverytest.GitHub(
			"workflow_job",
			"completed",
			deliverytest.GitHubJob+`"status":"completed","conclusion":"success","completed_at":"2026-03-01T10:04:00Z"}`,
		),
		run(`"status":"completed","conclusion":"success"`, "2026-03-01T10:05:00Z"),
		deliverytest.GitHub("deployment", "created", deliverytest.GitHubDeployment),
		deployment("queued", "2026-03-01T10:00:00Z"),
		deployment("in_progress", "2026-03-01T10:01:00Z"),
		deployment("success", "2026-03-01T10:02:00Z"),
		deployment("inactive", "2026-03-01T18:00:00Z"),
		deliverytest.GitHub(
			"issues",
			"opened",
			deliverytest.GitHubIssue+`"updated_at":"2026-03-01T10:00:00Z","labels":[{"name":"incident"}],"closed_at":null}`,
		),
		deliverytest.GitHub(
			"issues",
			"closed",
			deliverytest.GitHubIssue+`"updated_at":"2026-03-01T12:00:00Z","labels":[{"name":"incident"}],"closed_at":"2026-03-01T12:00:00Z"}`,
		),
	}
}

// ends is what must be stored after a lifecycle, whatever the order in which it came.
func ends() []event.Event {
	return []event.Event{
		event.PipelineRun{
			Origin:    deliverytest.GitHubOrigin("9", ""),
			Attempt:   1,
			Pipeline:  "ci",
			Status:    event.Succeeded,
			StatusRaw: "success",
			Branch:    "main",
			CreatedAt: deliverytest.Clock("10:00:00"),
			StartedAt: deliverytest.Clock("10:00:01"),
		},
		deliverytest.WantJob(event.Succeeded, "success", deliverytest.Clock("10:00:30"), deliverytest.Clock("10:04:00")),
		deliverytest.EditDeployment(
			deliverytest.WantDeployment(event.Succeeded, "success", "https://ci.example.com/success"),
			func(e *event.Deployment) {
				e.StartedAt, e.FinishedAt = deliverytest.Clock("10:01:00"), deliverytest.Clock("10:02:00")
			},
		),
		deliverytest.EditChange(deliverytest.WantPull(), func(e *event.Change) {
			e.FirstReviewAt, e.ApprovedAt, e.MergedAt, e.ClosedAt = deliverytest.Clock("10:20:00"), deliverytest.Clock(
				"10:30:00",
			), deliverytest.Clock("11:00:00"), deliverytest.Clock("11:00:00")
			e.MergeSHA, e.Additions, e.Deletions = "def", 3, 1
		}),
		deliverytest.WantIncident("", deliverytest.Clock("12:00:00")),
	}
}

func incidentReceiver(t *testing.T) *Receivers {
	s := testSource(githubreceiver.Receiver{IncidentLabels: []string{"incident"}})
	return newReceiver(t, s)
}

// TestAnyOrder applies the deliveries of a lifecycle in many orders, some of them twice.
func TestAnyOrder(t *testing.T) {
	r := incidentReceiver(t)
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		deliveries := lifecycle()
		if seed > 0 {
			deliveries = append(deliveries, deliveries[random.IntN(len(deliveries))], deliveries[random.IntN(len(deliveries))])
			random.Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })
		}
		k := newRecords(nil)
		for _, d := range deliveries {
			updates, v := r.Parse(d)
			if v.Outcome == delivery.Refused {
				t.Fatal(v.Reason)
			}
			for _, u := range updates {
				k.apply(u)
			}
		}
		compare(t, fmt.Sprintf("seed %d", seed), ends(), k.changed())
	}
}

// plain is an event without the state of its merge, as a collector would make it.
func plain(e event.Event) event.Event {
	switch e := e.(type) {
	case event.PipelineRun:
		e.MergeState = ""
		return e
	case event.PipelineJob:
		e.MergeState = ""
		return e
	case event.Deployment:
		e.MergeState = ""
		return e
	case event.Change:
		e.MergeState = ""
		return e
	case event.Incident:
		e.MergeState = ""
		return e
	}
	return e
}

func compare(t *testing.T, when string, want, got []event.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d records, want %d", when, len(got), len(want))
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g event.Event) bool { return same(plain(w), plain(g)) }) {
			t.Errorf("%s: there is no\n%+v\nin %+v", when, w, got)
			return
		}
	}
}

// TestReplaysChangeNothing sends a lifecycle through handler, inbox, worker and store, then all of it again, and looks
// whether anything was appended.
func TestReplaysChangeNothing(t *testing.T) {
	s, r := storetest.Open(t), incidentReceiver(t)
	counted := &countingAppender{Appender: s}
	q, err := inbox.Open(t.TempDir(), Format(), inbox.Config{}, inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- q.Run(ctx, NewApplier(r, counted, s, ApplierOptions{}))
	}()
	h := NewHandler(r, q, HandlerOptions{})
	send := func() {
		for _, d := range lifecycle() {
			status, a := post(
				t,
				h,
				WebhooksPath+"gh",
				d.Body,
				githubHeaders(deliverytest.Secret, d.Headers["x-github-event"], d.Body),
			)
			if status != 202 && a.Outcome != delivery.Ignored {
				t.Fatalf("answered %d %+v", status, a)
			}
		}
		deadline := time.Now().Add(20 * time.Second)
		for q.Stats().Waiting > 0 {
			if time.Now().After(deadline) {
				t.Fatal("the deliveries are not applied")
			}
			time.Sleep(time.Millisecond)
		}
	}
	send()
	stored, err := s.Stored(t.Context(), ends())
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "sent once", ends(), stored)
	before := counted.events()
	send()
	send()
	if n := counted.events() - before; n != 0 {
		t.Errorf("replays appended %d events", n)
	}
	if n := q.Stats().Rejected; n != 0 {
		t.Errorf("%d deliveries were set aside", n)
	}
	cancel()
	<-ended
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}

// countingAppender counts what is appended.
type countingAppender struct {
	Appender
	n atomic.Int64
}

func (c *countingAppender) Append(ctx context.Context, events ...event.Event) error {
	c.n.Add(int64(len(events)))
	return c.Appender.Append(ctx, events...)
}

func (c *countingAppender) events() int64 { return c.n.Load() }
