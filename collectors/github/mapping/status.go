package mapping

import (
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// conclusions are the words with which a run or a job ends.
var conclusions = source.Words[event.Status]{
	Meaning: map[string]event.Status{
		"success":         event.Succeeded,
		"neutral":         event.Succeeded, // passes a required check
		"failure":         event.Failed,
		"timed_out":       event.Failed,
		"startup_failure": event.Failed,
		"cancelled":       event.Cancelled,
		"stale":           event.Cancelled, // GitHub gave up on it after 14 days
		"skipped":         event.Skipped,
		"action_required": event.Waiting, // a maintainer has to approve the run
	},
	Otherwise: event.Skipped, // it is over, and whether well or badly is not known
}

// statuses are the words of a run or a job that has no conclusion. Some servers report conclusions there, too.
var statuses = source.Words[event.Status]{
	Meaning: conclusions.With(map[string]event.Status{
		"queued":      event.Queued,
		"requested":   event.Queued,
		"pending":     event.Queued,
		"waiting":     event.Waiting,
		"in_progress": event.Running,
		"running":     event.Running,
		"completed":   event.Running, // it is about to get a conclusion
	}).Meaning,
	Otherwise: event.Running, // so that the record is read again
}

// deploymentStates are the words of a deployment and of its statuses.
var deploymentStates = source.Words[event.Status]{
	Meaning: map[string]event.Status{
		"success":     event.Succeeded,
		"active":      event.Succeeded,
		"failure":     event.Failed,
		"error":       event.Failed,
		"in_progress": event.Running,
		"queued":      event.Queued,
		"pending":     event.Queued,
		"waiting":     event.Waiting,
		"abandoned":   event.Cancelled,
		// a later deployment replaced it, or its environment is gone: both happen only to what succeeded
		"inactive":  event.Succeeded,
		"destroyed": event.Succeeded,
	},
	Otherwise: event.Running, // so that the record is read again
}

// pullStates are the states of a pull request, which payloads of webhooks may lack.
var pullStates = source.Words[string]{
	Meaning: map[string]string{
		"open":   event.OpenChange,
		"closed": event.ClosedChange,
		"merged": event.MergedChange,
		"":       "",
	},
	Otherwise: "", // its times decide
}

// openIssue has the states of an issue, with whether the issue is open.
var openIssue = source.Words[bool]{
	Meaning:   map[string]bool{"open": true, "closed": false, "": false},
	Otherwise: false,
}

// deciding returns the word of a run or a job that decides on its status, as GitHub writes it, and the words that it is
// one of: the conclusion if there is one, else the status.
func deciding(status, conclusion string) (words source.Words[event.Status], raw string) {
	if conclusion != "" {
		return conclusions, conclusion
	}
	return statuses, status
}

// RunStatus returns the status of a run or a job, and the word of GitHub that decides on it: the conclusion if there is
// one, else the status.
func RunStatus(status, conclusion string) (mapped event.Status, raw string) {
	words, raw := deciding(status, conclusion)
	return words.Of(raw), raw
}

// runStatus is [RunStatus] that reports an unrecognized word. what names where it was: "status of a job".
func (m Mapper) runStatus(what, status, conclusion string) (mapped event.Status, raw string) {
	words, raw := deciding(status, conclusion)
	return words.Read(what, raw, m.Unrecognized), raw
}
