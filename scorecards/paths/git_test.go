package paths_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/scorecards/paths"
)

// upstream is a git repository with golden paths.
type upstream struct {
	t   *testing.T
	dir string
}

func newUpstream(t *testing.T) upstream {
	t.Helper()
	u := upstream{t, t.TempDir()}
	u.git("init", "--quiet", "--initial-branch=main")
	return u
}

func (u upstream) git(args ...string) string {
	u.t.Helper()
	cmd := exec.Command("git", append([]string{
		"-C", u.dir, "-c", "user.name=Ana", "-c", "user.email=ana@acme.example", "-c", "commit.gpgsign=false",
		"-c", "tag.gpgsign=false", "-c", "core.hooksPath=" + os.DevNull,
	}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		u.t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files, commits them and returns the hash.
func (u upstream) commit(files map[string]string) string {
	u.t.Helper()
	for name, text := range files {
		file := filepath.Join(u.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			u.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			u.t.Fatal(err)
		}
	}
	u.git("add", "--all")
	u.git("commit", "--quiet", "--message", "change")
	return u.git("rev-parse", "HEAD")
}

// find reads the path pay-service of a source.
func find(s paths.Source) (*paths.Path, error) {
	return paths.Find(context.Background(), "pay-service", paths.Config{Sources: []paths.Source{s}}, ".")
}

// TestGit: a path comes from a tag or a commit of a repository, as it was there, with the commit and the same digest as
// a copy in a directory.
func TestGit(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{
		"pay-service/path.yaml": "version: 1.0.0\n", "pay-service/template/.github/a.tmpl": "{{ service_name }}",
		"pay-service/template/run": "#!/bin/sh\n", "pay-service/tests/a/answers.yaml": "service_name: a\n", "README.md": "x",
	})
	u.git("tag", "v1.0.0")
	u.git("tag", "--annotate", "--message", "x", "annotated")
	same, err := paths.OpenDir(filepath.Join(u.dir, "pay-service"), "pay-service")
	if err != nil {
		t.Fatal(err)
	}
	second := u.commit(map[string]string{"pay-service/path.yaml": "version: 2.0.0\n"})
	for _, c := range []struct{ ref, dir, commit, version string }{
		{"v1.0.0", "", first, "1.0.0"},
		{"annotated", "pay-service", first, "1.0.0"},
		{first, "pay-service", first, "1.0.0"},
		{first[:10], "", first, "1.0.0"},
		{second, ".", second, "2.0.0"},
	} {
		t.Run(c.ref+" "+c.dir, func(t *testing.T) {
			p, err := find(paths.Source{Git: "file://" + u.dir, Ref: c.ref, Dir: c.dir})
			if err != nil {
				t.Fatal(err)
			}
			if p.Version != c.version || p.Origin.Commit != c.commit || p.Origin.Ref != c.ref || p.Origin.Kind != paths.FromGit {
				t.Errorf("version %s, %+v", p.Version, p.Origin)
			}
			if c.commit == first && p.Digest != same.Digest {
				t.Errorf("digest %s, in a directory %s", p.Digest, same.Digest)
			}
			tree, err := p.Render(paths.Answers{"service_name": "pay"}, paths.Defaults{})
			if err != nil || len(tree) != 2 || string(tree[0].Content) != "pay" || !tree[1].Executable {
				t.Errorf("%v, %v", tree, err)
			}
			lock := p.Lock(paths.Answers{"service_name": "pay"}, paths.Defaults{}, tree)
			if lock.Path.Commit != c.commit || lock.Path.Source != "file://"+u.dir+"//pay-service" {
				t.Errorf("lock %+v", lock.Path)
			}
		})
	}
}

// TestGitRefuses: branches, missing tags and directories, and what is no golden path are errors that say what to do.
func TestGitRefuses(t *testing.T) {
	u := newUpstream(t)
	u.commit(map[string]string{"pay-service/path.yaml": "name: pay-service\n", "other/x": "x"})
	u.git("tag", "v1")
	if err := os.Symlink("/etc/passwd", filepath.Join(u.dir, "pay-service/questions.yaml")); err != nil {
		t.Fatal(err)
	}
	u.commit(nil)
	u.git("tag", "link")
	for _, c := range []struct {
		source paths.Source
		want   string
	}{
		{paths.Source{Git: "file://" + u.dir, Ref: "main"}, "it has no tag main; name a tag or a commit, not a branch"},
		{paths.Source{Git: "file://" + u.dir, Ref: "v9"}, "it has no tag v9; name a tag or a commit"},
		{paths.Source{Git: "file://" + u.dir, Ref: "abcdef0"}, "has no such tag or commit"},
		{paths.Source{Git: "file://" + u.dir, Ref: strings.Repeat("ab", 20)}, "has no such tag or commit"},
		{paths.Source{Git: "file://" + u.dir, Ref: "v1", Dir: "nowhere"}, "the commit has no directory nowhere"},
		{paths.Source{Git: "file://" + u.dir, Ref: "v1", Dir: "other"}, "has a file path.yaml"},
		{paths.Source{Git: "file://" + u.dir, Ref: "link"}, "questions.yaml is a symbolic link"},
		{paths.Source{Git: "file://" + u.dir + "/gone", Ref: "v1"}, "fetching golden paths from file://"},
		{paths.Source{Git: "ext::sh -c touch% x", Ref: "v1"}, "is not the address of a repository"},
		{paths.Source{Git: "--upload-pack=x", Ref: "v1"}, "is not the address of a repository"},
		{paths.Source{Git: "http://git.example/x", Ref: "v1"}, `has the scheme "http"`},
		{paths.Source{Git: "https://token@git.example/x", Ref: "v1"}, "git holds credentials"},
		{paths.Source{Git: "https://git.example/x", Ref: "--force"}, "is not the name of a tag or commit"},
		{paths.Source{Git: "https://git.example/x", Ref: "v1", Dir: "../x"}, "lies outside the repository"},
		{paths.Source{Dir: filepath.Join(u.dir, "gone")}, "it does not exist"},
		{paths.Source{Dir: filepath.Join(u.dir, "other")}, "has a file path.yaml"},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := find(c.source)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "token@") {
				t.Error(err)
			}
		})
	}
}

// TestGitRunsNothing: what a repository configures to run when it is checked out, fetched or read does not run.
func TestGitRunsNothing(t *testing.T) {
	u := newUpstream(t)
	ran := filepath.Join(t.TempDir(), "ran")
	command := "touch " + ran
	u.commit(map[string]string{
		"path.yaml": "name: pay-service\n", "template/a.txt": "x",
		".gitattributes": "*.txt filter=evil diff=evil ident export-subst\n", "template/.gitattributes": "* filter=evil\n",
		".gitmodules": "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c " + command + "\n",
	})
	u.git("tag", "v1")
	for _, setting := range [][2]string{
		{"filter.evil.smudge", command}, {"filter.evil.clean", command}, {"filter.evil.process", command},
		{"core.fsmonitor", command}, {"core.sshCommand", command}, {"uploadpack.packObjectsHook", command},
		{"diff.evil.textconv", command}, {"core.hooksPath", filepath.Join(u.dir, "hooks")}, {"core.pager", command},
		{"credential.helper", "!" + command},
	} {
		u.git("config", setting[0], setting[1])
	}
	hooks := filepath.Join(u.dir, "hooks")
	if err := os.Mkdir(hooks, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, hook := range []string{"post-checkout", "reference-transaction", "post-update", "pre-receive", "proc-receive"} {
		if err := os.WriteFile(filepath.Join(hooks, hook), []byte("#!/bin/sh\n"+command+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p, err := find(paths.Source{Git: "file://" + u.dir, Ref: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	data, ok := p.Template("a.txt")
	if _, err := os.Stat(ran); err == nil || !ok || string(data) != "x" {
		t.Errorf("a command of the repository ran (%v), or the file is %q", err, data)
	}
}

// TestGitBomb: a small repository whose trees list the same tree many times is not unfolded.
func TestGitBomb(t *testing.T) {
	u := newUpstream(t)
	u.commit(map[string]string{"pay-service/path.yaml": "name: pay-service\n", "bomb/x": "x"})
	tree := u.git("rev-parse", "HEAD:bomb")
	for range 8 {
		var listing strings.Builder
		for i := range 10 {
			fmt.Fprintf(&listing, "040000 tree %s\t%d\n", tree, i)
		}
		cmd := exec.Command("git", "-C", u.dir, "mktree")
		cmd.Stdin = strings.NewReader(listing.String())
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		tree = strings.TrimSpace(string(out))
	}
	cmd := exec.Command("git", "-C", u.dir, "mktree")
	cmd.Stdin = strings.NewReader("040000 tree " + tree + "\tbomb\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	u.git("tag", "bomb", u.git("commit-tree", "-m", "x", strings.TrimSpace(string(out))))
	_, err = find(paths.Source{Git: "file://" + u.dir, Ref: "bomb"})
	if err == nil || !strings.Contains(err.Error(), "too many files") {
		t.Error(err)
	}
}

// TestFindTakesNoDirectory: a name is never that of a directory, since programs pass on what others send.
func TestFindTakesNoDirectory(t *testing.T) {
	for _, name := range []string{"./testdata/article", "testdata/article", "article", "../paths/testdata/article", "/etc"} {
		_, err := paths.Find(context.Background(), name, paths.Config{}, ".")
		if err == nil || !strings.Contains(err.Error(), "there is no golden path") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSources: directories come before the paths of the binary, relative to the configuration; one that is broken is
// named, and costs the others nothing in the list.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"own/go-service/path.yaml": "title: Ours\n", "own/broken/path.yaml": "titel: x\n", "own/.hidden/path.yaml": "x",
		"single/path.yaml": "name: single\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := paths.Config{Sources: []paths.Source{{Dir: "own"}, {Dir: "single"}}}
	all, err := paths.All(context.Background(), cfg, dir)
	if err == nil || !strings.Contains(err.Error(), `own/broken/path.yaml:1: unknown key "titel" (did you mean "title"?)`) {
		t.Error(err)
	}
	builtin, errBuiltin := paths.Builtin()
	if errBuiltin != nil || len(all) != 2+len(builtin)-1 {
		t.Errorf("%d paths, %v", len(all), errBuiltin)
	}
	if all[0].Title != "Ours" || all[0].Dir != filepath.Join(dir, "own/go-service") || all[1].Name != "single" ||
		all[1].Dir != filepath.Join(dir, "single") {
		t.Errorf("%s in %s, %s in %s", all[0].Title, all[0].Dir, all[1].Name, all[1].Dir)
	}
	if p, err := paths.Find(context.Background(), "go-service", cfg, dir); err != nil || p.Title != "Ours" {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := paths.Find(context.Background(), "single", cfg, dir); err == nil {
		t.Error("a broken source may have the path, and is not named")
	}
}
