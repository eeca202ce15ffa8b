package batch

import (
	"context"
	"slices"
	"time"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
)

// Forecast is what carrying out a plan takes, from then on.
type Forecast struct {
	Reads    int           `json:"reads"`
	Writes   int           `json:"writes"`
	Requests time.Duration `json:"requests_ns"` // how long the requests take within the limits of the host
	Checks   time.Duration `json:"checks_ns"`   // how long the checks of all waves but the last are expected to take
}

// Total is how long the batch takes.
func (f Forecast) Total() time.Duration { return f.Requests + f.Checks }

// checksOfWave is how long the checks of a wave are expected to take: the median of CI in the field is below it.
const checksOfWave = 5 * time.Minute

// WritesOf is how many requests open a pull request: a tree, a commit, a branch, and the pull request.
const WritesOf = 4

// requests returns what carrying out an item takes.
func (i *Item) requests() (reads, writes int) {
	reads = 1 // of pull requests
	if len(i.Issues) > 0 {
		reads++
		writes += len(i.Issues)
	}
	if n := len(i.Closings); n > 0 {
		reads += 1 + n
		writes += 2 * n
	}
	if len(i.Proposal.Files) > 0 {
		writes += WritesOf
		for _, file := range i.Proposal.Files {
			writes += file.Blobs()
		}
	}
	r, w := settings.Forecast(i.Changes)
	return reads + r, writes + w
}

// rehearsal is a batch without a host: its requests take the time that the pace gives them.
type rehearsal struct {
	*github.Pace
	now      time.Time
	forecast Forecast
}

func (r *rehearsal) ask(n int, write bool) {
	for range n {
		_ = r.Wait(context.Background(), write) // the clock is ours: it does not fail
	}
	if write {
		r.forecast.Writes += n
	} else {
		r.forecast.Reads += n
	}
}

// forecast rehearses the plan, in the order of its requests: in each wave the default branches, then the items, then
// how the pull requests so far stand, once a minute until the checks are expected to be finished.
func (p *Plan) forecast(limits github.Limits, bulk github.Bulk) Forecast {
	start := time.Unix(0, 0)
	r := &rehearsal{now: start}
	r.Pace = github.NewPace(limits, func() time.Time { return r.now }, func(_ context.Context, d time.Duration) error {
		r.now = r.now.Add(d)
		return nil
	})
	next, pulls := 0, 0
	for wave, n := range p.Waves {
		items := p.Items[next : next+int(n)]
		next += int(n)
		r.ask(bulk.Heads(len(items)), false)
		for i := range items {
			reads, writes := items[i].requests()
			r.ask(reads, false)
			r.ask(writes, true)
			if len(items[i].Proposal.Files) > 0 {
				pulls++
			}
		}
		if wave+1 == len(p.Waves) {
			break
		}
		began, checks := r.now, p.checksOf(items)
		for r.ask(bulk.States(pulls), false); r.now.Sub(began) < checks; r.ask(bulk.States(pulls), false) {
			r.now = r.now.Add(Poll)
			r.forecast.Checks += Poll
		}
	}
	r.forecast.Requests = r.now.Sub(start) - r.forecast.Checks
	return r.forecast
}

// checksOf is how long the checks of the pull requests of a wave are expected to take: where the default branch has
// none, as long as they are waited for.
func (p *Plan) checksOf(items []Item) time.Duration {
	longest := time.Duration(0)
	for i := range items {
		switch item := &items[i]; {
		case len(item.Proposal.Files) == 0:
		case item.Checks == github.NoChecks:
			longest = max(longest, p.Settle)
		default:
			longest = max(longest, checksOfWave)
		}
	}
	return longest
}

// needs returns the rights that the plan takes.
func (p *Plan) needs() github.Needs {
	n := github.Needs{Checks: len(p.Waves) > 1}
	for i := range p.Items {
		item := &p.Items[i]
		n.Pulls = n.Pulls || len(item.Proposal.Files) > 0
		n.Issues = n.Issues || len(item.Issues)+len(item.Closings) > 0
		n.Workflows = n.Workflows || slices.ContainsFunc(item.Proposal.Files, isWorkflow)
		n.Private = n.Private || item.Private
		n.Settings = n.Settings || len(item.Changes) > 0
	}
	return n
}
