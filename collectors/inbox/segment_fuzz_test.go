package inbox

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzSegment: whatever a file of the inbox holds, reading it ends, and returns only records whose checksum matches.
func FuzzSegment(f *testing.F) {
	good := appendRecord(appendRecord(nil, encoded("1", nil)), encoded("2", nil))
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(append([]byte{1}, good...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, content []byte) {
		file, end := bytes.NewReader(content), int64(len(content))
		var again []byte
		for at := int64(0); ; {
			doc, next, err := readRecord(file, at, end)
			if errors.Is(err, io.EOF) || errors.Is(err, errTorn) {
				break
			}
			if err != nil || next <= at {
				t.Fatalf("at %d of %d: next %d, %v", at, end, next, err)
			}
			again = appendRecord(again, doc)
			at = next
		}
		if !bytes.HasPrefix(content, again) {
			t.Fatal("what was read is not what is there")
		}
		whole := uint64(0)
		count, last, err := countRecords(file, testFormat.Start, 0, end, func(begins int64) {
			whole++
			if _, _, err := readRecord(file, begins, end); err != nil {
				t.Fatalf("the record at %d: %v", begins, err)
			}
		})
		if err != nil || count != whole || last > end {
			t.Fatalf("%d records counted, %d found, up to %d of %d: %v", count, whole, last, end, err)
		}
	})
}
