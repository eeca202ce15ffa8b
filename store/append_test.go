package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// noon is an instant with milliseconds, in the zone that the store gives back.
var noon = time.Date(2026, 11, 1, 12, 0, 0, 123e6, time.UTC)

func origin(id string) event.Origin {
	return event.Origin{Source: "gh", Provider: "github", Scope: "Org/Repo", ID: id, URL: "https://example.org/" + id}
}

func mustAppend(t testing.TB, s *store.Store, events ...event.Event) {
	t.Helper()
	if err := s.Append(context.Background(), events...); err != nil {
		t.Fatal(err)
	}
}

// all reads a query's rows as structs of type T.
func all[T any](t testing.TB, s *store.Store, sql string) []T {
	t.Helper()
	var rows []T
	if err := s.Select(context.Background(), &rows, sql, nil); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

// number reads the one number of a query's column n.
func number(t testing.TB, s *store.Store, sql string) uint64 {
	t.Helper()
	rows := all[struct {
		N uint64 `ch:"n"`
	}](t, s, sql)
	if len(rows) != 1 {
		t.Fatalf("%s: %d rows", sql, len(rows))
	}
	return rows[0].N
}

func TestEveryFieldOfADeploymentComesBack(t *testing.T) {
	s := storetest.Open(t)
	d := event.Deployment{
		Origin:         origin("1"),
		Attempt:        2,
		Environment:    "Prod",
		Status:         event.Succeeded,
		StatusRaw:      "success",
		CreatedAt:      noon,
		StartedAt:      noon.Add(time.Second).In(time.FixedZone("x", 3*3600)),
		SHA:            "abc",
		Ref:            "main",
		Version:        "v1",
		Actor:          "Octocat",
		Bot:            true,
		Trigger:        "push",
		Baseline:       true,
		RollbackOf:     "0",
		EnvironmentKey: "prod",
	}
	mustAppend(t, s, d)
	type row struct {
		Service    string     `ch:"service"`
		Env        string     `ch:"environment"`
		ID         string     `ch:"id"`
		Attempt    uint16     `ch:"attempt"`
		Status     string     `ch:"status"`
		StatusRaw  string     `ch:"status_raw"`
		CreatedAt  *time.Time `ch:"created_at"`
		StartedAt  *time.Time `ch:"started_at"`
		FinishedAt *time.Time `ch:"finished_at"`
		SHA        string     `ch:"sha"`
		Ref        string     `ch:"ref"`
		Version    string     `ch:"version"`
		Actor      string     `ch:"actor"`
		Person     string     `ch:"person"`
		Bot        bool       `ch:"bot"`
		Trigger    string     `ch:"trigger"`
		Baseline   bool       `ch:"baseline"`
		RollbackOf string     `ch:"rollback_of"`
		EnvRaw     string     `ch:"environment_raw"`
		EnvKey     string     `ch:"environment_key"`
		Source     string     `ch:"source"`
		Scope      string     `ch:"scope"`
		URL        string     `ch:"url"`
	}
	started := noon.Add(time.Second)
	want := row{
		Service:    "unmapped:github/Org/Repo",
		Env:        "prod",
		ID:         "1",
		Attempt:    2,
		Status:     "succeeded",
		StatusRaw:  "success",
		CreatedAt:  &noon,
		StartedAt:  &started,
		SHA:        "abc",
		Ref:        "main",
		Version:    "v1",
		Actor:      "Octocat",
		Bot:        true,
		Trigger:    "push",
		Baseline:   true,
		RollbackOf: "0",
		EnvRaw:     "Prod",
		EnvKey:     "prod",
		Source:     "gh",
		Scope:      "Org/Repo",
		URL:        "https://example.org/1",
	}
	got := all[row](t, s, "SELECT * FROM deployments")
	if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestEveryKindIsStored(t *testing.T) {
	s := storetest.Open(t)
	strange := "a\x00b\xff'\\\n日本"
	mustAppend(
		t,
		s,
		event.Deployment{Origin: origin("d"), Status: event.Queued},
		event.PipelineRun{Origin: origin("r"), Attempt: 1, Status: event.Failed, Branch: strange},
		event.PipelineJob{Origin: origin("j"), RunID: "r", Attempt: 1, Name: strange, Status: event.Failed},
		event.Change{Origin: origin("c"), Number: 1 << 60, Title: strange, CommitSHAs: []string{"a", strange}, Additions: 7},
		event.Incident{Origin: origin("i"), Severity: "high", OpenedAt: noon},
		event.Descriptor{
			Source:     "gh",
			Provider:   "github",
			Scope:      "s",
			Location:   "catalog-info.yaml",
			Document:   strange,
			Revision:   "r",
			ObservedAt: noon,
		},
		event.Fact{Source: "gh", Entity: "e", Name: "n", Type: event.StringFact, Value: []byte(`"x"`), ObservedAt: noon},
		event.Grade{Entity: "e", Scorecard: "s", Rule: "r", Outcome: event.Pass, EvaluatedAt: noon},
		event.LedgerEntry{
			Source:      "gh",
			Scope:       "s",
			Of:          event.KindChange,
			WindowStart: noon,
			WindowEnd:   noon.Add(time.Hour),
			Expected:    5,
			Stored:      3,
			CheckedAt:   noon,
		},
	)
	for table, want := range map[string]uint64{
		"deployments": 1, "pipeline_runs": 1, "pipeline_jobs": 1, "changes": 1, "incidents": 1, "raw_descriptors": 1, "ledger": 1,
		"current_facts": 1, "fact_history": 1, "current_grades": 1, "grade_history": 1,
	} {
		if got := number(t, s, "SELECT count() AS n FROM "+table); got != want {
			t.Errorf("%s has %d rows, want %d", table, got, want)
		}
	}
	changes := all[struct {
		Title  string     `ch:"title"`
		SHAs   []string   `ch:"commit_shas"`
		Number uint64     `ch:"number"`
		Merged *time.Time `ch:"merged_at"`
	}](t, s, "SELECT title, commit_shas, number, merged_at FROM changes")
	if c := changes[0]; c.Title != strange || !reflect.DeepEqual(c.SHAs, []string{"a", strange}) || c.Number != 1<<60 ||
		c.Merged != nil {
		t.Errorf("the change came back as %+v", c)
	}
	if got := number(t, s, "SELECT gap AS n FROM ledger"); got != 2 {
		t.Errorf("the gap is %d, want 2", got)
	}
}

// An entry of the ledger claims that what it counts is stored, so it is not stored where that fails.
func TestLedgerIsWrittenLast(t *testing.T) {
	s := storetest.Open(t)
	if err := s.Exec(t.Context(), "DROP TABLE raw_incidents"); err != nil {
		t.Fatal(err)
	}
	entry := event.LedgerEntry{Source: "gh", Scope: "s", Of: event.KindIncident, WindowStart: noon,
		WindowEnd: noon.Add(time.Hour), Expected: 1, Stored: 1, CheckedAt: noon}
	if err := s.Append(t.Context(), entry, event.Incident{Origin: origin("i"), OpenedAt: noon}); err == nil {
		t.Error("an incident was stored without its table")
	}
	if n := number(t, s, "SELECT count() AS n FROM raw_ledger"); n != 0 {
		t.Errorf("the ledger has %d entries", n)
	}
	mustAppend(t, s, entry)
	if n := number(t, s, "SELECT count() AS n FROM raw_ledger"); n != 1 {
		t.Errorf("the ledger has %d entries", n)
	}
}

func TestLaterObservationWins(t *testing.T) {
	s := storetest.Open(t)
	run := func(status event.Status) event.PipelineRun {
		return event.PipelineRun{Origin: origin("1"), Attempt: 1, Status: status}
	}
	statuses := func() []string {
		var out []string
		for _, r := range all[struct {
			Status string `ch:"status"`
		}](t, s, "SELECT status FROM pipeline_runs ORDER BY attempt") {
			out = append(out, r.Status)
		}
		return out
	}
	mustAppend(t, s, run(event.Queued), run(event.Running)) // in one call
	if got := statuses(); !reflect.DeepEqual(got, []string{"running"}) {
		t.Errorf("got %v", got)
	}
	mustAppend(t, s, run(event.Succeeded))
	mustAppend(t, s, run(event.Succeeded)) // collecting twice changes nothing
	second := run(event.Failed)
	second.Attempt = 2
	mustAppend(t, s, second)
	if got := statuses(); !reflect.DeepEqual(got, []string{"succeeded", "failed"}) {
		t.Errorf("got %v", got)
	}
}

func TestClockThatGoesBack(t *testing.T) {
	clock := noon
	s := storetest.OpenEmpty(t, store.Options{Now: func() time.Time { return clock }})
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	status := func() string {
		return all[struct {
			Status string `ch:"status"`
		}](t, s, "SELECT status FROM pipeline_runs")[0].Status
	}
	mustAppend(t, s, event.PipelineRun{Origin: origin("1"), Attempt: 1, Status: event.Queued})
	clock = clock.Add(-48 * time.Hour)
	mustAppend(t, s, event.PipelineRun{Origin: origin("1"), Attempt: 1, Status: event.Running})
	if got := status(); got != "running" {
		t.Errorf("within a process: %s", got)
	}
	// Another run of the program, with the clock still behind.
	again, err := store.Open(t.Context(), store.Config{DSN: "embedded:x?database=" + info.Database},
		store.Options{Engine: storetest.Engine(t), Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	mustAppend(t, again, event.PipelineRun{Origin: origin("1"), Attempt: 1, Status: event.Succeeded})
	if got := status(); got != "succeeded" {
		t.Errorf("after a restart: %s", got)
	}
}

func TestInvalidEventsAreRefusedTogether(t *testing.T) {
	s := storetest.Open(t)
	events := []event.Event{event.PipelineRun{Origin: origin("good"), Attempt: 1, Status: event.Failed}}
	for i := range 20 {
		events = append(events, event.PipelineRun{Origin: origin(fmt.Sprint("bad", i)), Attempt: 1, Status: "odd"})
	}
	err := s.Append(t.Context(), events...)
	for _, want := range []string{"20 of 21", "bad0", "and 15 more"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if got := number(t, s, "SELECT count() AS n FROM pipeline_runs"); got != 0 {
		t.Errorf("%d rows were stored", got)
	}
}

func TestAppendBeforeMigrate(t *testing.T) {
	s := storetest.OpenEmpty(t, store.Options{})
	err := s.Append(t.Context(), event.PipelineRun{Origin: origin("1"), Attempt: 1, Status: event.Failed})
	if err == nil || !strings.Contains(err.Error(), "raw_pipeline_runs") {
		t.Errorf("got %v", err)
	}
}

func TestConcurrentBlocks(t *testing.T) {
	s := storetest.Open(t)
	const n = 210_000 // more than a block
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.PipelineJob{
			Origin:    origin(fmt.Sprint(i)),
			RunID:     "r",
			Attempt:   1,
			Name:      "build",
			Status:    event.Succeeded,
			StartedAt: noon,
		}
	}
	mustAppend(t, s, events...)
	if got := number(t, s, "SELECT uniqExact(seq) AS n FROM raw_pipeline_jobs"); got != n {
		t.Errorf("%d numbers for %d rows", got, n)
	}
}

func TestFactsAreKeptWhenTheyChange(t *testing.T) {
	s := storetest.Open(t)
	fact := func(after time.Duration, value, err string) event.Fact {
		f := event.Fact{
			Source:     "gh",
			Entity:     "component:default/x",
			Name:       "ci.p95_minutes",
			Type:       event.NumberFact,
			ObservedAt: noon.Add(after),
			Error:      err,
		}
		if err == "" {
			f.Value = []byte(value)
		}
		return f
	}
	other := fact(0, "1", "")
	other.Name = "other"
	for _, f := range []event.Fact{fact(0, "5", ""), fact(1*time.Hour, "5", ""), fact(2*time.Hour, "6.5", ""), fact(3*time.Hour, "", "no access"), fact(4*time.Hour, "", "no access"), fact(5*time.Hour, "6.5", "")} {
		mustAppend(t, s, f, other)
	}
	// several in one call
	mustAppend(t, s, fact(6*time.Hour, "7", ""), fact(7*time.Hour, "7", ""), fact(8*time.Hour, "8", ""))
	type row struct {
		Value string    `ch:"value"`
		Error string    `ch:"error"`
		From  time.Time `ch:"valid_from"`
	}
	got := all[row](t, s, "SELECT value, error, valid_from FROM fact_history FINAL WHERE fact = 'ci.p95_minutes' ORDER "+
		"BY valid_from")
	want := []row{
		{"5", "", noon},
		{"6.5", "", noon.Add(2 * time.Hour)},
		{"", "no access", noon.Add(3 * time.Hour)},
		{"6.5", "", noon.Add(5 * time.Hour)},
		{"7", "", noon.Add(6 * time.Hour)},
		{"8", "", noon.Add(8 * time.Hour)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the history (-want +got):\n%s", diff)
	}
	if n := number(t, s, "SELECT count() AS n FROM fact_history WHERE fact = 'other'"); n != 1 {
		t.Errorf("a fact that did not change has %d rows", n)
	}
	current := all[struct {
		Value    string    `ch:"value"`
		Observed time.Time `ch:"observed_at"`
	}](t, s, "SELECT value, observed_at FROM current_facts FINAL WHERE fact = 'ci.p95_minutes'")
	if len(current) != 1 || current[0].Value != "8" || !current[0].Observed.Equal(noon.Add(8*time.Hour)) {
		t.Errorf("now it is %v", current)
	}
}

func TestListsAreComparedByValue(t *testing.T) {
	s := storetest.Open(t)
	for i, value := range []string{`["a","b"]`, `[ "a", "b" ]`} {
		mustAppend(
			t,
			s,
			event.Fact{
				Source:     "gh",
				Entity:     "e",
				Name:       "n",
				Type:       event.ListFact,
				Value:      []byte(value),
				ObservedAt: noon.Add(time.Duration(i) * time.Hour),
			},
		)
	}
	if n := number(t, s, "SELECT count() AS n FROM fact_history"); n != 1 {
		t.Errorf("%d rows of history for one value", n)
	}
}

func TestGradesAreKeptWhenTheyChange(t *testing.T) {
	s := storetest.Open(t)
	grade := func(day int, change func(*event.Grade)) event.Grade {
		g := event.Grade{
			Entity:      "e",
			Scorecard:   "s",
			Rule:        "r",
			RuleVersion: 1,
			Level:       "gold",
			Outcome:     event.Pass,
			Reason:      "fine",
			EvaluatedAt: noon.AddDate(0, 0, day),
		}
		if change != nil {
			change(&g)
		}
		return g
	}
	steps := []struct {
		name   string
		change func(*event.Grade)
		rows   uint64
	}{
		{"first", nil, 1},
		{"the same", nil, 1},
		{"another url", func(g *event.Grade) { g.URL = "u" }, 1},
		{"another reason", func(g *event.Grade) { g.Reason = "so so" }, 2},
		{"another outcome", func(g *event.Grade) { g.Outcome = event.Fail }, 3},
		{"another version", func(g *event.Grade) { g.RuleVersion, g.Outcome = 2, event.Fail }, 4},
		{"another level", func(g *event.Grade) { g.RuleVersion, g.Outcome, g.Level = 2, event.Fail, "silver" }, 5},
	}
	for day, step := range steps {
		mustAppend(t, s, grade(day, step.change))
		if got := number(t, s, "SELECT count() AS n FROM grade_history"); got != step.rows {
			t.Errorf("%s: %d rows of history, want %d", step.name, got, step.rows)
		}
	}
	if got := number(t, s, "SELECT toUInt64(dateDiff('day', toDateTime('2026-11-01 12:00:00'), evaluated_at)) AS n "+
		"FROM current_grades FINAL"); got != uint64(len(steps)-1) {
		t.Errorf("the current grade is of day %d", got)
	}
}

func TestAppendEndsWithItsContext(t *testing.T) {
	s := storetest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Append(ctx, event.PipelineRun{Origin: origin("1"), Attempt: 1, Status: event.Failed})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestConcurrentAppends has several writers and readers at once: every row has a number of its own, and readers see
// whole batches.
func TestConcurrentAppends(t *testing.T) {
	s := storetest.Open(t)
	const writers, batches, size = 4, 5, 40
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for b := range batches {
				var events []event.Event
				for i := range size {
					id := fmt.Sprint(w, "-", b, "-", i)
					events = append(events,
						event.PipelineRun{Origin: origin("run" + id), Attempt: 1, Status: event.Succeeded, StartedAt: noon},
						event.Fact{Source: "gh", Entity: "component:default/s" + fmt.Sprint(i), Name: "repository.files.readme",
							Type: event.BoolFact, Value: json.RawMessage(fmt.Sprint(b%2 == 0)), ObservedAt: noon.Add(time.Duration(b) * time.Hour)})
				}
				if err := s.Append(t.Context(), events...); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range batches {
				var rows []struct {
					N uint64 `ch:"n"`
				}
				if err := s.Select(t.Context(), &rows, "SELECT count() AS n FROM pipeline_runs", nil); err != nil {
					t.Error(err)
				} else if rows[0].N%size != 0 {
					t.Errorf("%d rows: a part of a batch", rows[0].N)
				}
				if _, err := s.Info(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := number(t, s, "SELECT uniqExact(seq) AS n FROM raw_pipeline_runs"); got != writers*batches*size {
		t.Errorf("%d numbers for %d rows", got, writers*batches*size)
	}
	if got := number(t, s, "SELECT count() AS n FROM pipeline_runs"); got != writers*batches*size {
		t.Errorf("%d runs, want %d", got, writers*batches*size)
	}
}
