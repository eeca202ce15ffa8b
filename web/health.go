package web

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// healthz says that the process answers.
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
	state := readiness{Status: "ready", Causes: []cause{}}
	if err := a.deps.Ping(ctx); err != nil {
		a.deps.Logger.Warn("not ready", "error", err)
		c.Status(fiber.StatusServiceUnavailable)
		state.Status = "not ready"
		state.Causes = append(state.Causes, cause{"store", "the store does not answer: " + err.Error()})
	} else if state.Causes = a.degraded(ctx); len(state.Causes) > 0 {
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
	Status string  `json:"status"` // "ready", "degraded", "not ready"
	Causes []cause `json:"causes"` // empty when ready
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
	for _, c := range []prometheus.Collector{m.duration, gradeCollector{a}, degradedCollector{a}} {
		if err := a.deps.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("web: metrics: %w", err)
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
	a.seen.duration.WithLabelValues(route, strconv.Itoa(status)).Observe(time.Since(began).Seconds())
	return nil
}

// gradeCollector reads the stored grades when Prometheus asks.
type gradeCollector struct{ a *app }

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
	var rows []struct {
		Entity    string    `ch:"entity"`
		Scorecard string    `ch:"scorecard"`
		Level     string    `ch:"level"`
		Outcome   string    `ch:"outcome"`
		N         uint64    `ch:"n"`
		At        time.Time `ch:"at"`
	}
	err := g.a.deps.Store.Select(ctx, &rows, `SELECT entity, scorecard, level, outcome, count() AS n, max(evaluated_at) AS at
		FROM grades GROUP BY entity, scorecard, level, outcome`, nil)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(rulesDesc, err)
		return
	}
	graded := map[[2]string]time.Time{}
	for _, r := range rows {
		ch <- prometheus.MustNewConstMetric(rulesDesc, prometheus.GaugeValue, float64(r.N), r.Entity, r.Scorecard, r.Level, r.Outcome)
		if key := [2]string{r.Entity, r.Scorecard}; r.At.After(graded[key]) {
			graded[key] = r.At
		}
	}
	for key, at := range graded {
		ch <- prometheus.MustNewConstMetric(gradedDesc, prometheus.GaugeValue, float64(at.UnixMilli())/1000, key[0], key[1])
	}
}
