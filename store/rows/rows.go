// Package rows has one struct a table of events: the names of its columns stand in `ch` tags, and a time or a duration
// that can be unknown is a pointer. Appending and reading go through these structs, so that a column is named once.
//
// The column seq is not among their fields: the store numbers what it writes, and no reader of a row needs it.
package rows

import (
	"time"

	"github.com/dxctl/dxctl/event"
)

// originColumns are the columns of an event's origin.
type originColumns struct {
	Source     string `ch:"source"`
	Provider   string `ch:"provider"`
	Scope      string `ch:"scope"`
	ID         string `ch:"id"`
	URL        string `ch:"url"`
	Service    string `ch:"service"`
	MergeState string `ch:"merge_state"`
}

func newOriginColumns(o *event.Origin) originColumns {
	return originColumns{
		Source: o.Source, Provider: o.Provider, Scope: o.Scope, ID: o.ID, URL: o.URL, Service: o.Service,
		MergeState: o.MergeState,
	}
}

func (r *originColumns) origin() event.Origin {
	return event.Origin{
		Source: r.Source, Provider: r.Provider, Scope: r.Scope, ID: r.ID, URL: r.URL, Service: r.Service,
		MergeState: r.MergeState,
	}
}

// Deployment is the row of a deployment.
type Deployment struct {
	originColumns
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

// NewDeployment returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewDeployment(d *event.Deployment) Deployment {
	return Deployment{
		originColumns:  newOriginColumns(&d.Origin),
		Attempt:        d.Attempt,
		Environment:    d.Environment,
		EnvironmentKey: d.EnvironmentKey,
		Status:         string(d.Status),
		StatusRaw:      d.StatusRaw,
		CreatedAt:      nullable(&d.CreatedAt),
		StartedAt:      nullable(&d.StartedAt),
		FinishedAt:     nullable(&d.FinishedAt),
		SHA:            d.SHA,
		Ref:            d.Ref,
		Version:        d.Version,
		Actor:          d.Actor,
		Bot:            d.Bot,
		Trigger:        d.Trigger,
		Baseline:       d.Baseline,
		RollbackOf:     d.RollbackOf,
	}
}

// Event returns the event that the row was made of.
func (r Deployment) Event() event.Deployment {
	return event.Deployment{
		Origin: r.origin(), Attempt: r.Attempt, Environment: r.Environment, EnvironmentKey: r.EnvironmentKey,
		Status: event.Status(r.Status), StatusRaw: r.StatusRaw,
		CreatedAt: Known(r.CreatedAt), StartedAt: Known(r.StartedAt), FinishedAt: Known(r.FinishedAt),
		SHA: r.SHA, Ref: r.Ref, Version: r.Version, Actor: r.Actor, Bot: r.Bot, Trigger: r.Trigger,
		Baseline: r.Baseline, RollbackOf: r.RollbackOf,
	}
}

// PipelineRun is the row of a pipeline run.
type PipelineRun struct {
	originColumns
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

// NewPipelineRun returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewPipelineRun(r *event.PipelineRun) PipelineRun {
	return PipelineRun{
		originColumns: newOriginColumns(&r.Origin), Attempt: r.Attempt, Pipeline: r.Pipeline,
		Status: string(r.Status), StatusRaw: r.StatusRaw, Branch: r.Branch, Trigger: r.Trigger, SHA: r.SHA,
		Actor: r.Actor, Bot: r.Bot,
		CreatedAt: nullable(&r.CreatedAt), StartedAt: nullable(&r.StartedAt), FinishedAt: nullable(&r.FinishedAt),
		DurationMS: milliseconds(r.Duration),
	}
}

// Event returns the event that the row was made of.
func (r PipelineRun) Event() event.PipelineRun {
	return event.PipelineRun{
		Origin: r.origin(), Attempt: r.Attempt, Pipeline: r.Pipeline,
		Status: event.Status(r.Status), StatusRaw: r.StatusRaw, Branch: r.Branch, Trigger: r.Trigger, SHA: r.SHA,
		Actor: r.Actor, Bot: r.Bot,
		CreatedAt: Known(r.CreatedAt), StartedAt: Known(r.StartedAt), FinishedAt: Known(r.FinishedAt),
		Duration: knownDuration(r.DurationMS),
	}
}

// PipelineJob is the row of a pipeline job.
type PipelineJob struct {
	originColumns
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

// NewPipelineJob returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewPipelineJob(j *event.PipelineJob) PipelineJob {
	return PipelineJob{
		originColumns: newOriginColumns(&j.Origin), RunID: j.RunID, Attempt: j.Attempt, Name: j.Name, Runner: j.Runner,
		Status: string(j.Status), StatusRaw: j.StatusRaw,
		CreatedAt: nullable(&j.CreatedAt), StartedAt: nullable(&j.StartedAt), FinishedAt: nullable(&j.FinishedAt),
	}
}

// Event returns the event that the row was made of.
func (r PipelineJob) Event() event.PipelineJob {
	return event.PipelineJob{
		Origin: r.origin(), RunID: r.RunID, Attempt: r.Attempt, Name: r.Name, Runner: r.Runner,
		Status: event.Status(r.Status), StatusRaw: r.StatusRaw,
		CreatedAt: Known(r.CreatedAt), StartedAt: Known(r.StartedAt), FinishedAt: Known(r.FinishedAt),
	}
}

// Change is the row of a change.
type Change struct {
	originColumns
	Repository    string     `ch:"repository"`
	Number        uint64     `ch:"number"`
	Title         string     `ch:"title"`
	Author        string     `ch:"author"`
	Bot           bool       `ch:"bot"`
	CreatedAt     *time.Time `ch:"created_at"`
	FirstCommitAt *time.Time `ch:"first_commit_at"`
	FirstReviewAt *time.Time `ch:"first_review_at"`
	ApprovedAt    *time.Time `ch:"approved_at"`
	State         string     `ch:"state"` // the times may be unknown; rows of older versions have only the times
	MergedAt      *time.Time `ch:"merged_at"`
	ClosedAt      *time.Time `ch:"closed_at"`
	MergeSHA      string     `ch:"merge_sha"`
	HeadSHA       string     `ch:"head_sha"`
	CommitSHAs    []string   `ch:"commit_shas"`
	Additions     uint32     `ch:"additions"`
	Deletions     uint32     `ch:"deletions"`
	Reverts       string     `ch:"reverts"`
}

// NewChange returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewChange(c *event.Change) Change {
	return Change{
		originColumns: newOriginColumns(&c.Origin), Repository: c.Repository, Number: c.Number, Title: c.Title,
		Author: c.Author, Bot: c.Bot,
		CreatedAt: nullable(&c.CreatedAt), FirstCommitAt: nullable(&c.FirstCommitAt),
		FirstReviewAt: nullable(&c.FirstReviewAt), ApprovedAt: nullable(&c.ApprovedAt),
		State: c.State(), MergedAt: nullable(&c.MergedAt), ClosedAt: nullable(&c.ClosedAt),
		MergeSHA: c.MergeSHA, HeadSHA: c.HeadSHA, CommitSHAs: c.CommitSHAs,
		Additions: c.Additions, Deletions: c.Deletions, Reverts: c.Reverts,
	}
}

// Event returns the event that the row was made of.
func (r Change) Event() event.Change {
	c := event.Change{
		Origin: r.origin(), Repository: r.Repository, Number: r.Number, Title: r.Title,
		Author: r.Author, Bot: r.Bot,
		CreatedAt: Known(r.CreatedAt), FirstCommitAt: Known(r.FirstCommitAt), FirstReviewAt: Known(r.FirstReviewAt),
		ApprovedAt: Known(r.ApprovedAt), MergedAt: Known(r.MergedAt), ClosedAt: Known(r.ClosedAt),
		MergeSHA: r.MergeSHA, HeadSHA: r.HeadSHA, CommitSHAs: r.CommitSHAs,
		Additions: r.Additions, Deletions: r.Deletions, Reverts: r.Reverts,
	}
	c.Ended(r.State)
	return c
}

// Incident is the row of a incident.
type Incident struct {
	originColumns
	Severity       string     `ch:"severity"`
	OpenedAt       *time.Time `ch:"opened_at"`
	AcknowledgedAt *time.Time `ch:"acknowledged_at"`
	Resolved       bool       `ch:"resolved"` // the time may be unknown; rows of older versions have only the time
	ResolvedAt     *time.Time `ch:"resolved_at"`
	Deployment     string     `ch:"deployment"`
	How            string     `ch:"how"`
}

// NewIncident returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewIncident(i *event.Incident) Incident {
	return Incident{
		originColumns: newOriginColumns(&i.Origin), Severity: i.Severity,
		OpenedAt: nullable(&i.OpenedAt), AcknowledgedAt: nullable(&i.AcknowledgedAt),
		Resolved: i.Resolved(), ResolvedAt: nullable(&i.ResolvedAt),
		Deployment: i.Deployment, How: i.How,
	}
}

// Event returns the event that the row was made of.
func (r Incident) Event() event.Incident {
	return event.Incident{
		Origin: r.origin(), Severity: r.Severity,
		OpenedAt: Known(r.OpenedAt), AcknowledgedAt: Known(r.AcknowledgedAt), ResolvedAt: Known(r.ResolvedAt),
		EndUnknown: r.Resolved && r.ResolvedAt == nil,
		Deployment: r.Deployment, How: r.How,
	}
}

// Descriptor is the row of a descriptor.
type Descriptor struct {
	Source     string     `ch:"source"`
	Provider   string     `ch:"provider"`
	Scope      string     `ch:"scope"`
	Location   string     `ch:"location"`
	Document   string     `ch:"document"`
	Revision   string     `ch:"revision"`
	URL        string     `ch:"url"`
	ObservedAt *time.Time `ch:"observed_at"`
}

// NewDescriptor returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewDescriptor(d *event.Descriptor) Descriptor {
	return Descriptor{
		Source: d.Source, Provider: d.Provider, Scope: d.Scope, Location: d.Location, Document: d.Document,
		Revision: d.Revision, URL: d.URL, ObservedAt: nullable(&d.ObservedAt),
	}
}

// Event returns the event that the row was made of.
func (r Descriptor) Event() event.Descriptor {
	return event.Descriptor{
		Source: r.Source, Provider: r.Provider, Scope: r.Scope, Location: r.Location, Document: r.Document,
		Revision: r.Revision, URL: r.URL, ObservedAt: Known(r.ObservedAt),
	}
}

// LedgerEntry is the row of a ledger entry.
type LedgerEntry struct {
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

// NewLedgerEntry returns the row of an event, which it points into: it is valid as long as the event is not changed.
func NewLedgerEntry(l *event.LedgerEntry) LedgerEntry {
	return LedgerEntry{
		Source: l.Source, Provider: l.Provider, Scope: l.Scope, Kind: string(l.Of),
		WindowStart: l.WindowStart, WindowEnd: l.WindowEnd, Expected: l.Expected, Stored: l.Stored, Open: l.Open,
		CheckedAt: l.CheckedAt, URL: l.URL, Note: l.Note,
	}
}

// Event returns the event that the row was made of.
func (r LedgerEntry) Event() event.LedgerEntry {
	return event.LedgerEntry{
		Source: r.Source, Provider: r.Provider, Scope: r.Scope, Of: event.Kind(r.Kind),
		WindowStart: r.WindowStart.UTC(), WindowEnd: r.WindowEnd.UTC(), Expected: r.Expected, Stored: r.Stored, Open: r.Open,
		CheckedAt: r.CheckedAt.UTC(), URL: r.URL, Note: r.Note,
	}
}
