package github

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

func TestConformance(t *testing.T) {
	collecttest.Suite{
		Start: func(t testing.TB) *httptest.Server { return streamtest.Serve(t, allSorts()).Server },
		New: func(url string, opt source.Options) (source.Collector, error) {
			cfg := Config{Source: "gh", URL: url, Token: "secret", Repositories: []string{scope}}
			allOfIt(&cfg)
			return New(cfg, opt)
		},
		Now: now,
		Bad: func(r *http.Request, answer string) bool {
			return strings.Contains(r.URL.Path, "/runs/999950") || strings.Contains(answer, `"id":999950,`)
		},
		BadText: "999950",
		Lists: func(r *http.Request) bool {
			return r.URL.Query().Has("per_page") && !strings.Contains(r.URL.Path, "/contents")
		},
		Lose: func(_ string, w *collecttest.Writer) { w.Remove(event.KindPipelineRun, "999900/1") },
	}.Run(t)
}
