package fix

import (
	"fmt"
	"path"
	"strings"
)

// rootOnly reports whether a file has its meaning only at the root of a repository: hosts do not read it in the
// directory of a service.
func rootOnly(name string) bool {
	switch name {
	case "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS", ".gitlab-ci.yml", "renovate.json", "SECURITY.md",
		"docs/SECURITY.md":
		return true
	}
	return strings.HasPrefix(name, ".github/")
}

// atRoot returns what a person does so that a file that is read only at the root of the repository counts for the
// service in a directory. name is relative to the root, or to the directory of the service.
func (p *planner) atRoot(name string) string {
	name = strings.TrimPrefix(name, p.plan.Dir+"/")
	dir := "/" + p.plan.Dir
	switch base := path.Base(name); {
	case base == "CODEOWNERS":
		owner := p.answers()["code_owners"]
		if owner == "" {
			owner = "@organization/team"
		}
		if file := p.facts.Owners.Value; file != nil {
			name = file.Path
		}
		return fmt.Sprintf("it is read only at the root of the repository: add the line `%s/ %s` to %s there", dir, owner, name)
	case strings.HasPrefix(base, "dependabot."):
		return fmt.Sprintf("it is read only at the root of the repository: add an entry with `directory: %s` to %s there", dir,
			name)
	}
	return fmt.Sprintf("it is read only at the root of the repository, so that it would have no effect in %s: add it "+
		"there", p.plan.Dir)
}
