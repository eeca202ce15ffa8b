// Package answers keeps answers that are expensive to compute for as long as they hold, computes each one only once
// however many readers ask for it, and gives readers the previous answer for a short, bounded time while a new one is
// computed.
//
// An answer has a version: the state of the data that it was computed from. While the version is the current one, the
// answer is fresh. After that it is stale, and the first reader to ask starts a computation of a new answer. What
// readers get meanwhile depends on the Config: the stale answer if it was fresh at most MaxStale ago, else they wait.
//
// A computation belongs to all who wait for it: a reader who leaves does not end it for the others, and the last one to
// leave ends it, unless it replaces an answer that a reader was given meanwhile. Otherwise it ends by its own time
// limit or when the cache is closed.
package answers

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// ErrBusy is returned to a reader whose computation found no free slot within its time limit, or no place to wait.
var ErrBusy = errors.New("too many computations are under way; try again in a few seconds")

// errClosed is returned by a cache that was closed.
var errClosed = errors.New("the server is stopping")

// Config bounds a cache. All durations and sizes must be positive unless said otherwise.
type Config struct {
	Name       string // label of its metrics
	MaxEntries int
	MaxBytes   int64         // sum of the sizes of all answers; a single one larger than a quarter is given but not kept
	MaxAge     time.Duration // after this an answer of an unchanged version is computed again: it depends on the present
	Blind      time.Duration // MaxAge where no version can be read
	MaxStale   time.Duration // how long after it ceased to be fresh an answer may be given; 0: never
	Patience   time.Duration // how long readers wait for a computation before they get the stale answer
	Late       time.Duration // the same for answers older than MaxStale, given only to readers who accept them
	Timeout    time.Duration // of one computation, and of the wait for a slot
	ErrorAge   time.Duration // how long an error is returned again without another computation
	Slots      int           // computations at a time; 0: no limit
	Queue      int           // computations that may wait for a slot; further ones are ErrBusy at once; 0: no limit
}

// Ask is one question of a reader.
type Ask[T any] struct {
	Key     string
	Version any // comparable; nil: not known, so that answers hold for Config.Blind
	// AcceptLate: the reader shows the time of an answer and so accepts one that is older than MaxStale.
	AcceptLate bool
	// Compute returns the answer and its size in bytes. The context ends with the last reader who waits and at the time
	// limit.
	Compute func(context.Context) (T, int64, error)
}

// Answer is what a reader gets. It is shared with other readers and must not be changed.
type Answer[T any] struct {
	Value T
	Made  time.Time // when its computation began: it contains everything that was stored before
	Late  bool      // older than MaxStale: whoever shows it must show Made
}

// Cache keeps answers. It may be used by several goroutines.
type Cache[T any] struct {
	cfg     Config
	metrics *Metrics
	now     func() time.Time
	slots   chan struct{}
	queued  atomic.Int32 // computations that wait for a slot
	closed  chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	entries map[string]*entry[T]
	order   *list.List // of *entry, the most recently used first
	bytes   int64
	ended   bool
}

// entry is what is known about one key. All fields are guarded by Cache.mu.
type entry[T any] struct {
	key       string
	at        *list.Element
	value     Answer[T]
	has       bool // value is set
	size      int64
	version   any
	held      time.Time // when the answer was last known to be fresh
	notBefore time.Time // no computation for a new version starts earlier
	err       error     // of the last computation
	errUntil  time.Time
	flight    *flight[T]
}

// flight is a computation under way.
type flight[T any] struct {
	version any
	began   time.Time
	left    chan struct{} // closed when nobody waits for it any longer
	waiting int           // readers; guarded by Cache.mu
	wanted  bool          // a reader was given the old answer, which this one replaces; guarded by Cache.mu
	done    chan struct{}
	value   Answer[T] // set when done is closed
	err     error
}

// New returns an empty cache. Close ends its computations.
func New[T any](cfg Config, metrics *Metrics) *Cache[T] {
	c := &Cache[T]{cfg: cfg, metrics: metrics, now: time.Now, closed: make(chan struct{}),
		entries: map[string]*entry[T]{}, order: list.New()}
	if cfg.Slots > 0 {
		c.slots = make(chan struct{}, cfg.Slots)
	}
	return c
}

// Close ends the computations under way and waits for them. Get fails afterwards.
func (c *Cache[T]) Close() {
	c.mu.Lock()
	if !c.ended {
		c.ended = true
		close(c.closed)
	}
	c.mu.Unlock()
	c.running.Wait()
}

// Get returns the answer to ask, computing it where needed. It returns ctx's error when the reader leaves first.
func (c *Cache[T]) Get(ctx context.Context, ask Ask[T]) (Answer[T], error) {
	c.mu.Lock()
	e, now := c.entry(ask.Key), c.now()
	if c.fresh(e, ask.Version, now) {
		defer c.mu.Unlock()
		e.held = now
		c.metrics.count(c.cfg.Name, hit)
		return e.value, nil
	}
	stale := e.has && now.Sub(e.held) <= c.cfg.MaxStale
	late := !stale && e.has && ask.AcceptLate && c.cfg.MaxStale > 0
	switch {
	case e.err != nil && now.Before(e.errUntil):
		defer c.mu.Unlock()
		return c.afterError(e, stale, late)
	case stale && now.Before(e.notBefore):
		defer c.mu.Unlock()
		c.metrics.count(c.cfg.Name, staleHit)
		return e.value, nil
	}
	f, result := c.join(e, ask, now)
	old := e.value
	c.mu.Unlock()
	if f == nil {
		return Answer[T]{}, errClosed
	}
	var wait time.Duration
	switch {
	case stale:
		wait = f.began.Add(c.cfg.Patience).Sub(now)
	case late:
		wait = f.began.Add(c.cfg.Late).Sub(now)
		old.Late = true
	}
	got, err := c.await(ctx, f, old, stale || late, wait, result)
	c.leave(e, f, stale || late)
	return got, err
}

// leave notes that a reader waits no longer. The last one ends the computation if nobody else has a use for it.
func (c *Cache[T]) leave(e *entry[T], f *flight[T], hadOld bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.waiting--
	f.wanted = f.wanted || hadOld
	if f.waiting > 0 || f.wanted {
		return
	}
	close(f.left)
	if e.flight == f { // the next reader starts another one
		e.flight = nil
	}
}

// await returns what the flight returns; where there is an old answer, that one after the wait, or when the flight
// fails.
func (c *Cache[T]) await(
	ctx context.Context, f *flight[T], old Answer[T], hasOld bool, wait time.Duration, result result,
) (Answer[T], error) {
	var patience <-chan time.Time
	if hasOld {
		timer := time.NewTimer(max(wait, 0))
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-f.done:
		if f.err != nil && hasOld {
			c.metrics.count(c.cfg.Name, staleHit)
			return old, nil
		}
		c.metrics.count(c.cfg.Name, result)
		return f.value, f.err
	case <-patience:
		c.metrics.count(c.cfg.Name, staleHit)
		return old, nil
	case <-ctx.Done():
		return Answer[T]{}, fmt.Errorf("waiting for the answer: %w", ctx.Err())
	}
}

// afterError answers while a failed computation is not repeated.
func (c *Cache[T]) afterError(e *entry[T], stale, late bool) (Answer[T], error) {
	if stale || late {
		c.metrics.count(c.cfg.Name, staleHit)
		value := e.value
		value.Late = late
		return value, nil
	}
	c.metrics.count(c.cfg.Name, failed)
	return Answer[T]{}, e.err
}

// fresh reports whether the entry's answer holds for the version.
func (c *Cache[T]) fresh(e *entry[T], version any, now time.Time) bool {
	if !e.has {
		return false
	}
	age := now.Sub(e.value.Made)
	if version == nil {
		return age < c.cfg.Blind
	}
	return e.version == version && age < c.cfg.MaxAge
}

// join returns the computation under way, or starts one; nil when the cache was closed. A computation for another
// version is joined only where stale answers are allowed.
func (c *Cache[T]) join(e *entry[T], ask Ask[T], now time.Time) (*flight[T], result) {
	if c.ended {
		return nil, failed
	}
	if f := e.flight; f != nil && (c.cfg.MaxStale > 0 || f.version == ask.Version) {
		f.waiting++
		return f, shared
	}
	f := &flight[T]{version: ask.Version, began: now, left: make(chan struct{}), waiting: 1, done: make(chan struct{})}
	e.flight = f
	c.running.Add(1)
	go c.fly(f, ask)
	return f, miss
}

// fly runs a computation and keeps its result.
func (c *Cache[T]) fly(f *flight[T], ask Ask[T]) {
	defer c.running.Done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-c.closed:
			cancel()
		case <-f.left:
			cancel()
		case <-ended:
		}
	}()
	size, err := int64(0), c.acquire(ctx)
	var began time.Time
	if err == nil {
		began = c.now()
		f.value.Value, size, err = c.compute(ctx, ask.Compute)
		c.release()
		c.metrics.computed(c.cfg.Name, c.now().Sub(began))
	}
	f.value.Made, f.err = f.began, err
	c.keep(f, ask.Key, size)
	close(f.done)
}

// compute runs the computation within its time limit. A panic in it is an error of this answer only.
func (c *Cache[T]) compute(
	ctx context.Context, run func(context.Context) (T, int64, error),
) (value T, size int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while computing an answer: %v\n%s", p, debug.Stack())
		}
	}()
	return run(ctx)
}

func (c *Cache[T]) acquire(ctx context.Context) error {
	if c.slots == nil {
		return nil
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	defer c.queued.Add(-1)
	if n := c.queued.Add(1); c.cfg.Queue > 0 && n > int32(c.cfg.Queue) {
		return ErrBusy
	}
	timer := time.NewTimer(c.cfg.Timeout)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return errClosed
	}
}

func (c *Cache[T]) release() {
	if c.slots != nil {
		<-c.slots
	}
}
