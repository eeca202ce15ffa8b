package catalog_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestSync writes a catalog to the real tables and reads it back through the public views.
func TestSync(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.yaml": `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: pay
  tags: [go]
  annotations: {github.com/project-slug: MyOrg/Pay, jenkins.io/job-full-name: Übersicht/ÄRGER, dxctl.dev/created-at: 2026-03-31}
spec: {type: service, lifecycle: production, owner: team-a, dependsOn: [resource:db]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: bare}
spec: {type: '', lifecycle: '', owner: ''}
`,
		"people.csv": "person,team,start_date,left_date,logins\nalice,team-a,2026-01-05,,Alice\nbob,team-a,2025-01-06,2026-02-01,github:bobby\nbob,team-b,2026-02-01,,\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cat, warnings, err := catalog.Load(
		catalog.Config{Files: []string{"a.yaml"}},
		people.Config{Files: []string{"people.csv"}},
		dir,
	)
	if err != nil || len(warnings) != 3 { // the empty fields of bare
		t.Fatal(err, warnings)
	}
	s := storetest.Open(t)
	for range 2 { // the second call replaces what the first wrote
		if err := cat.Sync(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	var entities []struct {
		Ref       string     `ch:"entity"`
		Tags      []string   `ch:"tags"`
		DependsOn []string   `ch:"depends_on"`
		CreatedAt *time.Time `ch:"created_at"`
		Location  string     `ch:"location"`
	}
	const sql = "SELECT entity, tags, depends_on, created_at, location FROM entities ORDER BY entity"
	if err := s.Select(t.Context(), &entities, sql, nil); err != nil {
		t.Fatal(err)
	}
	recalled, err := catalog.Recall(t.Context(), s, []string{"a.yaml"})
	if err != nil || len(recalled.Entities) != 2 {
		t.Fatalf("recalled %+v, %v", recalled, err)
	}
	if len(entities) != 2 || entities[0].CreatedAt != nil || entities[0].Location != "a.yaml:9" {
		t.Fatalf("entities %+v", entities)
	}
	pay := entities[1]
	if pay.CreatedAt == nil || !pay.CreatedAt.Equal(time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)) ||
		!slices.Equal(pay.Tags, []string{"go"}) ||
		!slices.Equal(pay.DependsOn, []string{"resource:default/db"}) ||
		recalled.Entities[1].Annotations["github.com/project-slug"] != "MyOrg/Pay" {
		t.Errorf("pay is %+v", pay)
	}
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	change := func(id, author string) event.Event {
		return event.Change{
			Origin:     event.Origin{Source: "gh", Provider: "github", Scope: "myorg/pay", ID: id},
			Repository: "myorg/pay", Number: 1, Author: author, CreatedAt: at, MergedAt: at, ClosedAt: at,
		}
	}
	// The store puts ASCII letters alone in lower case.
	built := event.Change{Origin: event.Origin{Source: "ci", Provider: "jenkins", Scope: "Übersicht/ÄRGER", ID: "4"},
		Number: 4, CreatedAt: at}
	if err := s.Append(t.Context(), change("1", "ALICE"), change("2", "bobby"), change("3", "carol"), built); err != nil {
		t.Fatal(err)
	}
	var changes []struct {
		ID      string `ch:"id"`
		Service string `ch:"service"`
		Person  string `ch:"person"`
	}
	if err := s.Select(t.Context(), &changes, "SELECT id, service, person FROM changes ORDER BY id", nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, c.ID+" "+c.Service+" "+c.Person)
	}
	if want := []string{
		"1 component:default/pay alice",
		"2 component:default/pay bob",
		"3 component:default/pay ",
		"4 component:default/pay ",
	}; !slices.Equal(got, want) {
		t.Errorf("changes %q, want %q", got, want)
	}
	var people []struct {
		Person    string     `ch:"person"`
		Team      string     `ch:"team"`
		StartedOn *time.Time `ch:"started_on"`
		LeftOn    *time.Time `ch:"left_on"`
	}
	if err := s.Select(t.Context(), &people, "SELECT person, team, started_on, left_on FROM people ORDER BY person, "+
		"started_on", nil); err != nil {
		t.Fatal(err)
	}
	if len(people) != 3 || people[0].LeftOn != nil || people[1].Team != "team-a" || people[1].LeftOn == nil ||
		people[2].Team != "team-b" ||
		people[2].StartedOn == nil {
		t.Errorf("people %+v", people)
	}
}
