package circleci

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// genesis is before anything at CircleCI: the beginning of a window that has none.
var genesis = time.Date(2011, 9, 1, 0, 0, 0, 0, time.UTC)

// account writes the ledger. Where runs are missing, every pipeline is read again, once a day. Remembered: there is a
// checkpoint, so that what is stored can be compared with what was shown.
func (r *reader) account(ctx context.Context, remembered bool) error {
	s := &r.state
	stored, open, err := r.w.Count(ctx, event.KindPipelineRun, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	if since := r.now().Sub(s.Refilled); remembered && stored < s.Listed && (since >= daily || since < 0) {
		s.Refilled = r.now().UTC()
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
		runs.Note = fmt.Sprintf("CircleCI still lists %d pipelines whose workflows it does not show any more", s.Expired)
	}
	runs.Note = strings.Join(slices.DeleteFunc([]string{runs.Note, s.Failed.Note(parts)}, func(n string) bool { return n == "" }), "; ")
	entries := []event.Event{runs}
	for _, kind := range []event.Kind{event.KindPipelineJob, event.KindDeployment} { // not counted there; complete as the runs are
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
	now, from := r.now().UTC(), genesis
	if floor := r.state.Floor; !floor.IsZero() {
		from = floor
	}
	return event.LedgerEntry{Source: r.cfg.Source, Scope: r.scope, Of: of, WindowStart: from, WindowEnd: now, Expected: expected, Stored: stored,
		Open: open, CheckedAt: now, URL: r.web + "pipelines/" + escapeSlug(r.scope)}
}
