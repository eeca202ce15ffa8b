package inbox

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// batch is the records between the position of the inbox and the next one to read. It begins with one that is not done.
type batch struct {
	entries []*entry
	next    position // where the record behind the last entry begins
	skipped int64    // bytes of damaged parts behind the last entry
	worked  bool     // the handler has applied a record of the batch, perhaps one that is no longer among the entries
}

// entry is a record that was read.
type entry struct {
	record   []byte // nil once it is done
	start    position
	size     int64 // of the record in the queue, with the damaged parts before it
	failures int   // how often it failed while another record did not
	done     bool  // applied or set aside
}

// open returns the entries from an index on that are not done.
func (b *batch) open(from int) []*entry {
	var open []*entry
	for _, e := range b.entries[from:] {
		if !e.done {
			open = append(open, e)
		}
	}
	return open
}

// finish marks an entry as done.
func (e *entry) finish() { e.record, e.done = nil, true }

// extend reads further records into a batch, at most batchRecords and about batchBytes, of as many segments as it
// takes.
func (q *Inbox) extend(b *batch) error {
	bytes := int64(0)
	for n := 0; n < batchRecords && bytes < batchBytes; {
		s, end, following := q.segmentAt(b.next.Segment)
		record, next, err := readRecord(s.file, b.next.Offset, end)
		switch {
		case errors.Is(err, io.EOF) && following == 0:
			return nil
		case errors.Is(err, io.EOF):
			b.next = position{Segment: following, Number: following}
			continue
		case errors.Is(err, errTorn):
			if err := q.skipDamaged(s, b, end); err != nil {
				return err
			}
			continue
		case err != nil:
			return fmt.Errorf("%s at %d: %w", s.path, b.next.Offset, err)
		}
		size := next - b.next.Offset
		b.entries = append(b.entries, &entry{record: record, start: b.next, size: size + b.skipped})
		b.next.Offset, b.next.Number, b.skipped = next, b.next.Number+1, 0
		bytes += size
		n++
	}
	return nil
}

// segmentAt returns a segment, where it ends, and the number of the following one; 0 where it is the last.
func (q *Inbox) segmentAt(first uint64) (s *segment, end int64, following uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := 0
	for i < len(q.segments)-1 && q.segments[i].first != first {
		i++
	}
	if i+1 < len(q.segments) {
		following = q.segments[i+1].first
	}
	return q.segments[i], q.segments[i].end, following
}

// skipDamaged sets the damaged part behind a batch aside; the batch then goes on at the next whole record.
func (q *Inbox) skipDamaged(s *segment, b *batch, end int64) error {
	next, err := nextRecord(s.file, q.format.Start, b.next.Offset, end)
	if err != nil {
		return err
	}
	size := next - b.next.Offset
	if err := q.setDamagedAside(s, b.next.Offset, size); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	b.next.Offset = next
	b.skipped += size
	// What was whole when the inbox was opened may be damaged since.
	left, _, err := countRecords(s.file, q.format.Start, next, s.end, nil)
	if err != nil {
		return err
	}
	q.counted = uint64(len(b.entries)) + left
	for _, later := range q.segments {
		if later.first > s.first {
			q.counted += later.count
		}
	}
	return nil
}

// advance moves the position behind the entries at the beginning of a batch that are done, which it removes from it,
// and drops the segments before the position.
func (q *Inbox) advance(b *batch) {
	at, size, n := b.next, int64(0), 0
	for ; n < len(b.entries) && b.entries[n].done; n++ {
		size += b.entries[n].size
	}
	if n < len(b.entries) {
		at = b.entries[n].start
	} else {
		size, b.skipped = size+b.skipped, 0
	}
	b.entries = b.entries[n:]
	var passed []*segment
	q.mu.Lock()
	unchanged := at == q.position
	q.rejected.passed(at.Number)
	q.position = at
	q.waiting -= size
	q.counted -= uint64(n)
	for len(q.segments) > 1 && q.segments[0].first < at.Segment {
		passed, q.segments = append(passed, q.segments[0]), q.segments[1:]
	}
	q.mu.Unlock()
	if unchanged {
		return
	}
	q.savePosition(at)
	for _, s := range passed {
		if err := errors.Join(s.file.Close(), os.Remove(s.path)); err != nil {
			q.log.Warn("cannot remove an applied file of the inbox", "error", err)
		}
	}
}

// savePosition stores how far the worker has come. When that fails, or a power cut undoes it, records are delivered
// again; so it does not wait for the disk.
func (q *Inbox) savePosition(at position) {
	err := writePosition(q.dir, at)
	if err != nil {
		q.log.Warn("cannot save the inbox's position; after a restart records are delivered again", "error", err)
	}
}
