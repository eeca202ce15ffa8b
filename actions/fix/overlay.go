package fix

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// overlay is a file system with changes on top. Its directories are read once, so that reading all facts a second time
// costs no look at the disk for what did not change.
type overlay struct {
	base    fs.FS
	changed map[string][]byte // nil: removed
	dirs    map[string][]fs.DirEntry
}

func newOverlay(base fs.FS) *overlay {
	return &overlay{base: base, changed: map[string][]byte{}, dirs: map[string][]fs.DirEntry{}}
}

// Open opens a file or a directory.
func (o *overlay) Open(name string) (fs.File, error) {
	if content, ok := o.changed[name]; ok {
		if content == nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return &memoryFile{Reader: bytes.NewReader(content), info: o.info(name)}, nil
	}
	if o.isDir(name) {
		if f, err := o.base.Open(name); err == nil {
			return f, nil
		}
		info := memoryInfo{name: path.Base(name), mode: fs.ModeDir | 0o755}
		return &memoryFile{Reader: bytes.NewReader(nil), info: info}, nil
	}
	return o.base.Open(name)
}

func (o *overlay) isDir(name string) bool {
	for changed, content := range o.changed {
		if content != nil && strings.HasPrefix(changed, name+"/") {
			return true
		}
	}
	return false
}

// info returns what is known of a changed file: one that exists keeps its mode.
func (o *overlay) info(name string) fs.FileInfo {
	info := memoryInfo{name: path.Base(name), size: int64(len(o.changed[name])), mode: 0o644}
	if before, err := fs.Lstat(o.base, name); err == nil {
		info.mode = before.Mode()
	}
	return info
}

// Lstat returns what is known of a file without following a link.
func (o *overlay) Lstat(name string) (fs.FileInfo, error) {
	if content, ok := o.changed[name]; ok && content != nil {
		return o.info(name), nil
	}
	if content, ok := o.changed[name]; ok && content == nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	info, err := fs.Lstat(o.base, name)
	if errors.Is(err, fs.ErrNotExist) && o.isDir(name) {
		return memoryInfo{name: path.Base(name), mode: fs.ModeDir | 0o755}, nil
	}
	return info, err
}

// ReadLink returns the text of a symbolic link.
func (o *overlay) ReadLink(name string) (string, error) { return fs.ReadLink(o.base, name) }

// ReadDir returns the entries of a directory, in their order.
func (o *overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, ok := o.dirs[name]
	if !ok {
		read, err := fs.ReadDir(o.base, name)
		if err != nil && (!errors.Is(err, fs.ErrNotExist) || !o.isDir(name)) {
			return nil, err
		}
		for _, e := range read {
			entries = append(entries, &cachedEntry{DirEntry: e})
		}
		o.dirs[name] = entries
	}
	if len(o.changed) == 0 {
		return entries, nil
	}
	entries = slices.Clone(entries)
	for changed, content := range o.changed {
		rest, in := strings.CutPrefix(changed, name+"/")
		if name == "." {
			rest, in = changed, true
		}
		if !in {
			continue
		}
		base, _, deeper := strings.Cut(rest, "/")
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == base })
		switch {
		case deeper && i < 0 && content != nil:
			entries = append(entries, fs.FileInfoToDirEntry(memoryInfo{name: base, mode: fs.ModeDir | 0o755}))
		case deeper:
		case content == nil && i >= 0:
			entries = slices.Delete(entries, i, i+1)
		case content != nil && i >= 0:
			entries[i] = fs.FileInfoToDirEntry(o.info(changed))
		case content != nil:
			entries = append(entries, fs.FileInfoToDirEntry(o.info(changed)))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// cachedEntry asks for what is known of a file once.
type cachedEntry struct {
	fs.DirEntry
	info fs.FileInfo
}

// Info returns what is known of the file.
func (e *cachedEntry) Info() (fs.FileInfo, error) {
	if e.info != nil {
		return e.info, nil
	}
	info, err := e.DirEntry.Info()
	if err == nil {
		e.info = info
	}
	return info, err
}

// memoryInfo describes a file that is only planned.
type memoryInfo struct {
	name string
	size int64
	mode fs.FileMode
}

// The methods of fs.FileInfo.
func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) Mode() fs.FileMode  { return i.mode }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memoryInfo) Sys() any           { return nil }

// memoryFile is a file that is only planned.
type memoryFile struct {
	*bytes.Reader
	info fs.FileInfo
}

// The methods of fs.ReadDirFile.
func (f *memoryFile) Stat() (fs.FileInfo, error)         { return f.info, nil }
func (f *memoryFile) Close() error                       { return nil }
func (f *memoryFile) ReadDir(int) ([]fs.DirEntry, error) { return nil, io.EOF }
