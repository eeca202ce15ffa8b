package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/incidents"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
	"golang.org/x/sync/errgroup"
)

const (
	// logsFor is how old an incident may be for its log to be requested, which takes one request each.
	logsFor = 180 * 24 * time.Hour
	// window is the longest stretch of time that PagerDuty lists at once, with a margin.
	window = 180 * 24 * time.Hour
	// atOnce is how many logs are read side by side.
	atOnce = 6
)

// Collect updates a service: its incidents, and who is on call.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	err := incidents.Read(ctx, c.Base, &listing{Collector: c, scope: scope}, incidents.Config{
		Scope: scope,
		Names: incidents.Names{
			Records: "incidents",
			Article: "an",
			Record:  "incident",
			Part:    "log",
			NoTotal: "PagerDuty gives no total here; every page of its listing was read",
		},
		Since:     c.cfg.Since,
		Depth:     c.depth,
		Window:    window,
		Precision: time.Second,
	}, w)
	if err != nil && !rest.OnlySkipped(err) {
		return err
	}
	return errors.Join(err, incidents.OnCall(ctx, c.Base, Provider, scope, w, func(ctx context.Context) (
		incidents.People, error) {
		return c.people(ctx, scope)
	}))
}

// listing is that of a service's incidents.
type listing struct {
	*Collector
	scope string
}

// Page reads a page of the listing.
func (l *listing) Page(
	ctx context.Context,
	at incidents.Place,
	limit int,
	etag string,
) (incidents.Page, rest.Answer, error) {
	var p page
	got, err := l.Get(ctx, l.query(at, limit), etag, &p)
	return incidents.Page{Records: p.Incidents, More: p.More, Total: p.Total}, got, err
}

// query is a page of the service's incidents, newest first: so many from the offset on.
func (l *listing) query(at incidents.Place, limit int) string {
	q := fmt.Sprintf(
		"incidents?service_ids[]=%s&sort_by=created_at:desc&total=true&limit=%d&offset=%d",
		url.QueryEscape(l.scope),
		limit,
		at.Offset,
	)
	if at.Before.IsZero() {
		return q + "&date_range=all"
	}
	from := at.Before.Add(-window)
	return q + "&since=" + url.QueryEscape(from.Format(time.RFC3339)) + "&until=" + url.QueryEscape(
		at.Before.Format(time.RFC3339),
	)
}

// One reads an incident.
func (l *listing) One(ctx context.Context, id string) (json.RawMessage, error) {
	var one struct {
		Incident json.RawMessage `json:"incident"`
	}
	_, err := l.Get(ctx, "incidents/"+url.PathEscape(id), "", &one)
	return one.Incident, err
}

// Gone reports whether PagerDuty does not have, or does not show, the incident.
func (l *listing) Gone(err error) bool { return gone(err) }

// ID returns the id of an incident.
func (l *listing) ID(i incident) string { return i.ID }

// Created returns when an incident was opened.
func (l *listing) Created(i incident) time.Time { return i.CreatedAt.Time }

// Over reports whether an incident is resolved.
func (l *listing) Over(i incident) bool { return l.resolved(i) }

// Wanted reports whether an incident is the service's.
func (l *listing) Wanted(i incident) bool { return strings.EqualFold(i.Service.ID, l.scope) }

// Mark changes with the status, the severity and the last change of an incident.
func (l *listing) Mark(i incident, _ incidents.Seen) string { return i.mark() }

// Events makes the events of incidents. It requests the log of those that do not show when they were acknowledged or
// resolved.
func (l *listing) Events(
	ctx context.Context,
	all []incident,
	seen []incidents.Seen,
	parts incidents.Parts,
) ([]event.Incident, error) {
	acks, logs := make([]time.Time, len(all)), make([][]logEntry, len(all))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for n, i := range all {
		acks[n] = source.Earliest(seen[n].Acknowledged, i.acknowledged())
		told := !acks[n].IsZero() && !i.ResolvedAt.IsZero()
		if !told && len(i.Log) == 0 && l.resolved(i) && l.Now().Sub(i.CreatedAt.Time) < logsFor {
			group.Go(func() (err error) {
				logs[n], err = l.entries(groupCtx, i.ID)
				acks[n] = source.Earliest(acks[n], firstOf("acknowledge_log_entry", logs[n]))
				if err != nil { // the incident is stored without it
					return parts.Hold(i.ID, err)
				}
				parts.Done(i.ID)
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	events := make([]event.Incident, len(all))
	for n, i := range all {
		events[n] = l.incidentEvent(i, acks[n], logs[n])
	}
	return events, nil
}

// entries requests the log of an incident. It has what a resolved incident itself lacks: when it was first
// acknowledged, and when it was resolved.
func (l *listing) entries(ctx context.Context, id string) ([]logEntry, error) {
	var p struct {
		Entries []logEntry `json:"log_entries"`
	}
	_, err := l.Get(
		ctx,
		fmt.Sprintf("incidents/%s/log_entries?is_overview=true&limit=%d", url.PathEscape(id), perPage),
		"",
		&p,
	)
	if gone(err) {
		return nil, nil
	}
	return p.Entries, err
}
