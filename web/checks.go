package web

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// HealthCheck is something that can be wrong while dxctl goes on serving: a degraded service. Each cause is shown by
// /readyz, whose status stays 200, and counted by the gauge dxctl_degraded{check="<Name>"}.
//
// A part that observes its own state as it works keeps it in a [Conditions] and hands over that one's Causes; a part
// that has to look (the store) does so in Causes, which runs at every /readyz and every scrape of /metrics, side by
// side with itself, and must be cheap and return when ctx ends. The list of checks is in cmd/dxctl/health.go.
type HealthCheck struct {
	Name string // a short word, the label of the gauge: "store", "collectors", "inbox"
	// Causes returns a sentence per thing that is wrong: what, since when or why, and how it is repaired. Nil when
	// nothing is. Anyone who can reach the server reads them: no secrets.
	Causes func(ctx context.Context) []string
}

// Conditions holds what is wrong now, by the object that it is about (a source, a file, a worker; "" when there is only
// one). The zero value is ready to use, and safe for concurrent use.
type Conditions struct {
	mu       sync.Mutex
	byObject map[string]string
}

// Set records that something is wrong with object, in place of what was recorded before; nil that nothing is any longer.
func (c *Conditions) Set(object string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		delete(c.byObject, object)
		return
	}
	if c.byObject == nil {
		c.byObject = map[string]string{}
	}
	c.byObject[object] = err.Error()
}

// Causes returns what is wrong, by object in alphabetical order. It fits [HealthCheck].
func (c *Conditions) Causes(context.Context) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var causes []string
	for _, object := range slices.Sorted(maps.Keys(c.byObject)) {
		causes = append(causes, c.byObject[object])
	}
	return causes
}

// cause is one thing that is wrong, as /readyz shows it.
type cause struct {
	Check string `json:"check"`
	Cause string `json:"cause"`
}

// degraded runs every check and returns what is wrong.
func (a *app) degraded(ctx context.Context) []cause {
	causes := []cause{}
	for _, check := range a.deps.Checks {
		for _, text := range check.Causes(ctx) {
			causes = append(causes, cause{check.Name, strings.TrimSpace(text)})
		}
	}
	return causes
}

// degradedCollector runs the checks when Prometheus asks.
type degradedCollector struct{ a *app }

var degradedDesc = prometheus.NewDesc("dxctl_degraded",
	"Causes for which dxctl serves with less than it should, by check; /readyz names them.", []string{"check"}, nil)

// Describe sends the description of the gauge.
func (d degradedCollector) Describe(ch chan<- *prometheus.Desc) { ch <- degradedDesc }

// Collect sends the number of causes of every check, 0 where nothing is wrong.
func (d degradedCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, check := range d.a.deps.Checks {
		ch <- prometheus.MustNewConstMetric(degradedDesc, prometheus.GaugeValue, float64(len(check.Causes(ctx))), check.Name)
	}
}
