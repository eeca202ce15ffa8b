package changes

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
)

var now = streamtest.Now

const scope = streamtest.Scope

// collect collects the pull requests of the server's repository, which must not fail.
func collect(t testing.TB, s *githubtest.Server, m *collecttest.Writer, at time.Time) {
	t.Helper()
	if err := Collect(t.Context(), streamtest.Repository(t, s, m, at)); err != nil {
		t.Fatal(err)
	}
}
