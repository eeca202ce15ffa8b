package runs

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/collectors/github/mapping"
)

// span is a stretch of time whose runs are to be read. Both ends are included, and are whole seconds, as GitHub's are.
type span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Above is set if the span is what remained below the newest thousand runs of a longer one.
	Above *above `json:"above,omitempty"`
	// Split: read the span in halves while it has more runs than a listing shows, rather than from the top.
	Split bool `json:"split,omitempty"`
}

// above describes the upper part of a longer span, which was read.
type above struct {
	To   time.Time `json:"to"`   // end of the longer span
	Seen uint64    `json:"seen"` // how many runs were read of the part above this span
	Left uint64    `json:"left"` // how many runs this span has if those were all
}

// query returns the span as the parameter "created" of a listing.
func (s span) query() string {
	const layout = "2006-01-02T15:04:05Z"
	return s.From.UTC().Format(layout) + ".." + s.To.UTC().Format(layout)
}

// second reports whether the span cannot be divided.
func (s span) second() bool { return !s.From.Before(s.To) }

// halves returns the upper and the lower half of a span that can be divided.
func (s span) halves() (upper, lower span) {
	middle := s.From.Add(s.To.Sub(s.From) / 2).Truncate(time.Second)
	return span{From: middle.Add(time.Second), To: s.To}, span{From: s.From, To: middle}
}

// remaining returns what is left to read of the span after its listing was read: runs are those that it showed, total
// is how many it has.
//
// A span of up to a thousand runs is read whole. A longer one shows its newest thousand, every page of them full, and
// the span below the oldest of those remains: that costs a request per hundred runs whatever their density, while
// halving the span costs the pages of the listings that turn out too long. It relies on the listing being sorted, which
// is checked, and on the totals of both parts adding up, which is checked when the lower part is read (Above). If
// either check fails, or no run can be read, the span is read by halving.
func (s span) remaining(runs []mapping.Run, total uint64) []span {
	if total <= listed || s.second() {
		return nil
	}
	if s.Split || len(runs) == 0 || !newestFirst(runs) || runs[len(runs)-1].CreatedAt.Before(s.From) {
		upper, lower := s.halves()
		upper.Split, lower.Split = true, true
		return []span{upper, lower}
	}
	oldest := runs[len(runs)-1].CreatedAt
	if !oldest.Before(s.To) { // a thousand runs of the last second: it is read by itself
		return []span{{From: s.To, To: s.To}, {From: s.From, To: s.To.Add(-time.Second)}}
	}
	seen := uint64(0)
	for _, g := range runs {
		if g.CreatedAt.After(oldest) {
			seen++
		}
	}
	return []span{{From: s.From, To: oldest, Above: &above{To: s.To, Seen: seen, Left: total - seen}}}
}

// unique returns the latest observation of each run, at the place of the first. It reuses the slice.
func unique(runs []mapping.Run) []mapping.Run {
	at := make(map[int64]int, len(runs))
	kept := runs[:0]
	for _, g := range runs {
		i, again := at[g.ID]
		switch {
		case !again:
			at[g.ID] = len(kept)
			kept = append(kept, g)
		case later(g, kept[i]):
			kept[i] = g
		}
	}
	return kept
}

// later reports whether a is a later observation than b of the same run.
func later(a, b mapping.Run) bool {
	if a.Attempt() != b.Attempt() {
		return a.Attempt() > b.Attempt()
	}
	return !a.UpdatedAt.Before(b.UpdatedAt)
}

// newestFirst reports whether runs are in the order of a listing.
func newestFirst(runs []mapping.Run) bool {
	return slices.IsSortedFunc(runs, func(a, b mapping.Run) int { return b.CreatedAt.Compare(a.CreatedAt) })
}
