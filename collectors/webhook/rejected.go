package webhook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"
)

// rejectedName is the file of deliveries that could not be applied: one JSON document a line, for people to read.
const rejectedName = "rejected.jsonl"

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
	f, err := os.OpenFile(filepath.Join(dir, rejectedName), os.O_RDWR|os.O_CREATE, 0o600)
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
