package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// ErrFull is returned by [Inbox.Put] when the queue holds as much as it may, or the disk does. Nothing was kept.
var ErrFull = errors.New("the inbox is full")

// ErrClosed is returned by [Inbox.Put] after [Inbox.Close].
var ErrClosed = errors.New("the inbox is closed")

// InboxConfig bounds an inbox. The zero value means the defaults.
type InboxConfig struct {
	MaxBytes     int64 `yaml:"max_bytes"`     // of deliveries that wait; default 256 MiB
	SegmentBytes int64 `yaml:"segment_bytes"` // of a file of the queue; default 8 MiB
}

// Validate reports every mistake, joined.
func (c InboxConfig) Validate() error {
	var errs []error
	if c.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("inbox.max_bytes %d: give a number of bytes above 0", c.MaxBytes))
	}
	if c.SegmentBytes < 0 {
		errs = append(errs, fmt.Errorf("inbox.segment_bytes %d: give a number of bytes above 0", c.SegmentBytes))
	}
	return errors.Join(errs...)
}

// InboxOptions are what an Inbox needs from outside; each may be left out.
type InboxOptions struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
	Sleep      func(context.Context, time.Duration) error // between attempts after a failure
}

// Inbox is a queue of deliveries in a folder. [Inbox.Put] returns when the delivery is on disk; [Inbox.Run] hands
// deliveries over in their order and forgets them afterwards. Neither a kill nor a power cut loses a delivery that was put;
// one may be handed over twice. One process at a time has a folder open. Its methods may be called from several
// goroutines.
type Inbox struct {
	dir string
	cfg InboxConfig
	opt InboxOptions
	log *slog.Logger

	lock     *os.File
	rejected *rejectedFile

	mu       sync.Mutex
	segments []*segment // oldest first; the last one is written to
	position position
	waiting  int64 // bytes of records behind the position, with those of the group that is being written
	pending  group
	closed   bool
	counted  uint64          // records behind the position
	damaged  map[string]bool // files with parts that are damaged

	wake    chan struct{} // the writer has something to do
	arrived chan struct{} // the worker has something to do
	done    chan struct{} // the writer has ended
	running sync.Mutex
}

// group is what is written with one fsync.
type group struct {
	bytes   []byte
	records uint64
	waiters []chan error
}

const (
	lockFile    = "lock"
	defaultMax  = 256 << 20
	defaultPart = 8 << 20
)

// OpenInbox opens the queue in a folder and makes it if it is not there. What a crash left half written at the end, which
// nobody was promised, is cut off. Whatever the disk has changed, every whole record is handed over; what is not whole is set
// aside in files that end with .damaged.
func OpenInbox(dir string, cfg InboxConfig, opt InboxOptions) (*Inbox, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultMax
	}
	if cfg.SegmentBytes == 0 {
		cfg.SegmentBytes = defaultPart
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Sleep == nil {
		opt.Sleep = sleep
	}
	q := &Inbox{dir: dir, cfg: cfg, opt: opt, log: opt.Logger, damaged: map[string]bool{},
		wake: make(chan struct{}, 1), arrived: make(chan struct{}, 1), done: make(chan struct{})}
	if err := q.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the inbox %s: %w", dir, err), q.release())
	}
	q.register(opt.Registerer)
	go q.write()
	if err := q.retry(context.Background()); err != nil { // the file stays, for the next time
		q.log.Error("deliveries that were set aside cannot be tried again", "error", err)
	}
	return q, nil
}

func (q *Inbox) open() error {
	if err := os.MkdirAll(q.dir, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(q.dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	q.lock = lock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return errors.New("another process has it open; end that one first, or give this one another data folder")
	}
	if err := errors.Join(q.listDamaged(), q.load()); err != nil {
		return err
	}
	if q.rejected, err = openRejected(q.dir, q.position.Number); err != nil {
		return err
	}
	return nil
}

// load reads the position and the segments.
func (q *Inbox) load() error {
	var err error
	if q.position, err = readPosition(q.dir); errors.Is(err, errPosition) {
		q.log.Warn("the inbox's position cannot be trusted; what is in the inbox is handed over again", "error", err)
	} else if err != nil {
		return err
	}
	firsts, err := listSegments(q.dir)
	if err != nil {
		return err
	}
	if !slices.Contains(firsts, q.position.Segment) { // a position is of a file that is there, or it is of another inbox
		if q.position.Segment != 0 && len(firsts) > 0 {
			q.log.Warn("the inbox's position is of a file that is not there; what is in the inbox is handed over again", "file", segmentPath(q.dir, q.position.Segment))
		}
		q.position = position{Number: q.position.Number}
	}
	next := max(q.position.Number, 1)
	for i, first := range firsts {
		if first < q.position.Segment { // done with, but the process ended before it was removed
			if err := os.Remove(segmentPath(q.dir, first)); err != nil {
				return err
			}
			continue
		}
		s, err := q.loadSegment(first, i == len(firsts)-1)
		if err != nil {
			return err
		}
		q.segments = append(q.segments, s)
		next = max(next, s.next())
	}
	if len(q.segments) == 0 {
		s, err := createSegment(q.dir, next)
		if err != nil {
			return err
		}
		q.segments = append(q.segments, s)
	}
	return q.begin()
}

// loadSegment opens a segment. What follows the last whole record of the queue is cut off.
func (q *Inbox) loadSegment(first uint64, last bool) (*segment, error) {
	s, rest, err := openSegment(q.dir, first)
	if err != nil || rest == 0 {
		return s, err
	}
	if !last { // the worker passes it, and sets it aside
		s.end += rest
		return s, nil
	}
	if err := q.setDamagedAside(s, s.end, rest); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	if err := errors.Join(s.file.Truncate(s.end), s.file.Sync()); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

// begin checks where the worker goes on, and counts what waits there.
func (q *Inbox) begin() error {
	first := q.segments[0]
	ok := q.position.Segment == first.first && q.position.Offset <= first.end
	if ok {
		var err error
		if ok, err = first.holds(q.position.Offset); err != nil {
			return err
		}
	}
	if !ok {
		q.position = position{Segment: first.first, Number: first.first}
	}
	for _, s := range q.segments {
		q.waiting += s.end
		q.counted += s.count
	}
	q.waiting -= q.position.Offset
	behind, _, err := countRecords(first.file, q.position.Offset, first.end, nil)
	q.counted += behind - first.count
	return err
}

// setDamagedAside keeps a part of a segment that is no whole record in a file of its own, for a person to look at: what
// the disk has changed, or at the end of the queue a write that was cut short, which nobody was promised.
func (q *Inbox) setDamagedAside(s *segment, offset, size int64) error {
	path := fmt.Sprintf("%s.%d%s", s.path, offset, DamagedSuffix)
	rest := make([]byte, size)
	if _, err := s.file.ReadAt(rest, offset); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := os.WriteFile(path, rest, 0o600); err != nil {
		return err
	}
	q.mu.Lock()
	q.damaged[filepath.Base(path)] = true
	q.mu.Unlock()
	q.log.Error("a part of the inbox is damaged or was not written to its end; it was set aside", "file", path, "bytes", size)
	return nil
}

// listDamaged notes the parts that were set aside and are still there.
func (q *Inbox) listDamaged() error {
	entries, err := os.ReadDir(q.dir)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), DamagedSuffix) {
			q.damaged[e.Name()] = true
		}
	}
	return err
}

// Put appends a delivery and returns when it is on disk. Deliveries put at the same time share one fsync. It fails with
// [ErrFull] when there is no room. When ctx ends first, its error is returned and the delivery may be kept or not.
func (q *Inbox) Put(ctx context.Context, d Delivery) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encoding the delivery: %w", err)
	}
	size := int64(recordHeader + len(doc))
	answer := make(chan error, 1)
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	if q.waiting+size > q.cfg.MaxBytes {
		waiting := q.waiting
		q.mu.Unlock()
		return fmt.Errorf("%w: %d bytes wait, %d may", ErrFull, waiting, q.cfg.MaxBytes)
	}
	q.waiting += size
	q.pending.bytes = appendRecord(q.pending.bytes, doc)
	q.pending.records++
	q.pending.waiters = append(q.pending.waiters, answer)
	q.mu.Unlock()
	signal(q.wake)
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the goroutine that writes groups until the inbox is closed.
func (q *Inbox) write() {
	defer close(q.done)
	for range q.wake {
		for {
			q.mu.Lock()
			g, closed := q.pending, q.closed
			q.pending = group{}
			q.mu.Unlock()
			if g.records == 0 {
				if closed {
					return
				}
				break
			}
			err := q.commit(g)
			for _, w := range g.waiters {
				w <- err
			}
		}
	}
}

// commit writes a group to the last segment. When it fails nothing of the group is in the queue.
func (q *Inbox) commit(g group) error {
	err := q.append(g)
	q.mu.Lock()
	if err != nil {
		q.waiting -= int64(len(g.bytes))
	}
	q.mu.Unlock()
	if err != nil {
		q.log.Error("the inbox cannot be written to", "folder", q.dir, "error", err)
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		return fmt.Errorf("writing to the inbox: %w", err)
	}
	signal(q.arrived)
	return nil
}

func (q *Inbox) append(g group) error {
	q.mu.Lock()
	s := q.segments[len(q.segments)-1]
	q.mu.Unlock()
	if s.end >= q.cfg.SegmentBytes { // only this goroutine moves the end
		next, err := createSegment(q.dir, s.next())
		if err != nil {
			return err
		}
		q.mu.Lock()
		q.segments = append(q.segments, next)
		q.mu.Unlock()
		s = next
	}
	_, err := s.file.WriteAt(g.bytes, s.end)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		// The next group is written over it; until then the checksum keeps a part of it from being read.
		return errors.Join(err, s.file.Truncate(s.end))
	}
	q.mu.Lock()
	s.end += int64(len(g.bytes))
	s.count += g.records
	q.counted += g.records
	q.mu.Unlock()
	return nil
}

// Close ends the queue: deliveries that are being put are written, further ones refused. It waits for [Inbox.Run], whose
// context is to be ended before.
func (q *Inbox) Close() error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	q.mu.Unlock()
	signal(q.wake)
	<-q.done
	q.running.Lock()
	defer q.running.Unlock()
	if q.opt.Registerer != nil {
		q.unregister(q.opt.Registerer)
	}
	return q.release()
}

// release closes the files and gives the lock back.
func (q *Inbox) release() error {
	var errs []error
	for _, s := range q.segments {
		errs = append(errs, s.file.Close())
	}
	if q.rejected != nil {
		errs = append(errs, q.rejected.close())
	}
	if q.lock != nil {
		errs = append(errs, q.lock.Close())
	}
	return errors.Join(errs...)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
