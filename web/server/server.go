// Package server is the dashboard and the JSON API as an HTTP application: routes, caches, health, security. Package
// pages and package api make the answers.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/preview"
	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/web"
	"github.com/dxctl/dxctl/web/actionplan"
	"github.com/dxctl/dxctl/web/answers"
	"github.com/dxctl/dxctl/web/api"
	"github.com/dxctl/dxctl/web/pages"
	"github.com/dxctl/dxctl/web/planning"
	"github.com/dxctl/dxctl/web/route"
	"github.com/gofiber/fiber/v2"
	recovering "github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/prometheus/client_golang/prometheus"
)

// Deps is what the server is made from. Environments, Sources, Checks, Webhooks and Demo may be empty.
type Deps struct {
	Store metrics.Querier             // the public views
	Ping  func(context.Context) error // nil when the store answers
	// DataVersion returns the state of the stored data, for comparison; "" where it cannot be told.
	DataVersion func(context.Context) (string, error)
	Metrics     *metrics.Engine
	Scorecards  *scorecards.Engine
	// GradeHistory returns the grades of an entity whenever they changed; nil: no history is shown.
	GradeHistory report.GradeHistory
	// FactHistory has the facts of past times; nil: nothing is graded as of a past time.
	FactHistory  report.FactHistory
	CountOutcome report.CountOutcome // nil: no history of waivers is shown
	RulesHistory report.RulesHistory // nil: when the rules changed is not shown
	// OutcomeChanges has the history of rules; nil: none is shown.
	OutcomeChanges report.OutcomeChanges
	// RepairedOutcomes has that of what has failed and was found to pass; nil: no time that repairs took is shown.
	RepairedOutcomes report.OutcomeChanges
	Campaigns        func() *campaign.Set // as they were last read; nil: there are none
	// Participation returns who took part in the surveys that are not published; nil: none is shown.
	Participation func(ctx context.Context) ([]report.Participation, error)
	Catalog       func() *catalog.Catalog // the catalog as it is now; never nil
	Logger        *slog.Logger
	Registerer    prometheus.Registerer
	Gatherer      prometheus.Gatherer
	Now           func() time.Time
	Version       string
	Checks        []report.HealthCheck // what can be wrong while the store answers; shown by /readyz and /metrics
	// Environments and Sources are the names in the configuration, for filters by what has no records yet.
	Environments, Sources []string
	Webhooks              http.Handler // receives what sources push; nil: nothing is received
	Plans                 http.Handler // plans edited scorecards; nil: there is no such route
	PlanAnswer            any          // a value of the type that the answers of Plans are encoded from
	WebhookAnswer         any          // a value of the type that the answers of Webhooks are encoded from
	Actions               actions.Set  // what can be planned over HTTP; nil: nothing
	// Fixes returns what is known of the fixes of a service; nil: its page does not link to them.
	Fixes func(ctx context.Context, of preview.Key) preview.Preview
	Demo  bool // every page says that the data are synthetic
}

func (d Deps) validate() error {
	for _, f := range []struct {
		name    string
		missing bool
	}{
		{"Store", d.Store == nil}, {"Ping", d.Ping == nil}, {"DataVersion", d.DataVersion == nil},
		{"Metrics", d.Metrics == nil}, {"Scorecards", d.Scorecards == nil},
		{"Catalog", d.Catalog == nil}, {"Logger", d.Logger == nil}, {"Registerer", d.Registerer == nil},
		{"Gatherer", d.Gatherer == nil}, {"Now", d.Now == nil},
	} {
		if f.missing {
			return fmt.Errorf("server: Deps.%s is required", f.name)
		}
	}
	return nil
}

type app struct {
	deps     Deps
	contents bool // what is in files of repositories is shown
	assets   *assets
	reader   *report.Reader
	pages    *pages.Pages
	api      *api.API
	versions *versions
	results  *resultCache
	answers  *answers.Cache[prepared]
	plans    *answers.Cache[prepared] // of actions
	planner  *actionplan.Planner
	metrics  *requestMetrics
}

// routes is everything that the server answers, in the order in which it is tried.
func (a *app) routes() []route.Route {
	described := slices.Concat(a.webhookRoutes(), a.planRoutes(), a.api.Routes(),
		a.api.ActionRoutes(a.planner), a.api.InsightRoutes())
	return slices.Concat(described, []route.Route{a.api.OpenAPI(described)}, a.plainRoutes(), a.pages.Routes())
}

func (a *app) webhookRoutes() []route.Route {
	if a.deps.Webhooks == nil {
		return nil
	}
	receive := func(path, title string, types ...string) route.Route {
		r := route.Handle(fiber.MethodPost, path, netHandler(a.deps.Webhooks)).Titled(title)
		r.Doc = route.Doc{Body: map[string]any{}, BodyTypes: types, Accepted: true,
			Failures: []int{fiber.StatusUnauthorized}, Answers: []any{a.deps.WebhookAnswer}, Problem: a.deps.WebhookAnswer}
		return r
	}
	withToken := func(r route.Route) route.Route {
		r.Doc.Bearer = true
		return r
	}
	return []route.Route{
		withToken(receive("/api/v1/events", "sends CloudEvents with CDEvents", "application/cloudevents+json",
			"application/cloudevents-batch+json")),
		withToken(receive("/api/v1/facts", "sends facts")),
		receive("/api/v1/webhooks/:source", "sends a delivery of a source; the source documents its body"),
	}
}

func (a *app) planRoutes() []route.Route {
	if a.deps.Plans == nil {
		return nil
	}
	r := route.Handle(fiber.MethodPost, planning.Path, netHandler(a.deps.Plans)).
		Titled("what edited scorecards would change; a token with the scope plan").Answers(a.deps.PlanAnswer)
	r.Doc.Body = planning.Request{}
	r.Doc.Bearer = true
	r.Doc.RetryAfter = true
	r.Doc.Problem = planning.PlanProblem{}
	r.Doc.ProblemType = "application/problem+json"
	r.Doc.Failures = []int{fiber.StatusUnauthorized, fiber.StatusForbidden, fiber.StatusUnprocessableEntity}
	return []route.Route{r}
}

func (a *app) plainRoutes() []route.Route {
	favicon := func(c *fiber.Ctx) error { return c.Redirect(a.assets.url("favicon.svg"), fiber.StatusFound) }
	return []route.Route{
		route.Handle(fiber.MethodGet, "/assets/*", a.assets.serve),
		route.Handle(fiber.MethodGet, "/favicon.ico", favicon),
		route.Handle(fiber.MethodGet, "/healthz", a.healthz),
		route.Handle(fiber.MethodGet, "/readyz", a.readyz),
		route.Handle(fiber.MethodGet, "/metrics", a.metricsHandler()),
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
	files, err := fs.Sub(web.Assets, "assets")
	if err != nil {
		return nil, fmt.Errorf("reading the assets: %w", err)
	}
	return build(cfg, deps, files)
}

// build is New with the assets given, so that a test can leave the chart library out.
func build(cfg Config, deps Deps, files fs.FS) (*fiber.App, error) {
	cacheMetrics, err := answers.NewMetrics(deps.Registerer)
	if err != nil {
		return nil, err
	}
	a := &app{deps: deps, contents: cfg.local(), versions: newVersions(deps), answers: newAnswers(cacheMetrics)}
	a.plans = newPlans(cacheMetrics)
	a.planner = &actionplan.Planner{Set: deps.Actions, Catalog: deps.Catalog, Contents: a.contents}
	a.results = newResultCache(a.versions, cacheMetrics)
	if a.reader, err = report.New(report.Deps{
		Store: deps.Store, Metrics: deps.Metrics, Scorecards: deps.Scorecards, Catalog: deps.Catalog, Now: deps.Now,
		Environments: deps.Environments, Sources: deps.Sources, Checks: deps.Checks, Cache: a.results,
		GradeHistory: deps.GradeHistory, FactHistory: deps.FactHistory, CountOutcome: deps.CountOutcome,
		RulesHistory:   deps.RulesHistory,
		OutcomeChanges: deps.OutcomeChanges, RepairedOutcomes: deps.RepairedOutcomes,
		Campaigns: deps.Campaigns, Participation: deps.Participation,
	}); err != nil {
		return nil, err
	}
	if a.assets, err = loadAssets(files); err != nil {
		return nil, err
	}
	a.pages, err = pages.New(pages.Deps{
		Reader: a.reader, Asset: a.assets.url, Version: deps.Version, Demo: deps.Demo,
		Fixes: deps.Fixes, Contents: a.contents, Planner: a.planner,
	})
	if err != nil {
		return nil, err
	}
	a.api = api.New(a.reader, deps.Version)
	if a.metrics, err = a.registerMetrics(); err != nil {
		return nil, err
	}
	return a.serve(cfg)
}

// serve registers the middleware and the routes.
func (a *app) serve(cfg Config) (*fiber.App, error) {
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
		// Bodies are read by who wants them, see bodies.go.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
	})
	server.Server().HeaderReceived = headerReceived
	recovered := recovering.New(recovering.Config{EnableStackTrace: true, StackTraceHandler: a.panicked})
	server.Use(new(lingering).streamed, a.observe, recovered, sameHost(cfg))
	for _, r := range a.routes() {
		if err := r.Validate(); err != nil {
			return nil, err
		}
		if r.Handler == nil {
			r.Handler = a.answering(r)
		}
		switch {
		case r.Method == fiber.MethodGet:
			server.Get(r.Path, secure, r.Handler) // and HEAD
		case r.Make != nil:
			server.Add(r.Method, r.Path, secureHeaders, r.Handler)
		default:
			server.Add(r.Method, r.Path, r.Handler)
		}
	}
	server.Hooks().OnShutdown(func() error {
		a.answers.Close()
		a.plans.Close()
		a.results.cache.Close()
		return nil
	})
	// Other methods than POST, where only that is offered.
	server.Use(func(c *fiber.Ctx) error {
		if a.deps.Plans == nil || c.Path() != planning.Path {
			return c.Next()
		}
		setSecurityHeaders(c)
		c.Set(fiber.HeaderAllow, fiber.MethodPost)
		return fiber.NewError(fiber.StatusMethodNotAllowed, c.Method()+" is not offered here: send a POST")
	}, secure, func(c *fiber.Ctx) error {
		return fiber.NewError(fiber.StatusNotFound, "there is no page at "+c.Path())
	})
	return server, nil
}

func (a *app) panicked(c *fiber.Ctx, e any) {
	a.deps.Logger.Error("panic while answering", "path", c.Path(), "panic", fmt.Sprint(e))
}
