// Command loadtest measures how many requests a second a dashboard answers, and how fast: every address that the
// navigation and the list of services link to, one after another, over a fixed number of connections. It starts the
// demo with bin/dxctl, or asks the dashboard at -url. `make load` runs it; it takes about two minutes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"github.com/dxctl/dxctl/cmd/browser"
)

// What every address must do, with the load generator on the same two cores.
const (
	wantRate = 500
	wantP95  = 50 * time.Millisecond
)

type options struct {
	url         string
	connections int
	requests    int           // for an address, at most
	time        time.Duration // for an address, at most
	gzip        bool
	strict      bool
}

func main() {
	var opt options
	flag.StringVar(&opt.url, "url", "", "`ADDRESS` of a running dashboard, as http://127.0.0.1:8080 (default: the demo "+
		"of bin/dxctl)")
	flag.IntVar(&opt.connections, "connections", 20, "how many requests are under way at a time")
	flag.IntVar(&opt.requests, "requests", 2000, "requests to an address, at most")
	flag.DurationVar(&opt.time, "time", 5*time.Second, "time for an address, at most")
	flag.BoolVar(&opt.gzip, "gzip", false, "ask for compressed answers, as browsers do")
	flag.BoolVar(&opt.strict, "strict", false, "fail when an address answers too few requests or too slowly")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, opt)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, opt options) (err error) {
	if opt.connections < 1 || opt.requests < 1 || opt.time <= 0 {
		return errors.New("-connections, -requests and -time must be positive")
	}
	if opt.url == "" {
		data, err := os.MkdirTemp("", "dxctl-load-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
		address, stop, err := browser.StartDemo(ctx, "bin/dxctl", data)
		if err != nil {
			return err
		}
		defer stop()
		opt.url = address
	}
	l := newLoad(opt)
	addresses, err := l.addresses(ctx)
	if err != nil {
		return err
	}
	herd, err := l.herd(ctx)
	if err != nil {
		return err
	}
	fmt.Println(herd)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "requests/s\tp50 ms\tp95 ms\tmax ms\tfirst ms\tKB\tfailed\t  address")
	slow := 0
	for _, address := range addresses {
		m := l.measure(ctx, address)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(
			w,
			"%.0f\t%.1f\t%.1f\t%.1f\t%.0f\t%d\t%d\t  %s\n",
			m.rate(),
			ms(m.quantile(0.5)),
			ms(m.quantile(0.95)),
			ms(m.quantile(1)),
			ms(m.first),
			m.bytes>>10,
			m.failed,
			address,
		)
		if m.rate() < wantRate || m.quantile(0.95) > wantP95 || m.failed > 0 {
			slow++
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Printf("%d addresses over %d connections; %d below %d requests/s with a p95 of at most %s\n",
		len(addresses), opt.connections, slow, wantRate, wantP95)
	if opt.strict && slow > 0 {
		return errors.New("too slow")
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
