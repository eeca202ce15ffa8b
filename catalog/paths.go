package catalog

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/event"
)

// PathBinding binds a directory of a repository to a component. A component may have several, and a
// directory may belong to several components.
type PathBinding struct {
	Provider string
	Scope    string // the repository, in lower case
	Path     string // of the directory or file from the repository's root, with slashes, none at the ends
	Service  string // entity ref
}

const sourcePathsAnnotation = "dxctl.dev/source-paths"

// Paths returns which directory of which repository belongs to what, sorted.
func (c *Catalog) Paths() []PathBinding { return slices.Clone(c.paths) }

// bindPaths reads the directories that components name: the one of their source location, or the list of the annotation
// dxctl.dev/source-paths, which goes before.
func (l *loader) bindPaths() {
	for i, e := range l.catalog.entities {
		if e.Kind != "Component" {
			continue
		}
		listed, ok := e.Annotations[sourcePathsAnnotation]
		at, located, _ := l.sourceLocation(e.Annotations[sourceLocationAnnotation]) // claims warns
		if !ok {
			if located && at.directory != "" {
				l.catalog.paths = append(l.catalog.paths, PathBinding{at.provider, event.Lower(at.scope), at.directory, e.Ref})
			}
			continue
		}
		line := l.bindingLine(i, sourcePathsAnnotation)
		repositories := slugRepositories(e)
		if len(repositories) == 0 && located {
			repositories = []PathBinding{{Provider: at.provider, Scope: event.Lower(at.scope)}}
		}
		if len(repositories) == 0 {
			l.Warn(e.File, line, "annotation %s: there is no repository that the paths are of; "+
				"add github.com/project-slug, gitlab.com/project-slug or %s", sourcePathsAnnotation, sourceLocationAnnotation)
			continue
		}
		for p := range strings.SplitSeq(listed, ",") {
			directory, ok := cleanPath(p)
			if !ok {
				l.Warn(e.File, line, "annotation %s: %q is not a path below the repository's root; write it like services/payment",
					sourcePathsAnnotation, strings.TrimSpace(p))
				continue
			}
			for _, r := range repositories {
				l.catalog.paths = append(l.catalog.paths, PathBinding{r.Provider, r.Scope, directory, e.Ref})
			}
		}
	}
	slices.SortFunc(l.catalog.paths, func(a, b PathBinding) int {
		return cmp.Or(
			cmp.Compare(a.Provider, b.Provider),
			cmp.Compare(a.Scope, b.Scope),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Service, b.Service),
		)
	})
	l.catalog.paths = slices.Compact(l.catalog.paths)
	l.directories = make(map[Binding]bool, len(l.catalog.paths))
	for _, p := range l.catalog.paths {
		l.directories[Binding{Provider: p.Provider, Scope: p.Scope, Service: p.Service}] = true
	}
}

// slugRepositories are the repositories that a component names by their slugs.
func slugRepositories(e descriptor.Entity) []PathBinding {
	var out []PathBinding
	for _, provider := range []string{"github", "gitlab"} {
		if r, err := identifier.ParseRepository(e.Annotations[provider+".com/project-slug"], provider); err == nil {
			out = append(out, PathBinding{Provider: provider, Scope: strings.ToLower(r.Path)})
		}
	}
	return out
}

// cleanPath reads a path below a repository's root, in any script. false: it is empty, the root itself, or leads out.
func cleanPath(p string) (string, bool) {
	p = strings.Trim(strings.TrimSpace(p), "/")
	if p == "" || strings.ContainsAny(p, "\x00\n\r") {
		return "", false
	}
	if p = path.Clean(p); p == "." {
		return "", false
	}
	return p, p != ".." && !strings.HasPrefix(p, "../")
}

// sharedKnowingly reports whether every claimant of a scope names a directory of it as its own.
func (l *loader) sharedKnowingly(claims []claim) bool {
	return !slices.ContainsFunc(claims, func(c claim) bool {
		return !l.directories[Binding{Provider: c.Provider, Scope: c.Scope, Service: c.Service}]
	})
}
