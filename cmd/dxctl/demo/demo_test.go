package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

var testNow = time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)

// counts returns how many events there are of each kind.
func counts(o *Organization) map[event.Kind]int {
	return map[event.Kind]int{
		event.KindDeployment:  len(o.deployments),
		event.KindPipelineRun: len(o.runs),
		event.KindPipelineJob: len(o.jobs),
		event.KindChange:      len(o.changes),
		event.KindIncident:    len(o.incidents),
		event.KindFact:        len(o.facts),
		event.KindLedger:      len(o.ledger),
		event.KindActionBatch: len(o.batches),
		event.KindActionRun:   len(o.fixes),
		event.KindActionStep:  len(o.steps),
	}
}

func TestEveryEventIsValidAndBeforeToday(t *testing.T) {
	o := Generate(testNow)
	seen := map[string]bool{}
	n := 0
	err := o.Events(10_000, func(batch []event.Event) error {
		if len(batch) == 0 || len(batch) > 10_000 {
			return fmt.Errorf("a batch of %d", len(batch))
		}
		n += len(batch)
		for _, e := range batch {
			if e.Kind() != batch[0].Kind() {
				return fmt.Errorf("a batch of %s holds a %s", batch[0].Kind(), e.Kind())
			}
			if err := e.Validate(); err != nil {
				return err
			}
			if err := check(o, e, seen); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, of := range counts(o) {
		want += of
	}
	if n != want {
		t.Errorf("Events yields %d events, want %d", n, want)
	}
	t.Logf("%d events: %v", n, counts(o))
	if n < 60_000 || n > 200_000 {
		t.Errorf("%d events", n)
	}
}

// check reports an event that no real source could have given.
func check(o *Organization, e event.Event, seen map[string]bool) error {
	once := func(of event.Origin, attempt uint16, order ...time.Time) error {
		key := fmt.Sprint(e.Kind(), of.Source, "|", of.Scope, "|", of.ID, "|", attempt)
		if seen[key] {
			return fmt.Errorf("%s occurs twice", key)
		}
		seen[key] = true
		if of.URL != "" && !strings.Contains(of.URL, "."+domain+"/") {
			return fmt.Errorf("%s: the address %s could be somebody's", key, of.URL)
		}
		var last time.Time
		for _, at := range order {
			if at.IsZero() {
				continue
			}
			if at.Before(last) || !at.Before(o.Today) || !at.Equal(at.Truncate(time.Millisecond)) {
				return fmt.Errorf("%s: %v is not in order, not before today or finer than a millisecond", key, order)
			}
			last = at
		}
		return nil
	}
	switch e := e.(type) {
	case event.Deployment:
		return once(e.Origin, e.Attempt, e.CreatedAt, e.StartedAt, e.FinishedAt)
	case event.PipelineRun:
		if e.FinishedAt.Before(e.StartedAt) { // a few clocks go back, on purpose
			return once(e.Origin, e.Attempt, e.CreatedAt, e.StartedAt)
		}
		return once(e.Origin, e.Attempt, e.CreatedAt, e.StartedAt, e.FinishedAt)
	case event.PipelineJob:
		return once(e.Origin, e.Attempt, e.CreatedAt, e.StartedAt, e.FinishedAt)
	case event.Change:
		return once(e.Origin, 1, e.FirstCommitAt, e.CreatedAt, e.FirstReviewAt, e.ApprovedAt, e.MergedAt, e.ClosedAt)
	case event.Incident:
		return once(e.Origin, 1, e.OpenedAt, e.AcknowledgedAt, e.ResolvedAt)
	}
	return nil
}

func TestTwoGenerationsAreIdentical(t *testing.T) {
	first, second := digest(t, testNow), digest(t, testNow.Add(7*time.Hour))
	if first != second {
		t.Errorf("two generations of one day differ: %s and %s", first, second)
	}
	if other := digest(t, testNow.Add(-day)); other == first {
		t.Error("another day gives the same organization")
	}
	// The same on every machine: a change of this number is a change of the demo organization, and says so in a diff.
	const want = "efcba132044ba14d"
	if first != want {
		t.Errorf("the demo organization changed: its digest is %s; when that was meant, write it here", first)
	}
}

func digest(t *testing.T, now time.Time) string {
	t.Helper()
	o := Generate(now)
	h := sha256.New()
	err := o.Events(5000, func(batch []event.Event) error { return json.NewEncoder(h).Encode(batch) })
	if err == nil {
		err = o.Past(func(r Reading) error { return json.NewEncoder(h).Encode(r) })
	}
	if err != nil {
		t.Fatal(err)
	}
	files := o.catalogFiles()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		write(h, name, files[name])
	}
	write(h, "people.csv", o.peopleCSV())
	write(h, "goals.yaml", o.campaignFile())
	for _, s := range o.Surveys() {
		write(h, s.ID+".yaml", s.definition())
		write(h, s.ID+".csv", s.Export)
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:16]
}

func write(h hash.Hash, name string, content []byte) { fmt.Fprintf(h, "%s\n%s\n", name, content) }

// 120 engineers, on whatever day of the year the demo is shown.
func TestPeople(t *testing.T) {
	for n := range 500 {
		c := newCalendar(testNow.AddDate(0, 0, n))
		active, seen := 0, map[string]bool{}
		for _, p := range staff(c) {
			for _, name := range []string{"person " + p.id, "login " + p.login, "account " + p.account} {
				if seen[name] {
					t.Errorf("%s occurs twice", name)
				}
				seen[name] = true
			}
			if p.left.IsZero() && p.started.Before(c.today) {
				active++
			}
			if !p.left.IsZero() && !p.left.Before(c.today) {
				t.Errorf("%s: %s leaves in the future, on %s", date(c.today), p.id, date(p.left))
			}
			if !p.firstAt.Before(c.today) {
				t.Errorf("%s: %s deploys in the future, at %s", date(c.today), p.id, p.firstAt)
			}
		}
		if active != 120 {
			t.Fatalf("%s: %d engineers, want 120", date(c.today), active)
		}
	}
}

func TestEverythingSaysThatItIsSynthetic(t *testing.T) {
	o := Generate(testNow)
	for name, content := range o.catalogFiles() {
		if !bytes.HasPrefix(content, []byte("# Synthetic")) {
			t.Errorf("%s does not say that it is synthetic", name)
		}
	}
	if err := o.Events(1000, func(batch []event.Event) error {
		for _, e := range batch {
			if c, ok := e.(event.Change); ok && !strings.HasPrefix(c.Source, "demo-") {
				return fmt.Errorf("the source %s does not", c.Source)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		Generate(testNow)
	}
}
