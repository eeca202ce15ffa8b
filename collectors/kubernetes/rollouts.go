package kubernetes

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/event"
)

// view is a workload with its revisions, as the caches showed them at one moment.
type view struct {
	*workload
	revisions []*revision
}

// rollout is one rollout of a workload. Unless it is the current one, nothing says how it went.
type rollout struct {
	number  int64
	current bool
	restart bool // it brought what ran before
	event   event.Deployment
}

// label is how ids and scopes name the workload.
func (v *view) label() string { return v.Namespace + "/" + v.kind + "/" + v.Name }

// key names the workload within its scope, and is another one when it is made anew.
func (v *view) key() string {
	uid := string(v.UID)
	return v.label() + "@" + uid[:min(8, len(uid))]
}

func (v *view) id(number int64) string { return v.key() + "/" + strconv.FormatInt(number, 10) }

// scope is what the workload is part of.
func (v *view) scope() string {
	if v.brought.service != "" {
		return v.brought.service
	}
	return v.label()
}

// numbered is a revision under one of its numbers.
type numbered struct {
	*revision
	number int64
	at     time.Time // when the rollout began; zero: not known
	undoes bool      // it went back to what ran before
}

// rollouts returns the rollouts that the cluster remembers, oldest first. ok is false when the current one cannot be told
// yet: the caches are filled one after the other, and a controller has its own pace. For the same reason what has a
// higher number than the current one is left out: it is about to be that.
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
		r.event = event.Deployment{Origin: origin(v.id(n.number)), Attempt: 1, Environment: environment, Status: event.Skipped,
			CreatedAt: n.at, StartedAt: n.at}
		r.event.SHA, r.event.Version = what.version()
		if i > 0 {
			before := list[i-1]
			r.restart = before.number == n.number-1 && before.brought.digest != "" && before.brought.digest == n.brought.digest
			if n.undoes && !r.restart {
				r.event.RollbackOf = v.id(before.number)
			}
		}
		if r.current {
			v.judge(&r.event, n.revision)
		}
		all = append(all, r)
	}
	return all, true
}

// numbers returns a revision under each number that it has had, and when it began under each.
func (v *view) numbers(r *revision) []numbered {
	var list []numbered
	made := moment(r.CreationTimestamp.Time)
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
		e.at = v.began
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

// judge says how the current rollout stands.
func (v *view) judge(e *event.Deployment, r *revision) {
	e.Trigger = v.manager
	said := v.verdict
	if said.of != "" && said.of != r.Name || said.of == "" && !v.observed {
		e.Status = event.Running // what is said is still about the rollout before
		return
	}
	e.Status, e.StatusRaw = said.status, said.raw
	if said.status.Final() && (e.StartedAt.IsZero() || !said.finished.Before(e.StartedAt)) {
		e.FinishedAt = said.finished
	}
}
