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
