package workload

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dxctl/dxctl/event"
)

// Witness remembers of each rollout what the events of a watch showed of it. The caches hold only the latest state of a
// workload, and a rollout can begin, end and be overtaken while changes are gathered or the store is slow. What
// happened while the watch was cut is shown by events too, unless the server has forgotten them and everything is
// listed anew: then nobody has seen it.
type Witness struct {
	mu   sync.Mutex
	seen map[types.UID]map[string]Sighting // by workload, and by what it named as its current revision
}

// Sighting is what was seen of one rollout.
type Sighting struct {
	endings []ending // at most one for each ReplicaSet that a state was about
	past    bool     // another one is the current one
	// left: the state in which that was so followed directly on one in which this was the current one. If there is no
	// ending, it was overtaken.
	left bool
}

// ending is the first state in which a rollout had ended.
type ending struct {
	*Workload
	exact bool // the state before was seen too, so the status of this one changed at the moment of the end
}

// NewWitness returns a witness that has seen nothing.
func NewWitness() *Witness { return &Witness{seen: map[types.UID]map[string]Sighting{}} }

// Of returns what was seen of a workload's rollouts, by what the workload named as its current revision.
func (t *Witness) Of(uid types.UID) map[string]Sighting {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.seen[uid])
}

// Appeared notes a workload that was not known before.
func (t *Witness) Appeared(w *Workload) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[w.UID] = map[string]Sighting{w.Current: {}}
	t.ending(w, false)
}

// Changed notes the next state of a workload.
func (t *Witness) Changed(old, now *Workload) {
	if old.UID != now.UID { // deleted and made anew while nobody watched
		t.Gone(old.UID)
		t.Appeared(now)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	direct := old.Epoch == now.Epoch
	if old.Current != now.Current {
		if s, seen := t.seen[old.UID][old.Current]; seen {
			s.past, s.left = true, direct
			t.seen[old.UID][old.Current] = s
		}
		t.set(now, Sighting{}) // a StatefulSet can go back to a name
	}
	t.ending(now, direct)
}

// ending notes the end of the current rollout, where a state shows one.
func (t *Witness) ending(w *Workload, exact bool) {
	s := t.seen[w.UID][w.Current]
	same := func(e ending) bool { return e.Verdict.of == w.Verdict.of }
	if !w.Ended() {
		reopened := func(e ending) bool { return same(e) && e.Verdict.Status == event.Failed }
		if slices.ContainsFunc(s.endings, reopened) {
			s.endings = slices.DeleteFunc(slices.Clone(s.endings), reopened)
			t.set(w, s)
		}
		return
	}
	if i := slices.IndexFunc(s.endings, same); i >= 0 && s.endings[i].Verdict.Status == w.Verdict.Status {
		return
	}
	s.endings = append(slices.DeleteFunc(slices.Clone(s.endings), same), ending{w, exact})
	t.set(w, s)
}

func (t *Witness) set(w *Workload, s Sighting) {
	if t.seen[w.UID] == nil {
		t.seen[w.UID] = map[string]Sighting{}
	}
	t.seen[w.UID][w.Current] = s
}

// Forget drops what was seen of rollouts that were past in a view, once that is stored.
func (t *Witness) Forget(v *View) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for revision, s := range v.Sightings {
		if s.past && revision != v.Current {
			delete(t.seen[v.UID], revision)
		}
	}
}

// Gone drops what was seen of a workload that is deleted.
func (t *Witness) Gone(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, uid)
}
