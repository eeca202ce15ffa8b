package github

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/dxctl/dxctl/event"
)

// hiccup is a memory that fails to store once, at an Append of a number, and is well before and after.
type hiccup struct {
	*memory
	at int64
	n  *atomic.Int64 // streams append side by side
}

func (h hiccup) Append(ctx context.Context, events ...event.Event) error {
	if h.n.Add(1) == h.at {
		return errBroken
	}
	return h.memory.Append(ctx, events...)
}

func (h hiccup) Update(ctx context.Context, events ...event.Event) error {
	return h.Append(ctx, events...)
}

// TestAStoreThatFailsOnce lets each single Append of a collect fail, and all that follows succeed, as when a disk is full for
// a moment: no checkpoint moves over what was not stored.
func TestAStoreThatFailsOnce(t *testing.T) {
	whole := newMemory()
	s := fake(t, everything())
	collect(t, s, whole, now, nil)
	for at := int64(1); ; at++ {
		m, n := newMemory(), new(atomic.Int64)
		err := collector(t, s, nil, now).Collect(t.Context(), scope, hiccup{m, at, n})
		if at > n.Load() {
			break
		}
		if !errors.Is(err, errBroken) {
			t.Fatalf("append %d failed and the collect says %v", at, err)
		}
		collect(t, s, m, now, nil)
		if m.events(t) != whole.events(t) {
			t.Errorf("after append %d failed what is stored differs from what it should be", at)
		}
	}
}
