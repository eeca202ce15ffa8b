package pathcheck_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/scorecards/paths/pathcheck"
)

func lint(t *testing.T, p *paths.Path) pathcheck.Findings {
	t.Helper()
	all, err := builtin()
	if err != nil {
		t.Fatal(err)
	}
	found, err := pathcheck.Lint(context.Background(), p, pathcheck.Options{Scorecards: all, Edits: []string{"pin-actions"}})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestShippedPathsAreClean keeps what dxctl finds in the paths of others out of its own.
func TestShippedPathsAreClean(t *testing.T) {
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		found := lint(t, p)
		for _, m := range found.Errors {
			if !strings.Contains(m.Message, "there is no edit") { // the edits are not known here
				t.Error(m)
			}
		}
		for _, m := range found.Warnings {
			t.Error(m)
		}
	}
}

const (
	checkout = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
	listed   = "actions: [{name: actions/checkout, tag: v4.2.2, commit: 11bd71901bbe5b1630ceea73d27597364c9af683}]\n"
)

// job is a workflow with one step.
func job(step string) string {
	return "name: ci\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - " + step + "\n"
}

// TestLint: each kind of mistake is found at its place, and the right way is not.
func TestLint(t *testing.T) {
	const base = "name: pay-service\nversion: 1.0.0\ndescription: Pays.\n"
	const workflow = "template/.github/workflows/ci.yml.tmpl"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string // "": nothing is wrong
	}{
		{name: "nothing", files: map[string]string{}},
		{"an unknown scorecard", map[string]string{"path.yaml": base + "scorecards: [delivry]\n"},
			`path.yaml:4: there is no scorecard "delivry" (did you mean "delivery"?)`},
		{"a scorecard of its own", map[string]string{
			"path.yaml": base + "scorecards: [pay]\n",
			"scorecards/pay.yaml": "apiVersion: dxctl.dev/v1\nkind: Scorecard\nname: pay\nlevels: [ok]\n" +
				"rules: [{id: a, level: ok, title: A, effort: hours, expr: 'facts[\"repository.language\"] == \"Go\"'}]\n",
		}, ""},
		{"a mistake in one", map[string]string{
			"path.yaml":           base + "scorecards: [pay]\n",
			"scorecards/pay.yaml": "apiVersion: dxctl.dev/v1\nkind: Scorecard\nname: pay\nlevels: [ok]\nrulez: []\n",
		}, `scorecards/pay.yaml:5: unknown key "rulez"`},
		{"an unused question", map[string]string{"questions.yaml": "tier: {default: low}\n"},
			"questions.yaml:1: question tier is used neither"},
		{"a pattern without an example", map[string]string{"questions.yaml": "service_name: {pattern: '[a-z]+\\b-x\\B'}\n"},
			"questions.yaml:1: no answer to question service_name was found"},
		{"an unknown rule", map[string]string{"files.yaml": "fixes: [{rule: licens, files: [README.md]}]\n"},
			`files.yaml:1: no scorecard of the path has a rule "licens" (did you mean "license"?)`},
		{"an unknown edit", map[string]string{"files.yaml": "fixes: [{rule: license, edit: pin-action}]\n"},
			`files.yaml:1: there is no edit "pin-action" (did you mean "pin-actions"?)`},
		{"an unknown file", map[string]string{"files.yaml": "fixes:\n  - {rule: license, files: [LICENS]}\n"},
			`files.yaml:2: no template has the result "LICENS"`},
		{"a pattern of no file", map[string]string{"files.yaml": "modes:\n  - {path: docs/*, mode: merge}\n"},
			`files.yaml:2: no file of the path matches "docs/*"`},
		{"an action by tag", map[string]string{workflow: job("uses: actions/checkout@v4"), "actions.yaml": listed},
			"template/.github/workflows/ci.yml.tmpl:7: actions/checkout@v4 is not pinned by a commit"},
		{"an action that is not listed", map[string]string{workflow: job("uses: " + checkout + " # v4.2.2")},
			"ci.yml.tmpl:7: action actions/checkout is not in actions.yaml"},
		{"another commit", map[string]string{
			workflow: job("uses: " + strings.Replace(checkout, "11bd", "22bd", 1) + " # v4.2.2"), "actions.yaml": listed,
		}, "ci.yml.tmpl:7: 22bd71901bbe5b1630ceea73d27597364c9af683 is not the commit of actions/checkout"},
		{"no comment", map[string]string{workflow: job("uses: " + checkout), "actions.yaml": listed},
			"does not name its tag, v4.2.2"},
		{"as it should be", map[string]string{workflow: job("uses: " + checkout + " # v4.2.2"), "actions.yaml": listed}, ""},
		{"an answer in a script", map[string]string{workflow: job("run: echo {{ service_name }}")},
			"ci.yml.tmpl:7: a script has the answer to service_name"},
		{"an answer in a long script", map[string]string{workflow: job("run: |\n          true\n          echo \"{{ service_name }}\"")},
			"ci.yml.tmpl:9: a script has the answer to service_name"},
		{"an answer in the environment", map[string]string{
			workflow: job("run: echo \"$NAME\"\n        env: {NAME: {{ yaml service_name }}}"),
		}, ""},
		{"an input in a script", map[string]string{workflow: job("run: echo ${{ inputs.version }}")},
			"ci.yml.tmpl:7: a script has ${{ inputs.version }}, whose value others choose"},
		{"an event in a script", map[string]string{workflow: job("run: echo ${{ github.event.issue.title }}")},
			"ci.yml.tmpl:7: a script has ${{ github.event.issue.title }}"},
		{"an answer in the script of an action", map[string]string{
			"template/.github/actions/x/action.yml.tmpl": "name: x\nruns:\n  using: composite\n  steps:\n" +
				"    - run: echo {{ service_name }}\n      shell: sh\n",
		}, "action.yml.tmpl:5: a script has the answer to service_name"},
		{"no quotes in YAML", map[string]string{"template/a.yaml.tmpl": "x: 1\nname: {{ service_name }}\n"},
			"template/a.yaml.tmpl:2: the answer \"null\" to service_name changes the meaning of the file"},
		{"quotes in YAML", map[string]string{"template/a.yaml.tmpl": "x: 1\nname: {{ yaml service_name }}\n"}, ""},
		{"part of a text", map[string]string{"template/a.yaml.tmpl": "image: registry.example/{{ service_name }}:1\n"}, ""},
		{"quotes that an answer can close", map[string]string{
			"template/a.json.tmpl": "{\"title\": \"{{ title }}\"}\n", "questions.yaml": "title: {pattern: '.+'}\n",
		}, "a.json.tmpl:1: the answer "},
		{"JSON", map[string]string{
			"template/a.json.tmpl": "{\"title\": {{ json title }}}\n", "questions.yaml": "title: {pattern: '.+'}\n",
		}, ""},
		{"an answer that a shell reads", map[string]string{
			"template/run.sh.tmpl": "#!/bin/sh\necho {{ title }}\n", "questions.yaml": "title: {pattern: '.+'}\n",
		}, "run.sh.tmpl:2: a shell takes the answer"},
		{"an answer in quotes of a shell", map[string]string{
			"template/run.sh.tmpl": "#!/bin/sh\necho {{ shell title }}\n", "questions.yaml": "title: {pattern: '.+'}\n",
		}, ""},
		{"a word in a shell", map[string]string{"template/Makefile.tmpl": "x:\n\tgo build -o {{ service_name }}\n"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{
				"path.yaml": base, "template/README.md.tmpl": "# {{ service_name }}\n",
				"template/LICENSE": "Proprietary.\n",
			}
			for name, text := range c.files {
				files[name] = text
			}
			found := lint(t, from(t, files))
			var all []string
			for _, m := range append(found.Errors, found.Warnings...) {
				all = append(all, m.Error())
			}
			text := strings.Join(all, "\n")
			if c.want == "" && text != "" || !strings.Contains(text, c.want) {
				t.Errorf("want %q, got:\n%s", c.want, text)
			}
			if c.want != "" && len(all) > 1 && c.name != "a mistake in one" {
				t.Errorf("more than what is wrong: %s", fmt.Sprint(text))
			}
		})
	}
}
