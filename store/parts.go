package store

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Damage is a part that is in use and cannot be read.
type Damage struct {
	Table, Part string
	Reason      string // ClickHouse's words
}

// String says what is damaged, and what to do.
func (d Damage) String() string {
	return fmt.Sprintf("the part %s of the table %s is damaged (%s): run \"dxctl doctor --accept-losses\" to set it "+
		"aside, and %s", d.Part, d.Table, d.Reason, remedy(d.Table))
}

// Damaged reads every part of every table of ours and returns those whose checksums do not fit. It takes as long as
// reading all data from disk.
func (s *Store) Damaged(ctx context.Context) ([]Damage, error) {
	var tables []struct {
		Name string `ch:"name"`
	}
	err := s.Select(ctx, &tables, "SELECT name FROM system.tables WHERE database = currentDatabase() AND "+
		"endsWith(engine, 'MergeTree') ORDER BY name", nil)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	var damaged []Damage
	for _, t := range tables {
		var rows []struct {
			Part    string `ch:"part_path"`
			Passed  bool   `ch:"is_passed"`
			Message string `ch:"message"`
		}
		if err := s.Select(
			ctx,
			&rows,
			"CHECK TABLE `"+t.Name+"` SETTINGS check_query_single_value_result = 0",
			nil,
		); err != nil {
			return damaged, fmt.Errorf("checking the table %s: %w", t.Name, err)
		}
		for _, r := range rows {
			if !r.Passed {
				damaged = append(damaged, Damage{t.Name, path.Base(r.Part), r.Message})
			}
		}
	}
	return damaged, nil
}

// setAside takes damaged parts out of use; their files stay below detached/.
func (s *Store) setAside(ctx context.Context) error {
	damaged, err := s.Damaged(ctx)
	if err != nil {
		return err
	}
	for _, d := range damaged {
		if err := s.db.Exec(ctx, "ALTER TABLE `"+d.Table+"` DETACH PART '"+d.Part+"'"); err != nil {
			return fmt.Errorf("setting aside the part %s of the table %s: %w", d.Part, d.Table, err)
		}
	}
	return nil
}

// unreadable are ClickHouse's codes for files of a part that are damaged or gone.
var unreadable = []int32{33, 40, 76, 79, 107, 228, 246, 271, 432}

// explain adds to an error of ClickHouse what it does not say: that a part is damaged, and what to do.
func explain(err error) error {
	var ex *clickhouse.Exception
	if errors.As(err, &ex) && slices.Contains(unreadable, ex.Code) {
		return fmt.Errorf("a part of a table is damaged (\"dxctl doctor\" names it, \"dxctl doctor --accept-losses\" sets "+
			"it aside): %w", err)
	}
	return err
}
