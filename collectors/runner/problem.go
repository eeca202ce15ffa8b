package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Problem is a failure in which the latest run of a source ended. It is kept in the store until a run of what failed
// succeeds, so that doctor, /readyz, /metrics and the page show it after a restart too.
type Problem struct {
	Source string `json:"-"`
	Scope  string `json:"scope,omitempty"` // empty: listing the scopes failed
	// when the first of the runs that failed without a success between them ended
	Since   time.Time `json:"since"`
	Error   string    `json:"error"`
	Skipped bool      `json:"skipped,omitempty"` // the rest of the scope was read
}

func (p Problem) String() string {
	return fmt.Sprintf(
		"source %s: %s (since %s)",
		strings.TrimSpace(p.Source+" "+p.Scope),
		p.Error,
		p.Since.UTC().Format(time.RFC3339),
	)
}

const (
	problemsStream = "problems" // the checkpoint, of a source, that holds them
	maxProblems    = 100        // of a source that are kept
	maxProblemText = 2000       // bytes
)

// Problems returns what is wrong with the named sources, in the order of their names and scopes. Sources that are no
// longer configured have none.
func Problems(ctx context.Context, store Store, sources []string) ([]Problem, error) {
	docs, err := store.SourceCheckpoints(ctx, problemsStream, sources)
	if err != nil {
		return nil, fmt.Errorf("reading what is wrong with the sources: %w", err)
	}
	var all []Problem
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		var of []Problem
		if err := json.Unmarshal(docs[name], &of); err != nil {
			return nil, fmt.Errorf("reading what is wrong with source %s: %w", name, err)
		}
		for i := range of {
			of[i].Source = name
		}
		all = append(all, of...)
	}
	return all, nil
}

// keepProblems stores what the results of a run say is wrong with the source, in place of what was wrong before. Where
// the run was about some scopes only, the problems of the others stay.
func (r *Runner) keepProblems(ctx context.Context, s *runnable, results []ScopeSummary, whole bool) error {
	known, err := Problems(ctx, r.store, []string{s.Source()})
	if err != nil {
		return err
	}
	was := make(map[string]Problem, len(known))
	for _, p := range known {
		was[p.Scope] = p
	}
	now, seen := []Problem{}, map[string]bool{}
	for _, result := range results {
		if result.Err == nil || seen[result.Scope] || errors.Is(result.Err, context.Canceled) {
			seen[result.Scope] = true
			continue
		}
		seen[result.Scope] = true
		p := Problem{
			Source:  s.Source(),
			Scope:   result.Scope,
			Since:   r.opt.Now().UTC().Truncate(time.Second),
			Error:   clip(result.Err.Error(), maxProblemText),
			Skipped: rest.OnlySkipped(result.Err),
		}
		if before, lasting := was[p.Scope]; lasting {
			p.Since = before.Since
		}
		now = append(now, p)
	}
	for _, p := range known {
		if !whole && !seen[p.Scope] {
			now = append(now, p)
		}
	}
	slices.SortFunc(now, func(a, b Problem) int { return strings.Compare(a.Scope, b.Scope) })
	now = now[:min(len(now), maxProblems)]
	r.stats.troubled(s.Source(), len(now))
	if slices.Equal(now, known) {
		return nil
	}
	w := &writer{store: r.store, source: s.Source()}
	return w.Save(ctx, problemsStream, now)
}

// loadProblems shows in the metrics what earlier processes left wrong.
func (r *Runner) loadProblems(ctx context.Context) error {
	names := make([]string, len(r.sources))
	for i, s := range r.sources {
		names[i] = s.Source()
	}
	all, err := Problems(ctx, r.store, names)
	if err != nil {
		return err
	}
	of := map[string]int{}
	for _, p := range all {
		of[p.Source]++
	}
	for _, name := range names {
		r.stats.troubled(name, of[name])
	}
	return nil
}

// clip shortens a text to so many bytes.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
