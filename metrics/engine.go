// Package metrics turns stored events into numbers. A metric is a directory: its definition (metric.yaml), its query
// over the public views (query.sql) and cases with rows in and numbers out (testdata). The engine runs them, the same
// for the web, the API and the command line.
//
// Every result carries its definition and its completeness: the ledger of the sources that it rests on. A number that
// cannot be known is a nil pointer, never zero.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"
)

// The environments that the metrics ask for. What a source calls its environments is mapped to these names by the
// configuration's `environments`.
const (
	Production = "production"
	Staging    = "staging"
)

// Querier runs one query: sql takes its values from params as {name:Type}, and the rows go to dest, a pointer to a
// slice of structs with `ch:"column"` tags.
type Querier interface {
	Select(ctx context.Context, dest any, sql string, params map[string]any) error
}

// Engine computes metrics. It may be used by several goroutines. Only an engine of Remembering keeps state.
type Engine struct {
	q           Querier
	now         func() time.Time
	definitions map[string]Definition
	withoutBots bool
	shared      *answers // nil: nothing is remembered
}

// answers are those of the queries that several metrics share, by query and parameters.
type answers struct {
	mu   sync.Mutex
	rows map[string]reflect.Value // slices
}

// New returns an engine that reads through q and takes the present from now.
func New(q Querier, now func() time.Time) (*Engine, error) {
	if q == nil || now == nil {
		return nil, errors.New("metrics: a querier and a clock are required")
	}
	all, err := embedded()
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	e := &Engine{q: q, now: now, definitions: make(map[string]Definition, len(all))}
	for _, d := range all {
		e.definitions[d.ID] = d
	}
	return e, nil
}

// WithoutBots returns the engine with what bot accounts did left out of every metric: deployments that they started,
// runs that they set off. Metrics about people leave them out always.
func (e *Engine) WithoutBots() *Engine {
	without := *e
	without.withoutBots = true
	return &without
}

// Reading returns the engine with another querier.
func (e *Engine) Reading(q Querier) *Engine {
	reading := *e
	reading.q = q
	return &reading
}

// Remembering returns an engine that asks the queries that its metrics share, such as when the history of a kind of
// event begins, only once. It is for numbers that are computed together.
func (e *Engine) Remembering() *Engine {
	remembering := *e
	remembering.shared = &answers{rows: map[string]reflect.Value{}}
	return &remembering
}

// definition returns the definition of a metric of this package.
func (e *Engine) definition(id string) (Definition, error) {
	d, ok := e.definitions[id]
	if !ok {
		return Definition{}, fmt.Errorf("metrics: no metric is called %q", id)
	}
	return d, nil
}

// query runs the query of a metric. params is not nil.
func (e *Engine) query(ctx context.Context, id string, dest any, params map[string]any) (Definition, error) {
	d, err := e.definition(id)
	if err != nil {
		return d, err
	}
	params = maps.Clone(params)
	params["without_bots"] = e.withoutBots
	if e.withoutBots {
		d.Formula += " What bot accounts did is left out (people.exclude_bots)."
	}
	if err := e.q.Select(ctx, dest, d.SQL, params); err != nil {
		return d, fmt.Errorf("metric %s: %w", id, err)
	}
	return d, nil
}

// queryFile runs one of the queries that several metrics share. The rows must not be changed.
func (e *Engine) queryFile(ctx context.Context, name string, dest any, params map[string]any) error {
	if e.shared == nil {
		return e.readFile(ctx, name, dest, params)
	}
	into := reflect.ValueOf(dest).Elem()
	key := fmt.Sprint(name, into.Type(), params) // maps are printed in the order of their keys
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	if rows, ok := e.shared.rows[key]; ok {
		into.Set(rows)
		return nil
	}
	if err := e.readFile(ctx, name, dest, params); err != nil {
		return err
	}
	e.shared.rows[key] = reflect.ValueOf(into.Interface())
	return nil
}

func (e *Engine) readFile(ctx context.Context, name string, dest any, params map[string]any) error {
	sql, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	if err := e.q.Select(ctx, dest, string(sql), params); err != nil {
		return fmt.Errorf("metrics: %s: %w", name, err)
	}
	return nil
}
