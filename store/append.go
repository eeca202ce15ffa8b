package store

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/event"
)

// blockRows is how many rows are written in one block. Larger ones save little and need much memory.
const blockRows = 50_000

// invalidShown is how many invalid events an error of Append names.
const invalidShown = 5

// Append stores events. It validates all of them first and stores none if one is invalid. When it returns nil all are
// durable; when it fails, some kinds may be stored, and appending the same events
// again is safe: the later observation of an event replaces the earlier one. Of the same event twice among events the
// later one wins.
//
// Texts that are no part of an identity are cut as [event.Normalize] does.
//
// Facts and grades replace what holds now, and add to the history only where they differ from it.
func (s *Store) Append(ctx context.Context, events ...event.Event) error {
	batches, err := batchesOf(events)
	if err != nil {
		return err
	}
	ledger := batches[event.KindLedger]
	delete(batches, event.KindLedger)
	writing, writeCtx := errgroup.WithContext(ctx)
	for _, b := range batches {
		writing.Go(func() error { return b.write(writeCtx, s) })
	}
	if err := writing.Wait(); err != nil || ledger == nil {
		return err
	}
	return ledger.write(ctx, s) // last: an entry claims that what it counts is stored
}

// batchesOf returns the events, normalized, by kind and in their order. Its error names the first that cannot be
// stored.
func batchesOf(events []event.Event) (map[event.Kind]batch, error) {
	counts := map[event.Kind]int{}
	for _, e := range events {
		counts[e.Kind()]++
	}
	batches := make(map[event.Kind]batch, len(counts))
	for kind, n := range counts {
		t, err := tableOfKind(kind)
		if err != nil {
			return nil, err
		}
		batches[kind] = t.newBatch(n)
	}
	var errs []error
	for _, e := range events {
		e = event.Normalize(e)
		if err := e.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		batches[e.Kind()].add(e)
	}
	if n := len(errs); n > 0 {
		if n > invalidShown {
			errs = append(errs[:invalidShown], fmt.Errorf("and %d more", n-invalidShown))
		}
		return nil, fmt.Errorf("%d of %d events cannot be stored: %w", n, len(events), errors.Join(errs...))
	}
	return batches, nil
}
