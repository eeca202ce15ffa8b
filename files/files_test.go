package files_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dxctl/dxctl/files"
)

// tree lays out empty files below a new directory whose name has characters of patterns.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a[b]{c}*")
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestGlob(t *testing.T) {
	dir := tree(
		t,
		"b.yaml",
		"a.yaml",
		"c.json",
		"x/d.yaml",
		"x/y/e.yaml",
		"node_modules/f.yaml",
		".git/g.yaml",
		"x[1].yaml",
	)
	for _, tt := range []struct {
		name, pattern string
		want          []string
	}{
		{"sorted", "*.yaml", []string{"a.yaml", "b.yaml", "x[1].yaml"}},
		{"any number of directories", "**/*.yaml", []string{"a.yaml", "b.yaml", "x/d.yaml", "x/y/e.yaml", "x[1].yaml"}},
		{"a directory that is skipped unless it is named", "node_modules/*", []string{"node_modules/f.yaml"}},
		{"alternatives", "{a,c}.*", []string{"a.yaml", "c.json"}},
		{"an escaped character", `x\[1\].yaml`, []string{"x[1].yaml"}},
		{"no file matches", "*.txt", nil},
		{"a name without a file", "gone.yaml", []string{"gone.yaml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := files.Glob(tt.pattern, dir)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				got[i] = filepath.ToSlash(strings.TrimPrefix(got[i], dir+string(filepath.Separator)))
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("files differ (- want, + got):\n%s", diff)
			}
		})
	}
	if _, err := files.Glob("[a", dir); err == nil {
		t.Error("a malformed pattern is accepted")
	}
}

func TestReaderReportsWhatItCannotRead(t *testing.T) {
	dir := tree(t, "x/a.yaml")
	r := files.NewReader(dir)
	for _, pattern := range []string{"x/*.yaml", "x", "gone.yaml", "*.txt", "[a"} {
		for _, name := range r.Match(pattern, "catalog.files") {
			r.Open(name)
		}
	}
	var got []string
	for _, w := range r.Warnings() {
		text := w.String()
		if w.Lost {
			text = "lost: " + text
		}
		got = append(got, text)
	}
	want := []string{
		"lost: x: the file cannot be read: it is a directory; name files, or a pattern such as x/*",
		"lost: gone.yaml: the file cannot be read: no such file or directory",
		"catalog.files: no file matches *.txt (below " + dir + ")",
	}
	if diff := cmp.Diff(want, got[:min(3, len(got))]); diff != "" {
		t.Errorf("warnings differ (- want, + got):\n%s", diff)
	}
	if len(got) != 4 || !strings.HasPrefix(got[3], "lost: catalog.files: pattern ") {
		t.Errorf("a malformed pattern is not reported: %q", got)
	}
	if diff := cmp.Diff([]string{"gone.yaml", "x"}, r.LostFiles()); diff != "" {
		t.Errorf("lost files differ (- want, + got):\n%s", diff)
	}
}

func TestWarningString(t *testing.T) {
	for want, w := range map[string]files.Warning{
		"m":          {Message: "m"},
		"a.csv: m":   {File: "a.csv", Message: "m"},
		"a.csv:3: m": {File: "a.csv", Line: 3, Message: "m"},
	} {
		if got := w.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got, want := files.Listed([]string{"a", "b", "c", "d", "e", "f", "g"}), "a, b, c, d, e and 2 more"; got != want {
		t.Errorf("listed %q, want %q", got, want)
	}
	if got, want := files.Count(1, "row is", "rows are")+", "+files.Count(
		2,
		"row is",
		"rows are",
	), "1 row is, 2 rows are"; got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
}
