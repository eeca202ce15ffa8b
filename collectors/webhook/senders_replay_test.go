package webhook

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// everything is what several senders tell of a day: a pipeline of GitLab, a workflow of CircleCI that failed and was
// run again, syncs of Argo CD, alerts, and events of scripts.
func everything() []delivery.Delivery {
	from := func(source string, k string, body string) delivery.Delivery {
		d := deliverytest.Delivery(k, body)
		d.Source = source
		return d
	}
	circle := func(kind, workflow, status, more string) delivery.Delivery {
		return from("circle", "circleci", fmt.Sprintf(deliverytest.CircleDelivery, kind, workflow, status, more))
	}
	sent := func(kind, at, data string) delivery.Delivery {
		d := from(
			"scripts",
			"events",
			strings.Replace(deliverytest.CloudEvent(kind, strings.ReplaceAll(data, "10:00:00", at)), "10:00:00", at, 1),
		)
		d.Headers["content-type"] = "application/cloudevents+json"
		return d
	}
	return []delivery.Delivery{
		from(
			"gl",
			"gitlab",
			strings.NewReplacer("%STATUS%", "running", `"finished_at":"2026-03-01 10:09:00 UTC"`, `"finished_at":null`).
				Replace(deliverytest.GitLabPipeline),
		),
		from("gl", "gitlab", strings.ReplaceAll(deliverytest.GitLabPipeline, "%STATUS%", "failed")),
		circle(
			"job-completed",
			"w-1",
			"",
			`,"job":{"id":"j-1","number":1,"name":"test","status":"failed","started_at":"2026-03-01T10:00:30Z","stopped_at":"2026-03-01T10:05:00Z"}`,
		),
		circle("workflow-completed", "w-1", "failed", ""),
		circle(
			"job-completed",
			"w-2",
			"",
			`,"job":{"id":"j-2","number":2,"name":"test","status":"success","started_at":"2026-03-01T10:00:40Z","stopped_at":"2026-03-01T10:06:00Z"}`,
		),
		circle("workflow-completed", "w-2", "success", ""),
		from(
			"argo",
			"argocd",
			deliverytest.ArgoNotification(
				strings.Replace(
					deliverytest.ArgoSync("Running", `{"username":"ana"}`, deliverytest.CommitA, ""),
					`"finishedAt":"2026-03-01T10:02:00Z",`,
					"",
					1,
				),
			),
		),
		from(
			"argo",
			"argocd",
			deliverytest.ArgoNotification(deliverytest.ArgoSync("Failed", `{"username":"ana"}`, deliverytest.CommitA, "")),
		),
		from("am", "alertmanager", strings.ReplaceAll(deliverytest.Alerts, `"resolved"`, `"firing"`)),
		from("am", "alertmanager", deliverytest.Alerts),
		sent(
			"dev.cdeventsx.dxctl-deployment.started.0.1.0",
			"10:00:00",
			deliverytest.CDEvent("d-9", `{"environment":{"id":"production"},"service":{"id":"pay"}}`, `{"version":"v1"}`),
		),
		sent(
			"dev.cdeventsx.dxctl-deployment.finished.0.1.0",
			"10:04:00",
			deliverytest.CDEvent(
				"d-9",
				`{"environment":{"id":"production"},"service":{"id":"pay"},"outcome":"failure"}`,
				`null`,
			),
		),
		sent(
			"dev.cdevents.pipelinerun.queued.0.2.0",
			"10:00:00",
			deliverytest.CDEvent("r-1", `{"pipelineName":"build"}`, `{"branch":"main"}`),
		),
		sent(
			"dev.cdevents.pipelinerun.started.0.2.0",
			"10:01:00",
			deliverytest.CDEvent("r-1", `{"pipelineName":"build"}`, `null`),
		),
		sent(
			"dev.cdevents.pipelinerun.finished.0.2.0",
			"10:02:00",
			deliverytest.CDEvent("r-1", `{"pipelineName":"build","outcome":"success"}`, `null`),
		),
		sent(
			"dev.cdevents.change.created.0.3.0",
			"10:00:00",
			deliverytest.CDEvent("12", `{"repository":{"id":"acme/shop"}}`, `{"author":"ana"}`),
		),
		sent(
			"dev.cdevents.change.merged.0.2.0",
			"11:00:00",
			deliverytest.CDEvent("12", `{"repository":{"id":"acme/shop"}}`, `{"merge_sha":"abc"}`),
		),
		sent("dev.cdevents.incident.detected.0.2.0", "10:00:00", deliverytest.CDEvent("i-1", `{}`, `{"severity":"high"}`)),
		sent("dev.cdevents.incident.resolved.0.2.0", "11:00:00", deliverytest.CDEvent("i-1", `{}`, `null`)),
		sent(events.FactType, "10:00:00", `{"entity":"component:default/pay","name":"a.b","value":1}`),
		sent(events.FactType, "11:00:00", `{"entity":"component:default/pay","name":"a.b","value":2}`),
	}
}

func everySender(t *testing.T) *Receivers {
	t.Helper()
	source := func(name string, r Receiver) Source {
		return Source{Name: name, Receiver: r, Secret: deliverytest.Secret}
	}
	return newReceiver(
		t,
		source("gl", gitlabreceiver.Receiver{}),
		source("circle", circleci.Receiver{}),
		source("argo", argocd.Receiver{}),
		source("am", alertmanager.Receiver{}),
		source("scripts", events.Receiver{Facts: sources.Names("a.*")}),
	)
}

// applied is what is stored after deliveries, with what is stored before.
func applied(t *testing.T, r *Receivers, before []event.Event, deliveries []delivery.Delivery) (changed []event.Event) {
	t.Helper()
	k := newRecords(before)
	for _, d := range deliveries {
		updates, v := r.Parse(d)
		if v.Outcome != delivery.Accepted {
			t.Fatalf("%s: %+v", d.Body, v)
		}
		for _, u := range updates {
			k.apply(u)
		}
	}
	return k.changed()
}

// TestEverySenderInAnyOrder applies the deliveries of all senders in many orders, some of them twice: the end is the
// same. Only CircleCI's attempts are numbered as they come, so its deliveries keep their order.
func TestEverySenderInAnyOrder(t *testing.T) {
	r := everySender(t)
	want := applied(t, r, nil, everything())
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		deliveries := everything()
		deliveries = append(deliveries, deliveries[random.IntN(len(deliveries))], deliveries[random.IntN(len(deliveries))])
		random.Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })
		slices.SortStableFunc(deliveries, func(a, b delivery.Delivery) int {
			return circleOrder(a) - circleOrder(b)
		})
		compare(t, fmt.Sprintf("seed %d", seed), want, applied(t, r, nil, deliveries))
		if t.Failed() {
			return
		}
	}
}

func circleOrder(d delivery.Delivery) int {
	switch {
	case d.Kind != "circleci":
		return 0
	case strings.Contains(string(d.Body), `"w-1"`):
		return 1
	}
	return 2
}

// TestEverySenderTwice applies the deliveries to the real store one by one, looks at the end, and sends them all
// again: nothing is appended.
func TestEverySenderTwice(t *testing.T) {
	s, r := storetest.Open(t), everySender(t)
	counted := &countingAppender{Appender: s}
	applier := NewApplier(r, counted, s, ApplierOptions{})
	send := func(deliveries ...delivery.Delivery) {
		t.Helper()
		if rejected, err := applier.Handle(t.Context(), encodedRecords(t, deliveries...)); err != nil || len(rejected) > 0 {
			t.Fatalf("%v, rejected %v", err, rejected)
		}
	}
	for _, d := range everything() {
		send(d)
	}
	want := applied(t, r, nil, everything())
	stored, err := s.Stored(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "one by one", want, stored)
	attempts := map[string]uint16{}
	for _, e := range stored {
		if job, ok := e.(event.PipelineJob); ok && job.Provider == "circleci" {
			attempts[job.ID] = job.Attempt
		}
	}
	if attempts["j-1"] != 1 || attempts["j-2"] != 2 {
		t.Errorf("jobs are of the attempts %v", attempts)
	}
	before := counted.events()
	send(everything()...)
	for _, d := range everything() {
		send(d)
	}
	if n := counted.events() - before; n != 0 {
		t.Errorf("what came again appended %d events", n)
	}
}
