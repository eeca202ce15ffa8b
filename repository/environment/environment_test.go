package environment

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

func read(t testing.TB, dir string, files map[string]string) Set {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tr, err := tree.List(context.Background(), fsys, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return Read(tr, dir)
}

func TestRead(t *testing.T) {
	files := map[string]string{
		"Makefile":                        "X := 1\nY ?= a:b\n.PHONY: build\nbuild test: x\n\tgo build\n%.o: x\nbuild: y\ndev::\n# c: d\n$(X): y\n",
		"Taskfile.yml":                    "version: 3\ntasks:\n  lint: x\n  up:\n    cmds: []\n",
		"justfile":                        "set x := 1\nv := 2\nserve port='1': build\n  x\n",
		"package.json":                    "{\n \"scripts\": {\n  \"start\": \"x\",\n  \"b\": \"y\"\n }\n}",
		".devcontainer/devcontainer.json": "", "compose.yaml": "", "sub/compose.yaml": "", ".editorconfig": "", "sub/.editorconfig": "",
		".github/workflows/ci.yml": "", ".gitlab-ci.yml": "", "ci/Jenkinsfile": "", ".circleci/config.yml": "",
	}
	s := read(t, ".", files)
	var tasks, pipelines []string
	for _, task := range s.Tasks {
		tasks = append(tasks, fmt.Sprintf("%s %s %d", task.Runner, task.Name, task.At.Line))
	}
	for _, p := range s.Pipelines {
		pipelines = append(pipelines, p.System)
	}
	if got, want := strings.Join(tasks, ", "), "make build 4, make test 4, make dev 8, task lint 3, task up 4, just serve 3, npm b 4, npm start 3"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := fmt.Sprint(s.Starts, s.Tools, pipelines); got != "[.devcontainer/devcontainer.json compose.yaml] [.editorconfig] [circleci github gitlab jenkins]" {
		t.Error(got)
	}
	for _, tc := range []struct{ without, want string }{
		{"", "devcontainer up .devcontainer/devcontainer.json"},
		{".devcontainer/devcontainer.json", "docker compose up compose.yaml"},
		{"compose.yaml", "make dev Makefile:8"},
		{"Makefile", "task up Taskfile.yml:4"},
		{"Taskfile.yml", "just serve justfile:3"},
		{"justfile", "npm run start package.json:3"},
		{"package.json", " "},
	} {
		delete(files, tc.without)
		s := read(t, ".", files)
		command, at := s.Command()
		if got := command + " " + at.String(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
	nested := read(t, "sub", files)
	if command, _ := nested.Command(); command != "docker compose -f sub/compose.yaml up" {
		t.Error(command)
	}
	sub := read(t, "sub", files)
	if got := fmt.Sprint(sub.Starts, sub.Tools, sub.Tasks); got != "[sub/compose.yaml] [sub/.editorconfig] []" {
		t.Error(got)
	}
	broken := read(t, ".", map[string]string{"package.json": "{", "Taskfile.yml": "a: [", "Makefile": "\x00", "compose.yaml": ""})
	if len(broken.Unreadable) != 3 || len(broken.Starts) != 1 {
		t.Errorf("%+v", broken)
	}
}

func FuzzReadEnvironment(f *testing.F) {
	f.Add("a b: c\n")
	f.Add("tasks: {a: b}")
	f.Add(`{"scripts": {"a": "b"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		s := read(t, ".", map[string]string{"Makefile": text, "Taskfile.yml": text, "justfile": text, "package.json": text})
		s.Command()
	})
}

// TestPipelineParts checks that the text that is looked for first is in every name that the pattern matches.
func TestPipelineParts(t *testing.T) {
	for _, p := range pipelines {
		if pattern := strings.ReplaceAll(p.file.String(), `\`, ""); p.part == "" || !strings.Contains(pattern, p.part) {
			t.Errorf("%s: %q is not in %s", p.system, p.part, p.file)
		}
	}
}
