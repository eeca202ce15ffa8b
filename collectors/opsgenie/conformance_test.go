package opsgenie

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
			return New(Config{Source: "og", URL: url, Token: "secret", Teams: []string{team}}, opt)
		},
		Now:     noon,
		Bad:     func(_ *http.Request, answer string) bool { return strings.Contains(answer, `"a200"`) },
		BadText: `"a200"`,
		Lists:   func(r *http.Request) bool { return r.URL.Path == "/v2/alerts" },
		Lose:    func(_ string, w *collecttest.Writer) { w.Remove(event.KindIncident, "a40") },
	}.Run(t)
}
