package web

import (
	"context"
	"maps"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"
)

type eventsView struct {
	layout
	Kind   eventKind
	Kinds  []navItem
	Filter eventFilter
	Rows   []eventRow
	pager
	Untimed      int    // of those that ended: how many there are of which it is not known how long they took
	UntimedPath  string // the list of these
	Unqueued     int    // of which it is not known how long they waited in the queue
	UnqueuedPath string
	CSV          string
	Services     []choice // nil where there are too many to choose from
	MostCSV      int
	Environments []string
	Plain        bool // times of the filter are whole days
}

// choice is an entry of a select.
type choice struct{ Value, Label string }

// events lists the events behind a figure.
func (a *app) events(ctx context.Context, r request) (answer, error) {
	kind, err := kindOf(r.Param("kind"))
	if err != nil {
		return answer{}, err
	}
	filter, err := a.parseFilter(ctx, r, kind)
	if err != nil {
		return answer{}, err
	}
	page, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	view := eventsView{layout: a.layout(kind.Title, "/events"), Kind: kind, Filter: filter}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		view.Rows, err = a.listEvents(ctx, kind, filter, pageSize, (page-1)*pageSize)
		return err
	})
	var counts eventCounts
	g.Go(func() (err error) { counts, err = a.countEvents(ctx, kind, filter); return err })
	g.Go(func() (err error) { view.Environments, err = a.environments(ctx); return err })
	if err := g.Wait(); err != nil {
		return answer{}, err
	}
	query, total := r.Values(), int(counts.N)
	view.Services = a.serviceChoices(filter.Service)
	if view.Plain = isDay(filter.From) && isDay(filter.To); view.Plain {
		view.Filter.FromText, view.Filter.ToText = dateField(filter.From), dateField(filter.To)
	}
	view.pager = newPager("/events/"+kind.Name, query, page, pageSize, total)
	view.Untimed, view.UntimedPath = int(counts.NoDuration), withWithout(kind, query, "duration")
	view.Unqueued, view.UnqueuedPath = int(counts.NoQueue), withWithout(kind, query, "queue")
	view.MostCSV = mostCSVRows
	if total <= mostCSVRows {
		view.CSV = withPage("/events/"+kind.Name+".csv", query, 1)
	}
	for _, k := range eventKinds {
		view.Kinds = append(view.Kinds, navItem{withPage("/events/"+k.Name, everyKind(query), 1), k.Title})
	}
	return a.render("events", view)
}

// withWithout is the list narrowed to what has ended and of which a time is not known.
func withWithout(kind eventKind, query url.Values, span string) string {
	query = maps.Clone(query)
	query.Set("without", span)
	return withPage("/events/"+kind.Name, query, 1)
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

// serviceChoices are the services of the catalog, and the one that is asked for when the catalog does not know it.
func (a *app) serviceChoices(asked string) []choice {
	var out []choice
	found := asked == ""
	services := a.deps.Catalog().Services()
	if len(services) > listSize {
		return nil
	}
	for _, e := range services {
		out = append(out, choice{e.Ref, refName(e.Ref)})
		found = found || e.Ref == asked
	}
	if !found {
		out = append(out, choice{asked, asked})
	}
	return out
}

func (a *app) environments(ctx context.Context) ([]string, error) {
	return kept(ctx, a.figures, "environments", a.readEnvironments)
}

func (a *app) readEnvironments(ctx context.Context) ([]string, error) {
	var rows []struct {
		Environment string `ch:"environment"`
	}
	err := a.deps.Store.Select(ctx, &rows, "SELECT environment FROM deployments WHERE environment != '' GROUP BY environment ORDER BY count() DESC, environment LIMIT 50", nil)
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Environment
	}
	return names, err
}
