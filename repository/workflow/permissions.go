package workflow

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// Permissions is what a workflow or a job declares for its token.
type Permissions struct {
	// Declared is whether there is a declaration. Without one, that of the workflow applies to a job, and the setting of
	// the repository to a workflow.
	Declared bool
	At       fact.Location     // of the declaration, or of the workflow or job that has none
	All      string            // "read-all" or "write-all"; "" if scopes are listed
	Scopes   map[string]string // "contents": "read"; a scope that is not listed is "none"
}

// Writes returns the scopes that may be written, sorted; "*" for write-all. It is empty if none is declared.
func (p Permissions) Writes() []string {
	if p.All == "write-all" {
		return []string{"*"}
	}
	scopes := maps.Clone(p.Scopes)
	maps.DeleteFunc(scopes, func(_, access string) bool { return access != "write" })
	return slices.Sorted(maps.Keys(scopes))
}

// Effective returns the permissions of a job: its own, else those of the workflow. Declared is false if neither
// declares any.
func (w *Workflow) Effective(j *Job) Permissions {
	if j.Permissions.Declared {
		return j.Permissions
	}
	return w.Permissions
}

func (r reader) permissions(n *yaml.Node) Permissions {
	key, value := yamlfile.Field(n, "permissions")
	if key == nil {
		return Permissions{At: r.at(yamlfile.Line(n))}
	}
	p := Permissions{Declared: true, At: r.at(key.Line), Scopes: map[string]string{}}
	switch text := yamlfile.Text(value); text {
	case "read-all", "write-all":
		p.All = text
	}
	for _, scope := range yamlfile.Pairs(value) {
		p.Scopes[scope.Key] = yamlfile.Text(scope.Value)
	}
	return p
}
