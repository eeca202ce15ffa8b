package collectors

import (
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/event"
)

// stats counts what runs do, for Prometheus and for the Summary of the run at hand.
type stats struct {
	requests *prometheus.CounterVec
	events   *prometheus.CounterVec
	errors   *prometheus.CounterVec
	waiting  *prometheus.CounterVec
	success  *prometheus.GaugeVec
	gaps     *prometheus.GaugeVec

	mu          sync.Mutex
	runRequests map[string]int
	runEvents   map[[2]string]map[event.Kind]uint64 // by source and scope
	ledger      map[ledgerKey]uint64                // the gap of each entry
}

type ledgerKey struct {
	source, scope string
	kind          event.Kind
	start         time.Time
}

func newStats(reg prometheus.Registerer) *stats {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dxctl_collector_" + name, Help: help}, labels))
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels))
	}
	s := &stats{
		requests: counter("requests_total", "Requests to a source by HTTP status; status 0: no answer.", "source", "status"),
		events:   counter("events_total", "Events appended to the store, by source and kind.", "source", "kind"),
		errors:   counter("errors_total", "Scopes that could not be collected to the end.", "source"),
		waiting:  counter("waiting_seconds_total", "Time for which a source asked to be left alone.", "source"),
		success:  gauge("dxctl_collector_last_success_timestamp_seconds", "When every scope of a source was last collected without an error.", "source"),
		gaps:     gauge("dxctl_ledger_gap_records", "Records that a source says it has and the store lacks.", "source", "kind"),
		ledger:   map[ledgerKey]uint64{},
	}
	s.reset()
	return s
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

// reset begins the counts of a new run.
func (s *stats) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runRequests = map[string]int{}
	s.runEvents = map[[2]string]map[event.Kind]uint64{}
}

func (s *stats) requested(source string, status int) {
	s.requests.WithLabelValues(source, strconv.Itoa(status)).Inc()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runRequests[source]++
}

func (s *stats) requestsOfRun() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.runRequests)
}

func (s *stats) waited(source string, d time.Duration) {
	if d > 0 {
		s.waiting.WithLabelValues(source).Add(d.Seconds())
	}
}

func (s *stats) failed(source string) { s.errors.WithLabelValues(source).Inc() }

func (s *stats) succeeded(source string, at time.Time) {
	s.success.WithLabelValues(source).Set(float64(at.UnixMilli()) / 1000)
}

func (s *stats) appended(source, scope string, events []event.Event) {
	byKind := map[event.Kind]uint64{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		byKind[e.Kind()]++
		if l, ok := e.(event.LedgerEntry); ok {
			s.ledger[ledgerKey{l.Source, l.Scope, l.Of, l.WindowStart}] = l.Gap()
			s.setGap(l.Source, l.Of)
		}
	}
	key := [2]string{source, scope}
	if s.runEvents[key] == nil {
		s.runEvents[key] = map[event.Kind]uint64{}
	}
	for kind, n := range byKind {
		s.runEvents[key][kind] += n
		s.events.WithLabelValues(source, string(kind)).Add(float64(n))
	}
}

func (s *stats) setGap(source string, kind event.Kind) {
	var sum uint64
	for key, gap := range s.ledger {
		if key.source == source && key.kind == kind {
			sum += gap
		}
	}
	s.gaps.WithLabelValues(source, string(kind)).Set(float64(sum))
}

func (s *stats) eventsOf(source, scope string) map[event.Kind]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.runEvents[[2]string{source, scope}])
}
