package main

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

	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/rest"
)

// redraw is how often lines on a terminal are rewritten at the most.
const redraw = 100 * time.Millisecond

// collectProgress shows what the sources are doing. On a terminal it keeps a line a source and rewrites them in place;
// elsewhere it prints a plain line a source now and then.
type collectProgress struct {
	mu       sync.Mutex
	w        io.Writer
	now      func() time.Time
	terminal bool
	width    int
	sources  []*sourceProgress // in the order in which they were first heard of
	drawn    int               // lines of the block that is on the terminal
	last     time.Time         // when it was drawn
}

// sourceProgress is what is known of a source in this run.
type sourceProgress struct {
	name      string
	began     time.Time
	streams   map[[2]string]streamProgress // by scope and stream
	scope     string                       // heard of last
	stream    string
	finished  int // scopes
	budgets   map[string]rest.Budget
	waitUntil time.Time
	reason    string
	said      time.Time // the last plain line
}

type streamProgress struct{ done, total uint64 }

func newCollectProgress(w io.Writer, now func() time.Time) *collectProgress {
	p := &collectProgress{w: w, now: now}
	p.terminal, p.width = terminal(w)
	return p
}

// report takes what the Runner says.
func (p *collectProgress) report(c collectors.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.source(c.Source)
	name := strings.TrimSpace(c.Source + " " + c.Scope)
	switch {
	case c.Budget.Known:
		s.budgets[c.Budget.Resource] = c.Budget
		return // the next line shows it; every answer has one
	case !c.WaitUntil.IsZero():
		s.waitUntil, s.reason = c.WaitUntil, c.Reason
		if !p.terminal {
			fmt.Fprintln(p.w, s.line(p.now()))
		}
	case c.Finished && errors.Is(c.Err, context.Canceled):
		p.permanent(name + ": interrupted")
	case c.Finished && rest.OnlySkipped(c.Err):
		s.finished++
		p.permanent(fmt.Sprintf("%s: incomplete: %v", name, c.Err))
	case c.Finished && c.Err != nil:
		s.finished++
		p.permanent(fmt.Sprintf("%s: failed: %v", name, c.Err))
	case c.Finished:
		s.finished++
		p.permanent(name + ": done")
	case c.Stream != "":
		s.scope, s.stream = c.Scope, c.Stream
		s.streams[[2]string{c.Scope, c.Stream}] = streamProgress{c.Done, c.Total}
		p.plain(s)
	}
	p.draw(false)
}

func (p *collectProgress) source(name string) *sourceProgress {
	i := slices.IndexFunc(p.sources, func(s *sourceProgress) bool { return s.name == name })
	if i < 0 {
		i = len(p.sources)
		p.sources = append(p.sources, &sourceProgress{name: name, began: p.now(), streams: map[[2]string]streamProgress{}, budgets: map[string]rest.Budget{}})
	}
	return p.sources[i]
}

// plain prints a line about a source where there is no terminal, unless it did so a moment ago.
func (p *collectProgress) plain(s *sourceProgress) {
	if now := p.now(); !p.terminal && now.Sub(s.said) >= quiet {
		s.said = now
		fmt.Fprintln(p.w, s.line(now))
	}
}

// permanent prints a line that stays, above the block.
func (p *collectProgress) permanent(line string) {
	p.erase()
	fmt.Fprintln(p.w, line)
	p.draw(true)
}

// draw writes the block of lines again.
func (p *collectProgress) draw(now bool) {
	if !p.terminal || (!now && p.now().Sub(p.last) < redraw) {
		return
	}
	p.erase()
	p.last = p.now()
	for _, s := range p.sources {
		line := s.line(p.last)
		if r := []rune(line); len(r) >= p.width {
			line = string(r[:p.width-1])
		}
		fmt.Fprintln(p.w, line)
		p.drawn++
	}
}

// erase removes the block from the terminal.
func (p *collectProgress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(p.w, "\x1b[%dA\r\x1b[J", p.drawn)
		p.drawn = 0
	}
}

// done removes what was being rewritten.
func (p *collectProgress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// line says how far a source is: records, rate, what is left, and what the source still allows.
func (s *sourceProgress) line(now time.Time) string {
	if now.Before(s.waitUntil) {
		return fmt.Sprintf("%s waits until %s: %s", s.name, s.waitUntil.Local().Format(time.TimeOnly), s.reason)
	}
	var done, total uint64
	for _, st := range s.streams {
		done += st.done
		total += max(st.total, st.done)
	}
	parts := []string{strings.TrimSpace(s.name+" "+s.scope) + "  " + s.stream}
	here := s.streams[[2]string{s.scope, s.stream}]
	if here.total > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s %s", thousands(int(here.done)), thousands(int(here.total)), bar(int(here.done), int(here.total))))
	} else {
		parts = append(parts, thousands(int(here.done)))
	}
	if elapsed := now.Sub(s.began).Seconds(); elapsed >= 1 && done > 0 {
		rate := float64(done) / elapsed
		parts = append(parts, fmt.Sprintf("%s/s", thousands(int(max(rate, 1)))))
		if total > done {
			parts = append(parts, "about "+rounded(time.Duration(float64(total-done)/rate*float64(time.Second)))+" left")
		}
	}
	for _, b := range sortedBudgets(s.budgets) {
		unit := "requests"
		if b.Resource == "graphql" {
			unit = "GraphQL points"
		}
		parts = append(parts, fmt.Sprintf("%s of %s %s left", thousands(b.Remaining), thousands(b.Limit), unit))
	}
	if s.finished > 0 {
		parts = append(parts, fmt.Sprintf("%d done", s.finished))
	}
	return strings.Join(parts, "  ")
}

// sortedBudgets returns the budgets that are known in full, by the name of their resource.
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

// rounded is a duration as people say it.
func rounded(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds())+1)
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes())+1)
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
