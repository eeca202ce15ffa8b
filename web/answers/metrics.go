package answers

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// result is how a reader was answered.
type result string

const (
	hit      result = "hit"    // a fresh answer was kept
	staleHit result = "stale"  // the previous answer, while a new one is computed
	shared   result = "shared" // waited for a computation that another reader started
	miss     result = "miss"   // started a computation and waited for it
	failed   result = "error"  // an error that is returned again for a short time
)

// Metrics counts what caches do, labeled with their names.
type Metrics struct {
	requests *prometheus.CounterVec
	entries  *prometheus.GaugeVec
	bytes    *prometheus.GaugeVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics registers the metrics of caches.
func NewMetrics(registerer prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dxctl_answer_cache_requests_total",
			Help: "Questions to a cache of answers, by how they were answered: hit, stale, shared, miss or error.",
		}, []string{"cache", "result"}),
		entries: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dxctl_answer_cache_entries", Help: "Answers that are kept.",
		}, []string{"cache"}),
		bytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dxctl_answer_cache_bytes", Help: "Size of the answers that are kept.",
		}, []string{"cache"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dxctl_answer_computation_seconds", Help: "Time to compute an answer.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"cache"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.entries, m.bytes, m.seconds} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("metrics of the answer caches: %w", err)
		}
	}
	return m, nil
}

func (m *Metrics) count(cache string, r result) { m.requests.WithLabelValues(cache, string(r)).Inc() }

func (m *Metrics) computed(cache string, took time.Duration) {
	m.seconds.WithLabelValues(cache).Observe(took.Seconds())
}

func (m *Metrics) size(cache string, entries int, bytes int64) {
	m.entries.WithLabelValues(cache).Set(float64(entries))
	m.bytes.WithLabelValues(cache).Set(float64(bytes))
}
