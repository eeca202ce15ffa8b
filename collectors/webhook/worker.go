package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// BatchHandler applies deliveries.
type BatchHandler interface {
	// Handle applies deliveries in their order. When it returns no error, all of them are durably applied but for the
	// rejected ones, given by their index with the reason, which can never be. An error says that nothing is certain; the
	// deliveries are handed over again, all or one by one.
	Handle(ctx context.Context, batch []Delivery) (rejected map[int]string, err error)
}

// Prober is a BatchHandler that can show whether it would apply deliveries at all. Of one that cannot it is taken for granted
// once it has applied a delivery of a batch.
type Prober interface {
	// Probe returns nil when what the handler writes to can be written to.
	Probe(ctx context.Context) error
}

// HandlerFunc is a BatchHandler that is a function.
type HandlerFunc func(ctx context.Context, batch []Delivery) (map[int]string, error)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, batch []Delivery) (map[int]string, error) {
	return f(ctx, batch)
}

const (
	batchRecords = 1000    // deliveries handed over at once, at most
	batchBytes   = 4 << 20 // and of about this size
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
	// suspicions is how often a delivery fails alone, while another next to it does not, until it is set aside. With the
	// pauses between, that is half a minute: a store that fails now and then must not cost a delivery.
	suspicions = 9
)

// batch is what is handed over at once.
type batch struct {
	deliveries []Delivery
	numbers    []uint64
	damaged    map[int][]byte // documents that are no deliveries, by index
	next       position       // behind it
	bytes      int64
}

// Run hands over what is in the inbox and what comes, until ctx ends; it returns ctx's error then. A handler that fails is
// asked again, with growing pauses. A delivery that fails while its neighbors do not is set aside in rejected.jsonl with
// the reason; what comes behind it is applied meanwhile. While no delivery can be applied nothing is set aside: then the
// store is at fault. Only one Run at a time.
func (q *Inbox) Run(ctx context.Context, h BatchHandler) error {
	q.running.Lock()
	defer q.running.Unlock()
	for {
		b, err := q.read()
		if err != nil {
			return fmt.Errorf("reading the inbox %s: %w", q.dir, err)
		}
		if len(b.deliveries) == 0 {
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
	b := batch{next: at, damaged: map[int][]byte{}}
	for len(b.deliveries) < batchRecords && b.bytes < batchBytes {
		doc, next, err := readRecord(s.file, b.next.Offset, end)
		if errors.Is(err, io.EOF) || errors.Is(err, errTorn) && len(b.deliveries) > 0 {
			break
		}
		if errors.Is(err, errTorn) {
			return batch{}, q.skipDamaged(s, b.next, end)
		}
		if err != nil {
			return batch{}, fmt.Errorf("%s at %d: %w", s.path, b.next.Offset, err)
		}
		d, err := decodeDelivery(doc)
		if err != nil {
			b.damaged[len(b.deliveries)] = doc
		}
		b.deliveries = append(b.deliveries, d)
		b.numbers = append(b.numbers, b.next.Number)
		b.bytes += next - b.next.Offset
		b.next.Offset = next
		b.next.Number++
	}
	return b, nil
}

// skipDamaged goes on at the next whole record behind a part that is none, and keeps that part beside.
func (q *Inbox) skipDamaged(s *segment, at position, end int64) error {
	next, err := nextRecord(s.file, at.Offset, end)
	if err != nil {
		return err
	}
	if err := q.setDamagedAside(s, at.Offset, next-at.Offset); err != nil {
		return err
	}
	left, _, err := countRecords(s.file, next, end, nil) // what was whole when it was opened may be damaged since
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
		q.log.Warn("a file of the inbox that is done with stays behind", "error", err)
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
	q.counted -= uint64(len(b.deliveries))
}

// savePosition notes how far the worker has come. When that fails, or a power cut undoes it, deliveries are handed over
// again; so it waits for no disk.
func (q *Inbox) savePosition(at position) {
	err := writePosition(q.dir, at)
	if err != nil {
		q.log.Warn("the inbox's position cannot be saved; after a restart deliveries are handed over again", "error", err)
	}
}

// deliver hands a batch over until every delivery of it is applied or set aside; it fails only when ctx ends. While
// something of it fails, what has come meanwhile joins the batch, so that it does not wait. It returns the batch as it
// ended.
func (q *Inbox) deliver(ctx context.Context, h BatchHandler, b batch) (batch, error) {
	done := make([]bool, len(b.deliveries))
	blamed := make([]int, len(b.deliveries)) // how often each failed while another did not
	pause := firstPause
	for {
		err := q.attempt(ctx, h, b, done, blamed)
		if err == nil {
			return b, nil
		}
		if ctx.Err() != nil {
			return b, ctx.Err()
		}
		q.log.Warn("deliveries could not be applied; they are tried again", "deliveries", len(b.deliveries), "in", pause, "error", err)
		if err := q.pause(ctx, pause); err != nil {
			return b, err
		}
		pause = min(2*pause, longestPause)
		longer, err := q.read()
		if err != nil {
			return b, fmt.Errorf("reading the inbox %s: %w", q.dir, err)
		}
		if more := len(longer.deliveries) - len(b.deliveries); more > 0 {
			b = longer
			done, blamed = append(done, make([]bool, more)...), append(blamed, make([]int, more)...)
		}
	}
}

// pause waits between attempts; at most a second when a delivery arrives, which is not to wait for those that fail.
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

// attempt hands over what is not done: all at once, and where that fails one by one, in order. Its error says why
// something is still not done.
func (q *Inbox) attempt(ctx context.Context, h BatchHandler, b batch, done []bool, blamed []int) error {
	var open []int
	for i, is := range done {
		if doc, damaged := b.damaged[i]; damaged && !is {
			if err := q.reject(b, i, doc, "it is not a delivery"); err != nil {
				return err
			}
			done[i] = true
			continue
		}
		if !is {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return nil
	}
	err := q.hand(ctx, h, b, open, done)
	var aside asideError
	if err == nil || ctx.Err() != nil || errors.As(err, &aside) || len(b.deliveries) == 1 && !isPanic(err) {
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
	if !works && len(open) < len(b.deliveries) {
		prober, can := h.(Prober)
		works = !can || prober.Probe(ctx) == nil
	}
	return q.blame(b, failures, works, done, blamed)
}

// blame decides about deliveries that failed alone. When the handler works, the delivery is at fault: after some attempts
// it is set aside. When it does not, the store is at fault, and all wait. A panic is always the delivery's fault.
func (q *Inbox) blame(b batch, failures map[int]error, works bool, done []bool, blamed []int) error {
	var left error
	for i := range b.deliveries {
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
		if err := q.reject(b, i, nil, err.Error()); err != nil {
			return err
		}
		done[i] = true
	}
	return left
}

// hand calls the handler with the deliveries at the indexes and sets aside what it rejects.
func (q *Inbox) hand(ctx context.Context, h BatchHandler, b batch, indexes []int, done []bool) error {
	deliveries := make([]Delivery, len(indexes))
	for n, i := range indexes {
		deliveries[n] = b.deliveries[i]
	}
	rejected, err := safely(ctx, h, deliveries)
	if err != nil {
		return err
	}
	for n, i := range indexes {
		if reason, no := rejected[n]; no {
			if err := q.reject(b, i, nil, reason); err != nil {
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

func safely(ctx context.Context, h BatchHandler, deliveries []Delivery) (rejected map[int]string, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = panicked{failure}
		}
	}()
	return h.Handle(ctx, deliveries)
}

// asideError says that a delivery could not be set aside: the disk's fault, not a delivery's.
type asideError struct{ error }

func (a asideError) Unwrap() error { return a.error }

// reject sets a delivery aside. raw is its document where that could not be read.
func (q *Inbox) reject(b batch, i int, raw []byte, reason string) error {
	d := b.deliveries[i]
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.rejected.add(b.numbers[i], d, raw, reason, q.opt.Now()); err != nil {
		return asideError{err}
	}
	q.log.Warn("a delivery was set aside", "source", d.Source, "kind", d.Kind, "id", d.ID, "reason", reason, "file", filepath.Join(q.dir, RejectedFile))
	return nil
}
