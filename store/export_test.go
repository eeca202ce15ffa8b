package store

import (
	"context"
	"time"
)

// Exec runs a statement, for tests that damage a store.
func (s *Store) Exec(ctx context.Context, sql string) error { return s.db.Exec(ctx, sql) }

// Scratch makes a scratch database and returns its name.
func (s *Store) Scratch(ctx context.Context) (string, error) {
	_, name, _, err := s.scratch(ctx)
	return name, err
}

// DropStaleScratch is what opening a store does.
func (s *Store) DropStaleScratch(ctx context.Context, age time.Duration) error {
	return s.dropStaleScratch(ctx, age)
}
