// Package inbox is a durable queue of byte records in a directory.
//
// A record that [Inbox.Put] accepted is on disk; [Inbox.Run] delivers records in their order to a [Handler] and removes
// them once they are applied. Neither a kill nor a power cut loses a record; one may be delivered twice. The queue
// keeps its own segment files with a checksum per record, because embedded databases such as bbolt have no page
// checksums: whatever the disk changes costs the records that it hits and no other.
package inbox

import (
	"bytes"
	"context"
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

// ErrFull is returned by [Inbox.Put] when the queue or the disk is full. Nothing was stored.
var ErrFull = errors.New("the inbox is full")

// ErrClosed is returned by [Inbox.Put] after [Inbox.Close].
var ErrClosed = errors.New("the inbox is closed")

// Config bounds an inbox. The zero value means the defaults.
type Config struct {
	MaxBytes     int64 `yaml:"max_bytes"`     // of waiting records; default 256 MiB
	SegmentBytes int64 `yaml:"segment_bytes"` // of a file of the queue; default 8 MiB
}

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if c.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("inbox.max_bytes %d: give a number of bytes above 0", c.MaxBytes))
	}
	if c.SegmentBytes < 0 {
		errs = append(errs, fmt.Errorf("inbox.segment_bytes %d: give a number of bytes above 0", c.SegmentBytes))
	}
	return errors.Join(errs...)
}

// Format describes the records of an inbox.
type Format struct {
	// Start is the bytes with which every record starts and that it contains nowhere else. They mark the next record after
	// a part that the disk has damaged.
	Start []byte
	// Describe returns a record as a JSON object on one line, for people who read [RejectedFile]; false where the record
	// is malformed.
	Describe func(record []byte) (line []byte, ok bool)
	// Restore returns the record that Describe described; it ignores further keys. False where the line holds no record.
	Restore func(line []byte) (record []byte, ok bool)
}

// Options are the dependencies of an Inbox; each may be left out.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
	Sleep      func(context.Context, time.Duration) error // between attempts after a failure
}

// Inbox is a queue of records in a directory, which one process at a time may open. Its methods are safe for concurrent
// use.
type Inbox struct {
	dir    string
	format Format
	cfg    Config
	opt    Options
	log    *slog.Logger

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

// Open opens the queue in a directory and creates it where it does not exist. An incomplete record that a crash left at
// the end, which no Put has confirmed, is cut off. Every whole record is delivered, whatever the disk has changed; the
// damaged parts between them are set aside in files that end with [DamagedSuffix].
func Open(dir string, format Format, cfg Config, opt Options) (*Inbox, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(format.Start) == 0 {
		return nil, errors.New("opening an inbox: the format of its records has no Start")
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
	q := &Inbox{dir: dir, format: format, cfg: cfg, opt: opt, log: opt.Logger, damaged: map[string]bool{},
		wake: make(chan struct{}, 1), arrived: make(chan struct{}, 1), done: make(chan struct{})}
	if err := q.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the inbox %s: %w", dir, err), q.release())
	}
	q.register(opt.Registerer)
	go q.write()
	if err := q.retry(context.Background()); err != nil { // the file stays, for the next time
		q.log.Error("cannot queue rejected records again", "error", err)
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
		return errors.New("another process has it open; stop that process, or configure another data directory")
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
		q.log.Warn("inbox position is damaged; queued records are delivered again", "error", err)
	} else if err != nil {
		return err
	}
	firsts, err := listSegments(q.dir)
	if err != nil {
		return err
	}
	if !slices.Contains(firsts, q.position.Segment) { // a position is of a file that is there, or it is of another inbox
		if q.position.Segment != 0 && len(firsts) > 0 {
			q.log.Warn(
				"inbox position names a missing file; queued records are delivered again",
				"file",
				segmentPath(q.dir, q.position.Segment),
			)
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

// loadSegment opens a segment. It cuts off what follows the last whole record of the queue.
func (q *Inbox) loadSegment(first uint64, last bool) (*segment, error) {
	s, rest, err := openSegment(q.dir, first, q.format.Start)
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
		if ok, err = first.holds(q.position.Offset, q.format.Start); err != nil {
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
	behind, _, err := countRecords(first.file, q.format.Start, q.position.Offset, first.end, nil)
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
	q.log.Error("part of the inbox is damaged or incomplete; set aside", "file", path, "bytes", size)
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

// Put appends a record and returns when it is on disk. Records that are put at the same time share one fsync. It fails
// with [ErrFull] when there is no room. When ctx ends first, Put returns its error and the record may be stored or not.
// The record must match the inbox's [Format]; Put does not keep the slice.
func (q *Inbox) Put(ctx context.Context, record []byte) error {
	if !bytes.HasPrefix(record, q.format.Start) {
		return fmt.Errorf("queueing a record: it does not start with %q", q.format.Start)
	}
	size := int64(recordHeader + len(record))
	answer := make(chan error, 1)
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	if q.waiting+size > q.cfg.MaxBytes {
		waiting := q.waiting
		q.mu.Unlock()
		return fmt.Errorf("%w: %d of %d bytes are in use", ErrFull, waiting, q.cfg.MaxBytes)
	}
	q.waiting += size
	q.pending.bytes = appendRecord(q.pending.bytes, record)
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
		q.log.Error("cannot write to the inbox", "dir", q.dir, "error", err)
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

// Close ends the queue: records that are being put are written, further ones are refused. It waits for [Inbox.Run];
// cancel its context first.
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
