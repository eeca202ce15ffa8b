package facts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/store/storetest"
)

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// services are the components of the catalog: their name, and when they were created.
var services = map[string]string{
	"old": "2020-01-01T00:00:00Z", "quick": "2026-10-01T00:00:00Z", "waiting": "2026-10-10T00:00:00Z", "undated": "",
}

// computed stores events and returns the computed facts of each service as text: the value, or the reason.
func computed(t *testing.T, events ...event.Event) map[string]map[string]string {
	t.Helper()
	var file strings.Builder
	for name, created := range services {
		file.WriteString("---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name +
			"\n  annotations:\n    github.com/project-slug: acme/" + name + "\n")
		if created != "" {
			file.WriteString("    dxctl.dev/created-at: '" + created + "'\n")
		}
		file.WriteString("spec: {type: service, lifecycle: production, owner: team-a}\n")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cat, _, err := catalog.Load(catalog.Config{Files: []string{"c.yaml"}}, people.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.Open(t)
	if err := s.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	if err := cat.Sync(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	eng, err := metrics.New(s, func() time.Time { return testNow })
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compute(t.Context(), All(s), eng, testNow, nil)
	if err != nil {
		t.Fatal(err)
	}
	known := Definitions(nil)
	all := map[string]map[string]string{}
	for name := range services {
		all[name] = map[string]string{}
		for _, f := range c.Of("component:default/" + name) {
			if err := f.Validate(); err != nil {
				t.Errorf("%s: %s: %v", name, f.Name, err)
			}
			if d, ok := known[f.Name]; !ok || d.Type != f.Type {
				t.Errorf("%s is a %s, declared as %q", f.Name, f.Type, d.Type)
			}
			all[name][f.Name] = string(f.Value) + f.Error
		}
	}
	return all
}

func origin(service, id string) event.Origin {
	return event.Origin{Source: "gh", Provider: "github", Scope: "acme/" + service, ID: id}
}

func deployed(service, id, version, at string) event.Deployment {
	when, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	return event.Deployment{
		Origin: origin(service, id), Attempt: 1, Environment: "production", Status: event.Succeeded, Version: version,
		FinishedAt: when,
	}
}

func TestFirstDeploymentAndVersions(t *testing.T) {
	all := computed(t,
		deployed("old", "1", "v1", "2026-09-01T00:00:00Z"),
		deployed("old", "2", "v2", "2026-09-02T00:00:00Z"),
		deployed("old", "3", "v2", "2026-09-03T00:00:00Z"),
		deployed("quick", "1", "", "2026-10-03T12:00:00Z"),
		event.LedgerEntry{
			Source: "gh", Provider: "github", Scope: "acme/waiting", Of: event.KindDeployment,
			WindowStart: testNow.AddDate(0, -2, 0), WindowEnd: testNow, CheckedAt: testNow,
		},
	)
	for _, want := range []struct{ service, fact, value string }{
		{"old", "deploy.ttfd_observable", "false"},
		{"old", "deploy.ttfd_days", "started before the collected history, so its first deployment was not observed"},
		{"old", "deploy.known_versions", "2"},
		{"quick", "deploy.ttfd_observable", "true"},
		{"quick", "deploy.ttfd_days", "2.5"},
		{"quick", "deploy.known_versions", "no production deployment names a version or a commit"},
		{"waiting", "deploy.ttfd_observable", "true"},
		{"waiting", "deploy.ttfd_days", "it was created on 2026-10-10 and no production deployment of it is known yet"},
		{"waiting", "deploy.known_versions", "no production deployments are known: the sources of this service were read"},
		{"undated", "deploy.ttfd_observable", "its creation is not known; a source of kind github or gitlab gives"},
		{"undated", "deploy.ttfd_days", "its creation is not known"},
		{"undated", "deploy.known_versions", "no production deployments are known; a source with deployments"},
	} {
		if got := all[want.service][want.fact]; !strings.HasPrefix(got, want.value) {
			t.Errorf("%s of %s is %q, want %q", want.fact, want.service, got, want.value)
		}
	}
}

func TestDefaultBranch(t *testing.T) {
	run := func(service, id, branch string, status event.Status, minutes int) event.PipelineRun {
		at := testNow.AddDate(0, 0, -3)
		r := event.PipelineRun{
			Origin: origin(service, id), Attempt: 1, Pipeline: "ci", Branch: branch, Trigger: "push", Status: status,
			FinishedAt: at,
		}
		if minutes > 0 {
			r.StartedAt = at.Add(-time.Duration(minutes) * time.Minute)
		}
		return r
	}
	all := computed(t,
		run("quick", "1", "trunk", event.Succeeded, 9),
		run("quick", "2", "trunk", event.Failed, 50),
		run("quick", "3", "main", event.Failed, 70),
		event.Fact{
			Source: "gh", Entity: "unmapped:github/acme/quick", Name: "repository.default_branch",
			Type: event.StringFact, Value: []byte(`"trunk"`), ObservedAt: testNow,
		},
		run("old", "1", "change-1", event.Succeeded, 5),
		run("waiting", "1", "main", event.Succeeded, 0),
	)
	for _, want := range []struct{ service, fact, value string }{
		{"quick", "ci.p90_minutes", "9"},
		{"quick", "ci.success_rate", "0.5"},
		{"quick", "ci.runs_30d", "3"},
		{"old", "ci.p90_minutes", "no pipeline run of the last 30 days was of main or master (its default branch is not known"},
		{"waiting", "ci.p90_minutes", "no source gave a duration of the pipeline runs of main or master"},
		{"waiting", "ci.success_rate", "1"},
		{"undated", "ci.p90_minutes", "no pipeline runs are known; a source with pipeline runs"},
	} {
		if got := all[want.service][want.fact]; !strings.HasPrefix(got, want.value) {
			t.Errorf("%s of %s is %q, want %q", want.fact, want.service, got, want.value)
		}
	}
}

// A source that never reported a review cannot be said to have found none.
func TestReviewsOfASourceWithoutReviews(t *testing.T) {
	at := testNow.AddDate(0, 0, -3)
	change := func(source, service, id string, reviewed bool) event.Change {
		c := event.Change{Origin: origin(service, id), Author: "ada", CreatedAt: at, MergedAt: at.Add(time.Hour)}
		c.Source = source
		if reviewed {
			c.ApprovedAt = at
		}
		return c
	}
	all := computed(t,
		change("gh", "old", "1", true),
		change("gh", "quick", "1", false),
		change("gl", "waiting", "1", false),
	)
	for service, want := range map[string]string{
		"old": "1", "quick": "0", "waiting": "no review is known of any change of the sources of this service",
		"undated": "no merged changes are known; a source with pull or merge requests",
	} {
		if got := all[service]["change.merged_30d"]; service != "undated" && got != "1" {
			t.Errorf("%s merged %s changes, want 1", service, got)
		}
		if got := all[service]["change.review_share_30d"]; !strings.HasPrefix(got, want) {
			t.Errorf("the review share of %s is %q, want %q", service, got, want)
		}
	}
}
