package server

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/report"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// healthz answers while the process is up.
func (a *app) healthz(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.SendString("ok\n")
}

// readyTimeout is how long /readyz waits for the store and the checks.
const readyTimeout = 2 * time.Second

// readyz answers 503 only when the store does not answer; while something else is wrong it stays 200, with "degraded"
// and the causes. With "Accept: application/json" the answer is a document with status and causes.
func (a *app) readyz(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	ctx, cancel := context.WithTimeout(c.UserContext(), readyTimeout)
	defer cancel()
	state := readiness{Status: "ready", Causes: []report.Cause{}}
	if err := a.deps.Ping(ctx); err != nil {
		a.deps.Logger.Warn("not ready", "error", err)
		c.Status(fiber.StatusServiceUnavailable)
		state.Status = "not ready"
		state.Causes = append(state.Causes, report.Cause{Check: "store", Cause: "the store does not answer: " + err.Error()})
	} else if state.Causes = a.reader.Degraded(ctx); len(state.Causes) > 0 {
		state.Status = "degraded"
	}
	if c.Accepts(fiber.MIMETextPlain, fiber.MIMEApplicationJSON) == fiber.MIMEApplicationJSON {
		return c.JSON(state)
	}
	var text strings.Builder
	text.WriteString(state.Status + "\n")
	for _, why := range state.Causes {
		text.WriteString(why.Check + ": " + why.Cause + "\n")
	}
	return c.SendString(text.String())
}

// readiness is the document of /readyz.
type readiness struct {
	Status string         `json:"status"` // "ready", "degraded", "not ready"
	Causes []report.Cause `json:"causes"` // empty when ready
}

func (a *app) metricsHandler() fiber.Handler {
	return netHandler(promhttp.HandlerFor(a.deps.Gatherer, promhttp.HandlerOpts{
		EnableOpenMetrics: true, Timeout: 15 * time.Second, ErrorHandling: promhttp.ContinueOnError,
	}))
}

// requestMetrics counts what the server answered.
type requestMetrics struct {
	duration *prometheus.HistogramVec
}

func (a *app) registerMetrics() (*requestMetrics, error) {
	m := &requestMetrics{duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "dxctl_http_request_duration_seconds", Help: "Time until an answer was made, by route and status.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "status"})}
	for _, c := range []prometheus.Collector{m.duration, gradeCollector{a.reader}, degradedCollector{a.reader},
		goalCollector{a.reader}} {
		if err := a.deps.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("registering the metrics of the server: %w", err)
		}
	}
	return m, nil
}

// observe measures every request by its route, never by its path: paths come from outside and are without number.
func (a *app) observe(c *fiber.Ctx) error {
	began := time.Now()
	err := c.Next()
	if err != nil {
		if handled := a.fail(c, err); handled != nil {
			return handled
		}
	}
	route := c.Route().Path
	status := c.Response().StatusCode()
	if status == fiber.StatusNotFound && route == "/" {
		route = "unknown"
	}
	a.metrics.duration.WithLabelValues(route, strconv.Itoa(status)).Observe(time.Since(began).Seconds())
	return nil
}

// gradeCollector reads the stored grades when Prometheus asks.
type gradeCollector struct{ reader *report.Reader }

var (
	rulesDesc = prometheus.NewDesc("dxctl_service_rules", "Rules of a service by level and outcome, as last graded.",
		[]string{"service", "scorecard", "level", "outcome"}, nil)
	gradedDesc = prometheus.NewDesc("dxctl_service_graded_timestamp_seconds", "When a service was last graded.",
		[]string{"service", "scorecard"}, nil)
)

// Describe sends the descriptions of the gauges.
func (g gradeCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- rulesDesc
	ch <- gradedDesc
}

// Collect reads the grades. A store that does not answer is an error of these gauges only.
func (g gradeCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	rows, err := g.reader.GradeCounts(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(rulesDesc, err)
		return
	}
	graded := map[[2]string]time.Time{}
	for _, r := range rows {
		ch <- prometheus.MustNewConstMetric(rulesDesc, prometheus.GaugeValue, float64(r.N),
			r.Entity, r.Scorecard, r.Level, r.Outcome)
		if key := [2]string{r.Entity, r.Scorecard}; r.At.After(graded[key]) {
			graded[key] = r.At
		}
	}
	for key, at := range graded {
		ch <- prometheus.MustNewConstMetric(gradedDesc, prometheus.GaugeValue, float64(at.UnixMilli())/1000, key[0], key[1])
	}
}

// degradedCollector runs the checks when Prometheus asks.
type degradedCollector struct{ reader *report.Reader }

var degradedDesc = prometheus.NewDesc("dxctl_degraded",
	"Causes for which dxctl serves with less than it should, by check; /readyz names them.", []string{"check"}, nil)

// Describe sends the description of the gauge.
func (d degradedCollector) Describe(ch chan<- *prometheus.Desc) { ch <- degradedDesc }

// Collect sends the number of causes of every check, 0 where nothing is wrong.
func (d degradedCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, check := range d.reader.Checks() {
		ch <- prometheus.MustNewConstMetric(degradedDesc, prometheus.GaugeValue, float64(len(check.Causes(ctx))), check.Name)
	}
}
