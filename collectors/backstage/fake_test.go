package backstage

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fake is a Backstage backend. Its pages are in the order of the keys, and a cursor holds the key of the last entity.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	entities map[string]string // JSON by key
	most     int               // entities on a page
	claims   int               // more entities than there are, that it says it has
	token    string
	answer   func(w http.ResponseWriter, r *http.Request) bool // says true when it has answered
	requests []string                                          // status and query of each
}

func newFake(t testing.TB, entities ...string) *fake {
	f := &fake{entities: map[string]string{}, most: 1000}
	for i, e := range entities {
		f.entities[fmt.Sprintf("%04d", i)] = e
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	status := http.StatusOK
	defer func() { f.requests = append(f.requests, fmt.Sprint(status, " ", r.URL.Query().Get("cursor"))) }()
	if f.answer != nil && f.answer(w, r) {
		status = 0
		return
	}
	switch {
	case r.URL.Path != "/"+queryPath:
		status = http.StatusNotFound
	case f.token != "" && r.Header.Get("Authorization") != "Bearer "+f.token:
		status = http.StatusUnauthorized
	}
	if status != http.StatusOK {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"error":{"name":"Error"}}`))
		return
	}
	body := f.page(r)
	etag := fmt.Sprintf(`W/"%x"`, crc32.ChecksumIEEE(body))
	w.Header().Set("ETag", etag)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r.Header.Get("If-None-Match") == etag {
		status = http.StatusNotModified
		w.WriteHeader(status)
		return
	}
	_, _ = w.Write(body)
}

func (f *fake) page(r *http.Request) []byte {
	after := ""
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		text, _ := base64.StdEncoding.DecodeString(cursor)
		after = string(text)
	}
	var keys []string
	for key := range f.entities {
		if key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	next := ""
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	keys = keys[min(offset, len(keys)):]
	most := f.most
	if limit, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil {
		most = min(most, limit)
	}
	if len(keys) > most {
		keys = keys[:most]
		next = base64.StdEncoding.EncodeToString([]byte(keys[len(keys)-1]))
	}
	items := make([]string, len(keys))
	for i, key := range keys {
		items[i] = f.entities[key]
	}
	return fmt.Appendf(
		nil,
		`{"items":[%s],"totalItems":%d,"pageInfo":{"nextCursor":%q}}`,
		strings.Join(items, ","),
		len(f.entities)+f.claims,
		next,
	)
}

// entity is a component as Backstage answers with it.
func entity(name, etag string) string {
	return fmt.Sprintf(
		`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"namespace":"default","name":%q,"uid":"u-%s","etag":%q,
		"annotations":{"backstage.io/managed-by-location":"url:https://git.example.com/x"}},
		"spec":{"type":"service","lifecycle":"production","owner":"payments"},"relations":[{"type":"ownedBy","targetRef":"group:default/other"}]}`,
		name,
		name,
		etag,
	)
}

func collector(t testing.TB, f *fake, cfg Config) *Collector {
	t.Helper()
	cfg.Source, cfg.URL = "bs", f.URL
	fast := func(c *rest.Config) { c.PerSecond, c.Burst = 1e6, 1e6 }
	c, err := New(
		cfg,
		source.Options{
			Now:   func() time.Time { return now },
			Tune:  fast,
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// memory is a Writer that keeps the latest of each descriptor, and can fail at a call.
type memory struct {
	source.Writer // the methods that this source does not use
	docs          map[string][]byte
	events        map[string]event.Descriptor
	ledger        event.LedgerEntry
	appends       int // descriptors appended
	calls         int // of Append and Save
	failAt        int
	accept        bool // removals of any size
}

var errFull = errors.New("the disk is full")

func newMemory() *memory {
	return &memory{docs: map[string][]byte{}, events: map[string]event.Descriptor{}}
}

func (m *memory) Load(_ context.Context, stream string, into any) (bool, error) {
	doc, ok := m.docs[stream]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(doc, into)
}

func (m *memory) Save(_ context.Context, stream string, state any) error {
	if m.calls++; m.calls == m.failAt {
		return errFull
	}
	doc, err := json.Marshal(state)
	m.docs[stream] = doc
	return err
}

func (m *memory) Append(_ context.Context, events ...event.Event) error {
	if m.calls++; m.calls == m.failAt {
		return errFull
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return err
		}
		switch e := e.(type) {
		case event.Descriptor:
			m.appends++
			m.events[e.Location] = e
		case event.LedgerEntry:
			m.ledger = e
		}
	}
	return nil
}

func (m *memory) Descriptors(context.Context) (map[string]string, error) {
	out := map[string]string{}
	for ref, d := range m.events {
		if d.Document != "" {
			out[ref] = d.Revision
		}
	}
	return out, nil
}

// Removing has the rule of the real writer.
func (m *memory) Removing(what string, gone, of int) error {
	if !m.accept && gone > 0 && (gone >= of || of >= 10 && 2*gone > of) {
		return fmt.Errorf("%w: %d of %d %s", errRemoval, gone, of, what)
	}
	return nil
}

var errRemoval = errors.New("nothing was removed")

func (m *memory) Progress(string, uint64, uint64) {}

// refs are the descriptors that are not gone, with their revisions.
func (m *memory) refs() string {
	var out []string
	for ref, d := range m.events {
		if d.Document != "" {
			out = append(out, strings.TrimPrefix(ref, "component:default/")+"="+d.Revision)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
