package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// lines runs a query of one text column, line.
func lines(t *testing.T, s *store.Store, sql string) []string {
	t.Helper()
	var out []string
	for _, r := range all[struct {
		Line string `ch:"line"`
	}](t, s, sql) {
		out = append(out, r.Line)
	}
	return out
}

// Three sources with the same scope and ids: a GitHub, another GitHub of the company, and a GitLab that was migrated
// from.
func TestSourcesWithOneScopeAndID(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	if err := s.Replace(
		t.Context(),
		"bindings",
		[]binding{{"github", "org/repo", payment}, {"gitlab", "org/repo", payment}},
	); err != nil {
		t.Fatal(err)
	}
	full := func(c string) string { return fmt.Sprintf("%040s", c) }
	for i, from := range []event.Origin{
		{Source: "gh", Provider: "github"}, {Source: "ghes", Provider: "github"}, {Source: "gl", Provider: "gitlab"},
	} {
		from.Scope, from.ID, from.URL = "Org/Repo", "1", "https://example.org/"+from.Source
		at, sha := noon.Add(time.Duration(i)*time.Minute), full(fmt.Sprint("a", i))
		d := event.Deployment{
			Origin:      from,
			Attempt:     1,
			Environment: "prod",
			Status:      event.Succeeded,
			StartedAt:   at.Add(time.Hour),
			SHA:         sha,
		}
		delivered := event.DeployedCommits{
			Origin:     from,
			Deployment: d.Key(),
			SHA:        sha,
			Comparison: event.KnownCommits,
			Commits:    []event.Commit{{SHA: sha}},
		}
		mustAppend(
			t,
			s,
			d,
			delivered,
			event.PipelineRun{
				Origin:  from,
				Attempt: 1,
				Status:  event.Succeeded,
			},
			event.PipelineJob{Origin: from, RunID: "1", Attempt: 1, Status: event.Failed},
			event.Change{Origin: from, MergedAt: at, MergeSHA: sha},
			event.Incident{Origin: from, OpenedAt: at},
			event.LedgerEntry{
				Source:      from.Source,
				Provider:    from.Provider,
				Scope:       from.Scope,
				Of:          event.KindChange,
				WindowStart: noon,
				WindowEnd:   noon,
				CheckedAt:   noon,
			},
			event.Fact{
				Source:     from.Source,
				Entity:     "unmapped:github/Org/Repo",
				Name:       "n",
				Type:       event.StringFact,
				Value:      []byte(`"` + from.Source + `"`),
				ObservedAt: noon,
			},
		)
	}
	for _, view := range []string{"deployments", "pipeline_runs", "pipeline_jobs", "changes", "incidents", "ledger", "deployed_commits", "compared_deployments"} {
		got := lines(t, s, "SELECT concat(source, ' ', service) AS line FROM "+view+" ORDER BY line")
		if want := []string{"gh " + payment, "ghes " + payment, "gl " + payment}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", view, got, want)
		}
	}
	got := lines(t, s, "SELECT concat(change_source, ' by ', source, ' ', link_method, ' ', url) AS line FROM "+
		"deployed_changes ORDER BY line")
	if want := []string{
		"gh by gh commit https://example.org/gh",
		"ghes by ghes commit https://example.org/ghes",
		"gl by gl commit https://example.org/gl",
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("deployed_changes: got %v, want %v", got, want)
	}
	if got := lines(t, s, "SELECT value AS line FROM current_facts FINAL ORDER BY line"); len(got) != 3 {
		t.Errorf("the facts of three sources are %v", got)
	}
}

func TestOneIDForTwoEnvironments(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	origin := event.Origin{Source: "scripts", Provider: "push", Scope: "pay", ID: "build-7", Service: payment}
	sha := fmt.Sprintf("%040s", "c")
	for i, env := range []string{"staging", "prod"} {
		d := event.Deployment{
			Origin:         origin,
			Attempt:        1,
			Environment:    env,
			EnvironmentKey: env,
			Status:         event.Running,
			StartedAt:      noon.Add(time.Duration(i) * time.Hour),
			SHA:            sha,
		}
		mustAppend(t, s, d)
		d.Status, d.FinishedAt = event.Succeeded, d.StartedAt.Add(time.Minute)
		mustAppend(t, s, d, event.DeployedCommits{
			Origin: event.Origin{Source: "git", Provider: "github", Scope: "org/repo", ID: d.ID}, Deployment: d.Key(), SHA: sha,
			Comparison: event.KnownCommits, Commits: []event.Commit{{SHA: sha}},
		})
	}
	mustAppend(
		t,
		s,
		event.Change{
			Origin:   event.Origin{Source: "gh", Provider: "github", Scope: "org/repo", ID: "1"},
			MergedAt: noon,
			MergeSHA: sha,
		},
	)
	for view, column := range map[string]string{"deployments": "id", "deployed_commits": "deployment_id", "compared_deployments": "deployment_id",
		"deployed_changes": "deployment_id"} {
		got := lines(t, s, "SELECT concat("+column+", ' ', environment) AS line FROM "+view+" ORDER BY line")
		if want := []string{"build-7 production", "build-7 staging"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", view, got, want)
		}
	}
}

// Where ids are unique, a source that corrects the environment of a deployment does not make two of it.
func TestCorrectedEnvironment(t *testing.T) {
	s := storetest.Open(t)
	for _, env := range []string{"prod", "staging"} {
		mustAppend(t, s, event.Deployment{Origin: origin("1"), Attempt: 1, Environment: env, Status: event.Succeeded})
	}
	if got := lines(t, s, "SELECT environment AS line FROM deployments"); !reflect.DeepEqual(got, []string{"staging"}) {
		t.Errorf("got %v, want the corrected one", got)
	}
}

func TestFactsDoNotDependOnTheOrderOfArrival(t *testing.T) {
	fact := func(source, value, err string, after time.Duration) event.Fact {
		return event.Fact{
			Source:     source,
			Entity:     payment,
			Name:       "n",
			Type:       event.StringFact,
			Value:      []byte(`"` + value + `"`),
			Error:      err,
			ObservedAt: noon.Add(after),
		}
	}
	expired := fact("d", "expired", "", 9*time.Hour)
	expired.ExpiresAt = noon.Add(10 * time.Hour)
	for _, tc := range []struct {
		name  string
		facts []event.Event
		want  string
	}{
		{"at one time the first source", []event.Event{fact("a", "1", "", 0), fact("b", "2", "", 0), fact("c", "3", "", 0)}, "a \"1\" "},
		{"the latest", []event.Event{fact("a", "1", "", 0), fact("b", "2", "", time.Hour), fact("c", "3", "", time.Minute)}, "b \"2\" "},
		{"a value before a reason why there is none", []event.Event{fact("a", "", "no access", time.Hour), fact("b", "2", "", 0), expired}, "b \"2\" "},
		{"a reason before a value that has expired", []event.Event{fact("a", "", "no access", 10*time.Hour), fact("b", "", "gone", 10*time.Hour), expired}, "b  gone"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := storetest.Open(t)
			describe(t, s)
			for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
				for _, i := range order {
					mustAppend(t, s, tc.facts[i])
				}
				if got := lines(t, s, "SELECT concat(source, ' ', value, ' ', error) AS line FROM facts"); !reflect.DeepEqual(
					got,
					[]string{tc.want},
				) {
					t.Errorf("in the order %v: got %q, want %q", order, got, tc.want)
				}
			}
			if n := number(t, s, "SELECT count() AS n FROM fact_history FINAL"); n != 3 {
				t.Errorf("%d rows of history for one value of each of three sources", n)
			}
		})
	}
}

func TestDeploymentsAtOneTimeAreTakenByTheirIdentity(t *testing.T) {
	deployed := func(source, id string) event.Event {
		return event.Deployment{
			Origin:      event.Origin{Source: source, Provider: "github", Scope: "Org/Repo", ID: id},
			Attempt:     1,
			Environment: "prod",
			Status:      event.Succeeded,
			StartedAt:   noon.Add(time.Hour),
		}
	}
	base := event.Deployment{
		Origin:      origin("base"),
		Attempt:     1,
		Environment: "prod",
		Status:      event.Succeeded,
		StartedAt:   noon.Add(-time.Hour),
	}
	change := event.Change{Origin: origin("c"), MergedAt: noon, MergeSHA: "s"}
	events := []event.Event{deployed("gh", "3"), deployed("a", "2"), deployed("gh", "2")}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		s := storetest.Open(t)
		mustAppend(t, s, base, change)
		for _, i := range order {
			mustAppend(t, s, events[i])
		}
		if got := lines(
			t,
			s,
			"SELECT concat(source, ' ', deployment_id, ' ', link_method) AS line FROM deployed_changes",
		); !reflect.DeepEqual(got, []string{"a 2 time"}) {
			t.Errorf("in the order %v: got %v", order, got)
		}
	}
}

// Two servers of one kind each have Org/Repo, which are two services; a third one's is whoever's the name is without
// a source.
func TestABindingOfOneSource(t *testing.T) {
	type bound struct {
		Provider string `ch:"provider"`
		Scope    string `ch:"scope"`
		Source   string `ch:"source"`
		Service  string `ch:"service"`
	}
	const till, desk = "component:default/till", "component:default/desk"
	s := storetest.Open(t)
	for table, rows := range map[string]any{
		"bindings": []bound{{"github", "org/repo", "gh", payment}, {"github", "org/repo", "ghes", till}, {"github", "org/repo", "", desk}},
		"entities": []entity{{payment}, {till}, {desk}},
	} {
		if err := s.Replace(t.Context(), table, rows); err != nil {
			t.Fatal(err)
		}
	}
	for _, source := range []string{"gh", "ghes", "third"} {
		from := event.Origin{Source: source, Provider: "github", Scope: "Org/Repo", ID: "1"}
		sha := fmt.Sprintf("%040s", "a") // of a fork: the commit is the same, the services are not
		mustAppend(
			t,
			s,
			event.Deployment{
				Origin:      from,
				Attempt:     1,
				Environment: "prod",
				Status:      event.Succeeded,
				StartedAt:   noon.Add(time.Hour),
				SHA:         sha,
			},
			event.PipelineRun{
				Origin:  from,
				Attempt: 1,
				Status:  event.Succeeded,
			},
			event.PipelineJob{Origin: from, RunID: "1", Attempt: 1, Status: event.Failed},
			event.Change{Origin: from, MergedAt: noon, MergeSHA: sha},
			event.Incident{Origin: from, OpenedAt: noon},
			event.LedgerEntry{
				Source:      source,
				Provider:    "github",
				Scope:       "Org/Repo",
				Of:          event.KindChange,
				WindowStart: noon,
				WindowEnd:   noon,
				CheckedAt:   noon,
			},
			event.Fact{
				Source:     source,
				Entity:     "unmapped:github/Org/Repo",
				Name:       "n",
				Type:       event.StringFact,
				Value:      []byte(`"v"`),
				ObservedAt: noon,
			},
		)
	}
	want := []string{"gh " + payment, "ghes " + till, "third " + desk}
	for _, view := range []string{"deployments", "pipeline_runs", "pipeline_jobs", "changes", "incidents", "ledger", "deployed_changes"} {
		if got := lines(
			t,
			s,
			"SELECT concat(source, ' ', service) AS line FROM "+view+" ORDER BY line",
		); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", view, got, want)
		}
	}
	if got := lines(t, s, "SELECT concat(source, ' ', entity) AS line FROM facts ORDER BY line"); !reflect.DeepEqual(
		got,
		want,
	) {
		t.Errorf("facts: got %v, want %v", got, want)
	}
}

// An incident may be over although its source does not say since when.
func TestAnIncidentThatWasResolvedAtAnUnknownTime(t *testing.T) {
	s := storetest.Open(t)
	incident := func(id string) event.Incident { return event.Incident{Origin: origin(id), OpenedAt: noon} }
	open, over, timed := incident("open"), incident("over"), incident("timed")
	over.EndUnknown = true
	timed.ResolvedAt = noon.Add(time.Hour)
	mustAppend(t, s, open, over, timed)
	got := lines(t, s, "SELECT concat(id, ' ', status, ' ', ifNull(toString(resolved_at), 'not known')) AS line FROM "+
		"incidents ORDER BY id")
	if want := []string{
		"open open not known",
		"over resolved not known",
		"timed resolved " + timed.ResolvedAt.Format("2006-01-02 15:04:05.000"),
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A change may be merged or closed although its source does not say since when.
func TestAChangeThatEndedAtAnUnknownTime(t *testing.T) {
	s := storetest.Open(t)
	var events []event.Event
	for id, end := range map[string]string{"merged": event.MergedChange, "closed": event.ClosedChange, "open": ""} {
		events = append(events, event.Change{Origin: origin(id), CreatedAt: noon, EndUnknown: end},
			event.Change{Origin: origin(id + "-before"), CreatedAt: noon, EndUnknown: end, ClosedAt: noon.Add(time.Hour)})
	}
	events = append(
		events,
		event.Change{Origin: origin("timed"), CreatedAt: noon, ClosedAt: noon.Add(time.Hour), MergedAt: noon.Add(time.Hour)},
	)
	mustAppend(t, s, events...)
	got := lines(t, s, "SELECT concat(id, ' ', status, ' ', ifNull(toString(closed_at), 'not known')) AS line FROM "+
		"changes ORDER BY id")
	known := noon.Add(time.Hour).Format("2006-01-02 15:04:05.000")
	want := []string{
		"closed closed not known",
		"closed-before closed " + known,
		"merged merged not known",
		"merged-before merged " + known,
		"open open not known",
		"open-before closed " + known,
		"timed merged " + known,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
