package kubernetes

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/dxctl/dxctl/collectors/source"
)

// standingStream is the checkpoint, of a source, of the workloads that the cluster had when a listing was last
// believed.
const standingStream = "workloads"

// standing is the scope of each workload by its key, by listing.
type standing map[string]map[string]string

// believe compares what the listings show with what they showed before. One that lacks too much is doubted: until it
// shows more, or somebody accepts it, nothing that it lacks is ended, and s.unread has the error. It returns the scopes
// of the workloads that are gone for good, which may have none anymore.
func (c *Collector) believe(ctx context.Context, m source.StateStore, s *snapshot) ([]string, error) {
	before := standing{}
	if _, err := m.Load(ctx, standingStream, &before); err != nil {
		return nil, err
	}
	now := maps.Clone(before)
	var ended []string
	for _, l := range s.workloads {
		if !l.HasSynced() || s.unread[l.name()] != nil || len(l.misfits()) > 0 {
			continue
		}
		key := l.name() + " " + l.selector // another selector shows others for a good reason
		present := map[string]string{}
		for _, o := range l.GetStore().List() {
			if w, ok := o.(*workload); ok && c.wanted(w) {
				present[(&view{workload: w}).key()] = w.scope()
			}
		}
		var gone []string
		for workload, scope := range before[key] {
			if _, there := present[workload]; !there && !l.sawDeleted(workload) {
				gone = append(gone, scope)
			}
		}
		err := m.Removing(l.name(), len(gone), len(before[key]))
		l.doubt(err)
		if err != nil {
			s.unread[l.name()] = err
			continue
		}
		now[key] = present
		ended = append(ended, gone...)
	}
	if reflect.DeepEqual(before, now) {
		return nil, nil
	}
	return ended, m.Save(ctx, standingStream, now)
}

// withhold leaves out of the changes the workloads that a listing lacks after the watch was cut, where it lacks too
// many.
func (c *Collector) withhold(k *caches, due *changes, writer func(scope string) source.Writer) {
	missed := map[*listing]int{}
	for _, gone := range due.gone {
		for _, g := range gone {
			if l := k.listingOf(g.kind, g.Namespace); l != nil && !g.known {
				missed[l]++
			}
		}
	}
	for l, n := range missed {
		err := writer("").Removing(l.name(), n, n+len(l.GetStore().ListKeys()))
		if err == nil {
			continue
		}
		l.doubt(err)
		c.Log.Error(
			"a listing is doubted; what it lacks is not ended",
			"source",
			c.cfg.Source,
			"resource",
			l.name(),
			"error",
			err,
		)
		for scope, gone := range due.gone {
			due.gone[scope] = slices.DeleteFunc(slices.Clone(gone), func(g *lost) bool {
				return !g.known && k.listingOf(g.kind, g.Namespace) == l
			})
		}
	}
}

// listingOf returns the listing that shows workloads of a kind in a namespace.
func (k *caches) listingOf(kind, namespace string) *listing {
	for _, l := range k.workloads {
		if l.shows(kind, namespace) {
			return l
		}
	}
	return nil
}

// doubt notes why what the listing lacks is not taken to be gone; nil: it is.
func (l *listing) doubt(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doubted = err; err == nil {
		l.deleted = nil
	}
}

// believed reports whether what the listing lacks is not there.
func (l *listing) believed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.doubted == nil && len(l.odd) == 0
}

// noteDeleted notes a workload of which the watch showed the deletion: there is no doubt about it.
func (l *listing) noteDeleted(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deleted == nil {
		l.deleted = map[string]bool{}
	}
	l.deleted[key] = true
}

func (l *listing) sawDeleted(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deleted[key]
}
