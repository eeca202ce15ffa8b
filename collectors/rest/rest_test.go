package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a time that passes only when the client sleeps.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

// answering serves the answers in turn, the last one for good, and counts requests.
func answering(t *testing.T, answers ...http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := int(n.Add(1)) - 1
		answers[min(i, len(answers)-1)](w, r)
	}))
	t.Cleanup(srv.Close)
	return srv, &n
}

func client(t *testing.T, base string, c *clock, tune func(*Config)) *Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{BaseURL: u, Token: "secret", PerSecond: 1e6, Burst: 1000}
	if tune != nil {
		tune(&cfg)
	}
	opt := Options{}
	if c != nil {
		opt = Options{Now: c.now, Sleep: c.sleep}
	}
	cl, err := New(cfg, opt)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func get(ctx context.Context, t *testing.T, c *Client, u string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.HTTPClient().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// cut sends half of what it announces.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "11")
	_, _ = io.WriteString(w, `{"ok"`)
}

// cutUnseen closes the connection in the middle of a body whose length it did not say.
func cutUnseen(w http.ResponseWriter, _ *http.Request) {
	conn, buf, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = buf.WriteString("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\": [{\"b\": 1}")
	_ = buf.Flush()
	_ = conn.Close()
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.Close()
}

const ok = `{"ok":true}`

func TestFailuresOfTheWayAreRetried(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault http.HandlerFunc
	}{
		{"502", says(502, "<html>bad gateway</html>")},
		{"500 without a body", says(500, "")},
		{"503 with Retry-After", says(503, "{}", "Retry-After", "7")},
		{"the body is cut off", cut},
		{"the body is cut off and nothing says so", cutUnseen},
		{"the connection is closed", hangUp},
		{"HTML instead of JSON", says(200, "<!doctype html><title>Sign in</title>", "Content-Type", "text/html")},
		{"HTML that says it is JSON", says(200, "<html></html>")},
		{"an empty 200", says(200, "")},
		{"JSON that ends early", says(200, `{"ok": [1, 2`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv, n := answering(t, tc.fault, tc.fault, says(200, ok))
			c := &clock{at: time.Unix(1_700_000_000, 0)}
			status, body, err := get(t.Context(), t, client(t, srv.URL, c, nil), srv.URL)
			if err != nil || status != 200 || body != ok {
				t.Fatalf("got %d %q, %v", status, body, err)
			}
			if n.Load() != 3 || len(c.slept) != 2 {
				t.Errorf("%d requests with %d waits between, want 3 and 2", n.Load(), len(c.slept))
			}
			if c.slept[0] > 7*time.Second || c.slept[0] < 100*time.Millisecond {
				t.Errorf("first wait %s", c.slept[0])
			}
			if strings.Contains(tc.name, "Retry-After") && c.slept[0] != 7*time.Second {
				t.Errorf("waited %s though the server asked for 7s", c.slept[0])
			}
		})
	}
}

func TestGivingUpSaysWhy(t *testing.T) {
	srv, n := answering(t, says(502, "upstream is down"))
	_, _, err := get(t.Context(), t, client(t, srv.URL, &clock{}, func(c *Config) { c.Attempts = 4 }), srv.URL+"/a/b")
	if err == nil || n.Load() != 4 {
		t.Fatalf("%d requests, error %v", n.Load(), err)
	}
	for _, want := range []string{"/a/b", "4 attempts", "502", "upstream is down"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("error %q shows the token", err)
	}
}

func TestWhoeverWaitsIsToldSoon(t *testing.T) {
	for name, tt := range map[string]struct {
		asked int
		want  int64
	}{"fewer": {3, 3}, "more than configured": {9, 4}, "none": {0, 4}} {
		t.Run(name, func(t *testing.T) {
			srv, n := answering(t, says(502, "upstream is down"))
			_, _, err := get(
				WithMaxAttempts(t.Context(), tt.asked),
				t,
				client(t, srv.URL, &clock{}, func(c *Config) { c.Attempts = 4 }),
				srv.URL,
			)
			if err == nil || n.Load() != tt.want ||
				!strings.Contains(err.Error(), fmt.Sprintf("gave up after %d attempts", tt.want)) {
				t.Errorf("%d requests, want %d: %v", n.Load(), tt.want, err)
			}
		})
	}
}

func TestAnswersOfTheSourceAreNotRetried(t *testing.T) {
	for _, status := range []int{201, 204, 304, 400, 401, 403, 404, 409, 422, 501} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			body := "{}"
			if status == 204 || status == 304 {
				body = ""
			}
			srv, n := answering(t, says(status, body))
			got, _, err := get(t.Context(), t, client(t, srv.URL, &clock{}, nil), srv.URL)
			if err != nil || got != status || n.Load() != 1 {
				t.Errorf("got %d after %d requests, %v", got, n.Load(), err)
			}
		})
	}
}

func TestLimitsAreWaitedOut(t *testing.T) {
	server := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	reset := func(d time.Duration) string { return fmt.Sprint(server.Add(d).Unix()) }
	for _, tc := range []struct {
		name  string
		limit http.HandlerFunc
		wait  time.Duration
	}{
		{"429 with Retry-After", says(429, "{}", "Retry-After", "30"), 30 * time.Second},
		{"403 with Retry-After", says(403, "{}", "Retry-After", "1"), time.Second},
		{"Retry-After as a date, by the server's clock", says(429, "{}", "Date", server.Format(http.TimeFormat),
			"Retry-After", server.Add(90*time.Second).Format(http.TimeFormat)), 90 * time.Second},
		{"Retry-After 0", says(429, "{}", "Retry-After", "0"), time.Second},
		{"primary limit, by the server's clock", says(403, "{}", "Date", server.Format(http.TimeFormat),
			"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset(20*time.Minute)), 20*time.Minute + time.Second},
		{"a reset that is past", says(429, "{}", "Date", server.Format(http.TimeFormat),
			"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset(-time.Minute)), time.Second},
		{"a reset in a year", says(403, "{}", "Date", server.Format(http.TimeFormat),
			"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset(365*24*time.Hour)), longestPause},
		{"429 that does not say for how long", says(429, "{}"), time.Minute},
		{"a sign of the source's own", says(200, `{"errors":["LIMITED"]}`), time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv, n := answering(t, tc.limit, says(200, ok))
			c := &clock{at: server.Add(-17 * time.Hour)} // our own clock is wrong
			cl := client(t, srv.URL, c, func(cfg *Config) {
				cfg.Attempts = 1 // a limit is no failed attempt
				cfg.Limited = func(_ int, _ http.Header, body []byte) (string, bool) {
					return "own", strings.Contains(string(body), "LIMITED")
				}
			})
			var waits []Waiting
			cl.Observe(Observer{Waiting: func(w Waiting) { waits = append(waits, w) }})
			start := c.at
			status, _, err := get(t.Context(), t, cl, srv.URL)
			if err != nil || status != 200 || n.Load() != 2 {
				t.Fatalf("got %d after %d requests, %v", status, n.Load(), err)
			}
			if waited := c.at.Sub(start); waited != tc.wait {
				t.Errorf("waited %s, want %s", waited, tc.wait)
			}
			if len(waits) != 1 || !waits[0].Until.Equal(start.Add(tc.wait)) || waits[0].Reason == "" {
				t.Errorf("said %+v", waits)
			}
		})
	}
}

func TestLimitsWithoutAnEndAreWaitedLongerEachTime(t *testing.T) {
	l := says(403, `{"message":"secondary"}`)
	srv, _ := answering(t, l, l, l, says(200, ok), l, says(200, ok))
	c := &clock{at: time.Unix(1_700_000_000, 0)}
	cl := client(t, srv.URL, c, func(cfg *Config) {
		cfg.Limited = func(status int, _ http.Header, _ []byte) (string, bool) { return "secondary", status == 403 }
	})
	for range 2 {
		if _, _, err := get(t.Context(), t, cl, srv.URL); err != nil {
			t.Fatal(err)
		}
	}
	want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, time.Minute}
	if fmt.Sprint(c.slept) != fmt.Sprint(want) {
		t.Errorf("waited %v, want %v", c.slept, want)
	}
}

func TestTheLastAllowedAnswerIsNoLimit(t *testing.T) {
	srv, n := answering(t, says(200, ok, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "99999999999"))
	c := &clock{}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	resp, err := client(t, srv.URL, c, nil).RoundTrip(req)
	if err != nil || n.Load() != 1 || len(c.slept) != 0 {
		t.Fatalf("%d requests, slept %v, %v", n.Load(), c.slept, err)
	}
	for name := range resp.Header {
		if strings.HasPrefix(strings.ToLower(name), "x-ratelimit") {
			t.Errorf("%s is handed up; a client library would refuse requests by it", name)
		}
	}
}

func TestCancellingEndsAWait(t *testing.T) {
	srv, _ := answering(t, says(429, "{}", "Retry-After", "600"))
	cl := client(t, srv.URL, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cl.Observe(Observer{Waiting: func(Waiting) { cancel() }})
	start := time.Now()
	_, _, err := get(ctx, t, cl, srv.URL)
	if !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestConditionalRequests(t *testing.T) {
	srv, _ := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, ok)
	})
	cl := client(t, srv.URL, &clock{}, nil)
	for etag, want := range map[string]int{"": 200, `"v0"`: 200, `"v1"`: 304} {
		status, _, err := get(IfNoneMatch(t.Context(), etag), t, cl, srv.URL)
		if err != nil || status != want {
			t.Errorf("with ETag %s: %d, %v; want %d", etag, status, err, want)
		}
	}
}

func TestTheBodyOfAQueryIsSentAgain(t *testing.T) {
	var bodies []string
	srv, _ := answering(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(b))
		if len(bodies) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, ok)
	})
	resp, err := client(t, srv.URL, &clock{}, nil).HTTPClient().
		Post(srv.URL+"/graphql", "application/json", strings.NewReader(`{"query":1}`))
	if err != nil || resp.StatusCode != http.StatusOK || fmt.Sprint(bodies) != `[{"query":1} {"query":1}]` {
		t.Errorf("sent %v, %v", bodies, err)
	}
}

func TestTheBudgetBoundsRequestsInFlight(t *testing.T) {
	var inFlight, most atomic.Int64
	srv, _ := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		now := inFlight.Add(1)
		for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		inFlight.Add(-1)
		_, _ = io.WriteString(w, ok)
	})
	cl := client(t, srv.URL, nil, func(c *Config) { c.MaxConcurrent = 3 })
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, _, err := get(t.Context(), t, cl, srv.URL); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 {
		t.Errorf("%d requests in flight, at most 3 allowed", most.Load())
	}
}

func TestAServerThatNeverAnswers(t *testing.T) {
	release := make(chan struct{})
	hang := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"half":`)
		w.(http.Flusher).Flush()
		<-release
	}
	srv, n := answering(t, hang)
	t.Cleanup(func() { close(release) }) // before the server closes, which waits for its handlers
	_, _, err := get(
		t.Context(),
		t,
		client(t, srv.URL, &clock{}, func(c *Config) { c.IdleTimeout, c.Attempts = 50*time.Millisecond, 2 }),
		srv.URL,
	)
	if err == nil || !strings.Contains(err.Error(), "sent nothing for 50ms") || n.Load() != 2 {
		t.Errorf("%d requests, error %v", n.Load(), err)
	}
}

func TestAnAnswerThatIsTooLarge(t *testing.T) {
	for _, said := range []bool{true, false} {
		srv, n := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			if !said {
				w.(http.Flusher).Flush()
			}
			_, _ = io.WriteString(w, `"`+strings.Repeat("x", 4000)+`"`)
		})
		_, _, err := get(t.Context(), t, client(t, srv.URL, &clock{}, func(c *Config) { c.MaxBody = 1000 }), srv.URL)
		if err == nil || !strings.Contains(err.Error(), "larger than allowed") || n.Load() != 1 {
			t.Errorf("%d requests, error %v", n.Load(), err)
		}
	}
}
