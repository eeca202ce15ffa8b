package webhook

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
	"time"
	"unicode/utf8"
)

// RejectedFile is the file of deliveries that could not be applied: one JSON document a line, for people to read.
const RejectedFile = "rejected.jsonl"

// RetryFile is what a person renames [RejectedFile] to, so that its deliveries are put into the inbox again when it is opened.
const RetryFile = "retry.jsonl"

// Rejection is a line of the file of rejected deliveries.
type Rejection struct {
	Number     uint64            `json:"number"` // of the delivery in the inbox
	RejectedAt time.Time         `json:"rejected_at"`
	Reason     string            `json:"reason"`
	Source     string            `json:"source"`
	Kind       Kind              `json:"kind"`
	ID         string            `json:"id"`
	ReceivedAt time.Time         `json:"received_at,omitzero"` // not known of what is no delivery
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body,omitempty"`
	BodyBase64 []byte            `json:"body_base64,omitempty"` // instead of Body where that is not text
}

// rejectedFile is that file, open for appending.
type rejectedFile struct {
	file  *os.File
	count uint64
	// ahead are the numbers of rejected deliveries that the position has not passed yet: the process ended in between.
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

// add appends a delivery with the reason, durably, unless it is there already.
func (r *rejectedFile) add(number uint64, d Delivery, raw []byte, reason string, now time.Time) error {
	if r.ahead[number] {
		return nil
	}
	line := Rejection{Number: number, RejectedAt: now.UTC(), Reason: reason, Source: d.Source, Kind: d.Kind, ID: d.ID,
		ReceivedAt: d.ReceivedAt, Headers: d.Headers}
	body := d.Body
	if raw != nil {
		body = raw
	}
	if utf8.Valid(body) {
		line.Body = string(body)
	} else {
		line.BodyBase64 = body
	}
	var doc bytes.Buffer
	encoder := json.NewEncoder(&doc)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line); err != nil {
		return fmt.Errorf("encoding a rejected delivery: %w", err)
	}
	end, err := r.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err = r.file.Write(doc.Bytes()); err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		_, seekErr := r.file.Seek(end, io.SeekStart)
		return errors.Join(fmt.Errorf("setting a delivery aside: %w", err), r.file.Truncate(end), seekErr)
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

// delivery returns what was rejected as it was received; false when it was no delivery.
func (r Rejection) delivery() (Delivery, bool) {
	d := Delivery{Source: r.Source, Kind: r.Kind, ID: r.ID, ReceivedAt: r.ReceivedAt, Headers: r.Headers, Body: r.BodyBase64}
	if r.Body != "" {
		d.Body = []byte(r.Body)
	}
	return d, r.Source != "" && r.Kind != ""
}

// retry puts the deliveries of [RetryFile] into the queue and removes the file. Lines that hold none stay in
// a file of their own.
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
		var r Rejection
		d, ok := Delivery{}, json.Unmarshal(line, &r) == nil
		if ok {
			d, ok = r.delivery()
		}
		if !ok {
			unread.Write(line)
			continue
		}
		if err := q.Put(ctx, d); err != nil {
			return fmt.Errorf("putting the deliveries of %s into the inbox again: %w", path, err)
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
		q.log.Warn("lines that are no deliveries are not tried again", "file", path+DamagedSuffix)
	}
	q.log.Info("deliveries that were set aside are tried again", "deliveries", n)
	return os.Remove(path)
}

// SetAside returns how many deliveries were rejected and how many damaged parts were set aside in the directory of an inbox,
// which another process may have open. A directory that is not there holds none.
func SetAside(dir string) (rejected, damaged uint64, err error) {
	parts, err := filepath.Glob(filepath.Join(dir, "*"+DamagedSuffix))
	if err != nil {
		return 0, 0, fmt.Errorf("listing the damaged parts in %s: %w", dir, err)
	}
	lines, err := os.ReadFile(filepath.Join(dir, RejectedFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, 0, fmt.Errorf("reading the rejected deliveries: %w", err)
	}
	return uint64(bytes.Count(lines, []byte{'\n'})), uint64(len(parts)), nil
}
