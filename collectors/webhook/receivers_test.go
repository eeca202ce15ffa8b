package webhook

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
)

// TestUnknownWordsAreLoggedOnce counts the lines.
func TestUnknownWordsAreLoggedOnce(t *testing.T) {
	var log strings.Builder
	r, err := NewReceivers(
		[]Source{testSource(githubreceiver.Receiver{})},
		Options{Logger: slog.New(slog.NewTextHandler(&log, nil))},
	)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.Parse(deliverytest.GitHub("workflow_run", "x", deliverytest.GitHubRun+`"status":"levitating"}`))
		r.Parse(deliverytest.GitHub("workflow_job", "x", deliverytest.GitHubJob+`"status":"levitating"}`))
	}
	if n := strings.Count(log.String(), "levitating"); n != 2 {
		t.Errorf("%d lines, want one for runs and one for jobs:\n%s", n, log.String())
	}
	for n := range 2 * maxWarned {
		r.Parse(deliverytest.GitHub("workflow_run", "x", deliverytest.GitHubRun+fmt.Sprintf(`"status":"word %d"}`, n)))
	}
	if n := strings.Count(log.String(), "\n"); n != maxWarned {
		t.Errorf("%d lines, want %d at most", n, maxWarned)
	}
}
