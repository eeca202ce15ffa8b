package webhook

import (
	"encoding/binary"
	"encoding/json"
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

// The queue is a folder of segments, files to which records are appended, named after the number of their first record:
//
//	00000000000000000001.inbox
//
// A record is the length of its document and the document's CRC-32C, four bytes each, little endian, and the document,
// which is the Delivery as JSON.

const (
	segmentSuffix = ".inbox"
	recordHeader  = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn says that a segment does not go on with a whole record.
var errTorn = errors.New("torn record")

// appendRecord appends the record of a document to buf.
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

// decodeDelivery reads the document of a record.
func decodeDelivery(doc []byte) (Delivery, error) {
	var d Delivery
	err := json.Unmarshal(doc, &d)
	return d, err
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

// openSegment opens a segment and counts its records. It ends before the first record that is not whole; how many bytes
// follow there is returned.
func openSegment(dir string, first uint64) (s *segment, torn int64, err error) {
	s = &segment{first: first, path: segmentPath(dir, first)}
	if s.file, err = os.OpenFile(s.path, os.O_RDWR, 0o600); err != nil {
		return nil, 0, err
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, s.file.Close())
	}
	for {
		_, next, err := readRecord(s.file, s.end, info.Size())
		if errors.Is(err, io.EOF) || errors.Is(err, errTorn) {
			return s, info.Size() - s.end, nil
		}
		if err != nil {
			return nil, 0, errors.Join(fmt.Errorf("reading %s: %w", s.path, err), s.file.Close())
		}
		s.end = next
		s.count++
	}
}

// listSegments returns the numbers of the segments in a folder, oldest first.
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

// syncDir makes what was created, renamed or removed in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
