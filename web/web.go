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
	"slices"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/answers"
	"github.com/gofiber/fiber/v2"
	recovering "github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/prometheus/client_golang/prometheus"
)

// Deps is what the pages are made from. Environments, Sources, Checks, Receive and Demo may be empty.
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
	// Environments and Sources are the names that the configuration knows, for filters by what has no records yet.
	Environments, Sources []string
	Receive               http.Handler // takes what sources push; nil: nothing is received
	Demo                  bool         // says on every page that the data are synthetic
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
	cfg      Config
	deps     Deps
	assets   *assets
	pages    map[string]*template.Template
	versions *versions
	figures  *figures
	answers  *answers.Cache[answer]
	seen     *requestMetrics
}

// route is one address and who answers it: a handler, or a maker of answers that are kept.
type route struct {
	path   string
	handle fiber.Handler
	make   maker
	query  []string // the parameters that make takes
	live   bool     // the answer shows more than records and the catalog, so that it holds for blindFor only
	title  string   // names it in the list of the API
}

// routes is everything that the server answers, in the order in which it is tried.
func (a *app) routes() []route {
	return slices.Concat(a.plainRoutes(), a.pageRoutes(), a.apiRoutes())
}

func (a *app) plainRoutes() []route {
	return []route{
		{path: "/assets/*", handle: a.assets.serve},
		{path: "/favicon.ico", handle: func(c *fiber.Ctx) error { return c.Redirect(a.assets.url("favicon.svg"), fiber.StatusFound) }},
		{path: "/healthz", handle: a.healthz},
		{path: "/readyz", handle: a.readyz},
		{path: "/metrics", handle: a.metricsHandler()},
		{path: "/events", handle: redirectToDeployments},
	}
}

func (a *app) pageRoutes() []route {
	return []route{
		{path: "/", make: a.overview},
		{path: "/services", make: a.services, query: []string{"q", "team", "level", "lifecycle", "sort", "dir", "page"}},
		{path: "/services/:namespace/:name", make: a.service},
		{path: "/time-to-first-deploy", make: a.firstDeploy, query: []string{"of", "cohort", "from", "to", "only"}},
		{path: "/events/:kind.csv", make: a.eventsCSV, query: eventParameters},
		{path: "/events/:kind", make: a.events, query: append([]string{"page"}, eventParameters...)},
		{path: "/definitions", make: a.definitions},
		{path: "/definitions/:id", make: a.definition},
		{path: "/ledger", make: a.ledger, query: []string{"page"}, live: true},
		{path: "/unmapped", make: a.unmapped},
	}
}

func (a *app) apiRoutes() []route {
	return []route{
		{path: "/api/v1", make: a.apiIndex, title: "this list"},
		{path: "/api/v1/services", make: a.apiServices, query: []string{"page"}, title: "every service with its level and numbers; page"},
		{path: "/api/v1/services/:namespace/:name", make: a.apiService, title: "one service with its rules and numbers"},
		{path: "/api/v1/metrics", make: a.apiDefinitions, title: "the definitions of the metrics"},
		{path: "/api/v1/metrics/time-to-first-deploy", make: a.apiFirstDeploy, query: []string{"of", "cohort", "from", "to", "page"},
			title: "time to first deploy; of=engineers|services, cohort=month|quarter|half-year|team, from, to, and page of the subjects"},
		{path: "/api/v1/metrics/deployment-frequency", make: a.apiFrequency, query: []string{"service", "environment", "from", "to", "bucket"},
			title: "deployments per bucket; service, environment, from, to, bucket=day|week|month"},
		{path: "/api/v1/ledger", make: a.apiLedger, query: []string{"page"}, title: "what sources said they have against what is stored; page"},
		{path: "/api/v1/events/:kind", make: a.apiEvents, query: append([]string{"page"}, eventParameters...),
			title: "deployments, pipeline_runs, pipeline_jobs, changes or incidents; the filters of the pages, and page"},
	}
}

// redirectToDeployments keeps the filter.
func redirectToDeployments(c *fiber.Ctx) error {
	to := "/events/deployments"
	if query := c.Context().QueryArgs().QueryString(); len(query) > 0 {
		to += "?" + string(query)
	}
	return c.Redirect(to, fiber.StatusFound)
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
	cacheMetrics, err := answers.NewMetrics(deps.Registerer)
	if err != nil {
		return nil, err
	}
	a := &app{cfg: cfg, deps: deps, versions: newVersions(deps), answers: newAnswers(cacheMetrics)}
	a.figures = newFigures(deps, a.versions, cacheMetrics)
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
		ReadTimeout:           headerTimeout,
		IdleTimeout:           2 * time.Minute,
		ReadBufferSize:        16 << 10, // request line and headers
		Concurrency:           maxConnections,
		// Bodies are read by who wants them, see receive.go.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
	})
	server.Server().HeaderReceived = headerReceived
	server.Use(new(lingering).streamed, a.observe, recovering.New(recovering.Config{EnableStackTrace: true, StackTraceHandler: a.panicked}), sameHost(cfg))
	if deps.Receive != nil {
		receive := netHandler(deps.Receive)
		server.Post("/api/v1/events", receive)
		server.Post("/api/v1/webhooks/:source", receive)
	}
	server.Use(secure)
	for _, r := range a.routes() {
		if r.make != nil {
			r.handle = a.answering(r)
		}
		server.Get(r.path, r.handle)
	}
	server.Hooks().OnShutdown(func() error {
		a.answers.Close()
		a.figures.cache.Close()
		return nil
	})
	server.Use(func(c *fiber.Ctx) error {
		return fiber.NewError(fiber.StatusNotFound, "there is no page at "+c.Path())
	})
	return server, nil
}

func (a *app) panicked(c *fiber.Ctx, e any) {
	a.deps.Logger.Error("panic while answering", "path", c.Path(), "panic", fmt.Sprint(e))
}
