package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/web/server"
	"github.com/prometheus/client_golang/prometheus"
)

func TestDegraded(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, nil)
	var conditions report.Conditions
	registry := prometheus.NewRegistry()
	var lost report.Conditions
	deps := f.deps
	deps.Registerer, deps.Gatherer = registry, registry
	deps.Checks = []report.HealthCheck{
		{Name: "store", Causes: func(context.Context) []string { return nil }},
		{Name: "collectors", Causes: conditions.Causes},
		{Name: "catalog", Causes: lost.Causes},
	}
	app, err := server.New(server.DefaultConfig(), deps)
	if err != nil {
		t.Fatal(err)
	}
	f = &fixture{app: app, deps: deps}
	expect := func(body string, gauges ...string) {
		t.Helper()
		if got := f.page(t, "/readyz"); got != body {
			t.Errorf("readyz says %q, want %q", got, body)
		}
		metrics := f.page(t, "/metrics")
		for _, want := range gauges {
			if !strings.Contains(metrics, want+"\n") {
				t.Errorf("%s is not among the metrics", want)
			}
		}
	}
	lost.Set("", errors.New("cat/half.yaml:4: a tab indents the line"))
	if page := f.page(t, "/ledger"); !strings.Contains(page, "A part of the catalog cannot be read.") ||
		!strings.Contains(page, "cat/half.yaml:4: a tab indents the line") {
		t.Error("the page does not say what of the catalog cannot be read")
	}
	lost.Set("", nil)
	expect("ready\n", `dxctl_degraded{check="store"} 0`, `dxctl_degraded{check="collectors"} 0`)

	conditions.Set("gitlab", errors.New("gitlab: the token was refused"))
	conditions.Set("backstage", errors.New("first"))
	conditions.Set("backstage", errors.New("backstage: removals refused"))
	expect("degraded\ncollectors: backstage: removals refused\ncollectors: gitlab: the token was refused\n",
		`dxctl_degraded{check="store"} 0`, `dxctl_degraded{check="collectors"} 2`)

	r := httptest.NewRequest(http.MethodGet, "/readyz", nil)
	r.Host = "127.0.0.1:8080"
	r.Header.Set("Accept", "application/json")
	status, header, body := f.do(t, r)
	var doc struct {
		Status string
		Causes []struct{ Check, Cause string }
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil || !strings.HasPrefix(header.Get("Content-Type"),
		"application/json") {
		t.Fatalf("%v: %s %s", err, header.Get("Content-Type"), body)
	}
	if status != http.StatusOK || doc.Status != "degraded" || len(doc.Causes) != 2 ||
		doc.Causes[1].Check != "collectors" || doc.Causes[1].Cause != "gitlab: the token was refused" {
		t.Errorf("status %d: %+v", status, doc)
	}

	conditions.Set("gitlab", nil)
	conditions.Set("backstage", nil)
	expect("ready\n", `dxctl_degraded{check="collectors"} 0`)
}
