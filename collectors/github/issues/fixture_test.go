package issues

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
)

var now = streamtest.Now

const scope = streamtest.Scope

// labeled is the configuration under which issues with one of the labels are incidents.
func labeled(labels ...string) Config { return Config{Labels: labels} }

// collect collects the incidents of the server's repository, which must not fail.
func collect(t testing.TB, s *githubtest.Server, m *collecttest.Writer, at time.Time, cfg Config) {
	t.Helper()
	if err := Collect(t.Context(), streamtest.Repository(t, s, m, at), cfg); err != nil {
		t.Fatal(err)
	}
}
