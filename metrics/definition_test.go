package metrics

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// The queries are an example to users, who can read only the public views, and they must survive a change of the tables
// behind those.
func TestQueriesReadPublicViewsOnly(t *testing.T) {
	views := map[string]bool{
		"deployments":          true,
		"deployment_times":     true,
		"pipeline_run_times":   true,
		"change_times":         true,
		"pipeline_runs":        true,
		"pipeline_jobs":        true,
		"changes":              true,
		"deployed_changes":     true,
		"compared_deployments": true,
		"incidents":            true,
		"people":               true,
		"facts":                true,
		"grades":               true,
		"ledger":               true,
		"entities":             true,
		"action_runs":          true,
		"source_times":         true,
	}
	named := regexp.MustCompile(`(?m)^\s+([a-z_]+) AS\s*$`)
	reads := regexp.MustCompile(`(?:FROM|JOIN)\s+([a-z_]+)`)
	err := fs.WalkDir(files, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".sql") {
			return err
		}
		sql, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		own := map[string]bool{}
		for _, m := range named.FindAllStringSubmatch(string(sql), -1) {
			own[m[1]] = true
		}
		found := reads.FindAllStringSubmatch(string(sql), -1)
		if len(found) == 0 {
			t.Errorf("%s reads nothing", name)
		}
		for _, m := range found {
			if !views[m[1]] && !own[m[1]] {
				t.Errorf("%s reads %s, which is no public view", name, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDefinitionMistakes(t *testing.T) {
	const good = "id: m\ntitle: t\nquestion: q\nunit: u\ndescription: d\nformula: f\nversion: 1\ndirection: " +
		"lower_is_better\ninputs: [change]\n"
	tests := []struct{ name, yaml, want string }{
		{"good", good, ""},
		{"id unlike the directory", strings.Replace(good, "id: m", "id: n", 1), `id is "n", but its directory is "m"`},
		{"unknown key", good + "color: red\n", `metric.yaml:10: unknown key "color"`},
		{"no question", strings.Replace(good, "question: q\n", "", 1), "no question"},
		{"no direction", strings.Replace(good, "lower_is_better", "left", 1), `direction is "left"`},
		{"no version", strings.Replace(good, "version: 1", "version: 0", 1), "version is 0"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := loadDefinitions(
				fstest.MapFS{"m/metric.yaml": {Data: []byte(tc.yaml)}, "m/query.sql": {Data: []byte("SELECT 1")}},
			)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestDefinitionsAreComplete(t *testing.T) {
	all := Definitions()
	if len(all) != 8 {
		t.Errorf("%d metrics", len(all))
	}
	for _, d := range all {
		if found, ok := Lookup(d.ID); !ok || found.Title != d.Title || found.SQL == "" {
			t.Errorf("%s is not found again", d.ID)
		}
	}
	if _, ok := Lookup("no_such_metric"); ok {
		t.Error("a metric was found that does not exist")
	}
}

// broken fails every query.
type broken struct{}

func (broken) Select(context.Context, any, string, map[string]any) error {
	return errors.New("the store is closed")
}

func TestMistakesOfTheCaller(t *testing.T) {
	if _, err := New(nil, time.Now); err == nil {
		t.Error("an engine without a querier")
	}
	e, err := New(broken{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tests := []struct {
		name, want string
		run        func() error
	}{
		{"services as a cohort", `cannot group time to first deploy by "service"`, func() error {
			_, err := e.TimeToFirstDeploy(t.Context(), Engineers, TTFDOptions{Cohort: Service})
			return err
		}},
		{"subjects that do not exist", `time to first deploy of "robots"`, func() error {
			_, err := e.TimeToFirstDeploy(t.Context(), "robots", TTFDOptions{})
			return err
		}},
		{"deployments by quarter", `cannot group deployment frequency by "quarter"`, func() error {
			_, err := e.DeploymentFrequency(t.Context(), DeployQuery{Bucket: Quarter})
			return err
		}},
		{"deployments split by month", `cannot group deployments by "month"`, func() error {
			_, err := e.DeploymentsBy(t.Context(), DeployQuery{}, Month)
			return err
		}},
		{"a window that ends first", "ends before it begins", func() error {
			_, err := e.Services(t.Context(), Window{From: now, To: now.Add(-time.Hour)})
			return err
		}},
		{"a store that fails", "metric time_to_first_deploy_services: the store is closed", func() error {
			_, err := e.TimeToFirstDeploy(t.Context(), Services, TTFDOptions{})
			return err
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.run(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
