package contents

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/event"
)

// collectBound collects with the services that are bound to the repository, and its owner's defaults.
func collectBound(
	t *testing.T,
	s *githubtest.Server,
	m *collecttest.Writer,
	at time.Time,
	services collecttest.Services,
) error {
	t.Helper()
	m.RepositoryReader = collecttest.Bound{Services: services}
	r := streamtest.Repository(t, s, m, at)
	var err error
	if r.Subjects, err = servicefacts.Bindings(t.Context(), m, mapping.Provider, scope); err != nil {
		t.Fatal(err)
	}
	_, err = Collect(t.Context(), r, "", nil, new(Defaults))
	return err
}

// known returns a fact of a service, "" the repository, by the end of its name.
func known(m *collecttest.Writer, service, name string) string {
	key := "repository." + name
	if service != "" {
		key = service + " " + key
	}
	f, ok := collecttest.Stored[event.Fact](m)[key]
	switch {
	case !ok:
		return "none"
	case f.Error != "":
		return "unknown: " + f.Error
	}
	return string(f.Value)
}

func TestServicesOfASharedRepository(t *testing.T) {
	const pay, cart = "component:default/pay", "component:default/cart"
	repo := &githubtest.Repo{Contents: map[string]string{
		"README.md":                "# Shop\n",
		"go.mod":                   "module shop\n",
		"services/pay/Dockerfile":  "FROM alpine\n",
		"services/pay/main.go":     "package main\n",
		"services/cart/Dockerfile": "FROM alpine:3.20\nUSER 1000\n",
		"services/cart/app.py":     "print()\n",
	}}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	both := collecttest.Services{pay: {"services/pay"}, cart: {"services/cart", "services/old"}}
	if err := collectBound(t, s, m, now, both); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ service, name, want string }{
		{pay, "language", `"Go"`},
		{cart, "language", `"Python"`},
		{pay, "containers.latest_bases", `["services/pay/Dockerfile:1: the base image alpine has no version"]`},
		{cart, "containers.latest_bases", `[]`},
		{pay, "files.readme", "true"},
		{pay, "default_branch", `"main"`},
		{cart, "provider", `"github"`},
		{"", "files.readme", "none"}, // every service has its own
	} {
		if got := known(m, tc.service, tc.name); got != tc.want {
			t.Errorf("%s of %s: %s, want %s", tc.name, tc.service, got, tc.want)
		}
	}
	// A service moves within the repository, and another one leaves it.
	if err := collectBound(t, s, m, now.Add(time.Hour), collecttest.Services{pay: {"services/cart"}}); err != nil {
		t.Fatal(err)
	}
	if got := known(m, pay, "language"); got != `"Python"` {
		t.Errorf("moved: %s", got)
	}
	if got := known(m, cart, "language"); got != "unknown: the catalog no longer binds it to acme/shop of gh" {
		t.Errorf("left: %s", got)
	}
	// The repository itself is described.
	if err := collectBound(t, s, m, now.Add(2*time.Hour), nil); err != nil {
		t.Fatal(err)
	}
	if got := known(m, "", "files.readme"); got != "true" {
		t.Errorf("whole: %s", got)
	}
	// The source no longer lists it.
	if err := Retract(t.Context(), streamtest.Repository(t, s, m, now.Add(3*time.Hour))); err != nil {
		t.Fatal(err)
	}
	if got := known(m, "", "default_branch"); got != "unknown: gh no longer lists acme/shop" {
		t.Errorf("gone: %s", got)
	}
	if err := collectBound(t, s, m, now.Add(4*time.Hour), nil); err != nil || known(m, "", "files.readme") != "true" {
		t.Errorf("back: %v, %s", err, known(m, "", "files.readme"))
	}
}

func TestInheritedFiles(t *testing.T) {
	repo := &githubtest.Repo{Contents: map[string]string{"README.md": "# Shop\n"}}
	defaults := &githubtest.Repo{Contents: map[string]string{
		"SECURITY.md":                      "Write to security@example.com.\n",
		".github/PULL_REQUEST_TEMPLATE.md": "What and why?\n",
	}}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	at := now
	step := func(what string, requests int, policy, template string) {
		t.Helper()
		s.Requests()
		if err := collectBound(t, s, m, at, nil); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range s.Requests() {
			if strings.Contains(r.Path, "acme/.github") || strings.Contains(r.Body, `".github"`) {
				n++
			}
		}
		if got := known(m, "", "files.security_policy"); !strings.HasPrefix(got, policy) {
			t.Errorf("%s: policy %s", what, got)
		}
		if got := known(m, "", "files.pull_request_template"); !strings.HasPrefix(got, template) {
			t.Errorf("%s: template %s", what, got)
		}
		if n != requests {
			t.Errorf("%s: asked %d times, want %d", what, n, requests)
		}
		at = at.Add(time.Hour)
	}
	step("no defaults", 1, "false", "false")
	s.Repos["acme/.github"] = defaults
	step("the owner is asked once a day", 0, "false", "false")
	at = at.Add(24 * time.Hour)
	step("defaults", 3, "true", "true")
	step("unchanged", 0, "true", "true")
	repo.Contents["SECURITY.md"] = "Report it in private.\n"
	step("a file of its own", 3, "true", "true")
	delete(repo.Contents, "SECURITY.md")
	defaults.Private = true
	step("GitHub shows the defaults of public repositories only", 1, "false", "false")
	defaults.Private = false
	at = at.Add(24 * time.Hour)
	s.SetBefore(streamtest.Always500(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/.github") }))
	step("the defaults cannot be read", 8, "false", "false")
	repo.Contents["Dockerfile"] = "FROM alpine\n"
	step("nor for a repository that changed", 8, "unknown: the defaults of its owner cannot be read", "unknown: ")
	s.SetBefore(nil)
	at = at.Add(24 * time.Hour)
	step("they can be read again", 3, "true", "true")
}

// A changed repository costs at most 8 requests, whatever it has, and an unchanged one a conditional request.
func TestBudget(t *testing.T) {
	repo := &githubtest.Repo{Contents: map[string]string{"README.md": "# Shop\n", "Dockerfile": "FROM alpine\n"}}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	at := now
	step := func(what string, from, to int) []githubtest.Request {
		t.Helper()
		s.Requests()
		repo.Pushed = at.Add(-time.Hour)
		collect(t, s, m, at, "")
		at = at.Add(2 * time.Hour)
		requests := s.Requests()
		if n := len(requests); n < from || n > to {
			t.Errorf("%s: %d requests", what, n)
		}
		return requests
	}
	step("a small repository", 3, 3)
	repo.Contents["Dockerfile"] = "FROM alpine:3.20\n"
	step("a commit", 3, 3)
	repo.Contents["main.go"] = "package main\n"
	step("a new file", 3, 3)
	for i := range 150 {
		repo.Contents[fmt.Sprintf("k8s/%03d.yaml", i)] = fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: s%d}\n", i)
	}
	step("many manifests", 3, 3)
	for i := range 5000 {
		repo.Contents[fmt.Sprintf("k8s/%04d.yaml", i)] = fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: s%d}\n", i)
	}
	step("more than is read", 7, 8)
	if got := known(m, "", "containers.count"); got != "1" {
		t.Errorf("the Dockerfile was left out: %s", got)
	}
	pushed := repo.Pushed
	s.Requests()
	for range 3 {
		repo.Pushed = pushed
		collect(t, s, m, at, "")
		at = at.Add(time.Hour)
		if requests := s.Requests(); len(requests) != 1 || requests[0].Status != http.StatusNotModified {
			t.Errorf("unchanged: %+v", requests)
		}
	}
}

func TestContentsThatGraphQLDoesNotShow(t *testing.T) {
	large := "# Shop\n" + strings.Repeat("All about it.\n", 50_000)
	repo := &githubtest.Repo{Contents: map[string]string{"README.md": large, "LICENSE": "\x00\x01", "Dockerfile": "FROM alpine\n"}}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	collect(t, s, m, now, "")
	if n := streamtest.Count(s.Requests(), "git/blobs"); n != 2 || strings.HasPrefix(known(m, "", "readme.missing"), "unknown") {
		t.Errorf("%d single requests, %s", n, known(m, "", "readme.missing"))
	}
	if got := known(m, "", "license"); got != "unknown: LICENSE is binary" {
		t.Error(got)
	}
	repo.NoGraphQL = true
	m = collecttest.NewWriter()
	collect(t, s, m, now, "")
	if got := known(m, "", "containers.latest_bases"); !strings.Contains(got, "has no version") {
		t.Error(got)
	}
	repo.NoGraphQL, repo.NoObjects = false, true // a server whose GraphQL lacks the field
	for i := range 20 {
		repo.Contents[fmt.Sprintf("a/%02d.yaml", i)] = fmt.Sprintf("n: %d\n", i)
	}
	repo.Contents["docs/CODEOWNERS"] = "* @acme/shop\n"
	m = collecttest.NewWriter()
	s.Requests()
	collect(t, s, m, now, "")
	if n := len(s.Requests()); n > 8 {
		t.Errorf("%d requests", n)
	}
	if got := known(m, "", "codeowners.owners"); got != `["@acme/shop"]` {
		t.Error(got)
	}
	if got := known(m, "", "files.dockerfile"); got != "true" {
		t.Error(got)
	}
	if got := known(m, "", "workloads.without_probes"); !strings.Contains(got, "more than 5 requests for contents") {
		t.Error(got)
	}
	repo.HideContents, repo.NoObjects = true, false
	m = collecttest.NewWriter()
	collect(t, s, m, now, "")
	if got := known(m, "", "containers.latest_bases"); !strings.Contains(got, "the token needs read access to contents") {
		t.Error(got)
	}
	if got := known(m, "", "files.dockerfile"); got != "true" {
		t.Error(got)
	}
}

func TestOwnersThatGitHubDoesNotFind(t *testing.T) {
	repo := &githubtest.Repo{Contents: map[string]string{"CODEOWNERS": "* @acme/shop\ndocs/ @gone  @acme/writers\n"}}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	collect(t, s, m, now, "")
	if got := known(m, "", "codeowners.unresolved_owners"); !strings.HasPrefix(got, "unknown: GitHub does not show which owners") {
		t.Error(got)
	}
	repo.Settings = map[string]githubtest.Setting{"codeowners/errors": {Body: map[string]any{"errors": []any{
		map[string]any{"line": 2, "column": 7, "kind": "Unknown owner", "source": "docs/ @gone  @acme/writers"},
		map[string]any{"line": 2, "column": 99, "kind": "Unknown owner", "source": "docs/ @gone"},
		map[string]any{"line": 3, "column": 1, "kind": "Invalid pattern", "source": "***/*.rb @acme/shop"},
	}}}}
	repo.Contents["README.md"] = "# Shop\n"
	collect(t, s, m, now.Add(time.Hour), "")
	if got := known(m, "", "codeowners.unresolved_owners"); got != `["@gone"]` {
		t.Error(got)
	}
	repo.Settings["codeowners/errors"] = githubtest.Setting{Body: map[string]any{"errors": []any{}}}
	repo.Contents["README.md"] = "# The shop\n"
	collect(t, s, m, now.Add(2*time.Hour), "")
	if got := known(m, "", "codeowners.unresolved_owners"); got != "[]" {
		t.Error(got)
	}
}
