package gitlab

import (
	"regexp"
	"strconv"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// statuses are the words for where a pipeline or a job stands.
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

// deploymentStatuses are the words for where a deployment stands.
var deploymentStatuses = statuses.With(map[string]event.Status{
	"completed":  event.Succeeded,
	"undeployed": event.Cancelled,
	"approved":   event.Queued, // and about to begin
	"rejected":   event.Cancelled,
})

// isFinal reports whether a pipeline or a job with this status has ended.
func isFinal(word string) bool { return statuses.Of(word).Final() }

// status returns the status of a pipeline or a job; what names which, for the warning about an unrecognized word.
func (m mapper) status(what, word string) event.Status {
	return statuses.Read(what, word, m.unrecognized)
}

// deploymentStatus returns the status of a deployment. A failure that the job's author allowed is not a failed
// deployment, and not a delivery either: it is skipped. recognized is false for a word that GitLab does not document.
func (m mapper) deploymentStatus(word string, allowedToFail bool) (mapped event.Status, recognized bool) {
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

// user is an account as lists show it.
type user struct {
	Username string `json:"username"`
	Bot      bool   `json:"bot"`
}

func (u *user) login() string {
	if u == nil {
		return ""
	}
	return u.Username
}

// botName recognizes the accounts of project and group tokens and of service accounts, and names that say bot.
var botName = regexp.MustCompile(`(?i)^((project|group)_\d+_bot(_.*)?|service_account_.+|.*[-_]bot|.*\[bot\]|ghost)$`)

func (u *user) bot() bool { return u != nil && (u.Bot || botName.MatchString(u.Username)) }

// amount is a number. Null and what is no number are not known, which is not the same as 0.
type amount struct {
	n     float64
	known bool
}

// UnmarshalJSON never fails, as [source.Timestamp].
func (a *amount) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseFloat(string(b), 64)
	if *a = (amount{}); err == nil {
		*a = amount{n, true}
	}
	return nil
}
