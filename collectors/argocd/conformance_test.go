package argocd

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

func TestConformance(t *testing.T) {
	collecttest.Suite{
		Start: func(t testing.TB) *httptest.Server {
			apps := []object{
				app(
					"payment",
					op("Running", 20, 0, sha(3), alice),
					syncedEntry(0, 0, sha(1), alice),
					syncedEntry(1, 10, sha(2), alice),
				),
			}
			for i := range 9 {
				apps = append(
					apps,
					app(fmt.Sprintf("svc-%d", i), op("Succeeded", 0, 1, sha(1), automated), syncedEntry(0, 0, sha(1), automated)),
				)
			}
			return newServer(t, apps...).Server
		},
		New: func(url string, opt source.Options) (source.Collector, error) {
			return New(Config{Source: "argo", URL: url, Token: "secret"}, opt)
		},
		Now:   noon.Add(time.Hour),
		Lists: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/applications") },
		Lose: func(scope string, w *collecttest.Writer) {
			if scope == "payment" {
				w.Remove(event.KindDeployment, id(10))
			}
		},
	}.Run(t)
}
