package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestScorecardsBelow finds the scorecards of a directory and those behind a link to it.
func TestScorecardsBelow(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "real")
	for name, text := range map[string]string{
		"a.yaml": "kind: Scorecard\n", "below/b.yml": "kind: Scorecard\n", "c.yaml": "kind: Component\n",
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
		want := []string{filepath.Join(root, "a.yaml"), filepath.Join(root, "below", "b.yml")}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", root, got, err, want)
		}
	}
}
