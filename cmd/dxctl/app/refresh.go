package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/runner"
)

// refreshRegularly keeps the data fresh until ctx is done: each source is collected on its own schedule, and new
// records are graded within a minute. Failures are logged and retried; the dashboard continues with the stored data.
func (a *App) refreshRegularly(ctx context.Context) {
	a.regrade(ctx)
	var collecting sync.WaitGroup
	defer collecting.Wait()
	if len(a.cfg.Sources) > 0 {
		collecting.Go(func() {
			if err := a.keepCollecting(ctx); err != nil && ctx.Err() == nil {
				a.health.collectors.Set("", fmt.Errorf("collecting is stopped: %w; fix the cause and restart `dxctl serve`", err))
				a.log.Error("collecting stopped; fix the cause and restart `dxctl serve`", "error", err)
			}
		})
	}
	tick := time.NewTicker(gradeEvery)
	defer tick.Stop()
	for last := a.now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = a.losses.look(ctx) // logs what is new
			due := a.cfg.Collect.Interval > 0 && a.now().Sub(last) >= a.cfg.Collect.Interval
			if a.fresh.Swap(false) || due { // the files of the catalog may have changed, and facts expire
				last = a.now()
				a.regrade(ctx)
			}
		}
	}
}

// gradeEvery is the longest time that new records wait for a grading.
const gradeEvery = time.Minute

func (a *App) keepCollecting(ctx context.Context) error {
	r, err := a.sourcesRunner()
	if err != nil {
		return err
	}
	return r.Serve(
		ctx,
		runner.Schedule{Interval: a.cfg.Collect.Interval, Ended: func(source string, s runner.Summary, err error) {
			if err == nil { // failures are logged where they occur
				a.log.Info(
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
func (a *App) regrade(ctx context.Context) {
	began := a.now()
	err := a.loadCatalog(ctx)
	if err == nil {
		_, err = a.Grade(ctx)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.log.Error("grading failed; retrying", "error", err)
	default:
		a.log.Info("graded", "took", a.now().Sub(began).Round(time.Millisecond))
	}
}
