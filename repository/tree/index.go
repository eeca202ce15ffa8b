package tree

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"path"
)

const (
	maxIndex   = 64 << 20 // bytes
	maxTracked = 500_000  // files
	// entryHead is the length of an entry before its path: times, device, mode, owner, size, SHA-1 and flags.
	entryHead = 62
	extended  = 0x4000 // the flag of an entry with two more bytes of flags
)

// trackedFiles returns the paths in the index of a checkout, and their directories. It is empty for an index that is
// absent, as in a worktree, whose .git is a file, or that has a format which is not read, such as one with SHA-256.
//
// Format: https://git-scm.com/docs/index-format
func trackedFiles(fsys fs.FS) map[string]bool {
	if info, err := fs.Lstat(fsys, ".git/index"); err != nil || !info.Mode().IsRegular() || info.Size() > maxIndex {
		return nil
	}
	file, err := fsys.Open(".git/index")
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxIndex))
	if err != nil {
		return nil
	}
	names, ok := parseIndex(data)
	if !ok {
		return nil
	}
	tracked := make(map[string]bool, len(names))
	for _, name := range names {
		for ; name != "." && name != "/" && !tracked[name]; name = path.Dir(name) {
			tracked[name] = true
		}
	}
	return tracked
}

// parseIndex returns the paths of an index of version 2, 3 or 4 with SHA-1; ok is false for anything else.
func parseIndex(data []byte) (names []string, ok bool) {
	if len(data) < 12 || string(data[:4]) != "DIRC" {
		return nil, false
	}
	version, count := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	if version < 2 || version > 4 || count > maxTracked {
		return nil, false
	}
	name := []byte{}
	for data = data[12:]; count > 0; count-- {
		head := entryHead
		if len(data) < head {
			return nil, false
		}
		if binary.BigEndian.Uint16(data[entryHead-2:])&extended != 0 {
			head += 2
		}
		kept := 0
		if version == 4 { // the path shares all but some bytes with the one before
			dropped, n := offset(data[min(head, len(data)):])
			if n == 0 || dropped > len(name) {
				return nil, false
			}
			head += n
			kept = len(name) - dropped
		}
		if len(data) < head {
			return nil, false
		}
		end := bytes.IndexByte(data[head:], 0)
		if end < 0 {
			return nil, false
		}
		name = append(name[:kept], data[head:head+end]...)
		names = append(names, string(name))
		size := head + end + 1
		if version < 4 {
			size = (head + end + 8) &^ 7 // ended by one to eight zeros
		}
		if size > len(data) {
			return nil, false
		}
		data = data[size:]
	}
	return names, true
}

// offset reads a number as git writes it in packs; n is its length in bytes, 0 for none.
func offset(data []byte) (value, n int) {
	for i, b := range data[:min(len(data), 4)] {
		if i > 0 {
			value++
		}
		value = value<<7 | int(b&0x7f)
		if b&0x80 == 0 {
			return value, i + 1
		}
	}
	return 0, 0
}
