package checkout

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFirstCommit(t *testing.T) {
	dir := t.TempDir()
	marker := filepath.Join(t.TempDir(), "ran")
	// The configuration of the user and the attributes of the files name programs, none of which runs.
	home := t.TempDir()
	global := "[filter \"evil\"]\n\tclean = touch " + marker + "\n[core]\n\thooksPath = " + home +
		"\n[commit]\n\tgpgsign = true\n[gpg]\n\tprogram = touch " + marker + "\n[init]\n\ttemplateDir = " + home + "\n"
	write := func(name, content string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(home, ".gitconfig"), global, 0o600)
	for _, hook := range []string{"pre-commit", "reference-transaction", "post-index-change", "hooks/post-checkout"} {
		write(filepath.Join(home, hook), "#!/bin/sh\ntouch "+marker+"\n", 0o700)
	}
	t.Setenv("HOME", home)
	write(filepath.Join(dir, ".gitattributes"), "* filter=evil text eol=crlf\n", 0o600)
	write(filepath.Join(dir, "bin/run"), "#!/bin/sh\r\n", 0o700)
	write(filepath.Join(dir, "a b"), "1\n", 0o600)

	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 { // a second time changes nothing
		if err := c.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if head, err := c.Head(t.Context()); head != "" || err != nil {
		t.Fatalf("without a commit, HEAD is %q, %v", head, err)
	}
	by := Author{Name: "Ada", Email: "ada@example.com", At: time.Unix(1_800_000_000, 0)}
	names := []string{".gitattributes", "a b", "bin/run"}
	commit, err := c.FirstCommit(t.Context(), names, "Create x", by)
	if err != nil {
		t.Fatal(err)
	}
	if head, err := c.Head(t.Context()); head != commit || err != nil {
		t.Errorf("HEAD is %q, %v; want %q", head, err, commit)
	}
	if _, err := c.FirstCommit(t.Context(), names, "Create x", by); err == nil ||
		!strings.Contains(err.Error(), "it has the commit") {
		t.Errorf("the error of a second first commit is %v", err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a program of the configuration ran")
	}
	show := exec.CommandContext(t.Context(), "git", "-C", dir, "ls-tree", "-r", "HEAD")
	out, err := show.CombinedOutput()
	if err != nil || strings.Count(string(out), "\n") != 3 || !strings.Contains(string(out), "100755 blob") {
		t.Errorf("the tree is %s, %v", out, err)
	}
	blob, err := Git(t.Context(), dir, "cat-file", "blob", "HEAD:bin/run")
	if err != nil || string(blob) != "#!/bin/sh\r\n" {
		t.Errorf("the committed file is %q, %v", blob, err)
	}
}

func TestInside(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"repo/.git", "repo/sub", "plain"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "repo", "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		"repo": "repo", "repo/sub": "repo", "repo/new/service": "repo", "repo/file/x": "repo", "plain": "",
	} {
		got, err := Inside(filepath.Join(root, dir))
		if want != "" {
			want = filepath.Join(root, want)
		}
		if err != nil || got != want {
			t.Errorf("%s is inside %q, %v; want %q", dir, got, err, want)
		}
	}
}
