package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	processmetrics "github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/web/server"
)

// shutdownGrace is how long open requests may take after the process received the signal to stop.
const shutdownGrace = 10 * time.Second

func newServe(s *cli) *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the dashboard, and collect and grade on a schedule",
		Long: `Serve the dashboard, the API and /metrics, and collect and grade on a schedule (collect.interval in dx.yaml,
15m by default). While this process runs, other dxctl commands connect to it and use its data.

The dashboard has no login yet: it listens on the loopback address of this machine unless --addr or server.addr sets
another one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			if addr != "" {
				cfg.Server.Addr = addr
				if err := cfg.Server.Validate(); err != nil {
					return fmt.Errorf("--addr: %w", err)
				}
			}
			p, err := s.open(cmd.Context(), cfg, openOptions{program: "serve", alone: true})
			if err != nil {
				return err
			}
			defer p.close(&err)
			listener, err := p.listen(cmd.Context())
			if err != nil {
				return err
			}
			return p.serve(cmd.Context(), listener, func(url string) {
				fmt.Fprintf(s.err, "dxctl serves %s (Ctrl-C stops it)\n", url)
			})
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "", "`ADDRESS` to listen on (default server.addr, 127.0.0.1:8080)")
	return cmd
}

// listen opens the address of the dashboard. Commands call it before any slow step.
func (p *app) listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", p.cfg.Server.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listening on %s: another process uses this address; stop it, or choose another address "+
			"with --addr", p.cfg.Server.Addr)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w; choose another address with --addr", p.cfg.Server.Addr, err)
	}
	return listener, nil
}

// serve answers requests and refreshes the data until ctx is done, then waits for open requests. It calls ready with
// the URL of the dashboard as soon as it answers. It closes listener.
func (p *app) serve(ctx context.Context, listener net.Listener, ready func(url string)) (err error) {
	defer func() { _ = listener.Close() }() // for errors before the server starts; otherwise, the server closes it
	if err := p.sync(ctx); err != nil {
		return err
	}
	p.report = func(runner.Progress) { p.fresh.Store(true) }
	received, err := p.openReceiving() //nolint:contextcheck // it opens files and waits for nothing else
	if err != nil {
		return err
	}
	if received != nil { // last, because open requests still write to it
		defer func() { err = errors.Join(err, received.inbox.Close()) }()
	}
	app, err := p.webApp(received) //nolint:contextcheck // every request has a context of its own
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served, refreshed, stored := make(chan error, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		served <- app.Listener(listener)
		stop()
	}()
	go func() {
		defer close(refreshed)
		p.refreshRegularly(ctx)
	}()
	go func() { stored <- p.storeReceived(ctx, received) }()
	ready("http://" + listener.Addr().String())
	<-ctx.Done()
	p.log.Info("stopping", "grace", shutdownGrace)
	err = app.ShutdownWithTimeout(shutdownGrace)
	_ = listener.Close() // a server that is shut down before its first accept would accept forever
	err = errors.Join(err, <-served)
	<-refreshed
	return errors.Join(err, <-stored)
}

// storeReceived applies deliveries to the store until ctx is done. Deliveries that have been answered but not applied
// stay in the inbox for the next start.
func (p *app) storeReceived(ctx context.Context, received *receiving) error {
	if received == nil {
		return nil
	}
	err := received.run(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // err is the consequence of the stop
	}
	p.log.Error(
		"webhook worker stopped: deliveries are queued but not applied; fix the cause and restart `dxctl serve`",
		"error",
		err,
	)
	p.health.inbox.Set("worker", fmt.Errorf("webhook worker stopped: %w: deliveries are queued but not applied; fix "+
		"the cause and restart `dxctl serve`", err))
	<-ctx.Done()
	return err
}

func (p *app) webApp(received *receiving) (*fiber.App, error) {
	p.registry.MustRegister(
		processmetrics.NewGoCollector(),
		processmetrics.NewProcessCollector(processmetrics.ProcessCollectorOpts{}),
	)
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dxctl_build_info", Help: "1, labeled with the version " +
		"of this binary."}, []string{"version"})
	build.WithLabelValues(versionString()).Set(1)
	p.registry.MustRegister(build)
	var receive http.Handler // stays nil where nothing is received: a nil *receiving in it would not be nil
	if received != nil {
		receive = received
	}
	sources := make([]string, len(p.cfg.Sources))
	for i, source := range p.cfg.Sources {
		sources[i] = source.Name
	}
	return server.New(p.cfg.Server, server.Deps{
		Checks:      p.checks(),
		Webhooks:    receive,
		Store:       p.store.Reader(),
		DataVersion: p.store.Reader().DataVersion,
		Ping:        func(ctx context.Context) error { _, err := p.store.Info(ctx); return err },
		Metrics:     p.metrics,
		Scorecards:  p.cards,
		Catalog:     p.catalog.Load,
		Logger:      p.log,
		Registerer:  p.registry,
		Gatherer:    p.registry,
		Now:         p.now,
		Version:     versionString(),
		Demo:        p.cfg.Demo,

		Environments: slices.Sorted(maps.Keys(p.cfg.Environments)),
		Sources:      sources,
	})
}

// refreshRegularly keeps the data fresh until ctx is done: each source is collected on its own schedule, and new
// records are graded within a minute. Failures are logged and retried; the dashboard continues with the stored data.
func (p *app) refreshRegularly(ctx context.Context) {
	p.regrade(ctx)
	var collecting sync.WaitGroup
	defer collecting.Wait()
	if len(p.cfg.Sources) > 0 {
		collecting.Go(func() {
			if err := p.keepCollecting(ctx); err != nil && ctx.Err() == nil {
				p.health.collectors.Set("", fmt.Errorf("collecting is stopped: %w; fix the cause and restart `dxctl serve`", err))
				p.log.Error("collecting stopped; fix the cause and restart `dxctl serve`", "error", err)
			}
		})
	}
	tick := time.NewTicker(gradeEvery)
	defer tick.Stop()
	for last := p.now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = p.losses.look(ctx) // logs what is new
			due := p.cfg.Collect.Interval > 0 && p.now().Sub(last) >= p.cfg.Collect.Interval
			if p.fresh.Swap(false) || due { // the files of the catalog may have changed, and facts expire
				last = p.now()
				p.regrade(ctx)
			}
		}
	}
}

// gradeEvery is the longest time that new records wait for a grading.
const gradeEvery = time.Minute

func (p *app) keepCollecting(ctx context.Context) error {
	r, err := p.sourcesRunner()
	if err != nil {
		return err
	}
	return r.Serve(
		ctx,
		runner.Schedule{Interval: p.cfg.Collect.Interval, Ended: func(source string, s runner.Summary, err error) {
			if err == nil { // failures are logged where they occur
				p.log.Info(
					"collected",
					"source",
					source,
					"requests",
					s.Requests[source],
					"took",
					s.Finished.Sub(s.Started).Round(time.Millisecond),
				)
			}
		}},
	)
}

// regrade reads the catalog again and grades every service.
func (p *app) regrade(ctx context.Context) {
	began := p.now()
	err := p.loadCatalog(ctx)
	if err == nil {
		_, err = p.grade(ctx)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.log.Error("grading failed; retrying", "error", err)
	default:
		p.log.Info("graded", "took", p.now().Sub(began).Round(time.Millisecond))
	}
}
