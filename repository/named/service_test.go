package named

import (
	"maps"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/repository/tree"
)

// TestService has the facts of one service in a repository of two.
func TestService(t *testing.T) {
	f := read(t, map[string]string{
		"CODEOWNERS": "/services/a/ @a\n/services/b/ @b\n/gone @c\n", "services/a/x.go": "package x", "services/b/Dockerfile": "FROM alpine\nCMD x\n",
		"README.md": "x", "services/a/AGENTS.md": "# Build\n", "AGENTS.md": "# Tests\n", "services/b/AGENTS.md": "# Style\n",
		"services/a/catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a}\nspec: {type: service, lifecycle: x, owner: b}\n",
		"services/b/catalog-info.yaml": "apiVersion: x\nkind: Component\nmetadata: {}\n",
	}, tree.Limits{}).Of("services/a")
	for name, want := range map[string]string{
		"repository.codeowners.dead_patterns": "[CODEOWNERS:3: the pattern /gone matches no file]", "repository.codeowners.uncovered": "[]",
		"repository.containers.count": "0", "repository.files.readme": "true", "repository.agents.missing": "[style]", "repository.descriptor.problems": "[]",
		"repository.files.catalog_info": "true",
	} {
		if got := show(of(t, f, name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestPipelinesOfServices: a Jenkinsfile counts for the service in whose directory it is; that at the root, for those
// without one.
func TestPipelinesOfServices(t *testing.T) {
	const testing = "pipeline {\n stages {\n stage('Test') {\n when { changeRequest() }\n steps { sh 'mvn -B verify' }\n"
	const building = "node {\n  sh 'mvn -B jib:build -f a/pom.xml'\n}"
	files := sources{"a/main.go": "package a", "b/Jenkinsfile": testing + building, "c/Jenkinsfile": "",
		"b/Jenkinsfile.large": strings.Repeat(" ", 2<<20)} // it cannot be read
	rooted := maps.Clone(files)
	rooted["Jenkinsfile"] = testing
	for _, c := range []struct {
		files               sources
		dir, tests, systems string
	}{
		{files, "a", "false", "[]"},
		{files, "b", "true", "[jenkins]"},
		{files, "c", "? no step of c/Jenkinsfile", "[jenkins]"},
		{rooted, "a", "true", "[jenkins]"},
		{rooted, "c", "? no step of c/Jenkinsfile", "[jenkins]"},
	} {
		f := read(t, c.files, tree.Limits{}).Of(c.dir)
		if got := show(of(t, f, "repository.ci.tests_on_pull_requests")); !strings.HasPrefix(got, c.tests) {
			t.Errorf("%s: tests %s, want %s", c.dir, got, c.tests)
		}
		if got := show(of(t, f, "repository.ci.systems")); got != c.systems {
			t.Errorf("%s: systems %s, want %s", c.dir, got, c.systems)
		}
		if built := (&reader{Facts: f}).builtOtherwise(); c.dir == "a" && built != "" {
			t.Errorf("a is built by the pipeline of another service: %s", built)
		}
	}
}
