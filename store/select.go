package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/dxctl/dxctl/store/guard"
)

// Select runs a query and reads all its rows into dest, a pointer to a slice of structs whose fields have `ch` tags
// with the names of the columns. Values are given by name, never written into the SQL: {service:String} takes
// params["service"]. A parameter is a string, an integer, a float, a bool, a time (kept to the millisecond, for
// DateTime64(3)) or a []string. A column that can be NULL needs a pointer.
func (s *Store) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args, err := named(params)
	if err != nil {
		return err
	}
	if err := s.db.Select(ctx, dest, sql, args...); err != nil {
		return fmt.Errorf("reading from the store: %w", explain(err))
	}
	return nil
}

// Rows runs one query of a person and returns its rows as they come; the caller closes them, which ends the query. It
// cannot change anything: ClickHouse refuses every statement but SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS and CHECK, and
// a [guard.ForbiddenError] refuses what reads anything but the store. A query that needs more than the limits allow
// fails with a [guard.LimitError], here or while its rows are read. Parameters are those of Select.
func (s *Store) Rows(ctx context.Context, sql string, params map[string]any) (driver.Rows, error) {
	args, err := named(params)
	if err != nil {
		return nil, err
	}
	if err := s.guard.Admit(ctx, sql, args); err != nil {
		return nil, fmt.Errorf("reading from the store: %w", explain(s.limits.Explain(err)))
	}
	settings := s.limits.Settings()
	settings["readonly"] = 1
	settings["max_threads"] = s.limits.ThreadCount()
	ctx, cancel := context.WithCancel(ctx)
	rows, err := s.db.Query(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), sql, args...)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("reading from the store: %w", explain(s.limits.Explain(err)))
	}
	return &cancelRows{Rows: rows, cancel: cancel, limits: s.limits}, nil
}

// cancelRows ends its query when it is closed; the driver's own Close would read all that is left first.
type cancelRows struct {
	driver.Rows
	cancel context.CancelFunc
	limits guard.Limits
	closed bool
	err    error
}

// Close ends the query.
func (r *cancelRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed, r.err = true, explain(r.limits.Explain(r.Rows.Err()))
	r.cancel()
	_ = r.Rows.Close() // says that the query was cancelled, which is what was asked for
	return nil
}

// Err returns what ended the rows early, nil when the last was read or the caller closed them.
func (r *cancelRows) Err() error {
	if r.closed {
		return r.err
	}
	return explain(r.limits.Explain(r.Rows.Err()))
}

// The range of DateTime64(3), from the first time to before the end.
var (
	firstTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	endOfTime = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)
)

// named turns parameters into the driver's.
func named(params map[string]any) ([]any, error) {
	args := make([]any, 0, len(params))
	for name, value := range params {
		switch v := value.(type) {
		case string, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		case time.Time:
			if v.Before(firstTime) || !v.Before(endOfTime) {
				return nil, fmt.Errorf("reading from the store: parameter %s is %s; times from %d to %d are possible",
					name, v.UTC().Format(time.RFC3339), firstTime.Year(), endOfTime.Year()-1)
			}
			// As text: the driver would send seconds, and the server takes a number of few digits for a year.
			value = v.UTC().Format("2006-01-02 15:04:05.000")
		case []string:
			if v == nil {
				value = []string{}
			}
		default:
			return nil, fmt.Errorf("reading from the store: parameter %s is a %T; it can be a string, number, bool, time or "+
				"[]string", name, value)
		}
		args = append(args, clickhouse.Named(name, value))
	}
	return args, nil
}
