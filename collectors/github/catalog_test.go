package github

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

func TestADescriptorThatCannotBeReadDoesNotHoldUpTheStreams(t *testing.T) {
	repo := everything()
	repo.Contents = map[string]string{"catalog-info.yaml": streamtest.Component}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		switch asked := streamtest.AsksFor(r, streamtest.Component); {
		case asked && strings.Contains(r.URL.Path, "git/blobs"):
			return &githubtest.Fault{Status: 404 + 18, Body: `{"message":"Sorry, the blob is too large"}`}
		case asked:
			return &githubtest.Fault{Status: 200, Body: `{"data":{"repository":{"b0":null,"b1":null}}}`}
		}
		return nil
	}
	err := collector(t, s, discover, now).Collect(t.Context(), scope, m)
	if err == nil || !strings.Contains(err.Error(), "git/blobs") || m.Number(event.KindChange) != 160 {
		t.Errorf("%d changes, %v", m.Number(event.KindChange), err)
	}
	s.SetBefore(nil)
	collect(t, s, m, now, discover)
	if collecttest.Stored[event.Descriptor](m)["catalog-info.yaml"].Document != streamtest.Component {
		t.Error("it is not read again")
	}
}

func TestAnOrganizationCostsThreeRequestsARepository(t *testing.T) {
	s := githubtest.New(t)
	pushed := now.Add(-24 * time.Hour)
	for _, name := range []string{"acme/a", "acme/b"} {
		repo := everything()
		repo.Pushed, repo.Contents = pushed, map[string]string{"catalog-info.yaml": streamtest.Component}
		s.Repos[name] = repo
	}
	of := map[string]*collecttest.Writer{
		"":       collecttest.NewWriter(),
		"acme/a": collecttest.NewWriter(),
		"acme/b": collecttest.NewWriter(),
	}
	c := collector(t, s, func(c *Config) { c.Organization, c.Repositories = "acme", nil }, now)
	round := func() []githubtest.Request {
		t.Helper()
		s.Requests()
		scopes, err := c.Scopes(t.Context(), of[""])
		if err != nil || fmt.Sprint(scopes) != "[acme/a acme/b]" {
			t.Fatalf("%v, %v", scopes, err)
		}
		for _, name := range scopes {
			if err := c.Collect(t.Context(), name, of[name]); err != nil {
				t.Fatal(err)
			}
		}
		return s.Requests()
	}
	round()
	requests := round()
	for _, r := range requests {
		if r.Status != http.StatusNotModified {
			t.Errorf("%s?%s: %d", r.Path, r.Query, r.Status)
		}
	}
	if len(requests) != 1+2*3 { // the listing; of each repository its runs, pull requests and deployments
		t.Errorf("%d requests: %v", len(requests), requests)
	}
	if d := collecttest.Stored[event.Descriptor](of["acme/a"])["catalog-info.yaml"]; d.Document != streamtest.Component {
		t.Errorf("%+v", d)
	}
	if f := collecttest.Stored[event.Fact](of["acme/a"])["repository.default_branch"]; string(f.Value) != `"main"` {
		t.Errorf("%+v", f)
	}
	s.Repos["acme/a"].Pushed = now.Add(-time.Minute)
	s.Repos["acme/a"].Contents["README.md"] = "new"
	requests = round()
	if n := streamtest.Count(requests, "git/trees"); n != 1 ||
		string(collecttest.Stored[event.Fact](of["acme/a"])["repository.files.readme"].Value) != "true" {
		t.Errorf("%d listings of files after a push", n)
	}
	if n := streamtest.Count(round(), "git/trees"); n != 1 {
		t.Errorf("%d listings of files within minutes of a push, when GitHub may not show it yet", n)
	}
}
