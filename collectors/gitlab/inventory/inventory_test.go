package inventory_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/gitlab"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

type object map[string]any

// fake is a GitLab with the projects of one group, or of one user.
type fake struct {
	*httptest.Server
	mu           sync.Mutex
	user         bool
	forbidden    bool              // the token lacks a scope
	projects     []object          // as REST lists them
	files        map[string]string // by "id path"
	environments map[string][]string
	deployments  map[string][]object
	members      []object
	// refuse returns the error of a GraphQL query; empty: none.
	refuse   func(query string) string
	requests []string
}

func start(t *testing.T, projects ...object) *fake {
	t.Helper()
	f := &fake{projects: projects, files: map[string]string{}, environments: map[string][]string{}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func project(id int, path string) object {
	return object{"id": id, "path_with_namespace": path, "description": nil, "default_branch": "main", "archived": false,
		"empty_repo": false, "last_activity_at": "2026-11-20T10:00:00.000Z", "web_url": "https://gitlab.example.com/" + path,
		"repository_access_level": "enabled"}
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4/")
	f.requests = append(f.requests, path)
	id, rest, _ := strings.Cut(strings.TrimPrefix(path, "projects/"), "/")
	switch {
	case r.Header.Get("PRIVATE-TOKEN") != "t0ken":
		answer(w, http.StatusUnauthorized, object{"message": "401 Unauthorized"})
	case f.forbidden:
		answer(w, http.StatusForbidden, object{"error": "insufficient_scope"})
	case r.URL.Path == "/api/graphql":
		f.graphQL(w, r)
	case path == "groups/acme%2Fshop/projects" && !f.user, path == "users/acme%2Fshop/projects" && f.user:
		f.page(w, r, f.projects)
	case path == "groups/acme%2Fshop/members/all" && !f.user, path == "users" && f.user:
		f.page(w, r, f.members)
	case rest == "environments":
		environments := []object{}
		for _, name := range f.environments[id] {
			environments = append(environments, object{"name": name})
		}
		f.page(w, r, environments)
	case rest == "deployments":
		f.page(w, r, f.deployments[id])
	case strings.HasPrefix(rest, "repository/files/"):
		name, _ := url.PathUnescape(strings.TrimPrefix(rest, "repository/files/"))
		answer(w, http.StatusOK, object{"content": base64.StdEncoding.EncodeToString([]byte(f.files[id+" "+name]))})
	case strings.HasPrefix(path, "projects/") && rest == "":
		for _, p := range f.projects {
			if fmt.Sprint(p["id"]) == id || url.PathEscape(p["path_with_namespace"].(string)) == id {
				answer(w, http.StatusOK, p)
				return
			}
		}
		fallthrough
	default:
		answer(w, http.StatusNotFound, object{"message": "404 Not Found"})
	}
}

func answer(w http.ResponseWriter, status int, doc any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc)
}

func (f *fake) page(w http.ResponseWriter, r *http.Request, all []object) {
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from := min(max(number-1, 0)*100, len(all))
	to := min(from+100, len(all))
	w.Header().Set("X-Total", strconv.Itoa(len(all)))
	if to < len(all) {
		w.Header().Set("X-Next-Page", strconv.Itoa(max(number, 1)+1))
	}
	answer(w, http.StatusOK, append([]object{}, all[from:to]...))
}

func (f *fake) graphQL(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Query     string
		Variables struct{ IDs, Paths []string }
	}
	_ = json.NewDecoder(r.Body).Decode(&q)
	if f.refuse != nil {
		if message := f.refuse(q.Query); message != "" {
			answer(w, http.StatusOK, object{"errors": []object{{"message": message}}})
			return
		}
	}
	nodes := []object{}
	for _, gid := range q.Variables.IDs {
		id := strings.TrimPrefix(gid, "gid://gitlab/Project/")
		var named, ci []object
		for _, path := range q.Variables.Paths {
			if _, ok := f.files[id+" "+path]; ok {
				named = append(named, object{"path": path})
			}
		}
		if text, ok := f.files[id+" .gitlab-ci.yml"]; ok && strings.Contains(q.Query, "rawTextBlob") {
			ci = append(ci, object{"path": ".gitlab-ci.yml", "rawTextBlob": text})
		}
		nodes = append(nodes, object{"id": gid, "repository": object{"named": object{"nodes": named},
			"ci": object{"nodes": ci}}})
	}
	answer(w, http.StatusOK, object{"data": object{"projects": object{"nodes": nodes}}})
}

func (f *fake) inventory(t *testing.T) source.Inventory {
	t.Helper()
	v, err := gitlab.NewInventory(gitlab.Config{Source: "gl", URL: f.URL, Token: "t0ken", Groups: []string{"acme/shop"}},
		source.Options{
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
			Tune:  func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1e6 },
		})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (f *fake) list(t *testing.T) source.Listing {
	t.Helper()
	all, err := f.inventory(t).Repositories(t.Context(), func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const deploying = "deploy:\n  script: make ship\n  environment: {name: prod}\nreview:\n  environment: review/$CI_COMMIT_REF\n" +
	"stop:\n  environment: {name: old, action: stop}\n"

func TestSignsAndWhatIsLeftOut(t *testing.T) {
	with := func(p object, key string, value any) object { p[key] = value; return p }
	f := start(t, project(1, "acme/shop/api"), with(project(2, "acme/shop/old"), "archived", true),
		with(project(3, "acme/shop/new"), "empty_repo", true),
		with(project(4, "acme/shop/copy"), "forked_from_project", object{"id": 9}),
		with(project(5, "acme/shop/going"), "marked_for_deletion_on", "2026-12-01"),
		with(project(6, "acme/shop/bare"), "default_branch", nil), project(7, "acme/shop/lib"))
	f.files["1 Dockerfile"], f.files["1 .gitlab-ci.yml"], f.files["1 docs/CODEOWNERS"] = "FROM x", deploying, "* @acme/team"
	f.files["1 .gitlab/CODEOWNERS"], f.files["7 .gitlab-ci.yml"] = "* @nobody", "test:\n  script: make\n"
	all := f.list(t)
	var got []string
	for _, r := range all.Repositories {
		got = append(got, fmt.Sprintf("%s %q %q %v", r.Path, r.LeftOut, r.Signs(), r.Unread))
	}
	want := []string{
		`acme/shop/api "" [".gitlab-ci.yml deploys" "Dockerfile"] false`,
		`acme/shop/old "archived" [] true`,
		`acme/shop/new "empty" [] true`,
		`acme/shop/copy "fork" [] true`,
		`acme/shop/going "marked for deletion" [] true`,
		`acme/shop/bare "without a default branch" [] true`,
		`acme/shop/lib "" [] false`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if api := all.Repositories[0]; fmt.Sprint(api.Environments) != "[prod]" || api.Codeowners != "docs/CODEOWNERS" {
		t.Errorf("got %+v", api)
	}
}

func TestRequestsPerHundredProjects(t *testing.T) {
	f := start(t)
	for i := range 250 {
		f.projects = append(f.projects, project(i+1, fmt.Sprintf("acme/shop/p%03d", i)))
		f.files[fmt.Sprintf("%d .gitlab-ci.yml", i+1)] = deploying
	}
	all := f.list(t)
	if len(all.Repositories) != 250 || len(f.requests) != 6 {
		t.Errorf("%d projects in %d requests, want 250 in 6", len(all.Repositories), len(f.requests))
	}
	if signs := all.Repositories[249].Signs(); len(signs) != 1 {
		t.Errorf("the last one has the signs %q", signs)
	}
	f.user, f.projects, f.requests = true, f.projects[:100], nil
	if all := f.list(t); len(all.Repositories) != 100 || len(f.requests) != 3 {
		t.Errorf("%d projects of a user in %d requests, want 100 in 3", len(all.Repositories), len(f.requests))
	}
}

func TestServerThatRefusesTheTextOfFiles(t *testing.T) {
	f := start(t, project(1, "acme/shop/api"))
	f.files["1 Dockerfile"], f.files["1 .gitlab-ci.yml"] = "FROM x", deploying
	f.refuse = func(query string) string {
		if strings.Contains(query, "rawTextBlob") {
			return "Query has complexity of 346, which exceeds max complexity of 250"
		}
		return ""
	}
	all := f.list(t)
	if fmt.Sprint(all.Repositories[0].Signs()) != "[Dockerfile]" || len(all.Notes) != 1 || len(f.requests) != 3 {
		t.Errorf("signs %q, notes %q, requests %q", all.Repositories[0].Signs(), all.Notes, f.requests)
	}
	f.refuse = func(string) string { return "undefined" }
	if all = f.list(t); !all.Repositories[0].Unread || len(all.Notes) != 2 {
		t.Errorf("got %+v", all)
	}
}

func TestCompleteAndMembers(t *testing.T) {
	f := start(t, project(1, "acme/shop/api"))
	f.files["1 CODEOWNERS"] = "# who\n[Docs] @writers\ndocs/\n\n^[Code][2] @acme/core @ada\n*\n"
	f.environments["1"] = []string{"production", "review/x"}
	f.members = []object{{"username": "Ada", "name": "Ada King", "state": "active"},
		{"username": "gone", "name": "Gone", "state": "blocked"},
		{"username": "group_7_bot_1f", "name": "token", "state": "active"}}
	v := f.inventory(t)
	all, err := v.Repositories(t.Context(), func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if notes := v.Complete(t.Context(), all.Repositories); len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
	r := all.Repositories[0]
	if fmt.Sprint(r.Owners) != "[@acme/core @ada]" || fmt.Sprint(r.Signs()) != "[deployments to production, review/x]" {
		t.Errorf("got %+v", r)
	}
	members, err := v.Members(t.Context())
	if want := "[{Ada Ada King false} {group_7_bot_1f token true}]"; err != nil || fmt.Sprint(members.People) != want {
		t.Errorf("got %v, %v, want %s", members.People, err, want)
	}
}

func TestEnvironments(t *testing.T) {
	f := start(t, project(1, "acme/shop/api"), project(2, "acme/shop/web"), project(3, "acme/shop/lib"))
	for i := range 150 {
		f.environments["1"] = append(f.environments["1"], fmt.Sprintf("review/%d", i))
	}
	f.environments["1"] = append(f.environments["1"], "production")
	f.deployments = map[string][]object{"2": {{"environment": object{"name": "live"}}, {"environment": object{"name": "live"}}}}
	all := f.list(t).Repositories
	if notes := f.inventory(t).Complete(t.Context(), all); len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
	if n := len(all[0].Environments); n != 151 || fmt.Sprint(all[1].Environments) != "[live]" || all[2].Deployed {
		t.Errorf("%d environments, %q, deployed %t", n, all[1].Environments, all[2].Deployed)
	}
}

func TestNamedProjects(t *testing.T) {
	f := start(t, project(12, "acme/shop/api"))
	all, err := f.inventory(t).Named(t.Context(), []string{"12", "acme/shop/none"})
	if err == nil || !strings.Contains(err.Error(), "project acme/shop/none") {
		t.Errorf("got %v", err)
	}
	if len(all.Repositories) != 1 || all.Repositories[0].Configured != "12" || all.Repositories[0].Unread {
		t.Errorf("got %+v", all.Repositories)
	}
}

func TestRejectedTokenAndMissingScope(t *testing.T) {
	f := start(t, project(1, "acme/shop/api"))
	v, err := gitlab.NewInventory(gitlab.Config{Source: "gl", URL: f.URL, Token: "expired", Groups: []string{"acme/shop"}},
		source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Repositories(t.Context(), func(int, int) {}); !errors.Is(err, rest.ErrUnauthorized) || len(f.requests) != 1 {
		t.Errorf("got %v after %d requests", err, len(f.requests))
	}
	f.forbidden = true
	if _, err := f.inventory(t).Repositories(t.Context(), func(int, int) {}); err == nil ||
		!strings.Contains(err.Error(), "insufficient_scope") || !strings.Contains(err.Error(), "needs the scope read_api") {
		t.Errorf("got %v", err)
	}
}
