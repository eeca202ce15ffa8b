package remote

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/tree"
)

// Entry is a file of a git tree.
type Entry struct {
	Path string // from the root, with slashes
	Mode string // of git: 100644, 100755, [Link], [Submodule]
	ID   string // name of its content: the hash of the blob
	Size int64  // bytes; -1: not known
}

// The modes of git that are no regular files.
const (
	Link      = "120000"
	Submodule = "160000"
)

// Listing is the files of a commit. Directories follow from the paths.
type Listing struct {
	Entries []Entry
	// Partial is why files may be missing; "" if the listing is complete. While it is set, absence is unknown.
	Partial string
}

const (
	maxEntries = 200_000
	maxDepth   = 40   // directories on top of each other
	maxPath    = 4096 // bytes
)

// New returns the listing of entries that a host gave. Paths that no checkout can have are left out, and the listing is
// then partial.
func New(entries []Entry, partial string) Listing {
	l := Listing{Partial: partial}
	leftOut := func(format string, args ...any) {
		if l.Partial == "" {
			l.Partial = fmt.Sprintf(format, args...)
		}
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		switch {
		case len(l.Entries) >= maxEntries:
			leftOut("the repository has more than %d files", maxEntries)
			return l
		case !fs.ValidPath(e.Path) || e.Path == "." || len(e.Path) > maxPath || ofGit(e.Path):
			leftOut("the listing has a path that no file can have: %.100q", e.Path)
		case strings.Count(e.Path, "/") > maxDepth:
			leftOut("%.100q is deeper than %d levels", e.Path, maxDepth)
		case !seen[e.Path]:
			seen[e.Path] = true
			l.Entries = append(l.Entries, e)
		}
	}
	slices.SortFunc(l.Entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return l
}

// HasDir reports whether a directory has files.
func (l Listing) HasDir(dir string) bool {
	i, found := slices.BinarySearchFunc(l.Entries, dir+"/", func(e Entry, prefix string) int {
		return strings.Compare(e.Path, prefix)
	})
	return found || i < len(l.Entries) && strings.HasPrefix(l.Entries[i].Path, dir+"/")
}

// ofGit reports whether a path has an element that git refuses to store, because it means git's own directory.
func ofGit(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.EqualFold(part, ".git") {
			return true
		}
	}
	return false
}

// Digest returns a digest of everything in the listing on which facts depend: the paths and kinds of all files, and the
// contents of those that were opened. Sizes count as far as they decide whether a file is parsed; further is what else
// depends on them.
func (l Listing) Digest(opened map[string]bool, further ...any) string {
	hash := sha256.New()
	write := func(format string, args ...any) { _, _ = fmt.Fprintf(hash, format, args...) } // a hash never fails
	write("%q %q\n", l.Partial, further)
	for _, e := range l.Entries {
		id := ""
		if opened[e.Path] {
			id = e.ID
		}
		write("%q %q %q %t\n", e.Path, e.Mode, id, e.Size > tree.MaxText)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// Content is the content of a file, or the reason why it cannot be read.
type Content struct {
	Data   []byte
	Reason string // completes the sentence "it cannot be opened: …"; "" if it was read
}

// fileSystem is a listing with the contents that were fetched so far. It records the files that are opened.
type fileSystem struct {
	entries  map[string]Entry
	dirs     map[string][]fs.DirEntry // children by directory, sorted
	contents map[string]Content       // by Entry.ID
	opened   map[string]bool          // paths
	missing  map[string]Entry         // opened, and not fetched yet: by Entry.ID
}

func newFileSystem(l Listing) *fileSystem {
	f := &fileSystem{
		entries:  make(map[string]Entry, len(l.Entries)),
		dirs:     map[string][]fs.DirEntry{".": nil},
		contents: map[string]Content{},
		opened:   map[string]bool{},
		missing:  map[string]Entry{},
	}
	for _, e := range l.Entries {
		if e.Mode == Submodule {
			f.directory(e.Path) // empty, as in a checkout without its submodules
			continue
		}
		f.directory(parent(e.Path))
		if _, isDir := f.dirs[e.Path]; isDir {
			continue // a directory of the same name has files
		}
		f.entries[e.Path] = e
		f.dirs[parent(e.Path)] = append(f.dirs[parent(e.Path)], info{e.Path, e.Size, modeOf(e.Mode)})
	}
	for _, children := range f.dirs {
		slices.SortFunc(children, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return f
}

// directory adds a directory and those above it. A file of the same name is then none.
func (f *fileSystem) directory(name string) {
	if _, exists := f.dirs[name]; exists {
		return
	}
	above := parent(name)
	f.directory(above)
	f.dirs[name] = nil
	if _, isFile := f.entries[name]; isFile {
		delete(f.entries, name)
		f.dirs[above] = slices.DeleteFunc(f.dirs[above], func(e fs.DirEntry) bool { return e.Name() == base(name) })
	}
	f.dirs[above] = append(f.dirs[above], info{name, 0, fs.ModeDir | 0o755})
}

func parent(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return "."
}

func base(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func modeOf(mode string) fs.FileMode {
	switch mode {
	case Link:
		return fs.ModeSymlink | 0o777
	case "100755":
		return 0o755
	}
	return 0o644
}

// Open implements [fs.FS].
func (f *fileSystem) Open(name string) (fs.File, error) {
	if children, ok := f.dirs[name]; ok {
		return &openDir{info{name, 0, fs.ModeDir | 0o755}, children}, nil
	}
	e, ok := f.entries[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if e.Mode == Link {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w: a symbolic link", fs.ErrInvalid)}
	}
	c, err := f.content(name, e)
	if err != nil {
		return nil, err
	}
	size := int64(len(c))
	return &openFile{info{name, size, modeOf(e.Mode)}, strings.NewReader(string(c))}, nil
}

// content returns the content of a file, and records that it was asked for.
func (f *fileSystem) content(name string, e Entry) ([]byte, error) {
	f.opened[name] = true
	c, ok := f.contents[e.ID]
	if !ok {
		f.missing[e.ID] = e
		c.Reason = "it was not fetched"
	}
	if c.Reason != "" {
		return nil, &unreadError{c.Reason}
	}
	return c.Data, nil
}

// unreadError is why the content of a file is not known. It is in reasons, so that it does not repeat the path.
type unreadError struct{ reason string }

func (e *unreadError) Error() string { return e.reason }

// Lstat implements [fs.ReadLinkFS].
func (f *fileSystem) Lstat(name string) (fs.FileInfo, error) {
	if _, ok := f.dirs[name]; ok {
		return info{name, 0, fs.ModeDir | 0o755}, nil
	}
	if e, ok := f.entries[name]; ok {
		return info{name, e.Size, modeOf(e.Mode)}, nil
	}
	return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
}

// ReadLink implements [fs.ReadLinkFS].
func (f *fileSystem) ReadLink(name string) (string, error) {
	e, ok := f.entries[name]
	if !ok || e.Mode != Link {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	c, err := f.content(name, e)
	return string(c), err
}

// ReadDir implements [fs.ReadDirFS].
func (f *fileSystem) ReadDir(name string) ([]fs.DirEntry, error) {
	children, ok := f.dirs[name]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(children), nil
}

// openFile is a file that was opened.
type openFile struct {
	info
	*strings.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Size() int64                { return f.info.Size() }
func (f *openFile) Close() error               { return nil }

// openDir is a directory that was opened.
type openDir struct {
	info
	left []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.path, Err: fs.ErrInvalid}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		all := d.left
		d.left = nil
		return slices.Clone(all), nil
	}
	if len(d.left) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.left))
	some := slices.Clone(d.left[:n])
	d.left = d.left[n:]
	return some, nil
}
