// Package web is the dashboard and the JSON API: pages made on the server, a file per page. Numbers come from the
// metrics and scorecards engines and from the public views only, so that a page, the API and the command line agree.
package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v2/middleware/compress"
	recovering "github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/prometheus/client_golang/prometheus"
)

// Deps is what the pages are made from. All but Demo, Receive and Checks are required.
type Deps struct {
	Store      metrics.Querier             // the public views
	Ping       func(context.Context) error // nil when the store answers
	Metrics    *metrics.Engine
	Scorecards *scorecards.Engine
	Catalog    func() *catalog.Catalog // the catalog as it is now; never nil
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer
	Now        func() time.Time
	Version    string
	Checks     []HealthCheck // what can be wrong while the store answers; shown by /readyz and /metrics
	Receive    http.Handler  // takes what sources push; nil: nothing is received
	Demo       bool          // says on every page that the data are synthetic
}

func (d Deps) validate() error {
	for _, f := range []struct {
		name    string
		missing bool
	}{
		{"Store", d.Store == nil}, {"Ping", d.Ping == nil}, {"Metrics", d.Metrics == nil}, {"Scorecards", d.Scorecards == nil},
		{"Catalog", d.Catalog == nil}, {"Logger", d.Logger == nil}, {"Registerer", d.Registerer == nil},
		{"Gatherer", d.Gatherer == nil}, {"Now", d.Now == nil},
	} {
		if f.missing {
			return fmt.Errorf("web: Deps.%s is required", f.name)
		}
	}
	return nil
}

type app struct {
	cfg     Config
	deps    Deps
	assets  *assets
	pages   map[string]*template.Template
	figures *figures
	seen    *requestMetrics
}

// route is one address and who answers it. Title names it in the list of the API.
type route struct {
	path   string
	handle fiber.Handler
	title  string
}

// routes is everything that the server answers, in the order in which it is tried.
func (a *app) routes() []route {
	return []route{
		{"/assets/*", a.assets.serve, ""},
		{"/favicon.ico", func(c *fiber.Ctx) error { return c.Redirect(a.assets.url("favicon.svg"), fiber.StatusFound) }, ""},
		{"/healthz", a.healthz, ""},
		{"/readyz", a.readyz, ""},
		{"/metrics", a.metricsHandler(), ""},

		{"/", a.overview, ""},
		{"/services", a.services, ""},
		{"/services/:namespace/:name", a.service, ""},
		{"/time-to-first-deploy", a.firstDeploy, ""},
		{"/events", func(c *fiber.Ctx) error { return c.Redirect("/events/deployments", fiber.StatusFound) }, ""},
		{"/events/:kind.csv", a.eventsCSV, ""},
		{"/events/:kind", a.events, ""},
		{"/definitions", a.definitions, ""},
		{"/definitions/:id", a.definition, ""},
		{"/ledger", a.ledger, ""},
		{"/unmapped", a.unmapped, ""},

		{"/api/v1", a.apiIndex, "this list"},
		{"/api/v1/services", a.apiServices, "every service with its level and numbers"},
		{"/api/v1/services/:namespace/:name", a.apiService, "one service with its rules and numbers"},
		{"/api/v1/metrics", a.apiDefinitions, "the definitions of the metrics"},
		{"/api/v1/metrics/time-to-first-deploy", a.apiFirstDeploy, "time to first deploy; of=engineers|services, cohort=month|quarter|half-year|team"},
		{"/api/v1/metrics/deployment-frequency", a.apiFrequency, "deployments per bucket; service, environment, from, to, bucket=day|week|month"},
		{"/api/v1/ledger", a.apiLedger, "what sources said they have against what is stored"},
		{"/api/v1/events/:kind", a.apiEvents, "deployments, pipeline_runs, pipeline_jobs, changes or incidents; the filters of the pages, and page"},
	}
}

// New builds the application. The caller listens and shuts down.
func New(cfg Config, deps Deps) (*fiber.App, error) {
	if cfg.Addr == "" {
		cfg.Addr = DefaultConfig().Addr
	}
	if err := errors.Join(cfg.Validate(), deps.validate()); err != nil {
		return nil, err
	}
	files, err := fs.Sub(embedded, "assets")
	if err != nil {
		return nil, fmt.Errorf("web assets: %w", err)
	}
	return build(cfg, deps, files)
}

// build is New with the assets given, so that a test can leave the chart library out.
func build(cfg Config, deps Deps, files fs.FS) (*fiber.App, error) {
	a := &app{cfg: cfg, deps: deps, figures: newFigures(deps)}
	var err error
	if a.assets, err = loadAssets(files); err != nil {
		return nil, err
	}
	if err := a.loadTemplates(); err != nil {
		return nil, err
	}
	if a.seen, err = a.registerMetrics(); err != nil {
		return nil, err
	}
	server := fiber.New(fiber.Config{
		AppName:               "dxctl",
		DisableStartupMessage: true,
		ErrorHandler:          a.fail,
		Immutable:             true, // values of a request are kept beyond it, in labels and goroutines
		UnescapePath:          true,
		ReadTimeout:           30 * time.Second,
		IdleTimeout:           2 * time.Minute,
		ReadBufferSize:        16 << 10, // request line and headers
		BodyLimit:             bodyLimit(deps),
	})
	server.Use(a.observe, recovering.New(recovering.Config{EnableStackTrace: true, StackTraceHandler: a.panicked}), sameHost(cfg))
	if deps.Receive != nil {
		receive := adaptor.HTTPHandler(deps.Receive)
		server.Post("/api/v1/events", receive)
		server.Post("/api/v1/webhooks/:source", receive)
	}
	server.Use(secure, compress.New(compress.Config{Level: compress.LevelBestSpeed, Next: precompressed}))
	for _, r := range a.routes() {
		server.Get(r.path, r.handle)
	}
	server.Use(func(c *fiber.Ctx) error {
		return fiber.NewError(fiber.StatusNotFound, "there is no page at "+c.Path())
	})
	return server, nil
}

// bodyLimit is how much may be posted, in bytes: what the largest sender of webhooks sends, or next to nothing.
func bodyLimit(deps Deps) int {
	if deps.Receive == nil {
		return 1 << 10
	}
	return 26 << 20
}

func precompressed(c *fiber.Ctx) bool {
	return len(c.Path()) > 8 && c.Path()[:8] == "/assets/"
}

func (a *app) panicked(c *fiber.Ctx, e any) {
	a.deps.Logger.Error("panic while answering", "path", c.Path(), "panic", fmt.Sprint(e))
}
