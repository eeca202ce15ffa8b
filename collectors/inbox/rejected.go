package inbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"
)

// RejectedFile holds the records that could not be applied: a JSON document per line, for people to read.
const RejectedFile = "rejected.jsonl"

// RetryFile is the name to which a person renames [RejectedFile]: its records are queued again when the inbox is
// opened.
const RetryFile = "retry.jsonl"

// rejection is how a line of [RejectedFile] begins; the keys of the record's description follow.
type rejection struct {
	Number     uint64    `json:"number"` // of the record in the inbox
	RejectedAt time.Time `json:"rejected_at"`
	Reason     string    `json:"reason"`
	Record     string    `json:"record,omitempty"` // where the record is malformed: itself
	Base64     []byte    `json:"record_base64,omitempty"`
}

// rejectedFile is that file, open for appending.
type rejectedFile struct {
	file  *os.File
	count uint64
	// ahead is the numbers of rejected records that the position has not passed yet: the process ended in between.
	ahead map[uint64]bool
}

// openRejected opens the file, cuts off a line that was not finished, and counts.
func openRejected(dir string, position uint64) (*rejectedFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, RejectedFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	r := &rejectedFile{file: f, ahead: map[uint64]bool{}}
	lines := bufio.NewReader(f)
	end := int64(0)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		var head struct {
			Number uint64 `json:"number"`
		}
		if json.Unmarshal(line, &head) == nil && head.Number >= position {
			r.ahead[head.Number] = true
		}
		end += int64(len(line))
		r.count++
	}
	if err := f.Truncate(end); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := f.Seek(end, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// add appends a record with the reason, durably, unless the file holds it already.
func (r *rejectedFile) add(f Format, number uint64, record []byte, reason string, now time.Time) error {
	if r.ahead[number] {
		return nil
	}
	line, err := rejection{Number: number, RejectedAt: now.UTC(), Reason: reason}.line(f, record)
	if err != nil {
		return fmt.Errorf("encoding a rejected record: %w", err)
	}
	end, err := r.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err = r.file.Write(line); err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		_, seekErr := r.file.Seek(end, io.SeekStart)
		return errors.Join(fmt.Errorf("setting a record aside: %w", err), r.file.Truncate(end), seekErr)
	}
	r.ahead[number] = true
	r.count++
	return nil
}

// passed forgets the numbers that the position has passed.
func (r *rejectedFile) passed(position uint64) {
	for number := range r.ahead {
		if number < position {
			delete(r.ahead, number)
		}
	}
}

func (r *rejectedFile) close() error { return r.file.Close() }

// line returns the rejection with the description of its record as one line.
func (r rejection) line(f Format, record []byte) ([]byte, error) {
	description, ok := f.Describe(record)
	switch {
	case ok:
	case utf8.Valid(record):
		r.Record = string(record)
	default:
		r.Base64 = record
	}
	var doc bytes.Buffer
	encoder := json.NewEncoder(&doc)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, err
	}
	line := doc.Bytes()
	if inner := bytes.TrimSuffix(bytes.TrimPrefix(bytes.TrimSpace(description), []byte("{")), []byte("}")); len(
		inner,
	) > 0 {
		line = slices.Concat(bytes.TrimSuffix(line, []byte("}\n")), []byte(","), inner, []byte("}\n"))
	}
	return line, nil
}

// retry queues the records of [RetryFile] and removes the file. Lines that hold none stay in a file of their own.
func (q *Inbox) retry(ctx context.Context) error {
	path := filepath.Join(q.dir, RetryFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var unread bytes.Buffer
	n := 0
	for line := range bytes.Lines(content) {
		record, ok := q.format.Restore(line)
		if !ok {
			unread.Write(line)
			continue
		}
		if err := q.Put(ctx, record); err != nil {
			return fmt.Errorf("queueing the records of %s again: %w", path, err)
		}
		n++
	}
	if unread.Len() > 0 {
		if err := os.WriteFile(path+DamagedSuffix, unread.Bytes(), 0o600); err != nil {
			return err
		}
		q.mu.Lock()
		q.damaged[RetryFile+DamagedSuffix] = true
		q.mu.Unlock()
		q.log.Warn("lines without a record are not queued again", "file", path+DamagedSuffix)
	}
	q.log.Info("rejected records are queued again", "records", n)
	return os.Remove(path)
}

// SetAside returns the numbers of rejected records and of damaged parts in the directory of an inbox, which another
// process may have open. A missing directory holds none.
func SetAside(dir string) (rejected, damaged uint64, err error) {
	parts, err := filepath.Glob(filepath.Join(dir, "*"+DamagedSuffix))
	if err != nil {
		return 0, 0, fmt.Errorf("listing the damaged parts in %s: %w", dir, err)
	}
	lines, err := os.ReadFile(filepath.Join(dir, RejectedFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, 0, fmt.Errorf("reading the rejected records: %w", err)
	}
	return uint64(bytes.Count(lines, []byte{'\n'})), uint64(len(parts)), nil
}
