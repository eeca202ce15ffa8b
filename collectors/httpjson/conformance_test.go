package httpjson

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// services are the services of the catalog of the tests.
func services(names ...string) func() []descriptor.Entity {
	return func() []descriptor.Entity {
		var all []descriptor.Entity
		for _, name := range names {
			all = append(all, descriptor.Entity{Ref: "component:default/" + name, Kind: "Component", Namespace: "default",
				Name: name, Type: "service", Annotations: map[string]string{"example.com/project": "team a/" + name}})
		}
		return all
	}
}

// withETag answers 304 where the client has the answer.
func withETag(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		h(answer, r)
		sum := sha256.Sum256(answer.Body.Bytes())
		tag := `"` + hex.EncodeToString(sum[:8]) + `"`
		if answer.Code == http.StatusOK {
			w.Header().Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func server(t testing.TB, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(withETag(h))
	t.Cleanup(s.Close)
	return s
}

var coverage = []Fact{
	{Name: "sonar.coverage", Type: event.NumberFact, Value: Expression{Text: "body.coverage"}},
	{Name: "sonar.tags", Type: event.ListFact, Value: Expression{Text: "body.tags"}, Expires: "7d"},
}

func TestConformanceForEachService(t *testing.T) {
	collecttest.Suite{
		Start: func(t testing.TB) *httptest.Server {
			return server(t, func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `{"coverage": %d, "tags": ["%s"]}`, len(r.URL.Query().Get("c")), r.URL.Query().Get("c"))
			})
		},
		New: func(url string, opt source.Options) (source.Collector, error) {
			opt.Entities = services("a", "bb", "ccc")
			return New(Config{Source: "sonar", URL: url + "/api?c={name}", Facts: coverage}, opt)
		},
		Now:   noon,
		Facts: true,
	}.Run(t)
}

func TestConformanceOfAListing(t *testing.T) {
	collecttest.Suite{
		Start: func(t testing.TB) *httptest.Server {
			return server(t, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, `{"list": [{"service":"a","n":1},{"service":"other","n":9},{"service":"Component:default/BB","n":2}]}`)
			})
		},
		New: func(url string, opt source.Options) (source.Collector, error) {
			opt.Entities = services("a", "bb", "ccc")
			return New(Config{Source: "scan", URL: url + "/list", Items: Expression{Text: "body.list"},
				Entity: Expression{Text: "item.service"},
				Facts:  []Fact{{Name: "scan.n", Type: event.NumberFact, Value: Expression{Text: "item.n"}}}}, opt)
		},
		Now:   noon,
		Facts: true,
		Lists: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/list") },
	}.Run(t)
}
