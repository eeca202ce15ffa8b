package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rows"
)

// Stored returns the stored records with the identities of the given events, and possibly more with the same source,
// scope and id: further attempts of a run, jobs of other runs. They are as they were appended, normalized, with what
// the merge of deliveries keeps.
func (s *Store) Stored(ctx context.Context, events []event.Event) ([]event.Event, error) {
	type lookup struct {
		kind   event.Kind
		source string
	}
	var lookups []lookup
	scopes := map[lookup]map[string]bool{}
	ids := map[lookup]map[string]bool{}
	for _, e := range events {
		id := e.Identity()
		l := lookup{id.Kind, id.Source}
		if scopes[l] == nil {
			lookups = append(lookups, l)
			scopes[l] = map[string]bool{}
			ids[l] = map[string]bool{}
		}
		scopes[l][id.Scope] = true
		ids[l][id.ID] = true
	}
	var found []event.Event
	for _, l := range lookups {
		t, err := tableOfKind(l.kind)
		if err != nil {
			return nil, err
		}
		events, err := t.find(ctx, s, l.source, keys(scopes[l]), keys(ids[l]))
		if err != nil {
			return nil, fmt.Errorf("looking up %d %s records of %s: %w", len(ids[l]), l.kind, l.source, err)
		}
		found = append(found, events...)
	}
	return found, nil
}

// PipelineRuns returns the stored attempts of the runs of a scope with these ids, as they were collected: without what
// the merge of deliveries keeps.
func (s *Store) PipelineRuns(ctx context.Context, source, scope string, ids []string) ([]event.PipelineRun, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := selectRows[rows.PipelineRun](
		ctx,
		s,
		"raw_pipeline_runs FINAL WHERE "+ofScope+" AND id IN {ids:Array(String)}",
		map[string]any{"source": source, "scope": scope, "ids": ids},
	)
	if err != nil {
		return nil, fmt.Errorf("looking up %d runs of %s: %w", len(ids), scope, err)
	}
	runs := make([]event.PipelineRun, len(found))
	for i, r := range found {
		r.MergeState = ""
		runs[i] = r.Event()
	}
	return runs, nil
}

const (
	ofScope      = "source = {source:String} AND scope = {scope:String}"
	openStatuses = "('queued', 'waiting', 'running')"
)

// recordTable describes how the records of a kind are counted: a record may have several rows, one an attempt.
type recordTable struct {
	table string
	id    string // the columns that rows of one record have in common
	began string // the column of when it began
	open  string // whether it is not final, over the rows of a record
}

var recordTables = map[event.Kind]recordTable{
	event.KindPipelineRun: {"raw_pipeline_runs", "id", "created_at", "argMax(status, attempt) IN " + openStatuses},
	event.KindPipelineJob: {"raw_pipeline_jobs", "(run_id, attempt, id)", "created_at", "any(status) IN " + openStatuses},
	event.KindDeployment: {
		"raw_deployments", "(id, environment_key)", "created_at", "argMax(status, attempt) IN " + openStatuses,
	},
	event.KindChange: {"raw_changes", "id", "created_at", "any(closed_at) IS NULL AND any(merged_at) IS NULL AND " +
		"any(state) NOT IN ('merged', 'closed')"},
	event.KindIncident: {"raw_incidents", "id", "opened_at", "any(resolved_at) IS NULL AND NOT any(resolved)"},
}

// CountRecords returns by scope how many records of a kind are stored, and how many of them are not final, that began
// at or after from and before to; a zero time is no bound. Attempts of one record count once. Scopes without records
// are left out. Kinds: deployment, pipeline run, pipeline job, change, incident.
func (s *Store) CountRecords(ctx context.Context, kind event.Kind, source string, scopes []string, from, to time.Time,
) (stored, open map[string]uint64, err error) {
	t, ok := recordTables[kind]
	if !ok {
		return nil, nil, fmt.Errorf("counting %s: not a kind that is counted", kind)
	}
	where := "source = {source:String} AND scope IN {scopes:Array(String)}"
	params := map[string]any{"source": source, "scopes": scopes}
	if !from.IsZero() {
		where += " AND " + t.began + " >= {from:DateTime64(3, 'UTC')}"
		params["from"] = from
	}
	if !to.IsZero() {
		where += " AND " + t.began + " < {to:DateTime64(3, 'UTC')}"
		params["to"] = to
	}
	var found []struct {
		Scope  string `ch:"scope"`
		Stored uint64 `ch:"stored"`
		Open   uint64 `ch:"open"`
	}
	sql := "SELECT scope, count() AS stored, countIf(is_open) AS open FROM (SELECT scope, " + t.open + " AS is_open FROM " +
		t.table + " FINAL WHERE " + where + " GROUP BY scope, " + t.id + ") GROUP BY scope"
	if err := s.Select(ctx, &found, sql, params); err != nil {
		return nil, nil, fmt.Errorf("counting the %s records of %d scopes: %w", kind, len(scopes), err)
	}
	stored = make(map[string]uint64, len(found))
	open = make(map[string]uint64, len(found))
	for _, r := range found {
		stored[r.Scope] = r.Stored
		open[r.Scope] = r.Open
	}
	return stored, open, nil
}

// OpenRecords returns the records of a scope that began at or after since and are not final: when they began, by id.
// Kinds: deployment, pipeline run.
func (s *Store) OpenRecords(ctx context.Context, kind event.Kind, source, scope string, since time.Time,
) (map[string]time.Time, error) {
	if kind != event.KindPipelineRun && kind != event.KindDeployment {
		return nil, fmt.Errorf("listing open %s records: not a kind that has them", kind)
	}
	t := recordTables[kind]
	var found []struct {
		ID    string     `ch:"id"`
		Began *time.Time `ch:"began"`
	}
	sql := "SELECT id, min(" + t.began + ") AS began FROM " + t.table + " FINAL WHERE " + ofScope +
		" AND " + t.began + " >= {since:DateTime64(3, 'UTC')} GROUP BY id HAVING " + t.open
	err := s.Select(ctx, &found, sql, map[string]any{"source": source, "scope": scope, "since": since.UTC()})
	if err != nil {
		return nil, fmt.Errorf("listing the open %s records of %s: %w", kind, scope, err)
	}
	open := make(map[string]time.Time, len(found))
	for _, r := range found {
		open[r.ID] = rows.Known(r.Began)
	}
	return open, nil
}

// GradeHistory returns the grades of an entity whenever they changed, oldest first. EvaluatedAt is the time of the
// change, URL is empty.
func (s *Store) GradeHistory(ctx context.Context, entity string) ([]event.Grade, error) {
	found, err := selectRows[rows.GradeHistory](ctx, s, `grade_history FINAL
WHERE entity = {entity:String} ORDER BY valid_from, seq`, map[string]any{"entity": entity})
	if err != nil {
		return nil, fmt.Errorf("reading the history of the grades of %s: %w", entity, err)
	}
	grades := make([]event.Grade, len(found))
	for i, r := range found {
		grades[i] = r.Event()
	}
	return grades, nil
}

const outcomesAtSQL = `(SELECT at, countIf(last = {outcome:String}) AS n FROM (
    SELECT at, argMax(outcome, (valid_from, seq)) AS last
    FROM grade_history ARRAY JOIN arrayMap(t -> parseDateTime64BestEffort(t, 3, 'UTC'), {times:Array(String)}) AS at
    WHERE valid_from <= at AND concat(scorecard, '/', rule) IN {rules:Array(String)}
        AND entity IN (SELECT ref FROM catalog_entities)
        AND (entity, scorecard, rule) IN (SELECT entity, scorecard, rule FROM grade_history WHERE outcome = {outcome:String})
    GROUP BY at, entity, scorecard, rule) GROUP BY at)`

// CountOutcome returns in how many grades of the entities of the catalog a rule had the outcome at each of the times.
// rules are the rules that are counted: scorecard/rule.
func (s *Store) CountOutcome(
	ctx context.Context, outcome event.Outcome, rules []string, times []time.Time,
) ([]int, error) {
	type count struct {
		At time.Time `ch:"at"`
		N  uint64    `ch:"n"`
	}
	texts := make([]string, len(times))
	for i, at := range times {
		texts[i] = at.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	found, err := selectRows[count](ctx, s, outcomesAtSQL, map[string]any{
		"outcome": string(outcome), "times": texts, "rules": append([]string{}, rules...),
	})
	if err != nil {
		return nil, fmt.Errorf("counting the rules that were %s: %w", outcome, err)
	}
	counts := make([]int, len(times))
	for _, f := range found {
		for i, at := range times {
			if f.At.Equal(at.Truncate(time.Millisecond)) {
				counts[i] = int(f.N)
			}
		}
	}
	return counts, nil
}
