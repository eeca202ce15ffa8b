package source_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"
)

func TestWorkflowDeployment(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "false []",
		"\t: not yaml":       "false []",
		"jobs: [a]\n":        "false []",
		"on: push\njobs: {}": "false []",
		"jobs:\n  test:\n    steps: [{run: make}]\n":                                   "false []",
		"jobs:\n  a:\n    environment: prod\n  b:\n    environment: {name: Stage}\n":   "true [Stage prod]",
		"jobs:\n  a:\n    environment: ${{ inputs.to }}\n":                             "true []",
		"jobs:\n  deploy:\n    steps: [{run: x}]\n":                                    "true []",
		"jobs:\n  a:\n    uses: acme/flows/.github/workflows/deploy.yml@v1\n":          "true []",
		"jobs:\n  a:\n    steps: [{uses: azure/webapps-deploy@v3}]\n":                  "true []",
		"jobs:\n  a:\n    steps: [{name: Check deploy keys}]\n":                        "false []",
		"deploy:\n  environment: {name: live, url: x}\n.base:\n  environment: hidden":  "true [live]",
		"stop:\n  environment: {name: review, action: stop}\ninclude: [{local: /x}]\n": "false []",
		"a:\n  environment: review/$CI_COMMIT_REF_SLUG\n":                              "true []",
		"a: !reference [b, c]\nb: {script: x}\n":                                       "false []",
	} {
		deploys, environments := source.WorkflowDeployment(text)
		slices.Sort(environments)
		if got := fmt.Sprint(deploys, " ", environments); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestNamesDeployment(t *testing.T) {
	for name, want := range map[string]bool{"deploy.yml": true, "Deploy to prod": true, "cd.yaml": true, "ci-cd.yml": true,
		"cdk-test.yml": false, "ci.yml": false, "release.yml": false, "undeploy.yml": false, "rollout.yml": true} {
		if got := source.NamesDeployment(name); got != want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}
