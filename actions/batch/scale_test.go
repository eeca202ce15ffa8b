package batch_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/event"
)

// limiter answers as GitHub does when somebody asks for too much: more than 5,000 requests an hour, or more than 80
// writes a minute or 500 an hour.
type limiter struct {
	now     func() time.Time
	all     []time.Time
	writes  []time.Time
	refused int
}

func within(times []time.Time, now time.Time, period time.Duration) int {
	n := 0
	for _, at := range slices.Backward(times) {
		if now.Sub(at) >= period {
			break
		}
		n++
	}
	return n
}

func (l *limiter) refuse(r *http.Request, h http.Header) (int, string) {
	if strings.HasPrefix(r.URL.Path, "/archives/") || r.URL.Path == "/api/graphql" {
		return 0, "" // these are counted apart
	}
	now := l.now()
	write := r.Method != http.MethodGet
	if within(l.all, now, time.Hour) >= 5000 || write &&
		(within(l.writes, now, time.Minute) >= 80 || within(l.writes, now, time.Hour) >= 500) {
		l.refused++
		h.Set("Retry-After", "60")
		return http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes."
	}
	l.all = append(l.all, now)
	if write {
		l.writes = append(l.writes, now)
	}
	return 0, ""
}

// TestFiveHundred plans and carries out a batch of 500 repositories on a server that limits: at most three reads and
// four writes each, no request beyond the limits, and the time that was forecast.
func TestFiveHundred(t *testing.T) {
	const repositories = 500
	w := newWorld(t, repositories)
	p, _ := carriedOut(t, w)
	if len(w.Reads) > 3*repositories {
		t.Errorf("%d reads of %d repositories", len(w.Reads), repositories)
	}
	reads := map[string]int{}
	for _, path := range w.Reads {
		reads[strings.Join(strings.Split(path+"//", "/")[:3], "/")]++
	}
	delete(reads, "graphql//")
	for name, n := range reads {
		if n > 3 {
			t.Errorf("%s was read %d times", name, n)
		}
	}
	// Three waves of four are waited for, 15 minutes in all: a forecast that leaves that out is further off.
	if p.Forecast.Checks != 15*time.Minute {
		t.Errorf("%+v was forecast", p.Forecast)
	}
}

// TestForecastWithoutGraphQL: the reads of a host without GraphQL are many, and all of them are forecast.
func TestForecastWithoutGraphQL(t *testing.T) {
	const repositories = 150
	w := newWorld(t, repositories)
	w.NoGraphQL = http.StatusForbidden
	p, planning := carriedOut(t, w)
	// Of each repository: its head in the plan and again, an archive, its pull requests. Then how those are doing.
	if least := (4 + 4 + 1 + 1) * repositories; len(w.Reads) < least || p.Forecast.Reads < 5*repositories {
		t.Errorf("%d reads, of them %d to plan, and %d were forecast", len(w.Reads), planning, p.Forecast.Reads)
	}
	queries := 0
	for _, path := range w.Reads {
		if path == "graphql" {
			queries++
		}
	}
	if queries != 1 {
		t.Errorf("GraphQL was tried %d times", queries)
	}
}

// carriedOut plans and carries out a batch of all repositories on a server that limits, and compares it with the
// forecast. planning is how many reads the plan took.
func carriedOut(t *testing.T, w *world) (p *batch.Plan, planning int) {
	t.Helper()
	repositories := len(w.Repos)
	for _, repo := range w.Repos {
		repo.Private = true
	}
	l := &limiter{now: w.clock.Now}
	w.Refuse = l.refuse
	w.host = w.host.Paced(github.NewPace(github.PublishedLimits, w.clock.Now, w.clock.Sleep))

	heads, err := w.host.Heads(t.Context(), slices.Sorted(maps.Keys(w.Repos)))
	if err != nil {
		t.Fatal(err)
	}
	var items []batch.Item
	for _, head := range heads {
		if err := w.host.Files(t.Context(), head, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		items = append(items, item(head))
	}
	s := defaults()
	s.Waves, s.Settle = "1,5,25%,rest", 5*time.Minute
	p, err = batch.New(s, items, nil, github.PublishedLimits, w.host.Bulk())
	if err != nil {
		t.Fatal(err)
	}
	planning = len(w.Reads)
	began := w.clock.Now()
	if _, err := w.runner().Start(t.Context(), event.ActionBatch{ID: "b1", Action: "fix"}, p); err != nil {
		t.Fatal(err)
	}
	took := w.clock.Now().Sub(began)
	if w.opened() != repositories || w.outcomes()["opened"] != repositories {
		t.Errorf("%d pull requests, %v", w.opened(), w.outcomes())
	}
	if l.refused > 0 {
		t.Errorf("%d requests were beyond the limits", l.refused)
	}
	if len(w.Writes) != 4*repositories {
		t.Errorf("%d writes of %d repositories", len(w.Writes), repositories)
	}
	writes := map[string]int{}
	for _, write := range w.Writes {
		writes[strings.Join(strings.Split(write+"//", "/")[:3], "/")]++
	}
	for name, n := range writes {
		if n > 4 {
			t.Errorf("%s was written %d times", name, n)
		}
	}
	if p.Forecast.Writes != len(w.Writes) {
		t.Errorf("%d writes were forecast, and %d made", p.Forecast.Writes, len(w.Writes))
	}
	total := p.Forecast.Total()
	if off := (took - total).Abs(); off > 5*time.Second {
		t.Errorf("it took %s, and %s was forecast", took, total)
	}
	if made := len(w.Reads) - planning; made != p.Forecast.Reads {
		t.Errorf("%d reads were made, and %+v was forecast", made, p.Forecast)
	}
	t.Logf("%d reads, %d writes, forecast %s, took %s", len(w.Reads), len(w.Writes), total, took)
	return p, planning
}
