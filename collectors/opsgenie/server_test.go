package opsgenie

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

const (
	service = "59591948-d418-4bb9-af16-170d6b232b7d"
	team    = "Shop Team"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// object is a JSON object as the fake sends it.
type object = map[string]any

// onCallSchedule is a schedule with the people who are on call by it.
type onCallSchedule struct {
	schedule object
	people   []string
}

// fake is Opsgenie with the incidents of services and the alerts of one team.
type fake struct {
	*httptest.Server
	mu        sync.Mutex
	incidents []object // newest first
	alerts    []object // likewise
	services  []string // nil: the plan has no incidents
	schedules []onCallSchedule
	limit     int // how far a listing counts
	requests  []string
	failEvery int
	noETag    bool
	answer    func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
}

func newFake(t testing.TB) *fake {
	f := &fake{limit: lastRecord, services: []string{service}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.URL.Path)
	if f.failEvery > 0 && len(f.requests)%f.failEvery == 0 {
		http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
		return
	}
	if r.Header.Get("Authorization") != "GenieKey secret" {
		http.Error(w, `{"message":"Could not authenticate","took":0.001}`, http.StatusUnauthorized)
		return
	}
	if f.answer != nil && f.answer(w, r) {
		return
	}
	body, status := f.body(r)
	if status != http.StatusOK {
		http.Error(w, `{"message":"No such thing","took":0.001}`, status)
		return
	}
	text, _ := json.Marshal(body)
	sum := fnv.New64()
	_, _ = sum.Write(text)
	etag := fmt.Sprintf(`W/"%x"`, sum.Sum64())
	if !f.noETag {
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	_, _ = w.Write(text)
}

func (f *fake) body(r *http.Request) (any, int) {
	query := r.URL.Query().Get("query")
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	all := f.incidents
	switch {
	case parts[1] == "services" && f.services == nil:
		return nil, http.StatusPaymentRequired
	case r.URL.Path == "/v1/services":
		all = []object{}
		for _, s := range f.services {
			all = append(all, object{"id": s})
		}
		return f.page(r, all)
	case r.URL.Path == "/v2/schedules":
		all = []object{}
		for _, s := range f.schedules {
			all = append(all, s.schedule)
		}
		return object{"data": all}, http.StatusOK
	case parts[1] == "schedules":
		i := slices.IndexFunc(f.schedules, func(s onCallSchedule) bool { return s.schedule["id"] == parts[2] })
		if i < 0 || parts[3] != "on-calls" || r.URL.Query().Get("flat") != "true" {
			return nil, http.StatusNotFound
		}
		return object{"data": object{"onCallRecipients": f.schedules[i].people}}, http.StatusOK
	case parts[1] == "services":
		return object{"data": object{"id": service, "teamId": "T1"}}, map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[parts[2] == service]
	case parts[1] == "alerts":
		all = f.alerts
	}
	switch {
	case r.URL.Path == "/v2/alerts/count":
		return object{"data": object{"count": len(match(all, query))}}, http.StatusOK
	case len(parts) == 2:
		return f.page(r, match(all, query))
	}
	i := slices.IndexFunc(all, func(o object) bool { return o["id"] == parts[2] })
	if i < 0 {
		return nil, http.StatusNotFound
	}
	return object{"data": all[i]}, http.StatusOK
}

func (f *fake) page(r *http.Request, all []object) (any, int) {
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	if offset+limit > f.limit {
		return nil, http.StatusUnprocessableEntity
	}
	paging := object{}
	if offset+limit < len(all) {
		paging["next"] = f.URL + r.URL.Path + "?offset=" + strconv.Itoa(offset+limit)
	}
	return object{"data": all[min(offset, len(all)):min(offset+limit, len(all))], "paging": paging}, http.StatusOK
}

var term = regexp.MustCompile(`createdAt ([<>]) (\d+)|teams: "([^"]+)"|tag: \(([^)]+)\)`)

// match understands the queries that the collector makes, and finds nothing for others.
func match(all []object, query string) []object {
	terms := term.FindAllStringSubmatch(query, -1)
	if len(terms) == 0 || term.ReplaceAllString(query, "") != strings.Repeat(" AND ", len(terms)-1) {
		return []object{}
	}
	kept := slices.Clone(all)
	for _, m := range terms {
		ms, _ := strconv.ParseInt(m[2], 10, 64)
		bound := stampText(time.UnixMilli(ms).UTC())
		kept = slices.DeleteFunc(kept, func(o object) bool {
			switch created := o["createdAt"].(string); { // texts of one form are in the order of their times
			case m[1] == "<":
				return created >= bound
			case m[1] == ">":
				return created <= bound
			case m[3] != "":
				return m[3] != team
			}
			return !slices.ContainsFunc(o["tags"].([]string), func(t string) bool { return strings.Contains(m[4], `"`+t+`"`) })
		})
	}
	return kept
}

func stampText(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }

// incident adds an open incident of services.
func (f *fake) incident(id string, at time.Time, services ...string) object {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := object{
		"id":               id,
		"status":           "open",
		"priority":         "P2",
		"tags":             []string{"prod"},
		"createdAt":        stampText(at),
		"updatedAt":        stampText(at),
		"impactedServices": services,
		"impactStartDate":  stampText(at),
		"links":            object{"web": "https://acme.app.opsgenie.com/incident/detail/" + id},
	}
	f.incidents = slices.Insert(f.incidents, 0, o)
	return o
}

// alert adds an open alert of the team.
func (f *fake) alert(id string, at time.Time) object {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := object{
		"id":        id,
		"status":    "open",
		"priority":  "P3",
		"tags":      []string{"prod"},
		"createdAt": stampText(at),
		"updatedAt": stampText(at),
		"count":     1,
	}
	f.alerts = slices.Insert(f.alerts, 0, o)
	return o
}

// fill adds closed alerts, the newest at the time given.
func (f *fake) fill(n int, newest time.Time, every time.Duration) {
	for i := 1; i <= n; i++ {
		a := f.alert(fmt.Sprintf("a%d", i), newest.Add(time.Duration(i-n)*every))
		a["status"], a["report"] = "closed", object{"ackTime": 1000, "closeTime": 60_000}
	}
}

// asked returns the paths of the requests since it was last called, except those about who is on call.
func (f *fake) asked() []string {
	all, _ := f.askedApart()
	return all
}

// askedApart returns the paths of the requests since it was last called, and apart from these those about who is on
// call.
func (f *fake) askedApart() (all, onCall []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if strings.HasPrefix(r, "/v2/schedules") || strings.HasPrefix(r, "/v1/services/") {
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
	cfg := Config{Source: "og", URL: f.URL, Token: "secret"}
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

func collect(t testing.TB, c *Collector, scope string, m *collecttest.Writer) {
	t.Helper()
	if err := c.Collect(t.Context(), scope, m); err != nil {
		t.Fatal(err)
	}
}
