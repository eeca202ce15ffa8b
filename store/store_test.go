package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

func TestAppendAndSelect(t *testing.T) {
	s := storetest.Open(t)
	ctx := context.Background()
	at := time.Date(2026, 11, 1, 12, 0, 0, 123e6, time.UTC)
	err := s.Append(ctx,
		event.Deployment{Origin: event.Origin{Source: "gh", Provider: "github", Scope: "o/R", ID: "1"}, Attempt: 1, Environment: "prod", Status: event.Succeeded, CreatedAt: at},
		event.Fact{Source: "gh", Entity: "unmapped:github/o/r", Name: "a.b", Type: event.BoolFact, Value: []byte("true"), ObservedAt: at},
		event.Grade{Entity: "e", Scorecard: "s", Rule: "r", Outcome: event.Pass, EvaluatedAt: at},
		event.LedgerEntry{Source: "gh", Scope: "o/R", Of: event.KindChange, WindowStart: at, WindowEnd: at, CheckedAt: at},
	)
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Service    string     `ch:"service"`
		CreatedAt  *time.Time `ch:"created_at"`
		FinishedAt *time.Time `ch:"finished_at"`
	}
	if err := s.Select(ctx, &rows, "SELECT service, created_at, finished_at FROM deployments WHERE service = {s:String}", map[string]any{"s": "unmapped:github/o/R"}); err != nil {
		t.Fatal(err)
	}
	t.Log(rows)
	if len(rows) != 1 || rows[0].CreatedAt == nil || !rows[0].CreatedAt.Equal(at) || rows[0].FinishedAt != nil {
		t.Errorf("got %+v", rows)
	}
	info, err := s.Info(ctx)
	t.Log(info, err)
	for _, v := range []string{"deployments", "pipeline_runs", "pipeline_jobs", "changes", "deployed_changes", "incidents", "people", "facts", "grades", "action_runs", "ledger"} {
		r, err := s.Rows(ctx, "SELECT * FROM "+v, nil)
		if err != nil {
			t.Error(v, err)
			continue
		}
		n := 0
		for r.Next() {
			n++
		}
		t.Log(v, n, r.Columns(), r.Err(), r.Close())
	}
}
