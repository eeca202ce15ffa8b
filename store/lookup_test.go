package store_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestRowsHaveEveryColumn compares row structs with the tables: a column that a migration adds and no struct has would
// silently keep its default.
func TestRowsHaveEveryColumn(t *testing.T) {
	s := storetest.Open(t)
	for table, columns := range store.RowColumns() {
		columns = append(columns, "seq")
		slices.Sort(columns)
		var want []string
		for _, r := range all[struct {
			Name string `ch:"name"`
		}](t, s, "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '"+table+"' ORDER BY name") {
			want = append(want, r.Name)
		}
		if !slices.Equal(columns, want) {
			t.Errorf("the rows of %s have the columns\n%q, the table has\n%q", table, columns, want)
		}
	}
}

func TestCountRecords(t *testing.T) {
	s := storetest.Open(t)
	run := func(scope, id string, attempt uint16, status event.Status, after time.Duration) event.PipelineRun {
		r := event.PipelineRun{Origin: origin(id), Attempt: attempt, Status: status, CreatedAt: noon.Add(after)}
		r.Scope = scope
		return r
	}
	mustAppend(
		t,
		s,
		run("a", "1", 1, event.Failed, 0),
		run("a", "1", 2, event.Running, 0), // one record, open
		run("a", "2", 1, event.Running, time.Hour),
		run("a", "2", 2, event.Succeeded, time.Hour),
		run("a", "3", 1, event.Queued, 2*time.Hour),
		run("b", "1", 1, event.Failed, 0),
		event.Incident{
			Origin:   origin("i"),
			OpenedAt: noon,
		},
		event.Incident{Origin: origin("ended"), OpenedAt: noon, EndUnknown: true},
	)
	for _, tc := range []struct {
		name         string
		kind         event.Kind
		scopes       []string
		from, to     time.Time
		stored, open map[string]uint64
	}{
		{"unknown scopes", event.KindPipelineRun, []string{"x"}, time.Time{}, time.Time{}, map[string]uint64{}, map[string]uint64{}},
		{"attempts count once", event.KindPipelineRun, []string{"a", "b", "x"}, time.Time{}, time.Time{},
			map[string]uint64{"a": 3, "b": 1}, map[string]uint64{"a": 2, "b": 0}},
		{"the start counts, the end does not", event.KindPipelineRun, []string{"a"}, noon.Add(time.Hour), noon.Add(2 * time.Hour),
			map[string]uint64{"a": 1}, map[string]uint64{"a": 0}},
		{"an incident is over though its end is unknown", event.KindIncident, []string{"Org/Repo"}, time.Time{}, time.Time{},
			map[string]uint64{"Org/Repo": 2}, map[string]uint64{"Org/Repo": 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stored, open, err := s.CountRecords(t.Context(), tc.kind, "gh", tc.scopes, tc.from, tc.to)
			if err != nil || !maps.Equal(stored, tc.stored) || !maps.Equal(open, tc.open) {
				t.Errorf("got %v and %v open, %v", stored, open, err)
			}
		})
	}
	if _, _, err := s.CountRecords(t.Context(), event.KindFact, "gh", []string{"a"}, noon, noon); err == nil {
		t.Error("facts are counted")
	}
	open, err := s.OpenRecords(t.Context(), event.KindPipelineRun, "gh", "a", noon.Add(time.Minute))
	if want := map[string]time.Time{"3": noon.Add(2 * time.Hour)}; err != nil || !maps.Equal(open, want) {
		t.Errorf("open records are %v, %v", open, err)
	}
	if _, err := s.OpenRecords(t.Context(), event.KindChange, "gh", "a", noon); err == nil {
		t.Error("open changes are listed")
	}
}

func TestPipelineRuns(t *testing.T) {
	s := storetest.Open(t)
	run := event.PipelineRun{Origin: origin("1"), Attempt: 1, Status: event.Failed, CreatedAt: noon, Duration: time.Second}
	pushed := run
	pushed.MergeState = `{"said":{}}`
	mustAppend(t, s, pushed)
	got, err := s.PipelineRuns(t.Context(), "gh", "Org/Repo", []string{"1", "2"})
	if err != nil || !reflect.DeepEqual(got, []event.PipelineRun{run}) {
		t.Errorf("got %+v, %v", got, err)
	}
	stored, err := s.Stored(t.Context(), []event.Event{run})
	if err != nil || !reflect.DeepEqual(stored, []event.Event{pushed}) {
		t.Errorf("got %+v, %v", stored, err)
	}
}

func TestDescriptorLookups(t *testing.T) {
	s := storetest.Open(t)
	descriptor := func(source, scope, location, document string) event.Descriptor {
		return event.Descriptor{
			Source: source, Provider: "github", Scope: scope, Location: location, Document: document, Revision: "r" + location,
			ObservedAt: noon,
		}
	}
	a, b, other := descriptor("gh", "a", "1", "x"), descriptor("gh", "b", "1", "x"), descriptor("gl", "a", "1", "x")
	mustAppend(t, s, b, a, other, descriptor("gh", "a", "gone", "x"), descriptor("gh", "a", "gone", ""))
	got, err := s.Descriptors(t.Context(), []string{"gh"})
	if err != nil || !reflect.DeepEqual(got, []event.Descriptor{a, b}) {
		t.Errorf("descriptors %+v, %v", got, err)
	}
	revisions, err := s.DescriptorRevisions(t.Context(), "gh", "a")
	if err != nil || !maps.Equal(revisions, map[string]string{"1": "r1"}) {
		t.Errorf("revisions %v, %v", revisions, err)
	}
	unlisted, stored, err := s.UnlistedDescriptors(t.Context(), "gh", []string{"a"})
	if err != nil || len(unlisted) != 1 || unlisted[0].Scope != "b" || unlisted[0].Document != "" || stored != 2 {
		t.Errorf("unlisted %+v of %d, %v", unlisted, stored, err)
	}
}

func TestRepositoryLookups(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	type path struct {
		Provider string `ch:"provider"`
		Scope    string `ch:"scope"`
		Path     string `ch:"path"`
		Service  string `ch:"service"`
	}
	paths := []path{{"github", "org/repo", "b", "component:default/x"}, {"github", "org/repo", "a", "component:default/x"}}
	if err := s.Replace(t.Context(), "paths", paths); err != nil {
		t.Fatal(err)
	}
	services, err := s.RepositoryServices(t.Context(), "github", []string{"Org/Repo", "org/other"})
	if want := map[string]map[string][]string{"org/repo": {
		payment:               {""},
		"component:default/x": {"a", "b"},
	}}; err != nil ||
		!reflect.DeepEqual(services, want) {
		t.Errorf("services %v, %v", services, err)
	}
	d := event.Deployment{
		Origin:      origin("1"),
		Attempt:     1,
		Environment: "live",
		Status:      event.Succeeded,
		StartedAt:   noon,
		SHA:         "s",
	}
	failed, untimed := d, d
	failed.ID, failed.Status = "2", event.Failed
	untimed.ID, untimed.StartedAt = "3", time.Time{}
	mustAppend(t, s, d, failed, untimed, deployedCommits("1", strings.Repeat("a", 40)))
	deployments, err := s.RepositoryDeployments(t.Context(), "github", "org/repo")
	if err != nil || len(deployments) != 1 || deployments[0].Key() != d.Key() ||
		deployments[0].Environment != "production" ||
		deployments[0].Service != payment ||
		!deployments[0].StartedAt.Equal(noon) ||
		!deployments[0].FinishedAt.IsZero() {
		t.Errorf("deployments %+v, %v", deployments, err)
	}
	compared, err := s.Comparisons(t.Context(), "gh", "Org/Repo")
	if err != nil || len(compared) != 1 || compared[d.Key()].Comparison != event.KnownCommits {
		t.Errorf("compared %+v, %v", compared, err)
	}
}

func TestGradeHistory(t *testing.T) {
	s := storetest.Open(t)
	grade := event.Grade{Entity: payment, Scorecard: "s", Rule: "r", Level: "gold", Outcome: event.Fail, EvaluatedAt: noon}
	better := grade
	better.Outcome = event.Pass
	better.EvaluatedAt = noon.Add(time.Hour)
	unchanged := better
	unchanged.EvaluatedAt = noon.Add(2 * time.Hour)
	for _, g := range []event.Grade{grade, better, unchanged} {
		mustAppend(t, s, g)
	}
	got, err := s.GradeHistory(t.Context(), payment)
	if err != nil || !reflect.DeepEqual(got, []event.Grade{grade, better}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestRulesHistory checks that a change of the rules adds one row, and none for each grade that stays as it is.
func TestRulesHistory(t *testing.T) {
	s := storetest.Open(t)
	grade := func(entity, card, digest string, hours int) event.Grade {
		return event.Grade{Entity: entity, Scorecard: card, Rule: "r", Level: "gold", Outcome: event.Fail, RulesDigest: digest,
			EvaluatedAt: noon.Add(time.Duration(hours) * time.Hour)}
	}
	other := "component:default/other"
	for _, together := range [][]event.Grade{
		{grade(payment, "a", "1", 0), grade(other, "a", "1", 0), grade(payment, "b", "1", 0)},
		{grade(payment, "a", "1", 1)}, // the same rules
		{grade(payment, "a", "2", 2)}, // others, though every outcome stays
		{grade(other, "a", "2", 3)},   // known already
		{grade(payment, "a", "1", 4)}, // the first ones again
		{grade(payment, "a", "", 5)},  // not recorded
	} {
		events := make([]event.Event, len(together))
		for i := range together {
			events[i] = together[i]
		}
		mustAppend(t, s, events...)
	}
	got, err := s.RulesHistory(t.Context())
	in := func(card, digest string, hours int) event.RulesInForce {
		return event.RulesInForce{Scorecard: card, Digest: digest, Since: noon.Add(time.Duration(hours) * time.Hour)}
	}
	want := []event.RulesInForce{in("a", "1", 0), in("b", "1", 0), in("a", "2", 2), in("a", "1", 4)}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	grades, err := s.GradeHistory(t.Context(), payment)
	if err != nil || len(grades) != 2 || grades[0].RulesDigest != "1" {
		t.Errorf("the history of the grades has %+v, %v", grades, err)
	}
}

func TestCountOutcome(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	grade := func(rule string, outcome event.Outcome, hours int) {
		mustAppend(t, s, event.Grade{Entity: payment, Scorecard: "s", Rule: rule, Level: "gold", Outcome: outcome,
			EvaluatedAt: noon.Add(time.Duration(hours) * time.Hour)})
	}
	grade("a", event.Fail, 0)
	grade("a", event.Waived, 2)
	grade("b", event.Waived, 4)
	grade("a", event.Pass, 6)
	grade("other", event.Waived, 0)
	times := []time.Time{noon.Add(-time.Hour), noon.Add(time.Hour), noon.Add(2 * time.Hour), noon.Add(5 * time.Hour),
		noon.Add(9 * time.Hour)}
	got, err := s.CountOutcome(t.Context(), event.Waived, []string{"s/a", "s/b"}, times)
	if want := []int{0, 0, 1, 2, 1}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestSourceCheckpoints(t *testing.T) {
	s := storetest.Open(t)
	for _, c := range []struct{ source, scope, stream, doc string }{
		{"a", "", "problems", "1"}, {"a", "", "problems", "2"}, {"a", "x", "problems", "3"}, {"a", "", "other", "4"},
		{"b", "", "problems", "5"}, {"empty", "", "problems", ""},
	} {
		if err := s.SaveCheckpoint(t.Context(), c.source, c.scope, c.stream, []byte(c.doc)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.SourceCheckpoints(t.Context(), "problems", []string{"a", "empty", "none"})
	if err != nil || !reflect.DeepEqual(got, map[string][]byte{"a": []byte("2")}) {
		t.Errorf("got %q, %v", got, err)
	}
}
