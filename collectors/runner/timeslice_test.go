package runner_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// paced is a source whose scopes have a number of pages each; a page takes a second.
type paced struct {
	name  string
	pages map[string]int
	fail  func() error // what every Collect ends with; may be nil

	mu   sync.Mutex
	read []string // scope and page, in order
	runs []time.Time
}

func (p *paced) Source() string              { return p.name }
func (p *paced) Provider() string            { return "paced" }
func (p *paced) Check(context.Context) error { return nil }

func (p *paced) Scopes(context.Context, source.StateStore) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs = append(p.runs, time.Now())
	var scopes []string
	for s := range p.pages {
		scopes = append(scopes, s)
	}
	slices.Sort(scopes)
	return scopes, nil
}

func (p *paced) Observe(rest.Observer) {}

func (p *paced) Collect(ctx context.Context, scope string, w source.Writer) error {
	page := 0
	if _, err := w.Load(ctx, "pages", &page); err != nil {
		return err
	}
	for page < p.count(scope) {
		time.Sleep(time.Second)
		page++
		run := event.PipelineRun{Origin: event.Origin{Source: p.name, Provider: "paced", Scope: scope, ID: fmt.Sprint(page)},
			Attempt: 1, Status: event.Succeeded, CreatedAt: now.Add(-time.Duration(page) * time.Hour)}
		if err := w.Append(ctx, run); err != nil {
			return err
		}
		p.mu.Lock()
		p.read = append(p.read, fmt.Sprint(scope, page))
		p.mu.Unlock()
		if err := w.Save(ctx, "pages", page); err != nil {
			return err
		}
	}
	if p.fail != nil {
		return p.fail()
	}
	return nil
}

func (p *paced) count(scope string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pages[scope]
}

func (p *paced) grow(pages int, scopes ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range scopes {
		p.pages[s] = pages
	}
}

func (p *paced) took() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := strings.Join(p.read, " ")
	p.read = nil
	return all
}

// kept is a Store in memory: what these tests are about is the order in which scopes are read.
type kept struct {
	runner.Store // the methods that no test here needs
	mu           sync.Mutex
	checkpoints  map[string][]byte
	events       []event.Event
}

func (k *kept) Append(_ context.Context, events ...event.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.events = append(k.events, events...)
	return nil
}

func (k *kept) LoadCheckpoint(_ context.Context, source, scope, stream string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.checkpoints[source+scope+stream], nil
}

func (k *kept) SaveCheckpoint(_ context.Context, source, scope, stream string, doc []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.checkpoints == nil {
		k.checkpoints = map[string][]byte{}
	}
	k.checkpoints[source+scope+stream] = doc
	return nil
}

func (k *kept) LoadCheckpoints(ctx context.Context, source, stream string, scopes []string) (map[string][]byte, error) {
	docs := map[string][]byte{}
	for _, scope := range scopes {
		docs[scope], _ = k.LoadCheckpoint(ctx, source, scope, stream)
	}
	return docs, nil
}

func (k *kept) SaveCheckpoints(ctx context.Context, source, stream string, docs map[string][]byte) error {
	for scope, doc := range docs {
		_ = k.SaveCheckpoint(ctx, source, scope, stream, doc)
	}
	return nil
}

func (k *kept) SourceCheckpoints(ctx context.Context, stream string, sources []string) (map[string][]byte, error) {
	docs := map[string][]byte{}
	for _, source := range sources {
		if doc, _ := k.LoadCheckpoint(ctx, source, "", stream); len(doc) > 0 {
			docs[source] = doc
		}
	}
	return docs, nil
}

func (k *kept) UnlistedDescriptors(context.Context, string, []string) ([]event.Descriptor, int, error) {
	return nil, 0, nil
}

func (k *kept) Select(context.Context, any, string, map[string]any) error { return nil }

func TestLongHistoriesDoNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &paced{name: "p", pages: map[string]int{"a": 20, "b": 2, "c": 7, "d": 1}}
		r := runner.New(&kept{}, []source.Collector{p}, runner.Options{Concurrency: 1, TimeSlice: 3 * time.Second})
		summary, err := r.Run(t.Context(), runner.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		// Three pages of a, then the others have theirs; the second turn of a and c is twice as long, and so on.
		want := "a1 a2 a3 b1 b2 c1 c2 c3 d1 a4 a5 a6 a7 a8 a9 c4 c5 c6 c7 a10 a11 a12 a13 a14 a15 a16 a17 a18 a19 a20"
		if got := p.took(); got != want {
			t.Errorf("read\n%s, want\n%s", got, want)
		}
		for _, s := range summary.Scopes {
			if want := p.pages[s.Scope]; s.Events[event.KindPipelineRun] != uint64(want) ||
				s.Took != time.Duration(want)*time.Second {
				t.Errorf("%s: %v in %s, want %d", s.Scope, s.Events, s.Took, want)
			}
		}
	})
}

func TestAFailureIsToldAfterTheLastTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		p := &paced{name: "p", pages: map[string]int{"a": 5, "b": 5}, fail: func() error { return broken }}
		r := runner.New(&kept{}, []source.Collector{p}, runner.Options{Concurrency: 1, TimeSlice: 2 * time.Second})
		summary, err := r.Run(t.Context(), runner.RunOptions{})
		if !errors.Is(err, broken) || len(summary.Scopes) != 2 || summary.Scopes[0].Err == nil ||
			strings.Contains(err.Error(), "turn") {
			t.Errorf("%v, %+v", err, summary.Scopes)
		}
	})
}

func TestBackfillReadsEverythingAgainAndCanBeInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &paced{name: "p", pages: map[string]int{"a": 4}}
		r := runner.New(&kept{}, []source.Collector{p}, runner.Options{})
		run := func(opt runner.RunOptions, within time.Duration) string {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			_, _ = r.Run(ctx, opt)
			return p.took()
		}
		if got := run(runner.RunOptions{}, time.Hour); got != "a1 a2 a3 a4" {
			t.Fatalf("first: %s", got)
		}
		if got := run(runner.RunOptions{}, time.Hour); got != "" {
			t.Errorf("nothing is new, yet %s was read", got)
		}
		backfill := runner.RunOptions{Backfill: true}
		stop := errors.New("stop")
		p.fail = func() error { return stop }
		p.pages["a"] = 2
		if got := run(backfill, time.Hour); got != "a1 a2" { // ends with an error half-way
			t.Errorf("interrupted backfill: %s", got)
		}
		p.fail, p.pages["a"] = nil, 4
		if got := run(backfill, time.Hour); got != "a3 a4" {
			t.Errorf("it continues with: %s", got)
		}
		if got := run(backfill, time.Hour); got != "a1 a2 a3 a4" {
			t.Errorf("the next one reads: %s", got)
		}
		if got := run(runner.RunOptions{}, time.Hour); got != "" {
			t.Errorf("a backfill moved the ordinary checkpoint: %s", got)
		}
	})
}

func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		bad := &paced{name: "bad", pages: map[string]int{"x": 0}, fail: func() error {
			return errors.New("down")
		}}
		slow := &paced{name: "slow", pages: map[string]int{"a": 3600}}
		good := &paced{name: "good", pages: map[string]int{"a": 1, "b": 1}}
		r := runner.New(&kept{}, []source.Collector{bad, slow, good}, runner.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Serve(ctx, runner.Schedule{Interval: 15 * time.Minute}) }()
		at := func(p *paced) string {
			p.mu.Lock()
			defer p.mu.Unlock()
			var minutes []string
			for _, t := range p.runs {
				minutes = append(minutes, t.Sub(begin).Round(time.Minute).String())
			}
			return strings.Join(minutes, " ")
		}
		time.Sleep(50*time.Minute + 30*time.Second)
		if got := at(bad); got != "0s 1m0s 3m0s 7m0s 15m0s 30m0s 45m0s" {
			t.Errorf("the failing source was tried after %s", got)
		}
		if got := at(good); got != "0s 15m0s 30m0s 45m0s" { // the slow source is at its first run all the time
			t.Errorf("the good source was collected after %s", got)
		}
		good.grow(2, "a", "b")
		good.took()
		for range 5 {
			if !r.Trigger("good", "A") || r.Trigger("nobody", "a") {
				t.Error("Trigger does not know its sources")
			}
		}
		time.Sleep(10 * time.Second)
		if got := good.took(); got != "a2" {
			t.Errorf("asked for a, and read %q", got)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

// A gap that an earlier process found shows on the gauge of the next, before it has collected anything.
func TestServeShowsTheGapsThatAreKnown(t *testing.T) {
	db := storetest.Open(t)
	entry := event.LedgerEntry{
		Source:      "gh",
		Scope:       "acme/shop",
		Of:          event.KindPipelineRun,
		WindowStart: now.Add(-time.Hour),
		WindowEnd:   now,
		Expected:    10,
		Stored:      7,
		CheckedAt:   now,
	}
	other := entry
	other.Scope, other.Stored = "acme/till", 5
	if err := db.Append(t.Context(), entry, other); err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	r := runner.New(db, nil, runner.Options{Registerer: reg})
	if err := r.Serve(t.Context(), runner.Schedule{}); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "dxctl_ledger_gap_records" && f.GetMetric()[0].GetGauge().GetValue() == 8 {
			return
		}
	}
	t.Errorf("no gap of 8 among %v", families)
}

// follower is a source that reads what the others stored.
type follower struct{ *paced }

func (follower) Derived() bool { return true }

// teller is a source that tells of a deployment.
type teller struct{ *paced }

func (t teller) Collect(ctx context.Context, scope string, w source.Writer) error {
	time.Sleep(time.Minute)
	return w.Append(
		ctx,
		event.Deployment{
			Origin:  event.Origin{Source: t.name, Provider: "paced", Scope: scope, ID: "1"},
			Attempt: 1,
			Status:  event.Succeeded,
		},
	)
}

func TestWhatOthersStoredIsReadAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		git := &paced{name: "git", pages: map[string]int{"r": 1}}
		ci := &paced{name: "ci", pages: map[string]int{"a": 0}}
		r := runner.New(&kept{}, []source.Collector{follower{git}, teller{ci}}, runner.Options{})
		begin := time.Now()
		if _, err := r.Run(t.Context(), runner.RunOptions{}); err != nil {
			t.Fatal(err)
		}
		if first := git.runs[0].Sub(begin); first != time.Minute {
			t.Errorf("collected after %s, while the others were at work", first)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		git.runs = nil
		begin = time.Now()
		_ = r.Serve(ctx, runner.Schedule{Interval: time.Hour})
		if len(git.runs) != 2 || git.runs[1].Sub(begin) > 2*time.Minute {
			t.Errorf("looked at %v after %v; want once at the start and once when a deployment was stored", git.runs, begin)
		}
	})
}
