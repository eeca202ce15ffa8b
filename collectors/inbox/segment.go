package inbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The queue is a directory of segments: files to which records are appended, named after the number of their first
// record:
//
//	00000000000000000001.inbox
//
// A record is stored behind its length and its CRC-32C, four bytes each, little endian. Where the disk has changed what
// was written, the next whole record is found by Format.Start.

const (
	segmentSuffix = ".inbox"
	recordHeader  = 8
)

// DamagedSuffix ends the names of the files that hold damaged parts of an inbox.
const DamagedSuffix = ".damaged"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn says that a segment does not go on with a whole record.
var errTorn = errors.New("torn record")

// appendRecord appends a record with its header to buf.
func appendRecord(buf, doc []byte) []byte {
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(doc)))
	buf = binary.LittleEndian.AppendUint32(buf, crc32.Checksum(doc, castagnoli))
	return append(buf, doc...)
}

// readRecord returns the document of the record at offset and where the next one begins; io.EOF at end, errTorn where
// what is there is not a record.
func readRecord(r io.ReaderAt, offset, end int64) (doc []byte, next int64, err error) {
	if offset >= end {
		return nil, offset, io.EOF
	}
	var head [recordHeader]byte
	if end-offset < recordHeader {
		return nil, offset, errTorn
	}
	if _, err := r.ReadAt(head[:], offset); err != nil {
		return nil, offset, err
	}
	length := int64(binary.LittleEndian.Uint32(head[:4]))
	next = offset + recordHeader + length
	if length == 0 || next > end {
		return nil, offset, errTorn
	}
	doc = make([]byte, length)
	if _, err := r.ReadAt(doc, offset+recordHeader); err != nil {
		return nil, offset, err
	}
	if crc32.Checksum(doc, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, offset, errTorn
	}
	return doc, next, nil
}

// nextRecord returns the offset of the next whole record after offset; end when there is none. Every record starts with
// start.
func nextRecord(r io.ReaderAt, start []byte, offset, end int64) (int64, error) {
	const window = 256 << 10
	buf := make([]byte, window)
	for at := offset + 1; at+recordHeader < end; {
		n, err := r.ReadAt(buf[:min(window, end-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		part := buf[:n]
		for from := 0; ; {
			i := bytes.Index(part[from:], start)
			if i < 0 {
				break
			}
			from += i + 1
			begins := at + int64(from-1) - recordHeader
			if begins <= offset {
				continue
			}
			if _, _, err := readRecord(r, begins, end); err == nil {
				return begins, nil
			} else if !errors.Is(err, errTorn) {
				return 0, err
			}
		}
		if n < len(start) || at+int64(n) >= end {
			break
		}
		at += int64(n - len(start) + 1) // what begins at the end of the window is seen by the next one
	}
	return end, nil
}

// countRecords returns how many whole records there are from offset on and where the last one ends. each is told where
// every record begins; it may be nil.
func countRecords(
	r io.ReaderAt,
	start []byte,
	offset, end int64,
	each func(begins int64),
) (count uint64, last int64, err error) {
	for last = offset; ; {
		_, next, err := readRecord(r, offset, end)
		switch {
		case errors.Is(err, io.EOF):
			return count, last, nil
		case errors.Is(err, errTorn):
			if offset, err = nextRecord(r, start, offset, end); err != nil {
				return 0, 0, err
			}
			continue
		case err != nil:
			return 0, 0, err
		}
		if each != nil {
			each(offset)
		}
		count++
		offset, last = next, next
	}
}

// segment is one file of the queue. The numbers are guarded by the inbox's mutex.
type segment struct {
	first uint64 // number of its first record
	path  string
	file  *os.File
	end   int64  // behind the last record that is safe on disk
	count uint64 // records in it
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// createSegment makes an empty segment and makes its name durable.
func createSegment(dir string, first uint64) (*segment, error) {
	s := &segment{first: first, path: segmentPath(dir, first)}
	var err error
	if s.file, err = os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return nil, err
	}
	if err := syncDir(dir); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

// openSegment opens a segment and counts its whole records. It ends behind the last one; how many bytes follow is
// returned.
func openSegment(dir string, first uint64, start []byte) (s *segment, rest int64, err error) {
	s = &segment{first: first, path: segmentPath(dir, first)}
	if s.file, err = os.OpenFile(s.path, os.O_RDWR, 0o600); err != nil {
		return nil, 0, err
	}
	info, err := s.file.Stat()
	if err == nil {
		s.count, s.end, err = countRecords(s.file, start, 0, info.Size(), nil)
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("reading %s: %w", s.path, err), s.file.Close())
	}
	return s, info.Size() - s.end, nil
}

// holds reports whether a position may begin at an offset: not where it would cut a whole record.
func (s *segment) holds(offset int64, start []byte) (bool, error) {
	begins := offset == s.end
	before := int64(0) // the end of the last record that begins before offset
	_, _, err := countRecords(s.file, start, 0, s.end, func(record int64) {
		if record == offset {
			begins = true
		}
		if record < offset {
			before = record
		}
	})
	if err != nil || begins || offset > s.end {
		return begins, err
	}
	_, next, err := readRecord(s.file, before, s.end)
	if errors.Is(err, errTorn) {
		return true, nil
	}
	return next <= offset, err
}

// next is the number of the first record of the segment behind this one.
func (s *segment) next() uint64 { return s.first + max(s.count, 1) }

// listSegments returns the numbers of the segments in a directory, oldest first.
func listSegments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var firsts []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		if first, err := strconv.ParseUint(name, 10, 64); ok && err == nil && len(name) == 20 {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	return firsts, nil
}

// syncDir makes what was created, renamed or removed in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
