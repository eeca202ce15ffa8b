package edits

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/dependency"
	"github.com/dxctl/dxctl/repository/environment"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/owners"
)

type ownersRule = owners.Rule

// updateDependencies adds entries of Dependabot for the ecosystems that nothing updates.
func updateDependencies(e *editor) {
	missing := named.Outdated(e.Facts)
	if len(missing) == 0 {
		return
	}
	if r := e.Facts.Dependencies.Renovate; r.Value != nil || !r.Known {
		e.ask(missing[0].Path, 0, "let Renovate update %s here: its configuration leaves it out", missing[0].Ecosystem)
		return
	}
	if d := e.Facts.Dependencies.Dependabot; !d.Known {
		e.ask(d.At.Path, d.At.Line, "correct the configuration of Dependabot: %s", d.Reason)
		return
	}
	if e.Facts.GitLab.Value != nil && len(e.Facts.Workflows.Workflows) == 0 {
		e.ask("", 0, "configure Renovate: the host is GitLab, which has no Dependabot")
		return
	}
	dirs := map[dependency.Ecosystem][]string{}
	for _, m := range missing {
		dir := "/"
		if m.Ecosystem != "github-actions" {
			dir = path.Join("/", path.Dir(m.Path))
		}
		if !slices.Contains(dirs[m.Ecosystem], dir) {
			dirs[m.Ecosystem] = append(dirs[m.Ecosystem], dir)
		}
	}
	var updates splice.List
	for _, ecosystem := range slices.Sorted(maps.Keys(dirs)) {
		entry := splice.Map{{Key: "package-ecosystem", Value: string(ecosystem)}}
		slices.Sort(dirs[ecosystem])
		if len(dirs[ecosystem]) == 1 {
			entry = append(entry, splice.Pair{Key: "directory", Value: dirs[ecosystem][0]})
		} else {
			var all splice.List
			for _, dir := range dirs[ecosystem] {
				all = append(all, dir)
			}
			entry = append(entry, splice.Pair{Key: "directories", Value: all})
		}
		updates = append(updates, append(entry, splice.Pair{
			Key: "schedule", Value: splice.Map{{Key: "interval", Value: e.text("interval", "weekly")}},
		}))
	}
	if d := e.Facts.Dependencies.Dependabot.Value; d != nil {
		e.yaml(d.Path, func(f *splice.File) error {
			if len(f.Docs) == 0 || f.Docs[0] == nil {
				return nil
			}
			list := splice.Field(f.Docs[0], "updates")
			if list == nil {
				return f.Insert(f.Docs[0], "", "updates", updates)
			}
			for _, update := range updates {
				if err := f.Append(list, update); err != nil {
					return err
				}
			}
			return nil
		})
		return
	}
	f, err := splice.Parse([]byte("version: 2\n"))
	if err == nil {
		err = f.Insert(f.Docs[0], "", "updates", updates)
	}
	var content []byte
	if err == nil {
		content, err = f.Bytes()
	}
	if err != nil {
		e.ask("", 0, "configure Dependabot in .github/dependabot.yml: %v", err)
		return
	}
	e.put(".github/dependabot.yml", content)
}

// chore is what AGENTS.md says how to do.
type chore struct {
	name, title string
	tasks       *regexp.Regexp // names of tasks that do it
	commands    map[string]string
}

// chores have for each language the command that needs no configuration. Where a language has several, none is guessed.
var chores = []chore{
	{"build", "Build", regexp.MustCompile(`^(build|compile|install)$`), map[string]string{
		"gomod": "go build ./...", "cargo": "cargo build", "maven": "mvn package", "gradle": "./gradlew build",
		"npm": "npm install",
	}},
	{"test", "Test", regexp.MustCompile(`^(test|tests|check|unit)$`), map[string]string{
		"gomod": "go test ./...", "cargo": "cargo test", "maven": "mvn test", "gradle": "./gradlew test",
	}},
	{"style", "Style", regexp.MustCompile(`^(lint|fmt|format|style|vet)$`), map[string]string{
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
		command := e.command(c)
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

// command returns how a chore is done: a task of the repository, else what the ecosystem offers.
func (e *editor) command(c chore) string {
	i := slices.IndexFunc(e.Facts.Environment.Tasks, func(t environment.Task) bool { return c.tasks.MatchString(t.Name) })
	if i >= 0 {
		t := e.Facts.Environment.Tasks[i]
		if t.Runner == "npm" {
			return "npm run " + t.Name
		}
		return t.Runner + " " + t.Name
	}
	for _, m := range e.Facts.Dependencies.Manifests {
		if command := c.commands[string(m.Ecosystem)]; command != "" && path.Dir(m.Path) == path.Clean(e.Dir) {
			if m.Ecosystem == "gradle" && !e.exists(path.Join(e.Dir, "gradlew")) {
				continue
			}
			return command
		}
	}
	return ""
}

const pullRequestTemplate = `## What and why

<!-- What changes for users, and why now. Link the issue. -->

## How it was tested

<!-- Commands and what you saw. -->

## Risk

<!-- What could go wrong, how it would be noticed, and how to go back. -->
`

// prepareEnvironment adds a template of pull requests.
func prepareEnvironment(e *editor) {
	if t := e.Facts.Documents.PullRequestTemplate; t.Known && t.Value == "" {
		e.put(".github/pull_request_template.md", []byte(pullRequestTemplate))
	}
	if command, _ := e.Facts.Environment.Command(); command == "" {
		e.ask("", 0, "add what starts a development environment with one command: a dev container, a Compose file, or a "+
			"task named dev; the golden path has none")
	}
}

// writePolicy writes a security policy that leads to a private way to report.
func writePolicy(e *editor) {
	policy, known := e.Facts.Documents.Security.Get()
	slug, contact := e.Entity.Annotations["github.com/project-slug"], e.text("contact", "")
	way := ""
	switch {
	case contact != "":
		way = "Write to " + contact + "."
	case slug != "":
		way = "Open a private report at https://github.com/" + slug + "/security/advisories/new."
	}
	switch {
	case !known:
		e.ask(e.Facts.Documents.Security.At.Path, 0, "check the security policy: %s", e.Facts.Documents.Security.Reason)
	case policy != nil && policy.Private.Value != "":
	case policy != nil:
		e.ask(e.Facts.Documents.Security.At.Path, 0, "name a private way to report vulnerabilities in the security policy")
	case way == "":
		e.ask("", 0, "write SECURITY.md with a private way to report vulnerabilities: neither the golden path nor the "+
			"descriptor names one")
	default:
		if contact == "" {
			e.ask("SECURITY.md", 0, "turn on private vulnerability reporting in the settings of the repository, to which the "+
				"policy leads")
		}
		e.put("SECURITY.md", []byte("# Security policy\n\nPlease do not report vulnerabilities in public issues.\n\n"+way+
			"\nSay what you found, how to reproduce it, and which version you used.\n"))
	}
}

// addLicense leaves the choice of a license to a person, unless the golden path has its file.
func addLicense(e *editor) {
	license, known := e.Facts.Documents.License.Get()
	switch {
	case !known:
		e.ask(e.Facts.Documents.License.At.Path, 0, "check the license: %s", e.Facts.Documents.License.Reason)
	case license == nil:
		if text := e.text("text", ""); text != "" {
			e.put("LICENSE", []byte(strings.TrimRight(text, "\n")+"\n"))
			return
		}
		e.ask("", 0, "choose a license and add its text as LICENSE, or write that all rights are reserved; the golden path "+
			"has none")
	case license.ID == "" && !license.Proprietary:
		e.ask(license.Path, 0, "say which license it is: its text is none that is recognized")
	}
}
