package records

import (
	"strconv"
	"time"
)

// The documents have the columns of the public views under the views' names. A time that is not known is null, a text
// that is not known is empty.

// Deployment is a row of the view deployments.
type Deployment struct {
	Service        string     `ch:"service"         json:"service"`
	Environment    string     `ch:"environment"     json:"environment"`
	ID             string     `ch:"id"              json:"id"`
	Attempt        uint16     `ch:"attempt"         json:"attempt"`
	Status         string     `ch:"status"          json:"status"`
	StatusRaw      string     `ch:"status_raw"      json:"status_raw"`
	CreatedAt      *time.Time `ch:"created_at"      json:"created_at"`
	StartedAt      *time.Time `ch:"started_at"      json:"started_at"`
	FinishedAt     *time.Time `ch:"finished_at"     json:"finished_at"`
	SHA            string     `ch:"sha"             json:"sha"`
	Ref            string     `ch:"ref"             json:"ref"`
	Version        string     `ch:"version"         json:"version"`
	Actor          string     `ch:"actor"           json:"actor"`
	Person         string     `ch:"person"          json:"person"`
	Bot            bool       `ch:"bot"             json:"bot"`
	Trigger        string     `ch:"trigger"         json:"trigger"`
	Baseline       bool       `ch:"baseline"        json:"baseline"`
	RollbackOf     string     `ch:"rollback_of"     json:"rollback_of"`
	EnvironmentRaw string     `ch:"environment_raw" json:"environment_raw"`
	EnvironmentKey string     `ch:"environment_key" json:"environment_key"`
	Source         string     `ch:"source"          json:"source"`
	Scope          string     `ch:"scope"           json:"scope"`
	URL            string     `ch:"url"             json:"url"`
}

// Row returns what lists show of the deployment.
func (d Deployment) Row() Row {
	name := d.Version
	if name == "" {
		name = d.Ref
	}
	return Row{
		At: first(d.FinishedAt, d.StartedAt, d.CreatedAt), Service: d.Service, ID: d.ID, Attempt: d.Attempt, Name: name,
		Environment: d.Environment, Status: d.Status, StatusRaw: d.StatusRaw, SHA: d.SHA,
		Actor: d.Actor, Person: d.Person, Bot: d.Bot, Minutes: minutes(d.StartedAt, d.FinishedAt), URL: d.URL,
	}
}

// PipelineRun is a row of the view pipeline_runs.
type PipelineRun struct {
	Service    string     `ch:"service"     json:"service"`
	Pipeline   string     `ch:"pipeline"    json:"pipeline"`
	ID         string     `ch:"id"          json:"id"`
	Attempt    uint16     `ch:"attempt"     json:"attempt"`
	Status     string     `ch:"status"      json:"status"`
	StatusRaw  string     `ch:"status_raw"  json:"status_raw"`
	Branch     string     `ch:"branch"      json:"branch"`
	Trigger    string     `ch:"trigger"     json:"trigger"`
	SHA        string     `ch:"sha"         json:"sha"`
	Actor      string     `ch:"actor"       json:"actor"`
	Person     string     `ch:"person"      json:"person"`
	Bot        bool       `ch:"bot"         json:"bot"`
	CreatedAt  *time.Time `ch:"created_at"  json:"created_at"`
	StartedAt  *time.Time `ch:"started_at"  json:"started_at"`
	FinishedAt *time.Time `ch:"finished_at" json:"finished_at"`
	DurationMS *uint64    `ch:"duration_ms" json:"duration_ms"` // the source's own, in milliseconds
	Source     string     `ch:"source"      json:"source"`
	Scope      string     `ch:"scope"       json:"scope"`
	URL        string     `ch:"url"         json:"url"`
}

// Row returns what lists show of the run. The source's own duration comes before the times.
func (r PipelineRun) Row() Row {
	took := minutes(r.StartedAt, r.FinishedAt)
	if r.DurationMS != nil && *r.DurationMS > 0 {
		m := (time.Duration(*r.DurationMS) * time.Millisecond).Minutes()
		took = &m
	}
	return Row{
		At: first(r.FinishedAt, r.StartedAt, r.CreatedAt), Service: r.Service, ID: r.ID, Attempt: r.Attempt, Name: r.Pipeline,
		Status: r.Status, StatusRaw: r.StatusRaw, SHA: r.SHA,
		Actor: r.Actor, Person: r.Person, Bot: r.Bot, Minutes: took, URL: r.URL,
	}
}

// PipelineJob is a row of the view pipeline_jobs.
type PipelineJob struct {
	Service    string     `ch:"service"     json:"service"`
	RunID      string     `ch:"run_id"      json:"run_id"`
	Attempt    uint16     `ch:"attempt"     json:"attempt"`
	ID         string     `ch:"id"          json:"id"`
	Name       string     `ch:"name"        json:"name"`
	Runner     string     `ch:"runner"      json:"runner"`
	Status     string     `ch:"status"      json:"status"`
	StatusRaw  string     `ch:"status_raw"  json:"status_raw"`
	CreatedAt  *time.Time `ch:"created_at"  json:"created_at"`
	StartedAt  *time.Time `ch:"started_at"  json:"started_at"`
	FinishedAt *time.Time `ch:"finished_at" json:"finished_at"`
	Source     string     `ch:"source"      json:"source"`
	Scope      string     `ch:"scope"       json:"scope"`
	URL        string     `ch:"url"         json:"url"`
}

// Row returns what lists show of the job.
func (j PipelineJob) Row() Row {
	return Row{
		At: first(j.FinishedAt, j.StartedAt, j.CreatedAt), Service: j.Service, ID: j.ID, Attempt: j.Attempt, Name: j.Name,
		Status: j.Status, StatusRaw: j.StatusRaw,
		Minutes: minutes(j.StartedAt, j.FinishedAt), Queue: minutes(j.CreatedAt, j.StartedAt), URL: j.URL,
	}
}

// Change is a row of the view changes.
type Change struct {
	Service       string     `ch:"service"         json:"service"`
	Repository    string     `ch:"repository"      json:"repository"`
	ID            string     `ch:"id"              json:"id"`
	Number        uint64     `ch:"number"          json:"number"`
	Title         string     `ch:"title"           json:"title"`
	Status        string     `ch:"status"          json:"status"`
	Author        string     `ch:"author"          json:"author"`
	Person        string     `ch:"person"          json:"person"`
	Bot           bool       `ch:"bot"             json:"bot"`
	CreatedAt     *time.Time `ch:"created_at"      json:"created_at"`
	FirstCommitAt *time.Time `ch:"first_commit_at" json:"first_commit_at"`
	FirstReviewAt *time.Time `ch:"first_review_at" json:"first_review_at"`
	ApprovedAt    *time.Time `ch:"approved_at"     json:"approved_at"`
	MergedAt      *time.Time `ch:"merged_at"       json:"merged_at"`
	ClosedAt      *time.Time `ch:"closed_at"       json:"closed_at"`
	MergeSHA      string     `ch:"merge_sha"       json:"merge_sha"`
	HeadSHA       string     `ch:"head_sha"        json:"head_sha"`
	CommitSHAs    []string   `ch:"commit_shas"     json:"commit_shas"`
	Additions     uint32     `ch:"additions"       json:"additions"`
	Deletions     uint32     `ch:"deletions"       json:"deletions"`
	Reverts       string     `ch:"reverts"         json:"reverts"`
	Source        string     `ch:"source"          json:"source"`
	Scope         string     `ch:"scope"           json:"scope"`
	URL           string     `ch:"url"             json:"url"`
}

// Row returns what lists show of the change.
func (c Change) Row() Row {
	name, sha := c.Title, c.MergeSHA
	if name == "" {
		name = "#" + strconv.FormatUint(c.Number, 10)
	}
	if sha == "" {
		sha = c.HeadSHA
	}
	return Row{
		At: first(c.MergedAt, c.ClosedAt, c.CreatedAt), Service: c.Service, ID: c.ID, Name: name, Status: c.Status, SHA: sha,
		Actor: c.Author, Person: c.Person, Bot: c.Bot, URL: c.URL,
	}
}

// Incident is a row of the view incidents, and its status: open or resolved.
type Incident struct {
	Service        string     `ch:"service"         json:"service"`
	ID             string     `ch:"id"              json:"id"`
	Severity       string     `ch:"severity"        json:"severity"`
	Status         string     `ch:"status"          json:"status"`
	OpenedAt       *time.Time `ch:"opened_at"       json:"opened_at"`
	AcknowledgedAt *time.Time `ch:"acknowledged_at" json:"acknowledged_at"`
	ResolvedAt     *time.Time `ch:"resolved_at"     json:"resolved_at"`
	DeploymentID   string     `ch:"deployment_id"   json:"deployment_id"`
	LinkMethod     string     `ch:"link_method"     json:"link_method"`
	Source         string     `ch:"source"          json:"source"`
	Scope          string     `ch:"scope"           json:"scope"`
	URL            string     `ch:"url"             json:"url"`
}

// Row returns what lists show of the incident.
func (i Incident) Row() Row {
	return Row{
		At: i.OpenedAt, Service: i.Service, ID: i.ID, Name: i.Severity, Status: i.Status,
		Minutes: minutes(i.OpenedAt, i.ResolvedAt), URL: i.URL,
	}
}

// first returns the first time that is known, or nil.
func first(times ...*time.Time) *time.Time {
	for _, t := range times {
		if t != nil {
			return t
		}
	}
	return nil
}

// minutes is the time from one instant to another, or nil when one of them is not known or the clock ran backwards.
func minutes(from, to *time.Time) *float64 {
	if from == nil || to == nil || to.Before(*from) {
		return nil
	}
	m := to.Sub(*from).Minutes()
	return &m
}

// ActionRun is a row of the view action_runs.
type ActionRun struct {
	ID         string     `ch:"id"          json:"id"`
	Kind       string     `ch:"kind"        json:"kind"` // name of the action
	Entity     string     `ch:"entity"      json:"entity"`
	Actor      string     `ch:"actor"       json:"actor"`
	Plan       string     `ch:"plan"        json:"plan"`  // digest of the plan that was applied
	Batch      string     `ch:"batch"       json:"batch"` // empty: none
	Wave       uint32     `ch:"wave"        json:"wave"`  // of the batch, from 1; 0: none
	Repository string     `ch:"repository"  json:"repository"`
	Rules      []string   `ch:"rules"       json:"rules"`   // that it should make pass
	Outcome    string     `ch:"outcome"     json:"outcome"` // such as opened, merged or declined; empty: not known
	Patch      string     `ch:"patch"       json:"patch"`   // digest of the changes of files
	Pull       uint64     `ch:"pull"        json:"pull"`    // number of the pull request; 0: none
	Note       string     `ch:"note"        json:"note"`
	Status     string     `ch:"status"      json:"status"`
	StartedAt  *time.Time `ch:"started_at"  json:"started_at"`
	FinishedAt *time.Time `ch:"finished_at" json:"finished_at"`
	Source     string     `ch:"source"      json:"source"`
	URL        string     `ch:"url"         json:"url"`
}

// Row returns what lists show of the run.
func (r ActionRun) Row() Row {
	return Row{
		At: first(r.FinishedAt, r.StartedAt), Service: r.Entity, ID: r.ID, Name: r.Kind, Status: r.Status, Actor: r.Actor,
		Minutes: minutes(r.StartedAt, r.FinishedAt), URL: r.URL,
	}
}
