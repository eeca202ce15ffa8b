package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/dxctl/dxctl/repository/workflow"
)

const actionDir = "../../deploy/action"

// TestActionFile reads the action as dxctl reads those of others: nothing that somebody chooses is in a script, and
// whatever it uses is pinned.
func TestActionFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(actionDir, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := workflow.ParseAction("deploy/action/action.yml", string(text))
	if err != nil || a.Using != "composite" || len(a.Steps) != 2 {
		t.Fatalf("%+v %v", a, err)
	}
	for _, u := range a.Uses() {
		if u.Pin != workflow.PinCommit {
			t.Errorf("%s is not pinned", u.Text)
		}
	}
	for _, s := range a.Steps {
		if len(s.Injections) > 0 || strings.Contains(s.Run, "${{") {
			t.Errorf("%s: an expression is in the script: %s", s.Name, s.Run)
		}
	}
}

// TestAction runs the steps of the action on a repository, with paths that a shell could misread.
func TestAction(t *testing.T) {
	temp, workspace := t.TempDir(), t.TempDir()
	files := map[string]string{
		".git/HEAD":                  "",
		"my app/catalog-info.yaml":   "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a, title: '<b>'}\nspec: {type: service, lifecycle: production, owner: team-a}\n",
		"my app/Dockerfile":          "FROM alpine\nCMD <script>\n",
		"-o/x":                       "",
		"$(touch injected)/Makefile": "dev:\n",
		"dx.yaml":                    "scorecards: {files: [card.yaml]}\n",
		"card.yaml": `apiVersion: dxctl.dev/v1
kind: Scorecard
name: paved
version: 1
title: Paved <script>
levels: [bronze, silver]
rules:
  - {id: root, version: 1, level: bronze, title: Not root, why: w, fix: f, effort: minutes, expr: 'size(facts["repository.containers.root_users"]) == 0'}
  - {id: archived, version: 1, level: silver, title: Not archived, why: w, fix: f, effort: minutes, expr: '!facts["repository.archived"]'}
`,
	}
	for name, text := range files {
		name = filepath.Join(workspace, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output, summary := filepath.Join(temp, "output"), filepath.Join(temp, "summary")
	step := func(script string, inputs ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(actionDir, script))
		cmd.Env = append(os.Environ(), append(inputs, "RUNNER_TEMP="+temp, "GITHUB_WORKSPACE="+workspace, "GITHUB_OUTPUT="+output,
			"GITHUB_STEP_SUMMARY="+summary, "DXCTL_LIBCHDB=/nonexistent")...)
		text, err := cmd.CombinedOutput()
		return string(text), err
	}
	if text, err := step("build.sh"); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for name, tc := range map[string]struct {
		inputs   []string
		fails    bool
		standing string
	}{
		"no level":        {nil, false, ""},
		"below":           {[]string{"INPUT_FAIL_BELOW=bronze", "INPUT_PATH=my app"}, true, "standing=below"},
		"unknown":         {[]string{"INPUT_FAIL_BELOW=silver", "INPUT_PATH=-o", "INPUT_SARIF=out/x y.sarif"}, false, "standing=unknown"},
		"unknown, strict": {[]string{"INPUT_FAIL_BELOW=silver", "INPUT_PATH=-o", "INPUT_FAIL_ON_UNKNOWN=true"}, true, "standing=unknown"},
		"reached":         {[]string{"INPUT_FAIL_BELOW=bronze", "INPUT_PATH=$(touch injected)", "INPUT_JUNIT=j.xml"}, false, "standing=reached"},
		"no such level":   {[]string{"INPUT_FAIL_BELOW=--all"}, true, ""},
		"a line break":    {[]string{"INPUT_PATH=.\nx"}, true, ""},
		"no directory":    {[]string{"INPUT_PATH=missing", "INPUT_SARIF="}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _ = os.Remove(output), os.Remove(summary)
			text, err := step("grade.sh", append([]string{"INPUT_SARIF=dxctl.sarif", "INPUT_CONFIG=dx.yaml"}, tc.inputs...)...)
			if (err != nil) != tc.fails {
				t.Fatalf("%v\n%s", err, text)
			}
			got, _ := os.ReadFile(output)
			if tc.standing != "" && !strings.Contains(string(got), tc.standing+"\n") {
				t.Errorf("outputs %q", got)
			}
			page, _ := os.ReadFile(summary)
			if strings.Contains(string(page), "<script>") || tc.standing != "" && !strings.Contains(string(page), "Paved &lt;script&gt;") {
				t.Errorf("summary %s", page)
			}
			if name == "unknown" {
				log, err := sarif.Open(filepath.Join(workspace, "out/x y.sarif"))
				if err != nil || log.Validate() != nil || !strings.Contains(string(got), "sarif=out/x y.sarif\n") {
					t.Errorf("%v %q", err, got)
				}
			}
		})
	}
	if _, err := os.Stat(filepath.Join(workspace, "injected")); err == nil {
		t.Error("an input was run as a command")
	}
}
