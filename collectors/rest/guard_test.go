package rest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestARedirectElsewhereKeepsTheTokenHome(t *testing.T) {
	var got []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, ok)
	}))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 307, 308} {
		srv, _ := answering(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+"/x", status) })
		_, _, err := get(t.Context(), t, client(t, srv.URL, &clock{}, nil), srv.URL)
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), strings.TrimPrefix(other.URL, "http://")) {
			t.Errorf("%d: error %v", status, err)
		}
	}
	if len(got) != 0 {
		t.Errorf("the other host was asked, with %q", got)
	}
}

func TestARedirectWithinTheHostIsFollowed(t *testing.T) {
	srv, _ := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/repositories/1", http.StatusMovedPermanently)
			return
		}
		_, _ = io.WriteString(w, `{"auth":"`+r.Header.Get("Authorization")+`"}`)
	})
	_, body, err := get(t.Context(), t, client(t, srv.URL, &clock{}, nil), srv.URL+"/old")
	if err != nil || body != `{"auth":"Bearer secret"}` {
		t.Errorf("%q, %v", body, err)
	}
}

func TestAnotherSchemePortOrHostIsRefused(t *testing.T) {
	c := client(t, "https://api.example.com/", nil, nil)
	for raw, want := range map[string]bool{
		"https://api.example.com/x":        true,
		"https://API.example.com:443/x":    true,
		"http://api.example.com/x":         false,
		"https://api.example.com:8443/x":   false,
		"https://api.example.com.evil.io/": false,
		"https://example.com/":             false,
		"https://api.example.com@evil.io/": false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if allowed := c.allow(u) == nil; allowed != want {
			t.Errorf("%s: allowed %t, want %t", raw, allowed, want)
		}
	}
}

func TestPrivateAddressesAreRefusedWhenDialled(t *testing.T) {
	srv, n := answering(t, says(200, ok))
	for _, tc := range []struct {
		name, base string
		private    bool
		allowed    bool
	}{
		{"a public name that leads home", "http://api.example.com", false, false},
		{"the same, allowed by the configuration", "http://ghe.example.com", true, true},
		{"an address that the operator wrote", srv.URL, false, true},
		{"this machine's own name", "http://localhost", false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, err := url.Parse(tc.base)
			if err != nil {
				t.Fatal(err)
			}
			before := n.Load()
			transport := guardedTransport(Config{BaseURL: u, AllowPrivateNetwork: tc.private, MaxConcurrent: 1})
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil) // what the name resolved to
			resp, err := transport.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			var refused *RefusedError
			if (err == nil) != tc.allowed || (n.Load() > before) != tc.allowed || !tc.allowed && !errors.As(err, &refused) {
				t.Errorf("error %v, reached the server: %t", err, n.Load() > before)
			}
		})
	}
}

func TestPrivateAddressIsRecognizable(t *testing.T) {
	var refused *RefusedError
	if err := checkAddress("10.1.2.3:443"); !errors.As(err, &refused) || !refused.Private {
		t.Errorf("got %v", err)
	}
	if err := checkAddress("nonsense"); !errors.As(err, &refused) || refused.Private {
		t.Errorf("got %v", err)
	}
}

func TestWhichAddressesArePublic(t *testing.T) {
	for address, want := range map[string]bool{
		"140.82.112.5:443": true, "[2606:50c0:8000::153]:443": true,
		"127.0.0.1:80": false, "10.1.2.3:80": false, "172.16.0.1:80": false, "192.168.1.1:80": false, "169.254.169.254:80": false,
		"100.64.0.1:80": false, "0.0.0.0:80": false, "224.0.0.1:80": false, "[::1]:80": false, "[fe80::1]:80": false,
		"[fd00::1]:80": false, "[::ffff:10.0.0.1]:80": false, "nonsense": false,
	} {
		if allowed := checkAddress(address) == nil; allowed != want {
			t.Errorf("%s: allowed %t, want %t", address, allowed, want)
		}
	}
}

func TestConfigNeedsAnAbsoluteURL(t *testing.T) {
	for _, raw := range []string{"", "api.github.com", "ftp://x/", "/path"} {
		u, _ := url.Parse(raw)
		if _, err := New(Config{BaseURL: u}, Options{}); err == nil {
			t.Errorf("%q is accepted", raw)
		}
	}
	if _, err := New(Config{}, Options{}); err == nil {
		t.Error("no URL is accepted")
	}
}
