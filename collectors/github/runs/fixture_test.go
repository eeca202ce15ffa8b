package runs

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
)

var now = streamtest.Now

const scope = streamtest.Scope

// collect collects the runs of the server's repository, which must not fail.
func collect(t testing.TB, s *githubtest.Server, m *collecttest.Writer, at time.Time, jobs Jobs) {
	t.Helper()
	if err := tryCollect(t, s, m, at, jobs); err != nil {
		t.Fatal(err)
	}
}

// tryCollect is collect that may fail.
func tryCollect(t testing.TB, s *githubtest.Server, m *collecttest.Writer, at time.Time, jobs Jobs) error {
	t.Helper()
	return Collect(t.Context(), streamtest.Repository(t, s, m, at), jobs)
}
