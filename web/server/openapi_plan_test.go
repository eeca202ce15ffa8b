package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/access"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/plan"
	"github.com/dxctl/dxctl/scorecards/replay"
	"github.com/dxctl/dxctl/web/planning"
	"github.com/dxctl/dxctl/web/server"
)

// TestOpenAPIPlan validates what the route of plans answers and refuses, and how it is described.
func TestOpenAPIPlan(t *testing.T) {
	shared := sharedFixture(t)
	deps := shared.deps
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer, deps.PlanAnswer = registry, registry, plan.Plan{}
	const secret = "a-token-for-plans"
	var refusal *planning.Refusal // nil: the request is planned
	var err error
	deps.Plans, err = planning.New(planning.Deps{
		Tokens: access.New(access.Token{Name: "rules", Secret: secret, Scopes: access.Scopes}),
		Plan: func(ctx context.Context, _ []byte) ([]byte, error) {
			if refusal != nil {
				return nil, refusal
			}
			return realPlan(ctx, shared)
		},
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
		{"POST", secret, good, nil, 200, `"falls":true`},
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

// realPlan plans an edit of the scorecard of the tests in every way: an expression, a level, a removed rule, one in
// draft, and past days.
func realPlan(ctx context.Context, f *fixture) ([]byte, error) {
	text := strings.NewReplacer(
		`expr: 'facts["repository.files.readme"]'`, `expr: 'facts["repository.files.license"] && false'`,
		"id: system, level: gold", "id: placed, status: draft, level: gold",
	).Replace(testScorecard)
	cards, err := scorecards.Parse([]byte(text), "scorecard.yaml")
	if err != nil {
		return nil, err
	}
	after, err := scorecards.New(scorecards.Set{Cards: cards}, f.deps.Now)
	if err != nil {
		return nil, err
	}
	before, now, cat := f.deps.Scorecards, f.deps.Now(), f.catalog
	factsOf, err := scorecards.Known(ctx, f.deps.Store, cat, f.deps.Metrics, now)
	if err != nil {
		return nil, err
	}
	p := plan.Compare(cat, before, after, factsOf, now)
	inForce, err := f.store.RulesHistory(ctx)
	if err != nil {
		return nil, err
	}
	p.AddDigests(before, after, inForce)
	if err := p.AddPast(ctx, f.store, cat, before, after, replay.Days{From: now.AddDate(0, 0, -3), To: now}); err != nil {
		return nil, err
	}
	if len(p.Teams) == 0 || len(p.Rules) == 0 || p.Would == nil || len(p.Past.Rules) == 0 {
		return nil, fmt.Errorf("the plan shows too little: %+v", p)
	}
	return json.Marshal(p)
}
