package guard

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Limits bound what one query of a reader may take: dxctl sql, the pages and the API. A query that needs more fails
// with a [LimitError]; it does not slow down or end what writes.
type Limits struct {
	MemoryMiB  int           `yaml:"memory_mib"`  // memory that the engine uses for it
	Time       time.Duration `yaml:"time"`        // from its start, at least a second; counted in whole seconds
	Threads    int           `yaml:"threads"`     // processors that dxctl sql uses; 0: half of those of the machine
	ResultRows int           `yaml:"result_rows"` // rows of its result
	ResultMiB  int           `yaml:"result_mib"`  // size of its result
}

// DefaultLimits are generous for what a person reads, and leave a machine of 4 GB alive.
func DefaultLimits() Limits {
	return Limits{MemoryMiB: 1024, Time: time.Minute, ResultRows: 1_000_000, ResultMiB: 128}
}

// Validate reports limits that would let nothing pass.
func (l Limits) Validate() error {
	for _, v := range []struct {
		name  string
		value int
		least int
	}{
		{"memory_mib", l.MemoryMiB, 16},
		{"threads", l.Threads, 0},
		{"result_rows", l.ResultRows, 1},
		{"result_mib", l.ResultMiB, 1},
	} {
		if v.value < v.least {
			return fmt.Errorf("store.limits.%s: %d is too small; use at least %d", v.name, v.value, v.least)
		}
	}
	if l.Time < time.Second {
		return fmt.Errorf("store.limits.time: %s is too short; use at least 1s", l.Time)
	}
	return nil
}

// Settings returns the limits as settings of ClickHouse.
func (l Limits) Settings() clickhouse.Settings {
	return clickhouse.Settings{
		"max_memory_usage":      l.MemoryMiB << 20,
		"max_execution_time":    int(l.Time / time.Second),
		"timeout_overflow_mode": "throw",
		"max_result_rows":       l.ResultRows,
		"max_result_bytes":      l.ResultMiB << 20,
		"result_overflow_mode":  "throw",
	}
}

// ThreadCount returns how many processors a query of a person may use.
func (l Limits) ThreadCount() int {
	if l.Threads > 0 {
		return l.Threads
	}
	return max(1, runtime.NumCPU()/2)
}

// LimitError says that a query needs more than a reader's query may take.
type LimitError struct {
	Setting string // "store.limits.memory_mib"
	Value   string // "1024 MiB"
	Err     error  // ClickHouse's words
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the query needs more than %s allows (%s): ask for less (a shorter time, fewer columns, a "+
		"LIMIT), or raise %s in dx.yaml and restart dxctl: %v",
		e.Setting, e.Value, e.Setting, e.Err)
}

// Unwrap returns ClickHouse's error.
func (e *LimitError) Unwrap() error { return e.Err }

// CheckSize returns a [LimitError] when a result of so many bytes is larger than a reader's may be.
func (l Limits) CheckSize(size int) error {
	if size <= l.ResultMiB<<20 {
		return nil
	}
	return &LimitError{"store.limits.result_mib", fmt.Sprintf("%d MiB", l.ResultMiB), errors.New("the result is larger")}
}

// Explain returns a [LimitError] for an error of ClickHouse that says that a query exceeded a limit, other errors as
// they are.
func (l Limits) Explain(err error) error {
	var ex *clickhouse.Exception
	if !errors.As(err, &ex) {
		return err
	}
	switch ex.Code {
	case 241:
		return &LimitError{"store.limits.memory_mib", fmt.Sprintf("%d MiB", l.MemoryMiB), err}
	case 159, 160:
		return &LimitError{"store.limits.time", l.Time.String(), err}
	case 396:
		return &LimitError{
			"store.limits.result_rows or store.limits.result_mib",
			fmt.Sprintf("%d rows, %d MiB", l.ResultRows, l.ResultMiB),
			err,
		}
	}
	return err
}
