// Package dependency reads what a repository depends on: manifests and lock files of each ecosystem, and whether
// Dependabot or Renovate keeps them up to date.
package dependency

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

// Ecosystem is a package manager or another source of dependencies, under the name that Dependabot uses.
type Ecosystem string

// ecosystem describes how an ecosystem is recognized.
type ecosystem struct {
	name      Ecosystem
	manifests []string // patterns of base names
	locks     []string // base names; none: the ecosystem has no lock file, or one is not customary
	renovate  []string // names of Renovate's managers
}

// ecosystems lists what is recognized. The first ecosystem whose pattern matches a file has it.
var ecosystems = []ecosystem{
	{"gomod", []string{"go.mod"}, []string{"go.sum"}, []string{"gomod"}},
	{
		"npm", []string{"package.json"},
		[]string{"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"},
		[]string{"npm", "bun"},
	},
	{"deno", []string{"deno.json", "deno.jsonc"}, []string{"deno.lock"}, []string{"deno"}},
	{"cargo", []string{"Cargo.toml"}, []string{"Cargo.lock"}, []string{"cargo"}},
	{
		"pip", []string{"pyproject.toml", "Pipfile", "requirements*.txt", "requirements*.in", "setup.py", "setup.cfg"},
		[]string{"poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock", "pylock.toml", "pixi.lock", "conda-lock.yml"},
		[]string{"pip_requirements", "pip-compile", "pipenv", "poetry", "pep621", "pip_setup", "setup-cfg"},
	},
	{"bundler", []string{"Gemfile", "gems.rb"}, []string{"Gemfile.lock", "gems.locked"}, []string{"bundler"}},
	{"composer", []string{"composer.json"}, []string{"composer.lock"}, []string{"composer"}},
	{"mix", []string{"mix.exs"}, []string{"mix.lock"}, []string{"mix"}},
	{"pub", []string{"pubspec.yaml"}, []string{"pubspec.lock"}, []string{"pub"}},
	{"swift", []string{"Package.swift"}, []string{"Package.resolved"}, []string{"swift"}},
	{"terraform", []string{"versions.tf", "main.tf", "terraform.tf", "providers.tf"}, nil, []string{"terraform"}},
	{"maven", []string{"pom.xml"}, nil, []string{"maven"}},
	{
		"gradle", []string{"build.gradle", "build.gradle.kts", "libs.versions.toml"}, nil,
		[]string{"gradle", "gradle-wrapper"},
	},
	{
		"nuget", []string{"*.csproj", "*.fsproj", "*.vbproj", "packages.config", "Directory.Packages.props"}, nil,
		[]string{"nuget"},
	},
	{"sbt", []string{"build.sbt"}, nil, []string{"sbt"}},
	{"helm", []string{"Chart.yaml"}, nil, []string{"helmv3"}},
	{"gitsubmodule", []string{".gitmodules"}, nil, []string{"git-submodules"}},
	{"docker-compose", []string{"docker-compose*.y*ml", "compose.y*ml"}, nil, []string{"docker-compose"}},
	{"devcontainers", []string{"devcontainer.json", ".devcontainer.json"}, nil, []string{"devcontainer"}},
	{"docker", []string{
		"Dockerfile", "Dockerfile.*", "*.Dockerfile", "Containerfile", "dockerfile", "dockerfile.*", "*.dockerfile",
		"containerfile",
	}, nil, []string{"dockerfile"}},
	{"github-actions", nil, nil, []string{"github-actions"}},
}

// Manifest is a file that names dependencies.
type Manifest struct {
	Path      string
	Ecosystem Ecosystem
	// Lock is the lock file that belongs to the manifest, in its directory or one above; "" if there is none.
	Lock fact.Value[string]
	// Depends is whether the manifest names dependencies, so that there is something to update.
	Depends fact.Value[bool]
	// NeedsLock is whether a lock file is expected: the ecosystem has them, and the manifest names dependencies.
	NeedsLock fact.Value[bool]
}

// Set is what a repository has of dependencies.
type Set struct {
	Manifests  []Manifest
	Dependabot fact.Value[*Dependabot] // nil: there is none
	Renovate   fact.Value[*Renovate]   // nil: there is none
}

// Ecosystems returns the ecosystems of the manifests, each once.
func (s *Set) Ecosystems() []Ecosystem {
	var all []Ecosystem
	for _, m := range s.Manifests {
		if !slices.Contains(all, m.Ecosystem) {
			all = append(all, m.Ecosystem)
		}
	}
	return all
}

// Of returns the ecosystem of a file by its name; "" if it is no manifest.
func Of(name string) Ecosystem {
	if dir := path.Dir(name); dir == ".github/workflows" && strings.Contains(path.Ext(name), "ml") {
		return "github-actions"
	}
	base := path.Base(name)
	if strings.HasSuffix(base, ".dockerignore") || tree.Template(base) && !strings.HasPrefix(base, "requirements") {
		return "" // requirements.in is what pip-compile reads
	}
	if name, ok := byName[base]; ok {
		return name
	}
	for _, p := range byPattern {
		if !strings.Contains(base, p.part) {
			continue
		}
		if ok, err := path.Match(p.pattern, base); ok && err == nil {
			return p.name
		}
	}
	return ""
}

// manifestPattern is a name of manifests with wildcards.
type manifestPattern struct {
	pattern string
	part    string // the longest text between wildcards, looked for first because that is faster
	name    Ecosystem
}

// byName and byPattern are the manifests of the ecosystems. Every file of a repository is looked up, so that few
// patterns are matched.
var byName, byPattern = func() (map[string]Ecosystem, []manifestPattern) {
	names, patterns := map[string]Ecosystem{}, []manifestPattern{}
	for _, e := range ecosystems {
		for _, m := range e.manifests {
			if strings.Contains(m, "*") {
				parts := strings.Split(m, "*")
				longest := slices.MaxFunc(parts, func(a, b string) int { return len(a) - len(b) })
				patterns = append(patterns, manifestPattern{m, longest, e.name})
			} else {
				names[m] = e.name
			}
		}
	}
	return names, patterns
}()

// Read reads the manifests of a repository, except those of vendored code, tests and examples, and the configuration
// of the programs that update them.
func Read(t *tree.Tree) Set {
	s := Set{Dependabot: readDependabot(t), Renovate: readRenovate(t)}
	actions := false
	for _, f := range t.Files {
		name := Of(f.Path)
		if name == "" || f.Link || !t.Own(f.Path) {
			continue
		}
		if name == "github-actions" {
			if actions {
				continue // all workflows are one manifest
			}
			actions = true
		}
		m := Manifest{Path: f.Path, Ecosystem: name}
		m.Lock = lockOf(t, m)
		m.Depends, m.NeedsLock = needs(t, f, m)
		s.Manifests = append(s.Manifests, m)
	}
	return s
}

// lockOf looks for a lock file in the directory of the manifest and above, because workspaces have one at their root.
func lockOf(t *tree.Tree, m Manifest) fact.Value[string] {
	var names []string
	for _, e := range ecosystems {
		if e.name == m.Ecosystem {
			names = e.locks
		}
	}
	for dir := path.Dir(m.Path); len(names) > 0; dir = path.Dir(dir) {
		for _, name := range names {
			if f, ok := t.File(path.Join(dir, name)); ok {
				return fact.Known(f.Path, fact.Location{Path: f.Path})
			}
		}
		if dir == "." || m.Ecosystem == "gomod" {
			break
		}
	}
	if stem, found := strings.CutSuffix(m.Path, ".in"); found && m.Ecosystem == "pip" {
		if f, ok := t.File(stem + ".txt"); ok { // that pip-compile writes
			return fact.Known(f.Path, fact.Location{Path: f.Path})
		}
	}
	absent := tree.Absent(t, "")
	if absent.Known {
		absent.At.Path = m.Path
	}
	return absent
}

var (
	requireLine = regexp.MustCompile(`(?m)^\s*require\b|^\s+\S+ v\d`)
	cargoDeps   = regexp.MustCompile(`(?m)^\s*\[(target\..+\.)?(dev-|build-)?dependencies`)
	chartDeps   = regexp.MustCompile(`(?m)^dependencies:[ \t]*(#.*)?$`)
	requirement = regexp.MustCompile(`(?m)^\s*[^#\s]`)
	gemLine     = regexp.MustCompile(`(?m)^\s*(gem|gemspec)\b`)
	pinned      = regexp.MustCompile(`^([\w.\[\],-]+\s*===?\s*[^*]+|-.*|\S+ @ \S+|https?://.*)$`)
)

// needs returns whether a manifest names dependencies, and whether a lock file is expected next to it. A requirements
// file whose every line is pinned is its own lock file.
func needs(t *tree.Tree, f tree.File, m Manifest) (depends, lock fact.Value[bool]) {
	at := fact.Location{Path: f.Path}
	switch m.Ecosystem {
	case "gomod", "npm", "cargo", "pip", "bundler", "composer", "mix", "pub", "deno", "helm":
	default:
		return fact.Known(true, at), fact.Known(false, at)
	}
	text, err := t.Text(f)
	if err == nil {
		var some, locked bool
		if some, locked, err = inspect(f, m, text); err == nil {
			return fact.Known(some, at), fact.Known(locked, at)
		}
	}
	unknown := fact.Unknown[bool](at, "%v", err)
	return unknown, unknown
}

// inspect reads the text of a manifest for needs.
func inspect(f tree.File, m Manifest, text string) (depends, lock bool, err error) {
	depends = true
	switch {
	case m.Ecosystem == "helm":
		return chartDeps.MatchString(text), false, nil
	case m.Ecosystem == "gomod":
		depends = requireLine.MatchString(text)
	case m.Ecosystem == "cargo":
		depends = cargoDeps.MatchString(text)
	case m.Ecosystem == "bundler":
		depends = gemLine.MatchString(text)
	case m.Ecosystem == "npm", m.Ecosystem == "composer":
		var p map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return false, false, fmt.Errorf("%s is not valid JSON: %w", f.Path, err)
		}
		depends = false
		for _, key := range []string{"dependencies", "devDependencies", "optionalDependencies", "require", "require-dev"} {
			var deps map[string]any
			depends = depends || p[key] != nil && json.Unmarshal(p[key], &deps) == nil && len(deps) > 0
		}
	case strings.HasPrefix(f.Base(), "requirements") && path.Ext(f.Path) == ".txt":
		return requirement.MatchString(text), !allPinned(text), nil
	case f.Base() == "pyproject.toml":
		depends = tomlHas(text, "project", "dependencies") || tomlHas(text, "tool.poetry.dependencies", "")
	case f.Base() == "setup.py", f.Base() == "setup.cfg":
		// of a library, whose user chooses the versions
		return strings.Contains(text, "install_requires"), false, nil
	}
	return depends, depends, nil
}

func allPinned(text string) bool {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line, _, _ = strings.Cut(line, " #")
		line, _, _ = strings.Cut(line, ";")
		line, _, _ = strings.Cut(line, " --hash")
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && !pinned.MatchString(line) {
			return false
		}
	}
	return true
}

// tomlHas reports whether a TOML text has a table, and in it a key that is not an empty list. A key of "" is any.
func tomlHas(text, table, key string) bool {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "[[") {
			inside = strings.HasPrefix(line, "["+table+"]")
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); inside && found && (key == "" && name != "python" || name == key) {
			return strings.TrimSpace(value) != "[]"
		}
	}
	return false
}
