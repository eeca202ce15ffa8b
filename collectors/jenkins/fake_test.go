package jenkins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

// fake is a Jenkins: it gives exactly what a tree asks for, and nothing to a client that sends none.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	root     *item
	etags    bool                                          // answers carry an ETag, as behind a caching proxy
	stages   bool                                          // the Pipeline REST API is there
	paused   bool                                          // its builds wait for a person
	before   func(http.ResponseWriter, *http.Request) bool // true: it has answered
	requests []string                                      // paths with the decoded tree
	statuses []int
	auth     map[string]bool
}

// item is a job, a folder (jobs is not nil) or a multibranch project.
type item struct {
	class, name string
	jobs        []*item
	builds      []*fakeBuild // newest first
}

// fakeBuild is a build as the whole JSON document would have it.
type fakeBuild map[string]any

func freestyle(name string, builds ...*fakeBuild) *item {
	return &item{class: "hudson.model.FreeStyleProject", name: name, builds: builds}
}

func folder(name string, jobs ...*item) *item {
	return &item{class: "com.cloudbees.hudson.plugins.folder.Folder", name: name, jobs: append([]*item{}, jobs...)}
}

func multibranch(name string, jobs ...*item) *item {
	return &item{
		class: "org.jenkinsci.plugins.workflow.multibranch.WorkflowMultiBranchProject",
		name:  name,
		jobs:  append([]*item{}, jobs...),
	}
}

// now is when the tests collect.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// at is when the build with a number began: one every ten minutes, number 2,000 would be at now.
func at(number int) time.Time { return now.Add(-time.Duration(2000-number) * 10 * time.Minute) }

func ended(number int, result string, actions ...any) *fakeBuild {
	return &fakeBuild{
		"_class":    "hudson.model.FreeStyleBuild",
		"number":    number,
		"timestamp": at(number).UnixMilli(),
		"duration":  60000,
		"result":    result,
		"building":  false,
		"actions":   append([]any{map[string]any{}}, actions...),
	}
}

func running(number int) *fakeBuild {
	b := *ended(number, "")
	b["result"], b["building"], b["duration"] = nil, true, 0
	return &b
}

// until returns finished builds with the numbers n down to 1.
func until(n int) []*fakeBuild {
	var all []*fakeBuild
	for ; n > 0; n-- {
		all = append(all, ended(n, "SUCCESS"))
	}
	return all
}

func start(t testing.TB, jobs ...*item) *fake {
	t.Helper()
	f := &fake{root: folder("", jobs...), auth: map[string]bool{}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.URL.Path+"?"+r.URL.Query().Get("tree"))
	f.auth[r.Header.Get("Authorization")] = true
	rec := &recorder{ResponseWriter: w, status: 200}
	defer func() { f.statuses = append(f.statuses, rec.status) }()
	if f.before != nil && f.before(rec, r) {
		return
	}
	doc := f.find(r)
	tree := r.URL.Query().Get("tree")
	isStages := strings.HasSuffix(r.URL.Path, "/wfapi/describe")
	switch {
	case doc == nil:
		http.Error(rec, "<html>not found</html>", http.StatusNotFound)
		return
	case tree == "" && !isStages:
		http.Error(rec, "send a tree", http.StatusTeapot)
		return
	}
	if !isStages {
		doc = project(doc, parseTree(&tree))
	}
	body, _ := json.Marshal(doc)
	if f.etags {
		h := fnv.New64a()
		_, _ = h.Write(body)
		tag := fmt.Sprintf("%q", strconv.FormatUint(h.Sum64(), 36))
		rec.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			rec.WriteHeader(http.StatusNotModified)
			return
		}
	}
	rec.Header().Set("Content-Type", "application/json;charset=utf-8")
	_, _ = rec.Write(body)
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) { r.status = status; r.ResponseWriter.WriteHeader(status) }

// find returns the whole document of what the path names; nil: there is none.
func (f *fake) find(r *http.Request) any {
	at, parts := f.root, strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	for len(parts) >= 2 && parts[0] == "job" {
		name, err := url.PathUnescape(parts[1])
		if err != nil {
			return nil
		}
		var next *item
		for _, j := range at.jobs {
			if j.name == name {
				next = j
			}
		}
		if next == nil {
			return nil
		}
		at, parts = next, parts[2:]
	}
	switch rest := strings.Join(parts, "/"); {
	case rest == "api/json":
		return at.document()
	case len(parts) == 3:
		for _, b := range at.builds {
			if fmt.Sprint((*b)["number"]) != parts[0] {
				continue
			}
			if rest == parts[0]+"/api/json" {
				return any(map[string]any(*b))
			}
			if f.stages && rest == parts[0]+"/wfapi/describe" {
				d := map[string]any{"status": "SUCCESS", "stages": (*b)["stages"]}
				if f.paused {
					d["status"] = "PAUSED_PENDING_INPUT"
				}
				return d
			}
		}
	}
	return nil
}

func (i *item) document() any {
	doc := map[string]any{"_class": i.class, "name": i.name}
	if i.jobs != nil {
		jobs := []any{}
		for _, j := range i.jobs {
			jobs = append(jobs, j.document())
		}
		doc["jobs"] = jobs
		return doc
	}
	all := []any{}
	for _, b := range i.builds {
		all = append(all, map[string]any(*b))
	}
	doc["allBuilds"], doc["lastBuild"], doc["firstBuild"] = all, nil, nil
	if n := len(all); n > 0 {
		doc["builds"], doc["lastBuild"], doc["firstBuild"] = all[:min(n, 100)], all[0], all[n-1]
	}
	return doc
}

// branch is a part of a tree: fields, what is asked below each of them, and a range whose end is exclusive.
type branch struct {
	below    map[string]*branch
	from, to int // to is -1: no range
}

func parseTree(s *string) *branch {
	b := &branch{below: map[string]*branch{}, to: -1}
	for *s != "" && (*s)[0] != ']' {
		end := strings.IndexAny(*s, ",[]{")
		if end < 0 {
			end = len(*s)
		}
		name := (*s)[:end]
		*s = (*s)[end:]
		child := &branch{to: -1}
		if strings.HasPrefix(*s, "[") {
			*s = (*s)[1:]
			child = parseTree(s)
			*s = strings.TrimPrefix(*s, "]")
		}
		if strings.HasPrefix(*s, "{") {
			_, _ = fmt.Sscanf(*s, "{%d,%d}", &child.from, &child.to)
			*s = (*s)[strings.Index(*s, "}")+1:]
		}
		b.below[name] = child
		*s = strings.TrimPrefix(*s, ",")
	}
	return b
}

// project keeps of a document what the tree asks for.
func project(doc any, b *branch) any {
	switch doc := doc.(type) {
	case map[string]any:
		if b.below == nil {
			return map[string]any{}
		}
		kept := map[string]any{}
		for name, value := range doc {
			if child, ok := b.below[name]; ok {
				kept[name] = project(value, child)
			}
		}
		return kept
	case []any:
		if b.to >= 0 {
			doc = doc[min(b.from, len(doc)):min(b.to, len(doc))]
		}
		kept := make([]any, len(doc))
		for i, d := range doc {
			kept[i] = project(d, b)
		}
		return kept
	}
	return doc
}

// asked returns the requests since the last call.
func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.requests
	f.requests, f.statuses = nil, nil
	return all
}

// change alters what the fake has.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// collector returns a collector of the fake that does not wait, and believes that it is at.
func (f *fake) collector(t testing.TB, at time.Time, tune func(*Config)) *Collector {
	t.Helper()
	cfg := Config{Source: "ci", URL: f.URL, User: "u", Token: "x"}
	if tune != nil {
		tune(&cfg)
	}
	c, err := New(cfg, source.Options{
		Now:   func() time.Time { return at },
		Tune:  func(r *rest.Config) { r.PerSecond, r.Burst, r.Backoff = 1e6, 1e6, time.Millisecond },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// collect lists the scopes and collects each of them into a memory of its own, as the Runner does.
func (f *fake) collect(t testing.TB, m *memories, at time.Time, tune func(*Config)) []string {
	t.Helper()
	scopes, err := m.collect(t.Context(), f.collector(t, at, tune))
	if err != nil {
		t.Fatal(err)
	}
	return scopes
}

// memories are those of the source itself and of its scopes.
type memories struct {
	source *collecttest.Writer
	scopes map[string]*collecttest.Writer
}

func newMemories() *memories {
	return &memories{collecttest.NewWriter(), map[string]*collecttest.Writer{}}
}

func (m *memories) of(scope string) *collecttest.Writer {
	if m.scopes[scope] == nil {
		m.scopes[scope] = collecttest.NewWriter()
	}
	return m.scopes[scope]
}

func (m *memories) collect(ctx context.Context, c *Collector) ([]string, error) {
	scopes, err := c.Scopes(ctx, m.source)
	if err != nil && !rest.OnlySkipped(err) {
		return nil, err
	}
	for _, s := range scopes {
		if failed := c.Collect(ctx, s, m.of(s)); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", s, failed))
		}
	}
	return scopes, err
}
