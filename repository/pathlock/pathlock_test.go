package pathlock_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dxctl/dxctl/repository/pathlock"
)

func lock() *pathlock.Lock {
	return &pathlock.Lock{
		Path: pathlock.Path{
			Name: "go-service", Version: "1.2.0", Source: "https://git.example/paths//go", Ref: "v1.2.0",
			Commit: strings.Repeat("ab", 20), Digest: pathlock.Hash([]byte("path")),
		},
		Answers:  map[string]string{"service_name": "pay", "description": "It's: #1 \"pay\"", "port": "8080", "on": "true"},
		Defaults: map[string]string{"registry": "registry.example/a", "runner": "[self-hosted, linux]"},
		Files: map[string]pathlock.Entry{
			"README.md":                {Mode: pathlock.Once, Hash: pathlock.Hash([]byte("a"))},
			".github/workflows/ci.yml": {Mode: pathlock.Managed, Hash: pathlock.Hash([]byte("b"))},
		},
		Removed: []string{".github/old.yml"},
		Adopted: true,
		Declined: []pathlock.Declined{
			{Rule: "agents-md", Reason: "no agents here", By: "user:default/ana", Until: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)},
		},
	}
}

// TestRoundTrip: what is written is read again, and written the same.
func TestRoundTrip(t *testing.T) {
	data, err := lock().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := pathlock.Read(fstest.MapFS{pathlock.File: {Data: data}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Declined[0].Line == 0 {
		t.Error("the place of what was declined is not known")
	}
	got.Declined[0].Line = 0
	if want := lock(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	again, err := got.Encode()
	if err != nil || string(again) != string(data) {
		t.Errorf("%v\n%s\n%s", err, data, again)
	}
}

// TestDeclinedEnds: what was declined counts to the end of its last day.
func TestDeclinedEnds(t *testing.T) {
	d := lock().Declined[0]
	last := time.Date(2027, 3, 31, 23, 59, 59, 0, time.UTC)
	if !d.Holds(last) || d.Holds(last.Add(time.Second)) {
		t.Error("it does not end with its last day")
	}
}

// TestDeclines: a rule, a file or everything can be declined, until the end of a day, also in a file that follows no
// golden path.
func TestDeclines(t *testing.T) {
	l, err := pathlock.Parse([]byte(`apiVersion: dxctl.dev/v1
kind: GoldenPathLock
declined:
  - {rule: agents-md, reason: no agents here, by: ada, until: 2027-03-31}
  - {rule: agents-md, reason: ended, by: ada, until: 2026-01-01}
  - {file: Makefile, reason: we use just, by: ada, until: 2027-01-31}
  - {all: true, reason: it moves, by: ada, until: 2026-12-31}
`), pathlock.File)
	if err != nil || l.Follows() {
		t.Fatal(l, err)
	}
	for _, c := range []struct{ rule, file, on, want string }{
		{"agents-md", "", "2027-03-31", "declined until 2027-03-31: no agents here"},
		{"agents-md", "", "2026-01-01", "declined until 2027-03-31: no agents here"},
		{"agents-md", "", "2027-04-01", ""},
		{"license", "", "2026-12-31", "declined until 2026-12-31: it moves"},
		{"license", "", "2027-01-01", ""},
		{"", "Makefile", "2027-01-31", "declined until 2027-01-31: we use just"},
		{"", "Makefile", "2027-02-01", ""},
		{"", "agents-md", "2027-01-01", ""},
	} {
		day, err := time.Parse(time.DateOnly, c.on)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if d := l.Declines(c.rule, c.file, day.Add(23*time.Hour)); d != nil {
			got = d.String()
		}
		if got != c.want {
			t.Errorf("%s%s on %s: %q, want %q", c.rule, c.file, c.on, got, c.want)
		}
	}
	data, err := l.Encode()
	if err != nil || strings.Contains(string(data), "path:") || !strings.Contains(string(data), "all: true") {
		t.Errorf("%v\n%s", err, data)
	}
}

// TestNoSecrets: an answer that looks like a secret is never written.
func TestNoSecrets(t *testing.T) {
	secret := "ghp_" + strings.Repeat("aB3", 12)
	for name, change := range map[string]func(l *pathlock.Lock){
		"an answer":                func(l *pathlock.Lock) { l.Answers["note"] = secret },
		"a default":                func(l *pathlock.Lock) { l.Defaults = map[string]string{"runner": secret} },
		"the reason of a decision": func(l *pathlock.Lock) { l.Declined = append(l.Declined, pathlock.Declined{Rule: "x", Reason: secret}) },
	} {
		l := lock()
		change(l)
		_, err := l.Encode()
		if err == nil || !strings.Contains(err.Error(), "GitHub token") || strings.Contains(err.Error(), "ghp_") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	good, err := lock().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, text, want string }{
		{"kind: GoldenPathLock", "kind: Lock", `.lock:4: apiVersion is "dxctl.dev/v1" and kind is "Lock"`},
		{"  name: go-service", "  nme: go-service", `unknown key "nme" in path (did you mean "name"?)`},
		{"mode: managed", "mode: mangaed", `mode "mangaed" is not one of once, managed, merge, block (did you mean managed?)`},
		{"digest: sha256:", "digest: sha1:", "is not sha256: with 64 hexadecimal digits"},
		{"commit: ab", "commit: xy", "is not the full hash of a commit"},
		{"README.md:", "../README.md:", "has an empty, . or .. component"},
		{"README.md:", ".git/hooks/pre-commit:", "is in .git"},
		{"README.md:", ".GITHUB/workflows/ci.yml:", "differs from"},
		{"README.md:", ".GitHub/README.md:", "differs from"},
		{"until: \"2027-03-31\"", "until: soon", `until "soon" is not a day`},
		{"rule: agents-md", "rule: \"\"", "write either the rule or the file"},
		{"rule: agents-md", "rule: agents-md\n    all: true", "write either the rule or the file"},
		{"  name: go-service", "", "the golden path has no name"},
		{"by: user:default/ana", "by: \"\"", "who declined it"},
		{"reason: no agents here", "reason: \"\"", "the reason is missing"},
		{"service_name: pay", "service_name: *x", "unknown anchor"},
		{"service_name: pay", "service_name: &x pay\n  other: *x", "the alias *x is not supported here"},
		{"service_name: pay", "service_name: [pay]", "cannot use a list as a text"},
		{"service_name: pay", "service_name: " + strings.Repeat("a", 500), "at most 400 are read"},
		{"path:", "---\npath:", "documents instead of one"},
		{"path:", "path: [", "golden-path.lock:"},
	} {
		t.Run(c.text[:min(len(c.text), 40)], func(t *testing.T) {
			if !strings.Contains(string(good), c.old) {
				t.Fatalf("%q is not in\n%s", c.old, good)
			}
			_, err := pathlock.Parse([]byte(strings.Replace(string(good), c.old, c.text, 1)), pathlock.File)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if _, err := pathlock.Parse([]byte(strings.Repeat("#", 2<<20)), "x"); err == nil {
		t.Error("a huge file is read")
	}
}

// TestReadRefusesWhatIsNoFile: symbolic links, directories and pipes are not opened.
func TestReadRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".dxctl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := pathlock.Read(os.DirFS(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
	file := filepath.Join(dir, pathlock.File)
	for name, create := range map[string]func() error{
		"a symbolic link": func() error { return os.Symlink("/etc/passwd", file) },
		"a dangling link": func() error { return os.Symlink("nowhere", file) },
		"a directory":     func() error { return os.Mkdir(file, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := create(); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(file)
			if _, err := pathlock.Read(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Error(err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	good, err := lock().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good))
	f.Add("a: &a [x]\nb: *a\n")
	f.Add("path: {name: [")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := pathlock.Parse([]byte(text), "lock")
		if err != nil {
			return
		}
		for _, name := range l.Sorted() {
			if err := pathlock.CheckPath(name); err != nil {
				t.Errorf("path %q %v", name, err)
			}
		}
		if _, err := l.Encode(); err != nil && !strings.Contains(err.Error(), "secret") {
			t.Errorf("a lock that was read cannot be written: %v", err)
		}
	})
}
