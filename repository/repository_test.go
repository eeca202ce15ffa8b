package repository

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

func files(texts map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range texts {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// TestOf reads a repository of three services: one has its own files, one has them in a shared directory, and one has
// nothing.
func TestOf(t *testing.T) {
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {containers: [{name: a, image: 'b:1'}]}\n"
	f, err := Read(context.Background(), files(map[string]string{
		"README.md":                  "# All\n",
		"go.mod":                     "module x\nrequire github.com/gin-gonic/gin v1\n",
		"main.go":                    "package main",
		"CODEOWNERS":                 "* @a\n/services/web/ @web\n",
		"services/api/README.md":     "# API\n",
		"services/api/Dockerfile":    "FROM alpine\nUSER app\n",
		"services/api/pod.yaml":      fmt.Sprintf(pod, "api"),
		"services/web/package.json":  `{"dependencies": {"react": "1"}, "scripts": {"dev": "x"}}`,
		"services/web/a.ts":          "let x",
		"services/web/aws.env":       "KEY=AKIAQ7ZK3MWVN2XT5RJD",
		"deploy/web/pod.yaml":        fmt.Sprintf(pod, "web"),
		"deploy/common.yaml":         fmt.Sprintf(pod, "common"),
		".github/workflows/ci.yml":   "on: push\njobs: {}\n",
		"services/catalog-info.yaml": "kind: Component\nmetadata: {name: api}\n",
	}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	describe := func(f *Facts) string {
		var workloads, manifests, containers []string
		for _, w := range f.Manifests.Workloads {
			workloads = append(workloads, w.Name)
		}
		for _, m := range f.Dependencies.Manifests {
			manifests = append(manifests, m.Path)
		}
		for _, d := range f.Containers.Files {
			containers = append(containers, d.Path)
		}
		return fmt.Sprintf("%s %v %v %v %s %d secrets %d covered %d frameworks %d workflows", f.Documents.Readme.Value.Headings[0].Text,
			workloads, manifests, containers, f.Language.Main.Value, len(f.Content.Secrets), f.Coverage.Value.Files, len(f.Language.Frameworks), len(f.Workflows.Workflows))
	}
	for dir, want := range map[string]string{
		".":             "All [common web api] [.github/workflows/ci.yml go.mod services/api/Dockerfile services/web/package.json] [services/api/Dockerfile] Go 1 secrets 14 covered 2 frameworks 1 workflows",
		"services/api":  "API [api] [services/api/Dockerfile] [services/api/Dockerfile] Go 0 secrets 3 covered 1 frameworks 1 workflows",
		"services/web/": "All [web] [services/web/package.json] [] TypeScript 1 secrets 3 covered 1 frameworks 1 workflows",
		"services/none": "All [common] [go.mod] [] Go 0 secrets 0 covered 1 frameworks 1 workflows",
	} {
		if got := describe(f.Of(dir)); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", dir, got, want)
		}
	}
	if len(f.Descriptors) != 1 || f.Descriptors[0].Entity.Name != "api" {
		t.Errorf("%+v", f.Descriptors)
	}
}

func TestInherit(t *testing.T) {
	read := func(texts map[string]string) *Facts {
		f, err := Read(context.Background(), files(texts), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	defaults := read(map[string]string{
		"SECURITY.md": "mail a@example.com\n", "LICENSE": "x", "CONTRIBUTING.md": "x", ".github/PULL_REQUEST_TEMPLATE.md": "x",
	})
	f := read(map[string]string{"CONTRIBUTING.md": "own"}).Inherit(defaults, ".github")
	got := fmt.Sprint(f.Documents.Security.Value.Private, f.Documents.Contributing, f.Documents.PullRequestTemplate, f.Documents.License.Value == nil)
	want := "a@example.com (.github/SECURITY.md:1)CONTRIBUTING.md (CONTRIBUTING.md).github/.github/PULL_REQUEST_TEMPLATE.md " +
		"(.github/.github/PULL_REQUEST_TEMPLATE.md)true"
	if strings.ReplaceAll(got, ") ", ")") != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if defaults.Documents.Security.At.Path != "SECURITY.md" || defaults.Documents.Security.Value.Private.At.Path != "SECURITY.md" {
		t.Error("the defaults are changed")
	}
	unreadable := read(map[string]string{"SECURITY.md": "\xff"}).Inherit(defaults, ".github")
	if unreadable.Documents.Security.Known {
		t.Error("a policy that cannot be read is not replaced")
	}
}

// TestScanned is a repository whose files are read over a connection.
func TestScanned(t *testing.T) {
	f, err := Read(context.Background(), files(map[string]string{"a": "x"}), Options{NotScanned: "files are read one by one"})
	if err != nil || f.Content.Complete.Known || f.Content.Complete.Reason != "files are read one by one" || f.Content.Files != 1 {
		t.Errorf("%+v %v", f.Content, err)
	}
}

func BenchmarkRead(b *testing.B) {
	fsys := fstest.MapFS{}
	for i := range 5_000 {
		name, text := fmt.Sprintf("services/s%d/pkg/file%d.go", i%50, i), "package x\n\nfunc f() {}\n"
		switch i % 50 {
		case 0:
			name, text = fmt.Sprintf(".github/workflows/w%d.yml", i), "on: push\njobs: {a: {steps: [{run: go test ./...}]}}\n"
		case 1:
			name, text = fmt.Sprintf("services/s%d/Dockerfile", i), "FROM golang:1.26 AS build\nFROM alpine:3\nUSER app\n"
		case 2:
			name = fmt.Sprintf("deploy/s%d.yaml", i)
			text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'b:1'}]}\n"
		case 3:
			name, text = fmt.Sprintf("services/s%d/README.md", i), "# x\n```sh\nmake\n```\n"
		}
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	fsys["CODEOWNERS"] = &fstest.MapFile{Data: []byte("* @a\n/services/s1/ @b\n*.yaml @c\n")}
	for b.Loop() {
		f, err := Read(context.Background(), fsys, Options{})
		if err != nil || len(f.Files().Files) != 5_001 {
			b.Fatal(err)
		}
	}
}

func FuzzReadRepository(f *testing.F) {
	f.Add("a/catalog-info.yaml", "kind: x")
	f.Add("kustomization.yaml", "resources: [a]")
	f.Add("package.json", "{}")
	f.Fuzz(func(t *testing.T, name, text string) {
		facts, err := Read(context.Background(), files(map[string]string{name: text, "go.mod": text}), Options{})
		if err == nil {
			facts.Of("a")
		}
	})
}
