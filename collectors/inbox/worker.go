package inbox

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Handler applies records.
type Handler interface {
	// Handle applies records in their order. When it returns no error, all of them are durably applied, except the
	// rejected ones: their index and the reason why they can never be applied. After an error any of them may be applied
	// or not; the records are delivered again, all at once or one by one.
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
	batchRecords = 1000    // records read and delivered at once, at most
	batchBytes   = 4 << 20 // and of about this size
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
	// maxFailures is how often a record fails alone, while another next to it does not, until it is set aside. With the
	// pauses between, that is half a minute: a store that fails now and then must not cost a record.
	maxFailures = 9
)

// Run delivers the records of the inbox, and those that arrive, until ctx ends; it then returns ctx's error. A handler
// that fails is called again, with growing pauses. A record that fails while its neighbors do not is set aside in
// [RejectedFile] with the reason; the records behind it are applied meanwhile. While no record can be applied none is
// set aside: then the handler's destination is at fault. Only one Run at a time.
func (q *Inbox) Run(ctx context.Context, h Handler) error {
	q.running.Lock()
	defer q.running.Unlock()
	for {
		q.mu.Lock()
		b := &batch{next: q.position}
		q.mu.Unlock()
		if err := q.extend(b); err != nil {
			return q.readError(err)
		}
		if len(b.entries) == 0 {
			q.advance(b) // behind a damaged part, or to the next segment
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-q.arrived:
				continue
			}
		}
		if err := q.finish(ctx, h, b); err != nil {
			return err
		}
	}
}

func (q *Inbox) readError(err error) error { return fmt.Errorf("reading the inbox %s: %w", q.dir, err) }

// finish delivers a batch until every record of it is applied or set aside; it fails only when ctx ends or the inbox
// cannot be read. While records of it fail, those behind them join the batch and are delivered before the others are
// again, so that none waits for those that fail.
func (q *Inbox) finish(ctx context.Context, h Handler, b *batch) error {
	pause := firstPause
	err := q.attempt(ctx, h, b, b.open(0))
	for {
		if err := q.deliverBehind(ctx, h, b); err != nil {
			return err
		}
		open := b.open(0)
		if len(open) == 0 {
			return ctx.Err()
		}
		q.log.Warn("cannot apply records; retrying", "records", len(open), "in", pause, "error", err)
		if err := q.pause(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, longestPause)
		for part := range slices.Chunk(b.open(0), batchRecords) {
			if err := q.deliverBehind(ctx, h, b); err != nil {
				return err
			}
			err = q.attempt(ctx, h, b, part)
		}
	}
}

// deliverBehind delivers the records behind a batch once, as they join it. A batch of which nothing was applied is
// extended beyond batchRecords only while the handler's destination can be written to.
func (q *Inbox) deliverBehind(ctx context.Context, h Handler, b *batch) error {
	for {
		q.advance(b)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(b.open(0)) >= batchRecords && destination(ctx, h) == down {
			return nil
		}
		n := len(b.entries)
		if err := q.extend(b); err != nil {
			return q.readError(err)
		}
		joined := b.open(n)
		if len(joined) == 0 {
			q.advance(b)
			return nil
		}
		if err := q.attempt(ctx, h, b, joined); err != nil {
			q.log.Warn("cannot apply records; they are tried again", "records", len(joined), "error", err)
		}
	}
}

// What is known of the destination of a handler.
const (
	unknown = iota
	up
	down
)

// destination asks a handler whether its destination can be written to.
func destination(ctx context.Context, h Handler) int {
	prober, can := h.(Prober)
	switch {
	case !can:
		return unknown
	case prober.Probe(ctx) != nil:
		return down
	}
	return up
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

// attempt delivers entries that are not done: all at once, and where that fails one by one, in order. Its error is the
// reason why some are still not done.
func (q *Inbox) attempt(ctx context.Context, h Handler, b *batch, open []*entry) error {
	if len(open) == 0 {
		return nil
	}
	before := b.worked
	err := q.deliver(ctx, h, b, open)
	var aside asideError
	if err == nil || ctx.Err() != nil || errors.As(err, &aside) {
		return err
	}
	failures := map[*entry]error{}
	applied := 0
	for _, e := range open {
		if len(open) > 1 {
			err = q.deliver(ctx, h, b, []*entry{e})
		}
		if ctx.Err() != nil || errors.As(err, &aside) {
			return err
		}
		if err == nil {
			applied++
			continue
		}
		failures[e] = err
	}
	// When others went through, the handler works. When they did before, it may be down by now.
	works := applied > 0 || before && destination(ctx, h) != down
	return q.quarantine(open, failures, works)
}

// quarantine decides about records that failed alone. When the handler works, the record is at fault: after some
// attempts it is set aside. When it does not, its destination is at fault, and all wait. A panic is always the record's
// fault.
func (q *Inbox) quarantine(open []*entry, failures map[*entry]error, works bool) error {
	var left error
	for _, e := range open {
		err := failures[e]
		if err == nil {
			continue
		}
		if works {
			e.failures++
		}
		if e.failures < maxFailures && !isPanic(err) {
			left = err
			continue
		}
		if err := q.reject(e, err.Error()); err != nil {
			return err
		}
	}
	return left
}

// deliver calls the handler with the records of entries and sets aside what it rejects.
func (q *Inbox) deliver(ctx context.Context, h Handler, b *batch, entries []*entry) error {
	records := make([][]byte, len(entries))
	for i, e := range entries {
		records[i] = e.record
	}
	rejected, err := safely(ctx, h, records)
	if err != nil {
		return err
	}
	b.worked = true
	for i, e := range entries {
		if reason, no := rejected[i]; no {
			if err := q.reject(e, reason); err != nil {
				return err
			}
		}
		e.finish()
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

// reject sets a record aside, which then is done.
func (q *Inbox) reject(e *entry, reason string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.rejected.add(q.format, e.start.Number, e.record, reason, q.opt.Now()); err != nil {
		return asideError{err}
	}
	q.log.Warn("record set aside", "number", e.start.Number, "reason", reason, "file", filepath.Join(q.dir, RejectedFile))
	e.finish()
	return nil
}
