package store

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/migrations"
	"github.com/dxctl/dxctl/store/manifest"
)

// Migrate upgrades the schema to the version that this program knows and returns the migrations that it applied. A
// record of migrations that is lost is made again from the tables; tables and views that are missing are made again,
// empty, and what they held is among the losses that [Store.Losses] returns.
func (s *Store) Migrate(ctx context.Context) ([]migrations.Migration, error) {
	fail := func(err error) error { return fmt.Errorf("migrating the store at %s: %w", s.address, explain(err)) }
	var applied []migrations.Migration
	err := s.manifest.Locked(ctx, func() (err error) { // a migration may put one table in place of another
		applied, err = migrations.Apply(
			ctx,
			s.db,
			migrations.Options{Now: s.now, By: s.program, Database: s.database, Scratch: s.scratch},
		)
		if err != nil {
			return err
		}
		return s.makeMissing(ctx)
	})
	if err != nil {
		return applied, fail(err)
	}
	return applied, nil
}

// makeMissing attaches tables of ours that are detached, and makes those again that are not there.
func (s *Store) makeMissing(ctx context.Context) error {
	missing, detached, err := s.missing(ctx)
	if err != nil {
		return err
	}
	var again []string
	for _, o := range missing {
		if detached[o.Name] {
			if err := s.db.Exec(ctx, "ATTACH TABLE `"+o.Name+"`"); err != nil {
				return fmt.Errorf("attaching the table %s, which was detached: %w", o.Name, err)
			}
			s.logger.Warn("a table was detached and is attached again", "table", o.Name)
			continue
		}
		if err := s.db.Exec(ctx, o.SQL); err != nil {
			return fmt.Errorf("making %s again, which is missing: %w", o.Name, err)
		}
		s.columnTypesOf.Delete(o.Name)
		if o.View {
			s.logger.Warn("a view was missing and is made again", "view", o.Name)
			continue
		}
		s.logger.Warn("a table was missing and is made again, empty", "table", o.Name, "remedy", remedy(o.Name))
		if tracked(o.Name) {
			again = append(again, o.Name)
		}
	}
	return s.noteMissing(again)
}

// noteMissing notes as lost the tables that had to be made again and whose parts the manifest does not name.
func (s *Store) noteMissing(tables []string) error {
	if len(tables) == 0 || s.manifest.Path() == "" {
		return nil
	}
	m, err := s.manifest.Read()
	if err != nil {
		return err
	}
	for _, table := range tables {
		if _, known := m.Tables[table]; !known {
			m.Lost = append(m.Lost, manifest.LostPart{Table: table, Noticed: s.now().UTC()})
		}
	}
	return s.manifest.Write(m)
}

// missing returns the tables and views of the latest version that the database lacks, and which of them are detached.
func (s *Store) missing(ctx context.Context) ([]migrations.Object, map[string]bool, error) {
	var there []struct {
		Name     string `ch:"name"`
		Detached bool   `ch:"detached"`
	}
	err := s.Select(ctx, &there, `SELECT name, false AS detached FROM system.tables WHERE database = currentDatabase()
UNION ALL SELECT table AS name, true AS detached FROM system.detached_tables WHERE database = currentDatabase()`, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("listing the tables: %w", err)
	}
	names, detached := map[string]bool{}, map[string]bool{}
	for _, t := range there {
		if t.Detached {
			detached[t.Name] = true
		} else {
			names[t.Name] = true
		}
	}
	var missing []migrations.Object
	for _, o := range migrations.Objects() {
		if !names[o.Name] {
			missing = append(missing, o)
		}
	}
	return missing, detached, nil
}
