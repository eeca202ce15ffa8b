package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"
)

const pageSize = 50

type eventsView struct {
	layout
	Kind         eventKind
	Kinds        []navItem
	Filter       eventFilter
	Rows         []eventRow
	Total        int
	From, To     int // of Total, counted from 1
	Previous     string
	Next         string
	CSV          string
	Services     []choice
	Environments []string
	Plain        bool // times of the filter are whole days
}

// choice is an entry of a select.
type choice struct{ Value, Label string }

// events lists the events behind a figure.
func (a *app) events(c *fiber.Ctx) error {
	kind, err := kindOf(c.Params("kind"))
	if err != nil {
		return err
	}
	filter, err := parseFilter(c)
	if err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := requestContext(c)
	defer cancel()
	view := eventsView{layout: a.layout(kind.Title, "/events"), Kind: kind, Filter: filter}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		view.Rows, err = a.listEvents(ctx, kind, filter, pageSize, (page-1)*pageSize)
		return err
	})
	g.Go(func() (err error) { view.Total, err = a.countEvents(ctx, kind, filter); return err })
	g.Go(func() (err error) { view.Environments, err = a.environments(ctx); return err })
	if err := g.Wait(); err != nil {
		return err
	}
	query := queryOf(c)
	view.Services = a.serviceChoices(filter.Service)
	if view.Plain = isDay(filter.From) && isDay(filter.To); view.Plain {
		view.Filter.FromText, view.Filter.ToText = dateField(filter.From), dateField(filter.To)
	}
	view.From, view.To = min((page-1)*pageSize+1, view.Total), (page-1)*pageSize+len(view.Rows)
	if page > 1 {
		view.Previous = withPage("/events/"+kind.Name, query, page-1)
	}
	if view.To < view.Total && len(view.Rows) > 0 {
		view.Next = withPage("/events/"+kind.Name, query, page+1)
	}
	view.CSV = withPage("/events/"+kind.Name+".csv", query, 1)
	for _, k := range eventKinds {
		view.Kinds = append(view.Kinds, navItem{withPage("/events/"+k.Name, everyKind(query), 1), k.Title})
	}
	return a.render(c, fiber.StatusOK, "events", view)
}

// dateField is a date as a form takes it; "" for the zero time.
func dateField(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func isDay(t time.Time) bool { return t.Equal(t.Truncate(24 * time.Hour)) }

// pageOf reads the number of the page, from 1. The bound keeps offsets within what the store takes.
func pageOf(c *fiber.Ctx) (int, error) {
	s := c.Query("page", "1")
	page, err := strconv.Atoi(s)
	if err != nil || page < 1 || page > 1_000_000 {
		return 0, fiber.NewError(fiber.StatusBadRequest, "page="+strconv.Quote(s)+" is not a page; pages are counted from 1")
	}
	return page, nil
}

// queryOf is the query of a request without empty values.
func queryOf(c *fiber.Ctx) url.Values {
	query := url.Values{}
	for name, value := range c.Queries() {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

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

func withPage(path string, query url.Values, page int) string {
	query.Del("page")
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// serviceChoices are the services of the catalog, and the one that is asked for when the catalog does not know it.
func (a *app) serviceChoices(asked string) []choice {
	var out []choice
	found := asked == ""
	for _, e := range a.deps.Catalog().Services() {
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

const csvBatch = 10_000

// eventsCSV streams every event that fits, in the columns of the API.
func (a *app) eventsCSV(c *fiber.Ctx) error {
	kind, err := kindOf(c.Params("kind"))
	if err != nil {
		return err
	}
	filter, err := parseFilter(c)
	if err != nil {
		return err
	}
	// The first batch is read before the answer begins, so that a mistake is still an error and not a short file.
	ctx, cancel := requestContext(c)
	defer cancel()
	rows, err := a.listEvents(ctx, kind, filter, csvBatch, 0)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+kind.Name+`.csv"`)
	if len(rows) < csvBatch {
		var b bytes.Buffer
		if err := writeCSV(&b, rows, true); err != nil {
			return err
		}
		return c.Send(b.Bytes())
	}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) { a.streamCSV(w, kind, filter, rows) })
	return nil
}

func (a *app) streamCSV(w *bufio.Writer, kind eventKind, filter eventFilter, rows []eventRow) {
	for offset := 0; len(rows) > 0; {
		if err := writeCSV(w, rows, offset == 0); err != nil {
			return // the reader went away
		}
		if err := w.Flush(); err != nil {
			return
		}
		offset += len(rows)
		if len(rows) < csvBatch {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
		var err error
		rows, err = a.listEvents(ctx, kind, filter, csvBatch, offset)
		cancel()
		if err != nil {
			a.deps.Logger.Error("csv cut short", "kind", kind.Name, "rows", offset, "error", err)
			// A last line that is no record: a reader that counts columns notices that the file is not whole.
			_, _ = w.WriteString("# cut short: " + strings.ReplaceAll(err.Error(), "\n", " ") + "\n")
			return
		}
	}
}

var csvHead = []string{"at", "service", "id", "attempt", "name", "environment", "branch", "status", "status_raw", "sha", "actor",
	"person", "bot", "created_at", "started_at", "finished_at", "source", "scope", "url"}

func writeCSV(to interface{ Write([]byte) (int, error) }, rows []eventRow, head bool) error {
	w := csv.NewWriter(to)
	if head {
		if err := w.Write(csvHead); err != nil {
			return err
		}
	}
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	for _, e := range rows {
		err := w.Write([]string{at(e.At), e.Service, e.ID, strconv.Itoa(int(e.Attempt)), cell(e.Name), e.Environment, cell(e.Branch), e.Status,
			cell(e.StatusRaw), e.SHA, cell(e.Actor), cell(e.Person), strconv.FormatBool(e.Bot), at(e.CreatedAt), at(e.StartedAt), at(e.FinishedAt),
			e.Source, e.Scope, e.URL})
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// cell keeps a spreadsheet from running what somebody wrote into a title: text that would be a formula gets an
// apostrophe in front.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
