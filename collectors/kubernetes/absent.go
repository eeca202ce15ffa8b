package kubernetes

import (
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/event"
)

// deleted takes the last state of a workload that was deleted, and ends what was under way.
func (p *pass) deleted(g *cluster.Gone) {
	_, told := g.Rollouts(p.origin, "")
	if told {
		p.workload(g.View)
	}
	t := p.s.Workloads[g.Key()]
	if t == nil {
		return // nothing is known of it
	}
	status := event.Skipped
	if g.Known && (told || !g.Ended()) {
		status = event.Cancelled
	}
	p.close(t, status)
}

// absent ends what was under way of workloads that are not there anymore. One that cannot be read now is not touched.
func (p *pass) absent(present map[string]bool) {
	for key, t := range p.s.Workloads {
		if present[key] {
			continue
		}
		kind, namespace := placeOf(key)
		switch {
		case !t.Gone.IsZero() && p.Now().Sub(t.Gone) > goneFor:
			delete(p.s.Workloads, key)
		case t.Gone.IsZero() && p.listed(kind, namespace):
			p.close(t, event.Skipped)
		}
	}
}

// placeOf reads the kind and the namespace of a workload out of its key.
func placeOf(key string) (kind, namespace string) {
	namespace, rest, _ := strings.Cut(key, "/")
	kind, _, _ = strings.Cut(rest, "/")
	return kind, namespace
}

// close ends the rollouts of a workload that is gone, and keeps of it only what prevents that they are stored again,
// should it come back.
func (p *pass) close(t *track, status event.Status) {
	t.Gone = p.Now().UTC().Truncate(time.Second)
	for n, e := range t.Rollouts {
		switch {
		case e == nil:
		case !e.Status.Final():
			ended := *e
			ended.Status = status
			t.Rollouts[n] = &ended
			p.events = append(p.events, ended)
		case n != t.Last:
			t.Rollouts[n] = nil
		}
	}
}
