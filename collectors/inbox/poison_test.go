package inbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// refusingStore is a Handler over a store that may be down, and that always refuses the delivery "poison".
type refusingStore struct {
	mu      sync.Mutex
	down    bool
	tries   int // of the poison alone
	applied []string
}

var errRefused = errors.New("the store refuses it")

func (s *refusingStore) Handle(_ context.Context, batch [][]byte) (map[int]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errors.New("the store is down")
	}
	for _, d := range batch {
		if idOf(d) == "poison" {
			s.tries++
			return nil, errRefused
		}
	}
	for _, d := range batch {
		s.applied = append(s.applied, idOf(d))
	}
	return nil, nil
}

func (s *refusingStore) Probe(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errors.New("the store is down")
	}
	return nil
}

func (s *refusingStore) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.applied, id)
}

// running runs an inbox until the test ends.
func running(t *testing.T, q *Inbox, h Handler) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		closeInbox(t, q)
	})
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

// TestPoisonAloneDoesNotBlock: a delivery that fails alone is tried on until others come; they are applied at once, and
// it is set aside.
func TestPoisonAloneDoesNotBlock(t *testing.T) {
	q := openInbox(t, t.TempDir(), Config{})
	h := &refusingStore{}
	put(t, q, "poison")
	running(t, q, h)
	until(t, "the poison was tried several times", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.tries > 20
	})
	if n := q.Stats().Rejected; n != 0 {
		t.Errorf("%d set aside though nothing shows that the store works", n)
	}
	put(t, q, "1", "2")
	until(t, "its neighbors are applied", func() bool { return h.has("1") && h.has("2") })
	until(t, "it is set aside", func() bool { return q.Stats().Rejected == 1 && q.Stats().Waiting == 0 })
}

// TestManyPoisonsDoNotBlock: what is behind more failing records than are delivered at once, in other segments and
// behind damage, is applied in the first pass over them.
func TestManyPoisonsDoNotBlock(t *testing.T) {
	const poisons = 2*batchRecords + 10
	dir := memoryDir(t)
	q := openInbox(t, dir, Config{SegmentBytes: 30_000})
	putPoisons(t, q, poisons/2)
	put(t, q, "damaged")
	putPoisons(t, q, poisons/2)
	put(t, q, "1", "2")
	damage(t, dir, "damaged")
	h := &refusingStore{}
	var tries atomic.Int64 // of poisons, until the last one behind them is applied
	running(t, q, HandlerFunc(func(ctx context.Context, batch [][]byte) (map[int]string, error) {
		if !h.has("2") {
			tries.Add(1)
		}
		return h.Handle(ctx, batch)
	}))
	until(t, "those behind are applied", func() bool { return h.has("1") && h.has("2") })
	if n := tries.Load(); n > poisons+10 { // once each, and once for each batch
		t.Errorf("the handler was called %d times before", n)
	}
	put(t, q, "3")
	until(t, "what arrives is applied", func() bool { return h.has("3") })
	until(t, "all poisons are set aside", func() bool { return q.Stats().Rejected == poisons && q.Stats().Waiting == 0 })
	if s := q.Stats(); s.Bytes != 0 || s.Damaged != 1 || h.has("damaged") {
		t.Errorf("in the end %+v", s)
	}
	until(t, "the segments that are done with are removed", func() bool {
		files, err := listSegments(dir)
		return err == nil && len(files) == 1
	})
}

// putPoisons queues n poisons, many at a time.
func putPoisons(t *testing.T, q *Inbox, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { put(t, q, "poison") })
	}
	all.Wait()
}

// damage changes the record of an id on disk.
func damage(t *testing.T, dir, id string) {
	t.Helper()
	firsts, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range firsts {
		content, err := os.ReadFile(segmentPath(dir, first))
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(content, []byte(`"id":"`+id+`"`))
		if at < 0 {
			continue
		}
		file, err := os.OpenFile(segmentPath(dir, first), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.WriteAt([]byte{0xff}, int64(at))
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no segment has %s", id)
}

// TestADownStoreIsNotReadAhead: while the store is down a batch does not grow until all of the inbox is in memory.
func TestADownStoreIsNotReadAhead(t *testing.T) {
	q := openInbox(t, memoryDir(t), Config{})
	putPoisons(t, q, 2*batchRecords)
	var mu sync.Mutex
	seen, tries := map[int]bool{}, 0
	running(t, q, probed{HandlerFunc(func(_ context.Context, batch [][]byte) (map[int]string, error) {
		mu.Lock()
		defer mu.Unlock()
		seen[len(batch)] = true
		tries++
		return nil, errors.New("the store is down")
	}), errors.New("the store is down")})
	until(t, "it was tried often", func() bool { mu.Lock(); defer mu.Unlock(); return tries > 4*batchRecords })
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 2 || !seen[1] || !seen[batchRecords] {
		t.Errorf("delivered %v at once", seen)
	}
	if s := q.Stats(); s.Rejected != 0 || s.Waiting != 2*batchRecords {
		t.Errorf("%+v", s)
	}
}

// TestStoreDownIsNoPoison: with its neighbors applied, a delivery that fails because the store is down by now is not
// set aside, however long that takes.
func TestStoreDownIsNoPoison(t *testing.T) {
	q := openInbox(t, t.TempDir(), Config{})
	h := &refusingStore{}
	var mu sync.Mutex
	tries := 0
	flaky := probed{HandlerFunc(func(ctx context.Context, batch [][]byte) (map[int]string, error) {
		mu.Lock()
		defer mu.Unlock()
		if slices.ContainsFunc(batch, func(d []byte) bool { return idOf(d) == "late" }) {
			if len(batch) == 1 {
				tries++
			}
			if tries < 40 {
				return nil, errors.New("the store is down")
			}
		}
		return h.Handle(ctx, batch)
	}), errors.New("the store is down")}
	put(t, q, "1", "late", "2")
	running(t, q, flaky)
	until(t, "all are applied", func() bool { return h.has("1") && h.has("late") && h.has("2") })
	if n := q.Stats().Rejected; n != 0 {
		t.Errorf("%d set aside while the store was down", n)
	}
}

// probed is a handler with a fixed answer to Probe.
type probed struct {
	Handler
	err error
}

func (p probed) Probe(context.Context) error { return p.err }

// TestTriedAgain: what was set aside is put into the inbox again when a person renames the file.
func TestTriedAgain(t *testing.T) {
	dir := t.TempDir()
	q := openInbox(t, dir, Config{})
	want := encoded("poison", []byte("<a>"))
	if err := q.Put(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	taken(t, q, func([][]byte) (map[int]string, error) { return map[int]string{0: "no"}, nil })
	closeInbox(t, q)
	if rejected, damaged, err := SetAside(dir); rejected != 1 || damaged != 0 || err != nil {
		t.Errorf("%d rejected, %d damaged, %v", rejected, damaged, err)
	}
	retry := filepath.Join(dir, RetryFile)
	if err := os.Rename(filepath.Join(dir, RejectedFile), retry); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(retry, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("no JSON\n"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	q = openInbox(t, dir, Config{})
	defer closeInbox(t, q)
	var again []byte
	expectIDs(t, "tried again", taken(t, q, func(batch [][]byte) (map[int]string, error) {
		again = batch[0]
		return nil, nil
	}), []string{"poison"})
	if !bytes.Equal(again, want) {
		t.Errorf("it comes back as %s", again)
	}
	if _, err := os.Stat(retry); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file stays")
	}
	if s := q.Stats(); s.Rejected != 0 || s.Damaged != 1 {
		t.Errorf("%+v, want the line that is no delivery set aside", s)
	}
}
