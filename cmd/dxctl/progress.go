package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// quiet is how long a progress without a terminal stays silent between two lines.
const quiet = 5 * time.Second

// progress shows what is going on: one line that is rewritten on a terminal, a plain line now and then elsewhere.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	now      func() time.Time
	terminal bool
	width    int
	last     time.Time
	step     string
	dirty    bool
}

func newProgress(w io.Writer, now func() time.Time) *progress {
	p := &progress{w: w, now: now}
	p.terminal, p.width = terminal(w)
	return p
}

// terminal reports whether w is a terminal, and how many columns it has.
func terminal(w io.Writer) (is bool, width int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 80
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 20 {
		return true, width
	}
	return true, 80
}

// update says how far a step is: done of total, or only done when the total is not known (0).
func (p *progress) update(step string, done, total int, what string) {
	text := step
	switch {
	case total > 0:
		text += fmt.Sprintf("  %s of %s %s  %s", thousands(done), thousands(total), what, bar(done, total))
	case done > 0:
		text += fmt.Sprintf("  %s %s", thousands(done), what)
	}
	p.show(step, text)
}

func (p *progress) show(step, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.terminal {
		if r := []rune(text); len(r) >= p.width {
			text = string(r[:p.width-1])
		}
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		p.dirty = true
		return
	}
	if step == p.step && now.Sub(p.last) < quiet {
		return
	}
	p.step, p.last = step, now
	fmt.Fprintln(p.w, strings.TrimRight(text, " "))
}

// line writes a line that stays.
func (p *progress) line(format string, args ...any) {
	p.done()
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, format+"\n", args...)
}

// done removes the line that was being rewritten.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dirty {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.dirty = false
	}
}

func bar(done, total int) string {
	const cells = 20
	full := min(cells, cells*done/max(total, 1))
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "]"
}
