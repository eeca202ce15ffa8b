package inbox

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats is the state of an inbox.
type Stats struct {
	Waiting  uint64 // records that are not applied yet
	Bytes    int64  // of waiting records
	MaxBytes int64  // limit of Bytes
	Rejected uint64 // records in [RejectedFile]
	Damaged  uint64 // files that end with [DamagedSuffix]
}

// Stats returns the current state of the inbox.
func (q *Inbox) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Stats{
		Waiting:  q.counted,
		Bytes:    q.waiting,
		MaxBytes: q.cfg.MaxBytes,
		Rejected: q.rejected.count,
		Damaged:  uint64(len(q.damaged)),
	}
}

var inboxMetrics = []struct {
	desc  *prometheus.Desc
	value func(Stats) float64
}{
	{
		prometheus.NewDesc(
			"dxctl_inbox_waiting_deliveries",
			"Deliveries that were received and are not applied yet.",
			nil,
			nil,
		),
		func(s Stats) float64 { return float64(s.Waiting) },
	},
	{prometheus.NewDesc("dxctl_inbox_waiting_bytes", "Size of the deliveries that are not applied yet.", nil, nil),
		func(s Stats) float64 { return float64(s.Bytes) }},
	{
		prometheus.NewDesc(
			"dxctl_inbox_limit_bytes",
			"Size of waiting deliveries at which further ones are answered 503.",
			nil,
			nil,
		),
		func(s Stats) float64 { return float64(s.MaxBytes) },
	},
	{prometheus.NewDesc("dxctl_inbox_rejected_deliveries", "Deliveries that could never be applied and were set aside "+
		"in rejected.jsonl.", nil, nil),
		func(s Stats) float64 { return float64(s.Rejected) }},
	{prometheus.NewDesc("dxctl_inbox_damaged_parts", "Parts of the inbox that are damaged and were set aside in files "+
		"that end with .damaged.", nil, nil),
		func(s Stats) float64 { return float64(s.Damaged) }},
}

// inboxCollector shows the stats of an inbox as metrics.
type inboxCollector struct{ inbox *Inbox }

// Describe sends the metrics' descriptions.
func (c inboxCollector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range inboxMetrics {
		out <- m.desc
	}
}

// Collect sends the metrics.
func (c inboxCollector) Collect(out chan<- prometheus.Metric) {
	stats := c.inbox.Stats()
	for _, m := range inboxMetrics {
		out <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, m.value(stats))
	}
}

func (q *Inbox) register(r prometheus.Registerer) {
	if r == nil {
		return
	}
	var already prometheus.AlreadyRegisteredError
	if err := r.Register(inboxCollector{q}); err != nil && !errors.As(err, &already) {
		q.log.Warn("cannot register the inbox's metrics", "error", err)
	}
}

func (q *Inbox) unregister(r prometheus.Registerer) { r.Unregister(inboxCollector{q}) }
