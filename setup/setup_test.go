package setup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/setup"
)

const secret = "ghp_averysecrettoken"

// run runs setup in a new directory with answers; none: without a terminal.
func run(t *testing.T, opt setup.Options, answers string, env map[string]string) (setup.Result, string, error) {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir = t.TempDir()
	}
	opt.WorkDir = t.TempDir() // no git repository
	var out bytes.Buffer
	deps := setup.Deps{
		Out:    &out,
		Getenv: func(name string) string { return env[name] },
		Now:    func() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) },
		Source: source.Options{
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
			Tune:  func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1e6 },
		},
	}
	if answers != "" {
		deps.In = strings.NewReader(answers)
	}
	result, err := setup.Run(t.Context(), opt, deps)
	return result, out.String(), err
}

// load reads what was written as every command does.
func load(t *testing.T, dir string) (config.Config, *catalog.Catalog, []string) {
	t.Helper()
	for _, name := range []string{"GITHUB_TOKEN", "GITLAB_TOKEN"} {
		t.Setenv(name, secret)
	}
	cfg, err := config.Load(filepath.Join(dir, "dx.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cat, warnings, err := catalog.Load(cfg.Catalog, cfg.People, cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.String())
	}
	return cfg, cat, texts
}

// noSecret fails if any file below dir contains the token.
func noSecret(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(file)
		if strings.Contains(string(text), secret) {
			t.Errorf("%s contains the token", file)
		}
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
}

// Texts that a source may have must neither break a file nor change its meaning.
func TestTwoHundredServicesWithOddTexts(t *testing.T) {
	server := githubtest.New(t)
	odd := []string{"a: b # c", "'quoted", "- item", "${HOME}", "{{ values.name }}", "line\nbreak", "\u2028", "@x", "日本", ""}
	for i := range 200 {
		text := odd[i%len(odd)]
		server.Repos[fmt.Sprintf("acme/%d.Svc_%d--", i, i)] = &githubtest.Repo{
			Description: text, Files: []string{"Dockerfile"},
			Contents:    map[string]string{"CODEOWNERS": fmt.Sprintf("* @acme/team-%d # x\n", i%7)},
			Deployments: []githubtest.Deployment{{ID: 1, Environment: text}, {ID: 2, Environment: "prod"}},
		}
		server.Members = append(server.Members, githubtest.Member{Login: fmt.Sprintf("m%d", i), Name: text})
	}
	dir := t.TempDir()
	started := time.Now()
	result, _, err := run(t, setup.Options{Dir: dir, Yes: true, Kind: "github", URL: server.API(), Account: "ACME"}, "",
		map[string]string{"GITHUB_TOKEN": secret})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took > 60*time.Second {
		t.Errorf("200 repositories took %s", took)
	}
	if result.Requests > 6+4 || len(result.Services) != 200 || result.People != 200 {
		t.Errorf("%d services and %d people in %d requests", len(result.Services), result.People, result.Requests)
	}
	noSecret(t, dir)
	cfg, cat, warnings := load(t, dir)
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	if n, people := len(cat.Services()), cat.People(); n != 200 || people.Size() != 200 || people.WithoutStart() != 200 {
		t.Errorf("%d services, %d people, %d without a start date", n, people.Size(), people.WithoutStart())
	}
	for _, e := range cat.Services() {
		if _, known := cat.Entity(e.Owner); !known {
			t.Fatalf("the owner %q of %s is not in the catalog", e.Owner, e.Ref)
		}
	}
	if ref, bound := cat.ServiceFor("github", "acme/7.Svc_7--"); !bound || ref != "component:default/7.svc_7" {
		t.Errorf("acme/7.Svc_7-- belongs to %q", ref)
	}
	if fmt.Sprint(cfg.Environments["production"]) != "[production prod live]" {
		t.Errorf("environments: %v", cfg.Environments)
	}
	if info, err := os.Stat(filepath.Join(dir, "people.csv")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("people.csv: %v, %v", info.Mode(), err)
	}
}

// A GitLab of one's own, with answers to questions.
func TestGitLabWithQuestions(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := func(doc string) { _, _ = w.Write([]byte(doc)) }
		switch path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/"); path {
		case "v4/groups/acme%2Fshop/projects":
			reply(`[{"id": 7, "path_with_namespace": "acme/shop/api", "default_branch": "main", "description": "An API",
				"last_activity_at": "2026-11-25T10:00:00Z", "repository_access_level": "enabled"}]`)
		case "graphql":
			reply(`{"data": {"projects": {"nodes": [{"id": "gid://gitlab/Project/7", "repository": {"named": {"nodes":
				[{"path": "Dockerfile"}, {"path": "CODEOWNERS"}]}, "ci": {"nodes": []}}}]}}}`)
		case "v4/groups/acme%2Fshop/members/all":
			reply(`[{"username": "ada", "name": "Ada", "state": "active"}]`)
		case "v4/projects/7/environments":
			reply(`[{"name": "live"}, {"name": "Pre-Prod"}]`)
		case "v4/projects/7/repository/files/CODEOWNERS":
			reply(`{"content": "KiBAYWRhIEBhY21lL2NvcmUK"}`) // * @ada @acme/core
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	result, out, err := run(t, setup.Options{Dir: dir}, "gitlab\n"+server.URL+"\n/acme/shop/\n1\n",
		map[string]string{"GITLAB_TOKEN": secret, "GITHUB_TOKEN": "x"})
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	noSecret(t, dir)
	cfg, cat, warnings := load(t, dir)
	if len(warnings) > 0 || len(cat.Services()) != 1 || cat.Services()[0].Owner != "group:default/core" {
		t.Errorf("services %+v, warnings %q", cat.Services(), warnings)
	}
	if got := fmt.Sprint(cfg.Environments); got != "map[production:[production prod live] staging:[staging stage Pre-Prod]]" {
		t.Errorf("environments: %s", got)
	}
	if ref, _ := cat.ServiceFor("gitlab", "acme/shop/api"); ref != "component:default/api" || result.People != 1 {
		t.Errorf("acme/shop/api belongs to %q; %d people", ref, result.People)
	}
	if strings.Contains(out, secret) {
		t.Error("the output contains the token")
	}
	if _, err := json.Marshal(result); err != nil {
		t.Error(err)
	}
}

func TestRefusalsWriteNothing(t *testing.T) {
	server := githubtest.New(t)
	server.Repos["acme/lib"] = &githubtest.Repo{Files: []string{"lib.go"}}
	server.Repos["old/only"] = &githubtest.Repo{Archived: true}
	token := map[string]string{"GH_TOKEN": secret}
	at := func(opt setup.Options) setup.Options { opt.URL = server.API(); opt.Kind = "github"; return opt }
	for name, test := range map[string]struct {
		opt     setup.Options
		answers string
		env     map[string]string
		want    string
	}{
		"no terminal":     {setup.Options{}, "", token, "there is no terminal"},
		"no sign":         {at(setup.Options{Yes: true, Account: "acme"}), "", token, "acme has 1 repository, and none shows a sign"},
		"only archived":   {at(setup.Options{Yes: true, Account: "old"}), "", token, "has no repository to configure (not proposed: 1 archived)"},
		"unknown name":    {at(setup.Options{Yes: true, Account: "acme", Repositories: []string{"x*"}}), "", token, `no repository matches "x*"`},
		"unknown account": {at(setup.Options{Yes: true, Account: "nobody"}), "", token, "does not exist"},
		"unknown kind":    {setup.Options{Yes: true, Kind: "bitbucket"}, "", token, "use github or gitlab"},
		"end of input":    {at(setup.Options{}), "acme\n", token, "the input ended"},
		"no token":        {at(setup.Options{Yes: true, Account: "acme"}), "", nil, "none of GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN, GITHUB_TOKEN, GH_TOKEN is set"},
		"token as name":   {at(setup.Options{Yes: true, TokenVariable: secret}), "", token, "and not the token"},
		"unset variable":  {at(setup.Options{Yes: true, TokenVariable: "MY_TOKEN"}), "", token, "MY_TOKEN: the environment variable is not set"},
		"bad URL":         {setup.Options{Yes: true, Kind: "github", Account: "acme", URL: "ftp://x"}, "", token, "give an absolute http or https URL"},
		"bad account":     {at(setup.Options{Yes: true, Account: "a b"}), "", token, `organization "a b"`},
	} {
		t.Run(name, func(t *testing.T) {
			test.opt.Dir = filepath.Join(t.TempDir(), "new")
			_, out, err := run(t, test.opt, test.answers, test.env)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if _, err := os.Lstat(test.opt.Dir); err == nil {
				t.Error("the directory was created")
			}
			if err != nil && strings.Contains(err.Error()+out, secret) {
				t.Error("the token is shown")
			}
		})
	}
}

func TestExistingFiles(t *testing.T) {
	server := githubtest.New(t)
	server.Repos["acme/teams"] = &githubtest.Repo{Files: []string{"Dockerfile"},
		Contents: map[string]string{"CODEOWNERS": "* @acme/core\n"}}
	dir := t.TempDir()
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.WriteFile(elsewhere, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "people.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "dx.yaml"), []byte("demo: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*.log\r\n/collected"), 0o600); err != nil {
		t.Fatal(err)
	}
	opt := setup.Options{Dir: dir, Yes: true, Kind: "github", URL: server.API(), Account: "acme"}
	env := map[string]string{"GITHUB_TOKEN": secret}
	result, _, err := run(t, opt, "", env)
	if err != nil {
		t.Fatal(err)
	}
	want := "[{.gitignore appended /people.csv, /dxctl-data/} {people.csv kept it exists"
	if got := fmt.Sprint(result.Files); !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if text, _ := os.ReadFile(elsewhere); string(text) != "mine" {
		t.Errorf("the file behind the link is %q", text)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, ".gitignore")); !strings.HasPrefix(string(text), "*.log\r\n/collected\n# dxctl") {
		t.Errorf(".gitignore is %q", text)
	}
	if cfg, _, _ := load(t, dir); cfg.Store.DSN != "embedded:./dxctl-data" {
		t.Errorf("the store is %s, where the demo has data", cfg.Store.DSN)
	}
	if _, err := os.Stat(filepath.Join(dir, "catalog", "teams-service.yaml")); err != nil { // teams.yaml has the teams
		t.Error(err)
	}
	_, _, err = run(t, opt, "", env)
	if err == nil || !strings.Contains(err.Error(), "dx.yaml exists in "+dir) || len(server.Requests()) != result.Requests {
		t.Errorf("got %v", err)
	}
}
