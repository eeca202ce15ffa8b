package store

import (
	"time"

	"github.com/dxctl/dxctl/event"
)

// A row is a row of one table: the names of its columns stand in `ch` tags, a time or a duration that can be unknown is
// a pointer. Appending, reading and replacing all go through these structs, so that a column is named once. The column
// seq is not among their fields: [Store.acquireSeq] numbers what is written, and no reader of a row needs it.

// originRow are the columns of an event's origin.
type originRow struct {
	Source     string `ch:"source"`
	Provider   string `ch:"provider"`
	Scope      string `ch:"scope"`
	ID         string `ch:"id"`
	URL        string `ch:"url"`
	Service    string `ch:"service"`
	MergeState string `ch:"merge_state"`
}

func newOriginRow(o *event.Origin) originRow {
	return originRow{
		Source: o.Source, Provider: o.Provider, Scope: o.Scope, ID: o.ID, URL: o.URL, Service: o.Service,
		MergeState: o.MergeState,
	}
}

func (r *originRow) origin() event.Origin {
	return event.Origin{
		Source: r.Source, Provider: r.Provider, Scope: r.Scope, ID: r.ID, URL: r.URL, Service: r.Service,
		MergeState: r.MergeState,
	}
}

type deploymentRow struct {
	originRow
	Attempt        uint16     `ch:"attempt"`
	Environment    string     `ch:"environment"`
	EnvironmentKey string     `ch:"environment_key"`
	Status         string     `ch:"status"`
	StatusRaw      string     `ch:"status_raw"`
	CreatedAt      *time.Time `ch:"created_at"`
	StartedAt      *time.Time `ch:"started_at"`
	FinishedAt     *time.Time `ch:"finished_at"`
	SHA            string     `ch:"sha"`
	Ref            string     `ch:"ref"`
	Version        string     `ch:"version"`
	Actor          string     `ch:"actor"`
	Bot            bool       `ch:"bot"`
	Trigger        string     `ch:"trigger"`
	Baseline       bool       `ch:"baseline"`
	RollbackOf     string     `ch:"rollback_of"`
}

func newDeploymentRow(d *event.Deployment) deploymentRow {
	return deploymentRow{
		originRow: newOriginRow(&d.Origin), Attempt: d.Attempt, Environment: d.Environment, EnvironmentKey: d.EnvironmentKey,
		Status: string(d.Status), StatusRaw: d.StatusRaw,
		CreatedAt: nullable(&d.CreatedAt), StartedAt: nullable(&d.StartedAt), FinishedAt: nullable(&d.FinishedAt),
		SHA: d.SHA, Ref: d.Ref, Version: d.Version, Actor: d.Actor, Bot: d.Bot, Trigger: d.Trigger,
		Baseline: d.Baseline, RollbackOf: d.RollbackOf,
	}
}

func (r deploymentRow) event() event.Deployment {
	return event.Deployment{
		Origin: r.origin(), Attempt: r.Attempt, Environment: r.Environment, EnvironmentKey: r.EnvironmentKey,
		Status: event.Status(r.Status), StatusRaw: r.StatusRaw,
		CreatedAt: known(r.CreatedAt), StartedAt: known(r.StartedAt), FinishedAt: known(r.FinishedAt),
		SHA: r.SHA, Ref: r.Ref, Version: r.Version, Actor: r.Actor, Bot: r.Bot, Trigger: r.Trigger,
		Baseline: r.Baseline, RollbackOf: r.RollbackOf,
	}
}

type runRow struct {
	originRow
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

func newRunRow(r *event.PipelineRun) runRow {
	return runRow{
		originRow: newOriginRow(&r.Origin), Attempt: r.Attempt, Pipeline: r.Pipeline,
		Status: string(r.Status), StatusRaw: r.StatusRaw, Branch: r.Branch, Trigger: r.Trigger, SHA: r.SHA,
		Actor: r.Actor, Bot: r.Bot,
		CreatedAt: nullable(&r.CreatedAt), StartedAt: nullable(&r.StartedAt), FinishedAt: nullable(&r.FinishedAt),
		DurationMS: milliseconds(r.Duration),
	}
}

func (r runRow) event() event.PipelineRun {
	return event.PipelineRun{
		Origin: r.origin(), Attempt: r.Attempt, Pipeline: r.Pipeline,
		Status: event.Status(r.Status), StatusRaw: r.StatusRaw, Branch: r.Branch, Trigger: r.Trigger, SHA: r.SHA,
		Actor: r.Actor, Bot: r.Bot,
		CreatedAt: known(r.CreatedAt), StartedAt: known(r.StartedAt), FinishedAt: known(r.FinishedAt),
		Duration: knownDuration(r.DurationMS),
	}
}

type jobRow struct {
	originRow
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

func newJobRow(j *event.PipelineJob) jobRow {
	return jobRow{
		originRow: newOriginRow(&j.Origin), RunID: j.RunID, Attempt: j.Attempt, Name: j.Name, Runner: j.Runner,
		Status: string(j.Status), StatusRaw: j.StatusRaw,
		CreatedAt: nullable(&j.CreatedAt), StartedAt: nullable(&j.StartedAt), FinishedAt: nullable(&j.FinishedAt),
	}
}

func (r jobRow) event() event.PipelineJob {
	return event.PipelineJob{
		Origin: r.origin(), RunID: r.RunID, Attempt: r.Attempt, Name: r.Name, Runner: r.Runner,
		Status: event.Status(r.Status), StatusRaw: r.StatusRaw,
		CreatedAt: known(r.CreatedAt), StartedAt: known(r.StartedAt), FinishedAt: known(r.FinishedAt),
	}
}

type changeRow struct {
	originRow
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

func newChangeRow(c *event.Change) changeRow {
	return changeRow{
		originRow: newOriginRow(&c.Origin), Repository: c.Repository, Number: c.Number, Title: c.Title,
		Author: c.Author, Bot: c.Bot,
		CreatedAt: nullable(&c.CreatedAt), FirstCommitAt: nullable(&c.FirstCommitAt),
		FirstReviewAt: nullable(&c.FirstReviewAt), ApprovedAt: nullable(&c.ApprovedAt),
		MergedAt: nullable(&c.MergedAt), ClosedAt: nullable(&c.ClosedAt),
		MergeSHA: c.MergeSHA, HeadSHA: c.HeadSHA, CommitSHAs: c.CommitSHAs,
		Additions: c.Additions, Deletions: c.Deletions, Reverts: c.Reverts,
	}
}

func (r changeRow) event() event.Change {
	return event.Change{
		Origin: r.origin(), Repository: r.Repository, Number: r.Number, Title: r.Title,
		Author: r.Author, Bot: r.Bot,
		CreatedAt: known(r.CreatedAt), FirstCommitAt: known(r.FirstCommitAt), FirstReviewAt: known(r.FirstReviewAt),
		ApprovedAt: known(r.ApprovedAt), MergedAt: known(r.MergedAt), ClosedAt: known(r.ClosedAt),
		MergeSHA: r.MergeSHA, HeadSHA: r.HeadSHA, CommitSHAs: r.CommitSHAs,
		Additions: r.Additions, Deletions: r.Deletions, Reverts: r.Reverts,
	}
}

type incidentRow struct {
	originRow
	Severity       string     `ch:"severity"`
	OpenedAt       *time.Time `ch:"opened_at"`
	AcknowledgedAt *time.Time `ch:"acknowledged_at"`
	Resolved       bool       `ch:"resolved"` // the time may be unknown; rows of older versions have only the time
	ResolvedAt     *time.Time `ch:"resolved_at"`
	Deployment     string     `ch:"deployment"`
	How            string     `ch:"how"`
}

func newIncidentRow(i *event.Incident) incidentRow {
	return incidentRow{
		originRow: newOriginRow(&i.Origin), Severity: i.Severity,
		OpenedAt: nullable(&i.OpenedAt), AcknowledgedAt: nullable(&i.AcknowledgedAt),
		Resolved: i.Resolved(), ResolvedAt: nullable(&i.ResolvedAt),
		Deployment: i.Deployment, How: i.How,
	}
}

func (r incidentRow) event() event.Incident {
	return event.Incident{
		Origin: r.origin(), Severity: r.Severity,
		OpenedAt: known(r.OpenedAt), AcknowledgedAt: known(r.AcknowledgedAt), ResolvedAt: known(r.ResolvedAt),
		EndUnknown: r.Resolved && r.ResolvedAt == nil,
		Deployment: r.Deployment, How: r.How,
	}
}

type descriptorRow struct {
	Source     string     `ch:"source"`
	Provider   string     `ch:"provider"`
	Scope      string     `ch:"scope"`
	Location   string     `ch:"location"`
	Document   string     `ch:"document"`
	Revision   string     `ch:"revision"`
	URL        string     `ch:"url"`
	ObservedAt *time.Time `ch:"observed_at"`
}

func newDescriptorRow(d *event.Descriptor) descriptorRow {
	return descriptorRow{
		Source: d.Source, Provider: d.Provider, Scope: d.Scope, Location: d.Location, Document: d.Document,
		Revision: d.Revision, URL: d.URL, ObservedAt: nullable(&d.ObservedAt),
	}
}

func (r descriptorRow) event() event.Descriptor {
	return event.Descriptor{
		Source: r.Source, Provider: r.Provider, Scope: r.Scope, Location: r.Location, Document: r.Document,
		Revision: r.Revision, URL: r.URL, ObservedAt: known(r.ObservedAt),
	}
}

type actionRunRow struct {
	Source     string     `ch:"source"`
	ID         string     `ch:"id"`
	URL        string     `ch:"url"`
	Kind       string     `ch:"kind"`
	Entity     string     `ch:"entity"`
	Actor      string     `ch:"actor"`
	Plan       string     `ch:"plan"`
	Status     string     `ch:"status"`
	StartedAt  *time.Time `ch:"started_at"`
	FinishedAt *time.Time `ch:"finished_at"`
}

func newActionRunRow(a *event.ActionRun) actionRunRow {
	return actionRunRow{
		Source: a.Source, ID: a.ID, URL: a.URL, Kind: a.Action, Entity: a.Entity, Actor: a.Actor, Plan: a.Plan,
		Status: string(a.Status), StartedAt: nullable(&a.StartedAt), FinishedAt: nullable(&a.FinishedAt),
	}
}

func (r actionRunRow) event() event.ActionRun {
	return event.ActionRun{
		Source: r.Source, ID: r.ID, URL: r.URL, Action: r.Kind, Entity: r.Entity, Actor: r.Actor, Plan: r.Plan,
		Status: event.Status(r.Status), StartedAt: known(r.StartedAt), FinishedAt: known(r.FinishedAt),
	}
}

type ledgerRow struct {
	Source      string    `ch:"source"`
	Provider    string    `ch:"provider"`
	Scope       string    `ch:"scope"`
	Kind        string    `ch:"kind"`
	WindowStart time.Time `ch:"window_start"`
	WindowEnd   time.Time `ch:"window_end"`
	Expected    uint64    `ch:"expected"`
	Stored      uint64    `ch:"stored"`
	Open        uint64    `ch:"open"`
	CheckedAt   time.Time `ch:"checked_at"`
	URL         string    `ch:"url"`
	Note        string    `ch:"note"`
}

func newLedgerRow(l *event.LedgerEntry) ledgerRow {
	return ledgerRow{
		Source: l.Source, Provider: l.Provider, Scope: l.Scope, Kind: string(l.Of),
		WindowStart: l.WindowStart, WindowEnd: l.WindowEnd, Expected: l.Expected, Stored: l.Stored, Open: l.Open,
		CheckedAt: l.CheckedAt, URL: l.URL, Note: l.Note,
	}
}

func (r ledgerRow) event() event.LedgerEntry {
	return event.LedgerEntry{
		Source: r.Source, Provider: r.Provider, Scope: r.Scope, Of: event.Kind(r.Kind),
		WindowStart: r.WindowStart.UTC(), WindowEnd: r.WindowEnd.UTC(), Expected: r.Expected, Stored: r.Stored, Open: r.Open,
		CheckedAt: r.CheckedAt.UTC(), URL: r.URL, Note: r.Note,
	}
}
