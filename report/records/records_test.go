package records_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/records"
	"github.com/dxctl/dxctl/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

func TestDocumentsHaveTheColumnsOfTheirViews(t *testing.T) {
	s := storetest.Open(t)
	for _, k := range records.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			var columns []struct {
				Name string `ch:"name"`
			}
			err := s.Select(t.Context(), &columns, `SELECT name FROM system.columns
				WHERE database = currentDatabase() AND table = {view:String}`, map[string]any{"view": k.Name})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, c := range columns {
				want = append(want, c.Name)
			}
			got := k.Columns()
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the view (-) and the document (+) have other columns:\n%s", diff)
			}
		})
	}
}

func TestRecordsOfEveryKind(t *testing.T) {
	s := storetest.Open(t)
	at := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	origin := func(id string) event.Origin {
		return event.Origin{Source: "s", Provider: "github", Scope: "o/r", ID: id, URL: "https://x.example/" + id}
	}
	err := s.Append(t.Context(),
		event.Deployment{Origin: origin("d"), Attempt: 1, Environment: "production", Status: event.Succeeded, Ref: "main",
			StartedAt: at, FinishedAt: at.Add(time.Minute)},
		event.PipelineRun{Origin: origin("r"), Attempt: 1, Pipeline: "build", Status: event.Failed, Branch: "main",
			FinishedAt: at},
		event.PipelineJob{Origin: origin("j"), RunID: "r", Attempt: 1, Name: "test", Runner: "large",
			Status: event.Succeeded, CreatedAt: at, StartedAt: at.Add(2 * time.Minute)},
		event.Change{Origin: origin("c"), Repository: "o/r", Number: 7, Author: "ada", CreatedAt: at,
			FirstReviewAt: at.Add(time.Hour), CommitSHAs: []string{"a1", "b2"}},
		event.Incident{Origin: origin("i"), Severity: "high", OpenedAt: at},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		kind   records.Kind
		fields map[string]any // of the document
		row    records.Row
	}{
		{records.Deployments, map[string]any{"environment": "production", "ref": "main", "rollback_of": "",
			"created_at": nil},
			records.Row{Name: "main", Environment: "production", Status: "succeeded", Minutes: new(1.0)}},
		{records.PipelineRuns, map[string]any{"pipeline": "build", "branch": "main", "duration_ms": nil},
			records.Row{Name: "build", Status: "failed"}},
		{records.PipelineJobs, map[string]any{"run_id": "r", "runner": "large"},
			records.Row{Name: "test", Status: "succeeded", Queue: new(2.0)}},
		{records.Changes, map[string]any{"repository": "o/r", "number": 7.0, "status": "open",
			"first_review_at": "2026-11-18T13:00:00Z",
			"merged_at":       nil, "commit_shas": []any{"a1", "b2"}}, records.Row{Name: "#7", Status: "open", Actor: "ada"}},
		{records.Incidents, map[string]any{"severity": "high", "status": "open", "resolved_at": nil},
			records.Row{Name: "high", Status: "open"}},
	} {
		t.Run(tt.kind.Name, func(t *testing.T) {
			list, err := records.List(t.Context(), s, tt.kind, records.Filter{}, records.Latest, 10, 0)
			if err != nil || len(list) != 1 {
				t.Fatalf("%d records, error %v", len(list), err)
			}
			raw, err := json.Marshal(list[0])
			if err != nil {
				t.Fatal(err)
			}
			var doc map[string]any
			if err := json.Unmarshal(raw, &doc); err != nil {
				t.Fatal(err)
			}
			for name, want := range tt.fields {
				got, ok := doc[name]
				if diff := cmp.Diff(want, got); !ok || diff != "" {
					t.Errorf("%s is %v (%t), want %v", name, got, ok, want)
				}
			}
			row := list[0].Row()
			shown := records.Row{Name: row.Name, Environment: row.Environment, Status: row.Status, Minutes: row.Minutes,
				Queue: row.Queue, Actor: row.Actor}
			if diff := cmp.Diff(tt.row, shown); diff != "" {
				t.Errorf("the row (-want +got):\n%s", diff)
			}
			cells := tt.kind.Cells(list[0])
			if len(cells) != len(tt.kind.Columns()) {
				t.Fatalf("%d cells in %d columns", len(cells), len(tt.kind.Columns()))
			}
			for i, name := range tt.kind.Columns() {
				if text, ok := doc[name].(string); ok && len(text) > 0 && cells[i] == "" {
					t.Errorf("the cell of %s is empty, the document has %q", name, text)
				}
			}
		})
	}
}

func TestFiltersOfEveryKind(t *testing.T) {
	s := storetest.Open(t)
	for _, k := range records.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			f := records.Filter{
				Service: "a", Team: "b", Environment: "c", Person: "d", ID: "e", Text: "f", Source: "g", Scope: "h",
				Statuses: k.Statuses,
				From:     time.Unix(1e9, 0), To: time.Unix(2e9, 0), PeopleOnly: true, Delivered: true, Without: "duration",
			}
			if _, err := records.List(t.Context(), s, k, f, records.Latest, 1, 0); err != nil {
				t.Error(err)
			}
			if n, err := records.Count(t.Context(), s, k, f); err != nil || n.N != 0 {
				t.Errorf("%d records, error %v", n.N, err)
			}
			for _, name := range []string{"service", "environment", "person", "source", "scope", "other"} {
				if found, err := records.Recorded(t.Context(), s, k, name, "x"); err != nil || found {
					t.Errorf("%s: found %t, error %v", name, found, err)
				}
			}
		})
	}
}
