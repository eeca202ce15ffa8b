package pages

import (
	"bytes"
	"context"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/dxctl/dxctl/report/records"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/route"
	"github.com/dxctl/dxctl/web/spreadsheet"
	"golang.org/x/sync/errgroup"
)

type eventsView struct {
	layout
	listView
	Kind         records.Kind
	Kinds        []navItem
	Filter       route.Filter
	Rows         []records.Row
	Fields       []pick
	Untimed      int    // of those that ended: how many there are of which it is not known how long they took
	UntimedPath  string // the list of these
	Unqueued     int    // of which it is not known how long they waited in the queue
	UnqueuedPath string
	MaxCSV       int
	Plain        bool // times of the filter are whole days
	More         bool // a filter is set that is among the further ones
}

// events lists the events behind a figure.
func (p *Pages) events(ctx context.Context, r route.Request) (route.Answer, error) {
	kind, filter, err := r.Records(ctx, p.reader)
	if err != nil {
		return route.Answer{}, err
	}
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Heads(kind.Listed())
	order, err := route.OrderOf(r, columns, records.Latest)
	if err != nil {
		return route.Answer{}, err
	}
	view := eventsView{layout: p.layout(kind.Title, "/events"), Kind: kind, Filter: filter, MaxCSV: route.MaxCSVRows}
	var counts records.Counts
	var environments, teams []string
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		view.Rows, err = p.reader.Rows(ctx, kind, filter.Filter, order, route.PageSize, (page-1)*route.PageSize)
		return err
	})
	g.Go(func() (err error) { counts, err = p.reader.CountRecords(ctx, kind, filter.Filter); return err })
	g.Go(func() (err error) { environments, err = p.reader.Environments(ctx); return err })
	g.Go(func() (err error) { teams, err = p.reader.TeamRefs(ctx); return err })
	if err := g.Wait(); err != nil {
		return route.Answer{}, err
	}
	path := "/events/" + kind.Name
	view.listView = newList(path, r, columns, order, page, route.PageSize, int(counts.N)).withJSON("/api/v1"+path, r)
	if counts.N <= route.MaxCSVRows {
		view.CSV = route.WithPage(path+".csv", r.Values(), 1)
	}
	if view.Plain = isDay(filter.From) && isDay(filter.To); view.Plain {
		view.Filter.FromText, view.Filter.ToText = dateField(filter.From), dateField(filter.To)
	}
	view.Fields = p.eventFields(kind, filter, environments, teams)
	view.More = filter.Person+filter.Source+filter.Scope+filter.ID+filter.Without != "" || filter.PeopleOnly ||
		filter.Delivered
	view.Untimed, view.UntimedPath = int(counts.NoDuration), withoutPath(kind, r.Values(), "duration")
	view.Unqueued, view.UnqueuedPath = int(counts.NoQueue), withoutPath(kind, r.Values(), "queue")
	for _, k := range records.Kinds() {
		view.Kinds = append(view.Kinds, navItem{route.WithPage("/events/"+k.Name, everyKind(r.Values()), 1), k.Title})
	}
	return p.render("events", view)
}

// eventFields are the fields of the filter.
func (p *Pages) eventFields(kind records.Kind, f route.Filter, environments, teams []string) []pick {
	names := make([]choice, len(teams))
	for i, ref := range teams {
		names[i] = choice{ref, words.RefName(ref)}
	}
	fields := []pick{newPick("Service", "service", f.Service, p.serviceChoices()), newPick("Team", "team", f.Team, names)}
	if kind.Environments {
		fields = append(fields, newPick("Environment", "environment", f.Environment, named(environments)))
	}
	statuses := named(kind.Statuses)
	if len(f.Statuses) > 1 {
		statuses = append(statuses, choice{f.StatusText, strings.Join(f.Statuses, " or ")})
	}
	return append(fields, newPick("Status", "status", f.StatusText, statuses))
}

// withoutPath is the list narrowed to what has ended and of which a time is not known.
func withoutPath(kind records.Kind, query url.Values, span string) string {
	query = maps.Clone(query)
	query.Set("without", span)
	return route.WithPage("/events/"+kind.Name, query, 1)
}

// dateField is a date as a form takes it; "" for the zero time.
func dateField(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func isDay(t time.Time) bool { return t.Equal(t.Truncate(24 * time.Hour)) }

// everyKind is the part of a filter that means the same for every kind of events.
func everyKind(query url.Values) url.Values {
	out := url.Values{}
	for _, name := range []string{"service", "team", "person", "from", "to", "q", "source", "scope"} {
		if v := query.Get(name); v != "" {
			out.Set(name, v)
		}
	}
	return out
}

// serviceChoices are the services of the catalog; of many only so many that they are too many to choose from.
func (p *Pages) serviceChoices() []choice {
	services := p.reader.Catalog().Services()
	choices := make([]choice, min(len(services), route.ChoiceSize+1))
	for i := range choices {
		choices[i] = choice{services[i].Ref, words.RefName(services[i].Ref)}
	}
	return choices
}

const csvBatch = 10_000

// eventsCSV writes every record that fits, in the columns of the API.
func (p *Pages) eventsCSV(ctx context.Context, r route.Request) (route.Answer, error) {
	kind, filter, err := r.Records(ctx, p.reader)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Heads(kind.Listed()), records.Latest)
	if err != nil {
		return route.Answer{}, err
	}
	counts, err := p.reader.CountRecords(ctx, kind, filter.Filter)
	if err != nil {
		return route.Answer{}, err
	}
	total := int(counts.N)
	if total > route.MaxCSVRows {
		return route.Answer{}, route.BadRequest("a CSV file has at most %s records and these are %s; "+
			"narrow the window with from and to, or the filter",
			words.Whole(route.MaxCSVRows), words.Whole(total))
	}
	var b bytes.Buffer
	w := spreadsheet.NewWriter(&b, kind.Numbers()...)
	if err := w.Head(kind.Columns()...); err != nil {
		return route.Answer{}, err
	}
	for offset := 0; offset == 0 || offset < total; offset += csvBatch {
		list, err := p.reader.Records(ctx, kind, filter.Filter, order, csvBatch, offset)
		if err != nil {
			return route.Answer{}, err
		}
		for _, record := range list {
			if err := w.Write(kind.Cells(record)...); err != nil {
				return route.Answer{}, err
			}
		}
	}
	if err := w.Flush(); err != nil {
		return route.Answer{}, err
	}
	return route.Answer{Type: "text/csv; charset=utf-8", Attachment: kind.Name + ".csv", Body: b.Bytes()}, nil
}
