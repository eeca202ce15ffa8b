package registry_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	local "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/dxctl/dxctl/actions/fix/registry"
)

// served starts a registry with the image team/app:1.0 and returns its address, the digest, and the requests it got.
func served(t *testing.T, around func(http.Handler) http.Handler) (host, digest string, requests *[]string) {
	t.Helper()
	inner := local.New(local.Logger(log.New(io.Discard, "", 0)))
	plain := httptest.NewServer(inner)
	t.Cleanup(plain.Close)
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(strings.TrimPrefix(plain.URL, "http://") + "/team/app:1.0")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	sum, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	requests = &[]string{}
	handler := inner
	if around != nil {
		handler = around(inner)
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*requests = append(*requests, r.Method+" "+r.URL.Path)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return strings.TrimPrefix(front.URL, "http://"), sum.String(), requests
}

// login writes the configuration that `docker login` leaves.
func login(t *testing.T, host string) {
	t.Helper()
	dir := t.TempDir()
	content := fmt.Sprintf(`{"auths": {%q: {"username": "ann", "password": "secret"}}}`, host)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", dir)
}

// TestDigest asks a registry with HEAD requests only, with the credentials of Docker's configuration, and says what is
// missing.
func TestDigest(t *testing.T) {
	host, digest, requests := served(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, password, ok := r.BasicAuth(); !ok || user != "ann" || password != "secret" {
				w.Header().Set("WWW-Authenticate", `Basic realm="here"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	c := &registry.Client{UserAgent: "dxctl/test"}
	if _, err := c.Digest(t.Context(), host+"/team/app:1.0"); err == nil || !strings.Contains(err.Error(), "docker login") {
		t.Errorf("without credentials: %v", err)
	}
	login(t, host)
	*requests = nil
	got, err := c.Digest(t.Context(), host+"/team/app:1.0")
	if err != nil || got != digest {
		t.Errorf("%s, %v, want %s", got, err, digest)
	}
	if asked := strings.Join(*requests, ", "); asked != "GET /v2/, HEAD /v2/team/app/manifests/1.0" {
		t.Errorf("the requests are %s", asked)
	}
	for image, want := range map[string]string{
		host + "/team/app:2.0": "there is no such image or tag",
		"UPPER/app:1":          "reading the name of the image",
		"app:a b":              "reading the name of the image",
	} {
		if got, err := c.Digest(t.Context(), image); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v, want %s", image, got, err, want)
		}
	}
}

// TestCredentials are sent to where the site of the registry has its clients sign in, and to no other site.
func TestCredentials(t *testing.T) {
	realm, digest := "", "sha256:"+strings.Repeat("a", 64)
	got := map[string]string{} // what hosts got of credentials
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got[r.Host] += r.Header.Get("Authorization") + string(body)
		switch {
		case r.URL.Path == "/token":
			fmt.Fprint(w, `{"token": "t"}`)
		case r.Header.Get("Authorization") != "Bearer t":
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://`+realm+`/token",service="s"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("Docker-Content-Digest", digest)
			w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			w.Header().Set("Content-Length", "2")
		}
	}))
	defer server.Close()
	// All names lead to this server.
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}, TLSClientConfig: server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()}
	transport.TLSClientConfig.ServerName = "example.com" // which the certificate of the server has
	defer transport.CloseIdleConnections()
	login(t, "registry.example.com")

	realm = "auth.example.com"
	c := &registry.Client{Transport: transport}
	found, err := c.Digest(t.Context(), "registry.example.com/team/app:1.0")
	if err != nil || found != digest || !strings.HasPrefix(got[realm], "Basic ") {
		t.Errorf("%s, %v; %s got %q", found, err, realm, got[realm])
	}

	realm = "auth.example.net"
	c = &registry.Client{Transport: transport}
	_, err = c.Digest(t.Context(), "registry.example.com/team/app:1.0")
	if err == nil || !strings.Contains(err.Error(), "another site") || got[realm] != "" {
		t.Errorf("%v, and %s got %q", err, realm, got[realm])
	}
	if _, again := c.Digest(t.Context(), "registry.example.com/team/other:1.0"); again == nil ||
		!strings.Contains(again.Error(), "did not answer before") {
		t.Errorf("the registry was asked again: %v", again)
	}
}
