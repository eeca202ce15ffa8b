package catalog

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
)

// Source is a configured source: what a scope's name belongs to.
type Source struct {
	Name     string // as stored records have it
	Provider string // its kind
	URL      string // of its server, as a person opens it; empty: not known
}

// host returns where the source is: the host, with its port where the address has one.
func (s Source) host() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// at returns the sources of the provider at a host, all of which have the scopes of that host.
func at(sources []Source, provider, host string) []string {
	var names []string
	for _, s := range sources {
		if s.Provider == provider && identifier.SameHost(s.host(), host) {
			names = append(names, s.Name)
		}
	}
	return names
}

// providerAt returns whose repositories are at a host, by the configured sources; empty where they do not say.
func (l *loader) providerAt(host string) string {
	for _, s := range l.sources {
		if identifier.HasRepositories(s.Provider) && identifier.SameHost(s.host(), host) {
			return s.Provider
		}
	}
	return ""
}

// locationAnnotations tell where the repository of an entity is, the first one best.
var locationAnnotations = []string{
	sourceLocationAnnotation, "backstage.io/managed-by-location", "backstage.io/managed-by-origin-location",
	"backstage.io/view-url",
}

// sourcesOf returns the sources whose scope a claim means: those at the host that the annotation names, or at which
// another annotation has the same repository, or the one that the descriptor itself was found in. None: every source of
// the provider, because there are no two to tell apart or nothing tells them apart.
func (l *loader) sourcesOf(index int, provider string, scope identifier.Scope) []string {
	var all []string
	for _, s := range l.sources {
		if s.Provider == provider {
			all = append(all, s.Name)
		}
	}
	if len(all) < 2 {
		return nil
	}
	names := at(l.sources, provider, cmp.Or(scope.Host, repositoryHost(l.catalog.entities[index], provider, scope.Name)))
	if i := slices.Index(all, scope.Instance); len(names) == 0 && i >= 0 {
		names = all[i : i+1]
	}
	if f := l.origins[index].found; len(names) == 0 && f != nil && f.Provider == provider &&
		strings.EqualFold(f.Scope, scope.Name) {
		names = []string{f.Source}
		i := slices.IndexFunc(l.sources, func(s Source) bool { return s.Name == f.Source })
		if i >= 0 && l.sources[i].host() != "" { // others at the same host have the same repository
			names = at(l.sources, provider, l.sources[i].host())
		}
	}
	if len(names) == len(all) {
		return nil
	}
	return names
}

// repositoryHost returns the host at which the annotations of an entity have a repository of the provider; empty where
// none names it with its host.
func repositoryHost(e descriptor.Entity, provider, path string) string {
	if !identifier.HasRepositories(provider) {
		return ""
	}
	for _, name := range locationAnnotations {
		r, err := identifier.ParseRepository(e.Annotations[name], provider)
		if err == nil && r.Host != "" && strings.EqualFold(r.Path, path) {
			return r.Host
		}
	}
	return ""
}
