package collectors_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// polled is each kind of source that is asked over HTTP, with the settings that it needs in addition to url and token.
var polled = map[string]string{
	"github":    "repositories: [acme/shop]",
	"gitlab":    `projects: ["7"]`,
	"jenkins":   "user: u",
	"circleci":  "projects: [gh/acme/shop]",
	"argocd":    "",
	"pagerduty": "",
	"opsgenie":  "",
	"backstage": "",
}

// checked makes a source of the kind and asks it whether it answers.
func checked(t *testing.T, kind, url, more string) error {
	t.Helper()
	var src collectors.SourceConfig
	if err := yaml.Unmarshal(
		fmt.Appendf(nil, "{name: src, kind: %s, url: %q, token: secret, %s}", kind, url, more),
		&src,
	); err != nil {
		t.Fatal(err)
	}
	all, err := collectors.All([]collectors.SourceConfig{src}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return all[0].Check(t.Context())
}

func counting(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv, &n
}

// TestNoSourceFollowsARedirectElsewhere sends every kind of source to another host: that host sees no request, and so
// no token.
func TestNoSourceFollowsARedirectElsewhere(t *testing.T) {
	for kind, more := range polled {
		t.Run(kind, func(t *testing.T) {
			other, reached := counting(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })
			srv, asked := counting(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
			})
			err := checked(t, kind, srv.URL, more)
			var refused *rest.RefusedError
			if !errors.As(err, &refused) || asked.Load() == 0 || reached.Load() != 0 {
				t.Errorf("%d requests here, %d there, error %v", asked.Load(), reached.Load(), err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

// TestNoSourceEntersThePrivateNetworkUnasked gives every kind of source a name that leads to this machine without
// saying so. Only allow_private_network allows that.
func TestNoSourceEntersThePrivateNetworkUnasked(t *testing.T) {
	for _, proxy := range []string{"HTTP_PROXY", "http_proxy"} {
		t.Setenv(proxy, "")
	}
	resttest.LeadHome(t)
	for kind, more := range polled {
		t.Run(kind, func(t *testing.T) {
			srv, asked := counting(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
			url := strings.Replace(srv.URL, "127.0.0.1", "source.example.com", 1)
			err := checked(t, kind, url, strings.TrimPrefix(more+", allow_private_network: false", ", "))
			var refused *rest.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "allow_private_network: true") || asked.Load() != 0 {
				t.Errorf("%d requests, error %v", asked.Load(), err)
			}
			err = checked(t, kind, url, strings.TrimPrefix(more+", allow_private_network: true", ", "))
			if asked.Load() == 0 {
				t.Errorf("no request arrives though it is allowed: %v", err)
			}
		})
	}
}

// TestNoSourceReads100MB answers every kind of source with 100 MB: it is told once, in words, and read no further.
func TestNoSourceReads100MB(t *testing.T) {
	for kind, more := range polled {
		t.Run(kind, func(t *testing.T) {
			srv, asked := counting(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "104857600")
				_, _ = w.Write([]byte(`{"a":"`))
			})
			err := checked(t, kind, srv.URL, more)
			if err == nil || !strings.Contains(err.Error(), "larger than allowed: 104857600 bytes") || asked.Load() > 2 {
				t.Errorf("%d requests, error %v", asked.Load(), err)
			}
		})
	}
}
