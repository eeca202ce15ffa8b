package people_test

import (
	"fmt"
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

// From records and rules through the store and back: the public views name the person whatever login an event carries.
func TestPeopleInTheViews(t *testing.T) {
	db, dir := storetest.Open(t), t.TempDir()
	for name, text := range map[string]string{
		"people.csv": "person,name,email,team,start_date,logins\n1001,Alice " +
			"Smith,alice@acme.example,payments,2026-03-02,jenkins:asmith\n",
		"rules.yaml": "same: [{person: '1001', logins: ['gitlab:alice.s']}]\nbots: {logins: ['jenkins:timer'], patterns: " +
			"['svc-*']}\n",
		"org.yaml": "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: alice, annotations: " +
			"{github.com/user-login: Alice-GH}}\nspec: {memberOf: [], profile: {email: Alice@acme.example}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var events []event.Event
	for i, account := range []struct {
		provider, login string
		bot             bool
	}{
		{"github", "ALICE-gh", false}, {"jenkins", "asmith", false}, {"gitlab", "alice.s", false}, {"circleci", "alice@acme.example", false},
		{"jenkins", "timer", false}, {"github", "svc-deploy", false}, {"github", "Dependabot[bot]", true}, {"github", "stranger", false}, {"github", "", false},
	} {
		o := event.Origin{Source: account.provider, Provider: account.provider, Scope: "acme/a", ID: fmt.Sprint(i)}
		events = append(
			events,
			event.PipelineRun{
				Origin:    o,
				Attempt:   1,
				Status:    event.Succeeded,
				Actor:     account.login,
				Bot:       account.bot,
				CreatedAt: at,
			},
			event.Change{Origin: o, Author: account.login, Bot: account.bot, MergedAt: at.Add(time.Hour)},
			event.Deployment{Origin: o, Attempt: 1, Status: event.Succeeded, Actor: account.login, Bot: account.bot},
		)
	}
	if err := db.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	cat, warnings, err := catalog.Load(
		catalog.Config{Files: []string{"org.yaml"}},
		people.Config{Files: []string{"people.csv"}, Rules: "rules.yaml"},
		dir,
	)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("%v, %v", warnings, err)
	}
	seen, err := db.Logins(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 8 {
		t.Errorf("%d logins: %+v", len(seen), seen)
	}
	if i := slices.IndexFunc(seen, func(l event.Login) bool { return l.Name == "alice-gh" }); i < 0 ||
		seen[i] != (event.Login{Provider: "github", Name: "alice-gh", Changes: 1, Runs: 1, Deploys: 1, LastAt: at.Add(time.Hour)}) {
		t.Errorf("seen %+v", seen)
	}
	if err := cat.WithSeen(seen).Sync(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	want := []string{"1001 false", "1001 false", "1001 false", "1001 false", " true", " true", " true", " false", " false"}
	for view, actor := range map[string]string{"pipeline_runs": "actor", "changes": "author", "deployments": "actor"} {
		var rows []struct {
			Login  string `ch:"login"`
			Person string `ch:"person"`
			Bot    bool   `ch:"bot"`
		}
		if err := db.Select(
			t.Context(),
			&rows,
			"SELECT "+actor+" AS login, person, bot FROM "+view+" ORDER BY toUInt32(id)",
			nil,
		); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprint(r.Person, " ", r.Bot))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", view, got, want)
		}
	}
	var people []struct {
		Person string `ch:"person"`
		Team   string `ch:"team"`
	}
	if err := db.Select(
		t.Context(),
		&people,
		"SELECT person, team FROM people",
		nil,
	); err != nil || len(people) != 1 || people[0].Person != "1001" ||
		people[0].Team != "payments" {
		t.Errorf("people %+v, %v", people, err)
	}
}
