package kubernetes_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/kubernetes"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

// counting counts the calls that reach the store: each is one statement or two.
type counting struct {
	*store.Store
	calls atomic.Int64
}

func (c *counting) Append(ctx context.Context, events ...event.Event) error {
	c.calls.Add(1)
	return c.Store.Append(ctx, events...)
}

func (c *counting) LoadCheckpoint(ctx context.Context, source, scope, stream string) ([]byte, error) {
	c.calls.Add(1)
	return c.Store.LoadCheckpoint(ctx, source, scope, stream)
}

func (c *counting) SaveCheckpoint(ctx context.Context, source, scope, stream string, doc []byte) error {
	c.calls.Add(1)
	return c.Store.SaveCheckpoint(ctx, source, scope, stream, doc)
}

func (c *counting) LoadCheckpoints(
	ctx context.Context,
	source, stream string,
	scopes []string,
) (map[string][]byte, error) {
	c.calls.Add(1)
	return c.Store.LoadCheckpoints(ctx, source, stream, scopes)
}

func (c *counting) SaveCheckpoints(ctx context.Context, source, stream string, docs map[string][]byte) error {
	c.calls.Add(1)
	return c.Store.SaveCheckpoints(ctx, source, stream, docs)
}

func (c *counting) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	c.calls.Add(1)
	return c.Store.Select(ctx, dest, sql, params)
}

const crowd = 3000

// runnerOf makes a Runner for one cluster over a store that counts; more are keys of the source.
func runnerOf(tb testing.TB, kubeconfig, more string) (*runner.Runner, *counting) {
	tb.Helper()
	var src collectors.SourceConfig
	if err := yaml.Unmarshal(
		fmt.Appendf(nil, "{name: k8s, kind: kubernetes, kubeconfig: %q, %s}", kubeconfig, more),
		&src,
	); err != nil {
		tb.Fatal(err)
	}
	all, err := collectors.All(collectors.Config{src}, source.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	db := &counting{Store: storetest.Open(tb)}
	return runner.New(db, all, runner.Options{}), db
}

// stored counts the deployments, and the entries of the ledger without a gap.
func stored(tb testing.TB, db *counting) (deployments, entries uint64) {
	tb.Helper()
	var rows []struct {
		Deployments uint64 `ch:"deployments"`
		Entries     uint64 `ch:"entries"`
	}
	const sql = `SELECT (SELECT count() FROM deployments WHERE status = 'succeeded') AS deployments, (SELECT count() FROM ledger WHERE gap = 0 AND stored = 1) AS entries`
	if err := db.Store.Select(tb.Context(), &rows, sql, nil); err != nil {
		tb.Fatal(err)
	}
	return rows[0].Deployments, rows[0].Entries
}

// TestAClusterOfThousandsSharesStatements collects many services: the calls to the store are not in proportion to them.
func TestAClusterOfThousandsSharesStatements(t *testing.T) {
	r, db := runnerOf(t, kubernetes.Crowd(t, crowd), "context: here")
	for _, what := range []string{"first", "second"} {
		began := time.Now()
		db.calls.Store(0)
		if _, err := r.Run(t.Context(), runner.RunOptions{}); err != nil {
			t.Fatal(err)
		}
		if deployments, entries := stored(t, db); deployments != crowd || entries != crowd {
			t.Fatalf("%d deployments, %d entries of the ledger", deployments, entries)
		}
		t.Logf("%s collect: %d calls to the store, %s", what, db.calls.Load(), time.Since(began).Round(time.Millisecond))
		if n := db.calls.Load(); n > crowd/2 {
			t.Errorf("the %s collect of %d services made %d calls to the store", what, crowd, n)
		}
	}
}

// TestServingThousandsSharesStatements watches and collects them at the same time.
func TestServingThousandsSharesStatements(t *testing.T) {
	r, db := runnerOf(t, kubernetes.Crowd(t, crowd), "context: here")
	took := serve(t, r)
	if deployments, entries := stored(t, db); deployments != crowd || entries != crowd {
		t.Errorf("%d deployments, %d entries of the ledger", deployments, entries)
	}
	t.Logf("%d calls to the store, %s", db.calls.Load(), took.Round(time.Millisecond))
	if n := db.calls.Load(); n > crowd/2 {
		t.Errorf("serving %d services made %d calls to the store", crowd, n)
	}
}

// serve serves until everything has been collected once, and returns how long that took.
func serve(tb testing.TB, r *runner.Runner) time.Duration {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	ended, collected := make(chan error, 1), make(chan error, 1)
	began := time.Now()
	go func() {
		ended <- r.Serve(ctx, runner.Schedule{Interval: time.Hour, Ended: func(_ string, _ runner.Summary, err error) { collected <- err }})
	}()
	if err := <-collected; err != nil {
		tb.Error(err)
	}
	took := time.Since(began)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		tb.Error(err)
	}
	return took
}

// BenchmarkCollect collects a cluster of 3,000 services of which nothing is new.
func BenchmarkCollect(b *testing.B) {
	r, _ := runnerOf(b, kubernetes.Crowd(b, crowd), "context: here")
	for b.Loop() {
		if _, err := r.Run(b.Context(), runner.RunOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
