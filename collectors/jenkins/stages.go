package jenkins

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/event"
)

// stage is what is used of a stage, as the Pipeline REST API gives it.
type stage struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Status   string `json:"status"`
	Start    int64  `json:"startTimeMillis"`
	Duration millis `json:"durationMillis"`
}

// stages reads the stages of pipeline builds, one request each.
func (r *reader) stages(ctx context.Context, j job, builds []build, ids []string) ([]event.Event, error) {
	var mu sync.Mutex
	var all []event.Event
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, b := range builds {
		if !strings.Contains(b.Class, "WorkflowRun") {
			continue
		}
		group.Go(func() error {
			var answer struct {
				Stages []stage `json:"stages"`
			}
			_, err := r.getPath(groupCtx, jobPath(j.names)+strconv.Itoa(b.Number)+"/wfapi/describe", "", &answer)
			if gone(err) { // the build is, or Jenkins does not have that plugin
				return nil
			}
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, s := range answer.Stages {
				if s.ID != "" {
					all = append(all, r.stageEvent(j, b, ids[i], s))
				}
			}
			return nil
		})
	}
	return all, group.Wait()
}

// stageEvent makes the event of a stage.
func (r *reader) stageEvent(j job, b build, run string, s stage) event.PipelineJob {
	mapped, known := stageStatus(s.Status)
	if !known {
		r.warn("status of a stage", s.Status)
	}
	e := event.PipelineJob{
		Origin: r.origin(s.ID, r.buildURL(j, b)), RunID: run, Attempt: 1, Name: s.Name, Status: mapped, StatusRaw: s.Status,
		StartedAt: instant(s.Start),
	}
	if mapped.Final() {
		e.FinishedAt = build{Timestamp: s.Start, Duration: s.Duration}.finished()
	}
	return e
}
