package workflow_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/workflow"
)

// TestJenkins reads stages and steps as text, but nothing from comments and other strings.
func TestJenkins(t *testing.T) {
	at := func(line int) fact.Location { return fact.Location{Path: "Jenkinsfile", Line: line} }
	for name, c := range map[string]struct {
		text string
		want workflow.Jenkins
	}{
		"empty": {"", workflow.Jenkins{}},
		"declarative": {"pipeline {\n  stages {\n    stage('Unit tests') {\n      when { changeRequest() }\n      steps {\n" +
			"        sh '''\n          make build\n          make test\n        '''\n        bat(script: \"npm test\", returnStatus: true)\n",
			workflow.Jenkins{Changes: true, Steps: []workflow.JenkinsStep{
				{Stage: "Unit tests", At: at(6), Script: "\n          make build\n          make test\n        "},
				{Stage: "Unit tests", At: at(10), Script: "npm test"},
			}}},
		"scripted": {"@Library('acme@1') _\nnode {\n  stage(name: \"Build\") { sh label: 'x', script: \"mvn -B verify -Dtag=${env.TAG}\" }\n" +
			"  if (env.CHANGE_ID) { powershell 'x \\'y\\'' }\n}",
			workflow.Jenkins{Changes: true, Elsewhere: at(1), Steps: []workflow.JenkinsStep{
				{Stage: "Build", At: at(3), Script: "mvn -B verify -Dtag=${env.TAG}"},
				{Stage: "Build", At: at(4), Script: `x \'y\'`},
			}}},
		"comments and texts": {"// sh 'a'\n/* changeRequest()\n sh 'b' */\necho \"sh 'c' // no comment\"\ndef u = 'https://x' ; sh 'd'\n",
			workflow.Jenkins{Steps: []workflow.JenkinsStep{{At: at(5), Script: "d"}}}},
		"unended": {"stage('x) {\n sh 'a\n sh \"b\"\n sh \"c", workflow.Jenkins{Steps: []workflow.JenkinsStep{{At: at(3), Script: "b"}}}},
		"loaded":  {"def x = load 'ci/x.groovy'\nx()", workflow.Jenkins{Elsewhere: at(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := tree.List(t.Context(), fstest.MapFS{"Jenkinsfile": {Data: []byte(c.text)}}, tree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got, unreadable := workflow.ReadJenkins(files)
			c.want.Path = "Jenkinsfile"
			if diff := cmp.Diff([]workflow.Jenkins{c.want}, got); diff != "" || len(unreadable) > 0 {
				t.Errorf("%v (-want +got)\n%s", unreadable, diff)
			}
		})
	}
}
