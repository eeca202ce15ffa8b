package runner_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/prometheus/client_golang/prometheus"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// shop is a repository with something in each stream.
func shop() *githubtest.Repo {
	repo := &githubtest.Repo{Files: []string{"README.md", "Dockerfile"}}
	for i := range 120 {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		repo.Runs = append(
			repo.Runs,
			githubtest.Run{
				ID:         int64(5000 - i),
				Attempt:    1,
				Name:       "构建",
				Branch:     "main",
				Event:      "push",
				Status:     "completed",
				Conclusion: "success",
				Actor:      "alice",
				Created:    at,
				Updated:    at.Add(time.Minute),
				Jobs: []githubtest.Job{
					{
						ID:         int64(i + 1),
						Attempt:    1,
						Name:       "build",
						Status:     "completed",
						Conclusion: "success",
						Started:    at,
						Completed:  at.Add(50 * time.Second),
					},
				},
			},
		)
		repo.Deployments = append(
			repo.Deployments,
			githubtest.Deployment{ID: int64(9000 - i), Environment: "prod", SHA: "abc", Ref: "main", Creator: "alice",
				Created: at, Statuses: []githubtest.Status{{State: "SUCCESS", At: at.Add(time.Minute)}}},
		)
		repo.Pulls = append(
			repo.Pulls,
			githubtest.Pull{Number: 500 - i, Title: "change", Author: "alice", Created: at, Updated: at, Closed: at, Merged: at,
				Commits: []githubtest.Commit{{SHA: fmt.Sprintf("%040x", i), At: at}}},
		)
	}
	repo.Runs[1].Status, repo.Runs[1].Conclusion = "in_progress", ""
	first := repo.Runs[2]
	first.Conclusion = "failure"
	repo.Runs[2].Attempt, repo.Runs[2].Earlier = 2, []githubtest.Run{first}
	repo.Deployments[0].Statuses = []githubtest.Status{{State: "IN_PROGRESS", At: now}}
	return repo
}

// source is a GitHub source over the repositories of s, as a person would write it.
func sourceOf(s *githubtest.Server, repositories ...string) collectors.SourceConfig {
	return named("gh", s, repositories...)
}

func named(name string, s *githubtest.Server, repositories ...string) collectors.SourceConfig {
	var src collectors.SourceConfig
	text := fmt.Sprintf(
		"{name: %s, kind: github, url: %q, token: x, repositories: [%s]}",
		name,
		s.URL,
		strings.Join(repositories, ", "),
	)
	if err := yaml.Unmarshal([]byte(text), &src); err != nil {
		panic(err)
	}
	return src
}

func run(
	t *testing.T,
	db runner.Store,
	opt runner.Options,
	run runner.RunOptions,
	sources ...collectors.SourceConfig,
) (runner.Summary, error) {
	t.Helper()
	opt.Now = func() time.Time { return now }
	all, err := collectors.All(sources, source.Options{Now: opt.Now})
	if err != nil {
		t.Fatal(err)
	}
	return runner.New(db, all, opt).Run(t.Context(), run)
}

// stored says what the public views show of a scope, with a fingerprint of every row.
func stored(t *testing.T, db *store.Store, scope string) string {
	t.Helper()
	return storedOf(t, db, "gh", scope)
}

func storedOf(t *testing.T, db *store.Store, source, scope string) string {
	t.Helper()
	var out strings.Builder
	for _, view := range []string{"pipeline_runs", "pipeline_jobs", "changes", "deployments"} {
		var rows []struct {
			N    uint64 `ch:"n"`
			Hash uint64 `ch:"hash"`
		}
		sql := "SELECT count() AS n, groupBitXor(cityHash64(toString(tuple(* EXCEPT (source))))) AS hash FROM " + view + " WHERE source = {source:String} AND scope = {scope:String}"
		if err := db.Select(t.Context(), &rows, sql, map[string]any{"source": source, "scope": scope}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %d %x\n", view, rows[0].N, rows[0].Hash)
	}
	return out.String()
}

func counts(text string) string {
	var n []string
	for line := range strings.Lines(text) {
		n = append(n, strings.Fields(line)[1])
	}
	return strings.Join(n, " ")
}

func TestFromTheSourceToTheViews(t *testing.T) {
	s, db := githubtest.New(t), storetest.Open(t)
	s.Repos["acme/shop"] = shop()
	summary, err := run(t, db, runner.Options{}, runner.RunOptions{}, sourceOf(s, "acme/shop"))
	if err != nil {
		t.Fatal(err)
	}
	first := stored(t, db, "acme/shop")
	if counts(first) != "121 120 120 120" || summary.Events()[event.KindPipelineRun] != 121 {
		t.Errorf("stored %s, summary %v", counts(first), summary.Events())
	}
	s.Requests()
	summary, err = run(t, db, runner.Options{}, runner.RunOptions{}, sourceOf(s, "acme/shop"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Requests() {
		if r.Status != http.StatusNotModified {
			t.Errorf("the second collect asked %s %s?%s: %d", r.Method, r.Path, r.Query, r.Status)
		}
	}
	if again := stored(t, db, "acme/shop"); again != first || summary.Requests["gh"] != 5 {
		t.Errorf("after the second collect, with %d requests:\n%sbefore:\n%s", summary.Requests["gh"], again, first)
	}
	var ledger []struct {
		Kind     string `ch:"kind"`
		Expected uint64 `ch:"expected"`
		Stored   uint64 `ch:"stored"`
		Open     uint64 `ch:"open"`
	}
	if err := db.Select(
		t.Context(),
		&ledger,
		"SELECT kind, expected, stored, open FROM ledger ORDER BY kind",
		nil,
	); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(ledger); got != "[{change 120 120 0} {deployment 120 120 1} {pipeline_job 120 120 0} "+
		"{pipeline_run 120 120 1}]" {
		t.Errorf("ledger %s", got)
	}
}

// TestARecordThatCannotBeStoredDoesNotBlockItsNeighbors: an environment is part of an identity and is not cut, so its
// record is left out, counted and a gap of the ledger; a title is cut.
func TestARecordThatCannotBeStoredDoesNotBlockItsNeighbors(t *testing.T) {
	s, db, reg := githubtest.New(t), storetest.Open(t), prometheus.NewRegistry()
	repo := shop()
	repo.Deployments[7].Environment = strings.Repeat("e", event.MaxScope+1)
	repo.Pulls[7].Title = strings.Repeat("語", event.MaxText)
	s.Repos["acme/shop"] = repo
	if _, err := run(t, db, runner.Options{Registerer: reg}, runner.RunOptions{}, sourceOf(s, "acme/shop")); err != nil {
		t.Fatal(err)
	}
	if got := counts(stored(t, db, "acme/shop")); got != "121 120 120 119" {
		t.Errorf("stored %s", got)
	}
	if got := value(t, reg, "dxctl_collector_refused_records_total"); got != 1 {
		t.Errorf("%v records counted as refused", got)
	}
	if got := value(t, reg, "dxctl_ledger_gap_records"); got != 1 {
		t.Errorf("the ledger has a gap of %v", got)
	}
	var titles []struct {
		Bytes uint64 `ch:"bytes"`
	}
	if err := db.Select(t.Context(), &titles, "SELECT max(length(title)) AS bytes FROM changes", nil); err != nil {
		t.Fatal(err)
	}
	if len(titles) != 1 || titles[0].Bytes > event.MaxText || titles[0].Bytes < event.MaxText-8 {
		t.Errorf("the longest title: %v bytes", titles)
	}
}

func TestABoundedRunReadsAgainAndMovesNoCheckpoint(t *testing.T) {
	s, db := githubtest.New(t), storetest.Open(t)
	s.Repos["acme/shop"] = shop()
	bounds := runner.RunOptions{Since: now.Add(-60*time.Hour - time.Minute), Until: now.Add(-20 * time.Hour)}
	if _, err := run(t, db, runner.Options{}, bounds, sourceOf(s, "acme/shop")); err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		N      uint64     `ch:"n"`
		Newest *time.Time `ch:"newest"`
	}
	if err := db.Select(
		t.Context(),
		&rows,
		"SELECT count() AS n, max(created_at) AS newest FROM changes",
		nil,
	); err != nil {
		t.Fatal(err)
	}
	if rows[0].N != 40 || !rows[0].Newest.Before(bounds.Until) {
		t.Errorf("stored %d changes up to %s", rows[0].N, rows[0].Newest)
	}
	if _, err := run(t, db, runner.Options{}, runner.RunOptions{}, sourceOf(s, "acme/shop")); err != nil {
		t.Fatal(err)
	}
	if got := counts(stored(t, db, "acme/shop")); got != "121 120 120 120" {
		t.Errorf("stored %s after an ordinary run", got)
	}
}

func TestAScopeThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	s, db := githubtest.New(t), storetest.Open(t)
	s.Repos["acme/shop"], s.Repos["acme/cart"] = shop(), shop()
	reg := prometheus.NewRegistry()
	var mu sync.Mutex
	finished := map[string]error{}
	opt := runner.Options{Registerer: reg, Report: func(p runner.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if p.Finished {
			finished[p.Scope] = p.Err
		}
	}}
	summary, err := run(t, db, opt, runner.RunOptions{}, sourceOf(s, "acme/shop", "acme/gone", "acme/cart"))
	if err == nil || !strings.Contains(err.Error(), "gh acme/gone: ") || strings.Contains(err.Error(), "acme/shop") {
		t.Errorf("error %v", err)
	}
	if len(summary.Scopes) != 3 || summary.Scopes[1].Err == nil || len(finished) != 3 || finished["acme/gone"] == nil {
		t.Errorf("summary %+v, finished %v", summary, finished)
	}
	for _, scope := range []string{"acme/shop", "acme/cart"} {
		if got := counts(stored(t, db, scope)); got != "121 120 120 120" {
			t.Errorf("%s: stored %s", scope, got)
		}
	}
	for metric, want := range map[string]float64{"dxctl_collector_errors_total": 1, "dxctl_collector_last_success_timestamp_seconds": -1, "dxctl_ledger_gap_records": 0} {
		if got := value(t, reg, metric); got != want {
			t.Errorf("%s is %v, want %v", metric, got, want)
		}
	}
	total := 0
	for _, n := range summary.Requests {
		total += n
	}
	if got := value(t, reg, "dxctl_collector_requests_total"); total == 0 || got != float64(total) {
		t.Errorf("%v requests counted of %d", got, total)
	}
}

// value sums the samples of a metric; -1 when there is none.
func value(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		sum := 0.0
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
		return sum
	}
	return -1
}

// breaking is a store that breaks at a number of writes, before or after doing what it was asked for.
type breaking struct {
	*store.Store
	mu       sync.Mutex
	writes   int
	breakAt  int
	keepLast bool
}

var errBroken = errors.New("killed")

func (b *breaking) write(do func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes++
	if b.breakAt > 0 && b.writes >= b.breakAt {
		if b.writes == b.breakAt && b.keepLast {
			_ = do()
		}
		return errBroken
	}
	return do()
}

func (b *breaking) Append(ctx context.Context, events ...event.Event) error {
	return b.write(func() error { return b.Store.Append(ctx, events...) })
}

func (b *breaking) SaveCheckpoint(ctx context.Context, source, scope, stream string, doc []byte) error {
	return b.write(func() error { return b.Store.SaveCheckpoint(ctx, source, scope, stream, doc) })
}

func (b *breaking) SaveCheckpoints(ctx context.Context, source, stream string, docs map[string][]byte) error {
	return b.write(func() error { return b.Store.SaveCheckpoints(ctx, source, stream, docs) })
}

func TestKilledAtEveryCheckpoint(t *testing.T) {
	s := githubtest.New(t)
	s.Repos["acme/shop"] = shop()
	whole := &breaking{Store: storetest.Open(t)}
	if _, err := run(t, whole, runner.Options{}, runner.RunOptions{}, sourceOf(s, "acme/shop")); err != nil {
		t.Fatal(err)
	}
	want := stored(t, whole.Store, "acme/shop")
	if whole.writes < 20 {
		t.Fatalf("a collect makes %d writes: too few to be killed at", whole.writes)
	}
	for n := 1; n <= whole.writes; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			db := &breaking{Store: whole.Store, breakAt: n, keepLast: n%2 == 0}
			src := named(fmt.Sprint("gh-", n), s, "acme/shop")
			_, err := run(t, db, runner.Options{}, runner.RunOptions{}, src)
			// Writes that meet are gathered into one, so a run may make fewer than the first one did and never be killed.
			if db.writes >= n && !errors.Is(err, errBroken) || db.writes < n && err != nil {
				t.Fatalf("killed at write %d of %d: %v", n, db.writes, err)
			}
			db.breakAt = 0
			if _, err := run(t, db, runner.Options{}, runner.RunOptions{}, src); err != nil {
				t.Fatal(err)
			}
			if got := storedOf(t, db.Store, src.Name, "acme/shop"); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestCancellingARun(t *testing.T) {
	s, db := githubtest.New(t), storetest.Open(t)
	s.Repos["acme/shop"] = shop()
	ctx, cancel := context.WithCancel(t.Context())
	s.Before = func(n int, _ *http.Request) *githubtest.Fault {
		if n == 30 {
			cancel()
		}
		return nil
	}
	all, err := collectors.All(collectors.Config{sourceOf(s, "acme/shop")}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := runner.New(db, all, runner.Options{Now: func() time.Time { return now }})
	start := time.Now()
	if _, err := r.Run(ctx, runner.RunOptions{}); !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
	if _, err := r.Run(t.Context(), runner.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := counts(stored(t, db, "acme/shop")); got != "121 120 120 120" {
		t.Errorf("stored %s", got)
	}
}

func TestOnlyANamedSource(t *testing.T) {
	s, db := githubtest.New(t), storetest.Open(t)
	s.Repos["acme/shop"] = shop()
	other := named("other", s, "acme/gone")
	if _, err := run(
		t,
		db,
		runner.Options{},
		runner.RunOptions{Source: "gh"},
		sourceOf(s, "acme/shop"),
		other,
	); err != nil {
		t.Error(err)
	}
	_, err := run(t, db, runner.Options{}, runner.RunOptions{Source: "gitlab"}, sourceOf(s, "acme/shop"), other)
	if err == nil || !strings.Contains(err.Error(), "gh, other") {
		t.Errorf("error %v", err)
	}
}
