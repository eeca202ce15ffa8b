package preview

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dxctl/dxctl/actions/fix"
)

// planner makes a plan whenever it is let, and counts.
type planner struct {
	let   chan error
	made  atomic.Int32
	files atomic.Value // their version; nil: nothing tells
}

func (p *planner) version(context.Context, Key) (string, error) {
	if version, ok := p.files.Load().(string); ok {
		return version, nil
	}
	return "", errors.New("nothing tells")
}

func (p *planner) plan(ctx context.Context, of Key) (*fix.Plan, error) {
	select {
	case err := <-p.let:
		p.made.Add(1)
		if err != nil {
			return nil, err
		}
		return &fix.Plan{Root: fmt.Sprint(of.Service, p.made.Load())}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// settled looks until nobody plans.
func settled(t *testing.T, p *Previews, ref string) Preview {
	t.Helper()
	for {
		if got := p.Of(t.Context(), Key{Service: ref}); !got.Planning {
			return got
		}
	}
}

func TestPreviews(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	later := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	made := &planner{let: make(chan error, 10)}
	p := New(made.plan, made.version, func() time.Time { mu.Lock(); defer mu.Unlock(); return now })
	defer p.Close()
	if got := p.Of(t.Context(), Key{Service: "a"}); !got.Planning || got.Plan != nil || got.Err != nil || !got.At.IsZero() {
		t.Errorf("before the first plan: %+v", got)
	}
	made.let <- nil
	if got := settled(t, p, "a"); got.Plan == nil || got.Plan.Root != "a1" || !got.At.Equal(now) {
		t.Errorf("the first plan: %+v", got)
	}
	later(Fresh)
	if got := p.Of(t.Context(), Key{Service: "a"}); got.Planning || got.Plan.Root != "a1" {
		t.Errorf("a fresh plan: %+v", got)
	}
	later(time.Second)
	if got := p.Of(t.Context(), Key{Service: "a"}); !got.Planning || got.Plan == nil || got.Plan.Root != "a1" {
		t.Errorf("an old plan while another one is made: %+v", got)
	}
	made.let <- errors.New("gone")
	if got := settled(t, p, "a"); got.Plan != nil || got.Err == nil || got.Err.Error() != "gone" {
		t.Errorf("a plan that failed: %+v", got)
	}
	if got := p.Of(t.Context(), Key{Service: "a"}); got.Planning || made.made.Load() != 2 {
		t.Errorf("a failure is tried again at once: %+v", got)
	}
}

// TestPush makes a new plan when the files have another version, at the next look, and none while they do not change.
func TestPush(t *testing.T) {
	made := &planner{let: make(chan error, 10)}
	made.files.Store("c1")
	p := New(made.plan, made.version, time.Now)
	defer p.Close()
	made.let <- nil
	for range 3 {
		if got := settled(t, p, "a"); got.Plan == nil || got.Plan.Root != "a1" {
			t.Errorf("an unchanged repository: %+v", got)
		}
	}
	made.files.Store("c2")
	if got := p.Of(t.Context(), Key{Service: "a"}); !got.Planning || got.Plan == nil || got.Plan.Root != "a1" {
		t.Errorf("the look after a push: %+v", got)
	}
	made.let <- nil
	if got := settled(t, p, "a"); got.Plan == nil || got.Plan.Root != "a2" {
		t.Errorf("the plan after a push: %+v", got)
	}
	if n := made.made.Load(); n != 2 {
		t.Errorf("%d plans", n)
	}
}

// TestMany bounds what is kept, and plans each service once however many look.
func TestMany(t *testing.T) {
	made := &planner{let: make(chan error, 3*most)}
	for range 3 * most {
		made.let <- nil
	}
	p := New(made.plan, made.version, time.Now)
	defer p.Close()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { settled(t, p, "one") })
	}
	all.Wait()
	if n := made.made.Load(); n != 1 {
		t.Errorf("%d plans of one service", n)
	}
	for i := range most + 20 {
		settled(t, p, fmt.Sprint(i))
	}
	if len(p.entries) > most {
		t.Errorf("%d plans are kept", len(p.entries))
	}
}

// TestAsking bounds how many versions of files are asked for at a time, and asks for all of them.
func TestAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asking, asked atomic.Int32
		let := make(chan struct{})
		p := New(func(context.Context, Key) (*fix.Plan, error) { return &fix.Plan{}, nil },
			func(context.Context, Key) (string, error) {
				asking.Add(1)
				defer asking.Add(-1)
				<-let
				asked.Add(1)
				return "c1", nil
			}, time.Now)
		defer p.Close()
		const services = 3 * atOnce
		for i := range services {
			p.look(Key{Service: fmt.Sprint(i)})
		}
		synctest.Wait()
		if n := asking.Load(); n != atOnce {
			t.Errorf("%d ask at a time, want %d", n, atOnce)
		}
		close(let)
		synctest.Wait()
		if n := asked.Load(); n != services {
			t.Errorf("%d of %d were asked", n, services)
		}
	})
}

func TestClose(t *testing.T) {
	p := New((&planner{}).plan, (&planner{}).version, time.Now)
	p.Of(t.Context(), Key{Service: "a"})
	p.Close()
	if got := p.Of(t.Context(), Key{Service: "a"}); got.Planning {
		t.Errorf("after closing: %+v", got)
	}
	if got := p.Of(t.Context(), Key{Service: "b"}); got.Planning && got.Plan != nil {
		t.Errorf("after closing: %+v", got)
	}
}

// A parser of strangers' files that panics ends its plan, and nothing else.
func TestPanic(t *testing.T) {
	p := New(func(_ context.Context, of Key) (*fix.Plan, error) {
		if of.Service == "bad" {
			panic("index out of range")
		}
		return &fix.Plan{}, nil
	}, (&planner{}).version, time.Now)
	defer p.Close()
	if got := settled(t, p, "bad"); got.Plan != nil || got.Err == nil || !strings.Contains(got.Err.Error(), "index out of") {
		t.Errorf("after a panic: %+v", got)
	}
	if got := settled(t, p, "good"); got.Plan == nil || got.Err != nil {
		t.Errorf("after the panic of another plan: %+v", got)
	}
}
