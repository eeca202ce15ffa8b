package notify

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

func TestValidate(t *testing.T) {
	good := Webhook{Name: "chat", URL: "https://chat.example/services/T0/SECRET"}
	for name, tt := range map[string]struct {
		cfg  Config
		want string
	}{
		"good":              {Config{Dashboard: "https://dx.example", Webhooks: []Webhook{good}}, ""},
		"no name":           {Config{Webhooks: []Webhook{{URL: good.URL}}}, `webhooks[0]: name ""`},
		"no url":            {Config{Webhooks: []Webhook{{Name: "chat"}}}, "webhooks[0]: url: give an absolute"},
		"no scheme":         {Config{Webhooks: []Webhook{{Name: "chat", URL: "chat.example/SECRET"}}}, "give an absolute"},
		"a user":            {Config{Webhooks: []Webhook{{Name: "chat", URL: "https://a:SECRET@chat.example"}}}, "without user"},
		"two of one name":   {Config{Webhooks: []Webhook{good, good}}, `name "chat" is taken by webhooks[0]`},
		"an owner":          {Config{Webhooks: []Webhook{{Name: "chat", URL: good.URL, Owners: map[string]string{"a": "SECRET"}}}}, "owners: a: give an absolute"},
		"no ref":            {Config{Webhooks: []Webhook{{Name: "chat", URL: good.URL, Owners: map[string]string{"": good.URL}}}}, "owners: "},
		"waivers to nobody": {Config{Webhooks: []Webhook{good}, Waivers: "chta"}, `waivers: no webhook is named "chta"; the webhooks are: chat`},
		"surveys to nobody": {Config{Webhooks: []Webhook{good}, Surveys: "chta"}, `surveys: no webhook is named "chta"; the webhooks are: chat`},
		"waivers":           {Config{Webhooks: []Webhook{good}, Waivers: "chat"}, ""},
		"a bad dashboard":   {Config{Dashboard: "dx.example"}, `dashboard "dx.example": give an absolute`},
		"a dashboard's ?q":  {Config{Dashboard: "https://dx.example/?q"}, "dashboard"},
	} {
		err := tt.cfg.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error shows the address: %v", name, err)
		}
	}
}

func TestSend(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	var requests atomic.Int64
	status := func(code int, header, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(code)
			_, _ = w.Write([]byte(text + r.URL.RequestURI()))
		}
	}
	limited := func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}
	for name, tt := range map[string]struct {
		handler  http.HandlerFunc // nil: nobody answers
		want     string
		unclear  bool
		requests int
	}{
		"ok":          {status(http.StatusOK, "", "ok"), "", false, 1},
		"no content":  {status(http.StatusNoContent, "", ""), "", false, 1},
		"refused":     {status(http.StatusForbidden, "", "action <prohibited> "), "status 403 Forbidden: action &lt;prohibited&gt; …; check", false, 1},
		"broken":      {status(http.StatusInternalServerError, "", "busy "), "status 500", false, 1},
		"a gateway":   {status(http.StatusBadGateway, "", "busy "), "status 502", true, 1},
		"a slow chat": {status(http.StatusGatewayTimeout, "", ""), "status 504", true, 1},
		"a redirect":  {status(http.StatusFound, "Location: /elsewhere", ""), "the webhook has moved", false, 1},
		"a limit":     {limited, "", false, 2},
		"hangs up":    {hangUp, "not known whether the message arrived", true, 1},
		"nobody home": {nil, "connection refused", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			requests.Store(0)
			address := closed.URL
			if tt.handler != nil {
				server := httptest.NewServer(tt.handler)
				defer server.Close()
				address = server.URL
			}
			s, err := New(Config{Webhooks: []Webhook{{Name: "chat", URL: address + "/T0/SECRET?key=SECRET"}}}, "test", rest.Options{
				Sleep: func(context.Context, time.Duration) error { return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			err = s.Send(t.Context(), "chat", "group:default/a", "hello")
			switch {
			case (err == nil) != (tt.want == ""):
				t.Errorf("%v, want %q", err, tt.want)
			case err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET")):
				t.Errorf("%v, want %q without the address", err, tt.want)
			case errors.Is(err, ErrUnclear) != tt.unclear:
				t.Errorf("unclear %t: %v", !tt.unclear, err)
			}
			if n := int(requests.Load()); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
	s, err := New(Config{}, "test", rest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), "chat", "a", "x"); err == nil || errors.Is(err, ErrUnclear) {
		t.Errorf("an unknown webhook: %v", err)
	}
}

// TestPrivateNetworkIsRefused: a name that leads into a private network is not asked unless that is configured.
func TestPrivateNetworkIsRefused(t *testing.T) {
	names, err := net.DefaultResolver.LookupHost(t.Context(), "ip6-localhost")
	if err != nil || len(names) == 0 {
		t.Log("this machine has no further name of its own; the guard itself is tested in collectors/rest")
		return
	}
	s, err := New(Config{Webhooks: []Webhook{{Name: "chat", URL: "http://ip6-localhost:9/SECRET"}}}, "test", rest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Send(t.Context(), "chat", "a", "x")
	if err == nil || errors.Is(err, ErrUnclear) || !strings.Contains(err.Error(), "allow_private_network: true") {
		t.Error(err)
	}
}

func TestEscape(t *testing.T) {
	if got := Escape("<!channel> a & b\n*c*\x1b[0m"); got != "&lt;!channel&gt; a &amp; b *c* [0m" {
		t.Errorf("%q", got)
	}
	for _, text := range []string{"@channel", "@all now", "ask @here", "a@@b"} {
		got := Escape(text)
		for i, r := range got {
			if r == '@' && !strings.HasPrefix(got[i+1:], "\u200b") {
				t.Errorf("%q may mention somebody", got)
			}
		}
		if strings.ReplaceAll(got, "\u200b", "") != text {
			t.Errorf("%q reads %q", text, got)
		}
	}
}
