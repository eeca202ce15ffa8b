package store

import (
	"context"
	"fmt"
)

// Clear removes every event, observation and checkpoint. The schema and the catalog's tables stay. It is for data that
// can be made again, such as the demo's.
func (s *Store) Clear(ctx context.Context) error {
	var tables []struct {
		Name string `ch:"name"`
	}
	err := s.Select(ctx, &tables, `SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_migrations' AND NOT startsWith(name, {catalog:String})
ORDER BY name`,
		map[string]any{"catalog": catalogPrefix})
	if err != nil {
		return fmt.Errorf("listing the tables of the store at %s: %w", s.address, err)
	}
	return s.manifest.Locked(ctx, func() error {
		if s.manifest.Path() != "" { // first, so that an end in between is no loss
			if err := s.manifest.Write(s.manifest.Empty()); err != nil {
				return err
			}
		}
		for _, t := range tables {
			if err := s.db.Exec(ctx, "TRUNCATE TABLE `"+t.Name+"`"); err != nil {
				return fmt.Errorf("clearing the table %s: %w", t.Name, err)
			}
		}
		return nil
	})
}
