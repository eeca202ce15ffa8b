package kubernetes

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dxctl/dxctl/event"
)

// witness remembers of each rollout what the events of a watch showed of it. The caches hold only the latest state of a
// workload, and a rollout can begin, end and be overtaken while changes are gathered or the store is slow. What
// happened while the watch was cut is shown by events too, unless the server has forgotten them and everything is
// listed anew: then nobody has seen it.
type witness struct {
	mu   sync.Mutex
	seen map[types.UID]map[string]sighting // by workload, and by what it named as its current revision
}

// sighting is what was seen of one rollout.
type sighting struct {
	endings []ending // at most one for each ReplicaSet that a state was about
	past    bool     // another one is the current one
	// left: the state in which that was so followed directly on one in which this was the current one. If there is no
	// ending, it was overtaken.
	left bool
}

// ending is the first state in which a rollout had ended.
type ending struct {
	*workload
	exact bool // the state before was seen too, so the status of this one changed at the moment of the end
}

func newWitness() *witness { return &witness{seen: map[types.UID]map[string]sighting{}} }

// of returns what was seen of a workload's rollouts, by what the workload named as its current revision.
func (t *witness) of(uid types.UID) map[string]sighting {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.seen[uid])
}

// appeared notes a workload that was not known before.
func (t *witness) appeared(w *workload) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[w.UID] = map[string]sighting{w.current: {}}
	t.ending(w, false)
}

// changed notes the next state of a workload.
func (t *witness) changed(old, now *workload) {
	if old.UID != now.UID { // deleted and made anew while nobody watched
		t.gone(old.UID)
		t.appeared(now)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	direct := old.epoch == now.epoch
	if old.current != now.current {
		if s, seen := t.seen[old.UID][old.current]; seen {
			s.past, s.left = true, direct
			t.seen[old.UID][old.current] = s
		}
		t.set(now, sighting{}) // a StatefulSet can go back to a name
	}
	t.ending(now, direct)
}

// ending notes the end of the current rollout, where a state shows one.
func (t *witness) ending(w *workload, exact bool) {
	s := t.seen[w.UID][w.current]
	same := func(e ending) bool { return e.verdict.of == w.verdict.of }
	if !w.ended() {
		reopened := func(e ending) bool { return same(e) && e.verdict.status == event.Failed }
		if slices.ContainsFunc(s.endings, reopened) {
			s.endings = slices.DeleteFunc(slices.Clone(s.endings), reopened)
			t.set(w, s)
		}
		return
	}
	if i := slices.IndexFunc(s.endings, same); i >= 0 && s.endings[i].verdict.status == w.verdict.status {
		return
	}
	s.endings = append(slices.DeleteFunc(slices.Clone(s.endings), same), ending{w, exact})
	t.set(w, s)
}

func (t *witness) set(w *workload, s sighting) {
	if t.seen[w.UID] == nil {
		t.seen[w.UID] = map[string]sighting{}
	}
	t.seen[w.UID][w.current] = s
}

// forget drops what was seen of rollouts that were past in a view, once that is stored.
func (t *witness) forget(v *view) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for revision, s := range v.sightings {
		if s.past && revision != v.current {
			delete(t.seen[v.UID], revision)
		}
	}
}

// gone drops what was seen of a workload that is no more.
func (t *witness) gone(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, uid)
}
