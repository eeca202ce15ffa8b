package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
)

// Store is what the Runner needs of the store. Its methods are those of store.Store.
type Store interface {
	Append(ctx context.Context, events ...event.Event) error

	LoadCheckpoint(ctx context.Context, source, scope, stream string) ([]byte, error)
	SaveCheckpoint(ctx context.Context, source, scope, stream string, doc []byte) error
	// LoadCheckpoints and SaveCheckpoints are about one stream of many scopes of a source, by scope.
	LoadCheckpoints(ctx context.Context, source, stream string, scopes []string) (map[string][]byte, error)
	SaveCheckpoints(ctx context.Context, source, stream string, docs map[string][]byte) error
	// SourceCheckpoints is about one stream of several sources themselves, by source.
	SourceCheckpoints(ctx context.Context, stream string, sources []string) (map[string][]byte, error)

	CountRecords(ctx context.Context, kind event.Kind, source string, scopes []string, from, to time.Time,
	) (stored, open map[string]uint64, err error)
	OpenRecords(ctx context.Context, kind event.Kind, source, scope string, since time.Time) (map[string]time.Time, error)
	PipelineRuns(ctx context.Context, source, scope string, ids []string) ([]event.PipelineRun, error)
	DescriptorRevisions(ctx context.Context, source, scope string) (map[string]string, error)
	UnlistedDescriptors(ctx context.Context, source string, listed []string) ([]event.Descriptor, int, error)
	RepositoryDeployments(ctx context.Context, provider, repository string) ([]event.Deployment, error)
	// RepositoryServices is about several repositories, by name in lower case.
	RepositoryServices(ctx context.Context, provider string, repositories []string) (map[string]map[string][]string, error)
	Comparisons(ctx context.Context, source, scope string) (map[event.DeploymentKey]event.DeployedCommits, error)

	// Select reads the public views.
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

	sliceOver func() bool // whether other scopes wait and this one had its time slice; nil: never
	yielded   atomic.Bool // a checkpoint was answered with errYield
	mu        sync.Mutex
	streams   map[string]bool // that have a checkpoint of the re-read
}

// errYield ends a scope's time slice at a checkpoint: other scopes wait, and what was read so far is safe.
var errYield = errors.New("the time slice of the scope is over; it goes on when others had theirs")

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
		return false, fmt.Errorf(
			"the checkpoint of %s %s cannot be read: %w; delete it to read the stream anew",
			w.scope,
			stream,
			err,
		)
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
	if w.sliceOver != nil && w.sliceOver() {
		w.yielded.Store(true)
		return errYield
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

func (w *writer) Count(ctx context.Context, kind event.Kind, from, to time.Time) (stored, open uint64, err error) {
	n, err := w.store.count(ctx, countOf{w.source, w.scope, kind, utc(from), utc(to)})
	if err != nil {
		return 0, 0, fmt.Errorf("counting the %s records of %s: %w", kind, w.scope, err)
	}
	return n.stored, n.open, nil
}

// utc makes times of one moment the same, and leaves the zero time alone.
func utc(t time.Time) time.Time { return t.UTC().Round(0) }

func (w *writer) Runs(ctx context.Context, ids []string) ([]event.PipelineRun, error) {
	return w.store.PipelineRuns(ctx, w.source, w.scope, ids)
}

func (w *writer) Open(ctx context.Context, kind event.Kind, since time.Time) (map[string]time.Time, error) {
	return w.store.OpenRecords(ctx, kind, w.source, w.scope, since)
}

func (w *writer) Descriptors(ctx context.Context) (map[string]string, error) {
	return w.store.DescriptorRevisions(ctx, w.source, w.scope)
}

func (w *writer) RepositoryDeployments(ctx context.Context, provider, repository string) ([]event.Deployment, error) {
	return w.store.RepositoryDeployments(ctx, provider, repository)
}

func (w *writer) RepositoryServices(ctx context.Context, provider, repository string) ([]catalog.PathBinding, error) {
	directories, err := w.store.services(ctx, provider, repository)
	if err != nil {
		return nil, err
	}
	var services []catalog.PathBinding
	for _, service := range slices.Sorted(maps.Keys(directories)) {
		for _, dir := range directories[service] {
			services = append(services, catalog.PathBinding{
				Provider: provider, Scope: strings.ToLower(repository), Path: dir, Service: service,
			})
		}
	}
	return services, nil
}

func (w *writer) Compared(ctx context.Context) (map[event.DeploymentKey]event.DeployedCommits, error) {
	return w.store.Comparisons(ctx, w.source, w.scope)
}
