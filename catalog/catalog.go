// Package catalog holds the entities of an organization: services and whatever else Backstage descriptors describe, and
// which scope of which provider belongs to which service. It reads files and the descriptors of sources, together with
// the people, reports problems with file and line, and stores the result as a whole, so that a service that is
// described today owns its history at once.
package catalog

import (
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/people"
)

// Catalog is what Load has read. It does not change afterwards and may be shared.
type Catalog struct {
	entities []descriptor.Entity
	byRef    map[string]int
	people   *people.Directory
	bindings []Binding
	paths    []PathBinding
	byScope  map[string]string // provider + NUL + scope + NUL + source → ref
	problems []files.Warning
	owned    map[string][]string // owner ref → refs of its services

	subgroups map[string][]string      // refs of groups by the ref of the group above
	present   *atomic.Pointer[present] // see presentAt
}

func newCatalog() *Catalog {
	return &Catalog{
		people: &people.Directory{}, byRef: map[string]int{}, byScope: map[string]string{}, owned: map[string][]string{},
		present: &atomic.Pointer[present]{},
	}
}

// finish sorts the entities, so that equal files make equal catalogs in whatever order they were read.
func (c *Catalog) finish() {
	refs := make([]string, 0, len(c.entities))
	for i := range c.entities {
		refs = append(refs, c.entities[i].Ref)
	}
	slices.Sort(refs)
	sorted := make([]descriptor.Entity, len(refs)) // to sort entities themselves would move each a dozen times
	for i, ref := range refs {
		sorted[i] = c.entities[c.byRef[ref]]
	}
	c.entities = sorted
	for i := range c.entities {
		e := &c.entities[i]
		c.byRef[e.Ref] = i
		if e.IsService() && e.Owner != "" {
			c.owned[e.Owner] = append(c.owned[e.Owner], e.Ref)
		}
	}
	c.noteSubgroups()
}

// Entities returns everything that is described, sorted by ref. The slice is the caller's; what the entities hold
// is shared and must not be changed.
func (c *Catalog) Entities() []descriptor.Entity { return slices.Clone(c.entities) }

// Size returns how many entities and how many people the catalog holds.
func (c *Catalog) Size() (entities, people int) { return len(c.entities), c.people.Size() }

// Services returns the components that are deployed, sorted by ref.
func (c *Catalog) Services() []descriptor.Entity {
	n := 0
	for i := range c.entities {
		if c.entities[i].IsService() {
			n++
		}
	}
	out := slices.Grow([]descriptor.Entity(nil), n)
	for i := range c.entities {
		if c.entities[i].IsService() {
			out = append(out, c.entities[i])
		}
	}
	return out
}

// Entity returns the entity with that ref. A ref without a kind is taken as a component's.
func (c *Catalog) Entity(ref string) (descriptor.Entity, bool) {
	if i, ok := c.byRef[ref]; ok {
		return c.entities[i], true
	}
	parsed, err := identifier.ParseRef(ref, "component", "")
	if err != nil {
		return descriptor.Entity{}, false
	}
	if i, ok := c.byRef[parsed.String()]; ok {
		return c.entities[i], true
	}
	return descriptor.Entity{}, false
}

// ServiceFor returns the ref of what a scope of a provider belongs to: ("github", "myorg/payment-service"), whichever
// source has it. ok is false when nothing or more than one thing claims it.
func (c *Catalog) ServiceFor(provider, scope string) (ref string, ok bool) {
	return c.ServiceForSource(provider, scope, "")
}

// ServiceForSource is ServiceFor of the scope that one source has: two sources may each have one of the same name.
func (c *Catalog) ServiceForSource(provider, scope, source string) (ref string, ok bool) {
	key := scopeKey(provider, scope) + "\x00"
	if ref, ok = c.byScope[key+source]; !ok {
		ref, ok = c.byScope[key]
	}
	return ref, ok
}

// Equal reports whether two catalogs describe the same entities, people and bindings, so that neither the service of a
// record nor a grade can differ.
func (c *Catalog) Equal(other *Catalog) bool {
	return other != nil && reflect.DeepEqual(c.entities, other.entities) &&
		reflect.DeepEqual(c.bindings, other.bindings) && reflect.DeepEqual(c.paths, other.paths) &&
		reflect.DeepEqual(c.people, other.people)
}

// OwnedBy returns the refs of the services that a group or a user owns, sorted. team is a ref or a group's name.
func (c *Catalog) OwnedBy(team string) []string {
	ref, err := identifier.ParseRef(team, "group", "")
	if err != nil {
		return nil
	}
	return slices.Clone(c.owned[ref.String()])
}

// OwnedWithin returns the refs of the services that a group, or a group within it, owns, sorted. team is as in OwnedBy.
func (c *Catalog) OwnedWithin(team string) []string {
	ref, err := identifier.ParseRef(team, "group", "")
	if err != nil {
		return nil
	}
	var all []string
	for _, group := range c.withSubgroups(ref.String()) {
		all = append(all, c.owned[group]...)
	}
	slices.Sort(all)
	return all
}

// People returns who works here, and whose login is whose.
func (c *Catalog) People() *people.Directory { return c.people }

// WithSeen returns the catalog with the bots among the logins of stored events, see [people.Directory.WithSeen].
func (c *Catalog) WithSeen(seen []event.Login) *Catalog {
	with := *c
	with.people = c.people.WithSeen(seen)
	return &with
}

// Problems returns what was odd or could not be read when the catalog was made.
func (c *Catalog) Problems() []files.Warning { return slices.Clone(c.problems) }

// Lost returns those problems because of which an entity, a row or a rule is not in the catalog, or is there as it was
// last read.
func (c *Catalog) Lost() []files.Warning { return files.Lost(c.problems) }

// Bindings returns which scope of which provider belongs to what, sorted.
func (c *Catalog) Bindings() []Binding { return slices.Clone(c.bindings) }
