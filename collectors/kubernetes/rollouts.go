package kubernetes

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/event"
)

// view is a workload with its revisions, as the caches showed them at one moment.
type view struct {
	*workload
	revisions []*revision
	sightings map[string]sighting // what was seen of its rollouts, by what it named as its current revision
}

// rollout is one rollout of a workload. Of one that is past the cluster does not say how it went.
type rollout struct {
	number  int64
	current bool
	restart bool // it brought what ran before
	seen    bool // it is past, and somebody saw how it went
	event   event.Deployment
}

// label is how ids and scopes name the workload.
func (w *workload) label() string { return w.Namespace + "/" + w.kind + "/" + w.Name }

// key names the workload within its scope, and is another one when it is made anew.
func (v *view) key() string {
	uid := string(v.UID)
	return v.label() + "@" + uid[:min(8, len(uid))]
}

func (v *view) id(number int64) string { return v.key() + "/" + strconv.FormatInt(number, 10) }

// scope is what the workload is part of.
func (w *workload) scope() string {
	if w.brought.service != "" {
		return w.brought.service
	}
	return w.label()
}

// numbered is a revision under one of its numbers.
type numbered struct {
	*revision
	number int64
	at     time.Time // when the rollout began; zero: not known
	undoes bool      // it went back to what ran before
}

// rollouts returns the rollouts that the cluster remembers, oldest first. ok is false when the current one cannot be
// told yet: the caches are filled one after the other, and a controller has its own pace. For the same reason what has
// a higher number than the current one is left out: it is about to be that.
func (v *view) rollouts(origin func(id string) event.Origin, environment string) (all []rollout, ok bool) {
	var list []numbered
	now := int64(0)
	for _, r := range v.revisions {
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
		r := rollout{number: n.number, current: n.number == now}
		what := n.brought
		if r.current {
			what = what.or(v.brought)
		}
		r.event = event.Deployment{
			Origin:      origin(v.id(n.number)),
			Attempt:     1,
			Environment: environment,
			Status:      event.Skipped,
			CreatedAt:   n.at,
			StartedAt:   n.at,
		}
		r.event.SHA, r.event.Version = what.version()
		var before *numbered
		if i > 0 && list[i-1].number == n.number-1 {
			before = &list[i-1]
			r.restart = before.brought.digest != "" && before.brought.digest == n.brought.digest
		}
		if i > 0 && n.undoes && !r.restart {
			r.event.RollbackOf = v.id(list[i-1].number)
		}
		if r.current {
			state := v.workload
			if s, seen := v.endingOf(n); seen && s.verdict.status == event.Succeeded && !state.verdict.status.Final() {
				state = s.workload // whatever happens to the pods later
			}
			v.judge(&r.event, state, n, before)
		} else {
			r.seen = v.recall(&r.event, n, before)
		}
		all = append(all, r)
	}
	for i := range all[:len(all)-1] {
		if e := &all[i].event; e.Status == event.Cancelled {
			e.FinishedAt = all[i+1].event.StartedAt
		}
	}
	return all, true
}

// numbers returns a revision under each number that it has had, and when it began under each.
func (v *view) numbers(r *revision) []numbered {
	var list []numbered
	made := source.Known(r.CreationTimestamp.Time)
	for i, n := range r.earlier {
		e := numbered{revision: r, number: n, undoes: i > 0}
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
	case v.kind == kindStatefulSet: // gone back to: made before one with a lower number was
		e.undoes = slices.ContainsFunc(v.revisions, func(o *revision) bool {
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

func (v *view) isCurrent(r *revision) bool {
	if v.kind == kindStatefulSet {
		return v.current != "" && r.Name == v.current
	}
	return v.current != "" && strconv.FormatInt(r.number, 10) == v.current
}

// judge says how a rollout stands in a state in which it was the current one.
func (v *view) judge(e *event.Deployment, w *workload, n numbered, before *numbered) {
	said := w.verdict
	about := said.of == n.Name || said.of == "" && w.observed // else what is said is still about the rollout before
	if !about {
		e.Status = event.Running
		v.start(e, w, n, before)
		return
	}
	e.Status, e.StatusRaw = said.status, said.raw
	if said.status.Final() {
		e.FinishedAt = said.finished
		if s, seen := v.endingOf(n); seen && s.exact && e.FinishedAt.IsZero() {
			e.FinishedAt = s.touched
		}
	}
	v.start(e, w, n, before)
	if !e.FinishedAt.IsZero() && e.FinishedAt.Before(e.StartedAt) {
		e.FinishedAt = time.Time{}
		if said.status == event.Failed { // Argo Rollouts shows the abort of the rollout before for a moment
			e.Status = event.Running
		}
	}
}

// start fills in who began a rollout, and when an undo began: it makes no ReplicaSet, but who did it changed the
// template at that moment. A time after the end is of something that the same manager did later.
func (v *view) start(e *event.Deployment, w *workload, n numbered, before *numbered) {
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

// recall says how a past rollout went, and reports whether somebody saw it.
func (v *view) recall(e *event.Deployment, n numbered, before *numbered) bool {
	if s, seen := v.endingOf(n); seen {
		if v.judge(e, s.workload, n, before); e.Status.Final() {
			return true
		}
		e.Status, e.StatusRaw = event.Skipped, ""
	}
	if v.sightings[v.revisionName(n)].left {
		e.Status = event.Cancelled
		return true
	}
	return false
}

// endingOf returns the state in which a rollout was first seen to have ended.
func (v *view) endingOf(n numbered) (ending, bool) {
	for _, s := range v.sightings[v.revisionName(n)].endings {
		if s.verdict.of == "" || s.verdict.of == n.Name {
			return s, true
		}
	}
	return ending{}, false
}

// revisionName is how the workload names a revision as its current one.
func (v *view) revisionName(n numbered) string {
	if v.kind == kindStatefulSet {
		return n.Name
	}
	return strconv.FormatInt(n.number, 10)
}
