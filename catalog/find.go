package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/spelling"
)

// Find returns the entity that a word of a person refers to: a ref or, in any case, a name with or without a namespace.
// Of several entities with the name, a service is meant, or else the one that preferred accepts.
// preferred may be nil.
func (c *Catalog) Find(word string, preferred func(descriptor.Entity) bool) (descriptor.Entity, error) {
	if preferred == nil {
		preferred = descriptor.Entity.IsService
	}
	word = strings.TrimSpace(word)
	if strings.Contains(word, ":") {
		if e, ok := c.Entity(word); ok {
			return e, nil
		}
	}
	var named []descriptor.Entity
	for i := range c.entities {
		e := &c.entities[i]
		if strings.EqualFold(e.Name, word) || strings.EqualFold(e.Namespace+"/"+e.Name, word) {
			named = append(named, *e)
		}
	}
	for _, fits := range []func(descriptor.Entity) bool{descriptor.Entity.IsService, preferred} {
		if some := slices.DeleteFunc(slices.Clone(named), func(e descriptor.Entity) bool { return !fits(e) }); len(some) > 0 {
			named = some
			break
		}
	}
	switch len(named) {
	case 0:
		if near := c.Nearest(word, preferred); near != "" {
			return descriptor.Entity{}, fmt.Errorf("unknown service or entity %q (did you mean %s?)", word, c.shortest(near))
		}
		return descriptor.Entity{}, fmt.Errorf("unknown service or entity %q; run `dxctl services` for a "+
			"list of services", word)
	case 1:
		return named[0], nil
	}
	refs := make([]string, len(named))
	for i := range named {
		refs[i] = named[i].Ref
	}
	return descriptor.Entity{}, fmt.Errorf("%q is the name of several entities: %s; use the full ref", word,
		strings.Join(refs, ", "))
}

// shortest returns the name of an entity, or its ref if another one has the name.
func (c *Catalog) shortest(ref string) string {
	e, _ := c.Entity(ref)
	for i := range c.entities {
		if c.entities[i].Ref != ref && strings.EqualFold(c.entities[i].Name, e.Name) {
			return ref
		}
	}
	return e.Name
}

// Nearest returns the ref of an entity with a name like that of a ref or a name that the catalog does not have; "" if
// there is none. Only services and what fits accepts are looked at; the kind of the ref decides between equal names.
func (c *Catalog) Nearest(ref string, fits func(descriptor.Entity) bool) string {
	kind, rest, found := strings.Cut(ref, ":")
	if !found {
		kind, rest = "component", ref
	}
	name := rest[strings.LastIndex(rest, "/")+1:]
	var names []string
	refs := map[string]string{} // by name
	for i := range c.entities {
		e := &c.entities[i]
		if !e.IsService() && !fits(*e) {
			continue
		}
		if _, known := refs[e.Name]; !known || strings.HasPrefix(e.Ref, kind+":") {
			refs[e.Name] = e.Ref
		}
		names = append(names, e.Name)
	}
	return refs[spelling.Nearest(name, names)]
}
