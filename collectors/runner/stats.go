package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/event"
)

// stats counts what runs do, for Prometheus.
type stats struct {
	requests *prometheus.CounterVec
	events   *prometheus.CounterVec
	invalid  *prometheus.CounterVec
	errors   *prometheus.CounterVec
	waiting  *prometheus.CounterVec
	success  *prometheus.GaugeVec
	gaps     *prometheus.GaugeVec
	troubles *prometheus.GaugeVec

	log    *slog.Logger
	mu     sync.Mutex
	ledger map[ledgerKey]uint64 // the gap of each entry
	sums   map[[2]string]uint64 // of the gaps, by source and kind
}

type ledgerKey struct {
	source, scope string
	kind          event.Kind
	start         time.Time
}

func newStats(reg prometheus.Registerer, log *slog.Logger) *stats {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return register(
			reg,
			prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dxctl_collector_" + name, Help: help}, labels),
		)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels))
	}
	return &stats{
		requests: counter("requests_total", "Requests to a source by HTTP status; status 0: no answer.", "source", "status"),
		events:   counter("events_total", "Events appended to the store, by source and kind.", "source", "kind"),
		invalid: counter("refused_records_total", "Records that a source gave and that cannot be stored, by source and "+
			"kind; the log names them.", "source", "kind"),
		errors:  counter("errors_total", "Scopes that could not be collected to the end.", "source"),
		waiting: counter("waiting_seconds_total", "Time for which a source asked to be left alone.", "source"),
		success: gauge("dxctl_collector_last_success_timestamp_seconds", "When every scope of a source was last "+
			"collected without an error.", "source"),
		gaps: gauge("dxctl_ledger_gap_records", "Records that a source says it has and the store lacks.", "source", "kind"),
		log:  log,
		troubles: gauge("dxctl_collector_problems", "Scopes whose latest collect failed, or left something out, since it "+
			"last succeeded.", "source"),
		ledger: map[ledgerKey]uint64{},
		sums:   map[[2]string]uint64{},
	}
}

// register hands a metric to reg, or returns the one that is registered already: a process may make a second Runner.
func register[C prometheus.Collector](reg prometheus.Registerer, metric C) C {
	if reg == nil {
		return metric
	}
	var taken prometheus.AlreadyRegisteredError
	if err := reg.Register(metric); errors.As(err, &taken) {
		if existing, ok := taken.ExistingCollector.(C); ok {
			return existing
		}
	}
	return metric
}

func (s *stats) requested(source string, status int) {
	s.requests.WithLabelValues(source, strconv.Itoa(status)).Inc()
}

func (s *stats) waited(source string, d time.Duration) {
	if d > 0 {
		s.waiting.WithLabelValues(source).Add(d.Seconds())
	}
}

// refused notes a record that cannot be stored.
func (s *stats) refused(source, scope string, kind event.Kind, err error) {
	s.invalid.WithLabelValues(source, string(kind)).Inc()
	s.log.Error("a record cannot be stored and was left out", "source", source, "scope", scope, "kind", kind, "error", err)
}

func (s *stats) failed(source string) { s.errors.WithLabelValues(source).Inc() }

func (s *stats) troubled(source string, n int) { s.troubles.WithLabelValues(source).Set(float64(n)) }

func (s *stats) succeeded(source string, at time.Time) {
	s.success.WithLabelValues(source).Set(float64(at.UnixMilli()) / 1000)
}

func (s *stats) appended(source string, events []event.Event) {
	for kind, n := range byKind(events) {
		s.events.WithLabelValues(source, string(kind)).Add(float64(n))
	}
	for _, e := range events {
		if l, ok := e.(event.LedgerEntry); ok {
			s.keep(ledgerKey{l.Source, l.Scope, l.Of, l.WindowStart}, l.Gap())
		}
	}
}

// keep remembers the gap of an entry of the ledger and shows the sum of its kind.
func (s *stats) keep(key ledgerKey, gap uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := [2]string{key.source, string(key.kind)}
	s.sums[of] += gap - s.ledger[key]
	s.ledger[key] = gap
	s.gaps.WithLabelValues(key.source, string(key.kind)).Set(float64(s.sums[of]))
}

// load shows the gaps that earlier processes have found.
func (s *stats) load(ctx context.Context, store Store) error {
	var rows []struct {
		Source string    `ch:"source"`
		Scope  string    `ch:"scope"`
		Kind   string    `ch:"kind"`
		Start  time.Time `ch:"window_start"`
		Gap    uint64    `ch:"gap"`
	}
	if err := store.Select(ctx, &rows, "SELECT source, scope, kind, window_start, gap FROM ledger", nil); err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	for _, r := range rows {
		s.keep(ledgerKey{r.Source, r.Scope, event.Kind(r.Kind), r.Start.UTC()}, r.Gap)
	}
	return nil
}

// tally counts what one run does with one source.
type tally struct {
	mu       sync.Mutex
	requests int
	events   map[string]map[event.Kind]uint64 // by scope
}

func (t *tally) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests, t.events = 0, map[string]map[event.Kind]uint64{}
}

func (t *tally) requested() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
}

func (t *tally) appended(scope string, events []event.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.events == nil {
		t.events = map[string]map[event.Kind]uint64{}
	}
	if t.events[scope] == nil {
		t.events[scope] = map[event.Kind]uint64{}
	}
	for kind, n := range byKind(events) {
		t.events[scope][kind] += n
	}
}

func (t *tally) of(scope string) map[event.Kind]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.events[scope])
}

func (t *tally) asked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.requests
}

func byKind(events []event.Event) map[event.Kind]uint64 {
	n := map[event.Kind]uint64{}
	for _, e := range events {
		n[e.Kind()]++
	}
	return n
}
