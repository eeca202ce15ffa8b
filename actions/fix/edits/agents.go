package edits

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/dependency"
	"github.com/dxctl/dxctl/repository/environment"
)

// chore is what AGENTS.md says how to do.
type chore struct {
	name, title string
	tasks       []string          // names of tasks that do it, the likeliest first
	commands    map[string]string // by ecosystem
}

// chores have for each ecosystem the command that needs no configuration. Where an ecosystem has several, none is
// guessed.
var chores = []chore{
	{"build", "Build", []string{"build", "compile"}, map[string]string{
		"gomod": "go build ./...", "cargo": "cargo build", "maven": "mvn package", "gradle": "./gradlew build",
	}},
	{"test", "Test", []string{"test", "tests", "unit", "check"}, map[string]string{
		"gomod": "go test ./...", "cargo": "cargo test", "maven": "mvn test", "gradle": "./gradlew test",
	}},
	{"style", "Style", []string{"lint", "format", "fmt", "style", "vet"}, map[string]string{
		"gomod": "go vet ./...", "cargo": "cargo clippy",
	}},
}

// describeForAgents writes the commands of the repository into AGENTS.md.
func describeForAgents(e *editor) {
	for _, a := range e.Facts.Documents.Agents {
		if base := path.Base(a.Path); base != "AGENTS.md" && base != "AGENT.md" && a.Target == "" {
			e.ask(a.Path, 0, "move the instructions to AGENTS.md, which every agent reads, and let %s lead to it", base)
			return
		}
	}
	name := path.Join(e.Dir, "AGENTS.md")
	content, exists := e.content(name)
	if !exists && len(e.Facts.Documents.Agents) > 0 {
		content, exists = e.content("AGENTS.md")
		name = "AGENTS.md"
	}
	var b strings.Builder
	missing := 0
	for _, c := range chores {
		if exists && regexp.MustCompile(`(?im)^#+ .*\b`+c.name).Match(content) {
			continue
		}
		command := e.task(c)
		if command == "" && exists {
			// Who wrote the file knows the command, and may have left it out on purpose or told it elsewhere.
			e.ask(name, 0, "add the command for %s to AGENTS.md; no task of the repository has its name", c.name)
			missing++
			continue
		}
		if command == "" {
			command = e.usual(c)
		}
		if command == "" {
			e.ask(name, 0, "add the command for %s to AGENTS.md; no file shows it", c.name)
			missing++
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n```sh\n%s\n```\n", c.title, command)
	}
	if b.Len() == 0 || !exists && missing > 1 {
		return
	}
	if exists {
		text := string(content)
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		added := b.String()
		if strings.Contains(text, "\r\n") {
			added = strings.ReplaceAll(added, "\n", "\r\n")
		}
		e.put(name, []byte(text+added))
		return
	}
	e.put(name, []byte("# "+cmp.Or(e.Entity.Title, e.Entity.Name)+"\n"+b.String()))
}

// task returns the command that starts a task of the repository for a chore; "" if there is none.
func (e *editor) task(c chore) string {
	for _, name := range c.tasks {
		i := slices.IndexFunc(e.Facts.Environment.Tasks, func(t environment.Task) bool { return t.Name == name })
		if i < 0 {
			continue
		}
		if t := e.Facts.Environment.Tasks[i]; t.Runner != "npm" {
			return t.Runner + " " + t.Name
		}
		return e.packageManager() + " run " + name
	}
	return ""
}

// usual returns how the ecosystems of the service do a chore without any configuration, a line for each; "" if one does
// it in several ways.
func (e *editor) usual(c chore) string {
	var found []string
	packages := false
	for _, m := range e.Facts.Dependencies.Manifests {
		if path.Dir(m.Path) != path.Clean(e.Dir) {
			continue
		}
		packages = packages || m.Ecosystem == "npm"
		command := e.wrapper(m.Ecosystem, c.commands[string(m.Ecosystem)])
		if command != "" && !slices.Contains(found, command) {
			found = append(found, command)
		}
	}
	if len(found) == 0 && packages && c.name == "build" {
		return e.packageManager() + " install"
	}
	return strings.Join(found, "\n")
}

// wrapper returns a command with the wrapper of Maven or Gradle that the directory has. Gradle without a wrapper may be
// any version, so its command is "".
func (e *editor) wrapper(ecosystem dependency.Ecosystem, command string) string {
	switch {
	case ecosystem == "gradle" && !e.exists(path.Join(e.Dir, "gradlew")):
		return ""
	case ecosystem == "maven" && command != "" && e.exists(path.Join(e.Dir, "mvnw")):
		return "./mvnw" + strings.TrimPrefix(command, "mvn")
	}
	return command
}

// packageManagers are those of Node.js, by their lock files.
var packageManagers = []struct{ lock, name string }{
	{"pnpm-lock.yaml", "pnpm"}, {"yarn.lock", "yarn"}, {"bun.lock", "bun"}, {"bun.lockb", "bun"},
	{"package-lock.json", "npm"},
}

// declaredManager finds the package manager that a package.json declares.
var declaredManager = regexp.MustCompile(`"packageManager"\s*:\s*"(npm|pnpm|yarn|bun)@`)

// packageManager returns what installs the packages of the service's package.json and runs its scripts.
func (e *editor) packageManager() string {
	for dir := path.Clean(e.Dir); ; dir = path.Dir(dir) {
		if content, ok := e.content(path.Join(dir, "package.json")); ok {
			if declared := declaredManager.FindSubmatch(content); declared != nil {
				return string(declared[1])
			}
		}
		for _, m := range packageManagers {
			if e.exists(path.Join(dir, m.lock)) {
				return m.name
			}
		}
		if dir == "." {
			return "npm"
		}
	}
}
