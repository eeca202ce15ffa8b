package gitlab

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// runStatus maps the status of a pipeline or a job. A word that is not known is taken as under way, so that it is read
// again.
func runStatus(word string) (mapped event.Status, known bool) {
	switch strings.ToLower(word) {
	case "created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "scheduled": // scheduled: a delayed job, for a time
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

// botName recognises the accounts of project and group tokens and of service accounts, and names that say bot.
var botName = regexp.MustCompile(`(?i)^((project|group)_\d+_bot(_.*)?|service_account_.+|.*[-_]bot|.*\[bot\]|ghost)$`)

func (u *user) bot() bool { return u != nil && (u.Bot || botName.MatchString(u.Username)) }

// warn logs an unknown word once for a source.
func (c *Collector) warn(what, word string) {
	if _, seen := c.warned.LoadOrStore(what+" "+word, true); !seen {
		c.log.Warn("GitLab uses a word that is not known; it is kept as it is", "source", c.cfg.Source, "what", what, "word", word)
	}
}

// stamp is a time as GitLab writes it. Null, an empty string, what is no time and what no event may carry are all the zero
// time: not known.
type stamp struct{ time.Time }

// UnmarshalJSON never fails: one odd time must not cost the other records of its page.
func (s *stamp) UnmarshalJSON(b []byte) error {
	s.Time = time.Time{}
	var t time.Time
	if t.UnmarshalJSON(b) == nil && event.ValidTime(t) {
		s.Time = t.UTC()
	}
	return nil
}

// amount is a number. Null and what is no number are not known, which is not the same as 0.
type amount struct {
	n     float64
	known bool
}

// UnmarshalJSON never fails, for the reason given at stamp.
func (a *amount) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseFloat(string(b), 64)
	if *a = (amount{}); err == nil {
		*a = amount{n, true}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// first is the earlier of two times, either of which may be unknown.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
