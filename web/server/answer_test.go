package server_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
)

// ask sends a request with headers.
func (f *fixture) ask(tb testing.TB, method, path string, headers map[string]string) (status int, header http.Header,
	body string) {
	tb.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:8080"
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return f.do(tb, r)
}

func TestAnswersAreSentAsAsked(t *testing.T) {
	f := sharedFixture(t)
	for _, path := range []string{"/services", "/api/v1/services", "/events/deployments.csv"} {
		_, _, plain := f.ask(t, http.MethodGet, path, nil)
		_, header, zipped := f.ask(t, http.MethodGet, path, map[string]string{"Accept-Encoding": "br, gzip"})
		unzipped := ""
		if r, err := gzip.NewReader(strings.NewReader(zipped)); err == nil {
			raw, _ := io.ReadAll(r)
			unzipped = string(raw)
		}
		if header.Get("Content-Encoding") != "gzip" || header.Get("Vary") != "Accept-Encoding" || unzipped != plain {
			t.Errorf("%s: zipped with headers %v: %d bytes, unzipped %d, plain %d", path, header, len(zipped), len(unzipped),
				len(plain))
		}
		if _, refused, body := f.ask(t, http.MethodGet, path,
			map[string]string{"Accept-Encoding": "gzip;q=0, identity"}); refused.Get("Content-Encoding") != "" || body != plain {
			t.Errorf("%s: compressed for a reader who refuses that", path)
		}
		for _, etag := range []string{header.Get("ETag"), "W/" + header.Get("ETag"), `"x", ` + header.Get("ETag"), "*"} {
			status, same, body := f.ask(t, http.MethodGet, path,
				map[string]string{"Accept-Encoding": "gzip", "If-None-Match": etag})
			if status != http.StatusNotModified || body != "" || same.Get("Content-Encoding") != "" ||
				same.Get("ETag") != header.Get("ETag") {
				t.Errorf("%s: If-None-Match %s: status %d, %d bytes, headers %v", path, etag, status, len(body), same)
			}
		}
		if status, _, body := f.ask(t, http.MethodGet, path,
			map[string]string{"If-None-Match": header.Get("ETag")}); status != http.StatusOK || body != plain {
			t.Errorf("%s: the tag of the zipped answer stands for the plain one: status %d", path, status)
		}
		if status, head, body := f.ask(t, http.MethodHead, path, nil); status != http.StatusOK || body != "" ||
			head.Get("ETag") == "" {
			t.Errorf("%s: HEAD: status %d, %d bytes", path, status, len(body))
		}
		if !strings.Contains(header.Get("Cache-Control"), "no-cache") || header.Get("Age") == "" ||
			header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: headers %v", path, header)
		}
	}
}

// slowStore counts the queries, and can be slow or broken.
type slowStore struct {
	metrics.Querier
	queries atomic.Int64
	broken  atomic.Bool
	delay   atomic.Int64
	blind   bool // the version cannot be read
}

func (s *slowStore) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	s.queries.Add(1)
	time.Sleep(time.Duration(s.delay.Load()))
	if s.broken.Load() {
		return errors.New("the engine is gone")
	}
	return s.Querier.Select(ctx, dest, sql, params)
}

func TestConcurrentReadersOfAColdPageCostOne(t *testing.T) {
	f := sharedFixture(t)
	queries := func(readers int) int64 {
		store := &slowStore{Querier: f.store}
		store.delay.Store(int64(20 * time.Millisecond)) // so that all have asked before the first answer
		cold := &fixture{app: f.rebuild(t, store)}
		var all sync.WaitGroup
		for range readers {
			all.Go(func() {
				if status, _, body := cold.get(t, "/"); status != http.StatusOK {
					t.Errorf("status %d: %.200s", status, body)
				}
			})
		}
		all.Wait()
		return store.queries.Load()
	}
	if one, many := queries(1), queries(50); one == 0 || many > one*3/2 {
		t.Errorf("%d queries for one reader, %d for 50", one, many)
	}
}

// TestConcurrentReadersOfEveryPage reads every page many times at once, while events arrive.
func TestConcurrentReadersOfEveryPage(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, testEvents())
	var all sync.WaitGroup
	for reader := range 4 {
		all.Go(func() {
			for i := range everyPage { // each begins with the page where the one before it is later
				path := everyPage[(i+reader*5)%len(everyPage)]
				if status, _, body := f.get(t, path); status != http.StatusOK {
					t.Errorf("%s: status %d: %.200s", path, status, body)
				}
			}
		})
	}
	all.Go(func() {
		for i := range 3 {
			arrived := deployment("myorg/user-service", fmt.Sprintf("arrived%d", i), "bob", "production", event.Succeeded,
				present.Add(-time.Minute))
			if err := f.store.Append(t.Context(), arrived); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	for stored := time.Now(); !strings.Contains(f.page(t, "/events/deployments?service=user-service"), "varrived2"); {
		if time.Since(stored) > 20*time.Second {
			t.Fatal("what arrived last is not listed")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestStoreThatFails(t *testing.T) {
	f := sharedFixture(t)
	store := &slowStore{Querier: f.store}
	app := &fixture{app: f.rebuild(t, store)}
	_ = app.page(t, "/services")
	store.broken.Store(true)
	if status, _, _ := app.get(t, "/"); status != http.StatusInternalServerError {
		t.Errorf("status %d of a page that cannot be made", status)
	}
	_ = app.page(t, "/services") // what is kept is still given
	before := store.queries.Load()
	if _, _, _ = app.get(t, "/"); store.queries.Load() > before+20 {
		t.Error("an error is not kept for a moment")
	}
	store.broken.Store(false)
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if status, _, _ := app.get(t, "/"); status == http.StatusOK {
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("the error stays")
		}
	}
}

// Without the right to read the state of the tables answers hold for a few seconds.
func TestAnswersOfABlindServer(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, testEvents())
	store := &slowStore{Querier: f.store, blind: true}
	app := &fixture{app: f.rebuild(t, store)}
	before := app.page(t, "/api/v1/events/deployments")
	queries := store.queries.Load()
	if app.page(t, "/api/v1/events/deployments") != before || store.queries.Load() != queries {
		t.Error("nothing is kept")
	}
	if err := f.store.Append(t.Context(), deployment("myorg/user-service", "new", "bob", "production", event.Succeeded,
		present.Add(-time.Minute))); err != nil {
		t.Fatal(err)
	}
	for stored := time.Now(); app.page(t, "/api/v1/events/deployments") == before; time.Sleep(100 * time.Millisecond) {
		if time.Since(stored) > 10*time.Second {
			t.Fatal("a deployment is not listed after ten seconds")
		}
	}
}

// Merging parts of tables changes no figure; a new catalog does.
func TestWhatChangesAnswers(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, testEvents())
	store := &slowStore{Querier: f.store}
	app := &fixture{app: f.rebuild(t, store)}
	_ = app.page(t, "/services")
	time.Sleep(300 * time.Millisecond) // longer than a version is taken for the present one
	queries := store.queries.Load()
	_ = app.page(t, "/services")
	if got := store.queries.Load(); got != queries {
		t.Errorf("%d queries although nothing has changed", got-queries)
	}
	if err := f.catalog.Sync(t.Context(), f.store); err != nil {
		t.Fatal(err)
	}
	for synced := time.Now(); store.queries.Load() == queries; time.Sleep(50 * time.Millisecond) {
		_ = app.page(t, "/services")
		if time.Since(synced) > 10*time.Second {
			t.Fatal("a catalog that was stored again is not noticed")
		}
	}
}
