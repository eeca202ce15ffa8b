package circleci

import (
	"strings"

	"github.com/dxctl/dxctl/event"
)

// status maps what CircleCI says of a workflow or a job. Failing means that a job has failed and others still run. A
// word that is not known is taken to be under way, and the record is read again.
func status(word string) (mapped event.Status, known bool) {
	switch strings.ToLower(word) {
	case "success":
		return event.Succeeded, true
	case "failed", "error", "errored", "infrastructure_fail", "timedout", "unauthorized", "terminated-unknown", "retried":
		return event.Failed, true
	case "canceled", "cancelled":
		return event.Cancelled, true
	case "not_run", "skipped":
		return event.Skipped, true
	case "running", "failing":
		return event.Running, true
	case "on_hold":
		return event.Waiting, true
	case "queued", "blocked", "not_running", "scheduled", "pending", "created":
		return event.Queued, true
	}
	return event.Running, false
}

// jobStatus maps what CircleCI says of a job of a workflow. What had not begun when the workflow ended never will:
// CircleCI leaves it at blocked.
func jobStatus(word string, workflow event.Status) (mapped event.Status, known bool) {
	mapped, known = status(word)
	if workflow.Final() && (mapped == event.Queued || mapped == event.Waiting) {
		mapped = event.Skipped
	}
	return mapped, known
}

// trigger names what started a pipeline. A word that is not known is kept.
func trigger(word string) string {
	switch strings.ToLower(word) {
	case "webhook":
		return "push"
	case "explicit", "manual", "ui":
		return "manual"
	case "schedule", "scheduled_pipeline":
		return "schedule"
	}
	return strings.ToLower(word)
}

// isBot reports whether an account is a machine. CircleCI does not say, so the name has to.
func isBot(login string) bool { return strings.HasSuffix(login, "[bot]") }
