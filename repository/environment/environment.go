// Package environment reads how a repository is developed: what starts a development environment, the tasks that can
// be run, and the files that configure tools.
package environment

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/dependency"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// Task is a command that the repository defines.
type Task struct {
	Name   string
	Runner string // "make", "task", "just", "npm"
	At     fact.Location
}

// Set is what a repository has for development.
type Set struct {
	// Starts are the files that start a development environment with one command: a dev container, Compose, Nix …
	Starts []fact.Location
	Tasks  []Task
	// Tools are configuration files of editors, linters and version managers: ".editorconfig", ".dockerignore" …
	Tools []fact.Location
	// Pipelines are the configuration files of CI systems, GitHub's workflows included.
	Pipelines  []Pipeline
	Unreadable []fact.Problem
}

// Pipeline is a configuration file of a CI system.
type Pipeline struct {
	System string // "github", "gitlab", "jenkins", "circleci" …
	At     fact.Location
}

var starts = regexp.MustCompile(`^(\.devcontainer\.json|\.devcontainer/(.*/)?devcontainer\.json|` +
	`(docker-)?compose(\.[\w.-]+)?\.ya?ml|` +
	`flake\.nix|shell\.nix|devbox\.json|devenv\.nix|\.gitpod\.yml|devfile\.yaml|\.devfile\.yaml|` +
	`Vagrantfile|Tiltfile|skaffold\.yaml|([\w.-]+/)*[\w.-]*AppHost\.csproj|` +
	`garden\.ya?ml|project\.garden\.ya?ml|docker/(docker-)?compose\.ya?ml|\.idx/dev\.nix|(bin|script|` +
	`scripts)/(setup|bootstrap|dev|server))$`)

// startExts are the extensions of the files of starts. Most files of a repository have another one.
var startExts = []string{"", ".json", ".yml", ".yaml", ".nix", ".csproj"}

var tools = []string{
	".editorconfig", ".dockerignore", ".gitignore", ".gitattributes", ".pre-commit-config.yaml",
	".tool-versions", "mise.toml", ".mise.toml", ".nvmrc", ".node-version", ".python-version", ".ruby-version",
	".java-version", ".sdkmanrc", "rust-toolchain.toml", "rust-toolchain", ".envrc", ".golangci.yml",
	".golangci.yaml", ".golangci.toml", "lefthook.yml", ".prettierrc", "biome.json", ".hadolint.yaml",
	".yamllint", ".yamllint.yaml", "eslint.config.js", "eslint.config.mjs", ".eslintrc.json", ".eslintrc.js",
	".eslintrc", "ruff.toml", ".ruff.toml", ".flake8", "mypy.ini", "rustfmt.toml", "clippy.toml", ".rubocop.yml",
	"phpstan.neon", "checkstyle.xml", ".env.example", "sonar-project.properties", "codecov.yml", ".codecov.yml",
	"mkdocs.yml", ".goreleaser.yml", ".goreleaser.yaml",
}

var pipelines = []struct {
	system string
	part   string // of the names, looked for first because that is faster
	file   *regexp.Regexp
}{
	{"github", ".github/workflows/", regexp.MustCompile(`^\.github/workflows/[^/]+\.ya?ml$`)},
	{"gitlab", ".gitlab-ci.", regexp.MustCompile(`^\.gitlab-ci\.ya?ml$`)},
	{"jenkins", "Jenkinsfile", regexp.MustCompile(`^([\w-]+/)?Jenkinsfile(\.[\w-]+)?$`)},
	{"circleci", ".circleci/", regexp.MustCompile(`^\.circleci/config\.ya?ml$`)},
	{"azure", "azure-pipeline", regexp.MustCompile(`^\.?azure-pipelines?(\.[\w-]+)?\.ya?ml$`)},
	{"buildkite", ".buildkite/", regexp.MustCompile(`^\.buildkite/pipeline\.ya?ml$`)},
	{"drone", ".drone.", regexp.MustCompile(`^\.drone\.(ya?ml|star|jsonnet)$`)},
	{"woodpecker", ".woodpecker", regexp.MustCompile(`^\.woodpecker(/[^/]+)?\.ya?ml$`)},
	{"travis", ".travis.", regexp.MustCompile(`^\.travis\.ya?ml$`)},
	{"tekton", ".tekton/", regexp.MustCompile(`^\.tekton/[^/]+\.ya?ml$`)},
	{"bitbucket", "bitbucket-pipelines.", regexp.MustCompile(`^bitbucket-pipelines\.ya?ml$`)},
	{"appveyor", "appveyor.", regexp.MustCompile(`^\.?appveyor\.ya?ml$`)},
	{"cirrus", ".cirrus.", regexp.MustCompile(`^\.cirrus\.(ya?ml|star)$`)},
	{"cloudbuild", "cloudbuild.", regexp.MustCompile(`^cloudbuild\.(ya?ml|json)$`)},
	{"forgejo", "/workflows/", regexp.MustCompile(`^\.(forgejo|gitea)/workflows/[^/]+\.ya?ml$`)},
	{"prow", ".prow", regexp.MustCompile(`^\.prow(\.yaml|/[^/]+\.ya?ml)$`)},
	{"prow", "OWNERS", regexp.MustCompile(`^OWNERS(_ALIASES)?$`)}, // its jobs are often in another repository
}

// Read reads the development files of a directory; "." is the root.
func Read(t *tree.Tree, dir string) Set {
	var s Set
	for _, f := range t.Files {
		name, ok := strings.CutPrefix(f.Path, dir+"/")
		if dir == "." {
			name, ok = f.Path, true
		}
		if !ok {
			continue
		}
		at := fact.Location{Path: f.Path}
		if slices.Contains(startExts, path.Ext(name)) && starts.MatchString(name) {
			s.Starts = append(s.Starts, at)
		}
		if slices.Contains(tools, name) {
			s.Tools = append(s.Tools, at)
		}
		for _, p := range pipelines {
			if strings.Contains(name, p.part) && p.file.MatchString(name) {
				s.Pipelines = append(s.Pipelines, Pipeline{p.system, at})
			}
		}
		runner, parse := taskFile(name)
		if parse == nil || f.Link {
			continue
		}
		err := fact.Contain(func() error {
			text, err := t.Text(f)
			if err != nil {
				return err
			}
			tasks, err := parse(text)
			for _, task := range tasks {
				s.Tasks = append(s.Tasks, Task{task.name, runner, fact.Location{Path: f.Path, Line: task.line}})
			}
			return err
		})
		if err != nil {
			s.Unreadable = append(s.Unreadable, fact.Problem{At: at, Reason: err.Error()})
		}
	}
	return s
}

type task struct {
	name string
	line int
}

func taskFile(name string) (runner string, parse func(text string) ([]task, error)) {
	switch name {
	case "Makefile", "makefile", "GNUmakefile":
		return "make", targets
	case "Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml", "Taskfile.dist.yml", "Taskfile.dist.yaml":
		return "task", taskfile
	case "justfile", "Justfile", ".justfile":
		return "just", recipes
	case "package.json":
		return "npm", scripts
	}
	return "", nil
}

var (
	target = regexp.MustCompile(`^([A-Za-z0-9][\w./ -]*?)\s*::?([^=:]|$)`)
	recipe = regexp.MustCompile(`^@?([a-zA-Z_][\w-]*)(\s[^:]*)?:([^=]|$)`)
)

// targets returns the targets of a Makefile. Patterns, special targets and those with variables are left out.
func targets(text string) ([]task, error) {
	var all []task
	seen := map[string]bool{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		m := target.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		for _, name := range strings.Fields(m[1]) {
			if !seen[name] {
				seen[name] = true
				all = append(all, task{name, number})
			}
		}
	}
	return all, nil
}

func recipes(text string) ([]task, error) {
	var all []task
	number := 0
	for line := range strings.Lines(text) {
		number++
		if m := recipe.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil && m[1] != "set" && m[1] != "export" {
			all = append(all, task{m[1], number})
		}
	}
	return all, nil
}

func taskfile(text string) ([]task, error) {
	root, err := yamlfile.One(text)
	if err != nil {
		return nil, err
	}
	var all []task
	for _, p := range yamlfile.Pairs(yamlfile.Get(root, "tasks")) {
		all = append(all, task{p.Key, p.Line})
	}
	return all, nil
}

func scripts(text string) ([]task, error) {
	value, err := dependency.ParseJSON5(text)
	if err != nil {
		return nil, err
	}
	object, _ := value.(map[string]any)
	commands, _ := object["scripts"].(map[string]any)
	var all []task
	for name := range commands {
		line := 0
		if i := strings.Index(text, `"`+name+`"`); i >= 0 {
			line = fact.Line(text, i)
		}
		all = append(all, task{name, line})
	}
	slices.SortFunc(all, func(a, b task) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// HasTool returns the location of a configuration file by its name; ok is false if there is none.
func (s *Set) HasTool(name string) (at fact.Location, ok bool) {
	for _, at := range s.Tools {
		if path.Base(at.Path) == name {
			return at, true
		}
	}
	return fact.Location{}, false
}
