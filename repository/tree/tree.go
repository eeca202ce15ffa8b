// Package tree lists and reads the files of a repository that may be hostile. It opens regular files only, follows no
// symbolic link, and bounds the number, depth and size of what it reads; a bound that is exceeded is the reason why
// something is unknown, never an error that hides the rest.
package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/repository/fact"
)

// MaxText is the default limit of the size of a file that is parsed, in bytes.
const MaxText = 1 << 20

// Limits bounds what is read of a tree. A zero field means its default.
type Limits struct {
	Files      int   // files and links that are listed; default 200,000
	Depth      int   // directories on top of each other; default 40
	FileBytes  int64 // size of a file that is parsed; default 1 MB
	TextBytes  int64 // sum of the bytes that are parsed; default 128 MB
	TotalBytes int64 // sum of the bytes that are read; default 512 MB
}

func (l Limits) withDefaults() Limits {
	orDefault := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	orDefault(&l.Files, 200_000)
	orDefault(&l.Depth, 40)
	if l.FileBytes <= 0 {
		l.FileBytes = MaxText
	}
	if l.TextBytes <= 0 {
		l.TextBytes = 128 << 20
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = 512 << 20
	}
	return l
}

// File is a file or a symbolic link of a tree.
type File struct {
	Path       string // slash-separated, relative to the root
	Size       int64  // bytes; -1 if the file system does not report it
	Executable bool
	Link       bool // a symbolic link: it is listed and never followed
}

// Dir returns the directory of the file; "." is the root.
func (f File) Dir() string { return path.Dir(f.Path) }

// Base returns the last element of the path.
func (f File) Base() string { return path.Base(f.Path) }

// Tree is the listing of a repository, in the order of the paths. It is not safe for concurrent use, because it counts
// the bytes that are read.
type Tree struct {
	// Files has every regular file and symbolic link, except what is in .git and in directories of installed packages,
	// and what the .gitignore files of a checkout exclude.
	Files []File
	// Partial is why the listing may lack files; "" if it is complete. While it is set, absence is unknown.
	Partial string

	fsys   fs.FS
	limits Limits
	at     map[string]int // index of a path in Files
	read   int64          // bytes read so far
	parsed int64          // bytes of texts read so far
	err    func() error   // of the context of List

	features map[string]bool // directories of tests in Gherkin

	ignored *ignores // of a checkout; nil for any other tree
}

// OpenDir opens a directory of this machine as a file system that cannot be left, neither by ".." nor by a symbolic
// link. The caller closes it when the tree is no longer read.
func OpenDir(dir string) (fs.FS, io.Closer, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("opening directory %s: %w", dir, err)
	}
	return root.FS(), root, nil
}

var errFull = errors.New("the listing is full")

// List lists a file system. A directory that cannot be read, and a bound that is exceeded, set Partial; the error is
// not nil only if the root cannot be listed or ctx is done. When ctx is done, the files of the tree can no longer be
// read either.
func List(ctx context.Context, fsys fs.FS, limits Limits) (*Tree, error) {
	t := &Tree{fsys: fsys, limits: limits.withDefaults(), at: map[string]int{}, err: ctx.Err}
	if _, err := fs.Lstat(fsys, ".git"); err == nil {
		t.ignored = newIgnores(fsys)
	}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return err
		case err != nil:
			t.partial("directory %s cannot be read: %v", name, err)
			return fs.SkipDir
		case entry.IsDir():
			return t.enter(name)
		}
		return t.add(name, entry)
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, fmt.Errorf("listing the repository: %w", err)
	}
	slices.SortFunc(t.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i, f := range t.Files {
		t.at[f.Path] = i
	}
	t.features = gherkin(t.Files)
	return t, nil
}

// installed has the names of directories into which package managers install, and which nobody means to commit.
var installed = []string{".git", ".hg", ".svn", "node_modules", ".venv", ".tox", "__pycache__"}

func (t *Tree) enter(name string) error {
	if t.ignored != nil {
		if name != "." && t.ignored.excluded(name, true) {
			return fs.SkipDir
		}
		t.ignored.load(t.fsys, name)
	}
	if name == "." {
		return nil
	}
	if slices.Contains(installed, path.Base(name)) {
		return fs.SkipDir
	}
	if strings.Count(name, "/")+1 > t.limits.Depth {
		t.partial("directory %s is deeper than %d levels", name, t.limits.Depth)
		return fs.SkipDir
	}
	return nil
}

func (t *Tree) add(name string, entry fs.DirEntry) error {
	if len(t.Files) >= t.limits.Files {
		t.partial("the repository has more than %d files", t.limits.Files)
		return errFull
	}
	if path.Base(name) == ".git" || !utf8.ValidString(name) { // .git is a file in a worktree and in a submodule
		return nil
	}
	if t.ignored != nil && t.ignored.excluded(name, false) {
		return nil
	}
	f := File{Path: name, Size: -1}
	switch kind := entry.Type(); {
	case kind&fs.ModeSymlink != 0:
		f.Link = true
	case !kind.IsRegular():
		return nil // a device, a socket or a pipe: opening it could block
	default:
		if info, err := entry.Info(); err == nil {
			f.Size, f.Executable = info.Size(), info.Mode()&0o111 != 0
		}
	}
	t.Files = append(t.Files, f)
	return nil
}

func (t *Tree) partial(format string, args ...any) {
	if t.Partial == "" {
		t.Partial = fmt.Sprintf(format, args...)
	}
}

// File returns the file of a path, which is clean and relative to the root.
func (t *Tree) File(name string) (File, bool) {
	i, ok := t.at[name]
	if !ok {
		return File{}, false
	}
	return t.Files[i], true
}

// First returns the first of the names that is a file of the tree, as programs do that look in several places.
func (t *Tree) First(names ...string) (File, bool) {
	for _, name := range names {
		if f, ok := t.File(name); ok {
			return f, true
		}
	}
	return File{}, false
}

// FirstFold is First without regard to case.
func (t *Tree) FirstFold(names ...string) (File, bool) {
	for _, name := range names {
		i := slices.IndexFunc(t.Files, func(f File) bool { return strings.EqualFold(f.Path, name) })
		if i >= 0 {
			return t.Files[i], true
		}
	}
	return File{}, false
}

// HasDir reports whether a directory contains a file, at any depth.
func (t *Tree) HasDir(dir string) bool {
	if dir == "." {
		return len(t.Files) > 0
	}
	i, _ := slices.BinarySearchFunc(t.Files, dir+"/", func(f File, p string) int { return strings.Compare(f.Path, p) })
	return i < len(t.Files) && strings.HasPrefix(t.Files[i].Path, dir+"/")
}

// LinkTarget returns the text of a symbolic link, as it is written. It is not followed.
func (t *Tree) LinkTarget(f File) (string, error) {
	if !f.Link {
		return "", fmt.Errorf("%s is not a symbolic link", f.Path)
	}
	return fs.ReadLink(t.fsys, f.Path)
}

// Bytes reads at most limit bytes of a file. whole reports whether that is all of it.
func (t *Tree) Bytes(f File, limit int64) (data []byte, whole bool, err error) {
	if f.Link {
		return nil, false, errors.New("it is a symbolic link, which is not followed")
	}
	if err := t.err(); err != nil {
		return nil, false, err
	}
	left := t.limits.TotalBytes - t.read
	if left <= 0 {
		return nil, false, fmt.Errorf("more than %s of the repository were read", Size(t.limits.TotalBytes))
	}
	limit = min(limit, left)
	file, err := t.fsys.Open(f.Path)
	if err != nil {
		return nil, false, fmt.Errorf("it cannot be opened: %w", err)
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, false, errors.New("it is not a regular file")
	}
	capacity := limit + 1
	if f.Size >= 0 {
		capacity = min(capacity, f.Size+1)
	}
	buffer := bytes.NewBuffer(make([]byte, 0, capacity+bytes.MinRead))
	n, err := buffer.ReadFrom(io.LimitReader(file, limit+1))
	t.read += n
	if err != nil {
		return nil, false, fmt.Errorf("it cannot be read: %w", err)
	}
	data = buffer.Bytes()
	if int64(len(data)) > limit {
		return data[:limit], false, nil
	}
	return data, true, nil
}

// Text reads a file that is to be parsed: UTF-8 without byte order mark, lines ended by "\n". The error completes the
// sentence "unknown because …" and names the bound that the file exceeds.
func (t *Tree) Text(f File) (string, error) {
	if f.Size > t.limits.FileBytes {
		return "", fmt.Errorf("%s is larger than %s", f.Path, Size(t.limits.FileBytes))
	}
	if t.parsed >= t.limits.TextBytes {
		return "", fmt.Errorf("%s: more than %s of the repository were parsed", f.Path, Size(t.limits.TextBytes))
	}
	data, whole, err := t.Bytes(f, t.limits.FileBytes)
	t.parsed += int64(len(data))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", f.Path, err)
	case !whole:
		return "", fmt.Errorf("%s is larger than %s", f.Path, Size(min(t.limits.FileBytes, int64(len(data)))))
	case bytes.IndexByte(data, 0) >= 0:
		return "", fmt.Errorf("%s is binary", f.Path)
	case !utf8.Valid(data):
		return "", fmt.Errorf("%s is not UTF-8 text", f.Path)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return string(bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))), nil
}

// Absent returns what is known when a file is not in the listing: that it is absent, or that the listing lacks files.
func Absent[T any](t *Tree, value T) fact.Value[T] {
	if t.Partial != "" {
		return fact.Unknown[T](fact.Location{}, "%s", t.Partial)
	}
	return fact.Known(value, fact.Location{})
}

// Size returns a number of bytes in words: "1 MB".
func Size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// In returns the files that lie directly in a directory.
func (t *Tree) In(dir string) []File {
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	i, _ := slices.BinarySearchFunc(t.Files, prefix, func(f File, p string) int { return strings.Compare(f.Path, p) })
	var files []File
	for ; i < len(t.Files) && strings.HasPrefix(t.Files[i].Path, prefix); i++ {
		if !strings.Contains(t.Files[i].Path[len(prefix):], "/") {
			files = append(files, t.Files[i])
		}
	}
	return files
}

// Resolve returns the regular file of the tree to which a symbolic link leads, by the text of the link: the link itself
// is not opened. ok is false for a regular file, and for a link that leads out of the tree or to another link.
func (t *Tree) Resolve(f File) (target File, ok bool) {
	if !f.Link {
		return File{}, false
	}
	text, err := t.LinkTarget(f)
	if err != nil || path.IsAbs(text) {
		return File{}, false
	}
	target, ok = t.File(path.Join(f.Dir(), text))
	return target, ok && !target.Link
}
