package repository

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/repository/tree"
)

// refusing is a transport that no reader may use.
type refusing struct{ requests []string }

func (r *refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	r.requests = append(r.requests, q.URL.String())
	return nil, errors.New("refused")
}

// TestHostile reads a directory that wants to download, to run programs, to read files outside, and to exhaust the
// reader. The good files next to the bad ones are read.
func TestHostile(t *testing.T) {
	transport := &refusing{}
	before := http.DefaultTransport
	http.DefaultTransport = transport
	t.Cleanup(func() { http.DefaultTransport = before })
	bin, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	for _, program := range []string{"git", "helm", "docker", "kubectl", "sh"} {
		if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\necho $0 $@ >> "+ran+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)

	outside, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "pod.yaml"), []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: outside}\nspec: {containers: []}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	laughs := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 8 {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", 'b'+i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 10), ","))
	}
	texts := map[string]string{
		"good/pod.yaml":             "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec: {containers: [{name: a, image: 'b:1'}]}\n",
		"good/Dockerfile":           "FROM alpine\nUSER app\n",
		"README.md":                 "# Good\n",
		".github/workflows/ok.yml":  "on: push\njobs: {}\n",
		".github/workflows/bad.yml": laughs + "jobs: *i\n",
		".github/dependabot.yml":    laughs,
		"renovate.json5":            strings.Repeat("[", 900_000),
		"package.json":              strings.Repeat(`{"a":`, 150_000),
		"Taskfile.yml":              laughs + "tasks: *i\n",
		"bad.yaml":                  "apiVersion: v1\nkind: Pod\nmetadata: &m {name: x, labels: *m}\n",
		"alerts.yml":                laughs + "groups: *i\nx:\n  - alert: y\n",
		"bad/Dockerfile":            "FROM a\n" + strings.Repeat("RUN <<A <<B\n", 2_000),
		"CODEOWNERS":                strings.Repeat("**/*a*/**/*b*/**/c @x\n", 40_000),
		"Makefile":                  strings.Repeat("a ", 400_000) + ":\n",
		"deep/" + strings.Repeat("a/", 60) + "catalog-info.yaml": "kind: Component\n",
		"k1/kustomization.yaml":                                  "resources: ['https://127.0.0.1:1/x.yaml', 'github.com/a/b?ref=c', 'git@127.0.0.1:a/b']\n",
		"k2/kustomization.yaml":                                  "helmCharts: [{name: x, repo: 'https://127.0.0.1:1'}]\n",
		"k3/kustomization.yaml":                                  "generators: [g.yaml]\ntransformers: [g.yaml]\n",
		"k3/g.yaml":                                              "apiVersion: v1\nkind: X\nmetadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: sh}'}}\n",
		"k4/kustomization.yaml":                                  "resources: [../../outside/pod.yaml, link.yaml]\n",
		"k5/kustomization.yaml":                                  "resources: [link.yaml]\n",
		"k6/kustomization.yaml":                                  "resources: [linkdir]\n",
		"k7/kustomization.yaml":                                  "patchesStrategicMerge: ['https://127.0.0.1:1/x']\n",
		"k8/kustomization.yaml":                                  "resources: [x.yaml]\nconfigMapGenerator: [{name: x, files: [/etc/passwd]}]\n",
		"k8/x.yaml":                                              "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n",
	}
	for name, text := range texts {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"k4/link.yaml": filepath.Join(outside, "pod.yaml"), "k5/link.yaml": filepath.Join(outside, "pod.yaml"), "k6/linkdir": outside,
		"pod.yaml": filepath.Join(outside, "pod.yaml"), "SECURITY.md": "/etc/passwd", "LICENSE": "/dev/zero", "AGENTS.md": "AGENTS.md",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	fsys, closer, err := tree.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	f, err := Read(context.Background(), fsys, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(transport.requests) > 0 {
		t.Errorf("requests: %v", transport.requests)
	}
	if text, err := os.ReadFile(ran); err == nil {
		t.Errorf("programs were started: %s", text)
	}
	if len(f.Problems) > 0 {
		t.Errorf("problems: %v", f.Problems)
	}
	if len(f.Manifests.Workloads) != 1 || f.Manifests.Workloads[0].Name != "good" || len(f.Manifests.Unrendered) != 8 {
		t.Errorf("%+v", f.Manifests)
	}
	if len(f.Containers.Files) != 1 || len(f.Workflows.Workflows) != 1 || f.Documents.Readme.Value == nil {
		t.Errorf("good files are lost: %v %v %v", f.Containers, f.Workflows, f.Documents.Readme)
	}
	for name, known := range map[string]bool{
		"workflows": f.Workflows.Complete.Known, "dependabot": f.Dependencies.Dependabot.Known, "renovate": f.Dependencies.Renovate.Known,
		"security": f.Documents.Security.Known, "license": f.Documents.License.Known,
	} {
		if known {
			t.Errorf("%s is known", name)
		}
	}
	if f.Files().Partial == "" {
		t.Error("the listing is complete")
	}
}
