package gitlab

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/event"
)

// runStatus maps the status of a pipeline or a job. A word that is not known is taken as under way, so that it is read
// again.
func runStatus(word string) (mapped event.Status, known bool) {
	switch strings.ToLower(word) {
	case "created",
		"waiting_for_resource",
		"waiting_for_callback",
		"preparing",
		"pending",
		"scheduled": // scheduled: a delayed job, for a time
		return event.Queued, true
	case "manual", "blocked", "waiting_for_approval": // for a person
		return event.Waiting, true
	case "running", "canceling":
		return event.Running, true
	case "success", "success_with_warnings":
		return event.Succeeded, true
	case "failed":
		return event.Failed, true
	case "canceled", "cancelled":
		return event.Cancelled, true
	case "skipped":
		return event.Skipped, true
	}
	return event.Running, false
}

// deploymentStatus maps the status of a deployment. A failure that the job's author allowed is not a failed deployment,
// and not a delivery either: it is skipped, with the word kept beside.
func deploymentStatus(word string, allowedToFail bool) (mapped event.Status, known bool) {
	switch strings.ToLower(word) {
	case "completed":
		return event.Succeeded, true
	case "undeployed":
		return event.Cancelled, true
	case "approved": // and about to begin
		return event.Queued, true
	case "rejected":
		return event.Cancelled, true
	}
	mapped, known = runStatus(word)
	if mapped == event.Failed && allowedToFail {
		mapped = event.Skipped
	}
	return mapped, known
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
