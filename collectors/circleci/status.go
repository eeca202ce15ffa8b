package circleci

import (
	"strings"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// statuses are the words for where a workflow or a job stands.
var statuses = source.Words[event.Status]{
	Meaning: map[string]event.Status{
		"success":             event.Succeeded,
		"failed":              event.Failed,
		"error":               event.Failed,
		"errored":             event.Failed,
		"infrastructure_fail": event.Failed,
		"timedout":            event.Failed,
		"unauthorized":        event.Failed,
		"terminated-unknown":  event.Failed,
		"retried":             event.Failed,
		"canceled":            event.Cancelled,
		"cancelled":           event.Cancelled,
		"not_run":             event.Skipped,
		"skipped":             event.Skipped,
		"running":             event.Running,
		"failing":             event.Running, // a job has failed, and others still run
		"on_hold":             event.Waiting,
		"queued":              event.Queued,
		"blocked":             event.Queued,
		"not_running":         event.Queued,
		"scheduled":           event.Queued,
		"pending":             event.Queued,
		"created":             event.Queued,
	},
	Otherwise: event.Running, // so that the record is read again
}

// jobStatus returns the status of a job of a workflow. What had not begun when the workflow ended never will: CircleCI
// leaves it at blocked.
func (m mapper) jobStatus(j job, workflow event.Status) event.Status {
	mapped := statuses.Read("status of a job", j.Status, m.unrecognized)
	if workflow.Final() && (mapped == event.Queued || mapped == event.Waiting) {
		return event.Skipped
	}
	return mapped
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
