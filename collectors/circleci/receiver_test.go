package circleci

import (
	"fmt"
	"strings"
	"testing"

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

func TestCircleCI(t *testing.T) {
	s := testSource(Receiver{})
	s.Scopes = []string{"gh/Acme/shop"}
	r := newReceiver(t, s)
	updates, v := r.Parse(
		deliverytest.Delivery(
			"circleci",
			fmt.Sprintf(deliverytest.CircleDelivery, "workflow-completed", "w-1", "failed", ""),
		),
	)
	want := event.PipelineRun{
		Origin: event.Origin{
			Source:   "gh",
			Provider: "circleci",
			Scope:    "github/Acme/shop",
			ID:       "12/build",
			URL:      "https://app.circleci.com/pipelines/github/Acme/shop/12/workflows/w-1",
		},
		Attempt:    1,
		Pipeline:   "build",
		Status:     event.Failed,
		StatusRaw:  "failed",
		Branch:     "main",
		Trigger:    "push",
		SHA:        deliverytest.CommitA,
		CreatedAt:  deliverytest.Instant(t, "2026-03-01T10:00:00Z"),
		FinishedAt: deliverytest.Instant(t, "2026-03-01T10:09:00.5Z"),
	}
	if v.Outcome != delivery.Accepted || len(updates) != 1 || updates[0].Event != event.Event(want) ||
		updates[0].ExternalAttempt != "w-1" {
		t.Errorf("%+v %+v, want %+v", v, updates, want)
	}
	updates, v = r.Parse(
		deliverytest.Delivery(
			"circleci",
			fmt.Sprintf(
				deliverytest.CircleDelivery,
				"job-completed",
				"w-1",
				"",
				`,"job":{"id":"j-1","number":7,"name":"test","status":"canceled","started_at":null,"stopped_at":"2026-03-01T10:05:00Z"}`,
			),
		),
	)
	if v.Outcome != delivery.Accepted || len(updates) != 2 ||
		updates[0].Event.(event.PipelineRun).Status != event.Running {
		t.Fatalf("%+v %+v", v, updates)
	}
	job := updates[1].Event.(event.PipelineJob)
	if job.ID != "j-1" || job.RunID != "12/build" || job.Status != event.Cancelled || job.URL != want.URL+"/jobs/7" ||
		!job.StartedAt.IsZero() {
		t.Errorf("%+v", job)
	}
	for _, c := range []struct {
		name, body string
		outcome    delivery.Outcome
		reason     string
	}{
		{"empty", ``, delivery.Refused, "cannot be read"},
		{"no type", `{}`, delivery.Refused, "no type"},
		{"ping", `{"type":"ping"}`, delivery.Ignored, "works"},
		{"another type", `{"type":"x-started"}`, delivery.Ignored, "not used"},
		{"no project", `{"type":"workflow-completed"}`, delivery.Refused, "project.slug"},
		{"another project", `{"type":"workflow-completed","project":{"slug":"github/acme/other"}}`, delivery.Ignored, "not among"},
		{"no workflow", `{"type":"workflow-completed","project":{"slug":"github/acme/shop"}}`, delivery.Refused, "workflow.id"},
		{"no job", fmt.Sprintf(deliverytest.CircleDelivery, "job-completed", "w-1", "", ""), delivery.Refused, "job.id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, v := r.Parse(deliverytest.Delivery("circleci", c.body)); v.Outcome != c.outcome ||
				!strings.Contains(v.Reason, c.reason) {
				t.Errorf("%+v", v)
			}
		})
	}
	s.Polled = true
	updates, v = newReceiver(
		t,
		s,
	).Parse(deliverytest.Delivery("circleci", fmt.Sprintf(deliverytest.CircleDelivery, "workflow-completed", "w-1", "failed", "")))
	if len(updates) > 0 || len(v.Collect) != 1 ||
		v.Collect[0] != (delivery.Target{Source: "gh", Scope: "github/Acme/shop"}) {
		t.Errorf("polled: %+v %+v", v, updates)
	}
}
