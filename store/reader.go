package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/dxctl/dxctl/store/guard"
)

// Limits returns the limits of readers' queries.
func (s *Store) Limits() guard.Limits { return s.limits }

// Reader reads from the store within the limits of its configuration.
type Reader struct{ s *Store }

// Reader returns what pages, the API and metrics read through.
func (s *Store) Reader() Reader { return Reader{s} }

// Select is [Store.Select] within the limits. Its errors are those, or a [guard.LimitError].
func (r Reader) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(r.s.limits.Settings()))
	if err := r.s.Select(ctx, dest, sql, params); err != nil {
		return r.s.limits.Explain(err)
	}
	return nil
}

// DataVersion returns the state of the tables that answers are made from, for comparison with an earlier one: writing
// changes it, merging parts does not. It is "" on a cluster, where a server knows only its own part of the data. A user
// without the right to read system.parts gets an error. Checkpoints and the record of migrations are left out.
//
// Inserting gives parts of new block numbers, a mutation gives parts a data version above them, and replacing a table
// gives a new path; merging changes none of these.
func (r Reader) DataVersion(ctx context.Context) (string, error) {
	var rows []struct {
		Data        string `ch:"data"`
		Distributed uint64 `ch:"distributed"`
	}
	const sql = `SELECT toString(groupBitXor(cityHash64(table, directory, partition, block, mutation))) AS data,
    (SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine = 'Distributed') AS distributed
FROM
(
    SELECT table, substring(path, 1, length(path) - length(name) - 1) AS directory, partition_id AS partition,
        max(max_block_number) AS block, maxIf(data_version, data_version > max_block_number) AS mutation
    FROM system.parts
    WHERE active AND database = currentDatabase() AND table NOT IN ('checkpoints', 'schema_migrations')
    GROUP BY table, directory, partition
)`
	if err := r.Select(ctx, &rows, sql, nil); err != nil {
		return "", fmt.Errorf("reading the state of the data: %w", err)
	}
	if len(rows) != 1 || rows[0].Distributed > 0 {
		return "", nil
	}
	return rows[0].Data, nil
}
