package store_test

import (
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

type binding struct {
	Provider string `ch:"provider"`
	Scope    string `ch:"scope"`
	Service  string `ch:"service"`
}

type identity struct {
	Provider string `ch:"provider"`
	Login    string `ch:"login"`
	Person   string `ch:"person"`
	Bot      bool   `ch:"bot"`
}

type environment struct {
	Raw         string `ch:"raw"`
	Environment string `ch:"environment"`
}

type entity struct {
	Ref string `ch:"ref"`
}

const payment = "component:default/payment"

// describe fills the catalog's tables: the repository Org/Repo is the service payment.
func describe(t *testing.T, s *store.Store) {
	t.Helper()
	for table, rows := range map[string]any{
		"bindings": []binding{{"github", "org/repo", payment}, {"jenkins", "directory/job", payment}},
		"identities": []identity{
			{"github", "octocat", "user:default/ada", false}, {"", "shared", "user:default/bob", false},
			{"github", "shared", "user:default/cyd", false}, {"", "robot", "", true},
		},
		"environments": []environment{{"prod", "production"}, {"live", "production"}},
		"entities":     []entity{{payment}},
	} {
		if err := s.Replace(t.Context(), table, rows); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServiceOfAnEvent(t *testing.T) {
	s := storetest.Open(t)
	said := origin("said")
	said.Service = "component:default/other"
	jenkins := event.Origin{Source: "j", Provider: "jenkins", Scope: "Directory/Job", ID: "jenkins"}
	foreign := event.Origin{Source: "x", Provider: "gitlab", Scope: "Org/Repo", ID: "foreign"}
	for _, o := range []event.Origin{origin("bound"), said, jenkins, foreign} {
		mustAppend(
			t,
			s,
			event.Deployment{Origin: o, Attempt: 1, Status: event.Succeeded},
			event.PipelineRun{Origin: o, Attempt: 1, Status: event.Succeeded},
			event.PipelineJob{
				Origin:  o,
				RunID:   "1",
				Attempt: 1,
				Status:  event.Succeeded,
			},
			event.Change{Origin: o},
			event.Incident{Origin: o, OpenedAt: noon},
		)
	}
	type row struct {
		ID      string `ch:"id"`
		Service string `ch:"service"`
	}
	views := []string{"deployments", "pipeline_runs", "pipeline_jobs", "changes", "incidents"}
	for _, view := range views {
		got := all[row](t, s, "SELECT id, service FROM "+view+" ORDER BY id")
		want := []row{
			{"bound", "unmapped:github/Org/Repo"},
			{"foreign", "unmapped:gitlab/Org/Repo"},
			{"jenkins", "unmapped:jenkins/Directory/Job"},
			{"said", "component:default/other"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s without a catalog: %v", view, got)
		}
	}
	describe(t, s) // a service that is described later owns its history at once
	for _, view := range views {
		got := all[row](t, s, "SELECT id, service FROM "+view+" ORDER BY id")
		want := []row{
			{"bound", payment},
			{"foreign", "unmapped:gitlab/Org/Repo"},
			{"jenkins", payment},
			{"said", "component:default/other"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s with a catalog: %v", view, got)
		}
	}
}

func TestPersonsBotsAndEnvironments(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	for id, d := range map[string]event.Deployment{
		"1": {Actor: "OctoCat", Environment: "PROD"}, "2": {Actor: "shared", Environment: "live"}, "3": {Actor: "nobody", Environment: "QA-7"},
		"4": {Actor: "Robot"}, "5": {Actor: "nobody", Bot: true}, "6": {},
	} {
		d.Origin, d.Attempt, d.Status = origin(id), 1, event.Succeeded
		mustAppend(t, s, d)
	}
	type row struct {
		ID     string `ch:"id"`
		Env    string `ch:"environment"`
		Person string `ch:"person"`
		Bot    bool   `ch:"bot"`
	}
	got := all[row](t, s, "SELECT id, environment, person, bot FROM deployments ORDER BY id")
	want := []row{
		{
			"1",
			"production",
			"user:default/ada",
			false,
		},
		{"2", "production", "user:default/cyd", false},
		{"3", "qa-7", "", false},
		{"4", "", "", true},
		{"5", "", "", true},
		{"6", "", "", false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDeployedChanges(t *testing.T) {
	day := func(d int) time.Time { return noon.AddDate(0, 0, d) }
	deployed := func(id, env string, d int, change func(*event.Deployment)) event.Deployment {
		e := event.Deployment{
			Origin:      origin(id),
			Attempt:     1,
			Environment: env,
			Status:      event.Succeeded,
			CreatedAt:   day(d),
			StartedAt:   day(d),
			FinishedAt:  day(d).Add(time.Minute),
		}
		if change != nil {
			change(&e)
		}
		return e
	}
	merged := func(id string, d int, sha string) event.Change {
		return event.Change{Origin: origin(id), CreatedAt: day(d - 1), MergedAt: day(d), MergeSHA: sha}
	}
	sha := func(sha string) func(*event.Deployment) { return func(d *event.Deployment) { d.SHA = sha } }
	for _, tc := range []struct {
		name   string
		events []event.Event
		want   []string // "change environment deployment how"
	}{
		{"no deployment", []event.Event{merged("c1", 1, "s1")}, nil},
		{"by its own commit", []event.Event{deployed("base", "prod", 0, nil), merged("c1", 1, "s1"), deployed("d1", "prod", 2, nil), deployed("d2", "prod", 3, sha("s1"))},
			[]string{"c1 production d2 commit"}},
		{"by time: the first that begins after the merge", []event.Event{deployed("base", "prod", 0, nil), merged("c1", 1, "s1"), deployed("d1", "prod", 2, nil), deployed("d2", "prod", 3, nil)},
			[]string{"c1 production d1 time"}},
		{"the first known deployment delivers nothing by time", []event.Event{merged("old", 1, "s1"), merged("older", 0, "s0"), deployed("d1", "prod", 2, nil), deployed("d2", "prod", 3, nil)}, nil},
		{"but by commit it does", []event.Event{merged("c1", 1, "s1"), deployed("d1", "prod", 2, sha("s1"))}, []string{"c1 production d1 commit"}},
		{"what is merged after the first known deployment is delivered by the next", []event.Event{merged("old", 1, "s1"), deployed("d1", "prod", 2, nil), merged("new", 3, "s3"), deployed("d2", "prod", 4, nil)},
			[]string{"new production d2 time"}},
		{"failed deployments deliver nothing", []event.Event{deployed("base", "prod", 0, nil), merged("c1", 1, "s1"), deployed("d1", "prod", 2, func(d *event.Deployment) { d.Status = event.Failed; d.SHA = "s1" })}, nil},
		{"nor do baselines", []event.Event{deployed("base", "prod", 0, nil), merged("c1", 1, "s1"), deployed("d1", "prod", 2, func(d *event.Deployment) { d.Baseline = true; d.SHA = "s1" })}, nil},
		{"environment by environment", []event.Event{deployed("b1", "staging", 0, nil), deployed("b2", "live", 0, nil), merged("c1", 1, "s1"), deployed("s1", "staging", 2, sha("s1")), deployed("p1", "prod", 5, nil)},
			[]string{"c1 production p1 time", "c1 staging s1 commit"}},
		{"the first of two deployments of its commit", []event.Event{deployed("d2", "prod", 3, sha("s1")), deployed("d1", "prod", 2, sha("s1")), merged("c1", 1, "s1")}, []string{"c1 production d1 commit"}},
		{"a change that is not merged", []event.Event{deployed("base", "prod", 0, nil), event.Change{Origin: origin("c1"), CreatedAt: day(1), ClosedAt: day(1)}, deployed("d1", "prod", 2, nil)}, nil},
		{"a merge without a commit id", []event.Event{deployed("base", "prod", 0, nil), merged("c1", 1, ""), deployed("d1", "prod", 2, nil)}, []string{"c1 production d1 time"}},
		{"a deployment without times", []event.Event{deployed("base", "prod", 0, nil), merged("c1", 1, "s1"), event.Deployment{Origin: origin("d1"), Attempt: 1, Environment: "prod", Status: event.Succeeded, SHA: "s1"}}, nil},
		{"a deployment with only its creation known", []event.Event{deployed("base", "prod", 0, nil), merged("c1", 1, "s1"), event.Deployment{Origin: origin("d1"), Attempt: 1, Environment: "prod", Status: event.Succeeded, CreatedAt: day(2)}}, []string{"c1 production d1 time"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := storetest.Open(t)
			describe(t, s)
			mustAppend(t, s, tc.events...)
			var got []string
			for _, r := range all[struct {
				Service     string    `ch:"service"`
				Change      string    `ch:"change_id"`
				Environment string    `ch:"environment"`
				Deployment  string    `ch:"deployment_id"`
				How         string    `ch:"link_method"`
				At          time.Time `ch:"deployed_at"`
				URL         string    `ch:"url"`
			}](t, s, "SELECT service, change_id, environment, deployment_id, link_method, deployed_at, url FROM deployed_changes") {
				got = append(got, r.Change+" "+r.Environment+" "+r.Deployment+" "+r.How)
				if r.Service != payment || r.At.IsZero() || r.URL != "https://example.org/"+r.Deployment {
					t.Errorf("the row is %+v", r)
				}
			}
			sort.Strings(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChangesWithOneNumberInTwoRepositories(t *testing.T) {
	s := storetest.Open(t)
	one, two := origin("12"), origin("12")
	two.Scope = "Org/Second"
	if err := s.Replace(
		t.Context(),
		"bindings",
		[]binding{{"github", "org/repo", payment}, {"github", "org/second", payment}},
	); err != nil {
		t.Fatal(err)
	}
	mustAppend(
		t,
		s,
		event.Change{Origin: one, MergedAt: noon, MergeSHA: "s1"},
		event.Change{Origin: two, MergedAt: noon, MergeSHA: "s2"},
		event.Deployment{
			Origin:      origin("d1"),
			Attempt:     1,
			Environment: "prod",
			Status:      event.Succeeded,
			StartedAt:   noon.Add(time.Hour),
			SHA:         "s1",
		},
		event.Deployment{
			Origin:      origin("d2"),
			Attempt:     1,
			Environment: "prod",
			Status:      event.Succeeded,
			StartedAt:   noon.Add(2 * time.Hour),
			SHA:         "s2",
		},
	)
	type row struct {
		Scope      string `ch:"scope"`
		Deployment string `ch:"deployment_id"`
	}
	got := all[row](t, s, "SELECT scope, deployment_id FROM deployed_changes ORDER BY scope")
	if want := []row{{"Org/Repo", "d1"}, {"Org/Second", "d2"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFactsOfAnEntity(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	fact := func(entity, name, value string, after time.Duration) event.Fact {
		return event.Fact{
			Source:     "gh",
			Entity:     entity,
			Name:       name,
			Type:       event.StringFact,
			Value:      []byte(`"` + value + `"`),
			ObservedAt: noon.Add(after),
		}
	}
	mustAppend(t, s,
		fact("unmapped:github/Org/Repo", "a", "of the repository", 0),
		fact("unmapped:github/Org/Unknown", "a", "nobody's", 0),
		fact("component:default/gone", "a", "of a deleted service", 0),
		fact(payment, "b", "older", 0), fact("unmapped:jenkins/Directory/Job", "b", "newer", time.Hour),
		event.Grade{Entity: payment, Scorecard: "s", Rule: "r", Outcome: event.Pass, EvaluatedAt: noon},
		event.Grade{Entity: "component:default/gone", Scorecard: "s", Rule: "r", Outcome: event.Pass, EvaluatedAt: noon},
	)
	type row struct {
		Entity string `ch:"entity"`
		Fact   string `ch:"fact"`
		Value  string `ch:"value"`
	}
	got := all[row](t, s, "SELECT entity, fact, value FROM facts ORDER BY fact")
	if want := []row{{payment, "a", `"of the repository"`}, {payment, "b", `"newer"`}}; !reflect.DeepEqual(got, want) {
		t.Errorf("facts are %v, want %v", got, want)
	}
	if n := number(t, s, "SELECT count() AS n FROM grades"); n != 1 {
		t.Errorf("%d grades, want that of the one service that is there", n)
	}
}

// TestFactsBelongToTheirSource: what an earlier configuration let another source report neither replaces nor hides the
// fact of its source.
func TestFactsBelongToTheirSource(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	fact := func(source, name, value string, after time.Duration) event.Fact {
		return event.Fact{Source: source, Entity: payment, Name: name, Type: event.StringFact,
			Value: []byte(`"` + value + `"`), ObservedAt: noon.Add(after)}
	}
	mustAppend(t, s,
		fact("scanner", "security.alerts", "of its source", 0), fact("former", "security.alerts", "later", time.Hour),
		fact("former", "security.owner", "of nobody else", 0), fact("former", "securityx.alerts", "of another prefix", 0),
		fact("gh", "one.name", "of its source", 0), fact("scanner", "one.name", "later", time.Hour),
		fact("scanner", "one.name.longer", "of another name", 0),
	)
	type declared struct {
		Name   string `ch:"name"`
		Source string `ch:"source"`
	}
	if err := s.Replace(t.Context(), "facts", []declared{{"security.", "scanner"}, {"one.name", "gh"}}); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Fact   string `ch:"fact"`
		Value  string `ch:"value"`
		Source string `ch:"source"`
	}
	want := []row{
		{"one.name", `"of its source"`, "gh"}, {"one.name.longer", `"of another name"`, "scanner"},
		{"security.alerts", `"of its source"`, "scanner"}, {"securityx.alerts", `"of another prefix"`, "former"},
	}
	if got := all[row](t, s, "SELECT fact, value, source FROM facts ORDER BY fact"); !reflect.DeepEqual(got, want) {
		t.Errorf("facts are %v, want %v", got, want)
	}
}

// TestDeployedChangesReadsSeldom guards the plan of the view that has most to do: the engine reads a table anew for
// each time that the view names it.
func TestDeployedChangesReadsSeldom(t *testing.T) {
	s := storetest.Open(t)
	mustAppend(
		t,
		s,
		event.Deployment{Origin: origin("1"), Attempt: 1, Environment: "live", Status: event.Succeeded, FinishedAt: noon},
		event.Change{Origin: origin("1"), Number: 1, MergedAt: noon},
		deployedCommits("1"),
	) // of empty tables nothing is read
	type row struct {
		Line string `ch:"explain"`
	}
	reads := map[string]int{}
	for _, r := range all[row](t, s, "EXPLAIN SELECT * FROM deployed_changes") {
		for _, table := range []string{"raw_deployments", "raw_changes", "raw_deployed_commits"} {
			if strings.Contains(r.Line, "ReadFromMergeTree") && strings.Contains(r.Line, table) {
				reads[table]++
			}
		}
	}
	if want := map[string]int{
		"raw_deployments":      4,
		"raw_changes":          3,
		"raw_deployed_commits": 3,
	}; !reflect.DeepEqual(reads, want) {
		t.Errorf("reads %v, want %v", reads, want)
	}
}
