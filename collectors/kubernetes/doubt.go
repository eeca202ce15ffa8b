package kubernetes

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
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
func (c *Collector) believe(ctx context.Context, m source.StateStore, s *cluster.Snapshot) ([]string, error) {
	before := standing{}
	if _, err := m.Load(ctx, standingStream, &before); err != nil {
		return nil, err
	}
	now := maps.Clone(before)
	var ended []string
	for _, l := range s.Workloads {
		if !l.HasSynced() || s.Unread[l.Name()] != nil || len(l.Misfits()) > 0 {
			continue
		}
		key := l.Name() + " " + l.Selector // another selector shows others for a good reason
		present := c.cluster.Present(l)
		var gone []string
		for name, scope := range before[key] {
			if _, there := present[name]; !there && !l.SawDeleted(name) {
				gone = append(gone, scope)
			}
		}
		err := m.Removing(l.Name(), len(gone), len(before[key]))
		l.Doubt(err)
		if err != nil {
			s.Unread[l.Name()] = err
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
func (c *Collector) withhold(k *cluster.Caches, due *changes, writer func(scope string) source.Writer) {
	missed := map[*cluster.Listing]int{}
	for _, gone := range due.gone {
		for _, g := range gone {
			if l := k.ListingOf(g.Kind, g.Namespace); l != nil && !g.Known {
				missed[l]++
			}
		}
	}
	for l, n := range missed {
		err := writer("").Removing(l.Name(), n, n+len(l.GetStore().ListKeys()))
		if err == nil {
			continue
		}
		l.Doubt(err)
		c.Log.Error(
			"a listing is doubted; what it lacks is not ended",
			"source",
			c.cfg.Source,
			"resource",
			l.Name(),
			"error",
			err,
		)
		for scope, gone := range due.gone {
			due.gone[scope] = slices.DeleteFunc(slices.Clone(gone), func(g *cluster.Gone) bool {
				return !g.Known && k.ListingOf(g.Kind, g.Namespace) == l
			})
		}
	}
}
