package opsgenie

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
)

// Collect updates the incidents of a service, or the alerts of a team, and who is on call.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	l := &listing{Collector: c, scope: scope, alerts: c.isTeam(scope), path: "v1/incidents"}
	cfg := incidents.Config{
		Scope: scope,
		Names: incidents.Names{
			Records: "incidents",
			Article: "a",
			Record:  "record",
			NoTotal: "Opsgenie gives no total of incidents; every page of their listing was read",
		},
		Since:     c.cfg.Since,
		Query:     strings.Join(c.cfg.Tags, " "),
		Depth:     c.depth,
		Precision: time.Millisecond,
	}
	if l.alerts {
		l.path, cfg.Names.Records, cfg.Count = "v2/alerts", "alerts", l.count
	}
	err := incidents.Read(ctx, c.Base, l, cfg, w)
	if err != nil && !rest.OnlySkipped(err) {
		return err
	}
	return errors.Join(err, incidents.OnCall(ctx, c.Base, Provider, scope, w, func(ctx context.Context) (
		incidents.People, error) {
		return c.people(ctx, scope)
	}))
}

// listing is the listing of a service's incidents or a team's alerts.
type listing struct {
	*Collector
	scope  string
	alerts bool
	path   string
}

// Page reads a page of the listing.
func (l *listing) Page(
	ctx context.Context,
	at incidents.Place,
	limit int,
	etag string,
) (incidents.Page, rest.Answer, error) {
	var p page
	got, err := l.Get(ctx, l.address(at, limit), etag, &p)
	return incidents.Page{Records: p.Data, More: p.Paging.Next != "" && len(p.Data) > 0}, got, err
}

// address is a page of the listing: so many records from the offset on.
func (l *listing) address(at incidents.Place, limit int) string {
	return fmt.Sprintf(
		"%s?query=%s&sort=createdAt&order=desc&limit=%d&offset=%d",
		l.path,
		l.query(at),
		limit,
		at.Offset,
	)
}

// query selects the records: those of a team with certain tags, created since a time and before another.
func (l *listing) query(at incidents.Place) string {
	terms := []string{fmt.Sprintf("createdAt > %d", max(0, at.Since.UnixMilli()-1))}
	if l.alerts {
		terms = append(terms, ofTeam(l.scope))
	}
	if len(l.cfg.Tags) > 0 {
		terms = append(terms, ofTags(l.cfg.Tags))
	}
	if !at.Before.IsZero() {
		terms = append(terms, fmt.Sprintf("createdAt < %d", at.Before.UnixMilli()))
	}
	return url.QueryEscape(strings.Join(terms, " AND "))
}

// count asks how many alerts there are.
func (l *listing) count(ctx context.Context, since time.Time) (*uint64, error) {
	var answer struct {
		Data struct {
			Count *uint64 `json:"count"`
		} `json:"data"`
	}
	_, err := l.Get(ctx, "v2/alerts/count?query="+l.query(incidents.Place{Since: since}), "", &answer)
	return answer.Data.Count, err
}

// One reads a record.
func (l *listing) One(ctx context.Context, id string) (json.RawMessage, error) {
	var one struct {
		Data json.RawMessage `json:"data"`
	}
	_, err := l.Get(ctx, l.path+"/"+url.PathEscape(id), "", &one)
	return one.Data, err
}

// Gone reports whether Opsgenie does not have the record.
func (l *listing) Gone(err error) bool { return rest.IsGone(err) }

// ID returns the id of a record.
func (l *listing) ID(r record) string { return r.ID }

// Created returns when a record was created.
func (l *listing) Created(r record) time.Time { return r.CreatedAt.Time }

// Over reports whether a record is closed.
func (l *listing) Over(r record) bool { return l.over(r) }

// Mark changes with the times and the priority of a record, and with its end.
func (l *listing) Mark(r record, seen incidents.Seen) string {
	return mark(l.incidentEvent(r, seen), l.over(r))
}

// Events makes the events of records. Their listing shows all that is needed.
func (l *listing) Events(
	_ context.Context,
	records []record,
	seen []incidents.Seen,
	_ incidents.Parts,
) ([]event.Incident, error) {
	events := make([]event.Incident, len(records))
	for i, r := range records {
		events[i] = l.incidentEvent(r, seen[i])
	}
	return events, nil
}

// mark changes when what is stored of a record does.
func mark(e event.Incident, over bool) string {
	return fmt.Sprintf(
		"%s %d %d %d %t",
		e.Severity,
		e.OpenedAt.UnixMilli(),
		e.AcknowledgedAt.UnixMilli(),
		e.ResolvedAt.UnixMilli(),
		over,
	)
}
