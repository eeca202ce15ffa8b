package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Handler applies records.
type Handler interface {
	// Handle applies records in their order. When it returns no error, all of them are durably applied, except the rejected
	// ones: their index and the reason why they can never be applied. After an error any of them may be applied or not; the
	// records are delivered again, all at once or one by one.
	Handle(ctx context.Context, batch [][]byte) (rejected map[int]string, err error)
}

// Prober is a Handler that can report whether it would apply records at all. Another one is assumed to work once it has
// applied a record of a batch.
type Prober interface {
	// Probe returns nil when the handler's destination can be written to.
	Probe(ctx context.Context) error
}

// HandlerFunc is a Handler that is a function.
type HandlerFunc func(ctx context.Context, batch [][]byte) (map[int]string, error)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, batch [][]byte) (map[int]string, error) {
	return f(ctx, batch)
}

const (
	batchRecords = 1000    // records delivered at once, at most
	batchBytes   = 4 << 20 // and of about this size
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
	// suspicions is how often a record fails alone, while another next to it does not, until it is set aside. With the
	// pauses between, that is half a minute: a store that fails now and then must not cost a record.
	suspicions = 9
)

// batch is the records that are delivered at once.
type batch struct {
	records [][]byte
	numbers []uint64
	next    position // behind it
	bytes   int64
}

// Run delivers the records of the inbox, and those that arrive, until ctx ends; it then returns ctx's error. A handler that
// fails is called again, with growing pauses. A record that fails while its neighbors do not is set aside in
// [RejectedFile] with the reason; the records behind it are applied meanwhile. While no record can be applied none is set
// aside: then the handler's destination is at fault. Only one Run at a time.
func (q *Inbox) Run(ctx context.Context, h Handler) error {
	q.running.Lock()
	defer q.running.Unlock()
	for {
		b, err := q.read()
		if err != nil {
			return fmt.Errorf("reading the inbox %s: %w", q.dir, err)
		}
		if len(b.records) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-q.arrived:
				continue
			}
		}
		if b, err = q.deliver(ctx, h, b); err != nil {
			return err
		}
		q.advance(b)
	}
}

// read returns the next batch, of one segment; empty when there is nothing.
func (q *Inbox) read() (batch, error) {
	q.mu.Lock()
	s, last, at, end := q.segments[0], len(q.segments) == 1, q.position, q.segments[0].end
	q.mu.Unlock()
	if at.Offset >= end && !last {
		q.nextSegment()
		return q.read()
	}
	b := batch{next: at}
	for len(b.records) < batchRecords && b.bytes < batchBytes {
		doc, next, err := readRecord(s.file, b.next.Offset, end)
		if errors.Is(err, io.EOF) || errors.Is(err, errTorn) && len(b.records) > 0 {
			break
		}
		if errors.Is(err, errTorn) {
			return batch{}, q.skipDamaged(s, b.next, end)
		}
		if err != nil {
			return batch{}, fmt.Errorf("%s at %d: %w", s.path, b.next.Offset, err)
		}
		b.records = append(b.records, doc)
		b.numbers = append(b.numbers, b.next.Number)
		b.bytes += next - b.next.Offset
		b.next.Offset = next
		b.next.Number++
	}
	return b, nil
}

// skipDamaged moves the position to the next whole record behind a damaged part, and sets that part aside.
func (q *Inbox) skipDamaged(s *segment, at position, end int64) error {
	next, err := nextRecord(s.file, q.format.Start, at.Offset, end)
	if err != nil {
		return err
	}
	if err := q.setDamagedAside(s, at.Offset, next-at.Offset); err != nil {
		return err
	}
	left, _, err := countRecords(s.file, q.format.Start, next, end, nil) // what was whole when it was opened may be damaged since
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.position.Offset = next
	q.waiting -= next - at.Offset
	q.counted = left
	for _, later := range q.segments[1:] {
		q.counted += later.count
	}
	signal(q.arrived) // look again
	return nil
}

// nextSegment drops the first segment, which is done with.
func (q *Inbox) nextSegment() {
	q.mu.Lock()
	done, next := q.segments[0], q.segments[1]
	q.position = position{Segment: next.first, Number: next.first}
	q.segments = q.segments[1:]
	at := q.position
	q.mu.Unlock()
	q.savePosition(at)
	if err := errors.Join(done.file.Close(), os.Remove(done.path)); err != nil {
		q.log.Warn("cannot remove an applied file of the inbox", "error", err)
	}
}

// advance notes that a batch is done.
func (q *Inbox) advance(b batch) {
	q.savePosition(b.next)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rejected.passed(b.next.Number)
	q.position = b.next
	q.waiting -= b.bytes
	q.counted -= uint64(len(b.records))
}

// savePosition stores how far the worker has come. When that fails, or a power cut undoes it, records are delivered again;
// so it does not wait for the disk.
func (q *Inbox) savePosition(at position) {
	err := writePosition(q.dir, at)
	if err != nil {
		q.log.Warn("cannot save the inbox's position; after a restart records are delivered again", "error", err)
	}
}

// deliver delivers a batch until every record of it is applied or set aside; it fails only when ctx ends. While a record
// of it fails, those that have arrived meanwhile join the batch, so that they do not wait. It returns the batch as it
// ended.
func (q *Inbox) deliver(ctx context.Context, h Handler, b batch) (batch, error) {
	done := make([]bool, len(b.records))
	blamed := make([]int, len(b.records)) // how often each failed while another did not
	pause := firstPause
	for {
		err := q.attempt(ctx, h, b, done, blamed)
		if err == nil {
			return b, nil
		}
		if ctx.Err() != nil {
			return b, ctx.Err()
		}
		q.log.Warn("cannot apply records; retrying", "records", len(b.records), "in", pause, "error", err)
		if err := q.pause(ctx, pause); err != nil {
			return b, err
		}
		pause = min(2*pause, longestPause)
		longer, err := q.read()
		if err != nil {
			return b, fmt.Errorf("reading the inbox %s: %w", q.dir, err)
		}
		if more := len(longer.records) - len(b.records); more > 0 {
			b = longer
			done, blamed = append(done, make([]bool, more)...), append(blamed, make([]int, more)...)
		}
	}
}

// pause waits between attempts; at most a second when a record arrives, which must not wait for those that fail.
func (q *Inbox) pause(ctx context.Context, d time.Duration) error {
	for d > 0 {
		part := min(d, time.Second)
		if err := q.opt.Sleep(ctx, part); err != nil {
			return err
		}
		select {
		case <-q.arrived:
			return nil
		default:
		}
		d -= part
	}
	return nil
}

// attempt delivers the records that are not done: all at once, and where that fails one by one, in order. Its error is the
// reason why some are still not done.
func (q *Inbox) attempt(ctx context.Context, h Handler, b batch, done []bool, blamed []int) error {
	var open []int
	for i, is := range done {
		if !is {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return nil
	}
	err := q.hand(ctx, h, b, open, done)
	var aside asideError
	if err == nil || ctx.Err() != nil || errors.As(err, &aside) || len(b.records) == 1 && !isPanic(err) {
		return err
	}
	failures := map[int]error{}
	applied := 0
	for _, i := range open {
		if done[i] {
			continue
		}
		err := q.hand(ctx, h, b, []int{i}, done)
		if ctx.Err() != nil || errors.As(err, &aside) {
			return err
		}
		if err == nil {
			applied++
			continue
		}
		failures[i] = err
	}
	// When others went through, the handler works. When they did before, it may be down by now.
	works := applied > 0
	if !works && len(open) < len(b.records) {
		prober, can := h.(Prober)
		works = !can || prober.Probe(ctx) == nil
	}
	return q.blame(b, failures, works, done, blamed)
}

// blame decides about records that failed alone. When the handler works, the record is at fault: after some attempts it is
// set aside. When it does not, its destination is at fault, and all wait. A panic is always the record's fault.
func (q *Inbox) blame(b batch, failures map[int]error, works bool, done []bool, blamed []int) error {
	var left error
	for i := range b.records {
		err := failures[i]
		if err == nil {
			continue
		}
		if works {
			blamed[i]++
		}
		if blamed[i] < suspicions && !isPanic(err) {
			left = err
			continue
		}
		if err := q.reject(b, i, err.Error()); err != nil {
			return err
		}
		done[i] = true
	}
	return left
}

// hand calls the handler with the records at the indexes and sets aside what it rejects.
func (q *Inbox) hand(ctx context.Context, h Handler, b batch, indexes []int, done []bool) error {
	records := make([][]byte, len(indexes))
	for n, i := range indexes {
		records[n] = b.records[i]
	}
	rejected, err := safely(ctx, h, records)
	if err != nil {
		return err
	}
	for n, i := range indexes {
		if reason, no := rejected[n]; no {
			if err := q.reject(b, i, reason); err != nil {
				return err
			}
		}
		done[i] = true
	}
	return nil
}

// panicked is the error of a handler that panicked.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("applying it panicked: %v", p.value) }

func isPanic(err error) bool {
	var p panicked
	return errors.As(err, &p)
}

func safely(ctx context.Context, h Handler, records [][]byte) (rejected map[int]string, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = panicked{failure}
		}
	}()
	return h.Handle(ctx, records)
}

// asideError is returned when a record cannot be set aside: the disk's fault, not the record's.
type asideError struct{ error }

func (a asideError) Unwrap() error { return a.error }

// reject sets a record aside.
func (q *Inbox) reject(b batch, i int, reason string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.rejected.add(q.format, b.numbers[i], b.records[i], reason, q.opt.Now()); err != nil {
		return asideError{err}
	}
	q.log.Warn("record set aside", "number", b.numbers[i], "reason", reason, "file", filepath.Join(q.dir, RejectedFile))
	return nil
}
