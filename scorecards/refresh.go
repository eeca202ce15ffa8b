package scorecards

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// Store reads and appends.
type Store interface {
	metrics.Querier
	Append(ctx context.Context, events ...event.Event) error
	// FirstFacts returns when a fact of a source was first stored, by entity.
	FirstFacts(ctx context.Context, source, fact string) (map[string]time.Time, error)
}

// refreshServices is how many entities are graded and stored at a time. What is held in memory is theirs, and the store
// is asked a few times for all of them.
const refreshServices = 2_000

// Refresh gathers the facts of entities from the catalog, the metrics and the store, grades by them, and appends the
// facts and the grades. only are the refs of the entities to grade; nil: every one that a scorecard takes. The catalog
// must have been synced, because the store shows only what the catalog describes.
//
// Entities are stored in the order of their refs, some thousand at a time; after an error those before it are stored.
func (e *Engine) Refresh(
	ctx context.Context,
	store Store,
	cat *catalog.Catalog,
	eng *metrics.Engine,
	only []string,
) ([]Report, error) {
	entities := e.taken(cat, only)
	if len(entities) == 0 {
		return nil, nil
	}
	now := e.now()
	memory := e.memory.For(cat)
	asked, err := facts.Of(ctx, store, only, memory)
	if err != nil {
		return nil, err
	}
	var seen *firstSeen
	if only == nil { // it does not change later, and takes a look at the whole history
		since, err := store.FirstFacts(ctx, catalog.FactSource, seenBy)
		if err != nil {
			return nil, err
		}
		seen = newFirstSeen(since, entities, now)
	}
	var computed facts.Computed
	fresh := func(entity descriptor.Entity) []event.Fact {
		all := append(cat.ServiceFacts(entity, now), computed.Of(entity.Ref)...)
		if seen != nil {
			all = append(all, seen.fact(entity))
		}
		return all
	}
	var known facts.Stored
	names := fresh(entities[0]) // has the names of what is observed; nothing is computed yet
	reading, readCtx := errgroup.WithContext(ctx)
	reading.Go(func() (err error) { known, err = facts.Read(readCtx, asked, names); return err })
	reading.Go(func() (err error) {
		computed, err = facts.Compute(readCtx, asked, eng, now, memory)
		return err
	})
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	reports := make([]Report, 0, len(entities)*len(e.cards))
	storing, storeCtx := errgroup.WithContext(ctx)
	storing.SetLimit(1) // the next entities are graded meanwhile
	for some := range slices.Chunk(entities, refreshServices) {
		if storeCtx.Err() != nil {
			break
		}
		events := make([]event.Event, 0, 100*len(some)) // about as many facts and grades as an entity has
		observed := make([][]event.Fact, len(some))
		for i := range some {
			observed[i] = fresh(some[i])
			for _, f := range observed[i] {
				events = append(events, f)
			}
		}
		graded := e.gradeAll(some, func(i int) map[string]event.Fact { return known.Take(some[i].Ref, observed[i]) })
		for i := range graded {
			for _, g := range graded[i].Grades(now) {
				events = append(events, g)
			}
		}
		reports = append(reports, graded...)
		storing.Go(func() error { return store.Append(storeCtx, events...) })
	}
	if err := errors.Join(storing.Wait(), ctx.Err()); err != nil {
		return nil, fmt.Errorf("storing the grades: %w", err)
	}
	return reports, nil
}

// Reports grades every entity that a scorecard takes by the stored facts, without writing anything. The facts of the
// catalog are computed anew.
func (e *Engine) Reports(ctx context.Context, store metrics.Querier, cat *catalog.Catalog) ([]Report, error) {
	entities := e.taken(cat, nil)
	if len(entities) == 0 {
		return nil, nil
	}
	now := e.now()
	known, err := facts.Read(ctx, facts.All(store), cat.ServiceFacts(entities[0], now))
	if err != nil {
		return nil, err
	}
	return e.gradeAll(entities, func(i int) map[string]event.Fact {
		return known.Take(entities[i].Ref, cat.ServiceFacts(entities[i], now))
	}), nil
}

// gradeAll grades entities on every core. The reports are in the order of the entities. factsOf returns the facts of
// the entity with that index, and is called from several goroutines.
func (e *Engine) gradeAll(entities []descriptor.Entity, factsOf func(i int) map[string]event.Fact) []Report {
	graded := make([][]Report, len(entities))
	OnEveryCore(len(entities), func(i int) { graded[i] = e.Grade(entities[i], factsOf(i)) })
	return slices.Concat(graded...)
}

// OnEveryCore calls work for each number below n, from as many goroutines as there are cores, and returns when all
// calls have.
func OnEveryCore(n int, work func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	workers.Wait()
}

// Warnings returns what is probably not meant: a filter that takes none of the entities.
func (e *Engine) Warnings(entities []descriptor.Entity) []string {
	var warnings []string
	for _, card := range e.cards {
		taken := slices.ContainsFunc(entities, func(entity descriptor.Entity) bool {
			takes, err := newSubject(entity, e.now()).taken(card)
			return takes || err != nil
		})
		if !taken && card.filter != nil && len(entities) > 0 {
			warnings = append(warnings, card.doc.At("filter", fmt.Sprintf("the filter of scorecard %s takes none of the %d "+
				"entities of the catalog; correct it, or remove the scorecard", card.Name, len(entities))).Error())
		}
	}
	return warnings
}

// Graded returns the entities of the catalog that a scorecard takes, sorted by ref.
func (e *Engine) Graded(cat *catalog.Catalog) []descriptor.Entity { return e.taken(cat, nil) }

// taken returns the entities of the catalog that a scorecard takes, sorted by ref. only are the refs of those that are
// looked at; nil: all.
func (e *Engine) taken(cat *catalog.Catalog, only []string) []descriptor.Entity {
	candidates := []descriptor.Entity{}
	if only == nil {
		candidates = cat.Entities()
	}
	for _, ref := range slices.Compact(slices.Sorted(slices.Values(only))) {
		if entity, ok := cat.Entity(ref); ok {
			candidates = append(candidates, entity)
		}
	}
	return slices.DeleteFunc(candidates, func(entity descriptor.Entity) bool { return !e.Takes(entity) })
}

// Takes reports whether a scorecard grades the entity.
func (e *Engine) Takes(entity descriptor.Entity) bool {
	s := newSubject(entity, e.now())
	return slices.ContainsFunc(e.cards, func(card *compiledCard) bool {
		takes, err := s.taken(card)
		return takes || err != nil && entity.IsService() // a filter that fails is a result, which is shown
	})
}

// NotGraded returns a sentence without a period for an entity that no scorecard takes: each of them, and why.
func (e *Engine) NotGraded(entity descriptor.Entity) string {
	text := fmt.Sprintf("%s (%s) is graded by no scorecard", entity.Ref, cmp.Or(entity.Type, strings.ToLower(entity.Kind)))
	if entity.File != "" {
		text = fmt.Sprintf("%s (%s, described in %s:%d) is graded by no scorecard", entity.Ref,
			cmp.Or(entity.Type, strings.ToLower(entity.Kind)), entity.File, entity.Line)
	}
	for i, left := range e.LeftOut(entity) {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		text += separator + left.Title + ": " + strings.TrimSuffix(left.Reason, ".")
	}
	return text
}
