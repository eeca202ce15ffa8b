package store

import (
	"context"
	"fmt"
	"sync"
)

// sequence hands out the seq of rows: of two observations of one event the higher seq wins. It follows the clock in
// nanoseconds, so that observations of several processes order by time, and never goes back: not within a process, and
// not below what the table holds, whatever the clock does between two runs.
type sequence struct {
	mu   sync.Mutex
	last uint64
	seen map[string]bool // tables whose highest seq is taken into account
}

// acquireSeq returns the first of n consecutive numbers for rows of table.
func (s *Store) acquireSeq(ctx context.Context, table string, n int) (uint64, error) {
	s.seq.mu.Lock()
	defer s.seq.mu.Unlock()
	if !s.seq.seen[table] {
		var rows []struct {
			Highest uint64 `ch:"highest"`
		}
		if err := s.Select(ctx, &rows, "SELECT max(seq) AS highest FROM "+table, nil); err != nil {
			return 0, fmt.Errorf("looking for the last row of %s: %w", table, err)
		}
		if s.seq.seen == nil {
			s.seq.seen = map[string]bool{}
		}
		s.seq.seen[table] = true
		if len(rows) > 0 {
			s.seq.last = max(s.seq.last, rows[0].Highest)
		}
	}
	first := max(uint64(max(0, s.now().UnixNano())), s.seq.last+1)
	s.seq.last = first + uint64(n) - 1
	return first, nil
}
