package client

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

// TestArchive reads archives of a server that names another one, as GitHub does.
func TestArchive(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	log := func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
	}
	archives := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log(r)
		switch r.URL.Path {
		case "/again":
			http.Redirect(w, r, "/legacy", http.StatusFound)
		case "/down":
			panic(http.ErrAbortHandler)
		default:
			_, _ = w.Write([]byte("\x1f\x8barchive"))
		}
	}))
	defer archives.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log(r)
		switch strings.TrimPrefix(r.URL.Path, "/api/v3/repos/acme/") {
		case "pay/tarball", "pay/tarball/main":
			http.Redirect(w, r, archives.URL+"/legacy?token=1", http.StatusFound)
		case "own/tarball":
			http.Redirect(w, r, "/api/v3/repos/acme/moved/tarball", http.StatusMovedPermanently)
		case "moved/tarball":
			_, _ = w.Write([]byte("moved"))
		case "twice/tarball":
			http.Redirect(w, r, archives.URL+"/again", http.StatusFound)
		case "down/tarball":
			http.Redirect(w, r, archives.URL+"/down?token=1", http.StatusFound)
		case "private/tarball":
			http.Redirect(w, r, strings.Replace(archives.URL, "127.0.0.1", "localhost", 1)+"/legacy?token=1", http.StatusFound)
		case "scheme/tarball":
			http.Redirect(w, r, "ftp://127.0.0.1/x", http.StatusFound)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"message": "Not Found"}`))
		}
	}))
	defer api.Close()
	c, err := New(Config{URL: api.URL + "/api/v3", Token: "secret"},
		rest.Options{Tune: func(c *rest.Config) { c.Attempts, c.Backoff = 2, time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		repository, ref string
		most            int64
		want, err       string
		asked           []string
	}{
		{"acme/pay", "", 100, "\x1f\x8barchive", "",
			[]string{"/api/v3/repos/acme/pay/tarball Bearer secret", "/legacy?token=1 "}},
		{"acme/pay", "main", 100, "\x1f\x8barchive", "",
			[]string{"/api/v3/repos/acme/pay/tarball/main Bearer secret", "/legacy?token=1 "}},
		{"acme/own", "", 100, "moved", "",
			[]string{"/api/v3/repos/acme/own/tarball Bearer secret", "/api/v3/repos/acme/moved/tarball Bearer secret"}},
		{"acme/pay", "", 4, "", "the archive has more than 4 bytes", nil},
		{"acme/twice", "", 100, "", "redirected twice", nil},
		{"acme/scheme", "", 100, "", "redirected from http to ftp", nil},
		{"acme/down", "", 100, "", "/down: gave up", nil},
		{"acme/private", "", 100, "", "refused to connect", nil},
		{"acme/none", "", 100, "", "404 Not Found: it does not exist, or", nil},
	} {
		t.Run(tc.repository+" "+tc.ref, func(t *testing.T) {
			mu.Lock()
			asked = nil
			mu.Unlock()
			body, err := c.Archive(t.Context(), tc.repository, tc.ref, tc.most)
			if tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) || tc.err == "" && err != nil {
				t.Fatalf("the error is %v, want %q", err, tc.err)
			}
			if err != nil && strings.Contains(err.Error(), "token=1") {
				t.Errorf("the error has credentials: %v", err)
			}
			if string(body) != tc.want {
				t.Errorf("the archive is %q, want %q", body, tc.want)
			}
			mu.Lock()
			defer mu.Unlock()
			if tc.asked != nil && strings.Join(asked, "\n") != strings.Join(tc.asked, "\n") {
				t.Errorf("asked for %q, want %q", asked, tc.asked)
			}
		})
	}
}
