// Package progress shows the progress of long work on a terminal or in a log.
package progress

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	// redraw is the shortest time between two drawings of the lines on a terminal.
	redraw = 100 * time.Millisecond
	// quiet is the shortest time between two plain lines of one name where there is no terminal.
	quiet = 5 * time.Second
)

// Display shows one line per name. On a terminal, it rewrites the lines in place, below printed text. Elsewhere, it
// prints the line of a name from time to time. It is safe for concurrent use.
type Display struct {
	mu       sync.Mutex
	w        io.Writer
	now      func() time.Time
	terminal bool
	width    int // columns of the terminal
	lines    []*line
	drawn    int // lines on the terminal that the next drawing erases
	last     time.Time
}

type line struct {
	name    string
	text    string
	printed time.Time // without a terminal
}

// New returns a display on w.
func New(w io.Writer, now func() time.Time) *Display {
	d := &Display{w: w, now: now, width: 80}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return d
	}
	d.terminal = true
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 20 {
		d.width = width
	}
	return d
}

// Set changes the line of a name. Where there is no terminal it is printed unless one of that name was printed less
// than five seconds ago; always prints it anyway.
func (d *Display) Set(name, text string, always bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.lines, func(l *line) bool { return l.name == name })
	if i < 0 {
		i = len(d.lines)
		d.lines = append(d.lines, &line{name: name})
	}
	l := d.lines[i]
	l.text = text
	if d.terminal {
		d.draw(false)
		return
	}
	if now := d.now(); always || now.Sub(l.printed) >= quiet {
		l.printed = now
		fmt.Fprintln(d.w, strings.TrimRight(text, " "))
	}
}

// Print prints a line that stays.
func (d *Display) Print(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	fmt.Fprintln(d.w, text)
	d.draw(true)
}

// Clear removes all lines of names.
func (d *Display) Clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	d.lines = nil
}

func (d *Display) draw(now bool) {
	if !d.terminal || (!now && d.now().Sub(d.last) < redraw) {
		return
	}
	d.erase()
	d.last = d.now()
	for _, l := range d.lines {
		text := l.text
		if r := []rune(text); len(r) >= d.width {
			text = string(r[:d.width-1])
		}
		fmt.Fprintln(d.w, text)
		d.drawn++
	}
}

// erase removes the lines from the terminal and leaves the cursor where they began.
func (d *Display) erase() {
	if d.drawn > 0 {
		fmt.Fprintf(d.w, "\x1b[%dA\r\x1b[J", d.drawn)
		d.drawn = 0
	}
}

// Bar returns a bar of 20 cells, of which done of total are full.
func Bar(done, total uint64) string {
	const cells = 20
	full := int(min(cells, cells*done/max(total, 1)))
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "]"
}
