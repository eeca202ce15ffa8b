package answers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dxctl/dxctl/web/answers"
	"github.com/prometheus/client_golang/prometheus"
)

var config = answers.Config{
	Name: "test", MaxEntries: 10, MaxBytes: 1 << 20, MaxAge: time.Minute, Blind: 5 * time.Second,
	MaxStale: 10 * time.Second,
	Patience: 250 * time.Millisecond, Late: 2 * time.Second, Timeout: 30 * time.Second, ErrorAge: time.Second, Slots: 2,
}

// bed is a cache, and a computation that takes a given time and counts.
type bed struct {
	t        *testing.T
	cache    *answers.Cache[string]
	registry *prometheus.Registry

	mu       sync.Mutex
	version  any
	takes    time.Duration
	err      error
	computed int
	ended    []error // of the contexts of computations that were ended early
}

// run runs a test in a bubble of its own time.
func run(t *testing.T, cfg answers.Config, test func(t *testing.T, b *bed)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bed{t: t, registry: prometheus.NewRegistry(), version: 1, takes: time.Second}
		metrics, err := answers.NewMetrics(b.registry)
		if err != nil {
			t.Fatal(err)
		}
		b.cache = answers.New[string](cfg, metrics)
		defer b.cache.Close()
		test(t, b)
	})
}

func (b *bed) set(version any, takes time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version, b.takes, b.err = version, takes, err
}

func (b *bed) ask(key string, late bool) answers.Ask[string] {
	b.mu.Lock()
	defer b.mu.Unlock()
	return answers.Ask[string]{Key: key, Version: b.version, AcceptLate: late, Compute: b.compute}
}

func (b *bed) compute(ctx context.Context) (string, int64, error) {
	b.mu.Lock()
	value, takes, err := fmt.Sprint(b.version), b.takes, b.err
	b.computed++
	b.mu.Unlock()
	select {
	case <-time.After(takes):
		return value, int64(len(value)), err
	case <-ctx.Done():
		b.mu.Lock()
		b.ended = append(b.ended, ctx.Err())
		b.mu.Unlock()
		return "", 0, ctx.Err()
	}
}

// want asks once and checks the answer and how long it took.
func (b *bed) want(key, value string, within time.Duration) {
	b.t.Helper()
	began := time.Now()
	got, err := b.cache.Get(b.t.Context(), b.ask(key, false))
	if err != nil || got.Value != value || got.Late || time.Since(began) != within {
		b.t.Errorf("%s: %q after %s, late %t, error %v; want %q after %s", key, got.Value, time.Since(began), got.Late, err,
			value, within)
	}
}

// requests are the counters of requests by result.
func (b *bed) requests() map[string]int {
	b.t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	counts := map[string]int{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "dxctl_answer_cache_requests_total" {
				counts[m.GetLabel()[1].GetValue()] = int(m.GetCounter().GetValue())
			}
		}
	}
	return counts
}

func TestOneComputationForAllWhoAsk(t *testing.T) {
	run(t, config, func(t *testing.T, b *bed) {
		var readers sync.WaitGroup
		for range 50 {
			readers.Go(func() { b.want("a", "1", time.Second) })
		}
		readers.Wait()
		b.want("a", "1", 0)
		if b.computed != 1 {
			t.Errorf("%d computations for 51 readers", b.computed)
		}
		if got := fmt.Sprint(b.requests()); got != "map[hit:1 miss:1 shared:49]" {
			t.Errorf("requests by result: %s", got)
		}
	})
}

func TestNewVersion(t *testing.T) {
	run(t, config, func(t *testing.T, b *bed) {
		b.want("a", "1", time.Second)
		time.Sleep(5 * time.Second)
		b.want("a", "1", 0)
		b.set(2, time.Second, nil)
		b.want("a", "1", config.Patience) // the old one, while the new one is computed
		b.want("a", "1", 0)               // the computation has been under way for longer than anybody waits
		time.Sleep(time.Second)
		b.want("a", "2", 0)
		time.Sleep(3 * time.Second)
		b.set(3, 100*time.Millisecond, nil)
		b.want("a", "3", 100*time.Millisecond) // worth waiting for
		b.set(4, 100*time.Millisecond, nil)
		b.want("a", "3", 0) // computed a moment ago
		time.Sleep(time.Minute)
		b.set(5, time.Second, nil)
		b.want("a", "5", time.Second) // the old one is older than what may be given
		if b.computed != 4 {
			t.Errorf("%d computations", b.computed)
		}
	})
}

func TestAgeAndBlindness(t *testing.T) {
	run(t, config, func(t *testing.T, b *bed) {
		b.want("a", "1", time.Second)
		time.Sleep(config.MaxAge)
		b.want("a", "1", time.Second)
		b.set(nil, time.Second, nil)
		b.want("b", "<nil>", time.Second)
		time.Sleep(config.Blind - time.Second - time.Millisecond)
		b.want("b", "<nil>", 0)
		time.Sleep(config.Blind + config.MaxStale)
		b.want("b", "<nil>", time.Second)
		if b.computed != 4 {
			t.Errorf("%d computations", b.computed)
		}
	})
}

func TestLateAnswersSayTheirTime(t *testing.T) {
	run(t, config, func(t *testing.T, b *bed) {
		b.want("a", "1", time.Second)
		made := time.Now().Add(-time.Second)
		time.Sleep(time.Hour)
		b.set(2, 20*time.Second, nil)
		began := time.Now()
		got, err := b.cache.Get(t.Context(), b.ask("a", true))
		if err != nil || got.Value != "1" || !got.Late || !got.Made.Equal(made) || time.Since(began) != config.Late {
			t.Errorf("%+v, %v after %s", got, err, time.Since(began))
		}
		b.want("a", "2", 18*time.Second) // who does not show the time waits
	})
}

func TestErrorsAreNotKeptForLong(t *testing.T) {
	run(t, config, func(t *testing.T, b *bed) {
		broken := errors.New("broken")
		b.set(1, time.Second, broken)
		for range 3 {
			if _, err := b.cache.Get(t.Context(), b.ask("a", false)); !errors.Is(err, broken) {
				t.Errorf("error %v", err)
			}
		}
		if b.computed != 1 {
			t.Errorf("%d computations within the time of an error", b.computed)
		}
		time.Sleep(config.ErrorAge)
		b.set(1, time.Second, nil)
		b.want("a", "1", time.Second)
		b.set(2, 100*time.Millisecond, broken)
		time.Sleep(3 * time.Second)
		b.want("a", "1", 100*time.Millisecond) // the previous answer rather than an error
		b.want("a", "1", 0)
		time.Sleep(time.Hour)
		if _, err := b.cache.Get(t.Context(), b.ask("a", false)); !errors.Is(err, broken) {
			t.Errorf("an answer of an hour ago instead of the error %v", err)
		}
	})
}

func TestReadersWhoLeave(t *testing.T) {
	leave := func(b *bed) {
		ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := b.cache.Get(ctx, b.ask("a", false)); !errors.Is(err, context.DeadlineExceeded) {
			b.t.Errorf("error %v", err)
		}
	}
	t.Run("another one waits", func(t *testing.T) {
		run(t, config, func(t *testing.T, b *bed) {
			go leave(b)
			b.want("a", "1", time.Second)
			if len(b.ended) > 0 || b.computed != 1 {
				t.Errorf("%d computations, ended: %v", b.computed, b.ended)
			}
		})
	})
	t.Run("the last one ends the computation", func(t *testing.T) {
		run(t, config, func(t *testing.T, b *bed) {
			leave(b)
			synctest.Wait()
			if len(b.ended) != 1 || !errors.Is(b.ended[0], context.Canceled) {
				t.Errorf("computations ended: %v", b.ended)
			}
			b.want("a", "1", time.Second)
			if b.computed != 2 {
				t.Errorf("%d computations", b.computed)
			}
		})
	})
	t.Run("one that replaces a stale answer goes on", func(t *testing.T) {
		run(t, config, func(t *testing.T, b *bed) {
			b.want("a", "1", time.Second)
			time.Sleep(5 * time.Second)
			b.set(2, time.Second, nil)
			b.want("a", "1", config.Patience)
			time.Sleep(time.Second)
			b.want("a", "2", 0)
			if len(b.ended) > 0 || b.computed != 2 {
				t.Errorf("%d computations, ended: %v", b.computed, b.ended)
			}
		})
	})
}

func TestLimitsOfComputations(t *testing.T) {
	run(t, config, func(t *testing.T, b *bed) {
		b.set(1, time.Hour, nil)
		failures := make(chan error, 3)
		for i := range 3 {
			go func() {
				_, err := b.cache.Get(t.Context(), b.ask(fmt.Sprint(i), false))
				failures <- err
			}()
		}
		slow, busy := 0, 0
		for range 3 {
			switch err := <-failures; {
			case errors.Is(err, answers.ErrBusy):
				busy++
			case errors.Is(err, context.DeadlineExceeded):
				slow++
			default:
				t.Errorf("error %v", err)
			}
		}
		if slow < config.Slots || slow+busy != 3 {
			t.Errorf("%d ran into the limit of time, %d found no slot", slow, busy)
		}
	})
}

func TestPanicIsAnError(t *testing.T) {
	run(t, config, func(t *testing.T, b *bed) {
		ask := b.ask("a", false)
		ask.Compute = func(context.Context) (string, int64, error) { panic("oops") }
		if _, err := b.cache.Get(t.Context(), ask); err == nil || !strings.Contains(err.Error(), "oops") {
			t.Errorf("error %v", err)
		}
		time.Sleep(config.ErrorAge)
		b.want("a", "1", time.Second) // its slot was given back
	})
}

func TestBounds(t *testing.T) {
	cfg := config
	cfg.MaxBytes = 20_000
	run(t, cfg, func(t *testing.T, b *bed) {
		ask := func(key string, size int64) {
			a := b.ask(key, false)
			a.Compute = func(context.Context) (string, int64, error) { return key, size, nil }
			if got, err := b.cache.Get(t.Context(), a); err != nil || got.Value != key {
				t.Errorf("%s: %v, %v", key, got, err)
			}
		}
		for i := range 100 {
			ask("hot", 100)
			ask(fmt.Sprint(i), 10)
		}
		if entries, bytes := b.cache.Len(); entries != cfg.MaxEntries || bytes > cfg.MaxBytes {
			t.Errorf("%d entries of %d bytes", entries, bytes)
		}
		for i := range 10 {
			ask("hot", 100)
			ask(fmt.Sprint("large", i), 4000)
		}
		if entries, bytes := b.cache.Len(); entries >= cfg.MaxEntries || bytes > cfg.MaxBytes {
			t.Errorf("%d entries of %d bytes", entries, bytes)
		}
		before, _ := b.cache.Len()
		ask("too large", 6000)
		if after, _ := b.cache.Len(); after > before {
			t.Error("an answer of more than a quarter of the cache was kept")
		}
	})
}

// Without stale answers an older computation is not joined: its figures would be older than the reader.
func TestExact(t *testing.T) {
	cfg := config
	cfg.MaxStale, cfg.Slots = 0, 0
	run(t, cfg, func(t *testing.T, b *bed) {
		go func() { b.want("a", "1", time.Second) }()
		synctest.Wait()
		b.set(2, time.Second, nil)
		b.want("a", "2", time.Second)
		b.want("a", "2", 0)
	})
}

func TestClose(t *testing.T) {
	run(t, config, func(t *testing.T, b *bed) {
		b.set(1, time.Hour, nil)
		go func() { _, _ = b.cache.Get(t.Context(), b.ask("a", false)) }()
		synctest.Wait()
		b.cache.Close()
		b.cache.Close()
		if len(b.ended) != 1 {
			t.Errorf("computations ended: %v", b.ended)
		}
		if _, err := b.cache.Get(t.Context(), b.ask("b", false)); err == nil {
			t.Error("a closed cache answers")
		}
	})
}
