package github

import (
	"strings"

	"github.com/dxctl/dxctl/event"
)

// runStatus maps what GitHub says of a run or a job. The word that decides is the conclusion where there is one, else
// the status; it is returned as GitHub wrote it. A word that is not known is kept too: as a conclusion it is final
// without being a verdict (skipped), as a status the record is still under way and is read again.
func runStatus(status, conclusion string) (mapped event.Status, raw string, known bool) {
	if conclusion != "" {
		switch strings.ToLower(conclusion) {
		case "success", "neutral": // neutral passes a required check
			return event.Succeeded, conclusion, true
		case "failure", "timed_out", "startup_failure":
			return event.Failed, conclusion, true
		case "cancelled", "stale": // stale: GitHub gave up on it after 14 days
			return event.Cancelled, conclusion, true
		case "skipped":
			return event.Skipped, conclusion, true
		case "action_required": // a maintainer has to approve the run
			return event.Waiting, conclusion, true
		}
		return event.Skipped, conclusion, false
	}
	switch strings.ToLower(status) {
	case "queued", "requested", "pending":
		return event.Queued, status, true
	case "waiting", "action_required":
		return event.Waiting, status, true
	case "in_progress", "running", "completed": // completed without a conclusion: it is about to get one
		return event.Running, status, true
	case "success", "neutral":
		return event.Succeeded, status, true
	case "failure", "timed_out", "startup_failure":
		return event.Failed, status, true
	case "cancelled", "stale":
		return event.Cancelled, status, true
	case "skipped":
		return event.Skipped, status, true
	}
	return event.Running, status, false
}

// deploymentStatus maps one status of a deployment. Inactive is not a verdict: it says that a later deployment took
// over.
func deploymentStatus(state string) (mapped event.Status, known bool) {
	switch strings.ToLower(state) {
	case "success", "active":
		return event.Succeeded, true
	case "failure", "error":
		return event.Failed, true
	case "in_progress":
		return event.Running, true
	case "queued", "pending":
		return event.Queued, true
	case "waiting":
		return event.Waiting, true
	case "abandoned":
		return event.Cancelled, true
	case "inactive", "destroyed": // only what succeeded is made inactive by its successor
		return event.Succeeded, true
	}
	return event.Running, false
}

// isBot reports whether an account is a machine: GitHub says so, or it bears an app's name.
func isBot(login, kind string) bool {
	return strings.EqualFold(kind, "Bot") || strings.HasSuffix(login, "[bot]")
}
