package circleci

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
		Start: func(t testing.TB) *httptest.Server { return dozen(t).Server },
		New: func(url string, opt source.Options) (source.Collector, error) {
			return New(Config{Source: "circle", URL: url, Token: "secret", Projects: []string{"gh/acme/shop"}}, opt)
		},
		Now:     noon,
		Bad:     func(r *http.Request, _ string) bool { return strings.HasSuffix(r.URL.Path, "/pipeline/p5/workflow") },
		BadText: `"5/build`,
		Lists:   func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/pipeline") },
		Lose:    func(_ string, w *collecttest.Writer) { w.Remove(event.KindPipelineRun, "4/build/1") },
	}.Run(t)
}
