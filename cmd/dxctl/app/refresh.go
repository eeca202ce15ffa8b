package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/runner"
)

const (
	// gradeAfter is how long a grading waits for further records: those of a page, or of several deliveries, are graded
	// together.
	gradeAfter = time.Second
	// gradeShare bounds the share of time that is spent on grading, while records arrive all the time: after a grading,
	// the next one waits for four times as long, but for gradePause at most, so that a grade is never old.
	gradeShare = 5
	gradePause = 5 * time.Second
	// lossesEvery is how often the store is checked for losses.
	lossesEvery = time.Minute
	// gradeAllEvery is how often every service is graded although no record of it is new: facts expire, and metrics are
	// about the last 30 days.
	gradeAllEvery = time.Hour
)

// refreshRegularly keeps the data fresh until ctx is done: each source is collected on its own schedule, and the
// services of new records are graded within seconds. Failures are logged and retried; the dashboard continues with the
// stored data.
func (a *App) refreshRegularly(ctx context.Context) {
	a.regradeAll(ctx)
	var collecting sync.WaitGroup
	defer collecting.Wait()
	collecting.Go(func() { a.remindRegularly(ctx) }) // after the first grading
	collecting.Go(func() { a.expireRegularly(ctx) })
	if a.collects() {
		collecting.Go(func() {
			if err := a.keepCollecting(ctx); err != nil && ctx.Err() == nil {
				a.health.collectors.Set("", fmt.Errorf("collecting is stopped: %w; fix the cause and restart `dxctl serve`", err))
				a.log.Error("collecting stopped; fix the cause and restart `dxctl serve`", "error", err)
			}
		})
	}
	a.keepGrading(ctx)
}

// keepGrading grades until ctx is done.
func (a *App) keepGrading(ctx context.Context) {
	tick := time.NewTicker(lossesEvery)
	defer tick.Stop()
	gradedAll, readCatalog := a.now(), a.now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.pending.wake:
			began := time.Now()
			if !a.pause(ctx, gradeAfter) {
				return
			}
			if a.regradePending(ctx) {
				gradedAll = a.now()
			}
			if !a.pause(ctx, min((gradeShare-1)*(time.Since(began)-gradeAfter), gradePause)) {
				return
			}
		case <-tick.C:
			_, _ = a.losses.look(ctx) // logs what is new
			if a.cfg.Collect.Interval <= 0 || a.now().Sub(readCatalog) < a.cfg.Collect.Interval {
				continue
			}
			readCatalog = a.now()
			before, waivers := a.catalog.Load(), a.waivers.Load()
			if a.loadCatalog(ctx) != nil { // health reports it
				continue
			}
			if a.now().Sub(gradedAll) >= gradeAllEvery || !a.catalog.Load().Equal(before) ||
				!slices.Equal(a.waivers.Load().All(), waivers.All()) {
				gradedAll = a.now()
				a.regradeAll(ctx)
			}
		}
	}
}

// pause waits; false if ctx is done.
func (a *App) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

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

// regradePending grades the services of the records that were stored since the last time, or every service if the
// catalog has changed. It reports the latter.
func (a *App) regradePending(ctx context.Context) (all bool) {
	services, catalog := a.pending.take()
	if catalog {
		a.regradeAll(ctx)
		return true
	}
	if len(services) == 0 {
		return false
	}
	began := a.now()
	_, err := a.grade(ctx, services)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.pending.putBack(services)
		a.log.Error("grading failed; retrying with the next records", "error", err)
	default:
		a.log.Debug("graded", "services", len(services), "took", a.now().Sub(began).Round(time.Millisecond))
	}
	return false
}

// regradeAll reads the catalog again and grades every service.
func (a *App) regradeAll(ctx context.Context) {
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
