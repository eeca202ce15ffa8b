package gitlab

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// pipeline is what is used of a pipeline, as its listing and each of its jobs show it.
type pipeline struct {
	ID        int64            `json:"id"`
	Name      string           `json:"name"`
	SHA       string           `json:"sha"`
	Ref       string           `json:"ref"`
	Status    string           `json:"status"`
	Source    string           `json:"source"`
	CreatedAt source.Timestamp `json:"created_at"`
	UpdatedAt source.Timestamp `json:"updated_at"`
	WebURL    string           `json:"web_url"`
}

func (j job) key() int64         { return j.ID }
func (j job) created() time.Time { return j.CreatedAt.Time }
func (j job) updated() time.Time { return j.CreatedAt.Time }

func (p pipeline) key() int64         { return p.ID }
func (p pipeline) created() time.Time { return p.CreatedAt.Time }
func (p pipeline) updated() time.Time { return source.Latest(p.CreatedAt.Time, p.UpdatedAt.Time) }

// childSource is the source of a pipeline that another one of the same project started. GitLab lists those only when it
// is asked for them.
const childSource = "parent_pipeline"

// maxSeconds is the longest duration, in seconds, that GitLab is believed to give: 35 days.
const maxSeconds = 35 * 24 * 60 * 60

// title is what stands for the pipeline's name, which most pipelines do not have: how its configuration came to run.
func (p pipeline) title() string {
	switch {
	case p.Name != "":
		return p.Name
	case p.Source == childSource:
		return "child pipeline"
	case p.Source == "external":
		return "external"
	}
	return "pipeline"
}

// mergeRequestRef begins the ref of the pipeline of a merge request; the request's number follows.
const mergeRequestRef = "refs/merge-requests/"

// branch is the branch, or !N for the pipeline of a merge request, whose ref is none.
func (p pipeline) branch() string {
	if number, ok := strings.CutPrefix(p.Ref, mergeRequestRef); ok {
		number, _, _ = strings.Cut(number, "/")
		return "!" + number
	}
	return p.Ref
}

// span is what the jobs of a pipeline, or GitLab itself, say about it: when it started and ended, and who started it.
type span struct {
	Start time.Time `json:"start,omitzero"`
	// of the latest job that ended without having run; without jobs, of the pipeline
	Finish   time.Time     `json:"finish,omitzero"`
	Work     []work        `json:"work,omitempty"`    // jobs that ran
	Duration time.Duration `json:"duration,omitzero"` // GitLab's own: the time in which jobs ran; 0: not known
	Actor    string        `json:"actor,omitempty"`
	Bot      bool          `json:"bot,omitempty"`
	// the job with the lowest id, whose user is the actor: later ones may be retries
	First int64 `json:"first,omitempty"`
}

func (s span) with(j job) span {
	s.Start = source.Earliest(s.Start, j.StartedAt.Time)
	if w, ran := workOf(j); ran {
		s.Work = add(slices.Clone(s.Work), w)
	} else {
		s.Finish = source.Latest(s.Finish, j.FinishedAt.Time)
	}
	if s.First == 0 || j.ID < s.First {
		s.First, s.Actor, s.Bot = j.ID, j.User.login(), j.User.bot()
	}
	return s
}

// end is when a pipeline that was created at a time was over; zero when that is not known.
func (s span) end(created time.Time) time.Time {
	if len(s.Work) == 0 {
		return s.Finish
	}
	return end(created, s.Work)
}

// pipelineDetail is what GitLab gives of a pipeline that is asked for alone, beside what its listing shows.
type pipelineDetail struct {
	StartedAt  source.Timestamp `json:"started_at"`
	FinishedAt source.Timestamp `json:"finished_at"`
	Duration   amount           `json:"duration"` // seconds
	User       *user            `json:"user"`
}

// span returns GitLab's own times. GitLab moves the finish when a job is pressed or retried later, and its duration
// counts only the time in which jobs ran: where the two do not fit, the finish is not known.
func (d pipelineDetail) span() span {
	s := span{Start: d.StartedAt.Time, Finish: d.FinishedAt.Time, Actor: d.User.login(), Bot: d.User.bot()}
	if n := d.Duration; n.known && n.n > 0 && n.n <= maxSeconds {
		s.Duration = time.Duration(n.n * float64(time.Second)).Round(time.Millisecond)
		if !s.Start.IsZero() && s.Finish.Sub(s.Start) > s.Duration+promptly {
			s.Finish = time.Time{}
		}
	}
	return s
}

// runEvent makes the event of a pipeline. The listing gives no start and no finish: they are those of its jobs, and not
// known where there are none. GitLab keeps the id when jobs are retried, so there is one attempt, and
// what is retried or pressed by hand after its end does not move that.
func (m mapper) runEvent(g pipeline, s span) event.PipelineRun {
	mapped := m.status("status of a pipeline", g.Status)
	e := event.PipelineRun{
		Origin:    m.origin(strconv.FormatInt(g.ID, 10), g.WebURL),
		Attempt:   1,
		Pipeline:  g.title(),
		Status:    mapped,
		StatusRaw: g.Status,
		Branch:    g.branch(),
		Trigger:   g.Source,
		SHA:       g.SHA,
		Actor:     s.Actor,
		Bot:       s.Bot,
		CreatedAt: g.CreatedAt.Time,
		StartedAt: s.Start,
	}
	if mapped.Final() {
		e.FinishedAt, e.Duration = s.end(g.CreatedAt.Time), s.Duration
	}
	return e
}

// runner is what is used of a runner.
type runner struct {
	Description string `json:"description"`
}

// job is what is used of a job.
type job struct {
	ID             int64            `json:"id"`
	Name           string           `json:"name"`
	Status         string           `json:"status"`
	Ref            string           `json:"ref"`
	Tag            bool             `json:"tag"`
	AllowFailure   bool             `json:"allow_failure"`
	CreatedAt      source.Timestamp `json:"created_at"`
	StartedAt      source.Timestamp `json:"started_at"`
	FinishedAt     source.Timestamp `json:"finished_at"`
	QueuedDuration amount           `json:"queued_duration"` // seconds
	WebURL         string           `json:"web_url"`
	User           *user            `json:"user"`
	Tags           []string         `json:"tag_list"`
	Runner         *runner          `json:"runner"`
	Commit         *struct {
		ID string `json:"id"`
	} `json:"commit"`
	Pipeline pipeline `json:"pipeline"`
}

// entered is when the job entered the queue. GitLab makes all jobs of a pipeline at its beginning, where they wait for
// the stage before them; only the time that it gives as queued was spent waiting for a runner.
func (j job) entered() time.Time {
	if j.StartedAt.IsZero() || !j.QueuedDuration.known || j.QueuedDuration.n < 0 ||
		j.QueuedDuration.n > maxSeconds {
		return j.CreatedAt.Time
	}
	return source.Latest(j.CreatedAt.Time, j.StartedAt.Add(-time.Duration(j.QueuedDuration.n*float64(time.Second))))
}

// jobEvent makes the event of a job. Runner is the tag that chose it, which says what the job ran on.
func (m mapper) jobEvent(j job) event.PipelineJob {
	mapped := m.status("status of a job", j.Status)
	e := event.PipelineJob{
		Origin:    m.origin(strconv.FormatInt(j.ID, 10), j.WebURL),
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
