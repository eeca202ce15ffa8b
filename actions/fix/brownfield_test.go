package fix_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// policyPath is a golden path that makes security-policy pass with a file, and has the rest of a service, too.
func policyPath(t *testing.T, number string, files map[string]string) *paths.Path {
	t.Helper()
	all := map[string]string{
		"path.yaml": "apiVersion: dxctl.dev/v1\nkind: GoldenPath\nname: test\nversion: " + number +
			"\nservice: {name: \"{{ service_name }}\", language: go, framework: net-http}\n",
		"files.yaml": "modes:\n  - {path: \"**\", mode: merge}\n  - {path: .github/pull_request_template.md, mode: managed}\n" +
			"fixes:\n  - {rule: security-policy, files: [SECURITY.md]}\n",
		"template/SECURITY.md": "# Security\n\nWrite to security@example.com.\n",
		"template/main.go":     "package main\n",
		"template/Dockerfile":  "FROM scratch\n",
	}
	for name, content := range files {
		all["template/"+name] = content
	}
	return goldenPath(t, all)
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "-"
	}
	return string(data)
}

// asked returns why rules have no patch, and what is left to a person.
func asked(p *fix.Plan) string {
	var all []string
	for _, r := range p.Rules {
		all = append(all, fmt.Sprint(r.ID, " ", r.NoPatch, " ", r.Asks))
	}
	return strings.Join(all, "\n")
}

func writePlan(t *testing.T, p *fix.Plan) {
	t.Helper()
	if _, err := p.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestBrownfieldUpdate gives a repository that was never created from the golden path a file of it, and then a newer
// version: that file is updated, and no other file of the template is added or in conflict.
func TestBrownfieldUpdate(t *testing.T) {
	dir := checkoutOf(t, map[string]string{
		"catalog-info.yaml": component("pay"), "go.mod": "module pay\n", "cmd/app/main.go": "package main\n",
		"Dockerfile": "FROM mine\n", "docs/README.md": "mine\n",
	})
	before := policyPath(t, "1.0.0", nil)
	writePlan(t, plan(t, dir, before, nil))
	lock, err := pathlock.Read(os.DirFS(dir))
	if err != nil || !lock.Adopted || !slices.Equal(lock.Sorted(), []string{"SECURITY.md"}) {
		t.Fatalf("%+v, %v", lock, err)
	}
	template := content(t, dir, ".github/pull_request_template.md")
	if template == "-" {
		t.Fatal("no edit added a file")
	}
	after := policyPath(t, "1.1.0", map[string]string{
		"SECURITY.md": "# Security\n\nWrite to security@example.org.\n", "Dockerfile": "FROM theirs\n",
		".github/pull_request_template.md": "theirs\n", ".github/workflows/deploy.yaml": "on: push\njobs: {}\n",
	})
	got := plan(t, dir, after, nil)
	if len(got.Conflicts) > 0 || !slices.Equal(changedFiles(got), []string{pathlock.File, "SECURITY.md"}) {
		t.Errorf("conflicts %v, changes %v", got.Conflicts, changedFiles(got))
	}
	writePlan(t, got)
	lock, err = pathlock.Read(os.DirFS(dir))
	if err != nil || !lock.Adopted || lock.Path.Version != "1.1.0" || !slices.Equal(lock.Sorted(), []string{"SECURITY.md"}) {
		t.Errorf("%+v, %v", lock, err)
	}
	if again := plan(t, dir, after, nil); again.Changes() {
		t.Errorf("a second run changes\n%s", again.Diff())
	}
}

// TestLockByHand: a lock file that somebody wrote to choose the golden path adds no file of a newer version.
func TestLockByHand(t *testing.T) {
	before := policyPath(t, "1.0.0", nil)
	dir := checkoutOf(t, map[string]string{"go.mod": "module pay\n", "cmd/main.go": "package main\n", pathlock.File: lockOf(t, before)})
	got := plan(t, dir, policyPath(t, "1.1.0", map[string]string{"new.txt": "new\n"}), nil)
	for _, name := range changedFiles(got) {
		if slices.Contains([]string{"main.go", "Dockerfile", "new.txt"}, name) {
			t.Errorf("%s is added", name)
		}
	}
}

// TestBrownfieldQuestions: questions that no file of the lock file asks keep none of them from being updated, and one
// that was changed is merged.
func TestBrownfieldQuestions(t *testing.T) {
	asked := map[string]string{"other.txt.tmpl": "{{ service_name }}\n"}
	before := policyPath(t, "1.0.0", asked)
	dir := checkoutOf(t, map[string]string{"go.mod": "module pay\n", "main.go": "package main\n"})
	writePlan(t, plan(t, dir, before, nil))
	mine := content(t, dir, "SECURITY.md") + "\nMine.\n"
	put(t, filepath.Join(dir, "SECURITY.md"), mine)
	asked["SECURITY.md"] = "# Security policy\n\nWrite to security@example.com.\n"
	got := plan(t, dir, policyPath(t, "1.1.0", asked), func(o *fix.Options) { o.Paths = append(o.Paths, before) })
	writePlan(t, got)
	if want := asked["SECURITY.md"] + "\nMine.\n"; content(t, dir, "SECURITY.md") != want || len(got.Conflicts) > 0 {
		t.Errorf("%q, want %q; %v", content(t, dir, "SECURITY.md"), want, got.Conflicts)
	}
}

// TestDeletedStaysDeleted deletes a file of a service, and lets a newer version drop another one: no rule writes them
// again.
func TestDeletedStaysDeleted(t *testing.T) {
	const template = ".github/pull_request_template.md"
	before := policyPath(t, "1.0.0", map[string]string{template: "theirs\n"})
	after := policyPath(t, "1.1.0", map[string]string{"new.txt": "new\n"})
	dir := created(t, before, paths.Answers{"service_name": "pay"}, map[string]string{
		"SECURITY.md": "", "catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: pay\n" +
			"  annotations: {github.com/project-slug: acme/pay}\nspec: {type: service}\n",
	})
	for range 2 {
		got := plan(t, dir, after, nil)
		for _, name := range []string{"SECURITY.md", template} {
			i := slices.IndexFunc(got.Files, func(f actions.FileChange) bool { return f.Path == name && f.After != nil })
			if i >= 0 {
				t.Errorf("%s would be written again", name)
			}
		}
		if !strings.Contains(asked(got), "SECURITY.md was deleted by somebody") ||
			!strings.Contains(asked(got), template+" was removed, because the golden path has it no longer") {
			t.Errorf("the rules do not say why: %v", asked(got))
		}
		writePlan(t, got)
		if content(t, dir, "SECURITY.md") != "-" || content(t, dir, template) != "-" || content(t, dir, "new.txt") != "new\n" {
			t.Error("the files are not those of the new version")
		}
	}
	if again := plan(t, dir, after, nil); again.Changes() {
		t.Errorf("another run changes\n%s", again.Diff())
	}
	// A version that has the file again writes it again: nobody deleted it.
	got := plan(t, dir, policyPath(t, "1.2.0", map[string]string{template: "again\n"}), nil)
	writePlan(t, got)
	if content(t, dir, template) != "again\n" {
		t.Errorf("the file of a later version is missing: %v, %v", got.Notes, asked(got))
	}
}

// TestDeclinedFile: a file that is declined is not written by the edit of a rule either.
func TestDeclinedFile(t *testing.T) {
	p := goldenPath(t, nil)
	dir := checkoutOf(t, map[string]string{
		"catalog-info.yaml": component("pay"), "go.mod": "module pay\n", "main.go": "package main\n",
		pathlock.File: lockOf(t, p) + "declined:\n  - {file: AGENTS.md, reason: Not here, by: ann, until: 2026-12-24}\n",
	})
	got := plan(t, dir, p, func(o *fix.Options) { o.Rules = []string{"agents-md"} })
	if got.Changes() || !strings.Contains(asked(got), "AGENTS.md is declined until 2026-12-24: Not here") {
		t.Errorf("%v, %v", changedFiles(got), asked(got))
	}
}

// TestMonorepoRootFiles: what hosts read at the root of a repository only is not written into the directory of a
// service; the tasks name the lines to add there.
func TestMonorepoRootFiles(t *testing.T) {
	dir := checkoutOf(t, map[string]string{
		"services/a/catalog-info.yaml": component("a"), "services/a/main.go": "package main\n",
		"services/a/go.mod":            "module a\n\nrequire example.com/b v1.0.0\n",
		"services/b/catalog-info.yaml": component("b"), "services/b/main.go": "package main\n",
	})
	gitIn(t, dir, "init", "-q")
	p := goldenPath(t, map[string]string{
		"questions.yaml":       "code_owners: {title: Who, pattern: '@[a-z/-]+', hint: a team}\n",
		"template/SECURITY.md": "Write to security@example.com.\n",
		"files.yaml": "fixes:\n  - {rule: security-policy, files: [SECURITY.md]}\n  - {rule: codeowners-complete, files: [.github/CODEOWNERS]}\n" +
			"  - {rule: dependency-updates, files: [.github/dependabot.yml]}\n" +
			"  - {rule: dev-environment, files: [.github/pull_request_template.md]}\n",
		"template/.github/CODEOWNERS.tmpl":          "* {{ code_owners }}\n",
		"template/.github/dependabot.yml":           "version: 2\nupdates: []\n",
		"template/.github/pull_request_template.md": "Why?\n",
	})
	got := plan(t, filepath.Join(dir, "services/a"), p, func(o *fix.Options) {
		o.Answers = map[string]string{"code_owners": "@acme/pay"}
	})
	for _, name := range changedFiles(got) {
		if strings.Contains(name, ".github/") || strings.Contains(name, "SECURITY") || !strings.HasPrefix(name, "services/a/") {
			t.Errorf("%s would be written", name)
		}
	}
	for _, want := range []string{
		"add the line `/services/a/ @acme/pay` to .github/CODEOWNERS", "an entry with `directory: /services/a`",
		"it would have no effect in services/a",
	} {
		if !strings.Contains(asked(got), want) {
			t.Errorf("the rules lack %q:\n%v", want, asked(got))
		}
	}
}

// TestOwnersByAnswer: an answer names who owns everything. Without CODEOWNERS the golden path's file is added; one that
// somebody wrote gets a line before the others.
func TestOwnersByAnswer(t *testing.T) {
	p := goldenPath(t, map[string]string{
		"questions.yaml":                   "code_owners: {title: Who, pattern: '@[a-z/-]+', hint: a team}\n",
		"files.yaml":                       "fixes:\n  - {rule: codeowners-complete, files: [.github/CODEOWNERS]}\n",
		"template/.github/CODEOWNERS.tmpl": "# Ours\n* {{ code_owners }}\n",
	})
	for there, want := range map[string]string{
		"": "# Ours\n* @acme/pay\n", "/docs/ @acme/docs\n": "* @acme/pay\n/docs/ @acme/docs\n",
	} {
		files := map[string]string{"catalog-info.yaml": component("pay"), "main.go": "package main\n", "docs/a.md": "a\n"}
		if there != "" {
			files[".github/CODEOWNERS"] = there
		}
		dir := checkoutOf(t, files)
		writePlan(t, plan(t, dir, p, func(o *fix.Options) {
			o.Answers, o.Rules = map[string]string{"code_owners": "@acme/pay"}, []string{"codeowners-complete"}
		}))
		if got := content(t, dir, ".github/CODEOWNERS"); got != want {
			t.Errorf("%q becomes %q, want %q", there, got, want)
		}
		if locked := content(t, dir, pathlock.File) != "-"; locked != (there == "") {
			t.Errorf("%q: lock file %v", there, locked)
		}
	}
}
