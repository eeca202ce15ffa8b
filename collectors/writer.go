package collectors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Store is what the Runner needs of the store.
type Store interface {
	Append(ctx context.Context, events ...event.Event) error
	LoadCheckpoint(ctx context.Context, source, scope, stream string) ([]byte, error)
	SaveCheckpoint(ctx context.Context, source, scope, stream string, doc []byte) error
	// LoadCheckpoints and SaveCheckpoints are about one stream of many scopes of a source, by scope.
	LoadCheckpoints(ctx context.Context, source, stream string, scopes []string) (map[string][]byte, error)
	SaveCheckpoints(ctx context.Context, source, stream string, docs map[string][]byte) error
	Select(ctx context.Context, dest any, sql string, params map[string]any) error
}

// writer is the [source.Writer] of one scope in one run.
type writer struct {
	store         *gatheringStore
	source, scope string
	provider      string // kind of the source
	since         time.Time
	until         time.Time
	// acceptRemovals lets an answer remove whatever it does not name.
	acceptRemovals bool
	reread         string // a name for the re-read at hand; its checkpoints are apart from the ordinary ones
	stats          *stats
	tally          *tally
	report         func(Progress)

	turnOver func() bool // whether other scopes wait and this one had its turn; nil: never
	yielded  atomic.Bool // a checkpoint was answered with errTurn
	mu       sync.Mutex
	streams  map[string]bool // that have a checkpoint of the re-read
}

// errTurn ends a scope's turn at a checkpoint: other scopes wait, and what was read so far is safe.
var errTurn = errors.New("the scope's turn is over; it goes on when others had theirs")

func (w *writer) Append(ctx context.Context, events ...event.Event) error {
	events, err := w.put(ctx, events)
	if err != nil || len(events) == 0 {
		return err
	}
	w.stats.appended(w.source, events)
	w.tally.appended(w.scope, events)
	return nil
}

func (w *writer) Update(ctx context.Context, events ...event.Event) error {
	_, err := w.put(ctx, events)
	return err
}

// put stores those of the events that the run is about, and returns them.
func (w *writer) put(ctx context.Context, events []event.Event) ([]event.Event, error) {
	if !w.until.IsZero() {
		events = before(events, w.until)
	}
	events = w.storable(events)
	if len(events) == 0 {
		return nil, nil
	}
	if err := w.store.Append(ctx, events...); err != nil {
		return nil, fmt.Errorf("storing %d events of %s: %w", len(events), w.scope, err)
	}
	return events, nil
}

// storable leaves out the records of the source that cannot be stored, so that one bad record does not block its
// neighbors. Each is logged and counted; the ledger shows it as a gap, and the next re-read offers it again.
func (w *writer) storable(events []event.Event) []event.Event {
	valid := make([]event.Event, 0, len(events))
	for _, e := range events {
		e = event.Normalize(e)
		if entry, ok := e.(event.LedgerEntry); ok {
			entry.Provider = w.provider // a scope alone may be another provider's too
			e = entry
		}
		if err := e.Validate(); err != nil && e.Kind() != event.KindLedger {
			w.stats.refused(w.source, w.scope, e.Kind(), err)
			continue
		}
		valid = append(valid, e)
	}
	return valid
}

// before leaves out what was created at or after until. What has no such time stays.
func before(events []event.Event, until time.Time) []event.Event {
	kept := make([]event.Event, 0, len(events))
	for _, e := range events {
		if e.Began().Before(until) {
			kept = append(kept, e)
		}
	}
	return kept
}

func (w *writer) Load(ctx context.Context, stream string, into any) (bool, error) {
	doc, err := w.store.LoadCheckpoint(ctx, w.source, w.scope, w.stream(stream))
	if err != nil {
		return false, fmt.Errorf("loading the checkpoint of %s %s: %w", w.scope, stream, err)
	}
	if len(doc) == 0 {
		return false, nil
	}
	if err := json.Unmarshal(doc, into); err != nil {
		return false, fmt.Errorf("the checkpoint of %s %s cannot be read: %w; delete it to read the stream anew", w.scope, stream, err)
	}
	return true, nil
}

func (w *writer) Save(ctx context.Context, stream string, state any) error {
	doc, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encoding the checkpoint of %s %s: %w", w.scope, stream, err)
	}
	if err := w.store.SaveCheckpoint(ctx, w.source, w.scope, w.stream(stream), doc); err != nil {
		return fmt.Errorf("saving the checkpoint of %s %s: %w", w.scope, stream, err)
	}
	if w.turnOver != nil && w.turnOver() {
		w.yielded.Store(true)
		return errTurn
	}
	return nil
}

// stream is the name under which the checkpoint of a stream is kept.
func (w *writer) stream(name string) string {
	if w.reread == "" {
		return name
	}
	name = w.reread + " " + name
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.streams == nil {
		w.streams = map[string]bool{}
	}
	w.streams[name] = true
	return name
}

// forget clears the checkpoints of a re-read that has come to its end, so that the next one reads everything again.
func (w *writer) forget(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range w.streams {
		if err := w.store.SaveCheckpoint(ctx, w.source, w.scope, name, nil); err != nil {
			return fmt.Errorf("clearing the checkpoint of %s %s: %w", w.scope, name, err)
		}
	}
	return nil
}

func (w *writer) Since() time.Time { return w.since }

func (w *writer) Reread() bool { return w.reread != "" }

func (w *writer) Progress(stream string, done, total uint64) {
	if w.report != nil {
		w.report(Progress{Source: w.source, Scope: w.scope, Stream: stream, Done: done, Total: total})
	}
}

const openStatuses = `('queued', 'waiting', 'running')`

// counts is per kind what makes a record of several rows, when it began, and when it is open.
var counts = map[event.Kind]struct{ table, id, created, open string }{
	event.KindPipelineRun: {"raw_pipeline_runs", "id", "created_at", "argMax(status, attempt) IN " + openStatuses},
	event.KindPipelineJob: {"raw_pipeline_jobs", "(run_id, attempt, id)", "created_at", "any(status) IN " + openStatuses},
	event.KindDeployment:  {"raw_deployments", "(id, environment_key)", "created_at", "argMax(status, attempt) IN " + openStatuses},
	event.KindChange:      {"raw_changes", "id", "created_at", "any(closed_at) IS NULL AND any(merged_at) IS NULL"},
	event.KindIncident:    {"raw_incidents", "id", "opened_at", "any(resolved_at) IS NULL AND NOT any(resolved)"},
}

func (w *writer) Count(ctx context.Context, kind event.Kind, from, to time.Time) (stored, open uint64, err error) {
	if _, ok := counts[kind]; !ok {
		return 0, 0, fmt.Errorf("counting %s: not a kind that is counted", kind)
	}
	n, err := w.store.count(ctx, countOf{w.source, w.scope, kind, utc(from), utc(to)})
	if err != nil {
		return 0, 0, fmt.Errorf("counting the %s records of %s: %w", kind, w.scope, err)
	}
	return n.stored, n.open, nil
}

// utc makes times of one moment the same, and leaves the zero time alone.
func utc(t time.Time) time.Time { return t.UTC().Round(0) }

func (w *writer) where() (string, map[string]any) {
	return `source = {source:String} AND scope = {scope:String}`, map[string]any{"source": w.source, "scope": w.scope}
}

func (w *writer) Runs(ctx context.Context, ids []string) ([]event.PipelineRun, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	where, params := w.where()
	params["ids"] = ids
	var rows []struct {
		Provider   string     `ch:"provider"`
		ID         string     `ch:"id"`
		Attempt    uint16     `ch:"attempt"`
		URL        string     `ch:"url"`
		Service    string     `ch:"service"`
		Pipeline   string     `ch:"pipeline"`
		Status     string     `ch:"status"`
		StatusRaw  string     `ch:"status_raw"`
		Branch     string     `ch:"branch"`
		Trigger    string     `ch:"trigger"`
		SHA        string     `ch:"sha"`
		Actor      string     `ch:"actor"`
		Bot        bool       `ch:"bot"`
		CreatedAt  *time.Time `ch:"created_at"`
		StartedAt  *time.Time `ch:"started_at"`
		FinishedAt *time.Time `ch:"finished_at"`
		DurationMS *uint64    `ch:"duration_ms"`
	}
	sql := `SELECT provider, id, attempt, url, service, pipeline, status, status_raw, branch, trigger, sha, actor, bot, created_at, started_at, finished_at, duration_ms
FROM raw_pipeline_runs FINAL WHERE ` + where + ` AND id IN {ids:Array(String)}`
	if err := w.store.Select(ctx, &rows, sql, params); err != nil {
		return nil, fmt.Errorf("looking up %d runs of %s: %w", len(ids), w.scope, err)
	}
	runs := make([]event.PipelineRun, len(rows))
	for i, r := range rows {
		runs[i] = event.PipelineRun{
			Origin:  event.Origin{Source: w.source, Provider: r.Provider, Scope: w.scope, ID: r.ID, URL: r.URL, Service: r.Service},
			Attempt: r.Attempt, Pipeline: r.Pipeline, Status: event.Status(r.Status), StatusRaw: r.StatusRaw, Branch: r.Branch,
			Trigger: r.Trigger, SHA: r.SHA, Actor: r.Actor, Bot: r.Bot,
			CreatedAt: known(r.CreatedAt), StartedAt: known(r.StartedAt), FinishedAt: known(r.FinishedAt),
			Duration: duration(r.DurationMS),
		}
	}
	return runs, nil
}

// duration returns a stored duration; 0 where it is not known.
func duration(ms *uint64) time.Duration {
	if ms == nil {
		return 0
	}
	return time.Duration(*ms) * time.Millisecond
}

func known(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func (w *writer) Open(ctx context.Context, kind event.Kind, since time.Time) (map[string]time.Time, error) {
	k, ok := counts[kind]
	if !ok || (kind != event.KindPipelineRun && kind != event.KindDeployment) {
		return nil, fmt.Errorf("listing open %s records: not a kind that has them", kind)
	}
	where, params := w.where()
	params["since"] = since.UTC()
	var rows []struct {
		ID      string     `ch:"id"`
		Created *time.Time `ch:"created"`
	}
	sql := `SELECT id, min(created_at) AS created FROM ` + k.table + ` FINAL WHERE ` + where + ` AND created_at >= {since:DateTime64(3, 'UTC')} GROUP BY id HAVING ` + k.open
	if err := w.store.Select(ctx, &rows, sql, params); err != nil {
		return nil, fmt.Errorf("listing the open %s records of %s: %w", kind, w.scope, err)
	}
	open := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		open[r.ID] = known(r.Created)
	}
	return open, nil
}

func (w *writer) Descriptors(ctx context.Context) (map[string]string, error) {
	where, params := w.where()
	var rows []struct {
		Location string `ch:"location"`
		Revision string `ch:"revision"`
	}
	sql := `SELECT location, revision FROM raw_descriptors FINAL WHERE ` + where + ` AND document != ''`
	if err := w.store.Select(ctx, &rows, sql, params); err != nil {
		return nil, fmt.Errorf("looking up the descriptors of %s: %w", w.scope, err)
	}
	revisions := make(map[string]string, len(rows))
	for _, r := range rows {
		revisions[r.Location] = r.Revision
	}
	return revisions, nil
}
