package argocd

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

type object = map[string]any

// server is an Argo CD that shows the applications it is given. Like the real one it answers a listing with only those
// fields that it knows, and the history is none of them.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	apps     map[string]object // by namespace/name
	requests []string          // paths, in order
	answer   func(w http.ResponseWriter, r *http.Request, n int) bool
}

var listable = []string{
	"metadata.name",
	"metadata.namespace",
	"metadata.creationTimestamp",
	"metadata.labels",
	"status.sync.status",
	"status.operationState.phase",
	"status.operationState.startedAt",
	"status.operationState.finishedAt",
}

func newServer(t testing.TB, apps ...object) *server {
	t.Helper()
	s := &server{apps: map[string]object{}}
	for _, a := range apps {
		s.put(a)
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) put(app object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[key(app)] = app
}

func key(app object) string {
	m := app["metadata"].(object)
	return fmt.Sprint(m["namespace"], "/", m["name"])
}

func (s *server) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, strings.TrimPrefix(r.URL.Path, "/api/v1/"))
	w.Header().Set("Content-Type", "application/json")
	if s.answer != nil && s.answer(w, r, len(s.requests)) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer secret" {
		http.Error(
			w,
			`{"error":"no session information","code":16,"message":"no session information"}`,
			http.StatusUnauthorized,
		)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v1/applications")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if path == "" {
		s.list(w, r)
		return
	}
	namespace := r.URL.Query().Get("appNamespace")
	if namespace == "" {
		namespace = "argocd"
	}
	app, ok := s.apps[namespace+path]
	if !ok {
		http.Error(w, `{"error":"permission denied","code":7,"message":"permission denied"}`, http.StatusForbidden)
		return
	}
	_ = json.NewEncoder(w).Encode(app)
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	items := []any{}
	projects := r.URL.Query()["projects"]
	for _, k := range slices.Sorted(maps.Keys(s.apps)) {
		app := s.apps[k]
		if len(projects) > 0 && !slices.Contains(projects, fmt.Sprint(at(app, "spec.project"))) {
			continue
		}
		item := object{}
		for _, f := range strings.Split(r.URL.Query().Get("fields"), ",") {
			f = strings.TrimPrefix(f, "items.")
			if v := at(app, f); v != nil && slices.Contains(listable, f) {
				put(item, f, v)
			}
		}
		items = append(items, item)
	}
	_ = json.NewEncoder(w).Encode(object{"metadata": object{"resourceVersion": "1"}, "items": items})
}

func at(o object, path string) any {
	name, rest, found := strings.Cut(path, ".")
	if !found {
		return o[name]
	}
	inner, ok := o[name].(object)
	if !ok {
		return nil
	}
	return at(inner, rest)
}

func put(o object, path string, v any) {
	name, rest, found := strings.Cut(path, ".")
	if !found {
		o[name] = v
		return
	}
	if o[name] == nil {
		o[name] = object{}
	}
	put(o[name].(object), rest, v)
}

// noon is when the stories of the tests begin.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func minute(n int) string { return noon.Add(time.Duration(n) * time.Minute).Format(time.RFC3339) }

// sha is the nth commit.
func sha(n int) string { return fmt.Sprintf("%040x", n) }

// app is an application with a history and a latest operation (nil: none).
func app(name string, operation object, history ...any) object {
	status := object{"sync": object{"status": "OutOfSync", "revision": sha(1)}, "history": history}
	if operation != nil {
		status["operationState"] = operation
	}
	return object{
		"metadata": object{"name": name, "namespace": "argocd", "creationTimestamp": minute(-60), "labels": object{}},
		"spec": object{"project": "default", "source": git(),
			"destination": object{"server": "https://kubernetes.default.svc", "namespace": "payment"}},
		"status": status,
	}
}

func git() object {
	return object{"repoURL": "https://git.example.com/org/deploy.git", "path": "payment", "targetRevision": "main"}
}

var (
	alice     = object{"username": "alice"}
	automated = object{"automated": true}
)

// synced is an entry of the history: a sync that began at a minute and took one.
func syncedEntry(id, begun int, revision string, by object) object {
	return object{
		"id":              id,
		"revision":        revision,
		"source":          git(),
		"deployStartedAt": minute(begun),
		"deployedAt":      minute(begun + 1),
		"initiatedBy":     by,
	}
}

// op is an operation that began at a minute; finished 0: it has not.
func op(phase string, begun, finished int, revision string, by object) object {
	o := object{"phase": phase, "startedAt": minute(begun), "syncResult": object{"revision": revision, "source": git()},
		"operation": object{"initiatedBy": by, "sync": object{"revision": revision}}}
	if finished != 0 {
		o["finishedAt"] = minute(finished)
	}
	return o
}

func id(begun int) string { return minute(begun) }

// collector reads the server.
func collector(t testing.TB, s *server, change func(*Config)) *Collector {
	t.Helper()
	cfg := Config{Source: "argo", URL: s.URL, Token: "secret"}
	if change != nil {
		change(&cfg)
	}
	c, err := New(
		cfg,
		source.Options{Now: func() time.Time { return noon.Add(24 * time.Hour) }, Tune: func(r *rest.Config) {
			r.PerSecond, r.Burst, r.Backoff = 1e6, 1000, time.Microsecond
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// collect lists and collects everything once, each scope into its own memory.
func collect(t testing.TB, c *Collector, into map[string]*collecttest.Writer) {
	t.Helper()
	scopes, err := c.Scopes(t.Context(), collecttest.NewWriter())
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range scopes {
		if into[scope] == nil {
			into[scope] = collecttest.NewWriter()
		}
		if err := c.Collect(t.Context(), scope, into[scope]); err != nil {
			t.Fatalf("%s: %v", scope, err)
		}
	}
}

// one collects a single application into m.
func one(t testing.TB, s *server, m *collecttest.Writer) {
	t.Helper()
	c := collector(t, s, nil)
	all := map[string]*collecttest.Writer{"payment": m}
	collect(t, c, all)
}
