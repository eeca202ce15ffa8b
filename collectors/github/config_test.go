package github

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestConfigMistakes(t *testing.T) {
	for _, tc := range []struct {
		name string
		tune func(*Config)
		want string
	}{
		{"no token", func(c *Config) { c.Token = " " }, "token is missing"},
		{"nothing to collect", func(c *Config) { c.Repositories = nil }, "nothing to collect"},
		{"a repository without an owner", func(c *Config) { c.Repositories = []string{"shop"} }, "owner/name"},
		{"a repository that is a path", func(c *Config) { c.Repositories = []string{"a/../b"} }, "owner/name"},
		{"an address of another server", func(c *Config) { c.Repositories = []string{"https://ghe.example.com/a/b"} }, "it is at ghe.example.com, and the source is at github.com"},
		{"an address of GitLab", func(c *Config) { c.Repositories = []string{"https://gitlab.com/a/b"} }, "is not a host of GitHub"},
		{"one repository in two ways", func(c *Config) { c.Repositories = []string{"a/b", "https://github.com/A/b/tree/main"} }, "listed twice"},
		{"a repository twice", func(c *Config) { c.Repositories = []string{"a/b", "A/b"} }, "listed twice"},
		{"an organization's URL", func(c *Config) { c.Organization = "https://github.com/x" }, "its login"},
		{"deployments", func(c *Config) { c.Deployments.Tags = "v[" }, "deployments.tags"},
		{"incidents", func(c *Config) { c.Incidents.Labels = []string{"a,b"} }, "incidents.labels"},
		{"catalog", func(c *Config) { c.Catalog.Path = "/x" }, "catalog.path"},
		{"jobs", func(c *Config) { c.Jobs = "some" }, "all, default-branch or none"},
		{"a url without a scheme", func(c *Config) { c.URL = "github.com" }, "absolute http or https"},
		{"a token in the url", func(c *Config) { c.URL = "https://u:secret@github.com" }, "leave out user"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := Config{Source: "gh", Token: "x", Repositories: []string{"a/b"}}
			if err := cfg.Validate(); err != nil {
				t.Fatal(err)
			}
			tc.tune(&cfg)
			err := cfg.Validate()
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}

func TestTheRepositoriesOfAnOrganization(t *testing.T) {
	s := githubtest.New(t)
	for i := range 120 {
		s.Repos["acme/r"+string(rune('a'+i/26))+string(rune('a'+i%26))] = &githubtest.Repo{Archived: i == 3, Fork: i == 4}
	}
	m := collecttest.NewWriter()
	c := collector(t, s, func(c *Config) { c.Organization, c.Repositories = "acme", []string{"acme/raa", "other/x"} }, now)
	for i, want := range []int{3, 2} { // requests: the owner and two pages, then two pages that have not changed
		scopes, err := c.Scopes(t.Context(), m)
		if err != nil || len(scopes) != 119 || scopes[0] != "acme/raa" || scopes[1] != "other/x" {
			t.Fatalf("%d scopes, %v", len(scopes), err)
		}
		requests := s.Requests()
		if len(requests) != want || i == 1 && (requests[0].Status != 304 || requests[1].Status != 304) {
			t.Errorf("requests %v", requests)
		}
	}
}

func TestCheckSaysWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault func(r *http.Request) *githubtest.Fault
		want  string
	}{
		{"all is well", func(*http.Request) *githubtest.Fault { return nil }, ""},
		{"a wrong token", func(*http.Request) *githubtest.Fault {
			return &githubtest.Fault{Status: 401, Body: `{"message":"Bad credentials"}`}
		}, "401 Bad credentials: the token is invalid or expired"},
		{"a visitor's limit", func(*http.Request) *githubtest.Fault {
			return &githubtest.Fault{Status: 200, Body: `{"resources":{"core":{"limit":60}}}`}
		}, "rejected the credentials"},
		{"no such repository", func(r *http.Request) *githubtest.Fault {
			if strings.Contains(r.URL.Path, "repos/") {
				return &githubtest.Fault{Status: 404, Body: `{"message":"Not Found"}`}
			}
			return nil
		}, "the token may not see it"},
		{"not GitHub", func(*http.Request) *githubtest.Fault { return &githubtest.Fault{Status: 404, Body: "nope"} }, "check the source's url"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := streamtest.Serve(t, &githubtest.Repo{})
			s.Before = func(_ int, r *http.Request) *githubtest.Fault { return tc.fault(r) }
			err := collector(t, s, nil, now).Check(t.Context())
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
			if tc.name == "a wrong token" && !errors.Is(err, rest.ErrUnauthorized) {
				t.Errorf("%v is not ErrUnauthorized", err)
			}
		})
	}
}

func TestAllMissingRightsAreNamedAtOnce(t *testing.T) {
	s, m := streamtest.Serve(t, &githubtest.Repo{Runs: streamtest.Runs(1, time.Hour), Files: []string{"README.md"}}), collecttest.NewWriter()
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		for _, part := range []string{"/actions/", "/pulls", "/deployments", "/git/"} {
			if strings.Contains(r.URL.Path, part) {
				return &githubtest.Fault{
					Status: http.StatusForbidden,
					Body:   `{"message":"Resource not accessible by personal access token"}`,
				}
			}
		}
		return nil
	}
	c := collector(t, s, nil, now)
	for what, err := range map[string]error{"collect": c.Collect(t.Context(), scope, m), "check": c.Check(t.Context())} {
		if err == nil || !strings.HasPrefix(err.Error(), "the token lacks read access to: actions, contents, deployments, "+
			"pull requests. Add them at once: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.SetBefore(nil)
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("with all rights: %v", err)
	}
}

func TestRepositoriesMayBeAddresses(t *testing.T) {
	for server, repositories := range map[string][]string{
		"":                           {"https://github.com/o/a/tree/main/x", "git@github.com:o/b.git", "ssh://git@ssh.github.com:443/o/c.git", "o/d"},
		"https://acme.ghe.com":       {"https://acme.ghe.com/o/a", "git@acme.ghe.com:o/b.git", "https://acme.ghe.com/o/c.git", "o/d"},
		"https://ghe.example.com:84": {"https://ghe.example.com:84/o/a/blob/main/x.go", "git@ghe.example.com:o/b.git", "o/c", "o/d"},
	} {
		c, err := New(Config{Source: "gh", URL: server, Token: "x", Repositories: repositories}, source.Options{})
		if err != nil {
			t.Errorf("%q: %v", server, err)
			continue
		}
		if want := []string{"o/a", "o/b", "o/c", "o/d"}; !slices.Equal(c.cfg.Repositories, want) {
			t.Errorf("%q: reads %q, want %q", server, c.cfg.Repositories, want)
		}
	}
}
