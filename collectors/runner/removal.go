package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// RemovalError refuses an answer of a source because of what would be removed on its word. Sources answer with less,
// and without an error, when a token has lost rights.
type RemovalError struct {
	Source, Scope string // Scope is empty where the answer lists the scopes of the source
	What          string // what would be removed, in the plural: "entities"
	Gone, Of      int    // how many would be removed, of how many
}

func (e *RemovalError) Error() string {
	of := e.Source
	if e.Scope != "" {
		of += " " + e.Scope
	}
	return fmt.Sprintf("removing what is gone from %s: the answer would remove %d of %d %s; nothing was removed. Check "+
		"that the source still shows everything "+
		"to the configured token; if the removal is right, accept it once with `dxctl collect --source %s --accept-removals`",
		of, e.Gone, e.Of, e.What, e.Source)
}

// halfFrom is the number of objects from which on an answer that would remove more than half of them is refused.
const halfFrom = 10

// implausible reports whether an answer that removes gone of so many objects is refused: one that would remove all of
// them always, one that would remove more than half of them from [halfFrom] objects on.
func implausible(gone, of int) bool {
	return gone > 0 && (gone >= of || of >= halfFrom && 2*gone > of)
}

// Removing has to be asked before objects are retracted because an answer of the source does not name them.
func (w *writer) Removing(what string, gone, of int) error {
	if w.acceptRemovals || !implausible(gone, of) {
		return nil
	}
	return &RemovalError{Source: w.source, Scope: w.scope, What: what, Gone: gone, Of: of}
}

// scopesStream is the checkpoint, of a source, that holds which scopes it listed.
const scopesStream = "listed scopes"

// listedScopes is what a source listed when its list was last believed.
type listedScopes struct {
	Configured string   `json:"configured,omitempty"` // digest of what the configuration asks for
	Scopes     []string `json:"scopes"`
}

// configured is a Collector that can tell whether it is configured as it was: its list of scopes then is another one
// for a good reason.
type configured interface{ Configured() string }

// retractScopes takes back the descriptors of scopes that a source no longer lists: a repository that was deleted,
// archived or moved elsewhere does not describe services here. A list that lacks too many of those that it had before
// is refused with a *RemovalError: nothing is taken back, and the list before stays the one to compare with.
func (r *Runner) retractScopes(ctx context.Context, s *runnable, scopes []string, opt RunOptions) error {
	w := &writer{store: r.store, source: s.Source(), acceptRemovals: opt.AcceptRemovals}
	now := listedScopes{Scopes: slices.Sorted(slices.Values(scopes))}
	if c, ok := s.Collector.(configured); ok {
		now.Configured = c.Configured()
	}
	var before listedScopes
	if _, err := w.Load(ctx, scopesStream, &before); err != nil {
		return err
	}
	gone := len(missing(before.Scopes, now.Scopes))
	asked := before.Configured == now.Configured // another list was not asked for
	if len(scopes) == 0 || asked && !s.volatile() {
		if err := w.Removing("scopes", gone, len(before.Scopes)); err != nil {
			return err
		}
	}
	if len(scopes) == 0 {
		return nil // it lists nothing yet, or never did: that proves nothing about what is stored
	}
	if err := r.retractDescriptors(ctx, s, w, scopes, len(before.Scopes) == 0); err != nil {
		return err
	}
	if asked && slices.Equal(before.Scopes, now.Scopes) {
		return nil
	}
	if err := r.retractObserved(ctx, s, before.Scopes, now.Scopes); err != nil {
		return err
	}
	return w.Save(ctx, scopesStream, now)
}

// missing returns the scopes before that are not among those now. Sources write names in either case.
func missing(before, now []string) []string {
	listed := make(map[string]bool, len(now))
	for _, scope := range now {
		listed[strings.ToLower(scope)] = true
	}
	var gone []string
	for _, scope := range before {
		if !listed[strings.ToLower(scope)] {
			gone = append(gone, scope)
		}
	}
	return gone
}

// retractObserved retracts what was observed of the scopes that are no longer listed.
func (r *Runner) retractObserved(ctx context.Context, s *runnable, before, now []string) error {
	c, ok := s.Collector.(source.Retractor)
	if !ok {
		return nil
	}
	for _, scope := range missing(before, now) {
		w := &writer{
			store:    r.store,
			source:   s.Source(),
			provider: s.Provider(),
			scope:    scope,
			stats:    r.stats,
			tally:    &s.tally,
		}
		if err := c.Retract(ctx, scope, w); err != nil {
			return fmt.Errorf("retracting what was observed of %s: %w", scope, err)
		}
	}
	return nil
}

// volatile reports whether the scopes of the source come and go by themselves; see [source.Volatile].
func (s *runnable) volatile() bool {
	v, ok := s.Collector.(source.Volatile)
	return ok && v.Volatile()
}

// retractDescriptors retracts the descriptors of scopes that are not listed. unseen: no list is known to compare this
// one with, so that the descriptors themselves say how much would be gone.
func (r *Runner) retractDescriptors(ctx context.Context, s *runnable, w *writer, scopes []string, unseen bool) error {
	unlisted, stored, err := r.store.UnlistedDescriptors(ctx, s.Source(), scopes)
	if err != nil || len(unlisted) == 0 {
		return err
	}
	if unseen {
		if err := w.Removing("descriptors", len(unlisted), stored); err != nil {
			return err
		}
	}
	gone := make([]event.Event, len(unlisted))
	for i, d := range unlisted {
		d.Provider = s.Provider()
		d.ObservedAt = r.opt.Now().UTC()
		gone[i] = d
	}
	if err := r.store.Append(ctx, gone...); err != nil {
		return fmt.Errorf("retracting %d descriptors that %s no longer lists: %w", len(gone), s.Source(), err)
	}
	r.opt.Logger.Info("descriptors retracted", "source", s.Source(), "descriptors", len(gone))
	return nil
}
