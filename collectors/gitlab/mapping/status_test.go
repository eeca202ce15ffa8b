package mapping

import (
	"testing"

	"github.com/dxctl/dxctl/event"
)

func TestStatusWords(t *testing.T) {
	for word, want := range map[string]event.Status{
		"created": event.Queued, "waiting_for_resource": event.Queued, "waiting_for_callback": event.Queued, "preparing": event.Queued, "pending": event.Queued,
		"scheduled": event.Queued, "manual": event.Waiting, "blocked": event.Waiting, "running": event.Running, "canceling": event.Running,
		"success": event.Succeeded, "failed": event.Failed, "canceled": event.Cancelled, "skipped": event.Skipped,
	} {
		if got, known := statuses.Of(word), statuses.Has(word); got != want || !known {
			t.Errorf("%s is %s, %t", word, got, known)
		}
		if got, known := deploymentStatuses.Of(word), deploymentStatuses.Has(word); got != want || !known {
			t.Errorf("deployment %s is %s, %t", word, got, known)
		}
	}
	if got, known := statuses.Of("melted"), statuses.Has("melted"); got != event.Running || known {
		t.Errorf("an unknown word is %s, %t", got, known)
	}
}
