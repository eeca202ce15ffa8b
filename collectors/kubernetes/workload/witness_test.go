package workload

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dxctl/dxctl/event"
)

// TestOnlyWhatWasSeenIsTold plays events of a Deployment whose second rollout gives way to a third.
func TestOnlyWhatWasSeenIsTold(t *testing.T) {
	began := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	first := func(revision string, epoch int64, v Verdict) *Workload {
		return &Workload{
			ObjectMeta: metav1.ObjectMeta{UID: "u", Name: "payment"},
			Kind:       KindDeployment,
			Current:    revision,
			Observed:   true,
			Epoch:      epoch,
			Verdict:    v,
			Touched:    began.Add(15 * time.Minute),
		}
	}
	running := func(of string) Verdict { return Verdict{Status: event.Running, of: of} }
	done := func(of string, minutes int) Verdict {
		return Verdict{Status: event.Succeeded, of: of, finished: began.Add(time.Duration(minutes) * time.Minute)}
	}
	revisions := func() []*Revision {
		var all []*Revision
		for _, name := range []string{"payment-1", "payment-2", "payment-3"} {
			all = append(
				all,
				&Revision{
					ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(began)},
					number:     int64(name[8] - '0'),
				},
			)
		}
		return all
	}
	for _, tc := range []struct {
		name   string
		states []*Workload
		want   event.Status
		ended  time.Time
	}{
		{"it succeeded, and the next one followed in one burst", []*Workload{first("2", 1, running("payment-2")), first("2", 1, done("payment-2", 5)), first("3", 1, running("payment-3"))}, event.Succeeded, began.Add(5 * time.Minute)},
		{"it was overtaken", []*Workload{first("2", 1, running("payment-2")), first("3", 1, running("payment-3"))}, event.Cancelled, began},
		{"it was overtaken while the status was about the one before", []*Workload{first("2", 1, done("payment-1", 1)), first("3", 1, running("payment-3"))}, event.Cancelled, began},
		{"it was overtaken or not: everything was listed anew", []*Workload{first("2", 1, running("payment-2")), first("3", 2, running("payment-3"))}, event.Skipped, time.Time{}},
		{"listed anew, and still under way, then overtaken", []*Workload{first("2", 1, running("payment-2")), first("2", 2, running("payment-2")), first("3", 2, running("payment-3"))}, event.Cancelled, began},
		{"listed anew, and it had succeeded", []*Workload{first("2", 1, running("payment-2")), first("2", 2, done("payment-2", 5)), first("3", 3, running("payment-3"))}, event.Succeeded, began.Add(5 * time.Minute)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := NewWitness()
			k.Appeared(tc.states[0])
			for i, s := range tc.states[1:] {
				k.Changed(tc.states[i], s)
			}
			v := &View{Workload: tc.states[len(tc.states)-1], Revisions: revisions(), Sightings: k.Of("u")}
			all, ok := v.Rollouts(func(id string) event.Origin { return event.Origin{ID: id} }, "")
			if !ok || len(all) != 3 {
				t.Fatalf("%+v", all)
			}
			if e := all[1].Event; e.Status != tc.want || !e.FinishedAt.Equal(tc.ended) {
				t.Errorf("%s, ended %s; want %s, %s", e.Status, e.FinishedAt, tc.want, tc.ended)
			}
			k.Forget(v)
			if left := k.Of("u"); len(left) != 1 {
				t.Errorf("what is past and stored is kept: %v", left)
			}
		})
	}
}
