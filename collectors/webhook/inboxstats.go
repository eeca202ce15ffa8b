package webhook

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// InboxStats says how an inbox is doing.
type InboxStats struct {
	Waiting  uint64 // deliveries that are not applied yet
	Bytes    int64  // of them
	MaxBytes int64  // how many may wait
	Rejected uint64 // deliveries in rejected.jsonl
	Damaged  uint64 // files with parts of the queue that are damaged
}

// Stats says how the inbox is doing now.
func (q *Inbox) Stats() InboxStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return InboxStats{Waiting: q.counted, Bytes: q.waiting, MaxBytes: q.cfg.MaxBytes, Rejected: q.rejected.count, Damaged: uint64(len(q.damaged))}
}

var inboxMetrics = []struct {
	desc  *prometheus.Desc
	value func(InboxStats) float64
}{
	{prometheus.NewDesc("dxctl_inbox_waiting_deliveries", "Deliveries that were received and are not applied yet.", nil, nil),
		func(s InboxStats) float64 { return float64(s.Waiting) }},
	{prometheus.NewDesc("dxctl_inbox_waiting_bytes", "Size of the deliveries that are not applied yet.", nil, nil),
		func(s InboxStats) float64 { return float64(s.Bytes) }},
	{prometheus.NewDesc("dxctl_inbox_limit_bytes", "Size of waiting deliveries at which further ones are answered 503.", nil, nil),
		func(s InboxStats) float64 { return float64(s.MaxBytes) }},
	{prometheus.NewDesc("dxctl_inbox_rejected_deliveries", "Deliveries that could never be applied and were set aside in rejected.jsonl.", nil, nil),
		func(s InboxStats) float64 { return float64(s.Rejected) }},
	{prometheus.NewDesc("dxctl_inbox_damaged_parts", "Parts of the inbox that are damaged and were set aside in files that end with .damaged.", nil, nil),
		func(s InboxStats) float64 { return float64(s.Damaged) }},
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
		q.log.Warn("the inbox's metrics cannot be shown", "error", err)
	}
}

func (q *Inbox) unregister(r prometheus.Registerer) { r.Unregister(inboxCollector{q}) }
