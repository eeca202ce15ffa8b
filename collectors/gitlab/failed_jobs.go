package gitlab

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
)

// failedJobs names a pipeline, by its id, whose jobs GitLab always answers with an error.
const failedJobs = "jobs of pipeline "

// retryJobs asks again for the jobs of pipelines that could not be read.
func (c *pipelineCollect) retryJobs(ctx context.Context) error {
	if c.walk.off() {
		return nil
	}
	changed := false
	for _, key := range c.state.Failed.Due(c.Now()) {
		id, isJobs := strings.CutPrefix(key, failedJobs)
		if !isJobs {
			continue
		}
		changed = true
		var g mapping.Pipeline
		_, err := c.Read(rest.WithMaxAttempts(ctx, listing.FewAttempts), c.path+"/pipelines/"+id, "", &g)
		if refused(err) { // it is gone
			c.state.Failed.Done(key)
			continue
		}
		if err != nil || g.ID == 0 {
			if err := c.state.Failed.Hold(key, c.Now(), err); err != nil {
				return err
			}
			continue
		}
		s, some, err := c.walk.single(ctx, g)
		if err != nil {
			return err
		}
		if some {
			if err := c.Writer.Append(ctx, c.RunEvent(g, s)); err != nil {
				return err
			}
		}
	}
	if !changed {
		return nil
	}
	return c.save(ctx)
}

// failures is what the stream could not read: what is held, of itself and of the child pipelines.
func (c *pipelineCollect) failures() error {
	return errors.Join(c.state.Failed.Err("record"), c.state.Children.Failed.Err("child pipeline"))
}

// heldJobs is how many pipelines there are whose jobs cannot be read.
func (c *pipelineCollect) heldJobs() int {
	keys := slices.DeleteFunc(c.state.Failed.Keys(), func(key string) bool { return !strings.HasPrefix(key, failedJobs) })
	return len(keys)
}
