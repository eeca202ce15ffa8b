//go:build actionsbed

package github_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// TestCreateOnAnEmulator creates services in repositories of an emulator of GitHub: at once, and with the answer to
// each request lost once. What was interrupted is resumed, has exactly the files of the plan, and is cleaned up.
func TestCreateOnAnEmulator(t *testing.T) {
	e := startEmulator(t)
	var lost atomic.Int64 // how many requests go on until the answer to one is lost; negative: none is
	lost.Store(-1)
	front := losing(t, e.address, &lost)
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	golden := all[slices.IndexFunc(all, func(p *paths.Path) bool { return p.Name == "go-service" })]
	for at := int64(-1); ; at++ {
		name := fmt.Sprintf("ledger-%d", at+1)
		answers, _ := golden.Samples()
		answers["service_name"], answers["repository"] = name, "octocat/"+name
		a := create.New(create.Deps{
			Path: func(context.Context, string) (*paths.Path, error) { return golden, nil },
			Now:  time.Now, Local: t.TempDir(), Journals: t.TempDir(), GitHubURL: front,
			GitHub: func() (*github.Host, error) {
				return github.New(github.Config{URL: front, AllowPrivateNetwork: true}, "ours", "test",
					rest.Options{Tune: func(c *rest.Config) { c.Attempts = 1 }})
			},
		})
		p, err := a.Plan(t.Context(), actions.Input{create.NameField: name, create.PathField: golden.Name,
			create.RepositoryField: "octocat/" + name, create.AnswersField: map[string]string(answers)})
		if err != nil {
			t.Fatal(err)
		}
		if a.Resume, err = a.Begin(t.Context(), p, "run"); err != nil {
			t.Fatal(err)
		}
		lost.Store(at)
		err = created(t, a, p)
		interrupted := lost.Swap(-1) < 0 && at >= 0
		if err != nil && !interrupted { // without an error, the client has asked again by itself
			t.Fatalf("request %d: %v", at, err)
		}
		if err != nil {
			if a.Resume, err = create.ReadJournal(a.Journals, name); err != nil {
				t.Fatal(err)
			}
			if err := created(t, a, p); err != nil {
				t.Fatalf("resumed after request %d: %v", at, err)
			}
		}
		cleanUp(t, a, p)
		if at >= 0 && !interrupted {
			if at < 5 {
				t.Errorf("a creation takes only %d requests", at)
			}
			return
		}
	}
}

// losing returns the address of a proxy that loses the answer to the request for which the count is zero.
func losing(t *testing.T, to string, count *atomic.Int64) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(*http.Response) error {
			if count.Add(-1) == -1 {
				panic(http.ErrAbortHandler)
			}
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL + "/api/v3"
}

// created applies a plan as the command does.
func created(t *testing.T, a *create.Action, p actions.Plan) error {
	t.Helper()
	_, err := actions.Run(t.Context(), a, p.Input, p.Digest(), actions.RunOptions{ID: "run", Now: time.Now})
	return err
}

// cleanUp compares the repository with the plan, and deletes it.
func cleanUp(t *testing.T, a *create.Action, p actions.Plan) {
	t.Helper()
	host, err := a.GitHub()
	if err != nil {
		t.Fatal(err)
	}
	full := p.Input.Text(create.RepositoryField)
	found, err := host.Find(t.Context(), full)
	if err != nil || found == nil {
		t.Fatalf("%s: %v, %v", full, found, err)
	}
	commits, err := host.Commits(t.Context(), full, github.Branch)
	if err != nil || found.DefaultBranch != github.Branch || !slices.Equal(commits, []string{a.Resume.Pushed}) {
		t.Errorf("%s has the commits %v on %s: %v", full, commits, found.DefaultBranch, err)
	}
	left, err := a.Leftover(t.Context(), a.Resume)
	if err != nil || len(left.Foreign) > 0 || !left.Equal(full) {
		t.Errorf("%s would not be deleted: %+v, %v", full, left, err)
	}
	if err := a.Clean(t.Context(), a.Resume); err != nil {
		t.Error(err)
	}
	if found, err := host.Find(t.Context(), full); err != nil || found != nil {
		t.Errorf("%s is still there: %v, %v", full, found, err)
	}
}
