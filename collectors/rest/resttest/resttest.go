// Package resttest is what goes wrong between a source and its collector, for the tests of sources: answers that fail
// on the way, and a machine whose clock jumps.
package resttest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// faults are the ways in which an answer fails, by name, in the order in which [Spoil] takes them.
var faults = []struct {
	name   string
	answer func(w http.ResponseWriter, whole *httptest.ResponseRecorder)
}{
	{"a bad gateway", func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html>bad gateway</html>"))
	}},
	{"a body that is cut off", func(w http.ResponseWriter, whole *httptest.ResponseRecorder) {
		w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()+10))
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	}},
	{"HTML instead of JSON", func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Sign in</title>"))
	}},
	{"a rate limit", func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	}},
	{"a body in pieces, the last of which is missing", func(w http.ResponseWriter, whole *httptest.ResponseRecorder) {
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}},
	{"a connection that is closed", func(http.ResponseWriter, *httptest.ResponseRecorder) { panic(http.ErrAbortHandler) }},
	{"an empty success", func(w http.ResponseWriter, _ *httptest.ResponseRecorder) { w.WriteHeader(http.StatusOK) }},
	{"a server that is busy", func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}},
}

// Spoil answers every so manieth request to h with a fault, each of them in turn: 502, bodies that are cut off, HTML, a
// rate limit and more. What a request changes in h it has changed, as when an answer is lost on its way. The fault of a
// request that has failed already is left out, so that no request fails forever.
func Spoil(h http.Handler, every int) http.Handler {
	var mu sync.Mutex
	n, struck := 0, map[string]bool{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		key := r.Method + " " + r.URL.String()
		strike := n%every == 0 && !struck[key]
		if struck[key] = strike; !strike {
			delete(struck, key)
		}
		fault := faults[n/every%len(faults)]
		mu.Unlock()
		if !strike {
			h.ServeHTTP(w, r)
			return
		}
		whole := httptest.NewRecorder()
		h.ServeHTTP(whole, r)
		fault.answer(w, whole)
	})
}

// Clock is a machine's clock. It is safe for use from several goroutines.
type Clock struct {
	mu    sync.Mutex
	base  time.Time
	jumps []time.Duration
	n     int
}

// At returns a clock that shows a time for good, but for [Clock.Sleep].
func At(at time.Time) *Clock { return &Clock{base: at, jumps: []time.Duration{0}} }

// Jumping returns a clock that is hours ahead or behind each time that it is looked at.
func Jumping(at time.Time) *Clock {
	return &Clock{
		base:  at,
		jumps: []time.Duration{0, 5 * time.Hour, -7 * time.Hour, 26 * time.Hour, -3 * time.Hour, time.Hour, -30 * time.Hour},
	}
}

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.base.Add(c.jumps[c.n%len(c.jumps)])
	c.n++
	return at
}

// Sleep lets the time pass at once; clients wait with it.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base = c.base.Add(d)
	return ctx.Err()
}
