package report

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/sorting"
)

// Batch is a batch of fixes: pull requests to many repositories, in waves.
type Batch struct {
	ID         string       `json:"id"`
	Status     string       `json:"status"` // running, waiting, failed (stopped at a limit), succeeded, cancelled (undone)
	Actor      string       `json:"actor"`
	Note       string       `json:"note"`  // why it waits or stopped
	Wave       int          `json:"wave"`  // that it has reached; 0: none
	Waves      []int        `json:"waves"` // number of fixes of each
	StartedAt  *time.Time   `json:"started_at"`
	FinishedAt *time.Time   `json:"finished_at"`
	Fixes      int          `json:"fixes"`
	Fates      map[Fate]int `json:"fates"`
	// Credited and NotCredited count rules by the grades after the merges, NotRegraded those that were not graded since.
	Credited    int `json:"rules_passing"`
	NotCredited int `json:"rules_not_passing"`
	NotRegraded int `json:"rules_not_graded_yet"`

	Runs []FixRun `json:"-"`
}

// Of returns how many fixes have a fate.
func (b Batch) Of(f Fate) int { return b.Fates[f] }

// BatchPath is the page of a batch.
func BatchPath(id string) string { return "/batches/" + url.PathEscape(id) }

// Path is the page of the batch.
func (b Batch) Path() string { return BatchPath(b.ID) }

// BatchStatuses are the statuses that a batch can have.
var BatchStatuses = []string{
	string(event.Running), string(event.Waiting), string(event.Failed), string(event.Succeeded), string(event.Cancelled),
}

// BatchColumns are the columns of the list of batches.
var BatchColumns = []sorting.Field[Batch]{
	text("id", "batch", func(b Batch) string { return b.ID }),
	text("status", "status", func(b Batch) string { return b.Status }),
	number("started", "started", func(b Batch) *float64 { return seconds(b.StartedAt) }),
	number("wave", "wave", func(b Batch) *float64 { return sorting.Value(float64(b.Wave)) }),
	number("open", "open", func(b Batch) *float64 { return sorting.Value(float64(b.Of(FixOpen))) }),
	number("merged", "merged", func(b Batch) *float64 { return sorting.Value(float64(b.Of(FixMerged))) }),
	number("declined", "declined", func(b Batch) *float64 { return sorting.Value(float64(b.Of(FixDeclined))) }),
	number("failed", "failed", func(b Batch) *float64 { return sorting.Value(float64(b.Of(FixFailed))) }),
	number("passing", "rules that pass", func(b Batch) *float64 { return sorting.Value(float64(b.Credited)) }),
}

// LatestBatches is the order of batches without another one: the latest first.
var LatestBatches = sorting.Order{By: "started", Descending: true}

// BatchFilter selects batches. Empty fields select all.
type BatchFilter struct{ Text, Status string }

// Batches returns the batches of fixes.
func (r *Reader) Batches(ctx context.Context) ([]Batch, error) {
	return cached(ctx, r, "batches", func(ctx context.Context) ([]Batch, error) {
		var rows []struct {
			ID         string     `ch:"id"`
			Actor      string     `ch:"actor"`
			Status     string     `ch:"status"`
			Wave       uint32     `ch:"wave"`
			Waves      []uint32   `ch:"waves"`
			Note       string     `ch:"note"`
			StartedAt  *time.Time `ch:"started_at"`
			FinishedAt *time.Time `ch:"finished_at"`
		}
		err := r.deps.Store.Select(ctx, &rows, `SELECT id, actor, status, wave, waves, note, started_at, finished_at
FROM action_batches WHERE kind = 'fix'`, nil)
		if err != nil {
			return nil, fmt.Errorf("reading the batches of fixes: %w", err)
		}
		runs, err := r.FixRuns(ctx)
		if err != nil {
			return nil, err
		}
		all := make([]Batch, len(rows))
		for i, row := range rows {
			all[i] = Batch{
				ID: row.ID, Actor: row.Actor, Status: row.Status, Note: row.Note, Wave: int(row.Wave), Waves: []int{},
				StartedAt: row.StartedAt, FinishedAt: row.FinishedAt, Fates: map[Fate]int{},
			}
			for _, n := range row.Waves {
				all[i].Waves = append(all[i].Waves, int(n))
			}
			all[i].count(runs)
		}
		slices.SortFunc(all, func(a, b Batch) int { return cmp.Compare(a.ID, b.ID) })
		return all, nil
	})
}

// count adds the runs of the batch.
func (b *Batch) count(runs []FixRun) {
	for _, run := range runs {
		if run.Batch != b.ID {
			continue
		}
		b.Runs = append(b.Runs, run)
		b.Fixes++
		b.Fates[run.Fate]++
		b.Credited += run.Count(Credited)
		b.NotCredited += run.Count(NotCredited)
		b.NotRegraded += run.Count(NotRegraded)
	}
}

// SelectBatches returns the batches that fit, in their order.
func SelectBatches(all []Batch, f BatchFilter) []Batch {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	return slices.DeleteFunc(slices.Clone(all), func(b Batch) bool {
		return f.Status != "" && f.Status != b.Status ||
			!strings.Contains(strings.ToLower(b.ID+" "+b.Actor+" "+b.Note), text)
	})
}

// Batch returns a batch. The error is a *NotFoundError.
func (r *Reader) Batch(ctx context.Context, id string) (Batch, error) {
	all, err := r.Batches(ctx)
	if err != nil {
		return Batch{}, err
	}
	i := slices.IndexFunc(all, func(b Batch) bool { return b.ID == id })
	if i < 0 {
		return Batch{}, notFound("there is no batch %q; `dxctl actions batches` lists them", id)
	}
	return all[i], nil
}

// FixRunColumns are the columns of the list of the fixes of a batch.
var FixRunColumns = []sorting.Field[FixRun]{
	text("service", "service", func(f FixRun) string { return f.Name }),
	number("wave", "wave", func(f FixRun) *float64 { return sorting.Value(float64(f.Wave)) }),
	text("state", "state", func(f FixRun) string { return string(f.Fate) }),
	text("repository", "pull request", func(f FixRun) string { return f.Repository }),
	number("passing", "after the merge", func(f FixRun) *float64 {
		if f.MergedAt == nil {
			return nil
		}
		return sorting.Value(float64(f.Count(Credited)))
	}),
	{Column: sorting.Column{Label: "note"}},
}

// ByWave is the order of the fixes of a batch without another one.
var ByWave = sorting.Order{By: "wave"}

// FixRunFilter selects fixes of a batch. Empty fields select all.
type FixRunFilter struct{ Text, State string }

// Select returns the fixes of the batch that fit, in their order.
func (b Batch) Select(f FixRunFilter) []FixRun {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	return slices.DeleteFunc(slices.Clone(b.Runs), func(run FixRun) bool {
		return f.State != "" && f.State != string(run.Fate) ||
			!strings.Contains(strings.ToLower(run.Name+" "+run.Repository+" "+run.Team+" "+run.Note), text)
	})
}

// FixStep is an entry of the journal of a fix.
type FixStep struct {
	Number int        `json:"number"`
	Name   string     `json:"name"`
	Status string     `json:"status"`
	At     *time.Time `json:"at"`
	Note   string     `json:"note"`
	URL    string     `json:"url"`
}

// maxJournal bounds the journal that is shown: the latest steps.
const maxJournal = 200

// FixJournal is a fix of a batch and what happened in it.
type FixJournal struct {
	FixRun
	Steps []FixStep `json:"steps"` // the latest 200, in their order
}

// FixJournal returns the journal of the fix of a service in a batch. The error is a *NotFoundError.
func (r *Reader) FixJournal(ctx context.Context, batch, service string) (FixJournal, error) {
	b, err := r.Batch(ctx, batch)
	if err != nil {
		return FixJournal{}, err
	}
	i := slices.IndexFunc(b.Runs, func(f FixRun) bool { return f.Service == service })
	if i < 0 {
		return FixJournal{}, notFound("the batch %s has no fix of %s", batch, service)
	}
	journal := FixJournal{FixRun: b.Runs[i], Steps: []FixStep{}}
	var rows []struct {
		Number uint32     `ch:"number"`
		Name   string     `ch:"name"`
		Status string     `ch:"status"`
		At     *time.Time `ch:"at"`
		Note   string     `ch:"note"`
		URL    string     `ch:"url"`
	}
	err = r.deps.Store.Select(ctx, &rows, `SELECT number, name, status, at, note, url FROM action_steps
WHERE run = {run:String} ORDER BY number DESC LIMIT {most:UInt32}`,
		map[string]any{"run": journal.id, "most": maxJournal})
	if err != nil {
		return journal, fmt.Errorf("reading the journal of a fix: %w", err)
	}
	for _, row := range slices.Backward(rows) {
		journal.Steps = append(journal.Steps, FixStep{
			int(row.Number), row.Name, row.Status, row.At, row.Note, row.URL,
		})
	}
	return journal, nil
}
