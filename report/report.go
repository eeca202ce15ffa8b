// Package report answers what a page, the API and the command line ask, once for all three: services, completeness, the
// overview, the ledger, unmapped records. Its documents are the JSON of the API and of `dxctl -o json`.
//
// Numbers come from the metrics and scorecards engines and from the public views only. Package words puts them into
// words, package records lists the records behind them.
package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report/records"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// Deps is what a Reader reads from. Environments, Sources, Checks and Cache may be empty.
type Deps struct {
	Store      metrics.Querier // the public views
	Metrics    *metrics.Engine
	Scorecards *scorecards.Engine
	Catalog    func() *catalog.Catalog // the catalog as it is now; never nil
	Now        func() time.Time
	// Environments and Sources are the names in the configuration, for filters by what has no records yet.
	Environments []string
	Sources      []string
	Checks       []HealthCheck // what can be wrong while the store answers
	GradeHistory GradeHistory  // nil: no history is shown
	FactHistory  FactHistory   // nil: nothing is graded as of a past time
	CountOutcome CountOutcome  // nil: no history of waivers is shown
	RulesHistory RulesHistory  // nil: when the rules changed is not shown
	// OutcomeChanges has the history of rules; nil: none is shown.
	OutcomeChanges OutcomeChanges
	// RepairedOutcomes has that of what has failed and was found to pass; nil: no time that repairs took is shown.
	RepairedOutcomes OutcomeChanges
	Campaigns        func() *campaign.Set // as they were last read; nil: there are none
	// Participation returns who took part in the surveys that are not published; nil: none is shown.
	Participation func(ctx context.Context) ([]Participation, error)
	Cache         Cache // nil: every question is computed
}

// Cache keeps the results of the engines for as long as they are exact.
type Cache interface {
	// Get returns the value cached under the key. It computes a missing one once for all who ask at the same time; the
	// context of compute ends when all of them have left.
	Get(ctx context.Context, key string, compute func(context.Context) (any, error)) (any, error)
}

// Audience is who sees the same data: what a viewer may see, not who the viewer is. Whatever is cached is cached by it.
type Audience string

// Everyone sees all data. There is no sign-in yet, so it is the only audience.
const Everyone Audience = "everyone"

// A NotFoundError says that what was asked for by name does not exist, and names what is close to it.
type NotFoundError struct{ Message string }

// Error returns the message.
func (e *NotFoundError) Error() string { return e.Message }

func notFound(format string, args ...any) error { return &NotFoundError{fmt.Sprintf(format, args...)} }

// Reader answers questions. It may be used by several goroutines. What it returns is shared and must not be changed.
type Reader struct {
	deps     Deps
	audience Audience

	// Of a reader of a past time, as Then makes it.
	then       time.Time // zero: the present
	pastGrades []scorecards.Report
}

// New returns a reader for everyone.
func New(deps Deps) (*Reader, error) {
	for _, f := range []struct {
		name    string
		missing bool
	}{
		{"Store", deps.Store == nil}, {"Metrics", deps.Metrics == nil}, {"Scorecards", deps.Scorecards == nil},
		{"Catalog", deps.Catalog == nil}, {"Now", deps.Now == nil},
	} {
		if f.missing {
			return nil, errors.New("report: Deps." + f.name + " is required")
		}
	}
	return &Reader{deps: deps, audience: Everyone}, nil
}

// Catalog returns the catalog as it is now.
func (r *Reader) Catalog() *catalog.Catalog { return r.deps.Catalog() }

// Now returns the present.
func (r *Reader) Now() time.Time { return r.deps.Now() }

// cached returns the value cached under the key, or computes it.
func cached[T any](ctx context.Context, r *Reader, key string, compute func(context.Context) (T, error)) (T, error) {
	if r.deps.Cache == nil {
		return compute(ctx)
	}
	got, err := r.deps.Cache.Get(ctx, string(r.audience)+" "+key, func(ctx context.Context) (any, error) {
		return compute(ctx)
	})
	value, _ := got.(T)
	return value, err
}

// Records returns the records of the kind that fit, in the order.
func (r *Reader) Records(
	ctx context.Context, k records.Kind, f records.Filter, o sorting.Order, limit, offset int,
) ([]records.Record, error) {
	return records.List(ctx, r.deps.Store, k, f, o, limit, offset)
}

// Rows is Records in the shape that lists show.
func (r *Reader) Rows(
	ctx context.Context, k records.Kind, f records.Filter, o sorting.Order, limit, offset int,
) ([]records.Row, error) {
	list, err := r.Records(ctx, k, f, o, limit, offset)
	rows := make([]records.Row, len(list))
	for i, record := range list {
		rows[i] = record.Row()
	}
	return rows, err
}

// CountRecords counts the records of the kind that fit.
func (r *Reader) CountRecords(ctx context.Context, k records.Kind, f records.Filter) (records.Counts, error) {
	return records.Count(ctx, r.deps.Store, k, f)
}

// Recorded reports whether any record of the kind has the value in the field that the filter of this name compares.
func (r *Reader) Recorded(ctx context.Context, k records.Kind, name, value string) (bool, error) {
	return cached(ctx, r, fmt.Sprintf("recorded %s %s %q", k.Name, name, value), func(ctx context.Context) (bool, error) {
		return records.Recorded(ctx, r.deps.Store, k, name, value)
	})
}

// list makes an empty list of nil, so that readers of JSON need not tell null from [].
func list[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}

// Part returns a page of the rows, counted from 1.
func Part[T any](rows []T, page, size int) []T {
	from := min((page-1)*size, len(rows))
	return rows[from:min(from+size, len(rows))]
}
