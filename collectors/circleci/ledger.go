package circleci

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// account writes the ledger. Where runs are missing, every pipeline is read again, once a day. Remembered: there is a
// checkpoint, so that what is stored can be compared with what was shown.
func (r *reader) account(ctx context.Context, remembered bool) error {
	s := &r.state
	stored, open, err := r.w.Count(ctx, event.KindPipelineRun, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	if since := r.Now().Sub(s.Refilled); remembered && stored < s.Listed && (since >= daily || since < 0) {
		s.Refilled = r.Now().UTC()
		s.afresh()
		if err := r.save(ctx); err != nil {
			return err
		}
		if err := r.walk(ctx); err != nil {
			return fmt.Errorf("pipelines, to fill a gap: %w", err)
		}
		if stored, open, err = r.w.Count(ctx, event.KindPipelineRun, time.Time{}, time.Time{}); err != nil {
			return err
		}
	}
	runs := r.entry(event.KindPipelineRun, s.Listed+uint64(s.Failed.Len()), stored, open)
	if s.Expired > 0 {
		runs.Note = fmt.Sprintf("CircleCI still lists %d pipelines whose workflows it does not show anymore", s.Expired)
	}
	runs.Note = strings.Join(
		slices.DeleteFunc([]string{runs.Note, s.Failed.Note(parts)}, func(n string) bool { return n == "" }),
		"; ",
	)
	entries := []event.Event{runs}
	// not counted there; complete as the runs are
	for _, kind := range []event.Kind{event.KindPipelineJob, event.KindDeployment} {
		if kind == event.KindDeployment && len(r.cfg.Deployments) == 0 {
			continue
		}
		stored, open, err := r.w.Count(ctx, kind, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		entries = append(entries, r.entry(kind, stored, stored, open))
	}
	return r.w.Append(ctx, entries...)
}

func (r *reader) entry(of event.Kind, expected, stored, open uint64) event.LedgerEntry {
	e := r.Ledger(r.scope, of, r.state.Floor)
	e.Expected, e.Stored, e.Open = expected, stored, open
	e.URL = r.mapper.web + "pipelines/" + escapeSlug(r.scope)
	return e
}
