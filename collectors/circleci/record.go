package circleci

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// pipeline is what is used of a pipeline.
type pipeline struct {
	ID        string           `json:"id"`
	Number    int64            `json:"number"`
	State     string           `json:"state"`
	CreatedAt source.Timestamp `json:"created_at"`
	Trigger   struct {
		Type  string `json:"type"`
		Actor struct {
			Login string `json:"login"`
		} `json:"actor"`
	} `json:"trigger"`
	VCS struct {
		Branch   string `json:"branch"`
		Tag      string `json:"tag"`
		Revision string `json:"revision"`
	} `json:"vcs"`
	Parameters parameters `json:"trigger_parameters"`
}

// parameters are what a GitHub App's pipeline has in place of vcs.
type parameters struct {
	Git struct {
		Branch string `json:"branch"`
		Tag    string `json:"tag"`
		SHA    string `json:"checkout_sha"`
	} `json:"git"`
	App struct {
		User string `json:"user_username"`
	} `json:"github_app"`
}

// UnmarshalJSON takes what it understands: the shape depends on the integration, and nothing in it is promised.
func (p *parameters) UnmarshalJSON(raw []byte) error {
	type plain parameters
	var v plain
	if json.Unmarshal(raw, &v) == nil {
		*p = parameters(v)
	}
	return nil
}

// brief is what is kept of a pipeline as long as it is watched.
type brief struct {
	ID      string    `json:"id"`
	Number  int64     `json:"n"`
	State   string    `json:"state,omitempty"`
	Created time.Time `json:"at,omitzero"`
	Branch  string    `json:"branch,omitempty"`
	Tag     string    `json:"tag,omitempty"`
	SHA     string    `json:"sha,omitempty"`
	Trigger string    `json:"by,omitempty"`
	Actor   string    `json:"who,omitempty"`
}

func (p pipeline) brief() brief {
	git := p.Parameters.Git
	return brief{
		ID:      p.ID,
		Number:  p.Number,
		State:   p.State,
		Created: p.CreatedAt.Time,
		Branch:  first(p.VCS.Branch, git.Branch),
		Tag:     first(p.VCS.Tag, git.Tag),
		SHA:     first(p.VCS.Revision, git.SHA),
		Trigger: p.Trigger.Type,
		Actor:   first(p.Trigger.Actor.Login, p.Parameters.App.User),
	}
}

// first returns the first value that is not empty.
func first[T comparable](values ...T) (found T) {
	for _, v := range values {
		if v != found {
			return v
		}
	}
	return found
}

// errored reports whether CircleCI could not make workflows of the pipeline's configuration.
func (p brief) errored() bool { return strings.EqualFold(p.State, "errored") }

// workflow is what is used of a workflow.
type workflow struct {
	ID        string           `json:"id"`
	Name      string           `json:"name"`
	Status    string           `json:"status"`
	CreatedAt source.Timestamp `json:"created_at"`
	StoppedAt source.Timestamp `json:"stopped_at"`
}

// job is what is used of a job of a workflow. A job that waits for an approval has no number.
type job struct {
	ID        string           `json:"id"`
	Number    int64            `json:"job_number"`
	Name      string           `json:"name"`
	Type      string           `json:"type"`
	Status    string           `json:"status"`
	CreatedAt source.Timestamp `json:"created_at"`
	StartedAt source.Timestamp `json:"started_at"`
	StoppedAt source.Timestamp `json:"stopped_at"`
	After     ids              `json:"dependencies"` // ids of the jobs that it waited for; nil: not told
}

// buildError is what CircleCI's pages call a pipeline that failed before it had workflows.
const buildError = "Build Error"

// runID is the id of a workflow within its project, the same for all its attempts.
func runID(p brief, name string) string { return strconv.FormatInt(p.Number, 10) + "/" + name }

// inOrder sorts workflows by when they were created; those of which that is not known come last.
func inOrder(workflows []workflow) {
	slices.SortStableFunc(workflows, func(a, b workflow) int {
		if az, bz := a.CreatedAt.IsZero(), b.CreatedAt.IsZero(); az != bz {
			if az {
				return 1
			}
			return -1
		}
		if n := a.CreatedAt.Compare(b.CreatedAt.Time); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// mapper makes the events of a project, of what is collected and of what CircleCI sends.
type mapper struct {
	source       string
	scope        string // full slug
	web          string // where people look at CircleCI, with a slash at the end
	unrecognized func(what, word string)
}

// url is the page of a pipeline.
func (m mapper) url(p brief) string {
	return m.web + "pipelines/" + escapeSlug(m.scope) + "/" + strconv.FormatInt(p.Number, 10)
}

func (m mapper) workflowURL(p brief, w workflow) string {
	return m.url(p) + "/workflows/" + url.PathEscape(w.ID)
}

func (m mapper) origin(id, url string) event.Origin {
	return event.Origin{Source: m.source, Provider: Provider, Scope: m.scope, ID: id, URL: url}
}

// runEvent makes the event of an attempt of a workflow. A workflow has no beginning of its own: it is that of its first
// job, as its end is that of the last. What waits for an approval is not of the run: a person may give it weeks later.
func (m mapper) runEvent(p brief, w workflow, attempt uint16, jobs []event.PipelineJob, hand byHand) event.PipelineRun {
	mapped := statuses.Read("status of a workflow", w.Status, m.unrecognized)
	e := m.runOf(p, w.Name, attempt, m.workflowURL(p, w))
	e.Status, e.StatusRaw, e.CreatedAt = mapped, w.Status, w.CreatedAt.Time
	var end time.Time
	endless := false // a job of which nobody tells when it ended
	for _, j := range jobs {
		if hand.has(j.ID) || j.StartedAt.IsZero() {
			continue
		}
		if e.StartedAt.IsZero() || j.StartedAt.Before(e.StartedAt) {
			e.StartedAt = j.StartedAt
		}
		if j.Status == event.Skipped {
			continue
		}
		if j.FinishedAt.After(end) {
			end = j.FinishedAt
		}
		endless = endless || j.FinishedAt.IsZero()
	}
	if end.IsZero() || endless {
		end = time.Time{}
		if len(hand.ids) == 0 {
			end = w.StoppedAt.Time
		}
	}
	if mapped.Final() && !hand.unclear {
		e.FinishedAt = end
	}
	return e
}

// failedPipeline makes the run of a pipeline that failed before it had workflows.
func (m mapper) failedPipeline(p brief) event.PipelineRun {
	e := m.runOf(p, buildError, 1, m.url(p))
	e.Status, e.StatusRaw, e.CreatedAt = event.Failed, p.State, p.Created
	return e
}

func (m mapper) runOf(p brief, name string, attempt uint16, url string) event.PipelineRun {
	return event.PipelineRun{
		Origin: m.origin(runID(p, name), url), Attempt: attempt, Pipeline: name, Branch: p.Branch, SHA: p.SHA,
		Trigger: trigger(p.Trigger), Actor: p.Actor, Bot: isBot(p.Actor),
	}
}

// jobEvents makes the events of an attempt's jobs. Running a workflow again from where it failed lists the jobs that
// had succeeded once more, as they ran before the attempt was made: they are the earlier attempt's and are left out.
func (m mapper) jobEvents(p brief, w workflow, attempt uint16, jobs []job) []event.PipelineJob {
	whole := statuses.Of(w.Status)
	events := make([]event.PipelineJob, 0, len(jobs))
	for _, j := range jobs {
		if j.ID == "" || attempt > 1 && !j.StoppedAt.IsZero() && j.StoppedAt.Before(w.CreatedAt.Time) {
			continue
		}
		mapped := m.jobStatus(j, whole)
		link := m.workflowURL(p, w)
		if j.Number > 0 {
			link = fmt.Sprintf("%s/jobs/%d", link, j.Number)
		}
		e := event.PipelineJob{
			Origin:    m.origin(j.ID, link),
			RunID:     runID(p, w.Name),
			Attempt:   attempt,
			Name:      j.Name,
			Status:    mapped,
			StatusRaw: j.Status,
			CreatedAt: j.CreatedAt.Time,
			StartedAt: j.StartedAt.Time,
		}
		if mapped.Final() {
			e.FinishedAt = j.StoppedAt.Time
		}
		events = append(events, e)
	}
	return events
}

// deployments makes the deployments that a run and its jobs are by the rules. A person's approval deploys nothing, but
// what waited for it does: a workflow that is a deployment ended when the last of its jobs did.
func (r *reader) deployments(
	p brief,
	w workflow,
	run event.PipelineRun,
	jobs []event.PipelineJob,
	hand byHand,
) []event.Event {
	if len(r.cfg.Deployments) == 0 {
		return nil
	}
	d := event.Deployment{
		Origin:    run.Origin,
		Attempt:   run.Attempt,
		Status:    run.Status,
		StatusRaw: run.StatusRaw,
		CreatedAt: run.CreatedAt,
		StartedAt: run.StartedAt,
		SHA:       run.SHA,
		Ref:       first(p.Branch, p.Tag),
		Version:   p.Tag,
		Actor:     run.Actor,
		Bot:       run.Bot,
		Trigger:   run.Trigger,
	}
	if run.Status.Final() {
		d.FinishedAt = w.StoppedAt.Time
	}
	var all []event.Event
	if environment, ok := r.environment(run.Pipeline, "", run.Branch); ok {
		d.Environment = environment
		all = append(all, d)
	}
	for _, j := range jobs {
		environment, ok := r.environment(run.Pipeline, j.Name, run.Branch)
		if !ok || j.Name == "" || hand.approvals[j.ID] {
			continue
		}
		d := d
		d.Origin, d.Environment, d.Status, d.StatusRaw = r.origin(
			run.ID+"/"+j.Name,
			j.URL,
		), environment, j.Status, j.StatusRaw
		d.CreatedAt, d.StartedAt, d.FinishedAt = j.CreatedAt, j.StartedAt, j.FinishedAt
		all = append(all, d)
	}
	return all
}
