package backstage

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
		Start: func(t testing.TB) *httptest.Server { return several(t).Server },
		New: func(url string, opt source.Options) (source.Collector, error) {
			return New(Config{Source: "bs", URL: url, Token: "secret"}, opt)
		},
		Now:     now,
		Bad:     func(_ *http.Request, answer string) bool { return strings.Contains(answer, `"svc-13"`) },
		BadText: "svc-13",
		Lists:   func(*http.Request) bool { return true },
		Lose:    func(_ string, w *collecttest.Writer) { w.Remove(event.KindDescriptor, "component:default/svc-07") },
	}.Run(t)
}
