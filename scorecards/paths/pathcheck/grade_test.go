package pathcheck_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/scorecards/paths"
)

// from reads a golden path of files, whose contents are given by name.
func from(t *testing.T, files map[string]string) *paths.Path {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	p, err := paths.Load(fsys, paths.Origin{Kind: paths.FromDirectory, Location: "pay-service"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const catalogInfo = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: "{{ service_name }}"}
spec: {type: service, lifecycle: experimental, owner: group:default/pay}
`

// TestGradeFindsWhatIsMissing: a path whose files do not pass is found out, and one that cannot be read, too.
func TestGradeFindsWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a rule fails", nil, "developer-experience/license: fail"},
		{"the system is missing", nil, "developer-experience/descriptor-valid: fail"},
		{"a root container", map[string]string{"template/Dockerfile": "FROM alpine\nUSER root\nCMD [\"x\"]\n"},
			"production-readiness/container-non-root: fail"},
		{"manifests that cannot be read", map[string]string{"template/deploy/kustomization.yaml": "resources: [missing.yaml]\n"},
			"is not known: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"path.yaml": "name: pay-service\n", "template/catalog-info.yaml.tmpl": catalogInfo}
			for name, text := range c.files {
				files[name] = text
			}
			var wrong []string
			for _, v := range grade(t, from(t, files), paths.Answers{"service_name": "pay"}, paths.Defaults{}) {
				if text := v.Wrong(); text != "" {
					wrong = append(wrong, text)
				}
			}
			if !strings.Contains(strings.Join(wrong, "\n"), c.want) {
				t.Errorf("%q is not in:\n%s", c.want, strings.Join(wrong, "\n"))
			}
		})
	}
}
