package web

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/answers"
)

// figures keeps the results of the engines, because several pages show the same figure. It never gives a stale one: what
// is allowed to be stale is the whole answer, and a new answer made of old figures would pass for new.
type figures struct {
	deps     Deps
	versions *versions
	cache    *answers.Cache[any]
}

func newFigures(deps Deps, v *versions, m *answers.Metrics) *figures {
	return &figures{deps: deps, versions: v, cache: answers.New[any](answers.Config{
		Name: "figures", MaxEntries: mostFigures, MaxBytes: figureBytes, MaxAge: freshFor, Blind: blindFor,
		Timeout: queryTimeout, ErrorAge: errorAge,
	}, m)}
}

// kept returns the figure that is kept under the key, or computes it once for all who ask.
func kept[T any](ctx context.Context, f *figures, key string, makeIt func(context.Context) (T, error)) (T, error) {
	got, err := f.cache.Get(ctx, answers.Ask[any]{
		Key: key, Version: f.versions.current(ctx),
		Compute: func(ctx context.Context) (any, int64, error) {
			value, err := makeIt(ctx)
			if err != nil {
				return nil, 0, err
			}
			return value, sizeOf(value), nil
		},
	})
	value, _ := got.Value.(T)
	return value, err
}

// sizeOf is about how much memory a figure takes, in bytes: the length of its JSON.
func sizeOf(value any) int64 {
	var n counter
	if err := json.NewEncoder(&n).Encode(value); err != nil {
		return figureBytes // not kept
	}
	return int64(n)
}

type counter int64

// Write counts.
func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
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
	return kept(ctx, f, "reports", func(ctx context.Context) ([]scorecards.Report, error) {
		return f.deps.Scorecards.Reports(ctx, f.deps.Store, f.deps.Catalog())
	})
}
