package jenkins

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// stage is what is used of a stage, as the Pipeline REST API gives it.
type stage struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Status   string `json:"status"`
	Start    int64  `json:"startTimeMillis"`
	Duration millis `json:"durationMillis"`
	Pause    millis `json:"pauseDurationMillis"` // how long it waited for a person
}

// description is what the Pipeline REST API says of a build.
type description struct {
	Status string  `json:"status"`
	Stages []stage `json:"stages"`
}

// stages reads the stages of pipeline builds, one request each, and corrects the builds' runs by what they tell. A
// build whose stages cannot be read is stored without them, and they are set aside.
func (p *pass) stages(ctx context.Context, builds []build, runs []event.PipelineRun) ([]event.Event, error) {
	var mu sync.Mutex
	var all []event.Event
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, b := range builds {
		if !strings.Contains(b.Class, "WorkflowRun") {
			continue
		}
		group.Go(func() error {
			var d description
			_, err := p.Get(groupCtx, jobPath(p.job.names)+strconv.Itoa(b.Number)+"/wfapi/describe", "", &d)
			if rest.IsGone(err) { // the build is, or Jenkins does not have that plugin
				return nil
			}
			key := stagesOf + p.job.runID(b)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				p.tried[key] = true
				return p.state.Failed.Hold(key, p.Now(), err)
			}
			p.state.Failed.Done(key)
			d.correct(&runs[i], b)
			for _, s := range d.Stages {
				if s.ID != "" {
					all = append(all, p.stageEvent(p.job, b, runs[i].ID, s))
				}
			}
			return nil
		})
	}
	return all, group.Wait()
}

// correct sets what only the stages tell of a build's run: that it waits for a person, and of one that did so when the
// part before that ended.
func (d description) correct(run *event.PipelineRun, b build) {
	if run.Status == event.Running && strings.EqualFold(d.Status, "PAUSED_PENDING_INPUT") {
		run.Status, run.StatusRaw = event.Waiting, d.Status
		return
	}
	if !run.Status.Final() || !b.asked() {
		return
	}
	var paused *stage
	for i, s := range d.Stages {
		if s.Pause.n > 0 && (paused == nil || s.Start < paused.Start) {
			paused = &d.Stages[i]
		}
	}
	if paused == nil { // somebody answered before it had to wait
		run.FinishedAt, run.Duration = b.finished(), b.Duration.length()
		return
	}
	for _, s := range d.Stages {
		if end := s.finished(); s.Start < paused.Start && end.After(run.FinishedAt) {
			run.FinishedAt = end
		}
	}
}

// finished is when the stage ended; zero when that is not known.
func (s stage) finished() time.Time {
	return build{Timestamp: s.Start, Duration: s.Duration}.finished()
}

// stageEvent makes the event of a stage.
func (r *reader) stageEvent(j job, b build, run string, s stage) event.PipelineJob {
	mapped := stageStatuses.Read("status of a stage", s.Status, r.Unrecognized)
	e := event.PipelineJob{
		Origin: r.origin(s.ID, r.buildURL(j, b)), RunID: run, Attempt: 1, Name: s.Name, Status: mapped, StatusRaw: s.Status,
		StartedAt: instant(s.Start),
	}
	if mapped.Final() {
		e.FinishedAt = s.finished()
	}
	return e
}
