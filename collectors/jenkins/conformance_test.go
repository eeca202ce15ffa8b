package jenkins

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

func TestConformance(t *testing.T) {
	collecttest.Suite{
		Start: func(t testing.TB) *httptest.Server {
			f := start(t, organization()...)
			f.stages = true
			return f.Server
		},
		New: func(url string, opt source.Options) (source.Collector, error) {
			cfg := Config{Source: "ci", URL: url, User: "u", Token: "x"}
			everything(&cfg)
			return New(cfg, opt)
		},
		Now: now,
		Bad: func(r *http.Request, answer string) bool {
			return strings.HasPrefix(r.URL.Path, "/job/shop/") && strings.Contains(answer, `"number":200,`)
		},
		BadText: `"ID":"200"`,
		Lists:   func(r *http.Request) bool { return strings.Contains(r.URL.Query().Get("tree"), "timestamp") },
		Lose: func(scope string, w *collecttest.Writer) {
			if scope == "shop" {
				w.Remove(event.KindPipelineRun, "120/1")
			}
		},
	}.Run(t)
}
