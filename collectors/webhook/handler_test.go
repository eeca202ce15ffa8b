package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/alertmanager"
	"github.com/dxctl/dxctl/collectors/argocd"
	"github.com/dxctl/dxctl/collectors/circleci"
	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/events"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
	gitlabreceiver "github.com/dxctl/dxctl/collectors/gitlab/receiver"
	"github.com/dxctl/dxctl/collectors/inbox"
	sources "github.com/dxctl/dxctl/collectors/source"
)

func testSource(r Receiver) Source {
	return Source{Name: "gh", Receiver: r, Secret: deliverytest.Secret}
}

func newReceiver(t testing.TB, sources ...Source) *Receivers {
	t.Helper()
	r, err := NewReceivers(sources, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// memoryInbox is a Queue in memory that may fail.
type memoryInbox struct {
	mu   sync.Mutex
	got  []delivery.Delivery
	fail error
}

func (m *memoryInbox) Put(_ context.Context, record []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	d, err := decodeRecord(record)
	m.got = append(m.got, d)
	return err
}

func (m *memoryInbox) all() []delivery.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.got)
}

func mac(secret string, parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		_, _ = io.WriteString(h, p)
	}
	return h.Sum(nil)
}

func githubHeaders(secret, kind string, body []byte) map[string]string {
	return map[string]string{"Content-Type": "application/json", "X-GitHub-Event": kind, "X-GitHub-Delivery": "d-1",
		"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac(secret, string(body)))}
}

const openPull = `{"action":"opened","repository":{"full_name":"acme/shop","html_url":"https://github.example.com/acme/shop","default_branch":"main"},
"pull_request":{"number":7,"title":"Größe","html_url":"https://github.example.com/acme/shop/pull/7","user":{"login":"ana","type":"User"},
"created_at":"2026-03-01T10:00:00Z","updated_at":"2026-03-01T10:00:00Z","head":{"ref":"size","sha":"1111111111111111111111111111111111111111"},"additions":3,"deletions":1}}`

func TestSignatures(t *testing.T) {
	const body = `{"a": 1}`
	signing := "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	key := "0123456789abcdef0123456789abcdef"
	standard := "v1," + base64.StdEncoding.EncodeToString(mac(key, "msg-1", ".", "1770000000", ".", body))
	hexOf := func(secret, body string) string { return hex.EncodeToString(mac(secret, body)) }
	std := func(signature string) http.Header {
		return headers("webhook-id", "msg-1", "webhook-timestamp", "1770000000", "webhook-signature", signature)
	}
	cases := []struct {
		name   string
		kind   Receiver
		secret string
		header http.Header
		want   bool
	}{
		{
			"github",
			githubreceiver.Receiver{},
			deliverytest.Secret,
			headers("X-Hub-Signature-256", "sha256="+hexOf(deliverytest.Secret, body)),
			true,
		},
		{
			"github in capitals",
			githubreceiver.Receiver{},
			deliverytest.Secret,
			headers("X-Hub-Signature-256", "sha256="+strings.ToUpper(hexOf(deliverytest.Secret, body))),
			true,
		},
		{
			"github of another body",
			githubreceiver.Receiver{},
			deliverytest.Secret,
			headers("X-Hub-Signature-256", "sha256="+hexOf(deliverytest.Secret, body+" ")),
			false,
		},
		{
			"github of another secret",
			githubreceiver.Receiver{},
			deliverytest.Secret,
			headers("X-Hub-Signature-256", "sha256="+hexOf("another secret of length", body)),
			false,
		},
		{
			"github cut short",
			githubreceiver.Receiver{},
			deliverytest.Secret,
			headers("X-Hub-Signature-256", "sha256="+hexOf(deliverytest.Secret, body)[:32]),
			false,
		},
		{"github empty", githubreceiver.Receiver{}, deliverytest.Secret, headers("X-Hub-Signature-256", "sha256="), false},
		{
			"github without its prefix",
			githubreceiver.Receiver{},
			deliverytest.Secret,
			headers("X-Hub-Signature-256", hexOf(deliverytest.Secret, body)),
			false,
		},
		{"github no hexadecimal", githubreceiver.Receiver{}, deliverytest.Secret, headers("X-Hub-Signature-256", "sha256=zz"), false},
		{
			"github SHA-1 alone",
			githubreceiver.Receiver{},
			deliverytest.Secret,
			headers("X-Hub-Signature", "sha1=0000000000000000000000000000000000000000"),
			false,
		},
		{"github none", githubreceiver.Receiver{}, deliverytest.Secret, headers(), false},
		{
			"github the secret itself",
			githubreceiver.Receiver{},
			deliverytest.Secret,
			headers("Authorization", "Bearer "+deliverytest.Secret),
			false,
		},
		{
			"circleci",
			circleci.Receiver{},
			deliverytest.Secret,
			headers("circleci-signature", "v1="+hexOf(deliverytest.Secret, body)),
			true,
		},
		{
			"circleci among versions",
			circleci.Receiver{},
			deliverytest.Secret,
			headers("circleci-signature", "v2=00, v1="+hexOf(deliverytest.Secret, body)),
			true,
		},
		{
			"circleci another version",
			circleci.Receiver{},
			deliverytest.Secret,
			headers("circleci-signature", "v2="+hexOf(deliverytest.Secret, body)),
			false,
		},
		{
			"circleci of another body",
			circleci.Receiver{},
			deliverytest.Secret,
			headers("circleci-signature", "v1="+hexOf(deliverytest.Secret, "{}")),
			false,
		},
		{"circleci none", circleci.Receiver{}, deliverytest.Secret, headers(), false},
		{"gitlab token", gitlabreceiver.Receiver{}, deliverytest.Secret, headers("X-Gitlab-Token", deliverytest.Secret), true},
		{
			"gitlab token cut short",
			gitlabreceiver.Receiver{},
			deliverytest.Secret,
			headers("X-Gitlab-Token", deliverytest.Secret[:10]),
			false,
		},
		{"gitlab token empty", gitlabreceiver.Receiver{}, deliverytest.Secret, headers("X-Gitlab-Token", ""), false},
		{"gitlab signing", gitlabreceiver.Receiver{}, signing, std(standard), true},
		{"gitlab signing, one of several", gitlabreceiver.Receiver{}, signing, std("v1,AAAA " + standard), true},
		{
			"gitlab signing, another version",
			gitlabreceiver.Receiver{},
			signing,
			std("v2," + strings.TrimPrefix(standard, "v1,")),
			false,
		},
		{"gitlab signing, not base64", gitlabreceiver.Receiver{}, signing, std("v1,***"), false},
		{
			"gitlab signing, another time",
			gitlabreceiver.Receiver{},
			signing,
			headers("webhook-id", "msg-1", "webhook-timestamp", "1770000001", "webhook-signature", standard),
			false,
		},
		{"gitlab signing key sent as a token", gitlabreceiver.Receiver{}, signing, headers("X-Gitlab-Token", signing), false},
		{"argocd", argocd.Receiver{}, deliverytest.Secret, headers("Authorization", "Bearer "+deliverytest.Secret), true},
		{
			"argocd in small letters",
			argocd.Receiver{},
			deliverytest.Secret,
			headers("Authorization", "bearer "+deliverytest.Secret),
			true,
		},
		{
			"argocd basic",
			argocd.Receiver{},
			deliverytest.Secret,
			headers("Authorization", "Basic "+deliverytest.Secret),
			false,
		},
		{
			"alertmanager",
			alertmanager.Receiver{},
			deliverytest.Secret,
			headers("Authorization", "Bearer "+deliverytest.Secret),
			true,
		},
		{
			"alertmanager longer",
			alertmanager.Receiver{},
			deliverytest.Secret,
			headers("Authorization", "Bearer "+deliverytest.Secret+"x"),
			false,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := Source{Name: "x", Receiver: c.kind, Secret: c.secret}
			if got := s.authentic(c.header, []byte(body)); got != c.want {
				t.Errorf("authentic = %v, want %v", got, c.want)
			}
			s.Secret, s.Previous = "a quite different secret", c.secret
			if got := s.authentic(c.header, []byte(body)); got != c.want {
				t.Errorf("with the secret as the previous one: authentic = %v, want %v", got, c.want)
			}
		})
	}
}

// authentic checks a request whose body is known.
func (s Source) authentic(h http.Header, body []byte) bool {
	p := receiving{Source: s, protocol: s.Receiver.Protocol()}.proof(h)
	_, _ = p.Write(body)
	return p.Valid()
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestAnswers(t *testing.T) {
	body := []byte(openPull)
	signed := githubHeaders(deliverytest.Secret, "pull_request", body)
	form := []byte("payload=" + url.QueryEscape(openPull))
	formed := githubHeaders(deliverytest.Secret, "pull_request", form)
	formed["Content-Type"] = "application/x-www-form-urlencoded"
	junk := []byte(`{"action":"opened"`)
	with := func(h map[string]string, name, value string) map[string]string {
		out := map[string]string{name: value}
		for k, v := range h {
			if k != name {
				out[k] = v
			}
		}
		return out
	}
	event := []byte(`{"specversion":"1.0","id":"1","source":"/ci","type":"com.example.other"}`)
	bearer := map[string]string{
		"Authorization": "Bearer a token of the events",
		"Content-Type":  "application/cloudevents+json",
	}
	cases := []struct {
		name, method, path string
		body               []byte
		headers            map[string]string
		fail               error
		want               int
		says               string
	}{
		{name: "of use", path: "/api/v1/webhooks/gh", body: body, headers: signed, want: 202},
		{name: "as a form", path: "/api/v1/webhooks/gh", body: form, headers: formed, want: 202},
		{
			name:    "no content type",
			path:    "/api/v1/webhooks/gh",
			body:    body,
			headers: with(signed, "Content-Type", ""),
			want:    202,
		},
		{
			name:    "useless",
			path:    "/api/v1/webhooks/gh",
			body:    body,
			headers: with(signed, "X-GitHub-Event", "star"),
			want:    200,
			says:    "not used",
		},
		{
			name:    "cut off",
			path:    "/api/v1/webhooks/gh",
			body:    junk,
			headers: githubHeaders(deliverytest.Secret, "pull_request", junk),
			want:    400,
			says:    "cannot be read",
		},
		{
			name:    "no event type",
			path:    "/api/v1/webhooks/gh",
			body:    body,
			headers: with(signed, "X-GitHub-Event", ""),
			want:    400,
			says:    "X-GitHub-Event",
		},
		{
			name:    "wrong signature",
			path:    "/api/v1/webhooks/gh",
			body:    body,
			headers: githubHeaders("another secret of length", "pull_request", body),
			want:    401,
			says:    "X-Hub-Signature-256",
		},
		{
			name:    "no signature",
			path:    "/api/v1/webhooks/gh",
			body:    body,
			headers: map[string]string{"X-GitHub-Event": "pull_request"},
			want:    401,
		},
		{name: "no such source", path: "/api/v1/webhooks/other", body: body, headers: signed, want: 404, says: "no source"},
		{name: "events at a webhook", path: "/api/v1/webhooks/push", body: event, headers: bearer, want: 404},
		{name: "another path", path: "/api/v1/hooks", body: body, headers: signed, want: 404, says: "/api/v1/webhooks/"},
		{name: "GET", method: http.MethodGet, path: "/api/v1/webhooks/gh", want: 405, says: "POST"},
		{
			name:    "text",
			path:    "/api/v1/webhooks/gh",
			body:    body,
			headers: with(signed, "Content-Type", "text/plain"),
			want:    415,
			says:    "application/json",
		},
		{
			name:    "a broken content type",
			path:    "/api/v1/webhooks/gh",
			body:    body,
			headers: with(signed, "Content-Type", "a/b/c;;"),
			want:    415,
		},
		{
			name:    "a form from Alertmanager",
			path:    "/api/v1/webhooks/alerts",
			body:    form,
			headers: with(formed, "Authorization", "Bearer "+deliverytest.Secret),
			want:    415,
		},
		{
			name:    "too large",
			path:    "/api/v1/webhooks/gh",
			body:    bytes.Repeat([]byte("x"), 64<<10+1),
			headers: signed,
			want:    413,
			says:    "65536",
		},
		{
			name:    "full",
			path:    "/api/v1/webhooks/gh",
			body:    body,
			headers: signed,
			fail:    fmt.Errorf("put: %w", inbox.ErrFull),
			want:    503,
			says:    "later",
		},
		{
			name:    "closed",
			path:    "/api/v1/webhooks/gh",
			body:    body,
			headers: signed,
			fail:    inbox.ErrClosed,
			want:    503,
			says:    "later",
		},
		{
			name:    "an event useless",
			path:    "/api/v1/events",
			body:    event,
			headers: bearer,
			want:    200,
			says:    "com.example.other",
		},
		{
			name:    "an event without a token",
			path:    "/api/v1/events",
			body:    event,
			headers: with(bearer, "Authorization", ""),
			want:    401,
			says:    "Bearer",
		},
		{
			name:    "an event with a webhook's secret",
			path:    "/api/v1/events",
			body:    event,
			headers: with(bearer, "Authorization", "Bearer "+deliverytest.Secret),
			want:    401,
		},
		{
			name:    "an event as plain JSON",
			path:    "/api/v1/events",
			body:    event,
			headers: with(bearer, "Content-Type", "application/json"),
			want:    415,
			says:    "cloudevents",
		},
		{name: "an event that is none", path: "/api/v1/events", body: []byte("{}"), headers: bearer, want: 400},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inbox := &memoryInbox{fail: c.fail}
			h := NewHandler(
				newReceiver(
					t,
					testSource(githubreceiver.Receiver{}),
					Source{Name: "push", Receiver: events.Receiver{}, Secret: "a token of the events"},
					Source{
						Name:     "alerts",
						Receiver: alertmanager.Receiver{},
						Secret:   deliverytest.Secret,
					},
				),
				inbox,
				HandlerOptions{MaxBody: 64 << 10, RetryAfter: 1500 * time.Millisecond},
			)
			method := c.method
			if method == "" {
				method = http.MethodPost
			}
			r := httptest.NewRequestWithContext(t.Context(), method, c.path, bytes.NewReader(c.body))
			for name, value := range c.headers {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("answered %d %s, want %d with %q", w.Code, w.Body, c.want, c.says)
			}
			if kept := len(inbox.all()); (kept == 1) != (c.want == 202) {
				t.Errorf("%d deliveries are kept", kept)
			}
			for name, when := range map[string]int{"Allow": 405, "Www-Authenticate": 401, "Retry-After": 503} {
				if (w.Header().Get(name) != "") != (c.want == when) {
					t.Errorf("%s: %q", name, w.Header().Get(name))
				}
			}
			if c.want == 503 && w.Header().Get("Retry-After") != "2" {
				t.Errorf("Retry-After: %s, want the 1.5 s rounded up", w.Header().Get("Retry-After"))
			}
			if strings.Contains(w.Body.String(), deliverytest.Secret) {
				t.Error("the answer tells the secret")
			}
		})
	}
}

// TestKeepsNoCredentials: what is written to disk has neither signature nor token.
func TestKeepsNoCredentials(t *testing.T) {
	inbox := &memoryInbox{}
	h := NewHandler(newReceiver(t, testSource(githubreceiver.Receiver{})), inbox, HandlerOptions{})
	sent := githubHeaders(deliverytest.Secret, "pull_request", []byte(openPull))
	sent["Authorization"], sent["Cookie"] = "Bearer x", "session=1"
	if status, a := post(t, h, "/api/v1/webhooks/gh", []byte(openPull), sent); status != 202 {
		t.Fatalf("answered %d %+v", status, a)
	}
	d := inbox.all()[0]
	if len(d.Headers) != 2 || d.Headers["content-type"] == "" || d.Headers["x-github-event"] != "pull_request" ||
		d.ID != "d-1" ||
		string(d.Body) != openPull {
		t.Errorf("kept %+v", d)
	}
}

// TestBrokenBody: a sender that stops in the middle is answered, and nothing is kept.
func TestBrokenBody(t *testing.T) {
	inbox := &memoryInbox{}
	h := NewHandler(newReceiver(t, testSource(githubreceiver.Receiver{})), inbox, HandlerOptions{})
	r := httptest.NewRequestWithContext(
		t.Context(),
		http.MethodPost,
		"/api/v1/webhooks/gh",
		io.MultiReader(strings.NewReader("{"), failing{}),
	)
	for name, value := range githubHeaders(deliverytest.Secret, "pull_request", []byte("{}")) {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 400 || len(inbox.all()) != 0 {
		t.Errorf("answered %d, kept %d", w.Code, len(inbox.all()))
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// TestAnswerDoesNotWaitForTheStore: with the store stuck, deliveries are on disk and answered, at most some
// milliseconds each; when the store works again they are applied.
func TestAnswerDoesNotWaitForTheStore(t *testing.T) {
	dir := t.TempDir()
	q, err := inbox.Open(dir, Format(), inbox.Config{}, inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stuck, free, applied := make(chan struct{}), make(chan struct{}), make(chan int, 100)
	var once sync.Once
	ended := make(chan error, 1)
	go func() {
		ended <- q.Run(ctx, inbox.HandlerFunc(func(_ context.Context, batch [][]byte) (map[int]string, error) {
			once.Do(func() { close(stuck) })
			<-free
			applied <- len(batch)
			return nil, nil
		}))
	}()
	h := NewHandler(newReceiver(t, testSource(githubreceiver.Receiver{})), q, HandlerOptions{})
	var took []time.Duration
	send := func() {
		body := []byte(openPull)
		start := time.Now()
		if status, a := post(
			t,
			h,
			"/api/v1/webhooks/gh",
			body,
			githubHeaders(deliverytest.Secret, "pull_request", body),
		); status != 202 {
			t.Fatalf("answered %d %+v", status, a)
		}
		took = append(took, time.Since(start))
	}
	send()
	<-stuck // the worker has the first delivery and its store does not answer
	const more = 40
	for range more {
		send()
	}
	if len(applied) != 0 {
		t.Fatal("the store is not stuck; the test shows nothing")
	}
	if waiting := q.Stats().Waiting; waiting != more+1 {
		t.Errorf("%d deliveries wait, want %d", waiting, more+1)
	}
	slices.Sort(took)
	t.Logf("answered within %v (median), %v (slowest)", took[len(took)/2], took[len(took)-1])
	if took[len(took)/2] > 50*time.Millisecond {
		t.Errorf("the median answer took %v", took[len(took)/2])
	}
	close(free)
	for n := 0; n < more+1; {
		n += <-applied
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}

// receiverOf returns the receiver of a kind, for which GitHub's issues with the label incident are incidents.
func receiverOf(t testing.TB, kind string) Receiver {
	t.Helper()
	for _, r := range []Receiver{githubreceiver.Receiver{IncidentLabels: []string{"incident"}}, gitlabreceiver.Receiver{}, circleci.Receiver{}, argocd.Receiver{}, alertmanager.Receiver{}, events.Receiver{Facts: sources.Names("a.*")}} {
		if r.Protocol().Kind == kind {
			return r
		}
	}
	t.Fatalf("no receiver is of kind %q", kind)
	return nil
}
