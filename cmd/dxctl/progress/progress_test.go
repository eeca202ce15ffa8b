package progress

import (
	"strings"
	"testing"
	"time"
)

func TestWithoutATerminal(t *testing.T) {
	var out strings.Builder
	now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	d := New(&out, func() time.Time { return now })
	d.Set("one", "one 1  ", false)
	d.Set("two", "two 1", false)
	now = now.Add(time.Second)
	d.Set("one", "one 2", false)
	d.Set("two", "two waits", true)
	d.Print("three: done")
	now = now.Add(5 * time.Second)
	d.Set("one", "one 3", false)
	d.Clear()
	if want := "one 1\ntwo 1\ntwo waits\nthree: done\none 3\n"; out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestOnATerminal(t *testing.T) {
	var out strings.Builder
	now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	d := New(&out, func() time.Time { return now })
	d.terminal = true
	d.width = 6
	d.Set("a", "a 1", false)
	d.Set("b", "b long line", false) // too soon: drawn with the next line that stays
	d.Print("stays")
	now = now.Add(time.Second)
	d.Set("a", "a 2", false)
	d.Clear()
	d.Clear()
	erase := func(lines string) string { return "\x1b[" + lines + "A\r\x1b[J" }
	want := "a 1\n" + erase("1") + "stays\na 1\nb lon\n" + erase("2") + "a 2\nb lon\n" + erase("2")
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		done, total uint64
		full        int
	}{{0, 0, 0}, {0, 10, 0}, {5, 10, 10}, {10, 10, 20}, {11, 10, 20}} {
		if got := Bar(c.done, c.total); strings.Count(got, "#") != c.full || len(got) != 22 {
			t.Errorf("Bar(%d, %d) = %s", c.done, c.total, got)
		}
	}
}
