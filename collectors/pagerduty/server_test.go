package pagerduty

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

const service = "PSHOP01"

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// object is a JSON object as the fake sends it.
type object = map[string]any

// fake is PagerDuty with incidents of several services.
type fake struct {
	*httptest.Server
	mu         sync.Mutex
	incidents  []object            // newest first
	logs       map[string][]object // by incident
	services   []string            // nil: the key does not show services
	onCall     []object            // nil: the key does not show who is on call
	limit      int                 // how far the listing counts
	requests   []string
	failEvery  int
	noTotal    bool
	authorized string
	answer     func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
}

func newFake(t testing.TB) *fake {
	f := &fake{logs: map[string][]object{}, limit: 10_000, services: []string{service}, onCall: []object{}, authorized: "Token token=secret"}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.URL.RequestURI())
	if f.failEvery > 0 && len(f.requests)%f.failEvery == 0 {
		http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
		return
	}
	if r.Header.Get("Authorization") != f.authorized || !strings.Contains(r.Header.Get("Accept"), "version=2") {
		http.Error(w, `{"error":{"message":"Authentication failed","code":2006}}`, http.StatusUnauthorized)
		return
	}
	if f.answer != nil && f.answer(w, r) {
		return
	}
	body, status := f.body(r)
	if status != http.StatusOK {
		http.Error(w, `{"error":{"message":"Not Found","errors":["what was asked for"]}}`, status)
		return
	}
	text, _ := json.Marshal(body)
	sum := fnv.New64()
	_, _ = sum.Write(text)
	etag := fmt.Sprintf(`W/"%x"`, sum.Sum64())
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(text)
}

func (f *fake) body(r *http.Request) (any, int) {
	q := r.URL.Query()
	offset, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "services" && f.services == nil:
		return nil, http.StatusForbidden
	case r.URL.Path == "/services":
		list := []object{}
		for _, s := range f.services {
			list = append(list, object{"id": s, "summary": "of " + s})
		}
		return object{
			"services": list[min(offset, len(list)):min(offset+limit, len(list))],
			"more":     offset+limit < len(list),
		}, http.StatusOK
	case parts[0] == "services":
		return object{"service": object{"id": service, "escalation_policy": object{"id": "PPOLICY"},
			"html_url": "https://acme.pagerduty.com/service-directory/" + service},
		}, map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[parts[1] == service]
	case r.URL.Path == "/oncalls":
		since, err1 := time.Parse(time.RFC3339, q.Get("since"))
		until, err2 := time.Parse(time.RFC3339, q.Get("until"))
		if f.onCall == nil || err1 != nil || err2 != nil || q.Get("escalation_policy_ids[]") != "PPOLICY" ||
			until.Sub(since) != 24*time.Hour {
			return nil, http.StatusForbidden
		}
		return object{
			"oncalls": f.onCall[min(offset, len(f.onCall)):min(offset+limit, len(f.onCall))],
			"more":    offset+limit < len(f.onCall),
		}, http.StatusOK
	case r.URL.Path == "/incidents":
		if offset+limit > f.limit {
			return nil, http.StatusBadRequest
		}
		return f.list(q.Get("service_ids[]"), q.Get("date_range"), q.Get("since"), q.Get("until"), offset, limit)
	case len(parts) == 3:
		return object{"log_entries": f.logs[parts[1]]}, http.StatusOK
	}
	for _, i := range f.incidents {
		if i["id"] == parts[1] {
			return object{"incident": i}, http.StatusOK
		}
	}
	return nil, http.StatusNotFound
}

func (f *fake) list(of, dates, since, until string, offset, limit int) (any, int) {
	if dates == "" && since == "" && until == "" { // what PagerDuty lists by default
		since, until = stampText(noon.Add(-30*24*time.Hour)), stampText(noon)
	}
	from, err1 := time.Parse(time.RFC3339, since)
	to, err2 := time.Parse(time.RFC3339, until)
	if dates != "all" && (err1 != nil || err2 != nil || to.Sub(from) > 181*24*time.Hour) {
		return nil, http.StatusBadRequest
	}
	list := []object{}
	for _, i := range f.incidents {
		created, _ := time.Parse(time.RFC3339, i["created_at"].(string))
		if of != "" && i["service"].(object)["id"] != of || dates != "all" && (created.Before(from) || !created.Before(to)) {
			continue
		}
		list = append(list, i)
	}
	var total any = len(list)
	if f.noTotal {
		total = nil
	}
	return object{
		"incidents": list[min(offset, len(list)):min(offset+limit, len(list))],
		"more":      offset+limit < len(list),
		"total":     total,
	}, http.StatusOK
}

// open adds an incident that nobody has acknowledged.
func (f *fake) open(number int, of string, at time.Time) object {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := object{
		"id":              fmt.Sprintf("Q%d", number),
		"incident_number": number,
		"status":          "triggered",
		"urgency":         "high",
		"html_url":        fmt.Sprintf("https://acme.pagerduty.com/incidents/Q%d", number),
		"service": object{
			"id": of,
		},
		"created_at":            stampText(at),
		"last_status_change_at": stampText(at),
		"acknowledgments":       []object{},
		"priority":              nil,
	}
	f.incidents = append([]object{i}, f.incidents...)
	return i
}

func stampText(t time.Time) string { return t.Format(time.RFC3339) }

func acknowledge(i object, at time.Time) {
	i["status"], i["last_status_change_at"], i["acknowledgments"] = "acknowledged", stampText(at), []object{
		{"at": stampText(at)},
	}
}

func resolve(i object, at time.Time) {
	i["status"], i["last_status_change_at"], i["acknowledgments"] = "resolved", stampText(at), []object{}
}

// asked returns the requests since it was last called, except those about who is on call.
func (f *fake) asked() []string {
	all, _ := f.askedApart()
	return all
}

// askedApart returns the requests since it was last called, and apart from them those about who is on call.
func (f *fake) askedApart() (all, onCall []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if strings.HasPrefix(r, "/oncalls") || strings.HasPrefix(r, "/services/") {
			onCall = append(onCall, r)
			continue
		}
		all = append(all, r)
	}
	f.requests = nil
	return all, onCall
}

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (f *fake) collector(t testing.TB, now func() time.Time, change func(*Config)) *Collector {
	t.Helper()
	cfg := Config{Source: "pd", URL: f.URL, Token: "secret"}
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
	if err := c.Collect(t.Context(), service, m); err != nil {
		t.Fatal(err)
	}
}
