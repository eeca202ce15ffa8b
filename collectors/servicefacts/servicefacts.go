// Package servicefacts stores the facts of a repository for the services that they are about.
//
// A fact of a repository belongs to the service to which the catalog binds the repository, or a directory of it. It is
// stored when it changes, and once a day because it was observed again; so a repository that does not change costs one
// statement a day.
package servicefacts

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

const (
	// MaxAge is how long a fact is valid after its source was last read: a long weekend, as of computed facts.
	MaxAge = 96 * time.Hour
	// renewal is how often a fact that does not change is stored.
	renewal = 24 * time.Hour
)

// Subject is what facts of a repository are about: a service, or the repository as a scope, for which the catalog finds
// the service when facts are read.
type Subject struct {
	Entity string
	// Dirs are directories of the service in the order in which they are preferred. Empty: the whole repository.
	Dirs []string
}

// Dir returns the directory that decides the facts: the first one that exists; "." is the whole repository.
func (s Subject) Dir(exists func(dir string) bool) string {
	if i := slices.IndexFunc(s.Dirs, exists); i >= 0 {
		return s.Dirs[i]
	}
	if len(s.Dirs) > 0 {
		return s.Dirs[0]
	}
	return "."
}

// Entity returns the entity of a scope, which the catalog may bind to a service.
func Entity(provider, scope string) string { return "unmapped:" + provider + "/" + scope }

// Subjects returns what the facts of a repository are about, from what the catalog binds to it. A service that is bound
// to the repository and to a directory of it has the facts of the directory.
func Subjects(bindings []catalog.PathBinding, provider, scope string) []Subject {
	dirs, whole := map[string][]string{}, map[string]bool{}
	for _, b := range bindings {
		if b.Path == "" {
			whole[b.Service] = true
			continue
		}
		dirs[b.Service] = append(dirs[b.Service], b.Path)
	}
	var all []Subject
	for _, service := range slices.Sorted(maps.Keys(dirs)) {
		if !whole[service] {
			all = append(all, Subject{service, preferred(dirs[service], service)})
		}
	}
	if len(whole) == 0 && len(all) > 0 {
		return all
	}
	scoped := Subject{Entity: Entity(provider, scope)}
	if len(whole) == 1 {
		for service := range whole {
			scoped.Dirs = preferred(dirs[service], service)
		}
	}
	return append(all, scoped)
}

// preferred returns the directories with those first that have the name of the service.
func preferred(dirs []string, service string) []string {
	name := service[strings.LastIndexByte(service, '/')+1:]
	return slices.SortedStableFunc(slices.Values(dirs), func(a, b string) int {
		named := func(dir string) int {
			if strings.EqualFold(path.Base(dir), name) {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(named(a), named(b)), cmp.Compare(a, b))
	})
}

// Kept is what is stored of the facts of a scope. It is part of a checkpoint.
type Kept struct {
	At    time.Time         `json:"at,omitzero"`     // when all facts were stored last
	Facts map[string][]kept `json:"facts,omitempty"` // by entity
}

// kept is a fact as it was stored last.
type kept struct {
	Name  string          `json:"n"`
	Type  event.FactType  `json:"t"`
	Value json.RawMessage `json:"v,omitempty"`
	Error string          `json:"e,omitempty"`
}

// of returns a fact of an entity as it was stored last.
func (k *Kept) of(entity, name string) (kept, bool) {
	i := slices.IndexFunc(k.Facts[entity], func(f kept) bool { return f.Name == name })
	if i < 0 {
		return kept{}, false
	}
	return k.Facts[entity][i], true
}

// Known reports whether facts of the entity are kept.
func (k *Kept) Known(entity string) bool { return len(k.Facts[entity]) > 0 }

// Others returns the facts of an entity as they were stored last, except those with the names of some.
func (k *Kept) Others(entity string, some []event.Fact) []event.Fact {
	var others []event.Fact
	for _, f := range k.Facts[entity] {
		if !slices.ContainsFunc(some, func(s event.Fact) bool { return s.Name == f.Name }) {
			others = append(others, f.event(event.Fact{}, ""))
		}
	}
	return others
}

// Writer stores facts.
type Writer interface {
	Append(ctx context.Context, events ...event.Event) error
}

// Store stores the facts of each entity as observed now, unless they are known and were stored lately. of has what they
// have in common: source and address. A fact that was kept and is no longer among them has gone as the reason why it is
// unknown. changed reports whether the checkpoint has to be saved.
func (k *Kept) Store(
	ctx context.Context,
	w Writer,
	now time.Time,
	of event.Fact,
	facts map[string][]event.Fact,
	gone string,
) (changed bool, err error) {
	now = now.UTC()
	of.ObservedAt, of.ExpiresAt = now, now.Add(MaxAge)
	due := now.Sub(k.At).Abs() >= renewal
	fresh := Kept{At: k.At, Facts: make(map[string][]kept, len(facts))}
	var events []event.Event
	for _, entity := range slices.Sorted(maps.Keys(facts)) {
		for _, f := range facts[entity] {
			one := kept{f.Name, f.Type, f.Value, f.Error}
			fresh.Facts[entity] = append(fresh.Facts[entity], one)
			if before, ok := k.of(entity, f.Name); ok && !due && same(before, one) {
				continue
			}
			events = append(events, one.event(of, entity))
		}
	}
	for _, entity := range slices.Sorted(maps.Keys(k.Facts)) {
		for _, f := range k.Facts[entity] {
			if _, still := fresh.of(entity, f.Name); !still {
				events = append(events, ended(of, entity, f, gone))
			}
		}
	}
	if len(events) == 0 {
		return false, nil
	}
	if err := w.Append(ctx, events...); err != nil {
		return false, err
	}
	if due {
		fresh.At = now
	}
	*k = fresh
	return true, nil
}

// Retract stores that nothing is known any longer of what was kept.
func (k *Kept) Retract(ctx context.Context, w Writer, now time.Time, of event.Fact, gone string) error {
	_, err := k.Store(ctx, w, now, of, nil, gone)
	return err
}

func (f kept) event(of event.Fact, entity string) event.Fact {
	of.Entity, of.Name, of.Type, of.Value, of.Error = entity, f.Name, f.Type, f.Value, f.Error
	return of
}

// ended is a fact that will not be observed again. Its reason does not expire.
func ended(of event.Fact, entity string, f kept, gone string) event.Fact {
	f.Value, f.Error = nil, gone
	of.ExpiresAt = time.Time{}
	return f.event(of, entity)
}

func same(a, b kept) bool {
	return a.Type == b.Type && a.Error == b.Error && string(a.Value) == string(b.Value)
}

// Bindings reads what the catalog binds to a repository, and what facts of it are about.
func Bindings(ctx context.Context, r source.RepositoryReader, provider, scope string) ([]Subject, error) {
	bindings, err := r.RepositoryServices(ctx, provider, scope)
	if err != nil {
		return nil, err
	}
	return Subjects(bindings, provider, scope), nil
}

// Encode returns a fact with a value of its type.
func Encode(name string, typ event.FactType, value any) event.Fact {
	raw, err := json.Marshal(value)
	if err != nil {
		return event.Fact{Name: name, Type: typ, Error: "it has a value that cannot be stored: " + err.Error()}
	}
	return event.Fact{Name: name, Type: typ, Value: raw}
}
