package web_test

import (
	"testing"
)

func TestPagesSmoke(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, testEvents())
	for _, path := range []string{"/", "/services", "/services/default/payment-service", "/services/default/orphan-service", "/time-to-first-deploy", "/time-to-first-deploy?of=services",
		"/events/deployments", "/events/pipeline_runs", "/events/changes", "/events/incidents", "/definitions", "/definitions/deployment_frequency", "/ledger", "/unmapped", "/api/v1", "/api/v1/services", "/metrics"} {
		t.Log(path)
		_ = f.page(t, path)
	}
}
