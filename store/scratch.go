package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dxctl/dxctl/migrations"
)

// scratchMark is in the names of databases that a migration is tried in. A random word follows it.
const scratchMark = "__scratch_"

// scratchWord is what rand.Text returns, in lower case. Other databases that have the mark in their names are not ours.
const scratchWord = "[a-z2-7]{26}"

// scratch makes an empty database next to the store's.
func (s *Store) scratch(ctx context.Context) (migrations.Execer, string, func() error, error) {
	name := s.database + scratchMark + strings.ToLower(rand.Text())
	if err := s.db.Exec(ctx, "CREATE DATABASE `"+name+"` ENGINE = Atomic"); err != nil {
		return nil, "", nil, fmt.Errorf("making the database %s: %w", name, err)
	}
	drop := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return s.dropDatabase(ctx, name)
	}
	db, err := s.open(name)
	if err != nil {
		return nil, "", nil, errors.Join(err, drop())
	}
	return db, name, func() error { return errors.Join(db.Close(), drop()) }, nil
}

func (s *Store) dropDatabase(ctx context.Context, name string) error {
	return s.db.Exec(ctx, "DROP DATABASE IF EXISTS `"+name+"` SYNC")
}

// dropStaleScratch drops the scratch databases that a process left which was killed in Migrate. It must be called
// before another process can migrate through this one; on a server, where others may be migrating now, it leaves
// those alone in which a table was made less than age ago, or none yet. One that cannot be dropped is no obstacle.
func (s *Store) dropStaleScratch(ctx context.Context, age time.Duration) error {
	var rows []struct {
		Name string `ch:"name"`
	}
	sql := "SELECT name FROM system.databases WHERE match(name, {pattern:String})"
	if age > 0 {
		sql = `SELECT database AS name FROM system.tables WHERE match(database, {pattern:String})
GROUP BY database HAVING max(metadata_modification_time) <= now() - {age:UInt32}`
	}
	pattern := "^" + regexp.QuoteMeta(s.database+scratchMark) + scratchWord + "$"
	if err := s.Select(ctx, &rows, sql, map[string]any{"pattern": pattern, "age": uint32(age / time.Second)}); err != nil {
		return fmt.Errorf("looking for leftovers in the store at %s: %w", s.address, err)
	}
	for _, r := range rows {
		if err := s.dropDatabase(ctx, r.Name); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.logger.Warn(
				"cannot drop a scratch database that a killed process left; drop it by hand",
				"database",
				r.Name,
				"error",
				err,
			)
			continue
		}
		s.logger.Info("dropped a scratch database that a killed process left", "database", r.Name)
	}
	return nil
}
