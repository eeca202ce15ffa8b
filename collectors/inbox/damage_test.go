package inbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// memoryDir is a directory in memory where there is one: these tests open thousands of inboxes, and each waits for the
// disk several times.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "dxctl-inbox-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// queueFiles are the files of an inbox as they are on disk, by name.
type queueFiles map[string][]byte

func readQueue(t *testing.T, dir string) queueFiles {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := queueFiles{}
	for _, e := range entries {
		if e.Name() == lockFile {
			continue
		}
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func (f queueFiles) write(t *testing.T, dir string) {
	t.Helper()
	for name, content := range f {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// with returns the files with one replaced.
func (f queueFiles) with(name string, content []byte) queueFiles {
	out := queueFiles{}
	for n, c := range f {
		out[n] = c
	}
	out[name] = content
	return out
}

// fullQueue is an inbox of several segments of several deliveries, of which the first three are applied.
func fullQueue(t *testing.T) queueFiles {
	t.Helper()
	dir := t.TempDir()
	q := openInbox(t, dir, Config{SegmentBytes: 200})
	put(t, q, numbered(1, 3)...)
	taken(t, q, nil)
	put(t, q, numbered(4, 12)...)
	closeInbox(t, q)
	files := readQueue(t, dir)
	if n := len(files.segments()); n < 3 {
		t.Fatalf("%d segments", n)
	}
	if len(files[positionFile]) == 0 {
		t.Fatal("there is no position")
	}
	return files
}

func (f queueFiles) segments() []string {
	var names []string
	for name := range f {
		if strings.HasSuffix(name, segmentSuffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// applied opens the files as an inbox, puts one more delivery and returns the ids of all that are handed over, and how
// many damaged parts were set aside.
func (f queueFiles) applied(t *testing.T) (ids []string, damaged uint64) {
	t.Helper()
	dir := memoryDir(t)
	f.write(t, dir)
	q := openInbox(t, dir, Config{SegmentBytes: 200})
	put(t, q, "13")
	ids = taken(t, q, nil)
	stats := q.Stats()
	closeInbox(t, q)
	if stats.Waiting != 0 || stats.Bytes != 0 {
		t.Errorf("in the end %+v", stats)
	}
	aside, _ := filepath.Glob(filepath.Join(dir, "*"+DamagedSuffix))
	if uint64(len(aside)) != stats.Damaged {
		t.Errorf("%d parts are counted and %d are there", stats.Damaged, len(aside))
	}
	again := openInbox(t, dir, Config{SegmentBytes: 200})
	defer closeInbox(t, again)
	if s := again.Stats(); s.Waiting != 0 || s.Damaged != stats.Damaged {
		t.Errorf("after a restart %+v", s)
	}
	return ids, stats.Damaged
}

// expectAllBut fails when an id of 4 to 13 is missing, but for some.
func expectAllBut(t *testing.T, what string, got []string, but ...string) {
	t.Helper()
	missing := 0
	for _, id := range numbered(4, 13) {
		if slices.Contains(got, id) {
			continue
		}
		missing++
		if !slices.Contains(but, id) {
			t.Errorf("%s: %s is lost; %v", what, id, got)
		}
	}
}

// recordAt returns the id of the delivery whose record covers a byte of a segment.
func recordAt(t *testing.T, segment []byte, at int) string {
	t.Helper()
	for start := int64(0); ; {
		doc, next, err := readRecord(bytes.NewReader(segment), start, int64(len(segment)))
		if err != nil {
			t.Fatal(err)
		}
		if int64(at) < next {
			return idOf(doc)
		}
		start = next
	}
}

// atRecords returns the offsets in a segment that are within a header, or close before or behind a boundary.
func atRecords(t *testing.T, segment []byte) map[int]bool {
	t.Helper()
	near := map[int]bool{}
	_, _, err := countRecords(bytes.NewReader(segment), testFormat.Start, 0, int64(len(segment)), func(start int64) {
		for i := -3; i < recordHeader+len(testFormat.Start)+2; i++ {
			near[int(start)+i] = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return near
}

// TestInboxEveryByteFlipped changes bytes of every file of an inbox, one at a time: all of the headers, of what is
// around them and of the position, and every fifth of the documents. Every delivery is applied but the one that the
// byte is of, and that is set aside.
func TestInboxEveryByteFlipped(t *testing.T) {
	files := fullQueue(t)
	for name, content := range files {
		near := map[int]bool{}
		if strings.HasSuffix(name, segmentSuffix) {
			near = atRecords(t, content)
		}
		for i := range content {
			if strings.HasSuffix(name, segmentSuffix) && !near[i] && i%5 != 0 {
				continue
			}
			for _, mask := range []byte{0x01, 0x80} {
				if mask == 0x80 && !near[i] {
					continue
				}
				flipped := slices.Clone(content)
				flipped[i] ^= mask
				ids, damaged := files.with(name, flipped).applied(t)
				what := fmt.Sprintf("%s, byte %d ^ %#x", name, i, mask)
				if !strings.HasSuffix(name, segmentSuffix) {
					expectAllBut(t, what, ids)
					continue
				}
				lost := recordAt(t, content, i)
				expectAllBut(t, what, ids, lost)
				if !slices.Contains(ids, lost) && lost > "3" && damaged == 0 {
					t.Errorf("%s: %s is gone and nothing is set aside", what, lost)
				}
			}
		}
	}
}

// TestInboxDamagedBlocks cuts, zeroes, doubles and swaps blocks of every segment.
func TestInboxDamagedBlocks(t *testing.T) {
	files := fullQueue(t)
	for _, name := range files.segments() {
		content := files[name]
		for start := 0; start < len(content); start += 61 {
			end := min(start+100, len(content))
			hit := map[string]bool{}
			for i := start; i < end; i++ {
				hit[recordAt(t, content, i)] = true
			}
			var lost []string
			for id := range hit {
				lost = append(lost, id)
			}
			zeroed := slices.Clone(content)
			clear(zeroed[start:end])
			ids, _ := files.with(name, zeroed).applied(t)
			expectAllBut(t, fmt.Sprintf("%s, zeroed at %d", name, start), ids, lost...)
			doubled := slices.Concat(content[:end], content[start:end], content[end:])
			ids, _ = files.with(name, doubled).applied(t)
			expectAllBut(t, fmt.Sprintf("%s, doubled at %d", name, start), ids, lost...)
			removed := slices.Concat(content[:start], content[end:])
			ids, _ = files.with(name, removed).applied(t)
			expectAllBut(t, fmt.Sprintf("%s, without %d", name, start), ids, lost...)
			for i := end; i < len(content); i++ {
				hit[recordAt(t, content, i)] = true
			}
			lost = nil
			for id := range hit {
				lost = append(lost, id)
			}
			ids, _ = files.with(name, content[:start]).applied(t)
			expectAllBut(t, fmt.Sprintf("%s, cut at %d", name, start), ids, lost...)
		}
	}
}

// TestInboxMissingAndWrongFiles: a segment that is gone costs its own deliveries, a position that is wrong costs none.
func TestInboxMissingAndWrongFiles(t *testing.T) {
	files := fullQueue(t)
	for _, name := range files.segments() {
		var own []string
		for i := range files[name] {
			own = append(own, recordAt(t, files[name], i))
		}
		without := files.with(name, nil)
		delete(without, name)
		ids, _ := without.applied(t)
		expectAllBut(t, "without "+name, ids, own...)
		ids, _ = files.with(name, nil).applied(t)
		expectAllBut(t, "with an empty "+name, ids, own...)
		ids, _ = files.with(name, bytes.Repeat([]byte{0xff}, len(files[name]))).applied(t)
		expectAllBut(t, "with nothing but ones in "+name, ids, own...)
	}
	for _, p := range []position{{99, 0, 99, 0}, {0, 0, 0, 0}, {1, 7, 2, 0}, {1, 1 << 40, 2, 0}, {12, 0, 12, 0}} {
		p.Sum = p.sum()
		signed, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		// With a right checksum it is of another inbox: what it names must not be taken for done.
		for what, doc := range map[string][]byte{"unsigned": []byte(fmt.Sprintf(`{"segment":%d,"offset":%d,"number":%d}`, p.Segment, p.Offset, p.Number)), "signed": signed} {
			ids, _ := files.with(positionFile, doc).applied(t)
			expectAllBut(t, fmt.Sprintf("position %s %s", what, doc), ids)
		}
	}
}

// TestInboxDamagedWhileOpen: what the disk changes while the inbox is open costs no other delivery either.
func TestInboxDamagedWhileOpen(t *testing.T) {
	dir := t.TempDir()
	q := openInbox(t, dir, Config{})
	defer closeInbox(t, q)
	put(t, q, numbered(1, 5)...)
	path := segmentPath(dir, 1)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(content, []byte(`"id":"3"`)) - 20 // in the header of the third record, or close to it
	if _, err := file.WriteAt([]byte{0xff, 0xff, 0xff, 0xff}, int64(at)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	lost := recordAt(t, content, at)
	ids := taken(t, q, nil)
	for _, id := range numbered(1, 5) {
		if id != lost && !slices.Contains(ids, id) {
			t.Errorf("%s is lost: %v", id, ids)
		}
	}
	if s := q.Stats(); s.Waiting != 0 || s.Bytes != 0 || s.Damaged == 0 {
		t.Errorf("in the end %+v", s)
	}
}
