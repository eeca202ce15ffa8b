package pagerduty

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
		Start: func(t testing.TB) *httptest.Server { return pages(t).Server },
		New: func(url string, opt source.Options) (source.Collector, error) {
			return New(Config{Source: "pd", URL: url, Token: "secret"}, opt)
		},
		Now: noon,
		Bad: func(r *http.Request, answer string) bool {
			return strings.HasPrefix(r.URL.Path, "/incidents") && strings.Contains(answer, `"Q200"`)
		},
		BadText: `"Q200"`,
		Lists:   func(r *http.Request) bool { return r.URL.Path == "/incidents" },
		Lose:    func(_ string, w *collecttest.Writer) { w.Remove(event.KindIncident, "Q40") },
	}.Run(t)
}
