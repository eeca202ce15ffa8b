package kubernetes

import (
	"cmp"
	"fmt"
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

// rollouts returns the rollouts that the cluster remembers, oldest first. ok is false when the current one cannot be told
// yet: the caches are filled one after the other, and a controller has its own pace.
func (v *view) rollouts(origin func(id string) event.Origin, environment string) (all []rollout, ok bool) {
	type numbered struct {
		*revision
		number int64
		at     time.Time // when the rollout began; zero: not known
		undoes bool      // it went back to what ran before
	}
	var list []numbered
	for _, r := range v.revisions {
		made := moment(r.CreationTimestamp.Time)
		back := len(r.earlier) > 0
		if v.kind == kindStatefulSet { // gone back to: made before one with a lower number was
			back = slices.ContainsFunc(v.revisions, func(o *revision) bool {
				return o.number < r.number && r.CreationTimestamp.Time.Before(o.CreationTimestamp.Time)
			})
		}
		for i, n := range r.earlier {
			e := numbered{r, n, time.Time{}, i > 0}
			if i == 0 {
				e.at = made
			}
			list = append(list, e)
		}
		if r.number == 0 {
			continue // the controller has not numbered it yet
		}
		e := numbered{r, r.number, made, back}
		if back {
			e.at = time.Time{}
			if v.kind == kindStatefulSet {
				e.at = r.changed
			} else if v.isCurrent(r) {
				e.at = v.began
			}
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	list = slices.CompactFunc(list, func(a, b numbered) bool { return a.number == b.number })
	for i, n := range list {
		r := rollout{number: n.number, current: v.isCurrent(n.revision) && n.number == n.revision.number}
		what := n.brought
		if r.current {
			what = what.or(v.brought)
			ok = true
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
	return all, ok
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

// String is for logs.
func (v *view) String() string { return fmt.Sprintf("%s revision %s", v.key(), v.current) }
