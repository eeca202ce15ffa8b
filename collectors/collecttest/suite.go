package collecttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
	"github.com/dxctl/dxctl/collectors/source"
)

// Suite is a source under test: a server with records, and a collector of it. Every source over HTTP passes
// [Suite.Run].
type Suite struct {
	// Start starts a server that holds the same records each time: several pages of each kind, and some records that are
	// not final. It stops with the test.
	Start func(t testing.TB) *httptest.Server
	// New makes a collector of the server at the URL.
	New func(url string, opt source.Options) (source.Collector, error)
	// Now is when the records are collected.
	Now time.Time
	// Bad reports whether an answer is about the one object that always fails; its events are those that contain BadText.
	// nil: the source has no objects smaller than a scope.
	Bad     func(r *http.Request, answer string) bool
	BadText string
	// Lists reports whether a request is for a list of records of which one may be odd; nil: no list is.
	Lists func(r *http.Request) bool
	// Facts: what the source has is facts, whose values are compared.
	Facts bool
	// Lose makes the store lose a record, of which the collector finds out by the ledger; nil: it would not find out.
	Lose func(scope string, w *Writer)
}

// Run runs every hardship as a subtest.
func (s Suite) Run(t *testing.T) {
	whole := s.world()
	if err := whole.collect(t.Context(), s.collector(t, s.Start(t), resttest.At(s.Now))); err != nil {
		t.Fatalf("without any hardship: %v", err)
	}
	if whole.text() == "" {
		t.Fatal("without any hardship nothing is stored")
	}
	for _, hardship := range []struct {
		name    string
		test    func(t *testing.T, whole *world)
		without bool // the source has nothing that could meet it
	}{
		{"twice changes nothing", s.twice, false},
		{"requests that fail on the way", s.faults, false},
		{"a clock that jumps", s.jumpingClock, false},
		{"a clock that was far ahead", s.clockAhead, false},
		{"killed at a write", s.killed, false},
		{"killed again and again", s.killedAgain, false},
		{"a store that fails once", s.storeFailsOnce, false},
		{"one object that always fails", s.badObject, s.Bad == nil},
		{"odd records", s.oddRecords, s.Lists == nil},
		{"an outage", s.outage, false},
		{"a server that sends nothing", s.silence, false},
		{"an answer that is too large", s.largeAnswers, false},
		{"a redirect to another host", s.redirects, false},
		{"a name that leads into a private network", s.privateNetwork, false},
	} {
		if !hardship.without {
			t.Run(hardship.name, func(t *testing.T) { hardship.test(t, whole) })
		}
	}
}

// world is what is stored of a source: a Writer for each scope, and one for the source as a whole.
type world struct {
	source *Writer
	scopes map[string]*Writer
	order  []string // of the scopes, as they were first collected
	killer *killer
	// keepHistory is the KeepHistory of all writers.
	keepHistory bool
	facts       bool // as Suite.Facts
}

// killer counts the writes of all scopes together.
type killer struct {
	n, at    int
	once     bool
	keepLast bool
}

func (s Suite) world() *world {
	return &world{source: NewWriter(), scopes: map[string]*Writer{}, killer: &killer{}, facts: s.Facts}
}

// arm prepares the writer to fail where the killer's count says so.
func (k *killer) arm(w *Writer) {
	w.FailAt, w.Once, w.KeepLast = 0, k.once, k.keepLast
	if k.at > 0 && (k.at > k.n || !k.once) {
		w.FailAt = w.Writes() + max(1, k.at-k.n)
	}
}

// before returns what was stored before each write of w, and in the end: what a process may leave that is killed. The
// writers of w keep their history.
func (w *world) before() []*world {
	var all []*world
	for _, was := range w.source.History() {
		all = append(all, &world{source: was, scopes: map[string]*Writer{}, killer: &killer{}, facts: w.facts})
	}
	for i, scope := range w.order {
		for _, was := range append(w.scopes[scope].History(), w.scopes[scope].Clone()) {
			left := &world{source: w.source.Clone(), scopes: map[string]*Writer{scope: was}, killer: &killer{},
				facts: w.facts}
			for _, earlier := range w.order[:i] {
				left.scopes[earlier] = w.scopes[earlier].Clone()
			}
			all = append(all, left)
		}
	}
	return all
}

// collect lists the scopes and collects them one after the other.
func (w *world) collect(ctx context.Context, c source.Collector) error {
	collectOne := func(to *Writer, do func() error) error {
		w.killer.arm(to)
		before := to.Writes()
		err := do()
		w.killer.n += to.Writes() - before
		return err
	}
	var scopes []string
	err := collectOne(w.source, func() (err error) {
		scopes, err = c.Scopes(ctx, w.source)
		return err
	})
	if err != nil && !rest.OnlySkipped(err) {
		return err
	}
	errs := []error{err}
	for _, scope := range scopes {
		if w.scopes[scope] == nil {
			w.scopes[scope], w.order = NewWriter(), append(w.order, scope)
			w.scopes[scope].KeepHistory = w.keepHistory
			w.scopes[scope].Facts = w.facts
		}
		to := w.scopes[scope]
		if err := collectOne(to, func() error { return c.Collect(ctx, scope, to) }); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", scope, err))
		}
	}
	return errors.Join(errs...)
}

// text is what is stored, to compare.
func (w *world) text() string {
	var text strings.Builder
	for _, scope := range slices.Sorted(maps.Keys(w.scopes)) {
		for line := range strings.Lines(w.scopes[scope].Text()) {
			text.WriteString(scope + " " + line)
		}
	}
	return address.ReplaceAllString(text.String(), "http://server")
}

// address is that of a server, whose port is another each time; events link to it.
var address = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`)

// compare fails the test when something else is stored than want.
func (w *world) compare(t *testing.T, want, after string) {
	t.Helper()
	if diff := difference(w.text(), want); diff != "" {
		t.Fatalf("%s, other events are stored:\n%s", after, diff)
	}
}

// difference returns some lines that only one of the texts has; empty when they are the same.
func difference(got, want string) string {
	if got == want {
		return ""
	}
	lines := func(text string) map[string]bool {
		all := map[string]bool{}
		for line := range strings.Lines(text) {
			all[line] = true
		}
		return all
	}
	has, wants := lines(got), lines(want)
	var diff []string
	for line := range strings.Lines(want) {
		if !has[line] {
			diff = append(diff, fmt.Sprintf("- %.400s", line))
		}
	}
	for line := range strings.Lines(got) {
		if !wants[line] {
			diff = append(diff, fmt.Sprintf("+ %.400s", line))
		}
	}
	return fmt.Sprintf("%d lines differ\n%s", len(diff), strings.Join(diff[:min(len(diff), 6)], "\n"))
}

// collector makes a collector that does not wait but on the clock.
func (s Suite) collector(t *testing.T, server *httptest.Server, clock *resttest.Clock) source.Collector {
	t.Helper()
	return s.collectorAt(t, server.URL, clock)
}

func (s Suite) collectorAt(
	t *testing.T,
	at string,
	clock *resttest.Clock,
	tune ...func(*rest.Config),
) source.Collector {
	t.Helper()
	c, err := s.New(at, source.Options{Now: clock.Now, Sleep: clock.Sleep, Tune: func(cfg *rest.Config) {
		cfg.PerSecond, cfg.Burst = 1e6, 1e6
		for _, f := range tune {
			f(cfg)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// behind starts a server behind a handler.
func (s Suite) behind(t *testing.T, wrap func(http.Handler) http.Handler) *httptest.Server {
	t.Helper()
	server := s.Start(t)
	server.Config.Handler = wrap(server.Config.Handler)
	return server
}

// hostOf is the host and port of a server under another name, which resttest.LeadHome resolves to this machine.
func hostOf(t *testing.T, server *httptest.Server, name string) string {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = name + ":" + u.Port()
	return u.String()
}
