// Package deployments collects the deployments of a repository. Depending on the configuration, these are what GitHub
// calls a deployment (deployments.go), releases or tags (listing.go, version.go), or several of them.
package deployments

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// collector is one collect of the deployments of a repository.
type collector struct {
	*stream.Repository
	cfg      Config
	releases map[string]rest.Held // releases and tags that cannot be read
}

// Collect reads the deployments that are new or have changed since the checkpoint. Its error is a [rest.SkippedError]
// if only single deployments or releases cannot be read.
func Collect(ctx context.Context, r *stream.Repository, cfg Config) error {
	return (&collector{Repository: r, cfg: cfg}).collect(ctx)
}

// collect reads every configured kind, and writes one ledger for all: each kind is a part of the expected number.
func (c *collector) collect(ctx context.Context) error {
	var expected uint64
	var notes []string
	var failed *rest.Quarantine
	if c.cfg.has(FromTags) || c.cfg.has(FromReleases) {
		kept, err := c.readReleases(ctx)
		if err != nil {
			return err
		}
		expected = kept + uint64(len(c.releases))
	}
	if c.cfg.has(FromDeployments) {
		s, err := c.deployments(ctx)
		if err != nil {
			return err
		}
		failed = s.Failed
		total := s.Total
		if !s.Floor.IsZero() {
			stored, _, err := c.Writer.Count(ctx, event.KindDeployment, time.Time{}, time.Time{})
			if err != nil {
				return err
			}
			total = min(stored-min(stored, expected), total)
			notes = append(notes, fmt.Sprintf("of %d, those created since %s", s.Total, s.Floor.Format(time.DateOnly)))
		}
		expected += total
	}
	if note := failed.Note("deployment"); note != "" {
		notes = append(notes, note)
	}
	if err := c.WriteLedger(ctx, event.KindDeployment, time.Time{}, expected, strings.Join(notes, "; ")); err != nil {
		return err
	}
	if len(c.releases) > 0 {
		return errors.Join(failed.Err("deployment"), &rest.SkippedError{What: "release", Objects: c.releases})
	}
	return failed.Err("deployment")
}
