package web

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
)

// figures keeps the results of the engines for as long as the stored data are the same, because a page is read far more
// often than anything is stored. What is kept is dropped as soon as any part of any table changes, so nothing on a page
// is older than what the store holds; and after keepFor, because results also depend on the present.
type figures struct {
	deps    Deps
	mu      sync.Mutex
	stamp   string
	asked   time.Time // when stamp was read
	results map[string]figure
}

type figure struct {
	value any
	made  time.Time
}

const (
	keepFor = time.Minute
	// stampFor lets the queries of one page share one look at the store.
	stampFor = 100 * time.Millisecond
	mostKept = 500
)

func newFigures(deps Deps) *figures { return &figures{deps: deps, results: map[string]figure{}} }

// current returns a name for the state of all tables. Parts are immutable: their paths change with the data.
func (f *figures) current(ctx context.Context) (string, error) {
	f.mu.Lock()
	if time.Since(f.asked) < stampFor {
		defer f.mu.Unlock()
		return f.stamp, nil
	}
	f.mu.Unlock()
	asked := time.Now()
	var rows []struct {
		Stamp string `ch:"stamp"`
	}
	err := f.deps.Store.Select(ctx, &rows, `SELECT concat(toString(count()), '-', toString(sum(cityHash64(path, modification_time)))) AS stamp
		FROM system.parts WHERE active AND database = currentDatabase()`, nil)
	if err != nil || len(rows) == 0 {
		return "", fmt.Errorf("read the state of the store: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if rows[0].Stamp != f.stamp {
		clear(f.results)
		f.stamp = rows[0].Stamp
	}
	f.asked = asked
	return f.stamp, nil
}

// kept returns the result that is kept under the key, or makes it. A store that does not tell its state (a user without
// the right to system.parts) keeps nothing.
func kept[T any](ctx context.Context, f *figures, key string, makeIt func(context.Context) (T, error)) (T, error) {
	stamp, err := f.current(ctx)
	if err != nil {
		return makeIt(ctx)
	}
	f.mu.Lock()
	found, ok := f.results[key]
	f.mu.Unlock()
	if value, fits := found.value.(T); ok && fits && time.Since(found.made) < keepFor {
		return value, nil
	}
	began := time.Now()
	value, err := makeIt(ctx)
	if err != nil {
		return value, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stamp == stamp { // else the data changed meanwhile, and the result may be of either state
		if len(f.results) >= mostKept {
			clear(f.results)
		}
		f.results[key] = figure{value, began}
	}
	return value, nil
}

// What the pages ask the engines for. The results are shared: nobody may change them.

func (f *figures) firstDeploy(ctx context.Context, of metrics.Subjects, opt metrics.TTFDOptions) (metrics.TTFD, error) {
	return kept(ctx, f, fmt.Sprint("first", of, opt), func(ctx context.Context) (metrics.TTFD, error) {
		return f.deps.Metrics.TimeToFirstDeploy(ctx, of, opt)
	})
}

func (f *figures) frequency(ctx context.Context, q metrics.DeployQuery) (metrics.Series, error) {
	return kept(ctx, f, fmt.Sprint("frequency", q), func(ctx context.Context) (metrics.Series, error) {
		return f.deps.Metrics.DeploymentFrequency(ctx, q)
	})
}

func (f *figures) frequencyBy(ctx context.Context, q metrics.DeployQuery, by metrics.Grouping) ([]metrics.Split, error) {
	return kept(ctx, f, fmt.Sprint("by", by, q), func(ctx context.Context) ([]metrics.Split, error) {
		return f.deps.Metrics.DeploymentsBy(ctx, q, by)
	})
}

func (f *figures) services(ctx context.Context, w metrics.Window) ([]metrics.ServiceNumbers, error) {
	return kept(ctx, f, fmt.Sprint("services", w), func(ctx context.Context) ([]metrics.ServiceNumbers, error) {
		return f.deps.Metrics.Services(ctx, w)
	})
}

func (f *figures) ci(ctx context.Context, service string, w metrics.Window) (metrics.CIWeeks, error) {
	return kept(ctx, f, fmt.Sprint("ci", service, w), func(ctx context.Context) (metrics.CIWeeks, error) {
		return f.deps.Metrics.CISeries(ctx, service, w)
	})
}

func (f *figures) reports(ctx context.Context) ([]scorecards.Report, error) {
	cat := f.deps.Catalog()
	return kept(ctx, f, fmt.Sprintf("reports %p", cat), func(ctx context.Context) ([]scorecards.Report, error) {
		return f.deps.Scorecards.Reports(ctx, f.deps.Store, cat)
	})
}
