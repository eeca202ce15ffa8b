package github

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
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
		}, "create another"},
		{"a visitor's limit", func(*http.Request) *githubtest.Fault {
			return &githubtest.Fault{Status: 200, Body: `{"resources":{"core":{"limit":60}}}`}
		}, "does not take the credentials"},
		{"no such repository", func(r *http.Request) *githubtest.Fault {
			if strings.Contains(r.URL.Path, "repos/") {
				return &githubtest.Fault{Status: 404, Body: `{"message":"Not Found"}`}
			}
			return nil
		}, "the token may not see it"},
		{"not GitHub", func(*http.Request) *githubtest.Fault { return &githubtest.Fault{Status: 404, Body: "nope"} }, "check the source's url"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := fake(t, &githubtest.Repo{})
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

// FuzzAnswers gives arbitrary answers to the decoders: whatever a server sends, there is an error or an event that can
// be stored, and never a panic.
func FuzzAnswers(f *testing.F) {
	f.Add(
		[]byte(
			`{"total_count":1,"workflow_runs":[{"id":1,"run_attempt":2,"status":"completed","conclusion":null,"created_at":"2026-01-02T03:04:05Z"}]}`,
		),
	)
	f.Add([]byte(`{"jobs":[{"id":1,"started_at":null,"completed_at":"0001-01-01T00:00:00Z","labels":["x"]}]}`))
	f.Add(
		[]byte(
			`{"nodes":[{"number":1,"author":null,"commits":{"nodes":[{"commit":{"oid":"a","authoredDate":null}}]},"reviews":{"nodes":[{"author":null}]}}]}`,
		),
	)
	f.Add([]byte(`{"nodes":[{"databaseId":1,"statuses":{"nodes":[{"state":"SUCCESS"}]}}]}`))
	f.Add(
		[]byte(
			`{"nodes":[{"databaseId":1,"tagName":"v1","publishedAt":"2026-01-02T03:04:05Z","author":null,"tagCommit":null}]}`,
		),
	)
	f.Add(
		[]byte(
			`{"nodes":[{"name":"v1","target":{"oid":"a","tagger":{"date":null,"user":null},"target":{"oid":"b","committedDate":"2026-01-02T03:04:05Z"}}}]}`,
		),
	)
	f.Add(
		[]byte(
			`{"nodes":[{"number":1,"state":"closed","created_at":"2026-01-02T03:04:05Z","closed_at":null,"labels":[{"name":"sev1"}]}]}`,
		),
	)
	u, _ := url.Parse("https://api.github.com/")
	base := source.Options{}.Base(profile, "gh")
	r := &repository{
		Collector: &Collector{Base: base, cfg: Config{Source: "gh"}},
		Mapper:    mapping.Mapper{Source: "gh", Scope: scope, URL: u.String(), Unrecognized: base.Unrecognized},
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var runs client.RunPage
		var jobs client.JobPage
		var pulls pullPage
		var deployments deploymentPage
		check := func(e event.Event) {
			if err := e.Validate(); err != nil {
				t.Errorf("%+v: %v", e, err)
			}
		}
		var listing struct{ Nodes []json.RawMessage }
		if json.Unmarshal(data, &listing) == nil {
			for _, raw := range listing.Nodes {
				for _, decode := range []func(json.RawMessage) (version, error){decodeAs[releaseNode], decodeAs[tagNode]} {
					if n, err := decode(raw); err == nil {
						if e, ok := n.event(r); ok {
							check(e)
						}
					}
				}
				var i mapping.Issue
				if json.Unmarshal(raw, &i) == nil {
					check(r.IncidentEvent(i))
				}
			}
		}
		if json.Unmarshal(data, &runs) == nil {
			for _, g := range unique(runs.Runs) {
				check(r.RunEvent(g, time.Time{}))
			}
		}
		if json.Unmarshal(data, &jobs) == nil {
			for _, j := range jobs.Jobs {
				check(r.JobEvent("1", j))
			}
		}
		if json.Unmarshal(data, &pulls) == nil {
			for _, n := range pulls.Nodes {
				check(r.ChangeEvent(n))
			}
		}
		if json.Unmarshal(data, &deployments) == nil {
			for _, n := range deployments.Nodes {
				check(r.DeploymentEvent(n))
			}
		}
	})
}

func TestAllMissingRightsAreNamedAtOnce(t *testing.T) {
	s, m := fake(t, &githubtest.Repo{Runs: runsEvery(1, time.Hour), Files: []string{"README.md"}}), collecttest.NewWriter()
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
