package pages

import (
	"bytes"
	"context"
	"maps"
	"net/url"
	"time"

	"github.com/dxctl/dxctl/report/records"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/route"
	"github.com/dxctl/dxctl/web/spreadsheet"
	"golang.org/x/sync/errgroup"
)

type eventsView struct {
	layout
	Kind   records.Kind
	Kinds  []navItem
	Filter route.Filter
	Rows   []records.Row
	route.Pager
	Untimed      int    // of those that ended: how many there are of which it is not known how long they took
	UntimedPath  string // the list of these
	Unqueued     int    // of which it is not known how long they waited in the queue
	UnqueuedPath string
	CSV          string
	Services     []choice // nil where there are too many to choose from
	MaxCSV       int
	Environments []string
	Plain        bool // times of the filter are whole days
}

// choice is an entry of a select.
type choice struct{ Value, Label string }

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
	view := eventsView{layout: p.layout(kind.Title, "/events"), Kind: kind, Filter: filter, MaxCSV: route.MaxCSVRows}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		view.Rows, err = p.reader.Rows(ctx, kind, filter.Filter, route.PageSize, (page-1)*route.PageSize)
		return err
	})
	var counts records.Counts
	g.Go(func() (err error) { counts, err = p.reader.CountRecords(ctx, kind, filter.Filter); return err })
	g.Go(func() (err error) { view.Environments, err = p.reader.Environments(ctx); return err })
	if err := g.Wait(); err != nil {
		return route.Answer{}, err
	}
	query := r.Values()
	total := int(counts.N)
	view.Services = p.serviceChoices(filter.Service)
	if view.Plain = isDay(filter.From) && isDay(filter.To); view.Plain {
		view.Filter.FromText, view.Filter.ToText = dateField(filter.From), dateField(filter.To)
	}
	view.Pager = route.NewPager("/events/"+kind.Name, query, page, route.PageSize, total)
	view.Untimed, view.UntimedPath = int(counts.NoDuration), withoutPath(kind, query, "duration")
	view.Unqueued, view.UnqueuedPath = int(counts.NoQueue), withoutPath(kind, query, "queue")
	if total <= route.MaxCSVRows {
		view.CSV = route.WithPage("/events/"+kind.Name+".csv", query, 1)
	}
	for _, k := range records.Kinds() {
		view.Kinds = append(view.Kinds, navItem{route.WithPage("/events/"+k.Name, everyKind(query), 1), k.Title})
	}
	return p.render("events", view)
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

// serviceChoices are the services of the catalog, and the one that is asked for when the catalog does not have it.
func (p *Pages) serviceChoices(asked string) []choice {
	services := p.reader.Catalog().Services()
	if len(services) > route.ListSize {
		return nil
	}
	var out []choice
	found := asked == ""
	for _, e := range services {
		out = append(out, choice{e.Ref, words.RefName(e.Ref)})
		found = found || e.Ref == asked
	}
	if !found {
		out = append(out, choice{asked, asked})
	}
	return out
}

const csvBatch = 10_000

// eventsCSV writes every record that fits, in the columns of the API.
func (p *Pages) eventsCSV(ctx context.Context, r route.Request) (route.Answer, error) {
	kind, filter, err := r.Records(ctx, p.reader)
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
		list, err := p.reader.Records(ctx, kind, filter.Filter, csvBatch, offset)
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
