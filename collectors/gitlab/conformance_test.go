package gitlab

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

func TestConformance(t *testing.T) {
	bad := fmt.Sprint(nth(200))
	collecttest.Suite{
		Start: func(t testing.TB) *httptest.Server { return everything(t).Server },
		New: func(url string, opt source.Options) (source.Collector, error) {
			return New(Config{Source: "gl", URL: url, Token: "secret", Projects: []string{scope}}, opt)
		},
		Now: now,
		Bad: func(r *http.Request, answer string) bool {
			return strings.Contains(r.URL.Path, "/pipelines") && strings.Contains(answer, `"id":`+bad+`,`)
		},
		BadText: `"` + bad + `"`,
		Lists:   func(r *http.Request) bool { return r.URL.Query().Has("per_page") },
		Lose: func(_ string, w *collecttest.Writer) {
			w.Remove(event.KindPipelineRun, fmt.Sprintf("%d/1", nth(120)))
		},
	}.Run(t)
}
