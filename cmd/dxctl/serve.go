package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/web"
)

// shutdownGrace is how long requests under way may take once the process was told to stop.
const shutdownGrace = 10 * time.Second

func newServe(s *session) *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the dashboard, and collect and grade on a schedule",
		Long: `Serve the dashboard, the API and /metrics, and collect and grade on a schedule (collect.interval in dx.yaml,
15m unless it says otherwise). Other dxctl commands use the data through this process while it runs.

The dashboard has no login yet: it listens on this machine's loopback unless --addr or server.addr say otherwise.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
			p, err := s.open(cmd.Context(), cfg, openOptions{program: "serve", share: true})
			if err != nil {
				return err
			}
			return p.serve(cmd.Context(), func(url string) {
				fmt.Fprintf(s.err, "dxctl serves %s (Ctrl-C stops it)\n", url)
			})
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "", "`ADDRESS` to listen on (default server.addr, 127.0.0.1:8080)")
	return cmd
}

// serve answers requests and refreshes the data until ctx ends, then lets requests under way finish and closes the
// store. ready is called with the dashboard's address once it answers.
func (p *platform) serve(ctx context.Context, ready func(url string)) (err error) {
	defer p.close(&err)
	info, err := p.store.Info(ctx)
	if err != nil {
		return err
	}
	if info.Engine == "shared" {
		return fmt.Errorf("another dxctl serves the data in %s already; stop it first, or give this one its own store.dsn", info.Path)
	}
	if err := p.sync(ctx); err != nil {
		return err
	}
	app, err := p.webApp()
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", p.cfg.Server.Addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w; choose another address with --addr", p.cfg.Server.Addr, err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served, refreshed := make(chan error, 1), make(chan struct{})
	go func() {
		served <- app.Listener(listener)
		stop()
	}()
	go func() {
		defer close(refreshed)
		p.refreshRegularly(ctx)
	}()
	ready("http://" + listener.Addr().String())
	<-ctx.Done()
	p.log.Info("stopping", "grace", shutdownGrace)
	err = errors.Join(app.ShutdownWithTimeout(shutdownGrace), <-served)
	<-refreshed
	return err
}

func (p *platform) webApp() (*fiber.App, error) {
	p.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dxctl_build_info", Help: "1, labelled with the version of this binary."}, []string{"version"})
	build.WithLabelValues(versionString()).Set(1)
	p.registry.MustRegister(build)
	return web.New(p.cfg.Server, web.Deps{
		Store:      p.store,
		Ping:       func(ctx context.Context) error { _, err := p.store.Info(ctx); return err },
		Metrics:    p.metrics,
		Scorecards: p.cards,
		Catalog:    p.catalog.Load,
		Logger:     p.log,
		Registerer: p.registry,
		Gatherer:   p.registry,
		Now:        p.now,
		Version:    versionString(),
		Demo:       p.cfg.Demo,
	})
}

// refreshRegularly reads the catalog, collects and grades, at once and then every interval. What fails is logged and
// tried again at the next turn; the dashboard goes on with what is stored.
func (p *platform) refreshRegularly(ctx context.Context) {
	p.refresh(ctx)
	if p.cfg.Collect.Interval == 0 {
		return
	}
	tick := time.NewTicker(p.cfg.Collect.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.refresh(ctx)
		}
	}
}

func (p *platform) refresh(ctx context.Context) {
	step := func(name string, do func() error) {
		began := p.now()
		err := do()
		switch {
		case ctx.Err() != nil:
		case err != nil:
			p.log.Error(name+" failed; it is tried again at the next turn", "error", err, "every", p.cfg.Collect.Interval)
		default:
			p.log.Log(ctx, slog.LevelInfo, name+" done", "took", p.now().Sub(began).Round(time.Millisecond))
		}
	}
	readCatalog := func() error { return p.loadCatalog(ctx) }
	step("reading the catalog", readCatalog)
	if len(p.cfg.Sources) > 0 && ctx.Err() == nil {
		step("collecting", func() error { _, err := p.collect(ctx, collectRequest{}); return err })
		step("reading the catalog", readCatalog) // sources may have told of more
	}
	if ctx.Err() == nil {
		step("grading", func() error { _, err := p.grade(ctx); return err })
	}
}
