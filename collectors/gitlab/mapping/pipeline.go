package mapping

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// Pipeline is what is used of a pipeline, as its listing and each of its jobs show it.
type Pipeline struct {
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

// Key returns the id. Of two pipelines, the newer one has the greater id.
func (p Pipeline) Key() int64 { return p.ID }

// Created returns when the pipeline was created; zero: not known.
func (p Pipeline) Created() time.Time { return p.CreatedAt.Time }

// Updated returns when the pipeline was last updated; its creation where GitLab gives no update.
func (p Pipeline) Updated() time.Time { return source.Latest(p.CreatedAt.Time, p.UpdatedAt.Time) }

// ChildSource is the source of a pipeline that another one of the same project started. GitLab lists those only when it
// is requested with a filter.
const ChildSource = "parent_pipeline"

// maxSeconds is the longest duration, in seconds, that GitLab is believed to give: 35 days.
const maxSeconds = 35 * 24 * 60 * 60

// title returns the pipeline's name, or, for the many pipelines without one, how its configuration came to run.
func (p Pipeline) title() string {
	switch {
	case p.Name != "":
		return p.Name
	case p.Source == ChildSource:
		return "child pipeline"
	case p.Source == "external":
		return "external"
	}
	return "pipeline"
}

// MergeRequestRef begins the ref of the pipeline of a merge request; the request's number follows.
const MergeRequestRef = "refs/merge-requests/"

// branch is the branch, or !N for the pipeline of a merge request, whose ref is none.
func (p Pipeline) branch() string {
	if number, ok := strings.CutPrefix(p.Ref, MergeRequestRef); ok {
		number, _, _ = strings.Cut(number, "/")
		return "!" + number
	}
	return p.Ref
}

// Span is when a pipeline started and ended, and who started it: by its jobs, or by GitLab itself.
type Span struct {
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

// With returns the span extended by one more of the pipeline's jobs. The order of the jobs does not matter.
func (s Span) With(j Job) Span {
	s.Start = source.Earliest(s.Start, j.StartedAt.Time)
	if w, ran := workOf(j); ran {
		s.Work = add(slices.Clone(s.Work), w)
	} else {
		s.Finish = source.Latest(s.Finish, j.FinishedAt.Time)
	}
	if s.First == 0 || j.ID < s.First {
		s.First, s.Actor, s.Bot = j.ID, j.User.login(), j.User.IsBot()
	}
	return s
}

// end is when a pipeline that was created at a time was over; zero when that is not known.
func (s Span) end(created time.Time) time.Time {
	if len(s.Work) == 0 {
		return s.Finish
	}
	return end(created, s.Work)
}

// PipelineDetail has the fields of a pipeline that only the request for a single pipeline returns.
type PipelineDetail struct {
	StartedAt  source.Timestamp `json:"started_at"`
	FinishedAt source.Timestamp `json:"finished_at"`
	Duration   Amount           `json:"duration"` // seconds
	User       *User            `json:"user"`
}

// Span returns GitLab's own times. GitLab moves the finish when a job is pressed or retried later, and its duration
// counts only the time in which jobs ran: where the two do not fit, the finish is not known.
func (d PipelineDetail) Span() Span {
	s := Span{Start: d.StartedAt.Time, Finish: d.FinishedAt.Time, Actor: d.User.login(), Bot: d.User.IsBot()}
	if n := d.Duration; n.Known && n.N > 0 && n.N <= maxSeconds {
		s.Duration = time.Duration(n.N * float64(time.Second)).Round(time.Millisecond)
		if !s.Start.IsZero() && s.Finish.Sub(s.Start) > s.Duration+promptly {
			s.Finish = time.Time{}
		}
	}
	return s
}

// RunEvent returns the event of a pipeline. The listing gives no start and no finish: they are those of its jobs, and
// not known where there are none. GitLab keeps the id when jobs are retried, so there is one attempt, and what is
// retried or pressed by hand after its end does not move that.
func (m Mapper) RunEvent(g Pipeline, s Span) event.PipelineRun {
	mapped := m.status("status of a pipeline", g.Status)
	e := event.PipelineRun{
		Origin:    m.Origin(strconv.FormatInt(g.ID, 10), g.WebURL),
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
