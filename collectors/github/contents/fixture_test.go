package contents

import (
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
)

var now = streamtest.Now

const scope = streamtest.Scope

// discover is the path under which descriptors are looked for.
const discover = "catalog-info.yaml"

// collect collects what the server's repository shows of itself, which must not fail. path is that of descriptors.
func collect(t testing.TB, s *githubtest.Server, m *collecttest.Writer, at time.Time, path string) {
	t.Helper()
	if err := tryCollect(t, s, m, at, path); err != nil {
		t.Fatal(err)
	}
}

// tryCollect is collect that may fail.
func tryCollect(t testing.TB, s *githubtest.Server, m *collecttest.Writer, at time.Time, path string) error {
	t.Helper()
	_, err := Collect(t.Context(), streamtest.Repository(t, s, m, at), path, nil, nil)
	return err
}

// reads returns how many of the requests ask for a content.
func reads(requests []githubtest.Request, text string) int {
	n := 0
	for _, r := range requests {
		if sha := githubtest.BlobSHA(text); strings.Contains(r.Path, sha) || strings.Contains(r.Body, sha) {
			n++
		}
	}
	return n
}
