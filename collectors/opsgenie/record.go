package opsgenie

import (
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/incidents"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// record is what is used of an incident or an alert.
type record struct {
	ID        string           `json:"id"`
	Status    string           `json:"status"`
	Priority  string           `json:"priority"`
	Tags      []string         `json:"tags"`
	CreatedAt source.Timestamp `json:"createdAt"`
	UpdatedAt source.Timestamp `json:"updatedAt"`

	// Of an incident. People enter the impact; Opsgenie sets its end when the incident is resolved.
	Services    []string         `json:"impactedServices"`
	ImpactStart source.Timestamp `json:"impactStartDate"`
	ImpactEnd   source.Timestamp `json:"impactEndDate"`
	Links       struct {
		Web string `json:"web"`
	} `json:"links"`

	// Of an alert: milliseconds from its creation.
	Report struct {
		Acknowledged *int64 `json:"ackTime"`
		Closed       *int64 `json:"closeTime"`
	} `json:"report"`
}

// over has the statuses of incidents and alerts, and whether one is over. An undocumented one is no end.
var over = source.Words[bool]{Meaning: map[string]bool{"open": false, "closed": true, "resolved": true}}

// over reports whether the incident or alert has ended.
func (c *Collector) over(r record) bool {
	return over.Read("status of a record", r.Status, c.Unrecognized)
}

// after is the time so many milliseconds after the record was created; zero when it is missing or invalid.
func (r record) after(ms *int64) time.Time {
	if ms == nil || *ms < 0 || *ms > 1<<43 || r.CreatedAt.IsZero() {
		return time.Time{}
	}
	if t := r.CreatedAt.Add(time.Duration(*ms) * time.Millisecond); event.ValidTime(t) {
		return t
	}
	return time.Time{}
}

// opened returns when it began: the start of the impact that people entered, or else its creation.
func (r record) opened() time.Time {
	if !r.ImpactStart.IsZero() {
		return r.ImpactStart.Time
	}
	return r.CreatedAt.Time
}

// ended returns when a record that is over ended, and whether Opsgenie reports it. If it does not, that is when the
// record was last updated, which can be much later: people add notes.
func (r record) ended() (at time.Time, said bool) {
	if closed := r.after(r.Report.Closed); !closed.IsZero() {
		return closed, true
	}
	if !r.ImpactEnd.IsZero() {
		return r.ImpactEnd.Time, true
	}
	return r.UpdatedAt.Time, false
}

// Wanted reports whether a record is of the scope and has one of the tags.
func (l *listing) Wanted(one record) bool {
	if !l.alerts && !slices.ContainsFunc(one.Services, func(s string) bool { return strings.EqualFold(s, l.scope) }) {
		return false
	}
	return len(l.cfg.Tags) == 0 || slices.ContainsFunc(l.cfg.Tags, func(tag string) bool {
		return slices.ContainsFunc(one.Tags, func(t string) bool { return strings.EqualFold(t, tag) })
	})
}

// incidentEvent makes the event of a record.
func (l *listing) incidentEvent(one record, before incidents.Seen) event.Incident {
	link := ""
	if strings.HasPrefix(one.Links.Web, "https://") || strings.HasPrefix(one.Links.Web, "http://") {
		link = one.Links.Web
	}
	e := event.Incident{
		Origin:   event.Origin{Source: l.cfg.Source, Provider: Provider, Scope: l.scope, ID: one.ID, URL: link},
		Severity: one.Priority, OpenedAt: one.opened(), AcknowledgedAt: one.after(one.Report.Acknowledged),
	}
	if !l.over(one) {
		return e
	}
	switch at, said := one.ended(); {
	case said:
		e.ResolvedAt = at
	case !before.Ended.IsZero(): // an update after the end is not another end
		e.ResolvedAt = before.Ended
	case before.Open && !at.Before(before.At): // it ended since it was last seen open, and that was the update
		e.ResolvedAt = at
	}
	e.EndUnknown = e.ResolvedAt.IsZero()
	return e
}
