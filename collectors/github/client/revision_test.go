package client

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/rest"
)

// TestRevision asks on the condition that there is another commit.
func TestRevision(t *testing.T) {
	commit, unchanged := "c1", 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := `"` + commit + `"`
		w.Header().Set("ETag", tag)
		switch {
		case r.URL.RequestURI() == "/api/v3/repos/acme/empty/commits?per_page=1":
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`{"message": "Git Repository is empty."}`))
		case r.URL.RequestURI() != "/api/v3/repos/acme/pay/commits?per_page=1":
			w.WriteHeader(http.StatusNotFound)
		case r.Header.Get("If-None-Match") == tag:
			unchanged++
			w.WriteHeader(http.StatusNotModified)
		default:
			_, _ = w.Write([]byte(`[{"sha": "` + commit + `", "commit": {"message": "x"}}]`))
		}
	}))
	defer api.Close()
	c, err := New(Config{URL: api.URL + "/api/v3", Token: "secret"}, rest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(repository, etag, commit string, unchanged bool) string {
		t.Helper()
		got, tag, notModified, err := c.Revision(t.Context(), repository, etag)
		if err != nil || got != commit || notModified != unchanged {
			t.Errorf("%s: commit %q, not modified: %t, %v", repository, got, notModified, err)
		}
		return tag
	}
	tag := ask("acme/pay", "", "c1", false)
	if again := ask("acme/pay", tag, "", true); again != tag || unchanged != 1 {
		t.Errorf("ETag %s, %d answers of not modified", again, unchanged)
	}
	commit = "c2"
	ask("acme/pay", tag, "c2", false)
	ask("acme/empty", "", "", false)
	if _, _, _, err := c.Revision(t.Context(), "acme/gone", ""); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("the error is %v", err)
	}
}
