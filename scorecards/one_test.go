package scorecards

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/store"
)

// busy stores a random organization's records: of two sources that spell scopes differently, of scopes that are bound
// to one source only or to nothing, of bots, of environments with names of their own, and pushed facts.
func busy(t *testing.T, s *store.Store, services int, r *rand.Rand) {
	t.Helper()
	ref := func(i int) string { return fmt.Sprintf("component:default/s%d", i) }
	type bound struct {
		Provider string `ch:"provider"`
		Scope    string `ch:"scope"`
		Source   string `ch:"source"`
		Service  string `ch:"service"`
	}
	var bindings []bound
	for i := range services {
		bindings = append(bindings, bound{"github", fmt.Sprintf("o/s%d", i), "", ref(i)})
	}
	bindings = append(bindings, bound{"github", "o/s0", "ghes", ref(1)}, bound{"github", "o/s2", "gh", ref(2)},
		bound{"jenkins", "jobs/s3", "", ref(3)}, bound{"github", "o/extra", "ghes", ref(4)})
	for part, rows := range map[string]any{
		"bindings": bindings,
		"identities": []struct {
			Provider string `ch:"provider"`
			Login    string `ch:"login"`
			Bot      bool   `ch:"bot"`
		}{{"github", "robot", true}, {"", "helper", true}, {"github", "ada", false}},
		"environments": []struct {
			Raw         string `ch:"raw"`
			Environment string `ch:"environment"`
		}{{"live", "production"}, {"qa", "staging"}},
		"facts": []struct {
			Name   string `ch:"name"`
			Source string `ch:"source"`
		}{{"on_call.", "push"}, {"repository.language", "gh"}},
	} {
		if err := s.Replace(t.Context(), part, rows); err != nil {
			t.Fatal(err)
		}
	}
	var events []event.Event
	for n := range 1500 {
		events = append(events, busyEvents(r, n, services, ref)...)
	}
	if err := s.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
}

// pick returns one of the elements.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// busyEvents returns a record of each kind, and facts of the services.
func busyEvents(r *rand.Rand, n, services int, ref func(int) string) []event.Event {
	i := r.IntN(services)
	at := testNow.Add(-time.Duration(r.IntN(120*24*60)) * time.Minute)
	origin := event.Origin{Source: pick(r, "gh", "ghes"), Provider: "github", Scope: fmt.Sprintf("%s/s%d", pick(r, "o", "O"), i),
		ID: fmt.Sprint(n % 700)}
	switch r.IntN(8) {
	case 0:
		origin.Provider, origin.Source, origin.Scope = "jenkins", "ci", fmt.Sprintf("Jobs/s%d", i)
	case 1:
		origin.Scope = "o/extra"
	case 2:
		origin.Service = ref(i)
	}
	who := pick(r, "Ada", "Robot", "helper", "bob", "")
	var none time.Time
	events := []event.Event{
		event.Deployment{Origin: origin, Attempt: 1, Environment: pick(r, "production", "Live", "qa", "staging", "test"),
			Status: pick(r, event.Succeeded, event.Succeeded, event.Failed), Version: pick(r, "", "v1", fmt.Sprint("v", n)),
			Actor: who, CreatedAt: at, FinishedAt: pick(r, none, at.Add(time.Minute)), Baseline: r.IntN(20) == 0},
		event.PipelineRun{Origin: origin, Attempt: 1, Pipeline: "ci", Branch: pick(r, "main", "trunk", "x", ""),
			Trigger: pick(r, "push", "schedule", "pull_request"), Status: pick(r, event.Succeeded, event.Failed, event.Cancelled),
			Actor: who, StartedAt: at, FinishedAt: pick(r, at.Add(-time.Hour), at.Add(time.Duration(n)*time.Second))},
	}
	if origin.Source == "gh" || origin.Source == "ci" && i%2 == 0 {
		c := event.Change{Origin: origin, Author: who, CreatedAt: at, MergedAt: pick(r, none, at.Add(time.Hour))}
		if origin.Source == "gh" {
			c.ApprovedAt = pick(r, none, at.Add(time.Minute), at.Add(2*time.Hour))
		}
		events = append(events, c)
	}
	if n < 60 {
		events = append(events, event.Incident{Origin: origin, OpenedAt: at}, event.LedgerEntry{
			Source: origin.Source, Provider: origin.Provider, Scope: origin.Scope,
			Of:          pick(r, event.KindDeployment, event.KindPipelineRun, event.KindChange),
			WindowStart: at.AddDate(0, -1, 0), WindowEnd: at, CheckedAt: at.Add(time.Hour),
		})
	}
	return append(events, busyFact(r, i, ref, origin, at))
}

// busyFact returns a fact that a source observed of the service, or of a scope.
func busyFact(r *rand.Rand, i int, ref func(int) string, origin event.Origin, at time.Time) event.Fact {
	d := pick(r, facts.Catalog()...)
	if r.IntN(3) == 0 {
		for _, known := range facts.Catalog() {
			if known.Name == pick(r, "repository.default_branch", "repository.created_at", "on_call.schedule_people",
				"repository.language") {
				d = known
			}
		}
	}
	value := map[event.FactType]any{
		event.BoolFact: r.IntN(2) == 0, event.NumberFact: r.IntN(9), event.StringFact: pick(r, "trunk", "main", "Go"),
		event.TimeFact: at.Truncate(time.Second), event.ListFact: []string{},
	}[d.Type]
	raw, _ := json.Marshal(value)
	f := event.Fact{
		Source: pick(r, origin.Source, "push"), Entity: ref(i), Name: d.Name, Type: d.Type, Value: raw, ObservedAt: at,
	}
	if r.IntN(2) == 0 {
		f.Entity = "unmapped:" + origin.Provider + "/" + origin.Scope
	}
	if r.IntN(4) == 0 {
		f.ExpiresAt = at.Add(time.Duration(r.IntN(2000)) * time.Hour)
	}
	if r.IntN(8) == 0 {
		f.Value, f.Error = nil, "it could not be read"
	}
	return f
}

// TestOneServiceIsGradedAsAll: the facts and the grades of one service, which are read for it alone, are those that it
// has among all, in an organization with records of every kind.
func TestOneServiceIsGradedAsAll(t *testing.T) {
	const services = 5
	for seed := range uint64(2) {
		s, cat := many(t, services)
		busy(t, s, services, rand.New(rand.NewPCG(seed, 7)))
		e, m := engines(t, s, clock)
		reports, err := e.Refresh(t.Context(), s, cat, m, nil)
		if err != nil {
			t.Fatal(err)
		}
		compareOne(t, s, m, services)
		want := map[string]Report{}
		for _, r := range reports {
			want[r.Entity+" "+r.Scorecard] = r
		}
		for _, entity := range cat.Services() {
			one, err := e.Refresh(t.Context(), s, cat, m, []string{entity.Ref})
			if err != nil || len(one) != len(builtInCards) {
				t.Fatal(len(one), err)
			}
			for _, got := range one {
				if diff := cmp.Diff(want[got.Entity+" "+got.Scorecard], got, cmpopts.IgnoreUnexported(Result{})); diff != "" {
					t.Fatalf("seed %d: %s %s (-all +one)\n%s", seed, got.Entity, got.Scorecard, diff)
				}
			}
		}
	}
}

func asked(t *testing.T, s *store.Store, ref string) facts.Asked {
	t.Helper()
	a, err := facts.Of(t.Context(), s, []string{ref}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// compareOne compares the computed and the stored facts of each service with those among all.
func compareOne(t *testing.T, s *store.Store, m *metrics.Engine, services int) {
	t.Helper()
	all, err := facts.Compute(t.Context(), facts.All(s), m, testNow, nil)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := facts.Read(t.Context(), facts.All(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	computed, read := 0, 0
	for i := range services {
		ref := fmt.Sprintf("component:default/s%d", i)
		one, err := facts.Compute(t.Context(), asked(t, s, ref), m, testNow, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all.Of(ref), one.Of(ref)); diff != "" {
			t.Errorf("computed facts of %s (-all +one)\n%s", ref, diff)
		}
		for _, f := range all.Of(ref) {
			if f.Error == "" {
				computed++
			}
		}
		alone, err := facts.Read(t.Context(), asked(t, s, ref), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(stored[ref], alone[ref]); diff != "" || len(alone) != 1 {
			t.Errorf("stored facts of %s of %d entities (-all +one)\n%s", ref, len(alone), diff)
		}
		read += len(alone[ref])
	}
	if computed < 10*services || read < 30*services {
		t.Errorf("only %d computed and %d stored facts compared", computed, read)
	}
}
