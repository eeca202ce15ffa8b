package deployments

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
)

var now = streamtest.Now

const scope = streamtest.Scope

// from returns a change of the configuration under which records of a kind are deployments.
func from(kind Kind, tune ...func(*Config)) func(*Config) {
	return func(c *Config) {
		c.From = []Kind{kind}
		for _, t := range tune {
			t(c)
		}
	}
}

// collect collects the deployments of the server's repository, which must not fail. tune changes the configuration, and
// may be nil.
func collect(t testing.TB, s *githubtest.Server, m *collecttest.Writer, at time.Time, tune func(*Config)) {
	t.Helper()
	var cfg Config
	if tune != nil {
		tune(&cfg)
	}
	if err := Collect(t.Context(), streamtest.Repository(t, s, m, at), cfg); err != nil {
		t.Fatal(err)
	}
}
