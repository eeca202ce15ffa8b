package scorecards

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/store"
)

// counted counts the queries of metrics.
type counted struct {
	*store.Store
	metrics *int
}

func (c counted) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	if strings.Contains(sql, "AS minutes") || strings.Contains(sql, "uniqExactIf(v") {
		*c.metrics++
	}
	return c.Store.Select(ctx, dest, sql, params)
}

// TestNumbersAreKeptWhileNothingIsNew: a service that is graded again has the facts that it would have with nothing
// remembered, whatever was stored meanwhile, and the metrics are asked only if something was that they look at.
func TestNumbersAreKeptWhileNothingIsNew(t *testing.T) {
	s, cat := many(t, 2)
	const ref = "component:default/s0"
	m, err := metrics.New(s, clock)
	if err != nil {
		t.Fatal(err)
	}
	memory := (&facts.Memory{}).For(cat)
	origin := func(source, scope, id string) event.Origin {
		return event.Origin{Source: source, Provider: "github", Scope: scope, ID: id}
	}
	at := testNow.Add(-50 * time.Hour)
	fact := func(name, value string, typ event.FactType) event.Fact {
		return event.Fact{Source: "gh", Entity: "unmapped:github/o/s0", Name: name, Type: typ,
			Value: json.RawMessage(value), ObservedAt: at}
	}
	steps := []struct {
		name string
		event.Event
		other bool // the numbers do not depend on it
	}{
		{"a deployment", event.Deployment{Origin: origin("gh", "o/s0", "1"), Attempt: 1, Environment: "production",
			Status: event.Succeeded, Version: "v1", CreatedAt: at, FinishedAt: at.Add(time.Minute)}, false},
		{"the same again", event.Deployment{Origin: origin("gh", "o/s0", "1"), Attempt: 1, Environment: "production",
			Status: event.Failed, Version: "v1", CreatedAt: at, FinishedAt: at.Add(time.Minute)}, false},
		{"a deployment of another service", event.Deployment{Origin: origin("gh", "o/s1", "9"), Attempt: 1,
			Environment: "production", Status: event.Succeeded, Version: "v1", CreatedAt: at}, true},
		{"a run", event.PipelineRun{Origin: origin("gh", "O/S0", "2"), Attempt: 1, Pipeline: "ci", Branch: "trunk",
			Status: event.Succeeded, StartedAt: at, FinishedAt: at.Add(time.Minute)}, false},
		{"the default branch", fact("repository.default_branch", `"trunk"`, event.StringFact), false},
		{"the same default branch", fact("repository.default_branch", `"trunk"`, event.StringFact), true},
		{"another default branch", fact("repository.default_branch", `"main"`, event.StringFact), false},
		{"the creation", fact("repository.created_at", `"2026-01-02T00:00:00Z"`, event.TimeFact), false},
		{"another fact", fact("repository.language", `"Go"`, event.StringFact), true},
		{"a change that names the service", event.Change{Origin: event.Origin{Source: "gl", Provider: "gitlab", Scope: "g/x",
			ID: "3", Service: ref}, Author: "ada", CreatedAt: at, MergedAt: at.Add(time.Hour)}, false},
		{"an incident", event.Incident{Origin: origin("gh", "o/s0", "4"), OpenedAt: at}, false},
		{"a reading", event.LedgerEntry{Source: "gh", Provider: "github", Scope: "o/s0", Of: event.KindDeployment,
			WindowStart: at, WindowEnd: at, CheckedAt: at}, false},
	}
	compute := func(mem *facts.Memory, now time.Time) ([]event.Fact, int) {
		n := 0
		q := counted{s, &n}
		of, err := facts.Of(t.Context(), q, []string{ref}, mem)
		if err != nil {
			t.Fatal(err)
		}
		c, err := facts.Compute(t.Context(), of, m, now, mem)
		if err != nil {
			t.Fatal(err)
		}
		return c.Of(ref), n
	}
	compute(memory, testNow)
	for _, step := range steps {
		if err := s.Append(t.Context(), step.Event); err != nil {
			t.Fatal(err)
		}
		got, asked := compute(memory, testNow)
		want, all := compute(nil, testNow)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-computed +remembered)\n%s", step.name, diff)
		}
		if all == 0 || (asked == 0) != step.other {
			t.Errorf("%s: %d of %d queries of metrics", step.name, asked, all)
		}
	}
	_, asked := compute(memory, testNow.Add(59*time.Minute))
	if asked > 0 {
		t.Errorf("after 59 minutes: %d queries of metrics", asked)
	}
	if _, asked := compute(memory, testNow.Add(time.Hour)); asked == 0 {
		t.Error("after an hour: no query of metrics; windows end now")
	}
	if _, asked := compute(memory.For(new(int)), testNow.Add(time.Hour)); asked == 0 {
		t.Error("with another catalog: no query of metrics")
	}
}
