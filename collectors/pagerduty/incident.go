package pagerduty

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// reference names another thing at PagerDuty.
type reference struct {
	ID      string `json:"id"`
	Summary string `json:"summary"`
}

// page is one page of the listing. Incidents are decoded one by one, so that one that is invalid does not take the
// others along.
type page struct {
	Incidents []json.RawMessage `json:"incidents"`
	More      bool              `json:"more"`
	Total     *uint64           `json:"total"`
}

// incident is what is used of an incident.
type incident struct {
	ID       string     `json:"id"`
	Number   uint64     `json:"incident_number"`
	Status   string     `json:"status"`
	Urgency  string     `json:"urgency"`
	URL      string     `json:"html_url"`
	Service  reference  `json:"service"`
	Priority *reference `json:"priority"`

	CreatedAt  source.Timestamp `json:"created_at"`
	ResolvedAt source.Timestamp `json:"resolved_at"` // not every account has it
	ChangedAt  source.Timestamp `json:"last_status_change_at"`
	Acks       []struct {
		At source.Timestamp `json:"at"`
	} `json:"acknowledgments"` // those that hold at present
	Log []logEntry `json:"log_entries"` // where the server includes them
}

// logEntry is something that happened to an incident.
type logEntry struct {
	Type      string           `json:"type"`
	CreatedAt source.Timestamp `json:"created_at"`
}

// over has the statuses of an incident, and whether it is over. An undocumented one is no end.
var over = source.Words[bool]{Meaning: map[string]bool{"triggered": false, "acknowledged": false, "resolved": true}}

// resolved reports whether the incident is over.
func (c *Collector) resolved(i incident) bool {
	return over.Read("status of an incident", i.Status, c.Unrecognized)
}

// acknowledged returns the first acknowledgment in the incident itself.
func (i incident) acknowledged() time.Time {
	at := firstOf("acknowledge_log_entry", i.Log)
	for _, a := range i.Acks {
		at = source.Earliest(at, a.At.Time)
	}
	return at
}

// ended returns when the incident, which is over, was resolved: by its field, or else by its log. The last change of
// its status is only taken where neither can be had, and unless it was before the incident.
func (i incident) ended(log []logEntry) time.Time {
	if !i.ResolvedAt.IsZero() {
		return i.ResolvedAt.Time
	}
	if at := lastOf("resolve_log_entry", slices.Concat(i.Log, log)); !at.IsZero() {
		return at
	}
	if i.ChangedAt.Before(i.CreatedAt.Time) {
		return time.Time{}
	}
	return i.ChangedAt.Time
}

// lastOf returns when an entry of the type was last made; zero without one.
func lastOf(kind string, entries []logEntry) (at time.Time) {
	for _, e := range entries {
		if e.Type == kind && e.CreatedAt.After(at) {
			at = e.CreatedAt.Time
		}
	}
	return at
}

// firstOf returns when an entry of the type was first made; zero without one.
func firstOf(kind string, entries []logEntry) (at time.Time) {
	for _, e := range entries {
		if e.Type == kind {
			at = source.Earliest(at, e.CreatedAt.Time)
		}
	}
	return at
}

// severity is the incident's priority as the account names it (P1, SEV-2), or else its urgency.
func (i incident) severity() string {
	if i.Priority != nil && i.Priority.Summary != "" {
		return i.Priority.Summary
	}
	return i.Urgency
}

// mark changes when what is stored of the incident does.
func (i incident) mark() string {
	return i.Status + " " + i.severity() + " " + i.ChangedAt.Format(time.RFC3339Nano)
}

// incidentEvent makes the event of an incident that was first acknowledged at the time given. The log is empty where
// the incident has all that is needed.
func (l *listing) incidentEvent(i incident, acknowledged time.Time, log []logEntry) event.Incident {
	link := ""
	if strings.HasPrefix(i.URL, "https://") || strings.HasPrefix(i.URL, "http://") {
		link = i.URL
	}
	e := event.Incident{
		Origin:   event.Origin{Source: l.cfg.Source, Provider: Provider, Scope: l.scope, ID: i.ID, URL: link},
		Severity: i.severity(), OpenedAt: i.CreatedAt.Time, AcknowledgedAt: acknowledged,
	}
	if l.resolved(i) {
		e.ResolvedAt = i.ended(log)
		e.EndUnknown = e.ResolvedAt.IsZero()
	}
	return e
}
