package app

import (
	"context"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
)

// pending are the services whose facts have changed since they were last graded.
type pending struct {
	wake chan struct{} // has an element while there are some

	mu       sync.Mutex
	services map[string]bool
	catalog  bool // descriptors were collected: the catalog is to be read again, and every service to be graded
	seed     maphash.Seed
	facts    map[uint64]knownFact // by the hash of an identity
}

// knownFact is a fact as it was last stored, as far as rules can distinguish it.
type knownFact struct {
	state   uint64 // hash of the value or the reason
	expires int64  // Unix seconds; 0: it does not expire
}

func newPending() *pending {
	return &pending{
		wake: make(chan struct{}, 1), services: map[string]bool{}, facts: map[uint64]knownFact{}, seed: maphash.MakeSeed(),
	}
}

// add notes what a rule may ask about among stored events.
func (p *pending) add(cat *catalog.Catalog, now time.Time, events []event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range events {
		switch e := e.(type) {
		case event.Fact:
			if p.changed(e, now) {
				p.note(cat, factEntity(cat, e))
			}
		case event.Descriptor:
			p.catalog = true
		case event.Deployment:
			p.note(cat, originService(cat, e.Origin))
		case event.PipelineRun:
			p.note(cat, originService(cat, e.Origin))
		case event.Change:
			p.note(cat, originService(cat, e.Origin))
		case event.Incident:
			p.note(cat, originService(cat, e.Origin))
		}
	}
	if len(p.services) > 0 || p.catalog {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

// note notes a service. Records of no service change no grade.
func (p *pending) note(cat *catalog.Catalog, ref string) {
	if ref == "" {
		return
	}
	if _, known := cat.Entity(ref); known {
		p.services[ref] = true
	}
}

// changed reports whether an observation may change a grade: sources observe most facts again and again, unchanged. One
// that had expired meanwhile was stale.
func (p *pending) changed(f event.Fact, now time.Time) bool {
	id := p.hash(f.Source, f.Entity, f.Name)
	is := knownFact{state: p.hash(string(f.Type), string(f.Value), f.Error)}
	if !f.ExpiresAt.IsZero() {
		is.expires = f.ExpiresAt.Unix()
	}
	was, known := p.facts[id]
	p.facts[id] = is
	return !known || was.state != is.state || was.expires != 0 && was.expires <= now.Unix()
}

func (p *pending) hash(texts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(p.seed)
	for _, t := range texts {
		_, _ = h.WriteString(t)
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}

// take returns the noted services, sorted, and whether the catalog has changed, and forgets them.
func (p *pending) take() (services []string, catalog bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	services, catalog = slices.Sorted(maps.Keys(p.services)), p.catalog
	p.services, p.catalog = map[string]bool{}, false
	return services, catalog
}

// putBack notes services again whose grading failed.
func (p *pending) putBack(services []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range services {
		p.services[s] = true
	}
}

// originService returns the ref of the service of a record, as the views do; empty if it is of none.
func originService(cat *catalog.Catalog, o event.Origin) string {
	if o.Service != "" {
		return o.Service
	}
	ref, _ := cat.ServiceForSource(o.Provider, o.Scope, o.Source)
	return ref
}

// factEntity returns the ref of the entity of a fact, as the view facts does.
func factEntity(cat *catalog.Catalog, f event.Fact) string {
	if provider, scope, ok := catalog.UnmappedScope(f.Entity); ok {
		ref, _ := cat.ServiceForSource(provider, scope, f.Source)
		return ref
	}
	return f.Entity
}

// noted is the store of what collects and receives: it notes whose facts change.
type noted struct {
	*store.Store
	app *App
}

var _ runner.Store = noted{}

// Append stores events. They are noted afterwards: a grading that started earlier does not see them.
func (n noted) Append(ctx context.Context, events ...event.Event) error {
	err := n.Store.Append(ctx, events...)
	if err == nil {
		n.app.pending.add(n.app.catalog.Load(), n.app.now(), events)
	}
	return err
}
