package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// inventoryOf returns the inventory of an account, or of single repositories of it.
func inventoryOf(t *testing.T, server *githubtest.Server, account string, named ...string) source.Inventory {
	t.Helper()
	v, err := github.NewInventory(github.Config{Source: "gh", URL: server.API(), Token: "t0ken", Organization: account,
		Repositories: named}, source.Options{
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Tune:  func(r *rest.Config) { r.PerSecond, r.Burst = 1e6, 1e6 },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func list(t *testing.T, v source.Inventory) source.Listing {
	t.Helper()
	all, err := v.Repositories(t.Context(), func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// find returns a repository of a listing.
func find(t *testing.T, all source.Listing, path string) source.Repository {
	t.Helper()
	for _, r := range all.Repositories {
		if r.Path == path {
			return r
		}
	}
	t.Fatalf("%s is not listed among %d repositories", path, len(all.Repositories))
	return source.Repository{}
}

// organization has n repositories, each with a workflow whose name does not tell whether it deploys.
func organization(t *testing.T, n int) *githubtest.Server {
	t.Helper()
	server := githubtest.New(t)
	for i := range n {
		server.Repos[fmt.Sprintf("acme/app-%04d", i)] = &githubtest.Repo{Contents: map[string]string{
			".github/workflows/main.yml": "jobs:\n  ship:\n    environment: prod\n",
		}}
	}
	return server
}

func TestRequestsPerHundredRepositories(t *testing.T) {
	server := organization(t, 250)
	started := time.Now()
	all := list(t, inventoryOf(t, server, "acme"))
	if n := len(server.Requests()); n != 6 { // 3 pages, each with one query for the workflows
		t.Errorf("%d requests for 250 repositories, want 6", n)
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("250 repositories took %s", took)
	}
	if len(all.Repositories) != 250 || len(all.Notes) != 0 {
		t.Fatalf("%d repositories, notes %q", len(all.Repositories), all.Notes)
	}
	got := find(t, all, "acme/app-0249")
	if fmt.Sprint(got.Signs()) != "[main.yml deploys]" || fmt.Sprint(got.Environments) != "[prod]" {
		t.Errorf("got the signs %q and the environments %q", got.Signs(), got.Environments)
	}
}

func TestSmallerPagesWhereGitHubIsTooSlow(t *testing.T) {
	server := organization(t, 130)
	server.Before = func(n int, r *http.Request) *githubtest.Fault {
		if n <= 2 { // every attempt of the first query
			return &githubtest.Fault{Status: http.StatusBadGateway, Body: "<html>502 Bad Gateway</html>"}
		}
		return nil
	}
	all := list(t, inventoryOf(t, server, "acme"))
	if len(all.Repositories) != 130 || len(all.Notes) != 0 {
		t.Errorf("%d repositories, notes %q", len(all.Repositories), all.Notes)
	}
	find(t, all, "acme/app-0129")
}

func TestTokenWithoutDeployments(t *testing.T) {
	scopes := `{"errors": [{"type": "INSUFFICIENT_SCOPES", "message": "Your token has not been granted the required ` +
		`scopes to execute this query. The 'deployments' field requires one of the following scopes: ['repo']"}]}`
	partial := `{"data": {"repositoryOwner": {"__typename": "Organization", "login": "acme", "repositories": {"nodes": [` +
		`null, {"id": "1", "nameWithOwner": "acme/shop", "defaultBranchRef": {"name": "main"}, "deployments": null, ` +
		`"root": {"entries": [{"name": "Dockerfile", "type": "blob"}]}}]}}}, "errors": [{"type": "FORBIDDEN", "path": ` +
		`["repositoryOwner", "repositories", "nodes", 1, "deployments"], "message": "Resource not accessible by personal ` +
		`access token"}]}`
	for name, body := range map[string]string{"classic token": scopes, "fine-grained token": partial} {
		t.Run(name, func(t *testing.T) {
			server := githubtest.New(t)
			server.Repos["acme/shop"] = &githubtest.Repo{Files: []string{"Dockerfile"}}
			server.Before = func(n int, _ *http.Request) *githubtest.Fault {
				if n == 1 {
					return &githubtest.Fault{Status: http.StatusOK, Body: body}
				}
				return nil
			}
			all := list(t, inventoryOf(t, server, "acme"))
			if signs := find(t, all, "acme/shop").Signs(); fmt.Sprint(signs) != "[Dockerfile]" {
				t.Errorf("the signs are %q", signs)
			}
			if notes := strings.Join(all.Notes, "\n"); !strings.Contains(notes, "no read access to deployments") ||
				name == "fine-grained token" && !strings.Contains(notes, "1 repositories are not shown to the token") {
				t.Errorf("the notes are %q", all.Notes)
			}
		})
	}
}

func TestWithoutGraphQLTheFilesAreNotKnown(t *testing.T) {
	server := organization(t, 101)
	server.Repos["acme/old"] = &githubtest.Repo{Archived: true}
	server.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if r.URL.Path == "/api/graphql" {
			return &githubtest.Fault{Status: http.StatusNotFound, Body: `{"message": "Not Found"}`}
		}
		return nil
	}
	all := list(t, inventoryOf(t, server, "acme"))
	if r := find(t, all, "acme/app-0100"); !r.Unread || len(r.Signs()) > 0 {
		t.Errorf("got %+v, want one whose files are not known", r)
	}
	if r := find(t, all, "acme/old"); r.LeftOut != "archived" {
		t.Errorf("acme/old is left out because it is %q", r.LeftOut)
	}
	if len(all.Notes) != 1 || len(server.Requests()) > 6 {
		t.Errorf("notes %q", all.Notes)
	}
}

func TestRateLimitIsWaitedOut(t *testing.T) {
	server := organization(t, 1)
	server.Before = func(n int, _ *http.Request) *githubtest.Fault {
		if n == 1 {
			return &githubtest.Fault{Status: http.StatusForbidden, Header: map[string]string{"Retry-After": "1"},
				Body: `{"message": "You have exceeded a secondary rate limit."}`}
		}
		return nil
	}
	v := inventoryOf(t, server, "acme")
	waits := 0
	v.Observe(rest.Observer{Waiting: func(rest.Waiting) { waits++ }})
	if all := list(t, v); len(all.Repositories) != 1 || waits == 0 {
		t.Errorf("%d repositories after %d waits", len(all.Repositories), waits)
	}
}

func TestTokenThatExpires(t *testing.T) {
	server := organization(t, 150)
	server.Before = func(n int, _ *http.Request) *githubtest.Fault {
		if n < 3 {
			return nil
		}
		return &githubtest.Fault{Status: http.StatusUnauthorized, Body: `{"message": "Bad credentials"}`}
	}
	_, err := inventoryOf(t, server, "acme").Repositories(t.Context(), func(int, int) {})
	if !errors.Is(err, rest.ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
}

func TestCompleteAddsEarlierEnvironments(t *testing.T) {
	server := organization(t, 1)
	shop := server.Repos["acme/app-0000"]
	for i := range 40 {
		at := time.Date(2026, 11, 1, i, 0, 0, 0, time.UTC)
		shop.Deployments = append(shop.Deployments, githubtest.Deployment{ID: int64(i), Environment: "staging", Created: at})
	}
	shop.Deployments[0].Environment = "production"
	v := inventoryOf(t, server, "acme")
	all := list(t, v).Repositories
	if got := fmt.Sprint(all[0].Environments); got != "[staging]" {
		t.Errorf("the listing shows %s", got)
	}
	server.Requests()
	v.Complete(t.Context(), all)
	if got := fmt.Sprint(all[0].Environments); got != "[production staging]" || len(server.Requests()) != 1 {
		t.Errorf("got %s", got)
	}
}

func TestNamedRepositories(t *testing.T) {
	server := organization(t, 3)
	server.Repos["acme/plain"] = &githubtest.Repo{NoGraphQL: true}
	v := inventoryOf(t, server, "acme", "acme/app-0001", "acme/plain")
	all, err := v.Named(t.Context(), []string{"acme/app-0001", "acme/plain"})
	if err != nil || len(all.Repositories) != 2 {
		t.Fatalf("%d repositories, %v", len(all.Repositories), err)
	}
	if r := find(t, all, "acme/app-0001"); r.Unread || len(r.Signs()) != 1 {
		t.Errorf("got %+v", r)
	}
	if r := find(t, all, "acme/plain"); !r.Unread {
		t.Errorf("got %+v", r)
	}
	if _, err := v.Named(t.Context(), []string{"acme/none"}); err == nil || !strings.Contains(err.Error(), "acme/none") {
		t.Errorf("got %v", err)
	}
}

func TestMembers(t *testing.T) {
	for name, test := range map[string]struct {
		members []githubtest.Member
		hidden  bool
		user    bool
		want    string
		note    string
	}{
		"all, and a bot": {members: []githubtest.Member{{Login: "ada", Name: "Ada King"}, {Login: "grace"}, {Login: "ci-bot"}},
			want: "[{ada Ada King false} {grace  false} {ci-bot  true}]"},
		"missing scope, public members": {members: []githubtest.Member{{Login: "ada", Name: "Ada", Public: true}, {Login: "eve"}},
			hidden: true, want: "[{ada  false}]", note: "only the public members are listed"},
		"nobody": {want: "[]", note: "the token shows no members"},
		"user":   {user: true, want: "[{acme Name of acme false}]"},
	} {
		t.Run(name, func(t *testing.T) {
			server := organization(t, 1)
			server.Members, server.HideMembers, server.Users = test.members, test.hidden, map[string]bool{"acme": test.user}
			v := inventoryOf(t, server, "acme")
			list(t, v)
			got, err := v.Members(t.Context())
			if err != nil || fmt.Sprint(got.People) != test.want {
				t.Errorf("got %v, %v, want %s", got.People, err, test.want)
			}
			if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, test.note) || test.note == "" && notes != "" {
				t.Errorf("the notes are %q", notes)
			}
		})
	}
}

func TestManyMembers(t *testing.T) {
	server := organization(t, 1)
	for i := range 1050 {
		server.Members = append(server.Members, githubtest.Member{Login: fmt.Sprintf("m%04d", i)})
	}
	got, err := inventoryOf(t, server, "acme").Members(t.Context())
	if n := len(server.Requests()); err != nil || len(got.People) != 1050 || n != 11 {
		t.Errorf("%d people in %d requests, %v", len(got.People), n, err)
	}
}
