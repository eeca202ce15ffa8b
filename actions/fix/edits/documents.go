package edits

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/dependency"
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
	d := e.Facts.Dependencies.Dependabot.Value
	if d != nil {
		missing = e.unchosen(d, missing)
	}
	updates := e.updates(missing)
	if len(updates) == 0 {
		return
	}
	if d != nil {
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

// unchosen returns the manifests of ecosystems of which Dependabot has no entry. Of the others somebody chose what is
// updated, and how; and Dependabot refuses a configuration with two entries for a directory.
func (e *editor) unchosen(d *dependency.Dependabot, missing []dependency.Manifest) (rest []dependency.Manifest) {
	dirs := map[dependency.Ecosystem][]string{}
	for _, m := range missing {
		if i := slices.IndexFunc(d.Updates, func(u dependency.Update) bool { return u.Reads() == m.Ecosystem }); i < 0 {
			rest = append(rest, m)
		} else if dir := path.Join("/", path.Dir(m.Path)); !slices.Contains(dirs[m.Ecosystem], dir) {
			dirs[m.Ecosystem] = append(dirs[m.Ecosystem], dir)
		}
	}
	for _, ecosystem := range slices.Sorted(maps.Keys(dirs)) {
		var entry dependency.Update
		limited := false
		for i, u := range d.Updates {
			if u.Reads() == ecosystem && (entry.At.Line == 0 || u.Disabled) {
				entry, limited = d.Updates[i], u.Disabled
			}
		}
		all := dirs[ecosystem]
		where := strings.Join(all[:min(len(all), 5)], ", ")
		if len(all) > 5 {
			where += fmt.Sprintf(" and %d more", len(all)-5)
		}
		if limited {
			e.ask(d.Path, entry.At.Line, "decide whether Dependabot updates %s in %s to new versions: its entry allows "+
				"security updates only (open-pull-requests-limit: 0)", string(ecosystem), where)
			continue
		}
		e.ask(d.Path, entry.At.Line, "decide whether Dependabot updates %s in %s, too: somebody chose the directories that "+
			"it has", string(ecosystem), where)
	}
	return rest
}

// maxDirectories is how many directories an entry gets. Of more, some are seldom worth pull requests of their own.
const maxDirectories = 20

// updates are the entries of Dependabot for manifests that nothing updates.
func (e *editor) updates(missing []dependency.Manifest) splice.List {
	dirs := map[dependency.Ecosystem][]string{}
	for _, m := range missing {
		dir := "/"
		if m.Ecosystem != "github-actions" {
			dir = path.Join("/", path.Dir(m.Path))
			if root := m.Workspace(); e.exists(root) { // whose lock file changes with the packages of the workspace
				dir = path.Join("/", path.Dir(root))
			}
		}
		if !slices.Contains(dirs[m.Ecosystem], dir) {
			dirs[m.Ecosystem] = append(dirs[m.Ecosystem], dir)
		}
	}
	var updates splice.List
	for _, ecosystem := range slices.Sorted(maps.Keys(dirs)) {
		if ecosystem.Modular() { // the entry of a directory updates the modules below it, and two would do so twice
			all := dirs[ecosystem]
			dirs[ecosystem] = slices.DeleteFunc(slices.Clone(all), func(dir string) bool {
				return slices.ContainsFunc(all, func(other string) bool {
					return other != dir && (other == "/" || strings.HasPrefix(dir, other+"/"))
				})
			})
		}
		if n := len(dirs[ecosystem]); n > maxDirectories {
			e.ask(".github/dependabot.yml", 0, "choose the directories in which Dependabot updates %s: %d have manifests",
				string(ecosystem), n)
			continue
		}
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
	return updates
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
