package collecttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// twice collects again what did not change.
func (s Suite) twice(t *testing.T, whole *world) {
	server, w := s.Start(t), s.world()
	for i := range 3 {
		if err := w.collect(
			t.Context(),
			s.collector(t, server, resttest.At(s.Now.Add(time.Duration(i)*time.Minute))),
		); err != nil {
			t.Fatal(err)
		}
		w.compare(t, whole.text(), fmt.Sprintf("collected %d times", i+1))
	}
}

// faults lets requests fail in every way, as long as the next attempt succeeds.
func (s Suite) faults(t *testing.T, whole *world) {
	for _, every := range []int{2, 3, 7} {
		server := s.behind(t, func(h http.Handler) http.Handler { return resttest.Spoil(h, every) })
		w := s.world()
		if err := w.collect(t.Context(), s.collector(t, server, resttest.At(s.Now))); err != nil {
			t.Fatalf("with a fault every %d requests: %v", every, err)
		}
		w.compare(t, whole.text(), fmt.Sprintf("with a fault every %d requests", every))
	}
}

// jumpingClock collects on a machine whose clock is hours off each time that it is looked at.
func (s Suite) jumpingClock(t *testing.T, whole *world) {
	server, w := s.Start(t), s.world()
	for _, clock := range []*resttest.Clock{
		resttest.Jumping(s.Now),
		resttest.Jumping(s.Now),
		resttest.Jumping(s.Now),
		resttest.At(s.Now),
	} {
		if err := w.collect(t.Context(), s.collector(t, server, clock)); err != nil {
			t.Fatal(err)
		}
	}
	w.compare(t, whole.text(), "with a clock that jumps")
}

// clockAhead collects while the clock is a year ahead, and after it was set right: nothing waits for the year to pass,
// not even a gap that is looked for once a day.
func (s Suite) clockAhead(t *testing.T, whole *world) {
	server, w := s.Start(t), s.world()
	lose := func() {
		for scope, to := range w.scopes {
			if s.Lose != nil {
				s.Lose(scope, to)
			}
		}
	}
	const year = 365 * 24 * time.Hour
	for _, ahead := range []time.Duration{year, year + time.Minute, 0, time.Minute, 2 * time.Minute} {
		if err := w.collect(t.Context(), s.collector(t, server, resttest.At(s.Now.Add(ahead)))); err != nil {
			t.Fatal(err)
		}
		if ahead == year || ahead == year+time.Minute {
			lose()
		}
	}
	w.compare(t, whole.text(), "with a clock that was a year ahead")
}

// killed leaves what a process leaves that is killed before a write, for each of the writes, and collects again.
func (s Suite) killed(t *testing.T, whole *world) {
	server, want := s.Start(t), whole.text()
	first := s.world()
	first.keepHistory, first.source.KeepHistory = true, true
	if err := first.collect(t.Context(), s.collector(t, server, resttest.At(s.Now))); err != nil {
		t.Fatal(err)
	}
	left := first.before()
	for at, w := range left {
		for again := 0; again < 2 && w.text() != want; again++ { // the second time gaps are filled
			clock := resttest.At(s.Now.Add(time.Duration(again) * time.Minute))
			if err := w.collect(t.Context(), s.collector(t, server, clock)); err != nil {
				t.Fatalf("after it was killed before write %d: %v", at+1, err)
			}
		}
		w.compare(t, want, fmt.Sprintf("killed before write %d of %d", at+1, len(left)))
	}
}

// killedAgain kills every process after a few writes, until one comes through.
func (s Suite) killedAgain(t *testing.T, whole *world) {
	server, w := s.Start(t), s.world()
	for try := 0; ; try++ {
		if try == 300 {
			t.Fatal("it does not come through")
		}
		w.killer.at = w.killer.n + 4 + try%5 + try/10 // a pass that reads nothing new writes something, too
		w.killer.keepLast = try%2 == 1
		err := w.collect(t.Context(), s.collector(t, server, resttest.At(s.Now)))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrKilled) {
			t.Fatal(err)
		}
	}
	w.compare(t, whole.text(), "killed again and again")
}

// storeFailsOnce lets one write fail, and continues with the same collector.
func (s Suite) storeFailsOnce(t *testing.T, whole *world) {
	server := s.Start(t)
	for at := 1; at <= whole.killer.n; at += max(1, whole.killer.n/12) {
		w := s.world()
		c := s.collector(t, server, resttest.At(s.Now))
		w.killer.at, w.killer.once = at, true
		if err := w.collect(t.Context(), c); err == nil {
			t.Fatalf("write %d failed, and nobody says so", at)
		}
		w.killer.at = 0
		if err := w.collect(t.Context(), c); err != nil {
			t.Fatalf("after write %d failed: %v", at, err)
		}
		w.compare(t, whole.text(), fmt.Sprintf("after write %d failed once", at))
	}
}

// badObject answers every request about one object with an error, for hours, and then no longer.
func (s Suite) badObject(t *testing.T, whole *world) {
	var healthy atomic.Bool
	server := s.behind(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, r)
			if !healthy.Load() && s.Bad(r, answer.Body.String()) {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			replay(w, answer)
		})
	})
	w := s.world()
	for i := range 2 {
		err := w.collect(t.Context(), s.collector(t, server, resttest.At(s.Now.Add(time.Duration(i)*time.Minute))))
		if !rest.OnlySkipped(err) {
			t.Fatalf("error %v, want only that an object was skipped", err)
		}
	}
	without := func(text string) string {
		var kept strings.Builder
		for line := range strings.Lines(text) {
			if !strings.Contains(line, s.BadText) {
				kept.WriteString(line)
			}
		}
		return kept.String()
	}
	if without(whole.text()) == whole.text() {
		t.Fatalf("no event contains %q", s.BadText)
	}
	if diff := difference(without(w.text()), without(whole.text())); diff != "" {
		t.Fatalf("the neighbors of the bad object differ:\n%s", diff)
	}
	healthy.Store(true)
	for day := 1; day <= 3; day++ { // it is tried again later and later, at most a day
		if err := w.collect(
			t.Context(),
			s.collector(t, server, resttest.At(s.Now.Add(time.Duration(day)*24*time.Hour))),
		); err != nil &&
			!rest.OnlySkipped(err) {
			t.Fatal(err)
		}
	}
	w.compare(t, whole.text(), "when the object can be read again")
}

// replay sends a recorded answer.
func replay(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// oddRecords puts what is no record in the place of one on every list.
func (s Suite) oddRecords(t *testing.T, whole *world) {
	for _, odd := range []string{"null", "7", `"x"`, "[]", "{}"} {
		t.Run(odd, func(t *testing.T) {
			server := s.behind(t, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					answer := httptest.NewRecorder()
					h.ServeHTTP(answer, r)
					if answer.Code == http.StatusOK && s.Lists(r) {
						body := withOdd(answer.Body.Bytes(), json.RawMessage(odd))
						answer.Body.Reset()
						_, _ = answer.Body.Write(body)
						answer.Header().Del("Content-Length")
					}
					replay(w, answer)
				})
			})
			w := s.world()
			err := w.collect(t.Context(), s.collector(t, server, resttest.At(s.Now)))
			if err != nil && !rest.OnlySkipped(err) {
				t.Fatalf("error %v", err)
			}
			if diff := difference(w.text(), whole.text()); diff != "" {
				t.Fatalf("the other records differ:\n%s", diff)
			}
		})
	}
}

// withOdd adds an odd element to each list of an answer, behind the others. A list without any stays empty: it may be
// the end of a listing.
func withOdd(body []byte, odd json.RawMessage) []byte {
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil {
		if len(list) == 0 {
			return body
		}
		doc, _ := json.Marshal(append(list, odd))
		return doc
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return body
	}
	for key, value := range object {
		if bytes.HasPrefix(bytes.TrimSpace(value), []byte("[")) {
			object[key] = withOdd(value, odd)
		}
	}
	doc, _ := json.Marshal(object)
	return doc
}

// outage answers nothing but errors. What was collected before stays, and so does the state of every stream.
func (s Suite) outage(t *testing.T, whole *world) {
	var down atomic.Bool
	var asked atomic.Int64
	server := s.behind(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1); down.Load() {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	down.Store(true)
	w := s.world()
	if err := w.collect(t.Context(), s.collector(t, server, resttest.At(s.Now))); err == nil {
		t.Error("nothing could be read, and nobody says so")
	}
	if w.text() != "" || asked.Load() > 1000 {
		t.Errorf("%d requests of a source that is down; stored:\n%s", asked.Load(), w.text())
	}
	down.Store(false)
	for day := range 3 {
		if err := w.collect(
			t.Context(),
			s.collector(t, server, resttest.At(s.Now.Add(time.Duration(day)*24*time.Hour))),
		); err != nil &&
			!rest.OnlySkipped(err) {
			t.Fatal(err)
		}
	}
	w.compare(t, whole.text(), "after the outage")
}

// fails collects from a server that no answer comes from, and returns the error.
func (s Suite) fails(t *testing.T, address string, tune func(*rest.Config)) error {
	t.Helper()
	w := s.world()
	err := w.collect(t.Context(), s.collectorAt(t, address, resttest.At(s.Now), tune))
	if err == nil {
		t.Error("nothing could be read, and nobody says so")
	}
	if w.text() != "" {
		t.Errorf("stored:\n%s", w.text())
	}
	return err
}

// silence takes requests and never answers.
func (s Suite) silence(t *testing.T, _ *world) {
	release := make(chan struct{})
	server := s.behind(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	})
	var once sync.Once
	open := func() { once.Do(func() { close(release) }) }
	defer open()
	err := s.fails(
		t,
		server.URL,
		func(c *rest.Config) { c.IdleTimeout, c.Attempts, c.MaxConcurrent = 30*time.Millisecond, 1, 64 },
	)
	if err != nil && !strings.Contains(err.Error(), "sent nothing") {
		t.Errorf("error %v does not say that the server sent nothing", err)
	}
}

// largeAnswers sends more than any answer may have.
func (s Suite) largeAnswers(t *testing.T, _ *world) {
	const allowed, block = 128 << 10, 32 << 10
	server := s.behind(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("["))
			for range 4 * allowed / block {
				if _, err := w.Write(bytes.Repeat([]byte(" "), block)); err != nil {
					return
				}
			}
			_, _ = w.Write([]byte("]"))
		})
	})
	err := s.fails(t, server.URL, func(c *rest.Config) { c.MaxBody, c.Attempts, c.MaxConcurrent = allowed, 2, 1 })
	if err != nil && !strings.Contains(err.Error(), "larger than allowed") {
		t.Errorf("error %v does not say that the answer is too large", err)
	}
}

// redirects sends every request to another host, which must never see one, let alone the token.
func (s Suite) redirects(t *testing.T, _ *world) {
	var strayed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	defer elsewhere.Close()
	server := s.behind(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/elsewhere", http.StatusFound)
		})
	})
	err := s.fails(t, server.URL, func(*rest.Config) {})
	if err != nil && !errors.As(err, new(*rest.RefusedError)) && !strings.Contains(err.Error(), "refused to connect") {
		t.Errorf("error %v does not say that the redirect was refused", err)
	}
	if n := strayed.Load(); n != 0 {
		t.Errorf("%d requests reached another host", n)
	}
}

// privateNetwork reads from a public name that leads into a private network.
func (s Suite) privateNetwork(t *testing.T, _ *world) {
	var reached atomic.Int64
	server := s.behind(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	})
	resttest.LeadHome(t)
	err := s.fails(t, hostOf(t, server, "source.example"), func(c *rest.Config) { c.Attempts = 2 })
	if err != nil && !strings.Contains(err.Error(), "private_network") {
		t.Errorf("error %v does not say how to allow the network", err)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached the private network", n)
	}
}
