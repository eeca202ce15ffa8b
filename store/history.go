package store

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/event"
)

// How many facts or grades are compared with the stored ones at a time, and of how many entities: their refs stand in
// the query. The facts of some thousand services fit.
const (
	compareRows     = 100_000
	compareEntities = 5_000
)

// historyRow is a row of a table of what was observed since when.
type historyRow[H any] interface {
	comparable
	Key() [3]string // what was observed: the values of the table's key columns
	State() H       // what was observed of it: the row without its time; equal states are no change
}

// observedTable stores observations of one kind in two tables: what holds now, and a history that gets a row only where
// something changed.
type observedTable[E event.Event, R rowOf[E], H historyRow[H]] struct {
	table[E, R]
	history    string
	historyRow func(*E) H
	key        [3]string // the columns of H.Key; the first is the entity
	more       prepare[E]
}

// prepare looks up what else the observations show that is not stored yet, and returns what stores it.
type prepare[E event.Event] func(context.Context, *Store, []E) (store func(context.Context) error, err error)

// historyOf makes the two tables of a kind of observations.
func historyOf[E event.Event, R rowOf[E], H historyRow[H]](current table[E, R], history string, row func(*E) H,
	key [3]string, more prepare[E]) observedTable[E, R, H] {
	return observedTable[E, R, H]{table: current, history: history, historyRow: row, key: key, more: more}
}

func (t observedTable[E, R, H]) newBatch(n int) batch { return newEventBatch(n, t.append) }

// append writes what changed to the history, then what holds to the current table and what else they show. The history
// comes first and is what new observations are compared with, so that an end of the process in between neither loses
// nor doubles a change.
func (t observedTable[E, R, H]) append(ctx context.Context, s *Store, events []E) error {
	lock, _ := s.comparing.LoadOrStore(t.history, &sync.Mutex{})
	mu := lock.(*sync.Mutex)
	mu.Lock()
	defer mu.Unlock()
	for len(events) > 0 {
		n := comparedAtOnce(events)
		if err := t.appendSome(ctx, s, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// appendSome is append for as many events as are compared at a time.
func (t observedTable[E, R, H]) appendSome(ctx context.Context, s *Store, events []E) error {
	var changed []E
	var more func(context.Context) error
	looking, lookCtx := errgroup.WithContext(ctx)
	looking.Go(func() (err error) { changed, err = t.changed(lookCtx, s, events); return err })
	looking.Go(func() (err error) { more, err = t.more(lookCtx, s, events); return err })
	if err := looking.Wait(); err != nil {
		return err
	}
	if err := appendRows(ctx, s, t.history, changed, t.historyRow); err != nil {
		return err
	}
	storing, storeCtx := errgroup.WithContext(ctx)
	storing.Go(func() error { return more(storeCtx) })
	storing.Go(func() error { return t.table.append(storeCtx, s, events) })
	return storing.Wait()
}

// comparedAtOnce returns how many of the first rows are compared at a time.
func comparedAtOnce[E event.Event](rows []E) int {
	entities := map[string]bool{}
	last := ""
	for i := range rows[:min(len(rows), compareRows)] {
		if e := rows[i].Identity().Scope; i == 0 || e != last {
			if !entities[e] && len(entities) == compareEntities {
				return i
			}
			entities[e] = true
			last = e
		}
	}
	return min(len(rows), compareRows)
}

// changed returns the events that differ from the last row of the history with the same key.
func (t observedTable[E, R, H]) changed(ctx context.Context, s *Store, events []E) ([]E, error) {
	observed := make([]H, len(events))
	first := map[string]bool{}
	second := map[string]bool{}
	for i := range events {
		observed[i] = t.historyRow(&events[i])
		key := observed[i].Key()
		first[key[0]] = true
		second[key[1]] = true
	}
	columns := t.key[0] + ", " + t.key[1] + ", " + t.key[2]
	from := t.history +
		" WHERE " + t.key[0] + " IN {first:Array(String)} AND " + t.key[1] + " IN {second:Array(String)}" +
		" ORDER BY " + columns + ", seq DESC LIMIT 1 BY " + columns
	stored, err := selectRows[H](ctx, s, from, map[string]any{"first": keys(first), "second": keys(second)})
	if err != nil {
		return nil, fmt.Errorf("comparing %d %s records with the stored ones: %w", len(events), t.kind(), err)
	}
	last := make(map[[3]string]H, len(stored))
	for _, row := range stored {
		last[row.Key()] = row.State()
	}
	var changed []E
	for i, row := range observed {
		key := row.Key()
		state := row.State()
		if before, known := last[key]; !known || before != state {
			changed = append(changed, events[i])
			last[key] = state
		}
	}
	return changed, nil
}

func keys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}
