package tree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

func list(t *testing.T, fsys fstest.MapFS, limits Limits) *Tree {
	t.Helper()
	tr, err := List(context.Background(), fsys, limits)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestCheckout reads a directory with links that lead out of it, a pipe, and ignored files.
func TestCheckout(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(".git/config", "x")
	write(".gitignore", "/bin/\n*.log\n!keep.log\n# x\nweb/dist\n{a}\n[\n")
	write("bin/tool", "x")
	write("sub/bin/tool", "x")
	write("a.log", "x")
	write("keep.log", "x")
	write("web/dist/x.js", "x")
	write("node_modules/x/index.js", "x")
	write("sub/.gitignore", "local\n!x.log\n")
	write("sub/deep/local", "x")
	write("sub/x.log", "x")
	write("local", "x")
	for name, target := range map[string]string{
		"link": filepath.Join(outside, "secret"), "dir": outside, "loop": "loop", "inside": "keep.log", "up": "../x",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	fsys, closer, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	tr, err := List(context.Background(), fsys, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range tr.Files {
		name := f.Path
		if f.Link {
			name += "@"
			if _, err := tr.Text(f); err == nil || !strings.Contains(err.Error(), "symbolic link") {
				t.Errorf("%s: %v", f.Path, err)
			}
			if target, ok := tr.Resolve(f); ok {
				name += target.Path
			}
		}
		got = append(got, name)
	}
	want := ".gitignore dir@ inside@keep.log keep.log link@ local loop@ sub/.gitignore sub/bin/tool sub/x.log up@"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	// A regular file that is replaced by a link after the listing is not followed out of the directory either.
	f, _ := tr.File("local")
	if err := errors.Join(os.Remove(filepath.Join(dir, "local")), os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "local"))); err != nil {
		t.Fatal(err)
	}
	if text, err := tr.Text(f); err == nil {
		t.Errorf("read %q", text)
	}
}

func TestLimits(t *testing.T) {
	fsys := fstest.MapFS{}
	for i := range 20 {
		fsys[fmt.Sprintf("f%02d", i)] = &fstest.MapFile{Data: []byte(strings.Repeat("x", 100))}
	}
	fsys["a/b/c/d"] = &fstest.MapFile{}
	for _, tc := range []struct {
		limits Limits
		want   string
	}{
		{Limits{}, ""},
		{Limits{Files: 10}, "the repository has more than 10 files"},
		{Limits{Depth: 2}, "directory a/b/c is deeper than 2 levels"},
	} {
		tr := list(t, fsys, tc.limits)
		if tr.Partial != tc.want {
			t.Errorf("%+v: %q", tc.limits, tr.Partial)
		}
		if absent := Absent(tr, "x"); absent.Known != (tc.want == "") || absent.Reason != tc.want {
			t.Errorf("%+v", absent)
		}
	}
	small := list(t, fsys, Limits{FileBytes: 50})
	if _, err := small.Text(small.Files[1]); err == nil || err.Error() != "f00 is larger than 50 bytes" {
		t.Error(err)
	}
	total := list(t, fsys, Limits{TotalBytes: 150})
	for i, want := range []string{"<nil>", "f01 is larger than 50 bytes", "f02: more than 150 bytes of the repository were read"} {
		if _, err := total.Text(total.Files[1+i]); fmt.Sprint(err) != want {
			t.Errorf("%d: %v, want %s", i, err, want)
		}
	}
	texts := list(t, fsys, Limits{TextBytes: 150})
	for i, want := range []string{"<nil>", "<nil>", "f02: more than 150 bytes of the repository were parsed"} {
		if _, err := texts.Text(texts.Files[1+i]); fmt.Sprint(err) != want {
			t.Errorf("%d: %v, want %s", i, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := List(ctx, fsys, Limits{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	tr, err := List(ctx, fsys, Limits{})
	if cancel(); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Text(tr.Files[1]); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"\ufeffa\r\nb\rc\n": "a\nb\nc\n", "": "", "a\x00b": "x is binary", "\xff": "x is not UTF-8 text", "\xff\xfea\x00": "x is binary",
	} {
		tr := list(t, fstest.MapFS{"x": {Data: []byte(text)}}, Limits{})
		got, err := tr.Text(tr.Files[0])
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	for name, want := range map[string][2]bool{
		"vendor/x": {true, false}, "a/third_party/b/c": {true, false}, "vendor": {}, "a/testdata/b": {false, true}, "examples": {}, "latest/x": {},
		".yarn/releases/yarn.cjs": {true, false}, "a/src/main/java/org/samples/App.java": {}, "samples/src/main/App.java": {false, true},
		"src/main/java/test/App.java": {}, "extra/push-examples/x": {false, true}, "configsamples/x": {false, true},
		"a/crypto_fixtures/x": {false, true}, "dev-env/x": {false, true}, "dev/x": {}, "amplesound/x": {}, "my.sample/x": {false, true}, "resampler/x": {},
	} {
		if got := [2]bool{Vendored(name), Example(name)}; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	tr := list(t, fstest.MapFS{
		"features/steps/a.py": {}, "features/x/a.feature": {}, "features/Dockerfile": {}, "src/features/pay.ts": {},
		"api/features/a.feature": {}, "a.feature": {}, "testing/a": {}, "vendor/a": {},
	}, Limits{})
	var own []string
	for _, f := range tr.Files {
		if tr.Own(f.Path) {
			own = append(own, f.Path)
		}
	}
	if want := []string{"a.feature", "src/features/pay.ts"}; !slices.Equal(own, want) {
		t.Errorf("own files %q, want %q", own, want)
	}
	if !Under("a/b", "a") || Under("ab", "a") || !Under("a", "a") || !Under("x", ".") {
		t.Error("Under")
	}
}
