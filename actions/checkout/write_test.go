package checkout_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/checkout"
)

// git runs git as a user does, with a configuration of the test's own.
func git(t *testing.T, dir string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command("git", arguments...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", arguments, err, out)
	}
	return string(out)
}

func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "first")
	return dir
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return "absent"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWrite(t *testing.T) {
	dir := repository(t, map[string]string{"edit": "old\n", "remove": "old\n", "run.sh": "old\n"})
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "commit", "-qam", "executable")
	c := open(t, dir)
	written, err := c.Write(t.Context(), []checkout.Change{
		{Path: "edit", Before: []byte("old\n"), After: []byte("new\n")},
		{Path: "remove", Before: []byte("old\n")},
		{Path: "run.sh", Before: []byte("old\n"), After: []byte("new\n")},
		{Path: "new/deep/file", After: []byte{}},
		{Path: "new/tool", After: []byte("new\n"), Executable: true},
	})
	if err != nil || len(written) != 5 {
		t.Fatalf("%v, %v", written, err)
	}
	for name, want := range map[string]string{
		"edit": "new\n", "remove": "absent", "run.sh": "new\n", "new/deep/file": "", "new/tool": "new\n",
	} {
		if got := read(t, dir, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	status := git(t, dir, "status", "--porcelain", "-uall")
	want := " M edit\n D remove\n M run.sh\n?? new/deep/file\n?? new/tool\n"
	if status != want {
		t.Errorf("status\n%s, want\n%s", status, want)
	}
	for name, want := range map[string]bool{"run.sh": true, "new/tool": true, "edit": false} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || (info.Mode()&0o100 != 0) != want {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := repository(t, map[string]string{
		"clean": "old\n", "changed": "old\n", "staged": "old\n", "deleted": "old\n", "hidden": "old\n",
		"Case/Readme.md": "old\n", "file": "old\n", "crlf": "a\r\nb\r\n",
	})
	write(t, filepath.Join(dir, "changed"), "mine\n")
	write(t, filepath.Join(dir, "staged"), "mine\n")
	git(t, dir, "add", "staged")
	write(t, filepath.Join(dir, "untracked"), "mine\n")
	git(t, dir, "update-index", "--assume-unchanged", "hidden")
	write(t, filepath.Join(dir, "hidden"), "mine\n")
	write(t, filepath.Join(dir, "crlf"), "a\nb\n")
	if err := os.Remove(filepath.Join(dir, "deleted")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("clean", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere/at/all", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	before := git(t, dir, "status", "--porcelain", "-uall")
	c := open(t, dir)
	change := func(name, before, after string) []checkout.Change {
		return []checkout.Change{{Path: name, Before: []byte(before), After: []byte(after)}}
	}
	added := func(names ...string) (changes []checkout.Change) {
		for _, name := range names {
			changes = append(changes, checkout.Change{Path: name, After: []byte("new\n")})
		}
		return changes
	}
	for name, test := range map[string]struct {
		changes []checkout.Change
		want    string
	}{
		"changed":                {change("changed", "mine\n", "new\n"), "changed: refused: it has changes that are not committed"},
		"staged":                 {change("staged", "mine\n", "new\n"), "staged and not committed"},
		"untracked":              {change("untracked", "mine\n", "new\n"), "it is not committed"},
		"assumed unchanged":      {change("hidden", "mine\n", "new\n"), "it has changes that are not committed"},
		"line ends changed":      {change("crlf", "a\nb\n", "new\n"), "it has changes that are not committed"},
		"deleted":                {added("deleted"), "it was deleted, and the deletion is not committed"},
		"changed since the plan": {change("clean", "other\n", "new\n"), "changed since the plan was made"},
		"removed since the plan": {change("none", "old\n", "new\n"), "changed since the plan was made"},
		"added since the plan":   {added("clean"), "a file was added there since the plan was made"},
		"link":                   {added("link"), "symbolic link"},
		"dangling link":          {added("dangling"), "symbolic link"},
		"below a dangling link":  {added("dangling/x"), "symbolic link"},
		"outside":                {added("../x"), "not a path below the checkout"},
		"hook":                   {added(".git/hooks/pre-commit"), "directory of git"},
		"below a file":           {added("file/x"), "file is a file"},
		"equal but for case":     {added("Case/README.md"), "Case/Readme.md differs from Case/README.md by case only"},
		"directory but for case": {added("case/other.md"), "Case differs from case by case only"},
		"two equal but for case": {added("new/A", "NEW/a"), "another change has the path new/A"},
		"two directories but for case": {
			added("Docs/a.txt", "docs/b.txt"), "its directory docs differs by case only from Docs of another change",
		},
		"deeper directories but for case": {added("new/Docs/a/x", "new/docs/b"), "differs by case only"},
		"twice":                           {added("a", "a"), "another change has the path a"},
		"a file and a directory":          {added("a/b", "a"), "another change makes a file of a"},
		"too large":                       {change("clean", "old\n", strings.Repeat("x", checkout.MaxFile+1)), "larger than 8 MB"},
		"one refused of two":              {append(added("good"), added("../x")...), "not a path below the checkout"},
		"one uncommitted of them":         {append(added("good"), change("changed", "mine\n", "n")...), "not committed"},
	} {
		written, err := c.Write(t.Context(), test.changes)
		var refused *checkout.RefusedError
		if err == nil || !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) || len(written) > 0 {
			t.Errorf("%s: written %v, error %v, want %q", name, written, err, test.want)
		}
	}
	if after := git(t, dir, "status", "--porcelain", "-uall"); after != before {
		t.Errorf("status was\n%s, is\n%s", before, after)
	}
}

func TestWriteWithoutCommit(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	write(t, filepath.Join(dir, "mine"), "mine\n")
	c := open(t, dir)
	_, err := c.Write(t.Context(), []checkout.Change{{Path: "mine", Before: []byte("mine\n"), After: []byte("new\n")}})
	if err == nil || !strings.Contains(err.Error(), "the repository has no commit yet; commit or stash it first") {
		t.Errorf("error %v", err)
	}
	if _, err := c.Write(t.Context(), []checkout.Change{{Path: "added", After: []byte("new\n")}}); err != nil {
		t.Error(err)
	}
	if read(t, dir, "mine") != "mine\n" || read(t, dir, "added") != "new\n" {
		t.Error("the wrong file was written")
	}
}

func TestWriteWithoutGit(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "mine"), "mine\n")
	c := open(t, dir)
	_, err := c.Write(t.Context(), []checkout.Change{{Path: "mine", Before: []byte("mine\n"), After: []byte("new\n")}})
	if err != nil || read(t, dir, "mine") != "new\n" || c.IsGit() {
		t.Errorf("%v, %q", err, read(t, dir, "mine"))
	}
}

func TestWindowsLineEnds(t *testing.T) {
	dir := repository(t, map[string]string{".gitattributes": "*.txt text eol=crlf\n", "a.txt": "one\ntwo\n"})
	if err := os.Remove(filepath.Join(dir, "a.txt")); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "checkout", "a.txt")
	if got := read(t, dir, "a.txt"); got != "one\r\ntwo\r\n" {
		t.Fatalf("git checked out %q", got)
	}
	c := open(t, dir)
	dirty, err := c.Uncommitted(t.Context(), "a.txt")
	if err != nil || len(dirty) > 0 {
		t.Errorf("%v, %v", dirty, err)
	}
}

func TestSHA256Repository(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q", "--object-format=sha256")
	write(t, filepath.Join(dir, "a"), "one\n")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "first")
	c := open(t, dir)
	dirty, err := c.Uncommitted(t.Context(), "a")
	if err != nil || len(dirty) > 0 {
		t.Errorf("%v, %v", dirty, err)
	}
}

// TestHostileConfiguration configures everything by which a repository can start a program.
func TestHostileConfiguration(t *testing.T) {
	dir := repository(t, map[string]string{".gitattributes": "* filter=evil diff=evil merge=evil\n", "a": "one\n"})
	trap := filepath.Join(t.TempDir(), "started")
	program := filepath.Join(t.TempDir(), "evil")
	write(t, program, "#!/bin/sh\ntouch "+trap+"\ncat\n")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	config := "[core]\n\trepositoryformatversion = 0\n"
	for _, key := range []string{"fsmonitor", "sshCommand", "pager", "editor", "askPass", "alternateRefsCommand",
		"gitProxy"} {
		config += "\t" + key + " = " + program + "\n"
	}
	config += "\thooksPath = " + filepath.Dir(program) + "\n\tworktree = /\n" +
		"[filter \"evil\"]\n\tclean = " + program + "\n\tsmudge = " + program + "\n\tprocess = " + program +
		"\n\trequired = true\n[diff]\n\texternal = " + program + "\n[diff \"evil\"]\n\ttextconv = " + program +
		"\n\tcommand = " + program + "\n[merge \"evil\"]\n\tdriver = " + program + "\n[gpg]\n\tprogram = " + program +
		"\n[credential]\n\thelper = !" + program + "\n[alias]\n\tls-files = !" + program + "\n\trev-parse = !" + program +
		"\n[include]\n\tpath = /nowhere\n[protocol \"ext\"]\n\tallow = always\n"
	write(t, filepath.Join(dir, ".git/config"), config)
	for _, hook := range []string{"pre-commit", "post-index-change", "fsmonitor-watchman", "post-checkout"} {
		write(t, filepath.Join(dir, ".git/hooks", hook), "#!/bin/sh\ntouch "+trap+"\n")
		if err := os.Chmod(filepath.Join(dir, ".git/hooks", hook), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, dir)
	if _, err := c.Write(t.Context(), []checkout.Change{
		{Path: "a", Before: []byte("one\n"), After: []byte("two\n")},
		{Path: "b", After: []byte("new\n")},
	}); err != nil {
		t.Error(err)
	}
	if read(t, dir, "a") != "two\n" || read(t, dir, "b") != "new\n" {
		t.Error("the files were not written")
	}
	dirty, err := c.Uncommitted(t.Context(), "a", "b", ".gitattributes")
	if err != nil || len(dirty) != 2 || dirty["a"] == "" || dirty["b"] == "" {
		t.Errorf("%v, %v", dirty, err)
	}
	if _, err := os.Stat(trap); err == nil {
		t.Error("a program of the repository was started")
	}
	// The trap works: plain git falls into it.
	cmd := exec.Command("git", "-C", dir, "--work-tree="+dir, "status")
	_ = cmd.Run()
	if _, err := os.Stat(trap); err != nil {
		t.Error("the trap does not work: git status did not start it either")
	}
}

func TestGitRunsOnlyWhatIsHarmless(t *testing.T) {
	dir := repository(t, map[string]string{"a": "one\n"})
	for _, arguments := range [][]string{{"status"}, {"diff"}, {"add", "a"}, {"-c", "a=b", "ls-files"}, {}} {
		if _, err := checkout.Git(t.Context(), dir, arguments...); err == nil {
			t.Errorf("git %v was run", arguments)
		}
	}
	if out, err := checkout.Git(t.Context(), dir, "ls-files"); err != nil || string(out) != "a\n" {
		t.Errorf("%q, %v", out, err)
	}
}

const victim = "DXCTL_TEST_WRITE"

// TestInterrupted kills a process that writes, again and again: each file has its old or its new content.
func TestInterrupted(t *testing.T) {
	contents := [2][]byte{bytes.Repeat([]byte("a"), 1<<20), bytes.Repeat([]byte("b"), 1<<20)}
	if dir := os.Getenv(victim); dir != "" {
		c := open(t, dir)
		for i := 0; ; i++ {
			before, err := c.Read("file")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write(context.Background(), []checkout.Change{
				{Path: "file", Before: before.Content, After: contents[i%2]},
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), string(contents[1]))
	for i := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestInterrupted$")
		cmd.Env = append(os.Environ(), victim+"="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(40+3*i)*time.Millisecond, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.Exited() {
			t.Fatalf("the writer was not killed: %v", err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "file"))
		if err != nil || !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
			t.Fatalf("the file has %d bytes, %v", len(got), err)
		}
	}
	// What the killed ones left behind is gone after the next write.
	c := open(t, dir)
	got := read(t, dir, "file")
	if _, err := c.Write(t.Context(), []checkout.Change{
		{Path: "file", Before: []byte(got), After: []byte("end")},
	}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestWriteStopsWhenCanceled(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	written, err := c.Write(ctx, []checkout.Change{{Path: "a", After: []byte("x")}})
	if !errors.Is(err, context.Canceled) || len(written) > 0 || read(t, dir, "a") != "absent" {
		t.Errorf("%v, %v", written, err)
	}
}
