package migrations_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/migrations"
)

// What a database of version 7 holds gets its keys, keeps everything else, and is there once.
func TestIdentitiesOfWhatIsStored(t *testing.T) {
	db, _ := database(t)
	if _, err := migrations.Apply(t.Context(), db, migrations.Options{Migrations: migrations.All()[:7]}); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`INSERT INTO raw_deployments (source, provider, scope, id, attempt, environment, status, actor, seq) VALUES
			('scripts', 'push', 'pay', '7', 1, 'Prod', 'running', 'ada', 1), ('scripts', 'push', 'pay', '7', 1, 'Prod', 'succeeded', 'ada', 2),
			('gh', 'github', 'org/a', '7', 1, 'Prod', 'succeeded', 'ada', 3)`,
		`INSERT INTO raw_deployed_commits (source, provider, scope, deployment_source, deployment_scope, id, attempt, comparison, seq) VALUES
			('git', 'github', 'org/a', 'scripts', 'pay', '7', 1, 'known', 1), ('git', 'github', 'org/a', 'gh', 'org/a', '7', 1, 'known', 2)`,
		`INSERT INTO raw_ledger (source, scope, kind, expected, stored, seq) VALUES ('gh', 'org/a', 'deployment', 5, 4, 1), ('other', 'org/a', 'deployment', 1, 1, 2)`,
		`INSERT INTO current_facts (source, entity, fact, type, value, seq) VALUES ('gh', 'e', 'f', 'number', '1', 1), ('gh', 'e', 'f', 'number', '2', 2)`,
		`INSERT INTO fact_history (source, entity, fact, type, value, valid_from, seq) VALUES ('gh', 'e', 'f', 'number', '1', 1, 1), ('gh', 'e', 'f', 'number', '2', 2, 2)`,
	} {
		if err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := migrations.Apply(t.Context(), db, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string][]string{
		`SELECT concat(source, ' ', environment, ' ', environment_key, ' ', status, ' ', actor) AS line FROM raw_deployments FINAL ORDER BY line`: {
			"gh Prod  succeeded ada", "scripts Prod prod succeeded ada"},
		`SELECT concat(deployment_source, ' ', deployment_environment) AS line FROM raw_deployed_commits FINAL ORDER BY line`: {"gh ", "scripts prod"},
		`SELECT concat(source, ' ', service, ' ', toString(gap)) AS line FROM ledger ORDER BY line`:                           {"gh unmapped:github/org/a 1", "other  0"},
		`SELECT concat(source, ' ', value) AS line FROM current_facts FINAL ORDER BY line`:                                    {"gh 2"},
		`SELECT concat(source, ' ', value) AS line FROM fact_history FINAL ORDER BY line`:                                     {"gh 1", "gh 2"},
	} {
		var rows []struct {
			Line string `ch:"line"`
		}
		if err := db.Select(t.Context(), &rows, sql); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, r.Line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sql, diff)
		}
	}
}
