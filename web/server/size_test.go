package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestManyServicesAreGradedOnce: the grades of a large catalog are kept like those of a small one, so that pages which
// list services do not compute them again.
func TestManyServicesAreGradedOnce(t *testing.T) {
	const services = 8_000
	var descriptors strings.Builder
	for i := range services {
		fmt.Fprintf(&descriptors, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: s%d}\nspec: {type: service, lifecycle: production, owner: o}\n", i)
	}
	f := newFixture(t, descriptors.String(), "person,team,start_date,logins\np,t,2026-01-01,p\n", nil)
	recorded := &recorder{q: f.deps.Store}
	app := f.rebuild(t, recorded)
	for _, path := range []string{"/services", "/services?q=s17"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "127.0.0.1:8080"
		resp, err := app.Test(r, 60_000)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d", path, resp.StatusCode)
		}
	}
	read := 0
	for _, q := range recorded.queries {
		if strings.Contains(q.sql, "FROM facts") {
			read++
		}
	}
	if read != 1 {
		t.Errorf("two pages read the facts of all services %d times", read)
	}
}
