package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/report"
)

// The page and the API list the facts of a service, those without a value with the reason.
func TestFactsOfAService(t *testing.T) {
	f := sharedFixture(t)
	status, _, page := f.get(t, "/services/default/payment-service/facts?q=catalog.has_o")
	if status != http.StatusOK || !strings.Contains(page, "<code>catalog.has_owner</code>") ||
		strings.Contains(page, "catalog.lifecycle") {
		t.Errorf("%d %s", status, page)
	}
	status, _, page = f.get(t, "/services/default/payment-service/facts?q=repository.license")
	if status != http.StatusOK || !strings.Contains(page, "not known: no source has given it yet; a checkout, or a source") {
		t.Errorf("%d %s", status, page)
	}
	_, _, body := f.get(t, "/api/v1/services/default/payment-service/facts?prefix=catalog.,ci.runs")
	var doc report.FactsDocument
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	got := map[string]report.Fact{}
	for _, one := range doc.Facts {
		got[one.Name] = one
	}
	owner := got["catalog.has_owner"]
	if string(owner.Value) != "true" || owner.Text != "yes" || owner.ObservedAt == nil || owner.Source != "catalog" {
		t.Errorf("%+v", owner)
	}
	if runs := got["ci.runs_30d"]; runs.Value != nil && string(runs.Value) != "null" || runs.Error == "" {
		t.Errorf("%+v", runs)
	}
	if _, other := got["repository.license"]; other || doc.Known == 0 || doc.Known >= len(doc.Facts) {
		t.Errorf("%d of %d known", doc.Known, len(doc.Facts))
	}
	if status, _, _ := f.get(t, "/services/default/nobody/facts"); status != http.StatusNotFound {
		t.Errorf("an unknown service: %d", status)
	}
}

// What is no service and is graded has a page, documents and a place in the lists, without the numbers of services.
func TestOtherGradedEntities(t *testing.T) {
	f := sharedFixture(t)
	for _, tt := range []struct {
		path     string
		has, not []string
	}{
		{"/entities", []string{"2 entities of the catalog", `href="/services/default/shared-library"`, ">library<",
			`href="/entities/system/default/checkout"`, ">system<"}, []string{"payment-service"}},
		{"/services", []string{"payment-service", `href="/entities"`}, []string{"shared-library"}},
		{"/services/default/shared-library", []string{"Libraries and systems", "Is described", "CI minutes by week",
			"Not graded by", "It is graded for services only"}, []string{"Production deployments by week", "Deployments, 30 days"}},
		{"/entities/system/default/checkout", []string{"Is described", `href="/entities/system/default/checkout/facts"`},
			[]string{"CI minutes by week", "Recent changes", "Production deployments by week"}},
		{"/entities/system/default/checkout/facts?q=catalog.kind", []string{"No fact has such a name"}, nil},
		{"/entities/system/default/checkout/facts?q=has_owner&sort=observed&dir=desc", []string{
			`href="/entities/system/default/checkout"`, "<code>catalog.has_owner</code>",
			`/api/v1/entities/system/default/checkout/facts?dir=desc&amp;q=has_owner&amp;sort=observed`}, nil},
		{"/api/v1/entities/system/default/checkout/facts?dir=desc&q=has_owner&sort=observed",
			[]string{`"known":1,"facts":[{"name":"catalog.has_owner"`}, []string{"catalog.owner_exists"}},
		{"/api/v1/entities", []string{`"ref":"system:default/checkout"`, `"total":2`,
			`"path":"/entities/system/default/checkout"`}, []string{"payment-service"}},
		{"/api/v1/entities/system/default/checkout", []string{`"rule":"described"`, `"scorecard":"test-path"`}, nil},
		{"/api/v1/entities/system/default/checkout/history", []string{`"scorecard":"others"`}, nil},
		{"/api/v1/entities/system/default/checkout?as_of=2026-11-18", []string{`"ref":"system:default/checkout"`}, nil},
		{"/api/v1/services/default/shared-library", []string{`"rule":"described"`}, nil},
		{"/api/v1/services", []string{`"unmapped":[`, `"unmapped_total":`, `"timed_runs":`}, []string{"are not known."}},
		{"/api/v1/services?as_of=2026-11-18", []string{`"numbers":null`, "no service claimed, are not known."},
			[]string{`"unmapped`, `"timed_runs":`, `"missing":[]`}},
		{"/api/v1/grades?q=shared", []string{`"service":"component:default/shared-library"`}, []string{"payment-service"}},
	} {
		status, _, body := f.get(t, tt.path)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", tt.path, status, body)
			continue
		}
		for _, text := range tt.has {
			if !strings.Contains(body, text) {
				t.Errorf("%s lacks %q: %s", tt.path, text, body)
			}
		}
		for _, text := range tt.not {
			if strings.Contains(body, text) {
				t.Errorf("%s has %q", tt.path, text)
			}
		}
	}
	for path, text := range map[string]string{
		"/api/v1/entities/group/default/team-payments": "group:default/team-payments (team, described in catalog.yaml:1) is " +
			"graded by no scorecard: Test path: It is graded for services only, and this is none; Libraries and systems: " +
			"Only libraries and systems are graded",
		"/api/v1/entities/system/default/chekout":    "the catalog has no system chekout; did you mean checkout?",
		"/api/v1/services/default/chekout":           "the catalog has no service chekout; did you mean system:default/checkout?",
		"/api/v1/services/default/share-library":     "did you mean shared-library?",
		"/api/v1/entities/sistem/default/checkout":   "did you mean system:default/checkout?",
		"/api/v1/services/default/nothing-like-that": "the catalog has no service nothing-like-that",
	} {
		if status, _, body := f.get(t, path); status != http.StatusNotFound || !strings.Contains(body, text) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
