package mapping

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

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
	m := Mapper{
		Source:       "gh",
		Scope:        "acme/shop",
		URL:          "https://api.github.com/",
		Unrecognized: func(string, string) {},
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(e event.Event) {
			if err := e.Validate(); err != nil {
				t.Errorf("%+v: %v", e, err)
			}
		}
		var rest struct {
			Runs []Run `json:"workflow_runs"`
			Jobs []Job `json:"jobs"`
		}
		if json.Unmarshal(data, &rest) == nil {
			for _, g := range rest.Runs {
				check(m.RunEvent(g, time.Time{}))
			}
			for _, j := range rest.Jobs {
				check(m.JobEvent("1", j))
			}
		}
		var listing struct{ Nodes []json.RawMessage }
		if json.Unmarshal(data, &listing) != nil {
			return
		}
		for _, raw := range listing.Nodes {
			var issue Issue
			if json.Unmarshal(raw, &issue) == nil {
				check(m.IncidentEvent(issue))
			}
			var pull Pull
			if json.Unmarshal(raw, &pull) == nil {
				check(m.ChangeEvent(pull))
			}
			var deployment Deployment
			if json.Unmarshal(raw, &deployment) == nil {
				check(m.DeploymentEvent(deployment))
			}
		}
	})
}
