package store

import "context"

// Exec runs a statement, for tests that damage a store.
func (s *Store) Exec(ctx context.Context, sql string) error { return s.db.Exec(ctx, sql) }
