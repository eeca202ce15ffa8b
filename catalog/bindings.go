package catalog

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/files"
)

// Binding says that a scope of a provider belongs to a component.
type Binding struct {
	Provider string
	Scope    string // in lower case
	Source   string // whose scope it is; empty: of every source of the provider for which no other binding names it
	Service  string // entity ref
}

// UnmappedScope returns the provider and the scope that an entity of a fact names, which a collector observes without
// the catalog: unmapped:github/myorg/payment-service. ok is false for the ref of an entity.
func UnmappedScope(entity string) (provider, scope string, ok bool) {
	rest, ok := strings.CutPrefix(entity, "unmapped:")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}

func scopeKey(provider, scope string) string {
	return provider + "\x00" + event.Lower(scope)
}

// claim is a component's word that a scope is its own.
type claim struct {
	Binding
	entity int
	line   int
	// from what the component says itself; two claims that are only derived cancel each other without a warning
	distance int
}

const sourceLocationAnnotation = "backstage.io/source-location"

// binds are the names of the annotations that bind.
var binds = func() map[string]bool {
	names := map[string]bool{sourcePathsAnnotation: true, sourceLocationAnnotation: true}
	for _, a := range identifier.Annotations {
		names[a.Name] = true
	}
	return names
}()

// bindingLine returns the line of an annotation of the entity at index, or that of the entity.
func (l *loader) bindingLine(index int, name string) int {
	return cmp.Or(l.origins[index].lines[name], l.catalog.entities[index].Line)
}

// bind decides which component each scope belongs to. A service's claim comes before that of a library in the same
// repository; two services' claims to one scope cancel each other.
func (l *loader) bind() {
	l.bindPaths()
	claims := map[string][]claim{}
	for i, e := range l.catalog.entities {
		if e.Kind == "Component" {
			for _, c := range l.claims(i, e) {
				key := scopeKey(c.Provider, c.Scope)
				claims[key] = append(claims[key], c)
			}
		}
	}
	keys := make([]string, 0, len(claims))
	for key := range claims {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		for _, rivals := range bySource(claims[key]) {
			if b, ok := l.settle(rivals); ok {
				l.catalog.bindings = append(l.catalog.bindings, b)
				l.catalog.byScope[scopeKey(b.Provider, b.Scope)+"\x00"+b.Source] = b.Service
			}
		}
	}
}

// bySource parts the claims to scopes of one name by the source whose scope they mean, for these are as many scopes.
// Those that mean no source in particular come first.
func bySource(claims []claim) [][]claim {
	var parts [][]claim
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.Source, b.Source) })
	for i, c := range claims {
		if i == 0 || c.Source != claims[i-1].Source {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], c)
	}
	return parts
}

func (l *loader) claims(index int, e descriptor.Entity) []claim {
	var out []claim
	bound := map[string]bool{}
	add := func(provider string, scope identifier.Scope, line int) {
		sources := l.sourcesOf(index, provider, scope)
		if len(sources) == 0 {
			sources = []string{""}
		}
		for _, source := range sources {
			b := Binding{Provider: provider, Scope: event.Lower(scope.Name), Source: source, Service: e.Ref}
			out = append(out, claim{Binding: b, entity: index, line: line, distance: scope.Distance})
		}
		bound[provider] = true
	}
	for _, a := range identifier.Annotations {
		value := e.Annotations[a.Name]
		if strings.TrimSpace(value) == "" {
			continue
		}
		line := l.bindingLine(index, a.Name)
		scopes, errs := a.Scopes(value, e.Annotations)
		for _, err := range errs {
			l.Warn(e.File, line, "annotation %s: %v; write it like %s", a.Name, err, a.Example)
		}
		for _, s := range scopes {
			add(a.Provider, s, line)
		}
	}
	at, located, err := l.sourceLocation(e.Annotations[sourceLocationAnnotation])
	line := l.bindingLine(index, sourceLocationAnnotation)
	if err != nil {
		l.Warn(
			e.File,
			line,
			"annotation %s: %v; write it like url:https://github.com/myorg/payment-service/",
			sourceLocationAnnotation,
			err,
		)
	}
	if located && at.directory == "" && !bound[at.provider] {
		add(at.provider, identifier.Scope{Name: at.scope, Distance: 1, Host: at.host}, line)
	} else if provider, scope, ok := l.foundScope(index); ok && !located && !bound[provider] {
		add(provider, identifier.Scope{Name: scope, Distance: 1}, e.Line)
	}
	return out
}

// location is what a source location says of a repository at a provider.
type location struct {
	provider  string
	host      string
	scope     string
	directory string // within the repository; empty: the whole
}

// sourceLocation reads url:https://github.com/myorg/payment-service/, and the directory in
// url:…/tree/main/services/payment/, of which the first name after tree is taken as the branch. A directory within a
// repository says nothing about whose the repository is, but much about whose the directory is. False without an error:
// it is at a place of which nothing is collected.
func (l *loader) sourceLocation(value string) (location, bool, error) {
	value = strings.TrimSpace(value)
	if kind, _, found := strings.Cut(value, ":"); !found || kind == "file" || kind == "dir" {
		return location{}, false, nil
	}
	host, _, err := identifier.SplitAddress(value, "")
	provider := ""
	if err == nil {
		provider = l.providerAt(host)
	}
	r, err := identifier.ParseRepository(value, provider)
	if err != nil {
		return location{}, false, fmt.Errorf("%q: %w", value, err)
	}
	provider = cmp.Or(provider, r.Provider())
	if r.Path == "" || !identifier.HasRepositories(provider) {
		return location{}, false, nil
	}
	inside := r.Inside
	if r.IsFile { // a file stands for the directory that it is in
		inside = path.Dir(inside)
	}
	directory, ok := cleanPath(inside)
	if !ok && directory != "" {
		return location{}, false, fmt.Errorf("%q: the path leads out of the repository", value)
	}
	return location{provider, r.Host, r.Path, directory}, true, nil
}

func (l *loader) settle(claims []claim) (Binding, bool) {
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.Service, b.Service) })
	service := func(c claim) bool { return l.catalog.entities[c.entity].IsService() }
	var distances []int
	for _, c := range claims {
		distances = append(distances, c.distance)
	}
	slices.Sort(distances)
	for _, services := range []bool{true, false} {
		for _, distance := range slices.Compact(distances) {
			var claimants []claim
			for _, c := range claims {
				if c.distance <= distance && (!services || service(c)) &&
					(len(claimants) == 0 || claimants[len(claimants)-1].Service != c.Service) {
					claimants = append(claimants, c)
				}
			}
			switch len(claimants) {
			case 0:
				continue
			case 1:
				return claimants[0].Binding, true
			}
			if distance == 0 && !l.sharedKnowingly(claimants) {
				l.warnShared(claimants)
			}
			return Binding{}, false
		}
	}
	return Binding{}, false
}

func (l *loader) warnShared(claims []claim) {
	others := make([]string, 0, len(claims)-1)
	for _, c := range claims[1:] {
		e := l.catalog.entities[c.entity]
		others = append(others, c.Service+" ("+files.Position(e.File, c.line)+")")
	}
	first := l.catalog.entities[claims[0].entity]
	l.Warn(first.File, claims[0].line, "%s %s is claimed by %s and by %s; it is bound to none of them, and its events "+
		"stay unmapped. "+
		"Keep the annotation on the one that is deployed from it and remove it from the rest, or give each its "+
		"directories with "+sourcePathsAnnotation,
		claims[0].Provider, claims[0].Scope, claims[0].Service, files.Listed(others))
}
