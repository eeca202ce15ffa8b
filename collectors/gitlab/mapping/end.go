package mapping

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// work is a job that has run, or several of one user that followed one another: what counts for the end of a pipeline.
type work struct {
	Queued   time.Time `json:"queued"` // when it entered the queue; when it started, where that is not known
	Finish   time.Time `json:"finish"`
	User     string    `json:"user,omitempty"`     // who started it: of a job that was pressed or retried, who did that
	Optional bool      `json:"optional,omitempty"` // the pipeline passes without it, as it does without most manual jobs
	Loose    bool      `json:"loose,omitempty"`    // Queued is the start
	Jobs     int       `json:"jobs"`
}

// How long after what came before it a job may enter the queue and still have been started by GitLab: it does so within
// seconds, and later where Sidekiq is behind or a resource group is taken.
const (
	promptly         = 10 * time.Minute
	promptlyOptional = time.Minute // most optional jobs are manual
	promptlyLoose    = time.Hour   // the time in the queue is not known
	together         = 10 * time.Second
)

// workOf is a finished job as work; false for one that was canceled before it ran. One that failed before it ran did so
// by itself, for want of a runner for example.
func workOf(j Job) (work, bool) {
	if j.FinishedAt.IsZero() {
		return work{}, false
	}
	if j.StartedAt.IsZero() {
		return work{
			Queued:   source.Earliest(j.CreatedAt.Time, j.FinishedAt.Time),
			Finish:   j.FinishedAt.Time,
			User:     j.User.login(),
			Optional: j.AllowFailure,
			Jobs:     1,
		}, statuses.Of(j.Status) == event.Failed
	}
	known := j.QueuedDuration.Known && j.QueuedDuration.N >= 0 && j.QueuedDuration.N <= maxSeconds
	w := work{
		Queued:   j.StartedAt.Time,
		Finish:   j.FinishedAt.Time,
		User:     j.User.login(),
		Optional: j.AllowFailure,
		Loose:    !known,
		Jobs:     1,
	}
	if known {
		w.Queued = j.StartedAt.Add(-time.Duration(j.QueuedDuration.N * float64(time.Second)))
	}
	return w, true
}

// add joins w to work of the same sort that it overlaps or follows, so that a pipeline of a thousand jobs stays small.
func add(all []work, w work) []work {
	for i, o := range all {
		if o.User == w.User && o.Optional == w.Optional && o.Loose == w.Loose &&
			!w.Queued.After(o.Finish.Add(together)) && !o.Queued.After(w.Finish.Add(together)) {
			all[i].Queued, all[i].Finish, all[i].Jobs = source.Earliest(o.Queued, w.Queued), source.Latest(
				o.Finish,
				w.Finish,
			), o.Jobs+w.Jobs
			return all
		}
	}
	return append(all, w)
}

// end is when the last job ended that nobody started by hand; zero when there is none. GitLab does not report of a job
// that has run whether somebody pressed it. It was pressed, or retried by hand, when another user is its user than that
// of the other jobs, or when it entered the queue long after everything before it was over. Once an optional job is
// pressed after all others had ended, the pipeline was over: what follows belongs to what was pressed.
func end(created time.Time, all []work) time.Time {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b work) int { return a.Queued.Compare(b.Queued) })
	owner, reach, end := owner(all), created, time.Time{}
	for _, w := range sorted {
		late := !reach.IsZero() && w.Queued.Sub(reach) > w.patience()
		pressed := late || w.User != "" && owner != "" && w.User != owner
		switch {
		case !pressed:
			end = source.Latest(end, w.Finish)
		case w.Optional && w.Queued.After(reach) && !end.IsZero():
			return end
		}
		reach = source.Latest(reach, w.Finish)
	}
	return end
}

func (w work) patience() time.Duration {
	switch {
	case w.Loose:
		return promptlyLoose
	case w.Optional:
		return promptlyOptional
	}
	return promptly
}

// owner is the user of most jobs; of several, the one whose job came first.
func owner(all []work) string {
	jobs := map[string]int{}
	for _, w := range all {
		jobs[w.User] += w.Jobs
	}
	best, at := "", time.Time{}
	for _, w := range all {
		if w.User == "" || jobs[w.User] < jobs[best] || jobs[w.User] == jobs[best] && !at.IsZero() && w.Queued.After(at) {
			continue
		}
		best, at = w.User, w.Queued
	}
	return best
}
