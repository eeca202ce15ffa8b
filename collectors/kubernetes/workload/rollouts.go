package workload

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// View is a workload with its revisions, as the caches showed them at one moment.
type View struct {
	*Workload
	Revisions []*Revision
	Sightings map[string]Sighting // what was seen of its rollouts, by what it named as its current revision
}

// Rollout is one rollout of a workload. The cluster does not store the outcome of a past one.
type Rollout struct {
	Number  int64
	Current bool
	Restart bool // it runs the same build as before
	Seen    bool // it is past, and somebody saw how it went
	Event   event.Deployment
}

// label is how ids and scopes name the workload.
func (w *Workload) label() string { return w.Namespace + "/" + w.Kind + "/" + w.Name }

// Key names the workload within its scope, and is another one when it is created again.
func (v *View) Key() string {
	uid := string(v.UID)
	return v.label() + "@" + uid[:min(8, len(uid))]
}

func (v *View) id(number int64) string { return v.Key() + "/" + strconv.FormatInt(number, 10) }

// Scope is what the workload is part of.
func (w *Workload) Scope() string {
	if w.build.service != "" {
		return w.build.service
	}
	return w.label()
}

// numbered is a revision under one of its numbers.
type numbered struct {
	*Revision
	number int64
	at     time.Time // when the rollout began; zero: not known
	undoes bool      // it went back to what ran before
}

// Rollouts returns the rollouts that the cluster remembers, oldest first. ok is false when the current one cannot be
// told yet: the caches are filled one after the other, and a controller has its own pace. For the same reason what has
// a higher number than the current one is left out: it is about to be that.
func (v *View) Rollouts(origin func(id string) event.Origin, environment string) (all []Rollout, ok bool) {
	var list []numbered
	now := int64(0)
	for _, r := range v.Revisions {
		list = append(list, v.numbers(r)...)
		if v.isCurrent(r) {
			now = r.number
		}
	}
	if now == 0 {
		return nil, false
	}
	list = slices.DeleteFunc(list, func(n numbered) bool { return n.number > now })
	slices.SortFunc(list, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	list = slices.CompactFunc(list, func(a, b numbered) bool { return a.number == b.number })
	for i, n := range list {
		r := Rollout{Number: n.number, Current: n.number == now}
		what := n.build
		if r.Current {
			what = what.or(v.build)
		}
		r.Event = event.Deployment{
			Origin:      origin(v.id(n.number)),
			Attempt:     1,
			Environment: environment,
			Status:      event.Skipped,
			CreatedAt:   n.at,
			StartedAt:   n.at,
		}
		r.Event.SHA, r.Event.Version = what.version()
		var before *numbered
		if i > 0 && list[i-1].number == n.number-1 {
			before = &list[i-1]
			r.Restart = before.build.digest != "" && before.build.digest == n.build.digest
		}
		if i > 0 && n.undoes && !r.Restart {
			r.Event.RollbackOf = v.id(list[i-1].number)
		}
		if r.Current {
			state := v.Workload
			if s, seen := v.endingOf(n); seen && s.Verdict.Status == event.Succeeded && !state.Verdict.Status.Final() {
				state = s.Workload // whatever happens to the pods later
			}
			v.judge(&r.Event, state, n, before)
		} else {
			r.Seen = v.recall(&r.Event, n, before)
		}
		all = append(all, r)
	}
	for i := range all[:len(all)-1] {
		if e := &all[i].Event; e.Status == event.Cancelled {
			e.FinishedAt = all[i+1].Event.StartedAt
		}
	}
	return all, true
}

// numbers returns a revision under each number that it has had, and when it began under each.
func (v *View) numbers(r *Revision) []numbered {
	var list []numbered
	made := source.Known(r.CreationTimestamp.Time)
	for i, n := range r.earlier {
		e := numbered{Revision: r, number: n, undoes: i > 0}
		if i == 0 {
			e.at = made
		}
		list = append(list, e)
	}
	if r.number == 0 {
		return list // the controller has not numbered it yet
	}
	e := numbered{r, r.number, made, len(r.earlier) > 0}
	switch {
	case v.Kind == KindStatefulSet: // gone back to: made before one with a lower number was
		e.undoes = slices.ContainsFunc(v.Revisions, func(o *Revision) bool {
			return o.number < r.number && r.CreationTimestamp.Time.Before(o.CreationTimestamp.Time)
		})
		if e.undoes {
			e.at = r.changed
		}
	case e.undoes && v.isCurrent(r):
		e.at = v.numberedAt
	case e.undoes:
		e.at = time.Time{}
	}
	return append(list, e)
}

func (v *View) isCurrent(r *Revision) bool {
	if v.Kind == KindStatefulSet {
		return v.Current != "" && r.Name == v.Current
	}
	return v.Current != "" && strconv.FormatInt(r.number, 10) == v.Current
}

// judge fills in the status of a rollout by a state in which it was the current one.
func (v *View) judge(e *event.Deployment, w *Workload, n numbered, before *numbered) {
	said := w.Verdict
	about := said.of == n.Name || said.of == "" && w.Observed // else what is said is still about the rollout before
	if !about {
		e.Status = event.Running
		v.start(e, w, n, before)
		return
	}
	e.Status, e.StatusRaw = said.Status, said.raw
	if said.Status.Final() {
		e.FinishedAt = said.finished
		if s, seen := v.endingOf(n); seen && s.exact && e.FinishedAt.IsZero() {
			e.FinishedAt = s.Touched
		}
	}
	v.start(e, w, n, before)
	if !e.FinishedAt.IsZero() && e.FinishedAt.Before(e.StartedAt) {
		e.FinishedAt = time.Time{}
		if said.Status == event.Failed { // Argo Rollouts shows the abort of the rollout before for a moment
			e.Status = event.Running
		}
	}
}

// start fills in who began a rollout, and when an undo began: it makes no ReplicaSet, but who did it changed the
// template at that moment. A time after the end is of something that the same manager did later.
func (v *View) start(e *event.Deployment, w *Workload, n numbered, before *numbered) {
	var was []uint64
	var earlier time.Time
	if before != nil {
		was, earlier = before.fields, before.at
	}
	by := changedBy(w.managers, was, n.fields, earlier, n.at)
	if by == nil {
		return
	}
	e.Trigger = by.name
	if n.undoes && e.StartedAt.IsZero() && !by.at.Before(earlier) &&
		(e.FinishedAt.IsZero() || !by.at.After(e.FinishedAt)) {
		e.CreatedAt, e.StartedAt = by.at, by.at
	}
}

// recall fills in how a past rollout ended, and reports whether that was observed.
func (v *View) recall(e *event.Deployment, n numbered, before *numbered) bool {
	if s, seen := v.endingOf(n); seen {
		if v.judge(e, s.Workload, n, before); e.Status.Final() {
			return true
		}
		e.Status, e.StatusRaw = event.Skipped, ""
	}
	if v.Sightings[v.revisionName(n)].left {
		e.Status = event.Cancelled
		return true
	}
	return false
}

// endingOf returns the state in which a rollout was first seen to have ended.
func (v *View) endingOf(n numbered) (ending, bool) {
	for _, s := range v.Sightings[v.revisionName(n)].endings {
		if s.Verdict.of == "" || s.Verdict.of == n.Name {
			return s, true
		}
	}
	return ending{}, false
}

// revisionName is how the workload names a revision as its current one.
func (v *View) revisionName(n numbered) string {
	if v.Kind == KindStatefulSet {
		return n.Name
	}
	return strconv.FormatInt(n.number, 10)
}
