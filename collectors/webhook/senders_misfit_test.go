package webhook

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
)

// TestMisfitsOfPayloads: one field of a payload that does not fit costs that field alone, in every mapper.
func TestMisfitsOfPayloads(t *testing.T) {
	circle := fmt.Sprintf(deliverytest.CircleDelivery, "workflow-completed", "w-1", "failed", "")
	for _, c := range []struct {
		name  string
		in    delivery.Delivery
		field string
	}{
		{"github run", deliverytest.GitHub("workflow_run", "requested", `"workflow_run":{"id":9,"status":"queued","created_at":"yesterday","head_sha":{"a":1}}`), "workflow_run.head_sha"},
		{"github job", deliverytest.GitHub("workflow_job", "queued", `"workflow_job":{"id":5,"run_id":9,"status":"queued","labels":["a",1]}`), "workflow_job.labels[1]"},
		{"github change", deliverytest.GitHub("pull_request", "opened", `"pull_request":{"number":7,"additions":-3,"deletions":5000000000}`), "pull_request.additions"},
		{"github deployment", deliverytest.GitHub("deployment", "created", `"deployment":{"id":3,"sha":"a","environment":"production","creator":"x"}`), "deployment.creator"},
		{"gitlab pipeline", deliverytest.Delivery("gitlab", `{"object_kind":"pipeline","project":{"path_with_namespace":"a/b"},"object_attributes":{"id":1,"status":"running","created_at":"never"},"builds":[{"id":2,"status":"running","queued_duration":"x"},{"id":-1}]}`), "object_attributes.created_at"},
		{"gitlab change", deliverytest.Delivery("gitlab", `{"object_kind":"merge_request","project":{"path_with_namespace":"a/b"},"user":{"id":-5},"object_attributes":{"iid":1,"title":4,"updated_at":"2026-03-01 10:00:00 UTC"}}`), "object_attributes.title"},
		{"circleci", deliverytest.Delivery("circleci", strings.Replace(circle, `"happened_at":`, `"job":{"number":"x"},"happened_at":`, 1)), "job.number"},
		{"argocd", deliverytest.Delivery("argocd", strings.Replace(deliverytest.ArgoNotification(deliverytest.ArgoSync("Succeeded", `{}`, deliverytest.CommitB, "")), `"metadata":{`, `"metadata":{"labels":{"env":5},`, 1)), "metadata.labels.env"},
		{"alertmanager", deliverytest.Delivery("alertmanager", `{"truncatedAlerts":-1,"alerts":[{"status":"firing","labels":{"service":"pay","severity":3},"startsAt":"2026-03-01T10:00:00Z","fingerprint":"f"}]}`), "truncatedAlerts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			updates, v := newReceiver(t, testSource(receiverOf(t, c.in.Kind))).Parse(c.in)
			found := func(m delivery.Misfit) bool { return m.Field == c.field }
			if v.Outcome != delivery.Accepted || len(updates) == 0 || !slices.ContainsFunc(v.Misfits, found) {
				t.Errorf("%d updates, %+v; want %s left out", len(updates), v, c.field)
			}
		})
	}
}
