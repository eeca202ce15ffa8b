package circleci

import (
	"encoding/json"
	"fmt"
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

const slug = "github/acme/shop"

// object is a JSON object as the fake sends it.
type object = map[string]any

// fake is CircleCI with one project. Its page tokens are the id of the last pipeline on the page before.
type fake struct {
	*httptest.Server
	mu        sync.Mutex
	pageSize  int
	pipelines []object            // newest first
	workflows map[string][]object // by pipeline
	jobs      map[string][]object // by workflow
	requests  []string
	failEvery int                                               // every so manieth request is answered with 502 or cut off
	meet      func(path string) bool                            // true: the request is answered with 400
	after     func(path string)                                 // called when a request has been answered
	answer    func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	alone     map[string]object                                 // pipelines by id
}

func newFake(t testing.TB) *fake {
	f := &fake{pageSize: 3, workflows: map[string][]object{}, jobs: map[string][]object{}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/v2/")
	if r.Header.Get("Circle-Token") != "secret" {
		http.Error(w, `{"message":"You must log in first"}`, http.StatusUnauthorized)
		return
	}
	f.requests = append(f.requests, path)
	if f.failEvery > 0 && len(f.requests)%f.failEvery == 0 {
		http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
		return
	}
	if f.meet != nil && f.meet(r.URL.RequestURI()) {
		http.Error(w, `{"message":"Invalid page token"}`, http.StatusBadRequest)
		return
	}
	if f.answer != nil && f.answer(w, r) {
		return
	}
	body, ok := f.body(path, r.URL.Query().Get("page-token"))
	if !ok {
		http.Error(w, `{"message":"Not found"}`, http.StatusNotFound)
		return
	}
	text, _ := json.Marshal(body)
	etag := fmt.Sprintf(`W/"%x"`, len(text)*31+int(text[len(text)/2])+sum(text))
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
	} else {
		_, _ = w.Write(text)
	}
	if f.after != nil {
		f.after(path)
	}
}

func sum(text []byte) (n int) {
	for i, b := range text {
		n += i * int(b)
	}
	return n
}

func (f *fake) body(path, token string) (any, bool) {
	parts := strings.Split(path, "/")
	switch {
	case path == "me", path == "project/"+slug:
		return object{"id": "x"}, true
	case path == "project/"+slug+"/pipeline":
		rest := f.pipelines
		if token != "" {
			rest = rest[1+slices.IndexFunc(rest, func(p object) bool { return p["id"] == token }):]
		}
		if len(rest) <= f.pageSize {
			return object{"items": rest, "next_page_token": nil}, true
		}
		return object{"items": rest[:f.pageSize], "next_page_token": rest[f.pageSize-1]["id"]}, true
	case parts[0] == "pipeline" && len(parts) == 2:
		p, ok := f.alone[parts[1]]
		return p, ok
	case parts[0] == "pipeline":
		items, ok := f.workflows[parts[1]]
		return object{"items": items, "next_page_token": nil}, ok
	case parts[0] == "workflow":
		items, ok := f.jobs[parts[1]]
		return object{"items": items, "next_page_token": nil}, ok
	}
	return nil, false
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(t time.Time) string { return t.Format(time.RFC3339Nano) }

// push adds a pipeline with one workflow, build, that has one job, test.
func (f *fake) push(number int, created time.Time, status string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(number, created, status)
}

func (f *fake) add(number int, created time.Time, status string) {
	id := fmt.Sprintf("p%d", number)
	f.pipelines = slices.Insert(f.pipelines, 0, object{
		"id": id, "number": number, "state": "created", "created_at": at(created),
		"trigger": object{"type": "webhook", "actor": object{"login": "ann"}},
		"vcs":     object{"branch": "main", "revision": fmt.Sprintf("%040d", number)},
	})
	f.flow(id, "build", status, created, "test")
}

// flow adds a workflow with jobs to a pipeline, a minute long.
func (f *fake) flow(pipeline, name, status string, created time.Time, jobs ...string) string {
	id := fmt.Sprintf("%s-w%d", pipeline, len(f.workflows[pipeline])+1)
	w := object{
		"id":         id,
		"name":       name,
		"status":     status,
		"created_at": at(created),
		"stopped_at": at(created.Add(time.Minute)),
	}
	if status == "running" {
		w["stopped_at"] = nil
	}
	f.workflows[pipeline] = append(f.workflows[pipeline], w)
	f.jobs[id] = []object{}
	for i, j := range jobs {
		f.jobs[id] = append(
			f.jobs[id],
			object{"id": fmt.Sprintf("%s-j%d", id, i+1), "job_number": i + 1, "name": j, "type": "build", "status": status,
				"started_at": at(created.Add(10 * time.Second)), "stopped_at": w["stopped_at"]},
		)
	}
	return id
}

// asked returns how many requests there were since it was last called.
func (f *fake) asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.requests)
	f.requests = nil
	return n
}

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (f *fake) collector(t testing.TB, now func() time.Time, change func(*Config)) *Collector {
	t.Helper()
	cfg := Config{Source: "circle", URL: f.URL, Token: "secret", Projects: []string{"gh/acme/shop"}}
	if change != nil {
		change(&cfg)
	}
	c, err := New(
		cfg,
		source.Options{
			Now:  now,
			Tune: func(r *rest.Config) { r.PerSecond, r.Burst, r.Backoff = 1e6, 1000, time.Millisecond },
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func collect(t testing.TB, c *Collector, m *collecttest.Writer) {
	t.Helper()
	if err := c.Collect(t.Context(), slug, m); err != nil {
		t.Fatal(err)
	}
}
