package github

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/runs"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
)

var now = streamtest.Now

const scope = streamtest.Scope

// collector returns a collector of the server at a time. tune changes its configuration, and may be nil.
func collector(t testing.TB, s *githubtest.Server, tune func(*Config), at time.Time) *Collector {
	t.Helper()
	cfg := Config{Source: "gh", URL: s.URL, Token: "secret", Repositories: []string{scope}}
	if tune != nil {
		tune(&cfg)
	}
	c, err := New(cfg, streamtest.Options(at))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// collect collects the server's repository, which must not fail.
func collect(t testing.TB, s *githubtest.Server, m *collecttest.Writer, at time.Time, tune func(*Config)) {
	t.Helper()
	if err := collector(t, s, tune, at).Collect(t.Context(), scope, m); err != nil {
		t.Fatal(err)
	}
}

func noJobs(c *Config) { c.Jobs = runs.NoJobs }

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func discover(c *Config) {
	yes := true
	c.Catalog.Discover = &yes
}
