package checkout_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dxctl/dxctl/actions/checkout"
)

func TestValid(t *testing.T) {
	for name, refused := range map[string]bool{
		"a":                             false,
		"a/b.txt":                       false,
		".github/workflows/ci.yml":      false,
		".gitignore":                    false,
		"a/.gitattributes":              false,
		"ein Ort/größe.md":              false,
		"":                              true,
		".":                             true,
		"..":                            true,
		"../a":                          true,
		"a/../../b":                     true,
		"a/../b":                        true,
		"/etc/passwd":                   true,
		"a//b":                          true,
		"./a":                           true,
		"a/":                            true,
		".git":                          true,
		".git/config":                   true,
		".GIT/hooks/pre-commit":         true,
		"sub/.Git/config":               true,
		".git./config":                  true,
		".git /config":                  true,
		"git~1/config":                  true,
		".g\u200cit/config":             true,
		".git::$INDEX_ALLOCATION/a":     true,
		"C:/windows":                    true,
		`a\..\b`:                        true,
		"a\x00b":                        true,
		"a\nb":                          true,
		"a\u202eb":                      true,
		"a./b":                          true,
		"a /b":                          true,
		"\xff":                          true,
		strings.Repeat("a/", 600) + "b": true,
	} {
		if err := checkout.Valid(name); (err != nil) != refused {
			t.Errorf("%q: %v, want refused %v", name, err, refused)
		}
	}
}

func FuzzValid(f *testing.F) {
	for _, name := range []string{"a/b", "../a", ".git/x", `\\x`, "a/.", "/"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkout.Valid(name) != nil {
			return
		}
		dir := filepath.Join("x", "y")
		relative, err := filepath.Rel(dir, filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || filepath.ToSlash(relative) != name {
			t.Errorf("%q is valid and leads to %q, %v", name, relative, err)
		}
		if strings.Contains("/"+strings.ToLower(name)+"/", "/.git/") {
			t.Errorf("%q is valid and in .git", name)
		}
	})
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	write(t, filepath.Join(dir, "plain"), "text")
	write(t, filepath.Join(dir, "empty"), "")
	write(t, filepath.Join(dir, "in/file"), "text")
	write(t, filepath.Join(dir, ".git/config"), "text")
	write(t, filepath.Join(dir, "module/.git"), "gitdir: ../.git/modules/module\n")
	write(t, filepath.Join(dir, "module/file"), "text")
	for link, target := range map[string]string{
		"to-file":     "plain",
		"to-dir":      "in",
		"to-git":      ".git",
		"to-outside":  outside,
		"to-secret":   filepath.Join(outside, "secret"),
		"dangling":    "nothing",
		"chain":       "to-dir",
		"in/up":       "../..",
		"circle":      "circle",
		"long-chain":  "chain",
		"in/git-link": "../.git/config",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	huge, err := os.Create(filepath.Join(dir, "huge"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(huge.Truncate(1<<40), huge.Close()); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	for name, want := range map[string]string{
		"plain":           "text",
		"empty":           "",
		"in/file":         "text",
		"none":            "absent",
		"none/at/all":     "absent",
		"to-file":         "to-file is a symbolic link",
		"to-dir/file":     "to-dir is a symbolic link",
		"to-git/config":   "to-git is a symbolic link",
		"to-outside/x":    "to-outside is a symbolic link",
		"to-secret":       "symbolic link",
		"dangling":        "symbolic link",
		"dangling/x":      "symbolic link",
		"chain/file":      "symbolic link",
		"long-chain/file": "symbolic link",
		"in/up/x":         "in/up is a symbolic link",
		"in/git-link":     "symbolic link",
		"circle":          "symbolic link",
		"pipe":            "not a regular file",
		"huge":            "larger than 8 MB",
		"in":              "it is a directory",
		"plain/x":         "plain is a file",
		"module/file":     "module is another repository",
		".git/config":     "directory of git itself",
	} {
		file, err := c.Read(name)
		got := string(file.Content)
		switch {
		case err != nil:
			got = err.Error()
		case file.Content == nil:
			got = "absent"
		}
		if err == nil && got != want || err != nil && (want == "" || !strings.Contains(got, want)) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func open(t *testing.T, dir string) *checkout.Checkout {
	t.Helper()
	c, err := checkout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOpenMissing(t *testing.T) {
	if _, err := checkout.Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a directory that does not exist was opened")
	}
}
