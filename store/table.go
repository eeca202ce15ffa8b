package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rows"
)

// eventTables are the tables of events, one entry a kind. A new kind needs its type in package event, its row struct in
// package rows, its entry here, and its example in the test of rows.
var eventTables = []eventTable{
	tableOf("raw_deployments", rows.NewDeployment, "source", "scope", "id"),
	tableOf("raw_pipeline_runs", rows.NewPipelineRun, "source", "scope", "id"),
	tableOf("raw_pipeline_jobs", rows.NewPipelineJob, "source", "scope", "id"),
	tableOf("raw_changes", rows.NewChange, "source", "scope", "id"),
	tableOf("raw_incidents", rows.NewIncident, "source", "scope", "id"),
	tableOf("raw_descriptors", rows.NewDescriptor, "source", "scope", "location"),
	tableOf("raw_deployed_commits", rows.NewDeployedCommits, "source", "scope", "id"),
	tableOf("raw_action_steps", rows.NewActionStep, "source", "run", "toString(number)"),
	tableOf("raw_action_runs", rows.NewActionRun, "source", "", "id"),
	tableOf("raw_action_batches", rows.NewActionBatch, "source", "", "id"),
	historyOf(tableOf("current_facts", rows.NewFact, "source", "entity", "fact"),
		"fact_history", rows.NewFactHistory, rows.FactKey, prepareReads),
	historyOf(tableOf("current_grades", rows.NewGrade, "", "entity", "rule"),
		"grade_history", rows.NewGradeHistory, rows.GradeKey, prepareRules),
	tableOf("raw_ledger", rows.NewLedgerEntry, "source", "scope", "kind"),
}

// eventTable stores the events of one kind.
type eventTable interface {
	kind() event.Kind
	// newBatch returns an empty batch for n events of the kind.
	newBatch(n int) batch
	// find returns the stored events of a source that have one of the scopes and one of the ids.
	find(ctx context.Context, s *Store, source string, scopes, ids []string) ([]event.Event, error)
}

// batch collects events of one kind and stores them.
type batch interface {
	add(e event.Event)
	write(ctx context.Context, s *Store) error
}

// eventBatch holds events as values of their type. Rows point into the slice, so it must not change while it is stored.
type eventBatch[E event.Event] struct {
	events []E
	store  func(ctx context.Context, s *Store, events []E) error
}

func newEventBatch[E event.Event](n int, store func(context.Context, *Store, []E) error) batch {
	return &eventBatch[E]{events: make([]E, 0, n), store: store}
}

func (b *eventBatch[E]) add(e event.Event) { b.events = append(b.events, e.(E)) }

func (b *eventBatch[E]) write(ctx context.Context, s *Store) error { return b.store(ctx, s, b.events) }

// rowOf is a row struct of an event type.
type rowOf[E event.Event] interface{ Event() E }

// table stores events of type E as rows of type R.
type table[E event.Event, R rowOf[E]] struct {
	name   string
	row    func(*E) R
	source string // the columns of an identity's Source, Scope and ID; empty: the kind has no such part
	scope  string
	id     string
}

func tableOf[E event.Event, R rowOf[E]](name string, row func(*E) R, source, scope, id string) table[E, R] {
	return table[E, R]{name: name, row: row, source: source, scope: scope, id: id}
}

func (t table[E, R]) kind() event.Kind {
	var e E
	return e.Kind()
}

func (t table[E, R]) newBatch(n int) batch { return newEventBatch(n, t.append) }

func (t table[E, R]) append(ctx context.Context, s *Store, events []E) error {
	return appendRows(ctx, s, t.name, events, t.row)
}

func (t table[E, R]) find(ctx context.Context, s *Store, source string, scopes, ids []string) ([]event.Event, error) {
	where := t.id + " IN {ids:Array(String)}"
	params := map[string]any{"ids": ids}
	if t.source != "" {
		where += " AND " + t.source + " = {source:String}"
		params["source"] = source
	}
	if t.scope != "" {
		where += " AND " + t.scope + " IN {scopes:Array(String)}"
		params["scopes"] = scopes
	}
	found, err := selectRows[R](ctx, s, t.name+" FINAL WHERE "+where, params)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(found))
	for i, r := range found {
		events[i] = r.Event()
	}
	return events, nil
}

// selectRows reads whole rows of type R; from begins with the table's name.
func selectRows[R any](ctx context.Context, s *Store, from string, params map[string]any) ([]R, error) {
	var found []R
	err := s.selectInto(ctx, &found, from, params)
	return found, err
}

// selectInto reads whole rows into dest, a pointer to a slice of row structs; from begins with the table's name.
func (s *Store) selectInto(ctx context.Context, dest any, from string, params map[string]any) error {
	columns := rows.Names(reflect.TypeOf(dest).Elem().Elem())
	return s.Select(ctx, dest, "SELECT "+columns+" FROM "+from, params)
}

// appendRows writes rows of one table in blocks. While the engine stores one the next is made ready; seq is given
// before, so that the order of the rows does not depend on which comes first.
func appendRows[E, R any](ctx context.Context, s *Store, table string, events []E, row func(*E) R) error {
	if len(events) == 0 {
		return nil
	}
	first, err := s.acquireSeq(ctx, table, len(events))
	if err != nil {
		return err
	}
	blocks, ctx := errgroup.WithContext(ctx)
	blocks.SetLimit(2)
	for block := range slices.Chunk(events, blockRows) {
		blockFirst := first
		first += uint64(len(block))
		blocks.Go(func() error {
			columns := rows.Columns(len(block), func(i int, r *R) { *r = row(&block[i]) })
			return s.insert(ctx, table, len(block), append(columns, seqColumn(blockFirst, len(block))))
		})
	}
	return blocks.Wait()
}

func tableOfKind(kind event.Kind) (eventTable, error) {
	i := slices.IndexFunc(eventTables, func(t eventTable) bool { return t.kind() == kind })
	if i < 0 {
		return nil, fmt.Errorf("unsupported event kind %s", kind)
	}
	return eventTables[i], nil
}
