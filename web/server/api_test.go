package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dxctl/dxctl/web/server"
	"github.com/prometheus/client_golang/prometheus"
)

func TestAPI(t *testing.T) {
	f := sharedFixture(t)
	for _, tt := range []struct {
		path string
		want []string
	}{
		{"/api/v1", []string{`"version":"v1"`, "/api/v1/ledger"}},
		{"/api/v1/services", []string{`"ref":"component:default/payment-service"`, `"level":"bronze"`,
			`"next_level":"silver"`, `"unmapped":[{"service":"unmapped:github/myorg/stranger"`}},
		{"/api/v1/services/default/payment-service",
			[]string{`"rules":[`, `"outcome":"pass"`, `"next":["ci"]`, `"missing":["ci.p95_minutes"]`,
				`"dependsOn":["component:default/user-service"]`}},
		{"/api/v1/services/default/payment-service/badge",
			[]string{`{"schemaVersion":1,"label":"`, `"message":"bronze · data `, `"color":"yellow"}`}},
		{"/api/v1/waivers?state=requested", []string{`"total":4`, `"without_waiver":"`, `"state":"requested"`, `"debt":[{`,
			`"service":"system:default/checkout"`}},
		{"/api/v1/campaigns?state=running", []string{`"total":1`, `"id":"silver"`, `"left":3`, `"chance":null`,
			`"days_left":30`, `"problems":["campaigns.yaml:25`}},
		{"/api/v1/campaigns/readmes?verdict=all", []string{`"state":"ended"`, `"rows":[{"service":"component:default/`,
			`"total":2`, `"known":false`}},
		{"/api/v1/metrics", []string{`"id":"deployment_frequency"`}},
		{"/api/v1/metrics/time-to-first-deploy?of=engineers&cohort=half-year",
			[]string{`"label":"2026-H1"`, `"id":"eve"`, `"censored":1`, `"completeness":[`}},
		{"/api/v1/metrics/time-to-first-deploy?of=services", []string{`"subjects":[`}},
		{"/api/v1/metrics/deployment-frequency?service=payment-service&bucket=month",
			[]string{`"buckets":[`, `"definition":{"id":"deployment_frequency"`}},
		{"/api/v1/grades", []string{`"grades":[`, `"rule":"owner"`, `"total":5`}},
		{"/api/v1/ledger", []string{`"gap":3`, `"total":3`}},
		{"/api/v1/ledger?gaps=true&windows=true&source=gh", []string{`"gap":3`, `"total":1`, `"windows":1`}},
		{"/api/v1/events/changes?service=payment-service&bots=false",
			[]string{`"repository":"myorg/payment-service"`, `"first_review_at":"2026-`, `"author":"bob"`}},
		{"/api/v1/events/pipeline_jobs", []string{`"run_id":"run0"`, `"runner":""`, `"without_queue":1`}},
		{"/api/v1/events/deployments?delivered=true",
			[]string{`"environment":"production"`, `"rollback_of":""`, `"version":"v`}},
		{"/api/v1/events/changes?service=payment-service", []string{`"total":12`, `"status":"merged"`, `"next":""`}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			status, header, body := f.get(t, tt.path)
			if status != http.StatusOK || header.Get("Content-Type") != "application/json" || !json.Valid([]byte(body)) {
				t.Fatalf("status %d, type %s:\n%s", status, header.Get("Content-Type"), body)
			}
			for _, want := range tt.want {
				if !strings.Contains(body, want) {
					t.Errorf("%s is not in the answer:\n%s", want, body)
				}
			}
		})
	}
}

func TestAPIProblems(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, nil)
	for path, want := range map[string]int{
		"/api/v1/nothing":                                           http.StatusNotFound,
		"/api/v1/services/default/nothing":                          http.StatusNotFound,
		"/api/v1/services/default/nothing?as_of=2026-01-01":         http.StatusNotFound,
		"/api/v1/services/default/payment-service?as_of=x":          http.StatusBadRequest,
		"/api/v1/services/default/payment-service?as_of=2098-01-01": http.StatusBadRequest,
		"/api/v1/grades?as_of=x":                                    http.StatusBadRequest,
		"/api/v1/scorecards?as_of=2098-01-01":                       http.StatusBadRequest,
		"/api/v1/scorecards/nothing?as_of=2026-01-01":               http.StatusNotFound,
		"/api/v1/scorecards/test-path/rules/none?as_of=2026-01-01":  http.StatusNotFound,
		"/api/v1/events/shoes":                                      http.StatusNotFound,
		"/api/v1/events/deployments?from=x":                         http.StatusBadRequest,
		"/api/v1/metrics/deployment-frequency?bucket=x":             http.StatusBadRequest,
		"/api/v1/metrics/time-to-first-deploy?of=x":                 http.StatusBadRequest,
		"/api/v1/events/deployments?delivered=yes":                  http.StatusBadRequest,
		"/api/v1/events/deployments?counted=yes":                    http.StatusBadRequest,
		"/api/v1/ledger?gaps=yes":                                   http.StatusBadRequest,
		"/api/v1/ledger?source=x":                                   http.StatusBadRequest,
	} {
		t.Run(path, func(t *testing.T) {
			status, header, body := f.get(t, path)
			var problem struct {
				Title, Detail, Instance string
				Status                  int
			}
			if err := json.Unmarshal([]byte(body), &problem); err != nil {
				t.Fatalf("%v:\n%s", err, body)
			}
			if status != want || problem.Status != want || problem.Title == "" || problem.Detail == "" ||
				problem.Instance == "" || header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("status %d, want %d: %s %+v", status, want, header.Get("Content-Type"), problem)
			}
		})
	}
}

func TestSecurity(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, nil)
	t.Run("headers", func(t *testing.T) {
		for _, path := range []string{"/", "/nowhere", "/api/v1", "/healthz"} {
			_, header, _ := f.get(t, path)
			csp := header.Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "base-uri 'none'",
				"frame-ancestors 'none'"} {
				if !strings.Contains(csp, want) {
					t.Errorf("%s: policy %q lacks %s", path, csp, want)
				}
			}
			if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") == "" {
				t.Errorf("%s: headers %v", path, header)
			}
		}
	})
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost": 200, "[::1]:9": 200, "LOCALHOST:8080": 200,
		"evil.example": 421, "127.0.0.1.evil.example": 421, "10.0.0.1:8080": 421,
	} {
		t.Run("host "+host, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/definitions", nil)
			r.Host = host
			if status, _, body := f.do(t, r); status != want {
				t.Errorf("status %d, want %d: %s", status, want, body)
			}
		})
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch,
		http.MethodOptions} {
		t.Run(method, func(t *testing.T) {
			r := httptest.NewRequest(method, "/", nil)
			r.Host = "localhost"
			if status, header, _ := f.do(t, r); status != http.StatusMethodNotAllowed || header.Get("Allow") != "GET, HEAD" {
				t.Errorf("status %d, Allow %q", status, header.Get("Allow"))
			}
		})
	}
	t.Run("behind a proxy", func(t *testing.T) {
		deps := f.deps
		registry := prometheus.NewRegistry()
		deps.Registerer, deps.Gatherer = registry, registry
		app, err := server.New(server.Config{Addr: "127.0.0.1:8080", Hosts: []string{"DX.example"}}, deps)
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range map[string]int{"dx.example": http.StatusOK, "dx.example:443": http.StatusOK,
			"other.example": http.StatusMisdirectedRequest} {
			r := httptest.NewRequest(http.MethodGet, "/definitions", nil)
			r.Host = host
			resp, err := app.Test(r, 10_000)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("host %s: status %d, want %d", host, resp.StatusCode, want)
			}
		}
	})
	t.Run("a public address takes any host", func(t *testing.T) {
		deps := f.deps
		registry := prometheus.NewRegistry()
		deps.Registerer, deps.Gatherer = registry, registry
		app, err := server.New(server.Config{Addr: "0.0.0.0:8080"}, deps)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/definitions", nil)
		r.Host = "dx.example"
		resp, err := app.Test(r, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("status %d", resp.StatusCode)
		}
	})
}

func TestHealthAndMetrics(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, testEvents())
	if body := f.page(t, "/readyz"); body != "ready\n" {
		t.Errorf("readyz says %q", body)
	}
	reports, err := f.deps.Scorecards.Reports(t.Context(), f.store, f.catalog)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reports {
		for _, g := range r.Grades(present) {
			if err := f.store.Append(t.Context(), g); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = f.page(t, "/services")
	_, _, _ = f.get(t, "/services/default/never-heard-of")
	body := f.page(t, "/metrics")
	for _, want := range []string{
		`dxctl_http_request_duration_seconds_count{route="/services",status="200"} 1`,
		`dxctl_http_request_duration_seconds_count{route="/services/:namespace/:name",status="404"} 1`,
		`dxctl_service_rules{level="bronze",outcome="pass",scorecard="test-path",service="component:default/payment-service"} 2`,
		`dxctl_service_graded_timestamp_seconds{scorecard="test-path",service="component:default/user-service"} `,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not among the metrics:\n%s", want, body)
		}
	}
	deps := f.deps
	deps.Ping = func(context.Context) error { return errors.New("the engine is gone") }
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer = registry, registry
	down := &fixture{deps: deps}
	if down.app, err = server.New(server.DefaultConfig(), deps); err != nil {
		t.Fatal(err)
	}
	if status, _, body := down.get(t, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body,
		"the engine is gone") {
		t.Errorf("status %d: %s", status, body)
	}
}

func TestAssets(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, nil)
	page := f.page(t, "/definitions")
	start := strings.Index(page, `/assets/app.`)
	path := page[start : start+strings.IndexByte(page[start:], '"')]
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost"
	r.Header.Set("Accept-Encoding", "gzip")
	status, header, _ := f.do(t, r)
	if status != http.StatusOK || !strings.Contains(header.Get("Cache-Control"), "immutable") ||
		header.Get("Content-Encoding") != "gzip" || header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("status %d, headers %v", status, header)
	}
	r.Header.Set("If-None-Match", header.Get("ETag"))
	if status, _, body := f.do(t, r); status != http.StatusNotModified || body != "" {
		t.Errorf("status %d with %d bytes, want 304", status, len(body))
	}
}

func TestChartsWithoutTheLibrary(t *testing.T) {
	f := sharedFixture(t)
	deps := f.deps
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer = registry, registry
	app, err := server.Build(server.DefaultConfig(), deps, fstest.MapFS{
		"app.css": {Data: []byte("b{}")}, "app.js": {Data: []byte("1")}, "theme.js": {Data: []byte("1")},
		"favicon.svg": {Data: []byte("<svg/>")},
	})
	if err != nil {
		t.Fatal(err)
	}
	body := (&fixture{app: app}).page(t, "/")
	for _, want := range []string{"The charts are missing.", "npm install", "<details open>"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if strings.Contains(body, "echarts") {
		t.Error("the page asks for a library that is not there")
	}
}

func TestConfig(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  server.Config
		want string
	}{
		"default": {cfg: server.DefaultConfig()},
		"no port": {cfg: server.Config{Addr: "localhost"}, want: "write host:port"},
		"a host with path": {cfg: server.Config{Addr: "127.0.0.1:1", Hosts: []string{"http://x"}},
			want: "is not a host name"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.cfg.Validate()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Validate() = %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := server.New(server.DefaultConfig(), server.Deps{}); err == nil || !strings.Contains(err.Error(),
		"Deps.Store is required") {
		t.Errorf("New without anything: %v", err)
	}
}

// TestPagesOfAPastListAreOfOneInstant: with the date of the present day, as_of means the moment of each request; the
// address of the next page has the moment of the first one.
func TestPagesOfAPastListAreOfOneInstant(t *testing.T) {
	f := sharedFixture(t)
	today := present.Format(time.DateOnly)
	for _, path := range []string{"/api/v1/services", "/api/v1/grades", "/api/v1/scorecards/test-path/services", "/api/v1/scorecards/test-path/teams"} {
		type page struct {
			AsOf time.Time `json:"as_of"`
			Next string    `json:"next"`
		}
		read := func(path string) (p page) {
			t.Helper()
			status, _, body := f.get(t, path)
			if err := json.Unmarshal([]byte(body), &p); err != nil || status != http.StatusOK {
				t.Fatalf("%s: status %d, %v:\n%s", path, status, err, body)
			}
			return p
		}
		first := read(path + "?per_page=1&as_of=" + today)
		next, err := url.Parse(first.Next)
		if err != nil || first.Next == "" || first.AsOf.IsZero() {
			t.Fatalf("%s: %+v, %v", path, first, err)
		}
		at, err := time.Parse(time.RFC3339, next.Query().Get("as_of"))
		if err != nil || !at.Equal(first.AsOf) || next.Query().Get("page") != "2" {
			t.Errorf("%s: the next page is %s, that of %s", path, first.Next, first.AsOf)
		}
		if second := read(first.Next); !second.AsOf.Equal(first.AsOf) {
			t.Errorf("%s: the second page is of %s, the first of %s", path, second.AsOf, first.AsOf)
		}
	}
}
