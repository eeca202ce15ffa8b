package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestScorecardsBelow finds the scorecards of a directory and those behind a link to it, and what may be one: with a
// mistake in its kind, or too large to be read.
func TestScorecardsBelow(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "real")
	for name, text := range map[string]string{
		"a.yaml": "kind: Scorecard\n", "below/b.yml": "kind: Scorecard\n", "c.yaml": "kind: Component\n",
		"case.yaml": "{kind: scorecard}\n", "huge.yaml": strings.Repeat("#", 5<<20),
		".hidden/d.yaml": "kind: Scorecard\n", "testdata/e.yaml": "kind: Scorecard\n",
	} {
		file := filepath.Join(target, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{target, link, link + "/"} {
		got, err := scorecardsBelow(root)
		want := []string{
			filepath.Join(root, "a.yaml"), filepath.Join(root, "below", "b.yml"), filepath.Join(root, "case.yaml"),
			filepath.Join(root, "huge.yaml"),
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", root, got, err, want)
		}
	}
}

// TestOneUnreadableFileDoesNotStopTheOthers: a file that is too large and one that never ends are mistakes of their
// own.
func TestOneUnreadableFileDoesNotStopTheOthers(t *testing.T) {
	dir := t.TempDir()
	pipe, huge, good := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml"), filepath.Join(dir, "c.yaml")
	if err := exec.CommandContext(t.Context(), "mkfifo", pipe).Run(); err != nil {
		t.Fatal(err)
	}
	card := "apiVersion: dxctl.dev/v1\nkind: Scorecard\nname: c\nlevels: [bronze]\nrules:\n" +
		"  - {id: r, level: bronze, title: T, effort: days, expr: 'true'}\n"
	for file, text := range map[string]string{huge: strings.Repeat("#", 5<<20), good: card} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	suites, err := suitesOf([]string{pipe, huge, good}, "")
	if err != nil {
		t.Fatal(err)
	}
	tested := testSuites(suites, nil)
	want := []string{
		"reading " + pipe + ": it is not a regular file", "reading " + huge + ": it has 5242880 bytes; at most 4194304 are read",
	}
	if !slices.Equal(tested.mistakes, want) || len(tested.notes) != 1 {
		t.Errorf("mistakes %q, notes %q; want %q", tested.mistakes, tested.notes, want)
	}
}
