package contents

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/named"
)

func TestFacts(t *testing.T) {
	file := func(m *collecttest.Writer, name string) string {
		f := collecttest.Stored[event.Fact](m)["repository.files."+name]
		if f.Error != "" {
			return "unknown"
		}
		return string(f.Value)
	}
	for _, tc := range []struct {
		name      string
		files     []string
		truncated bool
		want      map[string]string
	}{
		{"everything", []string{"README.md", ".github/CODEOWNERS", ".github/workflows/ci.yml", "build/Dockerfile", "catalog-info.yaml", "LICENSE", ".github/dependabot.yml", "cmd/x_test.go"}, false,
			map[string]string{"readme": "true", "codeowners": "true", "ci_workflow": "true", "dockerfile": "true", "catalog_info": "true", "license": "true", "dependency_updates": "true", "tests": "true"}},
		{"nothing", []string{"main.go", "vendor/x/README", "vendor/a/a_test.go", "contest.go"}, false,
			map[string]string{"readme": "false", "codeowners": "false", "ci_workflow": "false", "dockerfile": "false", "catalog_info": "false", "license": "false", "dependency_updates": "false", "tests": "false"}},
		{"other tools", []string{"Jenkinsfile", "src/test/java/FooTest.java", "docs/readme.rst", "COPYING"}, false,
			map[string]string{"readme": "true", "ci_workflow": "true", "tests": "true", "license": "true"}},
		{"a listing that is cut", []string{"README"}, true, map[string]string{"readme": "true", "license": "unknown"}},
		{"no listing", nil, false, map[string]string{"readme": "unknown", "tests": "unknown"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, m := streamtest.Serve(t, &githubtest.Repo{Files: tc.files, Truncated: tc.truncated}), collecttest.NewWriter()
			collect(t, s, m, now, "")
			for name, want := range tc.want {
				if got := file(m, name); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			if f := collecttest.Stored[event.Fact](m)["repository.default_branch"]; string(f.Value) != `"main"` ||
				f.Entity != "unmapped:github/acme/shop" {
				t.Errorf("%+v", f)
			}
			s.Requests()
			collect(t, s, m, now.Add(time.Hour), "")
			for _, r := range s.Requests() {
				if r.Status != 304 {
					t.Errorf("asked again: %+v", r)
				}
			}
			appended := m.Appended()
			collect(t, s, m, now.Add(25*time.Hour), "")
			if f := collecttest.Stored[event.Fact](m)["repository.created_at"]; !f.ObservedAt.Equal(now.Add(25 * time.Hour)) {
				t.Errorf("not modified, but not renewed: %+v", f)
			}
			if f := collecttest.Stored[event.Fact](m)["repository.license"]; !f.ObservedAt.Equal(now.Add(25 * time.Hour)) {
				t.Errorf("not modified, but not renewed: %+v", f)
			}
			if n := m.Appended() - appended; n != len(named.Definitions())+4 {
				t.Errorf("%d facts were renewed", n)
			}
		})
	}
}
