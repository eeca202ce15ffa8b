package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/event"
)

// blockRows is how many rows are written in one block. Larger ones save little and hold much memory.
const blockRows = 50_000

// invalidShown is how many invalid events an error of Append tells of.
const invalidShown = 5

// Append stores events. It validates all of them first and stores none if one is invalid. When it returns nil all are
// stored and survive the end of the process; when it fails, some kinds may be stored, and appending the same events
// again is safe: the later observation of an event replaces the earlier one. Of the same event twice among events the
// later one wins.
//
// Texts that are no part of an identity are cut as [event.Trim] does.
//
// Facts and grades replace what holds now, and add to the history only where they differ from it.
func (s *Store) Append(ctx context.Context, events ...event.Event) error {
	groups, err := group(events)
	if err != nil {
		return err
	}
	for _, write := range []func() error{
		func() error { return appendRows(ctx, s, "raw_deployments", groups.deployments, deploymentColumns) },
		func() error { return appendRows(ctx, s, "raw_pipeline_runs", groups.runs, runColumns) },
		func() error { return appendRows(ctx, s, "raw_pipeline_jobs", groups.jobs, jobColumns) },
		func() error { return appendRows(ctx, s, "raw_changes", groups.changes, changeColumns) },
		func() error { return appendRows(ctx, s, "raw_incidents", groups.incidents, incidentColumns) },
		func() error { return appendRows(ctx, s, "raw_descriptors", groups.descriptors, descriptorColumns) },
		func() error {
			return appendRows(ctx, s, "raw_deployed_commits", groups.commits, deployedCommitsColumns)
		},
		func() error { return s.appendFacts(ctx, groups.facts) },
		func() error { return s.appendGrades(ctx, groups.grades) },
		// Last: it says that what was counted is stored.
		func() error { return appendRows(ctx, s, "raw_ledger", groups.ledger, ledgerColumns) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// groups are events by kind, in their order.
type groups struct {
	deployments []event.Deployment
	runs        []event.PipelineRun
	jobs        []event.PipelineJob
	changes     []event.Change
	incidents   []event.Incident
	descriptors []event.Descriptor
	commits     []event.DeployedCommits
	facts       []event.Fact
	grades      []event.Grade
	ledger      []event.LedgerEntry
}

func group(events []event.Event) (groups, error) {
	counts := map[event.Kind]int{}
	for _, e := range events {
		counts[e.Kind()]++
	}
	g := groups{
		deployments: make([]event.Deployment, 0, counts[event.KindDeployment]),
		runs:        make([]event.PipelineRun, 0, counts[event.KindPipelineRun]),
		jobs:        make([]event.PipelineJob, 0, counts[event.KindPipelineJob]),
		changes:     make([]event.Change, 0, counts[event.KindChange]),
		incidents:   make([]event.Incident, 0, counts[event.KindIncident]),
		descriptors: make([]event.Descriptor, 0, counts[event.KindDescriptor]),
		commits:     make([]event.DeployedCommits, 0, counts[event.KindDeployedCommits]),
		facts:       make([]event.Fact, 0, counts[event.KindFact]),
		grades:      make([]event.Grade, 0, counts[event.KindGrade]),
		ledger:      make([]event.LedgerEntry, 0, counts[event.KindLedger]),
	}
	var errs []error
	for _, e := range events {
		e = event.Normalize(e)
		if err := e.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		switch e := e.(type) {
		case event.Deployment:
			g.deployments = append(g.deployments, e)
		case event.PipelineRun:
			g.runs = append(g.runs, e)
		case event.PipelineJob:
			g.jobs = append(g.jobs, e)
		case event.Change:
			g.changes = append(g.changes, e)
		case event.Incident:
			g.incidents = append(g.incidents, e)
		case event.Descriptor:
			g.descriptors = append(g.descriptors, e)
		case event.DeployedCommits:
			g.commits = append(g.commits, e)
		case event.Fact:
			g.facts = append(g.facts, e)
		case event.Grade:
			g.grades = append(g.grades, e)
		case event.LedgerEntry:
			g.ledger = append(g.ledger, e)
		default:
			errs = append(errs, fmt.Errorf("the store keeps no %T", e))
		}
	}
	if n := len(errs); n > 0 {
		if n > invalidShown {
			errs = append(errs[:invalidShown], fmt.Errorf("and %d more", n-invalidShown))
		}
		return g, fmt.Errorf("%d of %d events cannot be stored: %w", n, len(events), errors.Join(errs...))
	}
	return g, nil
}

// appendRows writes rows of one kind in blocks. While the engine stores one the next is made ready; seq is given before,
// so the order of the rows does not depend on which comes first.
func appendRows[R any](ctx context.Context, s *Store, table string, rows []R, columns func([]R) []column) error {
	if len(rows) == 0 {
		return nil
	}
	first, err := s.take(ctx, table, len(rows))
	if err != nil {
		return err
	}
	blocks, ctx := errgroup.WithContext(ctx)
	blocks.SetLimit(2)
	for block := range slices.Chunk(rows, blockRows) {
		blockFirst := first
		first += uint64(len(block))
		blocks.Go(func() error {
			return s.insert(ctx, table, len(block), append(columns(block), numbered(blockFirst, len(block))))
		})
	}
	return blocks.Wait()
}

// originColumns are the columns of the identity.
func originColumns[R any](rows []R, origin func(*R) *event.Origin) []column {
	return []column{
		collect("source", rows, func(r *R) string { return origin(r).Source }),
		collect("provider", rows, func(r *R) string { return origin(r).Provider }),
		collect("scope", rows, func(r *R) string { return origin(r).Scope }),
		collect("id", rows, func(r *R) string { return origin(r).ID }),
		collect("url", rows, func(r *R) string { return origin(r).URL }),
		collect("service", rows, func(r *R) string { return origin(r).Service }),
		collect("merge_state", rows, func(r *R) string { return origin(r).MergeState }),
	}
}

func deploymentColumns(rows []event.Deployment) []column {
	type row = event.Deployment
	return append(originColumns(rows, func(r *row) *event.Origin { return &r.Origin }),
		collect("attempt", rows, func(r *row) uint16 { return r.Attempt }),
		collect("environment", rows, func(r *row) string { return r.Environment }),
		collect("environment_key", rows, func(r *row) string { return r.EnvironmentKey }),
		collect("status", rows, func(r *row) string { return string(r.Status) }),
		collect("status_raw", rows, func(r *row) string { return r.StatusRaw }),
		nullable("created_at", rows, func(r *row) *time.Time { return &r.CreatedAt }),
		nullable("started_at", rows, func(r *row) *time.Time { return &r.StartedAt }),
		nullable("finished_at", rows, func(r *row) *time.Time { return &r.FinishedAt }),
		collect("sha", rows, func(r *row) string { return r.SHA }),
		collect("ref", rows, func(r *row) string { return r.Ref }),
		collect("version", rows, func(r *row) string { return r.Version }),
		collect("actor", rows, func(r *row) string { return r.Actor }),
		collect("bot", rows, func(r *row) bool { return r.Bot }),
		collect("trigger", rows, func(r *row) string { return r.Trigger }),
		collect("baseline", rows, func(r *row) bool { return r.Baseline }),
		collect("rollback_of", rows, func(r *row) string { return r.RollbackOf }),
	)
}

func runColumns(rows []event.PipelineRun) []column {
	type row = event.PipelineRun
	return append(originColumns(rows, func(r *row) *event.Origin { return &r.Origin }),
		collect("attempt", rows, func(r *row) uint16 { return r.Attempt }),
		collect("pipeline", rows, func(r *row) string { return r.Pipeline }),
		collect("status", rows, func(r *row) string { return string(r.Status) }),
		collect("status_raw", rows, func(r *row) string { return r.StatusRaw }),
		collect("branch", rows, func(r *row) string { return r.Branch }),
		collect("trigger", rows, func(r *row) string { return r.Trigger }),
		collect("sha", rows, func(r *row) string { return r.SHA }),
		collect("actor", rows, func(r *row) string { return r.Actor }),
		collect("bot", rows, func(r *row) bool { return r.Bot }),
		nullable("created_at", rows, func(r *row) *time.Time { return &r.CreatedAt }),
		nullable("started_at", rows, func(r *row) *time.Time { return &r.StartedAt }),
		nullable("finished_at", rows, func(r *row) *time.Time { return &r.FinishedAt }),
		milliseconds("duration_ms", rows, func(r *row) time.Duration { return r.Duration }),
	)
}

func jobColumns(rows []event.PipelineJob) []column {
	type row = event.PipelineJob
	return append(originColumns(rows, func(r *row) *event.Origin { return &r.Origin }),
		collect("run_id", rows, func(r *row) string { return r.RunID }),
		collect("attempt", rows, func(r *row) uint16 { return r.Attempt }),
		collect("name", rows, func(r *row) string { return r.Name }),
		collect("runner", rows, func(r *row) string { return r.Runner }),
		collect("status", rows, func(r *row) string { return string(r.Status) }),
		collect("status_raw", rows, func(r *row) string { return r.StatusRaw }),
		nullable("created_at", rows, func(r *row) *time.Time { return &r.CreatedAt }),
		nullable("started_at", rows, func(r *row) *time.Time { return &r.StartedAt }),
		nullable("finished_at", rows, func(r *row) *time.Time { return &r.FinishedAt }),
	)
}

func changeColumns(rows []event.Change) []column {
	type row = event.Change
	return append(originColumns(rows, func(r *row) *event.Origin { return &r.Origin }),
		collect("repository", rows, func(r *row) string { return r.Repository }),
		collect("number", rows, func(r *row) uint64 { return r.Number }),
		collect("title", rows, func(r *row) string { return r.Title }),
		collect("author", rows, func(r *row) string { return r.Author }),
		collect("bot", rows, func(r *row) bool { return r.Bot }),
		nullable("created_at", rows, func(r *row) *time.Time { return &r.CreatedAt }),
		nullable("first_commit_at", rows, func(r *row) *time.Time { return &r.FirstCommitAt }),
		nullable("first_review_at", rows, func(r *row) *time.Time { return &r.FirstReviewAt }),
		nullable("approved_at", rows, func(r *row) *time.Time { return &r.ApprovedAt }),
		nullable("merged_at", rows, func(r *row) *time.Time { return &r.MergedAt }),
		nullable("closed_at", rows, func(r *row) *time.Time { return &r.ClosedAt }),
		collect("merge_sha", rows, func(r *row) string { return r.MergeSHA }),
		collect("head_sha", rows, func(r *row) string { return r.HeadSHA }),
		collect("commit_shas", rows, func(r *row) []string { return r.CommitSHAs }),
		collect("additions", rows, func(r *row) uint32 { return r.Additions }),
		collect("deletions", rows, func(r *row) uint32 { return r.Deletions }),
		collect("reverts", rows, func(r *row) string { return r.Reverts }),
	)
}

func incidentColumns(rows []event.Incident) []column {
	type row = event.Incident
	return append(originColumns(rows, func(r *row) *event.Origin { return &r.Origin }),
		collect("severity", rows, func(r *row) string { return r.Severity }),
		nullable("opened_at", rows, func(r *row) *time.Time { return &r.OpenedAt }),
		nullable("acknowledged_at", rows, func(r *row) *time.Time { return &r.AcknowledgedAt }),
		collect("resolved", rows, func(r *row) bool { return r.Resolved() }),
		nullable("resolved_at", rows, func(r *row) *time.Time { return &r.ResolvedAt }),
		collect("deployment", rows, func(r *row) string { return r.Deployment }),
		collect("how", rows, func(r *row) string { return r.How }),
	)
}

func descriptorColumns(rows []event.Descriptor) []column {
	type row = event.Descriptor
	return []column{
		collect("source", rows, func(r *row) string { return r.Source }),
		collect("provider", rows, func(r *row) string { return r.Provider }),
		collect("scope", rows, func(r *row) string { return r.Scope }),
		collect("location", rows, func(r *row) string { return r.Location }),
		collect("document", rows, func(r *row) string { return r.Document }),
		collect("revision", rows, func(r *row) string { return r.Revision }),
		collect("url", rows, func(r *row) string { return r.URL }),
		nullable("observed_at", rows, func(r *row) *time.Time { return &r.ObservedAt }),
	}
}

func ledgerColumns(rows []event.LedgerEntry) []column {
	type row = event.LedgerEntry
	return []column{
		collect("source", rows, func(r *row) string { return r.Source }),
		collect("provider", rows, func(r *row) string { return r.Provider }),
		collect("scope", rows, func(r *row) string { return r.Scope }),
		collect("kind", rows, func(r *row) string { return string(r.Of) }),
		collect("window_start", rows, func(r *row) time.Time { return r.WindowStart }),
		collect("window_end", rows, func(r *row) time.Time { return r.WindowEnd }),
		collect("expected", rows, func(r *row) uint64 { return r.Expected }),
		collect("stored", rows, func(r *row) uint64 { return r.Stored }),
		collect("open", rows, func(r *row) uint64 { return r.Open }),
		collect("checked_at", rows, func(r *row) time.Time { return r.CheckedAt }),
		collect("url", rows, func(r *row) string { return r.URL }),
		collect("note", rows, func(r *row) string { return r.Note }),
	}
}
