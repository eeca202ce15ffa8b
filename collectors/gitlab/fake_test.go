package gitlab

import (
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// object is a record as GitLab writes it.
type object map[string]any

func (o object) id() int64 {
	n, _ := o["id"].(int64)
	return n
}

func (o object) text(key string) string {
	s, _ := o[key].(string)
	return s
}

// fake is a GitLab with one project: lists are ordered, filtered, and paged by number or keyset as the real one does.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	clock    time.Time
	project  object
	group    []object
	lists    map[string][]object                           // pipelines, jobs, merge_requests, deployments, environments
	noKeyset bool                                          // pages jobs by number only
	noSource bool                                          // does not know the filter source
	noTotal  bool                                          // gives no totals, as above 10,000 records
	before   func(http.ResponseWriter, *http.Request) bool // true: it has answered
	poison   func(path string, o object) bool              // an answer with such a record is always 500
	files    map[string]string                             // of the default branch, by path
	listed   map[string][]object                           // the latest listing, whose pages are asked for one by one
	settings map[string]any                                // answers by path below the project; an int is a refusal
	graphQL  func(paths []string) any                      // answers a query for files; nil: as GitLab does
	requests []string
	statuses []int
	tokens   map[string]bool
}

const scope = "acme/shop"

// now is when the tests collect.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func start(t testing.TB) *fake {
	t.Helper()
	f := &fake{
		clock:  now,
		lists:  map[string][]object{},
		tokens: map[string]bool{},
		files:  map[string]string{"README.md": "# Shop\n"},
		project: object{
			"id":                  int64(7),
			"path_with_namespace": scope,
			"default_branch":      "main",
			"web_url":             "https://gitlab.example.com/acme/shop",
			"created_at":          stampText(now.AddDate(-3, 0, 0)),
			"archived":            false,
		},
	}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func stampText(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// pipe adds a pipeline with its jobs: each begins a second after the one before and takes a minute.
func (f *fake) pipe(id int64, at time.Time, status string, jobs ...string) object {
	p := object{
		"id":         id,
		"iid":        id,
		"sha":        fmt.Sprintf("%040x", id),
		"ref":        "main",
		"status":     status,
		"source":     "push",
		"created_at": stampText(at),
		"updated_at": stampText(at.Add(2 * time.Minute)),
		"web_url":    fmt.Sprintf("https://gitlab.example.com/acme/shop/-/pipelines/%d", id),
	}
	for i, name := range jobs {
		began := at.Add(time.Duration(i+1) * time.Second)
		f.add(
			"jobs",
			object{
				"id":              id*10 + int64(i),
				"name":            name,
				"status":          status,
				"ref":             "main",
				"tag":             false,
				"allow_failure":   false,
				"created_at":      stampText(at),
				"started_at":      stampText(began),
				"finished_at":     stampText(began.Add(time.Minute)),
				"queued_duration": 0.5,
				"user":            object{"username": "anna"},
				"tag_list": []string{
					"linux",
				},
				"commit":   object{"id": p["sha"]},
				"pipeline": p,
				"web_url":  "https://gitlab.example.com/j",
			},
		)
	}
	f.add("pipelines", p)
	return p
}

func (f *fake) add(list string, o ...object) { f.lists[list] = append(f.lists[list], o...) }

// nth is the id of the i-th newest pipeline of history. Ids rise with creation, as GitLab's do; there is room between
// them.
func nth(i int) int64 { return int64(100000 - 10*i) }

// history adds n finished pipelines with two jobs each, the newest an hour before now and each 10 minutes before the
// next.
func (f *fake) history(n int) {
	for i := range n {
		f.pipe(nth(i), now.Add(-time.Hour-time.Duration(i)*10*time.Minute), "success", "build", "test")
	}
}

func (f *fake) find(list string, id int64) object {
	for _, o := range f.lists[list] {
		if o.id() == id {
			return o
		}
	}
	return nil
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, strings.TrimPrefix(r.URL.Path, "/api/v4/")+"?"+r.URL.RawQuery)
	f.tokens[r.Header.Get("PRIVATE-TOKEN")] = true
	rec := &recorder{ResponseWriter: w, status: 200}
	defer func() { f.statuses = append(f.statuses, rec.status) }()
	w.Header().Set("Date", f.clock.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json")
	if f.before != nil && f.before(rec, r) {
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4/"), "/")
	for i, p := range parts {
		parts[i], _ = url.PathUnescape(p)
	}
	q := r.URL.Query()
	below := ""
	if len(parts) > 2 {
		below = strings.Join(parts[2:], "/")
	}
	of, set := f.settings[below]
	switch {
	case r.URL.Path == "/api/graphql":
		f.blobs(rec, r)
	case set && len(parts) > 2:
		if status, refused := of.(int); refused {
			refuse(rec, status, fmt.Sprint(status))
			return
		}
		f.answer(rec, r, of)
	case len(parts) > 3 && parts[2] == "repository":
		f.repository(rec, r, parts[3:], q)
	case len(parts) == 3 && parts[0] == "groups" && parts[2] == "projects" && f.group != nil:
		f.list(rec, r, f.group, q)
	case parts[0] != "projects" || len(parts) < 2 || parts[1] != "7" && parts[1] != scope:
		refuse(rec, 404, "404 Not Found")
	case len(parts) == 2:
		f.answer(rec, r, f.project)
	case len(parts) == 3:
		f.listing(rec, r, parts[2], q)
	case len(parts) >= 4 && parts[2] == "pipelines":
		id, _ := strconv.ParseInt(parts[3], 10, 64)
		p := f.find("pipelines", id)
		switch {
		case p == nil:
			refuse(rec, 404, "404 Not found")
		case len(parts) == 5:
			f.list(
				rec,
				r,
				slices.DeleteFunc(slices.Clone(f.lists["jobs"]), func(j object) bool { return j["pipeline"].(object).id() != id }),
				q,
			)
		default:
			f.answer(rec, r, p)
		}
	default:
		refuse(rec, 404, "404 Not Found")
	}
}

func blobID(text string) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(fmt.Sprintf("blob %d\x00%s", len(text), text))))
}

// entries returns the files and the directories in a directory, with the hashes that git derives from their contents.
func (f *fake) entries(commit, dir string, recursive bool) []object {
	key := fmt.Sprint(commit, dir, recursive)
	if f.listed[key] == nil {
		f.listed = map[string][]object{key: f.listEntries(dir, recursive)}
	}
	return f.listed[key]
}

func (f *fake) listEntries(dir string, recursive bool) []object {
	all := map[string]object{}
	inside := map[string]string{} // by directory: what its hash depends on
	for _, name := range slices.Sorted(maps.Keys(f.files)) {
		all[name] = object{"id": blobID(f.files[name]), "type": "blob", "path": name, "mode": "100644"}
		for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
			inside[parent] += name + "\n" + f.files[name] + "\n"
		}
	}
	for name, of := range inside {
		all[name] = object{"id": blobID(of), "type": "tree", "path": name, "mode": "040000"}
	}
	found := []object{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		below, ok := strings.CutPrefix(name, dir+"/")
		if dir == "" {
			below, ok = name, true
		}
		if ok && (recursive || !strings.Contains(below, "/")) {
			found = append(found, all[name])
		}
	}
	return found
}

// repository answers about the default branch and its files.
func (f *fake) repository(w http.ResponseWriter, r *http.Request, parts []string, q url.Values) {
	names := slices.Sorted(maps.Keys(f.files))
	switch {
	case len(parts) == 2 && parts[0] == "branches" && parts[1] == f.project["default_branch"] && len(names) > 0:
		f.answer(w, r, object{"name": parts[1], "commit": object{"id": blobID(fmt.Sprint(f.files))}})
	case parts[0] == "tree" && q.Get("ref") == blobID(fmt.Sprint(f.files)):
		entries := f.entries(q.Get("ref"), q.Get("path"), q.Get("recursive") == "true")
		from, _ := strconv.Atoi(q.Get("page_token")) // a real one is a hash; it is not interpreted
		to := min(from+100, len(entries))
		if to < len(entries) {
			next := r.URL.Query()
			next.Set("page_token", strconv.Itoa(to))
			w.Header().Set("Link", fmt.Sprintf(`<https://other-name.example.com%s?%s>; rel="next"`, r.URL.Path, next.Encode()))
		}
		f.answer(w, r, entries[from:to])
	case len(parts) == 2 && parts[0] == "blobs":
		for _, text := range f.files {
			if blobID(text) == parts[1] {
				f.answer(w, r, object{
					"size": len(text), "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(text)),
				})
				return
			}
		}
		refuse(w, 404, "404 Blob Not Found")
	default:
		refuse(w, 404, "404 Not Found")
	}
}

// blobs answers a query of GraphQL for files.
func (f *fake) blobs(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Variables struct {
			Project string
			Paths   []string
			Ref     string
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&asked)
	if f.graphQL != nil {
		f.answer(w, r, f.graphQL(asked.Variables.Paths))
		return
	}
	if asked.Variables.Project != scope || asked.Variables.Ref != blobID(fmt.Sprint(f.files)) {
		f.answer(w, r, object{"data": object{"project": nil}})
		return
	}
	nodes := []object{}
	for _, name := range asked.Variables.Paths {
		text, ok := f.files[name]
		switch {
		case !ok:
		case strings.ContainsRune(text, 0):
			nodes = append(nodes, object{"path": name, "oid": blobID(text), "rawTextBlob": nil})
		default:
			nodes = append(nodes, object{"path": name, "oid": blobID(text), "rawTextBlob": text})
		}
	}
	f.answer(w, r, object{"data": object{"project": object{"repository": object{"blobs": object{"nodes": nodes}}}}})
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"message": message})
}

func (f *fake) listing(w http.ResponseWriter, r *http.Request, name string, q url.Values) {
	all, ok := f.lists[name]
	if !ok && name != "pipelines" && name != "jobs" && name != "merge_requests" && name != "deployments" &&
		name != "environments" {
		refuse(w, 404, "404 Not Found")
		return
	}
	if name == "jobs" && q.Get("pagination") == "keyset" && f.noKeyset {
		refuse(w, 405, "Keyset pagination is not yet available for this type of request")
		return
	}
	if name == "deployments" && q.Get("updated_after") != "" && q.Get("order_by") != "updated_at" {
		refuse(w, 400, "`updated_at` filter and `updated_at` sorting must be paired")
		return
	}
	all = slices.Clone(all)
	if name == "pipelines" && !f.noSource {
		all = slices.DeleteFunc(all, func(o object) bool {
			if s := q.Get("source"); s != "" {
				return o.text("source") != s
			}
			return o.text("source") == mapping.ChildSource
		})
	}
	if after := q.Get("updated_after"); after != "" {
		all = slices.DeleteFunc(all, func(o object) bool { return o.text("updated_at") <= after })
	}
	f.list(w, r, all, q)
}

// list orders and pages.
func (f *fake) list(w http.ResponseWriter, r *http.Request, all []object, q url.Values) {
	by := cmp.Or(q.Get("order_by"), "id")
	slices.SortStableFunc(all, func(a, b object) int {
		c := cmp.Or(cmp.Compare(a.text(by), b.text(by)), cmp.Compare(a.id(), b.id()))
		if q.Get("sort") == "asc" {
			return c
		}
		return -c
	})
	per, _ := strconv.Atoi(cmp.Or(q.Get("per_page"), "20"))
	per = min(per, 100)
	link := func(change url.Values) string {
		next := r.URL.Query()
		for k, v := range change {
			next[k] = v
		}
		return fmt.Sprintf(`<https://other-name.example.com%s?%s>; rel="next"`, r.URL.Path, next.Encode())
	}
	if q.Get("pagination") == "keyset" {
		if before, err := strconv.ParseInt(q.Get("cursor"), 10, 64); err == nil {
			all = slices.DeleteFunc(all, func(o object) bool { return o.id() >= before })
		}
		if len(all) > per {
			all = all[:per]
			w.Header().Set("Link", link(url.Values{"cursor": {fmt.Sprint(all[per-1].id())}}))
		}
		f.answer(w, r, all)
		return
	}
	page, _ := strconv.Atoi(cmp.Or(q.Get("page"), "1"))
	if !f.noTotal {
		w.Header().Set("X-Total", strconv.Itoa(len(all)))
	}
	if page*per < len(all) {
		w.Header().Set("X-Next-Page", strconv.Itoa(page+1))
		w.Header().Set("Link", link(url.Values{"page": {strconv.Itoa(page + 1)}}))
	}
	f.answer(w, r, all[min((page-1)*per, len(all)):min(page*per, len(all))])
}

func (f *fake) answer(w http.ResponseWriter, r *http.Request, doc any) {
	records, _ := doc.([]object)
	if one, ok := doc.(object); ok {
		records = []object{one}
	}
	if f.poison != nil && slices.ContainsFunc(records, func(o object) bool { return f.poison(r.URL.Path, o) }) {
		refuse(w, 500, "500 Internal Server Error")
		return
	}
	body, _ := json.Marshal(doc)
	if string(body) == "null" {
		body = []byte("[]")
	}
	h := fnv.New64a()
	_, _ = h.Write(body)
	tag := `W/"` + strconv.FormatUint(h.Sum64(), 36) + `"`
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(body)
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) { r.status = status; r.ResponseWriter.WriteHeader(status) }

// asked returns the requests since the last call, and how many were not answered 304.
func (f *fake) asked() (requests []string, whole int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.statuses {
		if s != http.StatusNotModified {
			whole++
		}
	}
	requests = f.requests
	f.requests, f.statuses = nil, nil
	return requests, whole
}

// change alters what the fake has.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func containing(requests []string, part string) int {
	n := 0
	for _, r := range requests {
		if strings.Contains(r, part) {
			n++
		}
	}
	return n
}

// collector returns a collector of the fake that does not wait, and believes that it is at.
func (f *fake) collector(t testing.TB, at time.Time, tune func(*Config)) *Collector {
	t.Helper()
	cfg := Config{Source: "gl", URL: f.URL, Token: "secret", Projects: []string{scope}}
	if tune != nil {
		tune(&cfg)
	}
	c, err := New(cfg, source.Options{
		Now:        func() time.Time { return at },
		Tune:       func(r *rest.Config) { r.PerSecond, r.Burst, r.Backoff = 1e6, 1e6, time.Millisecond },
		Sleep:      func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Production: []string{"production"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// collect lists the scopes and collects the project, as the Runner does; the server's clock is at.
func (f *fake) collect(t testing.TB, m *collecttest.Writer, at time.Time, tune func(*Config)) {
	t.Helper()
	if err := f.try(t, m, at, tune); err != nil {
		t.Fatal(err)
	}
}

func (f *fake) try(t testing.TB, m *collecttest.Writer, at time.Time, tune func(*Config)) error {
	t.Helper()
	f.change(func() { f.clock = at })
	c := f.collector(t, at, tune)
	if _, err := c.Scopes(t.Context(), m); err != nil {
		return err
	}
	return c.Collect(t.Context(), scope, m)
}

func counts(m *collecttest.Writer) string {
	return fmt.Sprintf(
		"%d runs, %d jobs, %d changes, %d deployments",
		m.Number(event.KindPipelineRun),
		m.Number(event.KindPipelineJob),
		m.Number(event.KindChange),
		m.Number(event.KindDeployment),
	)
}
