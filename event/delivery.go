package event

import (
	"errors"
	"time"
)

// Deployment is one attempt to deploy a version to an environment.
type Deployment struct {
	Origin
	Attempt     uint16 // 1 for the first
	Environment string // the source's own word; the configuration maps it ("prod" → production) when it is read
	Status      Status
	StatusRaw   string
	CreatedAt   time.Time
	StartedAt   time.Time
	FinishedAt  time.Time // of the first final status; a deployment that is later superseded keeps it
	SHA         string
	Ref         string
	Version     string
	Actor       string // login at the source
	Bot         bool   // the actor is a bot account
	Trigger     string // what started it: push, manual, schedule, pipeline …
	Baseline    bool   // the source says that this only recorded what already ran
	RollbackOf  string // id of the deployment that this one undoes, when the source says so

	// EnvironmentKey is the environment as a part of the identity, in lower case: set where whoever gives the ids may use
	// one for several environments (a build number, a version). It is empty where the source's own ids are unique: there
	// a later observation may correct the environment.
	EnvironmentKey string
}

// Key returns the identity of the deployment.
func (d Deployment) Key() DeploymentKey {
	return DeploymentKey{Source: d.Source, Scope: d.Scope, ID: d.ID, Attempt: d.Attempt, Environment: d.EnvironmentKey}
}

// Kind returns KindDeployment.
func (Deployment) Kind() Kind { return KindDeployment }

// Identity returns the source's id in its scope, the attempt, and the environment key.
func (d Deployment) Identity() Identity {
	id := d.identity(KindDeployment)
	id.Attempt = d.Attempt
	id.Environment = d.EnvironmentKey
	return id
}

// Began returns CreatedAt.
func (d Deployment) Began() time.Time { return d.CreatedAt }

func (d Deployment) normalized() Event {
	d.URL = address(d.URL)
	cutAll(MaxWord, &d.StatusRaw, &d.SHA, &d.Trigger)
	cutAll(MaxName, &d.Ref, &d.Version, &d.Actor)
	cutAll(MaxID, &d.RollbackOf)
	inMillis(&d.CreatedAt, &d.StartedAt, &d.FinishedAt)
	return d
}

// Validate checks identity, status and times.
func (d Deployment) Validate() error {
	return errors.Join(
		d.validate(KindDeployment),
		bounded(KindDeployment, d.ID, limited{"environment", d.Environment, MaxScope},
			limited{"environment key", d.EnvironmentKey, MaxScope}),
		d.Status.validate(KindDeployment, d.ID),
		validateTimes(KindDeployment, d.ID, namedTime{"created_at", d.CreatedAt}, namedTime{"started_at", d.StartedAt},
			namedTime{"finished_at", d.FinishedAt}),
	)
}

// PipelineRun is one attempt of a run of a CI pipeline.
type PipelineRun struct {
	Origin
	Attempt    uint16 // 1 for the first; a re-run is a further attempt of the same ID
	Pipeline   string // name of the workflow or job
	Status     Status
	StatusRaw  string
	Branch     string
	Trigger    string // push, pull_request, schedule, manual …
	SHA        string
	Actor      string
	Bot        bool
	CreatedAt  time.Time
	StartedAt  time.Time // of this attempt
	FinishedAt time.Time // end of the last job that nobody started by hand, or the source's own end of the run

	// Duration is the source's own duration of this attempt, which may differ from FinishedAt − StartedAt because the
	// source leaves out waiting. 0 means not known: a run that took no time did not run.
	Duration time.Duration
}

// Kind returns KindPipelineRun.
func (PipelineRun) Kind() Kind { return KindPipelineRun }

// Identity returns the source's id in its scope, and the attempt.
func (r PipelineRun) Identity() Identity {
	id := r.identity(KindPipelineRun)
	id.Attempt = r.Attempt
	return id
}

// Began returns CreatedAt.
func (r PipelineRun) Began() time.Time { return r.CreatedAt }

func (r PipelineRun) normalized() Event {
	r.URL = address(r.URL)
	cutAll(MaxWord, &r.StatusRaw, &r.SHA, &r.Trigger)
	cutAll(MaxName, &r.Pipeline, &r.Branch, &r.Actor)
	inMillis(&r.CreatedAt, &r.StartedAt, &r.FinishedAt)
	return r
}

// Validate checks identity, status and times.
func (r PipelineRun) Validate() error {
	err := errors.Join(r.validate(KindPipelineRun), r.Status.validate(KindPipelineRun, r.ID),
		validateTimes(KindPipelineRun, r.ID, namedTime{"created_at", r.CreatedAt}, namedTime{"started_at", r.StartedAt},
			namedTime{"finished_at", r.FinishedAt}))
	if r.Duration < 0 {
		err = errors.Join(err, errors.New("pipeline_run "+r.ID+": negative duration"))
	}
	return err
}

// PipelineJob is a job of one attempt of a pipeline run.
type PipelineJob struct {
	Origin
	RunID      string
	Attempt    uint16 // the run's attempt
	Name       string
	Runner     string
	Status     Status
	StatusRaw  string
	CreatedAt  time.Time // StartedAt − CreatedAt is the time in the queue
	StartedAt  time.Time
	FinishedAt time.Time
}

// Kind returns KindPipelineJob.
func (PipelineJob) Kind() Kind { return KindPipelineJob }

// Identity returns the source's id in its scope, the run and its attempt.
func (j PipelineJob) Identity() Identity {
	id := j.identity(KindPipelineJob)
	id.Parent = j.RunID
	id.Attempt = j.Attempt
	return id
}

// Began returns CreatedAt.
func (j PipelineJob) Began() time.Time { return j.CreatedAt }

func (j PipelineJob) normalized() Event {
	j.URL = address(j.URL)
	cutAll(MaxWord, &j.StatusRaw)
	cutAll(MaxName, &j.Name, &j.Runner)
	inMillis(&j.CreatedAt, &j.StartedAt, &j.FinishedAt)
	return j
}

// Validate checks identity, status and times.
func (j PipelineJob) Validate() error {
	err := errors.Join(j.validate(KindPipelineJob), j.Status.validate(KindPipelineJob, j.ID),
		validateTimes(KindPipelineJob, j.ID, namedTime{"created_at", j.CreatedAt}, namedTime{"started_at", j.StartedAt},
			namedTime{"finished_at", j.FinishedAt}))
	if j.RunID == "" {
		err = errors.Join(err, errors.New("pipeline_job "+beginning(j.ID)+": no run id"))
	}
	return errors.Join(err, bounded(KindPipelineJob, j.ID, limited{"run id", j.RunID, MaxID}))
}

// Change is a pull or merge request.
type Change struct {
	Origin
	Repository    string // owner/name
	Number        uint64
	Title         string
	Author        string
	Bot           bool
	CreatedAt     time.Time
	FirstCommitAt time.Time // author date of its oldest commit
	FirstReviewAt time.Time // by somebody who is neither the author nor a bot
	ApprovedAt    time.Time // first approval, likewise
	MergedAt      time.Time
	ClosedAt      time.Time // merged or not
	EndUnknown    string    // MergedChange or ClosedChange: it is so, but nobody knows since when, and the time is zero
	MergeSHA      string    // the commit on the target branch; empty when not merged
	HeadSHA       string
	CommitSHAs    []string
	Additions     uint32
	Deletions     uint32
	Reverts       string // number or commit that it reverts, when it says so
}

// What a change is.
const (
	OpenChange   = "open"
	MergedChange = "merged"
	ClosedChange = "closed" // without being merged
)

// State reports whether the change is open, merged or closed, be the time known or not.
func (c Change) State() string {
	switch {
	case !c.MergedAt.IsZero() || c.EndUnknown == MergedChange:
		return MergedChange
	case !c.ClosedAt.IsZero() || c.EndUnknown == ClosedChange:
		return ClosedChange
	}
	return OpenChange
}

// Ended sets the state that a source reports in addition to the times, which may be missing.
func (c *Change) Ended(state string) {
	c.EndUnknown = ""
	if state == MergedChange && c.MergedAt.IsZero() ||
		state == ClosedChange && c.MergedAt.IsZero() && c.ClosedAt.IsZero() {
		c.EndUnknown = state
	}
}

// Kind returns KindChange.
func (Change) Kind() Kind { return KindChange }

// Identity returns the source's id in its scope.
func (c Change) Identity() Identity { return c.identity(KindChange) }

// Began returns CreatedAt.
func (c Change) Began() time.Time { return c.CreatedAt }

func (c Change) normalized() Event {
	c.URL = address(c.URL)
	cutAll(MaxText, &c.Title)
	cutAll(MaxName, &c.Repository, &c.Author)
	cutAll(MaxWord, &c.MergeSHA, &c.HeadSHA, &c.Reverts)
	c.CommitSHAs = trimCommits(c.CommitSHAs)
	c.Ended(c.EndUnknown)
	inMillis(&c.CreatedAt, &c.FirstCommitAt, &c.FirstReviewAt, &c.ApprovedAt, &c.MergedAt, &c.ClosedAt)
	return c
}

// Validate checks identity and times.
func (c Change) Validate() error {
	return errors.Join(c.validate(KindChange),
		validateTimes(KindChange, c.ID, namedTime{"created_at", c.CreatedAt}, namedTime{"first_commit_at", c.FirstCommitAt},
			namedTime{"first_review_at", c.FirstReviewAt}, namedTime{"approved_at", c.ApprovedAt},
			namedTime{"merged_at", c.MergedAt}, namedTime{"closed_at", c.ClosedAt}))
}

// Incident is an outage or a degradation of a service.
type Incident struct {
	Origin
	Severity       string
	OpenedAt       time.Time
	AcknowledgedAt time.Time
	ResolvedAt     time.Time
	EndUnknown     bool   // it is resolved, but nobody knows since when: ResolvedAt is zero
	Deployment     string // id of the deployment that caused it, when known
	How            string // how that is known: said, time, commit
}

// Resolved reports whether the incident is over, be the time known or not.
func (i Incident) Resolved() bool { return i.EndUnknown || !i.ResolvedAt.IsZero() }

// Kind returns KindIncident.
func (Incident) Kind() Kind { return KindIncident }

// Identity returns the source's id in its scope.
func (i Incident) Identity() Identity { return i.identity(KindIncident) }

// Began returns OpenedAt.
func (i Incident) Began() time.Time { return i.OpenedAt }

func (i Incident) normalized() Event {
	i.URL = address(i.URL)
	cutAll(MaxWord, &i.Severity, &i.How)
	cutAll(MaxID, &i.Deployment)
	inMillis(&i.OpenedAt, &i.AcknowledgedAt, &i.ResolvedAt)
	return i
}

// Validate checks identity and times.
func (i Incident) Validate() error {
	return errors.Join(i.validate(KindIncident),
		validateTimes(KindIncident, i.ID, namedTime{"opened_at", i.OpenedAt}, namedTime{"acknowledged_at", i.AcknowledgedAt},
			namedTime{"resolved_at", i.ResolvedAt}))
}
