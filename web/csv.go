package web

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/web/spreadsheet"
)

const (
	csvBatch = 10_000
	// mostCSVRows bounds a file: about 25 MB.
	mostCSVRows = 100_000
)

// eventsCSV writes every event that fits, in the columns of the API.
func (a *app) eventsCSV(ctx context.Context, r request) (answer, error) {
	kind, err := kindOf(r.Param("kind"))
	if err != nil {
		return answer{}, err
	}
	filter, err := a.parseFilter(ctx, r, kind)
	if err != nil {
		return answer{}, err
	}
	counts, err := a.countEvents(ctx, kind, filter)
	if err != nil {
		return answer{}, err
	}
	total := int(counts.N)
	if total > mostCSVRows {
		return answer{}, badRequest("a CSV file has at most %s records and these are %s; narrow the window with from and to, or the filter",
			whole(mostCSVRows), whole(total))
	}
	var b bytes.Buffer
	w := spreadsheet.NewWriter(&b, 3)
	if err := w.Head(csvHead...); err != nil {
		return answer{}, err
	}
	for offset := 0; offset == 0 || offset < total; offset += csvBatch {
		rows, err := a.listEvents(ctx, kind, filter, csvBatch, offset)
		if err != nil {
			return answer{}, err
		}
		if err := writeEvents(w, rows); err != nil {
			return answer{}, err
		}
	}
	if err := w.Flush(); err != nil {
		return answer{}, err
	}
	return answer{kind: "text/csv; charset=utf-8", attachment: kind.Name + ".csv", body: b.Bytes()}, nil
}

var csvHead = []string{"at", "service", "id", "attempt", "name", "environment", "branch", "status", "status_raw", "sha", "actor",
	"person", "bot", "created_at", "started_at", "finished_at", "source", "scope", "url", "duration_ms"}

func milliseconds(ms *uint64) string {
	if ms == nil {
		return ""
	}
	return strconv.FormatUint(*ms, 10)
}

func writeEvents(w *spreadsheet.Writer, rows []eventRow) error {
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	for _, e := range rows {
		err := w.Write(at(e.At), e.Service, e.ID, strconv.Itoa(int(e.Attempt)), e.Name, e.Environment, e.Branch, e.Status,
			e.StatusRaw, e.SHA, e.Actor, e.Person, strconv.FormatBool(e.Bot), at(e.CreatedAt), at(e.StartedAt), at(e.FinishedAt),
			e.Source, e.Scope, e.URL, milliseconds(e.DurationMS))
		if err != nil {
			return err
		}
	}
	return nil
}
