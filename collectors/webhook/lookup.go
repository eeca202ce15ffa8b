package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Lookup finds what is stored.
type Lookup interface {
	// Stored returns the records that have the ids of the given events in their source, of the same kind: of a pipeline
	// run all its attempts, of a job that of any run. More than that does no harm.
	Stored(ctx context.Context, events []event.Event) ([]event.Event, error)
}

// Querier runs a query; the store does.
type Querier interface {
	Select(ctx context.Context, dest any, sql string, params map[string]any) error
}

// StoreLookup is a Lookup in the store's tables.
type StoreLookup struct{ Querier Querier }

// Stored asks once for each kind and source among the events.
func (l StoreLookup) Stored(ctx context.Context, events []event.Event) ([]event.Event, error) {
	asked := map[wanted]*wantedIDs{}
	for _, e := range events {
		id := e.Identity()
		w := wanted{id.Kind, id.Source}
		if asked[w] == nil {
			asked[w] = &wantedIDs{scopes: map[string]bool{}, ids: map[string]bool{}}
		}
		asked[w].scopes[id.Scope], asked[w].ids[id.ID] = true, true
	}
	var found []event.Event
	for w, ids := range asked {
		rows, err := l.find(ctx, w, keys(ids.scopes), keys(ids.ids))
		if err != nil {
			return nil, fmt.Errorf("looking up %d %s records of %s: %w", len(ids.ids), w.kind, w.source, err)
		}
		found = append(found, rows...)
	}
	return found, nil
}

type wanted struct {
	kind   event.Kind
	source string
}

type wantedIDs struct{ scopes, ids map[string]bool }

func keys(set map[string]bool) []string {
	all := make([]string, 0, len(set))
	for k := range set {
		all = append(all, k)
	}
	return all
}

const (
	byID    = ` FINAL WHERE source = {source:String} AND scope IN {scopes:Array(String)} AND id IN {ids:Array(String)}`
	origins = `source, provider, scope, id, url, service, merge_state, `
)

func (l StoreLookup) find(ctx context.Context, w wanted, scopes, ids []string) ([]event.Event, error) {
	params := map[string]any{"source": w.source, "scopes": scopes, "ids": ids}
	switch w.kind {
	case event.KindPipelineRun:
		return query[runRow](ctx, l.Querier, `SELECT `+origins+`attempt, pipeline, status, status_raw, branch, trigger, sha, actor, bot, created_at, started_at, finished_at, duration_ms FROM raw_pipeline_runs`+byID, params)
	case event.KindPipelineJob:
		return query[jobRow](ctx, l.Querier, `SELECT `+origins+`run_id, attempt, name, runner, status, status_raw, created_at, started_at, finished_at FROM raw_pipeline_jobs`+byID, params)
	case event.KindDeployment:
		return query[deploymentRow](ctx, l.Querier, `SELECT `+origins+`attempt, environment, environment_key, status, status_raw, created_at, started_at, finished_at, sha, ref, version, actor, bot, trigger, baseline, rollback_of FROM raw_deployments`+byID, params)
	case event.KindChange:
		return query[changeRow](ctx, l.Querier, `SELECT `+origins+`repository, number, title, author, bot, created_at, first_commit_at, first_review_at, approved_at, merged_at, closed_at, merge_sha, head_sha, commit_shas, additions, deletions, reverts FROM raw_changes`+byID, params)
	case event.KindIncident:
		return query[incidentRow](ctx, l.Querier, `SELECT `+origins+`severity, opened_at, acknowledged_at, resolved, resolved_at, deployment, how FROM raw_incidents`+byID, params)
	case event.KindFact:
		return query[factRow](ctx, l.Querier, `SELECT source, entity, fact, type, value, observed_at, expires_at, error, url FROM current_facts FINAL WHERE source = {source:String} AND entity IN {scopes:Array(String)} AND fact IN {ids:Array(String)}`, params)
	}
	return nil, nil
}

type row interface{ event() event.Event }

func query[R row](ctx context.Context, q Querier, sql string, params map[string]any) ([]event.Event, error) {
	var rows []R
	if err := q.Select(ctx, &rows, sql, params); err != nil {
		return nil, err
	}
	events := make([]event.Event, len(rows))
	for i, r := range rows {
		events[i] = r.event()
	}
	return events, nil
}

func known(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// duration returns a stored duration; 0 where it is not known.
func duration(ms *uint64) time.Duration {
	if ms == nil {
		return 0
	}
	return time.Duration(*ms) * time.Millisecond
}

type runRow struct {
	Source     string     `ch:"source"`
	Provider   string     `ch:"provider"`
	Scope      string     `ch:"scope"`
	ID         string     `ch:"id"`
	URL        string     `ch:"url"`
	Service    string     `ch:"service"`
	State      string     `ch:"merge_state"`
	Attempt    uint16     `ch:"attempt"`
	Pipeline   string     `ch:"pipeline"`
	Status     string     `ch:"status"`
	StatusRaw  string     `ch:"status_raw"`
	Branch     string     `ch:"branch"`
	Trigger    string     `ch:"trigger"`
	SHA        string     `ch:"sha"`
	Actor      string     `ch:"actor"`
	Bot        bool       `ch:"bot"`
	CreatedAt  *time.Time `ch:"created_at"`
	StartedAt  *time.Time `ch:"started_at"`
	FinishedAt *time.Time `ch:"finished_at"`
	DurationMS *uint64    `ch:"duration_ms"`
}

func (r runRow) event() event.Event {
	return event.PipelineRun{Origin: event.Origin{Source: r.Source, Provider: r.Provider, Scope: r.Scope, ID: r.ID, URL: r.URL, Service: r.Service, MergeState: r.State},
		Attempt: r.Attempt, Pipeline: r.Pipeline, Status: event.Status(r.Status), StatusRaw: r.StatusRaw, Branch: r.Branch, Trigger: r.Trigger,
		SHA: r.SHA, Actor: r.Actor, Bot: r.Bot, CreatedAt: known(r.CreatedAt), StartedAt: known(r.StartedAt), FinishedAt: known(r.FinishedAt),
		Duration: duration(r.DurationMS)}
}

type jobRow struct {
	Source     string     `ch:"source"`
	Provider   string     `ch:"provider"`
	Scope      string     `ch:"scope"`
	ID         string     `ch:"id"`
	URL        string     `ch:"url"`
	Service    string     `ch:"service"`
	State      string     `ch:"merge_state"`
	RunID      string     `ch:"run_id"`
	Attempt    uint16     `ch:"attempt"`
	Name       string     `ch:"name"`
	Runner     string     `ch:"runner"`
	Status     string     `ch:"status"`
	StatusRaw  string     `ch:"status_raw"`
	CreatedAt  *time.Time `ch:"created_at"`
	StartedAt  *time.Time `ch:"started_at"`
	FinishedAt *time.Time `ch:"finished_at"`
}

func (r jobRow) event() event.Event {
	return event.PipelineJob{Origin: event.Origin{Source: r.Source, Provider: r.Provider, Scope: r.Scope, ID: r.ID, URL: r.URL, Service: r.Service, MergeState: r.State},
		RunID: r.RunID, Attempt: r.Attempt, Name: r.Name, Runner: r.Runner, Status: event.Status(r.Status), StatusRaw: r.StatusRaw,
		CreatedAt: known(r.CreatedAt), StartedAt: known(r.StartedAt), FinishedAt: known(r.FinishedAt)}
}

type deploymentRow struct {
	Source      string     `ch:"source"`
	Provider    string     `ch:"provider"`
	Scope       string     `ch:"scope"`
	ID          string     `ch:"id"`
	URL         string     `ch:"url"`
	Service     string     `ch:"service"`
	State       string     `ch:"merge_state"`
	Attempt     uint16     `ch:"attempt"`
	Environment string     `ch:"environment"`
	Key         string     `ch:"environment_key"`
	Status      string     `ch:"status"`
	StatusRaw   string     `ch:"status_raw"`
	CreatedAt   *time.Time `ch:"created_at"`
	StartedAt   *time.Time `ch:"started_at"`
	FinishedAt  *time.Time `ch:"finished_at"`
	SHA         string     `ch:"sha"`
	Ref         string     `ch:"ref"`
	Version     string     `ch:"version"`
	Actor       string     `ch:"actor"`
	Bot         bool       `ch:"bot"`
	Trigger     string     `ch:"trigger"`
	Baseline    bool       `ch:"baseline"`
	RollbackOf  string     `ch:"rollback_of"`
}

func (r deploymentRow) event() event.Event {
	return event.Deployment{Origin: event.Origin{Source: r.Source, Provider: r.Provider, Scope: r.Scope, ID: r.ID, URL: r.URL, Service: r.Service, MergeState: r.State},
		Attempt: r.Attempt, Environment: r.Environment, EnvironmentKey: r.Key, Status: event.Status(r.Status), StatusRaw: r.StatusRaw, CreatedAt: known(r.CreatedAt),
		StartedAt: known(r.StartedAt), FinishedAt: known(r.FinishedAt), SHA: r.SHA, Ref: r.Ref, Version: r.Version, Actor: r.Actor, Bot: r.Bot,
		Trigger: r.Trigger, Baseline: r.Baseline, RollbackOf: r.RollbackOf}
}

type changeRow struct {
	Source        string     `ch:"source"`
	Provider      string     `ch:"provider"`
	Scope         string     `ch:"scope"`
	ID            string     `ch:"id"`
	URL           string     `ch:"url"`
	Service       string     `ch:"service"`
	State         string     `ch:"merge_state"`
	Repository    string     `ch:"repository"`
	Number        uint64     `ch:"number"`
	Title         string     `ch:"title"`
	Author        string     `ch:"author"`
	Bot           bool       `ch:"bot"`
	CreatedAt     *time.Time `ch:"created_at"`
	FirstCommitAt *time.Time `ch:"first_commit_at"`
	FirstReviewAt *time.Time `ch:"first_review_at"`
	ApprovedAt    *time.Time `ch:"approved_at"`
	MergedAt      *time.Time `ch:"merged_at"`
	ClosedAt      *time.Time `ch:"closed_at"`
	MergeSHA      string     `ch:"merge_sha"`
	HeadSHA       string     `ch:"head_sha"`
	CommitSHAs    []string   `ch:"commit_shas"`
	Additions     uint32     `ch:"additions"`
	Deletions     uint32     `ch:"deletions"`
	Reverts       string     `ch:"reverts"`
}

func (r changeRow) event() event.Event {
	return event.Change{Origin: event.Origin{Source: r.Source, Provider: r.Provider, Scope: r.Scope, ID: r.ID, URL: r.URL, Service: r.Service, MergeState: r.State},
		Repository: r.Repository, Number: r.Number, Title: r.Title, Author: r.Author, Bot: r.Bot, CreatedAt: known(r.CreatedAt),
		FirstCommitAt: known(r.FirstCommitAt), FirstReviewAt: known(r.FirstReviewAt), ApprovedAt: known(r.ApprovedAt), MergedAt: known(r.MergedAt),
		ClosedAt: known(r.ClosedAt), MergeSHA: r.MergeSHA, HeadSHA: r.HeadSHA, CommitSHAs: r.CommitSHAs, Additions: r.Additions,
		Deletions: r.Deletions, Reverts: r.Reverts}
}

type incidentRow struct {
	Source         string     `ch:"source"`
	Provider       string     `ch:"provider"`
	Scope          string     `ch:"scope"`
	ID             string     `ch:"id"`
	URL            string     `ch:"url"`
	Service        string     `ch:"service"`
	State          string     `ch:"merge_state"`
	Severity       string     `ch:"severity"`
	OpenedAt       *time.Time `ch:"opened_at"`
	AcknowledgedAt *time.Time `ch:"acknowledged_at"`
	Resolved       bool       `ch:"resolved"`
	ResolvedAt     *time.Time `ch:"resolved_at"`
	Deployment     string     `ch:"deployment"`
	How            string     `ch:"how"`
}

func (r incidentRow) event() event.Event {
	return event.Incident{Origin: event.Origin{Source: r.Source, Provider: r.Provider, Scope: r.Scope, ID: r.ID, URL: r.URL, Service: r.Service, MergeState: r.State},
		Severity: r.Severity, OpenedAt: known(r.OpenedAt), AcknowledgedAt: known(r.AcknowledgedAt), ResolvedAt: known(r.ResolvedAt), EndUnknown: r.Resolved && r.ResolvedAt == nil,
		Deployment: r.Deployment, How: r.How}
}

type factRow struct {
	Source     string     `ch:"source"`
	Entity     string     `ch:"entity"`
	Fact       string     `ch:"fact"`
	Type       string     `ch:"type"`
	Value      string     `ch:"value"`
	ObservedAt time.Time  `ch:"observed_at"`
	ExpiresAt  *time.Time `ch:"expires_at"`
	Error      string     `ch:"error"`
	URL        string     `ch:"url"`
}

func (r factRow) event() event.Event {
	return event.Fact{Source: r.Source, Entity: r.Entity, Name: r.Fact, Type: event.FactType(r.Type), Value: json.RawMessage(r.Value),
		ObservedAt: r.ObservedAt.UTC(), ExpiresAt: known(r.ExpiresAt), Error: r.Error, URL: r.URL}
}
