package github

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func TestAFileThatAlwaysFailsDoesNotHoldUpTheOthers(t *testing.T) {
	bad := streamtest.Component + "# bad\n"
	repo := &githubtest.Repo{
		Contents: map[string]string{"catalog-info.yaml": streamtest.Location("a.yaml", "b.yaml"), "a.yaml": streamtest.Component, "b.yaml": bad},
		Runs:     streamtest.Runs(3, time.Hour),
	}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	s.Before = streamtest.Always500(func(r *http.Request) bool { return streamtest.AsksFor(r, bad) })
	for range 2 {
		err := collector(t, s, discover, now).Collect(t.Context(), scope, m)
		if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "b.yaml") ||
			collecttest.Stored[event.Descriptor](m)["a.yaml"].Document == "" ||
			m.Number(event.KindPipelineRun) != 3 {
			t.Fatalf("%v, %v, %d runs", err, m.Keys(event.KindDescriptor), m.Number(event.KindPipelineRun))
		}
	}
	s.SetBefore(nil)
	collect(t, s, m, now, discover)
	if collecttest.Stored[event.Descriptor](m)["b.yaml"].Document != bad {
		t.Errorf("%v", m.Keys(event.KindDescriptor))
	}
}

func TestARepositoryThatAlwaysFailsDoesNotHoldUpTheOthers(t *testing.T) {
	s := githubtest.New(t)
	for i := range 230 {
		s.Repos[fmt.Sprintf("acme/r%03d", i)] = &githubtest.Repo{}
	}
	bad := func(r *http.Request) bool {
		per, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		return strings.HasSuffix(r.URL.Path, "/repos") && 150 >= (page-1)*per && 150 < page*per
	}
	s.SetBefore(streamtest.Always500(bad))
	org := func(c *Config) { c.Repositories, c.Organization = nil, "acme" }
	m := collecttest.NewWriter()
	listed := func() ([]string, error) { return collector(t, s, org, now).Scopes(t.Context(), m) }
	scopes, err := listed()
	if !rest.OnlySkipped(err) || len(scopes) != 229 || slices.Contains(scopes, "acme/r150") {
		t.Errorf("%d scopes, %v", len(scopes), err)
	}
	s.SetBefore(nil)
	if scopes, err = listed(); err != nil || len(scopes) != 230 {
		t.Errorf("readable again: %d scopes, %v", len(scopes), err)
	}
	delete(s.Repos, "acme/r101")
	s.SetBefore(streamtest.Always500(bad))
	if scopes, err = listed(); !rest.OnlySkipped(err) || !slices.Contains(scopes, "acme/r150") {
		t.Errorf("what was listed before is not gone: %d scopes, %v", len(scopes), err)
	}
	s.SetBefore(streamtest.Always500(func(*http.Request) bool { return true }))
	if _, err = listed(); err == nil || rest.OnlySkipped(err) {
		t.Errorf("everything fails: %v", err)
	}
}
