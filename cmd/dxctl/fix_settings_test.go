package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
)

// TestFixSettings plans, applies and takes back the settings of a service.
func TestFixSettings(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := hosttest.New(t)
	t.Setenv(github.TokenVariable, s.Token)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	descriptor := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: pay\n" +
		"  annotations: {github.com/project-slug: acme/pay}\n" +
		"spec: {type: service, lifecycle: production, owner: payments}\n"
	files := map[string]string{
		"catalog-info.yaml":         descriptor,
		"main.go":                   "package main\n\nfunc main() {}\n",
		".github/workflows/ci.yaml": "on: push\njobs: {test: {runs-on: x, steps: [{run: go test ./...}]}}\n",
		".dxctl/golden-path.lock": "apiVersion: dxctl.dev/v1\nkind: GoldenPathLock\ndeclined:\n" +
			"  - {rule: secret-scanning, reason: no license, by: ann, until: 2999-01-01}\n" +
			"  - {rule: secret-scaning, reason: no license, by: ann, until: 2999-01-01}\n",
	}
	writeFiles(t, files)
	git := gitIn(t)
	git("init", "-q", "-b", "main")
	repo := pushed(t, s, git, files)
	repo.Set.Cleanup, s.Writes = false, nil
	repo.Set.Merged = [][]string{{"test"}, {"test"}, {"test"}}
	repo.Set.Environments = map[string]map[string]any{"production": {}}
	s.Teams = map[string]int64{"acme/payments": 42}
	other := t.TempDir()
	ours := filepath.Join(other, "dx.yaml")
	config := fmt.Sprintf("actions:\n  github: {url: %q, allow_private_network: true}\n"+
		"catalog: {files: [catalog-info.yaml]}\n", s.URL)
	for name, text := range map[string]string{ours: config, filepath.Join(other, "catalog-info.yaml"): descriptor} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dxctl := func(want int, args ...string) (out, diagnostics string) {
		t.Helper()
		return process(t, s, want, append([]string{"--config", ours, "fix", "--settings", "--repository", "acme/pay"}, args...)...)
	}
	expect := func(got string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in\n%s", want, got)
			}
		}
	}
	plan := filepath.Join(other, "plan.json")
	s.Reads = nil
	out, diagnostics := dxctl(exit.OK, ".", "--out", plan)
	expect(out, "ruleset, for branch-protected, human-review, tests-on-pull-requests, required-checks", "before  none",
		"POST "+s.URL+"/repos/acme/pay/rulesets", `{"context":"test"}`, `"reviewers":[{"id":42,"type":"Team"}]`,
		"secret-scanning          declined until 2999-01-01: no license", `before  {"default_workflow_permissions":"write"}`)
	checkSample(t, "docs/settings.md", "dxctl fix . --settings", out, s.URL)
	if len(s.Writes) > 0 {
		t.Fatal(s.Writes, diagnostics)
	}
	expect(diagnostics, `declines the rule secret-scaning, which no scorecard has (did you mean "secret-scanning"?)`)
	if len(s.Reads) > 9 { // nothing was collected: two more are about the lock file and the teams of a service
		t.Errorf("the plan took %d reads: %q", len(s.Reads), s.Reads)
	}
	_, diagnostics = dxctl(exit.OK, "component:default/pay", "--yes")
	expect(diagnostics, "done: let the token of workflows only read by default")
	if len(repo.Set.Rulesets) != 1 || !repo.Set.ReadOnlyToken || !repo.Set.Cleanup || len(repo.Set.Security) > 0 {
		t.Errorf("%+v", repo.Set)
	}
	id := regexp.MustCompile(`--undo ([0-9a-f-]+)`).FindStringSubmatch(diagnostics)
	if id == nil {
		t.Fatal(diagnostics)
	}
	_, diagnostics = dxctl(exit.Conflicts, ".", "--apply", plan)
	expect(diagnostics, "has changed")
	repo.Set.Environments["production"]["wait_timer"] = 5.0 // by somebody
	writes := len(s.Writes)
	out, _ = dxctl(exit.Conflicts, "--undo", id[1])
	expect(out, "DELETE "+s.URL+"/repos/acme/pay/rulesets/", "environment production   somebody has changed it since")
	if len(s.Writes) != writes {
		t.Error("a plan has written", s.Writes[writes:])
	}
	dxctl(exit.Conflicts, "--undo", id[1], "--yes")
	if len(repo.Set.Rulesets) != 0 || repo.Set.ReadOnlyToken || repo.Set.Cleanup ||
		repo.Set.Environments["production"]["wait_timer"] != 5.0 {
		t.Errorf("%+v", repo.Set)
	}
	repo.Set.ReadOnlyToken = true // by somebody, after the run was taken back
	writes = len(s.Writes)
	dxctl(exit.Conflicts, "--undo", id[1], "--yes")
	if len(s.Writes) != writes {
		t.Error("what somebody set was taken back", s.Writes[writes:])
	}
	s.Scopes = "public_repo"
	_, diagnostics = dxctl(exit.Credentials, ".", "--yes")
	expect(diagnostics, "the scope repo")
}
