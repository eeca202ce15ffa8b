package mapping

import (
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// statuses are the statuses of pipelines and jobs.
var statuses = source.Words[event.Status]{
	Meaning: map[string]event.Status{
		"created":               event.Queued,
		"waiting_for_resource":  event.Queued,
		"waiting_for_callback":  event.Queued,
		"preparing":             event.Queued,
		"pending":               event.Queued,
		"scheduled":             event.Queued, // a delayed job, for a time
		"manual":                event.Waiting,
		"blocked":               event.Waiting,
		"waiting_for_approval":  event.Waiting,
		"running":               event.Running,
		"canceling":             event.Running,
		"success":               event.Succeeded,
		"success_with_warnings": event.Succeeded,
		"failed":                event.Failed,
		"canceled":              event.Cancelled,
		"cancelled":             event.Cancelled,
		"skipped":               event.Skipped,
	},
	Otherwise: event.Running, // so that the record is read again
}

// deploymentStatuses are the statuses of deployments.
var deploymentStatuses = statuses.With(map[string]event.Status{
	"completed":  event.Succeeded,
	"undeployed": event.Cancelled,
	"approved":   event.Queued, // and about to begin
	"rejected":   event.Cancelled,
})

// IsFinal reports whether a pipeline or a job with this status has ended.
func IsFinal(word string) bool { return statuses.Of(word).Final() }

// status returns the status of a pipeline or a job; what names which, for the warning about an unrecognized word.
func (m Mapper) status(what, word string) event.Status {
	return statuses.Read(what, word, m.unrecognized)
}

// DeploymentStatus returns the status of a deployment. A failure that the job's author allowed is not a failed
// deployment, and not a delivery either: it is skipped. recognized is false for a word that GitLab does not document.
func (m Mapper) DeploymentStatus(word string, allowedToFail bool) (mapped event.Status, recognized bool) {
	mapped = deploymentStatuses.Read("status of a deployment", word, m.unrecognized)
	return unlessAllowed(mapped, allowedToFail), deploymentStatuses.Has(word)
}

// unlessAllowed returns skipped in place of the failure of a job that is allowed to fail.
func unlessAllowed(mapped event.Status, allowedToFail bool) event.Status {
	if mapped == event.Failed && allowedToFail {
		return event.Skipped
	}
	return mapped
}
