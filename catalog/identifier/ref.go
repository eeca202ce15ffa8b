// Package identifier reads the names by which people and programs refer to things: entity refs, and the repositories,
// jobs, projects, applications and services that annotations name. It depends on nothing else of the catalog.
package identifier

import (
	"fmt"
	"strings"
)

// Ref names an entity. All parts are in lower case, because refs are compared without regard to case.
type Ref struct {
	Kind      string
	Namespace string
	Name      string
}

// String returns kind:namespace/name.
func (r Ref) String() string { return r.Kind + ":" + r.Namespace + "/" + r.Name }

// Short returns the name, with the namespace before it unless that is "default".
func (r Ref) Short() string {
	if r.Namespace == DefaultNamespace {
		return r.Name
	}
	return r.Namespace + "/" + r.Name
}

// DefaultNamespace is the namespace of a ref that names none.
const DefaultNamespace = "default"

// ParseRef reads [kind:][namespace/]name. An absent kind or namespace is taken from the defaults; it is an error when
// the kind is absent and there is no default. An empty namespace means "default".
func ParseRef(s, kind, namespace string) (Ref, error) {
	rest := strings.ToLower(strings.TrimSpace(s))
	ref := Ref{Kind: strings.ToLower(kind), Namespace: strings.ToLower(namespace)}
	if ref.Namespace == "" {
		ref.Namespace = DefaultNamespace
	}
	if before, after, found := strings.Cut(rest, ":"); found {
		ref.Kind, rest = before, after
		if before == "" {
			return Ref{}, fmt.Errorf("entity ref %q: nothing before the colon; write kind:namespace/name", s)
		}
	}
	if before, after, found := strings.Cut(rest, "/"); found {
		ref.Namespace, rest = before, after
		if before == "" {
			return Ref{}, fmt.Errorf("entity ref %q: nothing before the slash; write kind:namespace/name", s)
		}
	}
	ref.Name = rest
	switch {
	case ref.Name == "":
		return Ref{}, fmt.Errorf("entity ref %q: it has no name; write kind:namespace/name", s)
	case ref.Kind == "":
		return Ref{}, fmt.Errorf("entity ref %q: it has no kind; write kind:namespace/name", s)
	case strings.ContainsAny(ref.Name, ":/ \t\n") || strings.ContainsAny(ref.Kind+ref.Namespace, "/ \t\n"):
		return Ref{}, fmt.Errorf("entity ref %q: more colons, slashes or spaces than kind:namespace/name has", s)
	}
	return ref, nil
}
