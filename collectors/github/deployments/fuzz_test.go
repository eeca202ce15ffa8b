package deployments

import (
	"encoding/json"
	"testing"

	"github.com/dxctl/dxctl/collectors/github/mapping"
)

// FuzzAnswers gives arbitrary releases and tags to the decoders: whatever a server sends, there is an error, nothing,
// or an event that can be stored, and never a panic.
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
	m := mapping.Mapper{Source: "gh", Scope: scope, URL: "https://api.github.com/"}
	f.Fuzz(func(t *testing.T, data []byte) {
		var listing struct{ Nodes []json.RawMessage }
		if json.Unmarshal(data, &listing) != nil {
			return
		}
		for _, raw := range listing.Nodes {
			for _, decode := range []func(json.RawMessage) (version, error){decodeAs[release], decodeAs[tag]} {
				n, err := decode(raw)
				if err != nil {
					continue
				}
				e, ok := n.event(m, Config{})
				if !ok {
					continue
				}
				if err := e.Validate(); err != nil {
					t.Errorf("%+v: %v", e, err)
				}
			}
		}
	})
}
