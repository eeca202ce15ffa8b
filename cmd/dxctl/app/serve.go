package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	processmetrics "github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/preview"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/scorecards/plan"
	"github.com/dxctl/dxctl/web/server"
)

// shutdownGrace is how long open requests may take after the process received the signal to stop.
const shutdownGrace = 10 * time.Second

// Listen opens the address of the dashboard. Commands call it before any slow step, because another process may use it.
func (a *App) Listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", a.cfg.Server.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listening on %s: another process uses this address; stop it, or choose another address "+
			"with --addr", a.cfg.Server.Addr)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w; choose another address with --addr", a.cfg.Server.Addr, err)
	}
	return listener, nil
}

// Serve answers requests and refreshes the data until ctx is done, then waits for open requests. It calls ready with
// the URL of the dashboard as soon as it answers. It closes listener.
func (a *App) Serve(ctx context.Context, listener net.Listener, ready func(url string)) (err error) {
	defer func() { _ = listener.Close() }() // for errors before the server starts; otherwise, the server closes it
	if err := a.Sync(ctx); err != nil {
		return err
	}
	received, err := a.openReceiving() //nolint:contextcheck // it opens files and waits for nothing else
	if err != nil {
		return err
	}
	if received != nil { // last, because open requests still write to it
		defer func() { err = errors.Join(err, received.inbox.Close()) }()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	plans, err := a.openPlanning(ctx)
	if err != nil {
		return err
	}
	action, previews, err := a.openFixes()
	if err != nil {
		return err
	}
	defer previews.Close()
	planned, err := a.Actions(action)
	if err != nil {
		return err
	}
	//nolint:contextcheck // every request has a context of its own
	dashboard, err := a.dashboard(received, plans, planned, previews)
	if err != nil {
		return err
	}
	served, refreshed, stored := make(chan error, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		served <- dashboard.Listener(listener)
		stop()
	}()
	go func() {
		defer close(refreshed)
		a.refreshRegularly(ctx)
	}()
	go func() { stored <- a.storeReceived(ctx, received) }()
	ready("http://" + listener.Addr().String())
	<-ctx.Done()
	a.log.Info("stopping", "grace", shutdownGrace)
	err = dashboard.ShutdownWithTimeout(shutdownGrace)
	_ = listener.Close() // a server that is shut down before its first accept would accept forever
	err = errors.Join(err, <-served)
	<-refreshed
	return errors.Join(err, <-stored)
}

// storeReceived applies deliveries to the store until ctx is done. Deliveries that have been answered but not applied
// stay in the inbox for the next start.
func (a *App) storeReceived(ctx context.Context, received *receiving) error {
	if received == nil {
		return nil
	}
	err := received.run(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // err is the consequence of the stop
	}
	a.log.Error(
		"webhook worker stopped: deliveries are queued but not applied; fix the cause and restart `dxctl serve`",
		"error",
		err,
	)
	a.health.inbox.Set("worker", fmt.Errorf("webhook worker stopped: %w: deliveries are queued but not applied; fix "+
		"the cause and restart `dxctl serve`", err))
	<-ctx.Done()
	return err
}

// dashboard creates the web server.
func (a *App) dashboard(received *receiving, plans http.Handler, planned actions.Set, previews *preview.Previews,
) (*fiber.App, error) {
	a.registry.MustRegister(
		processmetrics.NewGoCollector(),
		processmetrics.NewProcessCollector(processmetrics.ProcessCollectorOpts{}),
	)
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dxctl_build_info", Help: "1, labeled with the version " +
		"of this binary."}, []string{"version"})
	build.WithLabelValues(a.opt.Version).Set(1)
	a.registry.MustRegister(build)
	var receive http.Handler // stays nil where nothing is received: a nil *receiving in it would not be nil
	if received != nil {
		receive = received
	}
	sources := make([]string, len(a.cfg.Sources))
	for i, source := range a.cfg.Sources {
		sources[i] = source.Name
	}
	return server.New(a.cfg.Server, server.Deps{
		Checks:   a.checks(received),
		Webhooks: receive, WebhookAnswer: webhook.Answer{},
		Plans:        plans,
		PlanAnswer:   plan.Plan{},
		Actions:      planned,
		Fixes:        previews.Of,
		Store:        a.Store.Reader(),
		DataVersion:  a.Store.Reader().DataVersion,
		Ping:         func(ctx context.Context) error { _, err := a.Store.Info(ctx); return err },
		Metrics:      a.metrics,
		Scorecards:   a.cards,
		GradeHistory: a.Store.GradeHistory,
		FactHistory:  a.Store,
		CountOutcome: a.Store.CountOutcome,
		RulesHistory: a.Store.RulesHistory,
		Catalog:      a.catalog.Load,
		Logger:       a.log,
		Registerer:   a.registry,
		Gatherer:     a.registry,
		Now:          a.now,
		Version:      a.opt.Version,
		Demo:         a.cfg.Demo,

		OutcomeChanges:   a.Store.OutcomeChanges,
		RepairedOutcomes: a.Store.RepairedOutcomes,
		Campaigns:        a.campaigns.Load,
		Participation:    a.participation,

		Environments: slices.Sorted(maps.Keys(a.cfg.Environments)),
		Sources:      sources,
	})
}
