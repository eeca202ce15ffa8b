package progress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/runner"
)

// Collect shows a line per source while they are collected.
type Collect struct {
	mu      sync.Mutex
	display *Display
	now     func() time.Time
	sources map[string]*sourceProgress
}

// sourceProgress is the state of a source in this run.
type sourceProgress struct {
	name      string
	began     time.Time
	streams   map[[2]string]streamProgress // by scope and stream
	scope     string                       // of the last report
	stream    string
	finished  int // scopes
	budgets   map[string]rest.Budget
	waitUntil time.Time
	reason    string
}

type streamProgress struct{ done, total uint64 }

// NewCollect returns a Collect that is shown on w.
func NewCollect(w io.Writer, now func() time.Time) *Collect {
	return &Collect{display: New(w, now), now: now, sources: map[string]*sourceProgress{}}
}

// Report shows a report of the Runner. It is safe for concurrent use.
func (p *Collect) Report(c runner.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.source(c.Source)
	name := strings.TrimSpace(c.Source + " " + c.Scope)
	switch {
	case c.Budget.Known:
		s.budgets[c.Budget.Resource] = c.Budget // the next line shows it; every answer has one
	case !c.WaitUntil.IsZero():
		s.waitUntil = c.WaitUntil
		s.reason = c.Reason
		p.display.Set(s.name, s.line(p.now()), true)
	case c.Finished:
		if !errors.Is(c.Err, context.Canceled) {
			s.finished++
		}
		p.display.Print(name + ": " + ending(c.Err))
	case c.Stream != "":
		s.scope = c.Scope
		s.stream = c.Stream
		s.streams[[2]string{c.Scope, c.Stream}] = streamProgress{c.Done, c.Total}
		p.display.Set(s.name, s.line(p.now()), false)
	}
}

// Clear erases the lines from a terminal, before other output is printed.
func (p *Collect) Clear() { p.display.Clear() }

// ending returns how a scope's collection ended.
func ending(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case rest.OnlySkipped(err):
		return fmt.Sprintf("incomplete: %v", err)
	}
	return fmt.Sprintf("failed: %v", err)
}

func (p *Collect) source(name string) *sourceProgress {
	s, ok := p.sources[name]
	if !ok {
		s = &sourceProgress{
			name:    name,
			began:   p.now(),
			streams: map[[2]string]streamProgress{},
			budgets: map[string]rest.Budget{},
		}
		p.sources[name] = s
	}
	return s
}

// line returns how far a source is: records, rate, time left, and the requests that the source still allows.
func (s *sourceProgress) line(now time.Time) string {
	if now.Before(s.waitUntil) {
		return fmt.Sprintf("%s is waiting until %s: %s", s.name, s.waitUntil.Local().Format(time.TimeOnly), s.reason)
	}
	var done, total uint64
	for _, st := range s.streams {
		done += st.done
		total += max(st.total, st.done)
	}
	parts := []string{strings.TrimSpace(s.name+" "+s.scope) + "  " + s.stream}
	here := s.streams[[2]string{s.scope, s.stream}]
	if here.total > 0 {
		parts = append(
			parts,
			fmt.Sprintf(
				"%s of %s %s",
				Thousands(int(here.done)),
				Thousands(int(here.total)),
				Bar(here.done, here.total),
			),
		)
	} else {
		parts = append(parts, Thousands(int(here.done)))
	}
	if elapsed := now.Sub(s.began).Seconds(); elapsed >= 1 && done > 0 {
		rate := float64(done) / elapsed
		parts = append(parts, fmt.Sprintf("%s/s", Thousands(int(max(rate, 1)))))
		if total > done {
			parts = append(parts, "about "+rounded(time.Duration(float64(total-done)/rate*float64(time.Second)))+" left")
		}
	}
	for _, b := range sortedBudgets(s.budgets) {
		unit := "requests"
		if b.Resource == "graphql" {
			unit = "GraphQL points"
		}
		parts = append(parts, fmt.Sprintf("%s of %s %s left", Thousands(b.Remaining), Thousands(b.Limit), unit))
	}
	if s.finished > 0 {
		parts = append(parts, fmt.Sprintf("%d done", s.finished))
	}
	return strings.Join(parts, "  ")
}

// sortedBudgets returns the budgets whose limit is known, by the name of their resource.
func sortedBudgets(budgets map[string]rest.Budget) []rest.Budget {
	var known []rest.Budget
	for _, b := range budgets {
		if b.Limit > 0 {
			known = append(known, b)
		}
	}
	slices.SortFunc(known, func(a, b rest.Budget) int { return cmp.Compare(a.Resource, b.Resource) })
	return known
}

// rounded formats a duration for a progress line.
func rounded(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds())+1)
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes())+1)
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// Thousands formats 123456 as 123,456.
func Thousands(n int) string {
	digits := fmt.Sprint(n)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, groups...), ",")
}
