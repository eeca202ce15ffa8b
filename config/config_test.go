package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/config"
)

func TestGood(t *testing.T) {
	t.Setenv("DXCTL_TEST_TOKEN", "a: [secret}")
	cfg, err := config.Load("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Sources) != 2 || cfg.Sources[0].Kind != "github" || cfg.Sources[1].Name != "ci" {
		t.Errorf("sources %+v", cfg.Sources)
	}
	if cfg.Dir != "testdata" || cfg.Path("people.csv") != filepath.Join("testdata", "people.csv") ||
		cfg.Path("/etc/x") != "/etc/x" {
		t.Errorf("paths are relative to %q: %q", cfg.Dir, cfg.Path("people.csv"))
	}
	want := []config.Environment{
		{"production", "production"},
		{"prod", "production"},
		{"live", "production"},
		{"staging", "staging"},
		{"stage", "staging"},
	}
	if got := cfg.EnvironmentRows(); !slices.Equal(got, want) {
		t.Errorf("environments %v, want %v", got, want)
	}
	if cfg.Collect.Interval != 15*time.Minute {
		t.Errorf("interval %s", cfg.Collect.Interval)
	}
}

func TestEmptyIsTheDefault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dx.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil || cfg.Server.Addr != "127.0.0.1:8080" || cfg.Store.DSN != "embedded:./data" ||
		len(cfg.Environments) != 2 {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// An unreadable file of the catalog or of people is reported when it is read; it is no error of the configuration.
func TestUnreadableFilesAreNoErrorOfTheConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dx.yaml")
	if err := os.WriteFile(file, []byte("catalog: {files: [gone.yaml, .], exclude: ['**/skeleton/**'], strict: "+
		"true}\npeople: {files: [gone.csv], rules: gone.yaml}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil || !cfg.Catalog.Strict || !slices.Equal(cfg.Catalog.Exclude, []string{"**/skeleton/**"}) {
		t.Errorf("%+v, %v", cfg.Catalog, err)
	}
}

// Every error names the file, the line and what to do. The test loads every file of testdata.
func TestBad(t *testing.T) {
	want := map[string][]string{
		"unset-variable":        {":4: the environment variable DXCTL_TEST_UNSET is not set; export it"},
		"unknown-key":           {`:2: unknown key "sourcess" (did you mean "sources"?)`},
		"key-of-another-kind":   {`:4: unknown key "repositories" in sources[0] (known: `, "exclude"},
		"unknown-key-in-a-rule": {`:6: unknown key "jobb" in sources[0].deployments[0] (did you mean "job"?)`},
		"wrong-type":            {":2: server.addr: cannot use a list as a text"},
		"wrong-type-of-a-list":  {":2: catalog.files: cannot use the number `7` as a list of texts"},
		"wrong-duration":        {":2: collect.interval: cannot use the text `soon` as a duration such as 15m"},
		"short-interval":        {":2: 3s is too short; use at least 1m"},
		"unreadable":            {":3: cannot read the file: ", "missing.yaml"},
		"a-broken-pattern":      {":1: catalog.exclude[0]: pattern [a: "},
		"a-directory":           {":2: . is a directory; name files, or use a pattern such as *.yaml"},
		"a-key-twice":           {":2: ", "already defined at line 1"},
		"two-documents":         {"a configuration has only one YAML document"},
		"no-yaml":               {":1: "},
		"a-word-twice":          {"is already a name of environment "},
		"a-name-twice":          {":2: sources[1] \"gh\": name is taken by sources[0]"},
		"facts-of-dxctl":        {`:2: facts[1]: "repository.language": dxctl itself gives the facts repository.*`},
		"facts-of-two-sources":  {`facts: security.alerts belongs to sources[0] "scanner", which declares security.*`},
		"wrong-fact-type": {
			"facts[1] security.open: type \"nummer\" is not one of bool, number, string, time, list",
			"facts[2] quality.*: a prefix has no type", "facts_expire: \"soon\" is not a duration",
			"facts: on_call.schedule_people is a string here, and dxctl uses it as a number",
		},
		"unknown-key-of-a-fact": {`:5: unknown key "tipe" in sources[0].facts[0] (did you mean "type"?)`},
		"unknown-kind":          {`:2: kind "svn" is not known; give one of: github, gitlab, jenkins`},
		"wrong-store":           {":2: store.dsn begins neither with"},
		"plan-timeout":          {":2: server.plan_timeout: 2h0m0s is not between 1s and 30m0s"},
		"token-of-a-source": {
			":3: token rules has a secret of source scripts", ":5: token third has a secret of source scripts", `tokens[1]: the name "rules" is taken`,
			"token rules: the secret is missing or shorter than 16", `unknown scope "plans"; the scopes are plan`,
		},
		"paths": {
			":3: it names neither a directory nor a repository", ":4: ref is missing", ":5: git holds credentials",
			`:8: paths.defaults.registry "Acme x"`, ":9: paths.defaults.base_images.go", `:10: paths.defaults.runner: label "a b"`,
			":11: paths.defaults.package_mirror holds credentials", ":12: paths.defaults.cloud_identity",
			":13: paths.defaults.github_owner", ":14: paths.defaults.answers.contact: the answer has {{",
		},
		"a-limit-of-nothing": {":2: store.limits.result_rows: 0 is too small; use at least 1"},
	}
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".bad.yaml")
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(file)
			if err == nil {
				t.Fatal("no error")
			}
			if len(want[name]) == 0 {
				t.Fatalf("%s has no expected error; got: %v", file, err)
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "reading "+file) {
					t.Errorf("does not begin with the file: %s", line)
				}
			}
			for _, w := range want[name] {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v\nlacks %q", err, w)
				}
			}
		})
	}
	if len(files) != len(want) {
		t.Errorf("%d files, %d wanted", len(files), len(want))
	}
	if _, err := config.Load("testdata/nowhere.yaml"); err == nil ||
		!strings.Contains(err.Error(), "name another file with --config") {
		t.Errorf("a missing file: %v", err)
	}
}
