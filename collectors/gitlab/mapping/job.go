package mapping

import (
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Runner is what is used of a runner.
type Runner struct {
	Description string `json:"description"`
}

// Job is what is used of a job.
type Job struct {
	ID             int64            `json:"id"`
	Name           string           `json:"name"`
	Status         string           `json:"status"`
	Ref            string           `json:"ref"`
	Tag            bool             `json:"tag"`
	AllowFailure   bool             `json:"allow_failure"`
	CreatedAt      source.Timestamp `json:"created_at"`
	StartedAt      source.Timestamp `json:"started_at"`
	FinishedAt     source.Timestamp `json:"finished_at"`
	QueuedDuration Amount           `json:"queued_duration"` // seconds
	WebURL         string           `json:"web_url"`
	User           *User            `json:"user"`
	Tags           []string         `json:"tag_list"`
	Runner         *Runner          `json:"runner"`
	Commit         *struct {
		ID string `json:"id"`
	} `json:"commit"`
	Pipeline Pipeline `json:"pipeline"`
}

// Key returns the id. Of two jobs, the newer one has the greater id.
func (j Job) Key() int64 { return j.ID }

// Created returns when the job was created; zero: not known.
func (j Job) Created() time.Time { return j.CreatedAt.Time }

// Updated returns when the job was last updated: jobs have no time of update, so it is the creation.
func (j Job) Updated() time.Time { return j.CreatedAt.Time }

// entered is when the job entered the queue. GitLab makes all jobs of a pipeline at its beginning, where they wait for
// the stage before them; only the time that it gives as queued was spent waiting for a runner.
func (j Job) entered() time.Time {
	if j.StartedAt.IsZero() || !j.QueuedDuration.Known || j.QueuedDuration.N < 0 ||
		j.QueuedDuration.N > maxSeconds {
		return j.CreatedAt.Time
	}
	return source.Latest(j.CreatedAt.Time, j.StartedAt.Add(-time.Duration(j.QueuedDuration.N*float64(time.Second))))
}

// JobEvent returns the event of a job. Its Runner is the tag that selected the runner.
func (m Mapper) JobEvent(j Job) event.PipelineJob {
	mapped := m.status("status of a job", j.Status)
	e := event.PipelineJob{
		Origin:    m.Origin(strconv.FormatInt(j.ID, 10), j.WebURL),
		RunID:     strconv.FormatInt(j.Pipeline.ID, 10),
		Attempt:   1,
		Name:      j.Name,
		Status:    mapped,
		StatusRaw: j.Status,
		CreatedAt: j.entered(),
		StartedAt: j.StartedAt.Time,
	}
	switch {
	case len(j.Tags) > 0:
		e.Runner = j.Tags[0]
	case j.Runner != nil:
		e.Runner = j.Runner.Description
	}
	if mapped.Final() {
		e.FinishedAt = j.FinishedAt.Time
	}
	return e
}

// Amount is a number in GitLab's JSON, such as seconds. Null and what is no number are not known, which is not the same
// as 0.
type Amount struct {
	N     float64
	Known bool
}

// UnmarshalJSON never fails, as [source.Timestamp].
func (a *Amount) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseFloat(string(b), 64)
	if *a = (Amount{}); err == nil {
		*a = Amount{n, true}
	}
	return nil
}
