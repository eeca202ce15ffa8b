package client

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/rest"
)

// appClient returns a client that authenticates as an App, the App, and the clock of both, in seconds.
func appClient(t *testing.T) (*githubtest.App, *Client, *atomic.Int64) {
	t.Helper()
	key, text := githubtest.Key(t)
	clock := &atomic.Int64{}
	clock.Store(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Unix())
	now := func() time.Time { return time.Unix(clock.Load(), 0) }
	s := githubtest.New(t)
	s.App = &githubtest.App{ID: "77", Installation: "4711", Key: &key.PublicKey, Now: now}
	cfg := Config{URL: s.URL, App: App{ID: "77", InstallationID: "4711", PrivateKey: text}}
	c, err := New(cfg, rest.Options{
		Now:   now,
		Tune:  func(r *rest.Config) { r.PerSecond, r.Burst, r.Backoff = 1e6, 1e6, time.Millisecond },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.App, c, clock
}

func TestATokenIsAskedForOnceByMany(t *testing.T) {
	app, c, _ := appClient(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if token, err := c.app.Token(t.Context(), ""); err != nil || token != "ghs_1" {
				t.Errorf("%q, %v", token, err)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.app.Token(ctx, "ghs_1"); !errors.Is(err, context.Canceled) || app.Given != 1 {
		t.Errorf("%d tokens, %v", app.Given, err)
	}
}

func TestAWrongLocalClockDoesNotWearOutTokens(t *testing.T) {
	app, c, clock := appClient(t)
	if _, err := c.app.Token(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	server := time.Unix(clock.Load(), 0)
	app.Now = func() time.Time { return server }
	clock.Add(50) // ours runs ahead, within what an assertion allows
	if _, err := c.app.Token(t.Context(), "ghs_1"); err != nil {
		t.Fatal(err)
	}
	if left := c.app.until.Sub(time.Unix(clock.Load(), 0)); left != time.Hour {
		t.Errorf("the token is taken to last %s", left)
	}
}
