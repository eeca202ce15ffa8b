package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/access"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/plan"
	"github.com/dxctl/dxctl/web/planning"
	"github.com/dxctl/dxctl/web/server"
)

// TestOpenAPIPlan validates what the route of plans refuses, and how it is described.
func TestOpenAPIPlan(t *testing.T) {
	shared := sharedFixture(t)
	deps := shared.deps
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer, deps.PlanAnswer = registry, registry, plan.Plan{}
	const secret = "a-token-for-plans"
	var refusal *planning.Refusal
	var err error
	deps.Plans, err = planning.New(planning.Deps{
		Tokens: access.New(access.Token{Name: "rules", Secret: secret, Scopes: access.Scopes}),
		Plan:   func(context.Context, []byte) ([]byte, error) { return nil, refusal },
	})
	if err != nil {
		t.Fatal(err)
	}
	app, err := server.New(server.DefaultConfig(), deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Shutdown() })
	f := &fixture{app: app, store: shared.store, catalog: shared.catalog, deps: deps}
	text, doc := f.openAPI(t)
	s := newStrict(t, text)
	if got := fmt.Sprint(doc.Components.Schemas["Request"]["required"]); got != "[version files]" {
		t.Errorf("of a request is required: %s", got)
	}
	for _, want := range []string{`"securitySchemes"`, `"Retry-After"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not described", want)
		}
	}
	const good = `{"version": 1, "files": [{"name": "a.yaml", "text": "x"}]}`
	for _, tc := range []struct {
		method, token, body string
		refusal             *planning.Refusal
		status              int
		want                string
	}{
		{"POST", "wrong", good, nil, 401, "missing or invalid token"},
		{"POST", secret, "[", nil, 400, "not a request for a plan"},
		{"POST", secret, good, &planning.Refusal{Status: 422, Detail: "d",
			Mistakes: scorecards.Problems{{File: "a.yaml", Line: 2, Column: 3, Message: "m"}}}, 422, `"line":2,"column":3`},
		{"POST", secret, good, &planning.Refusal{Status: 503, Detail: "stopped"}, 503, "stopped"},
		{"GET", secret, "", nil, 405, "send a POST"},
		{"PUT", secret, "{}", nil, 405, "send a POST"},
	} {
		refusal = tc.refusal
		r := httptest.NewRequestWithContext(t.Context(), tc.method, planning.Path, strings.NewReader(tc.body))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+tc.token)
		status, header, body := f.do(t, r)
		if status != tc.status || !strings.Contains(body, tc.want) {
			t.Errorf("%s: %d %s, want %d", tc.method, status, body, tc.status)
		}
		if tc.method != http.MethodPost {
			if header.Get("Allow") != http.MethodPost {
				t.Errorf("%s: Allow is %q", tc.method, header.Get("Allow"))
			}
			continue
		}
		s.check(t, planning.Path, "post", status, header.Get("Content-Type"), body)
	}
}
