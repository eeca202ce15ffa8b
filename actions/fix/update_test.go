package fix_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

const updateModes = `modes:
  - {path: "**", mode: once}
  - {path: merged.txt, mode: merge}
  - {path: managed.txt, mode: managed}
  - {path: gone.txt, mode: managed}
  - {path: kept.txt, mode: merge}
  - {path: block.txt, mode: block}
  - {path: new.txt, mode: merge}
`

// version returns a golden path of a version, with the templates of its files.
func version(t *testing.T, number string, files map[string]string) *paths.Path {
	t.Helper()
	all := map[string]string{
		"path.yaml": "apiVersion: dxctl.dev/v1\nkind: GoldenPath\nname: test\nversion: " + number +
			"\nservice: {name: \"{{ service_name }}\", language: go, framework: net-http}\n",
		"files.yaml": updateModes,
	}
	for name, content := range files {
		all["template/"+name] = content
	}
	return goldenPath(t, all)
}

const five = "one\ntwo\nthree\nfour\nfive\n"

// created returns a checkout of a service that was created from a golden path, with what the repository changed since.
func created(t *testing.T, p *paths.Path, answers paths.Answers, changes map[string]string) string {
	t.Helper()
	tree, err := p.Render(answers, paths.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := p.Lock(answers, paths.Defaults{}, tree).Encode()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{pathlock.File: string(lock), "main.go": "package main\n"}
	for _, f := range tree {
		files[f.Path] = string(f.Content)
	}
	for name, content := range changes {
		files[name] = content
		if content == "" {
			delete(files, name)
		}
	}
	return checkoutOf(t, files)
}

// TestUpdate has the cases in which a new version of a golden path meets a repository that went on.
func TestUpdate(t *testing.T) {
	answers := paths.Answers{"service_name": "pay"}
	old := map[string]string{
		"merged.txt.tmpl": five, "managed.txt": "old\n", "once.txt": "old\n", "gone.txt": "old\n", "kept.txt": "old\n",
		"block.txt": "# dxctl:begin\nold\n# dxctl:end\n",
	}
	with := func(changes map[string]string) map[string]string {
		all := map[string]string{}
		for name, content := range old {
			all[name] = content
		}
		for name, content := range changes {
			all[name] = content
			if content == "" {
				delete(all, name)
			}
		}
		return all
	}
	for name, test := range map[string]struct {
		mine     map[string]string // what the repository changed; "": deleted
		template map[string]string // what the golden path changed; "": no longer there
		version  string
		unpinned bool              // the old version is not to be had
		baseless bool              // and the lock file does not keep what it rendered
		want     map[string]string // contents after; "-": there is no file
		conflict string
		note     string
	}{
		"nothing changed in the repository": {
			template: map[string]string{"merged.txt.tmpl": "ONE\n", "managed.txt": "new\n"},
			want:     map[string]string{"merged.txt": "ONE\n", "managed.txt": "new\n"},
		},
		"both changed other lines": {
			mine:     map[string]string{"merged.txt": strings.Replace(five, "five", "FIVE", 1)},
			template: map[string]string{"merged.txt.tmpl": strings.Replace(five, "one", "ONE", 1)},
			want:     map[string]string{"merged.txt": "ONE\ntwo\nthree\nfour\nFIVE\n"},
		},
		"both changed the same line": {
			mine:     map[string]string{"merged.txt": strings.Replace(five, "one", "mine", 1)},
			template: map[string]string{"merged.txt.tmpl": strings.Replace(five, "one", "theirs", 1)},
			want:     map[string]string{"merged.txt": strings.Replace(five, "one", "mine", 1)},
			conflict: "merged.txt: both sides changed the same lines",
		},
		"no base": {
			mine:     map[string]string{"merged.txt": strings.Replace(five, "five", "FIVE", 1)},
			template: map[string]string{"merged.txt.tmpl": strings.Replace(five, "one", "ONE", 1)},
			unpinned: true,
			baseless: true,
			want:     map[string]string{"merged.txt": strings.Replace(five, "five", "FIVE", 1)},
			conflict: "is not to be had",
		},
		"the lock file has the base": {
			mine:     map[string]string{"merged.txt": strings.Replace(five, "five", "FIVE", 1)},
			template: map[string]string{"merged.txt.tmpl": strings.Replace(five, "one", "ONE", 1)},
			unpinned: true,
			want:     map[string]string{"merged.txt": "ONE\ntwo\nthree\nfour\nFIVE\n"},
		},
		"a conflict keeps no other file from being updated": {
			mine: map[string]string{"merged.txt": strings.Replace(five, "one", "mine", 1), "gone.txt": "old\n"},
			template: map[string]string{
				"merged.txt.tmpl": strings.Replace(five, "one", "theirs", 1), "managed.txt": "new\n", "gone.txt": "",
				"block.txt": "# dxctl:begin\nnew\n# dxctl:end\n",
			},
			want: map[string]string{
				"merged.txt": strings.Replace(five, "one", "mine", 1), "managed.txt": "new\n", "gone.txt": "-",
				"block.txt": "# dxctl:begin\nnew\n# dxctl:end\n",
			},
			conflict: "merged.txt: both sides changed the same lines",
			note:     "the files that are not in conflict are updated",
		},
		"no base and no change of the golden path": {
			mine:     map[string]string{"merged.txt": strings.Replace(five, "five", "FIVE", 1)},
			template: map[string]string{"managed.txt": "new\n"},
			unpinned: true,
			baseless: true,
			want:     map[string]string{"merged.txt": strings.Replace(five, "five", "FIVE", 1), "managed.txt": "new\n"},
		},
		"both sides added the same file": {
			mine:     map[string]string{"new.txt": "mine\n"},
			template: map[string]string{"new.txt": "theirs\n"},
			want:     map[string]string{"new.txt": "mine\n"},
			conflict: "new.txt: the repository and the golden path both added it",
		},
		"both sides added the same file with the same content": {
			mine:     map[string]string{"new.txt": "same\n"},
			template: map[string]string{"new.txt": "same\n"},
			want:     map[string]string{"new.txt": "same\n"},
		},
		"the golden path added a file": {
			template: map[string]string{"new.txt": "theirs\n"},
			want:     map[string]string{"new.txt": "theirs\n"},
		},
		"the user deleted a managed file": {
			mine:     map[string]string{"managed.txt": ""},
			template: map[string]string{"managed.txt": "new\n"},
			want:     map[string]string{"managed.txt": "-"},
			note:     "managed.txt was deleted in the repository",
		},
		"the user changed a managed file": {
			mine:     map[string]string{"managed.txt": "mine\n"},
			template: map[string]string{"managed.txt": "new\n"},
			want:     map[string]string{"managed.txt": "mine\n"},
			conflict: "managed.txt: it is managed by the golden path",
		},
		"a file that is written once": {
			template: map[string]string{"once.txt": "new\n"},
			want:     map[string]string{"once.txt": "old\n"},
		},
		"the new version drops files": {
			mine:     map[string]string{"kept.txt": "mine\n"},
			template: map[string]string{"gone.txt": "", "kept.txt": "", "once.txt": ""},
			want:     map[string]string{"gone.txt": "-", "kept.txt": "mine\n", "once.txt": "old\n"},
			note:     "kept.txt is no longer in the golden path",
		},
		"the repository is ahead": {
			template: map[string]string{"managed.txt": "older\n"},
			version:  "0.9.0",
			want:     map[string]string{"managed.txt": "old\n"},
			note:     "the repository follows version 1.0.0 of the golden path test, which is later than 0.9.0",
		},
		"a block in a file of the repository": {
			mine:     map[string]string{"block.txt": "mine\n# dxctl:begin\nold\n# dxctl:end\nmine, too\n"},
			template: map[string]string{"block.txt": "# dxctl:begin\nnew\n# dxctl:end\n"},
			want:     map[string]string{"block.txt": "mine\n# dxctl:begin\nnew\n# dxctl:end\nmine, too\n"},
		},
		"a block that somebody broke": {
			mine:     map[string]string{"block.txt": "# dxctl:begin\nold\n"},
			template: map[string]string{"block.txt": "# dxctl:begin\nnew\n# dxctl:end\n"},
			want:     map[string]string{"block.txt": "# dxctl:begin\nold\n"},
			conflict: "block.txt",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := version(t, "1.0.0", old)
			if test.version == "" {
				test.version = "1.1.0"
			}
			after := version(t, test.version, with(test.template))
			dir := created(t, before, answers, test.mine)
			if test.baseless {
				forget(t, dir)
			}
			options := func(o *fix.Options) {
				if !test.unpinned {
					o.Pinned = func(context.Context, *pathlock.Lock) *paths.Path { return before }
				}
			}
			got := plan(t, dir, after, options)
			var conflicts []string
			for _, c := range got.Conflicts {
				conflicts = append(conflicts, c.Path+": "+c.Reason)
			}
			if all := strings.Join(conflicts, "\n"); !strings.Contains(all, test.conflict) || test.conflict == "" && all != "" {
				t.Errorf("conflicts %q, want %q", all, test.conflict)
			}
			if all := strings.Join(got.Notes, "\n"); !strings.Contains(all, test.note) {
				t.Errorf("notes %q, want %q", all, test.note)
			}
			if _, err := got.Write(t.Context()); err != nil {
				t.Fatal(err)
			}
			for name, want := range test.want {
				content, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					content = []byte("-")
				}
				if string(content) != want {
					t.Errorf("%s: %q, want %q", name, content, want)
				}
			}
			lock, err := pathlock.Read(os.DirFS(dir))
			if err != nil {
				t.Fatal(err)
			}
			if current := lock.Path.Digest == after.Digest; current != (test.conflict == "" && test.version != "0.9.0") {
				t.Errorf("the lock file has version %s", lock.Path.Version)
			}
			if again := plan(t, dir, after, options); again.Changes() {
				t.Errorf("a second run changes\n%s", again.Diff())
			}
		})
	}
}

// TestAnswerChanged answers a question in another way than when the service was created.
func TestAnswerChanged(t *testing.T) {
	p := version(t, "1.0.0", map[string]string{"merged.txt.tmpl": "name: {{ service_name }}\n" + five})
	dir := created(t, p, paths.Answers{"service_name": "pay"},
		map[string]string{"merged.txt": "name: pay\n" + strings.Replace(five, "five", "FIVE", 1)})
	got := plan(t, dir, p, func(o *fix.Options) { o.Answers = map[string]string{"service_name": "payments"} })
	if _, err := got.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "merged.txt"))
	if want := "name: payments\n" + strings.Replace(five, "five", "FIVE", 1); err != nil || string(content) != want {
		t.Errorf("%q, %v, want %q", content, err, want)
	}
	lock, err := pathlock.Read(os.DirFS(dir))
	if err != nil || lock.Answers["service_name"] != "payments" {
		t.Errorf("%+v, %v", lock, err)
	}
}

// TestWindowsUpdate updates a checkout that git wrote with the line ends of Windows: nobody changed them, and the files
// keep them.
func TestWindowsUpdate(t *testing.T) {
	dos := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	before := version(t, "1.0.0", map[string]string{
		"merged.txt": five, "managed.txt": "old\n", "gone.txt": "old\n", "kept.txt": "old\n",
		"block.txt": "# dxctl:begin\nold\n# dxctl:end\n",
	})
	after := version(t, "1.1.0", map[string]string{
		"merged.txt": strings.Replace(five, "one", "ONE", 1), "managed.txt": "new\n", "kept.txt": "old\n",
		"block.txt": "# dxctl:begin\nnew\n# dxctl:end\n",
	})
	mine := map[string]string{
		"merged.txt": dos(strings.Replace(five, "five", "FIVE", 1)), "managed.txt": dos("old\n"), "gone.txt": dos("old\n"),
		"kept.txt": dos("old\n"), "block.txt": dos("mine\n# dxctl:begin\nold\n# dxctl:end\n"),
	}
	dir := created(t, before, paths.Answers{"service_name": "pay"}, mine)
	put(t, filepath.Join(dir, pathlock.File), dos(content(t, dir, pathlock.File)))
	options := func(o *fix.Options) { o.Paths = append(o.Paths, before) }
	if same := plan(t, dir, before, nil); !slices.Equal(changedFiles(same), []string{".github/pull_request_template.md"}) {
		t.Errorf("the same version changes\n%s", same.Diff())
	}
	got := plan(t, dir, after, options)
	if len(got.Conflicts) > 0 {
		t.Errorf("conflicts %v", got.Conflicts)
	}
	writePlan(t, got)
	for name, want := range map[string]string{
		"merged.txt": "ONE\ntwo\nthree\nfour\nFIVE\n", "managed.txt": "new\n", "gone.txt": "-", "kept.txt": "old\n",
		"block.txt": "mine\n# dxctl:begin\nnew\n# dxctl:end\n",
	} {
		if got := content(t, dir, name); got != dos(want) {
			t.Errorf("%s: %q, want %q", name, got, dos(want))
		}
	}
	if text := content(t, dir, pathlock.File); strings.Count(text, "\r\n") != strings.Count(text, "\n") {
		t.Errorf("the lock file has mixed line ends: %q", text)
	}
	if again := plan(t, dir, after, options); again.Changes() {
		t.Errorf("a second run changes\n%s", again.Diff())
	}
}

// TestDefaultsChanged changes a default of the organization after a service was created. Without a configuration the
// defaults are not known, which takes nothing back.
func TestDefaultsChanged(t *testing.T) {
	p := version(t, "1.0.0", map[string]string{
		"merged.txt.tmpl": "{{ default \"registry\" \"example.com\" }}\n" + five, "once.txt.tmpl": "{{ default \"registry\" \"example.com\" }}\n",
	})
	dir := created(t, p, paths.Answers{"service_name": "pay"}, map[string]string{
		"merged.txt": "example.com\n" + strings.Replace(five, "five", "FIVE", 1),
	})
	acme := func(o *fix.Options) { o.Defaults = paths.Defaults{Registry: "reg.acme.example"} }
	got := plan(t, dir, p, acme)
	if !strings.Contains(strings.Join(got.Notes, "\n"), "once.txt was written once and keeps the former") {
		t.Errorf("notes %q", got.Notes)
	}
	writePlan(t, got)
	if want := "reg.acme.example\n" + strings.Replace(five, "five", "FIVE", 1); content(t, dir, "merged.txt") != want {
		t.Errorf("%q, want %q", content(t, dir, "merged.txt"), want)
	}
	for name, options := range map[string]func(o *fix.Options){
		"with": acme, "without": nil,
		"other": func(o *fix.Options) {
			o.Defaults = paths.Defaults{Registry: "reg.acme.example", PackageMirror: "https://mirror.acme.example"}
		},
	} {
		if again := plan(t, dir, p, options); again.Changes() {
			t.Errorf("%s: a second run changes\n%s", name, again.Diff())
		}
	}
}

// TestAnswerOfOnce answers a question in another way that only files written once have: nothing is changed, the lock
// file neither, and it is said which files to change by hand.
func TestAnswerOfOnce(t *testing.T) {
	p := version(t, "1.0.0", map[string]string{"once.txt.tmpl": "{{ service_name }}\n"})
	dir := created(t, p, paths.Answers{"service_name": "pay"}, nil)
	other := map[string]string{"service_name": "payments"}
	got := plan(t, dir, p, func(o *fix.Options) { o.Answers = other })
	if strings.Contains(got.Diff(), "payments") || !strings.Contains(strings.Join(got.Notes, "\n"), "once.txt was written once") {
		t.Errorf("%v, %q", changedFiles(got), got.Notes)
	}
	_, err := fix.New(t.Context(), fix.Options{
		Dir: dir, Engine: engine(t), Paths: []*paths.Path{p}, Answers: other, Rules: []string{"license"}, Now: now,
	})
	if err == nil || !strings.Contains(err.Error(), "--answer service_name: it is another one") {
		t.Errorf("error %v", err)
	}
}
