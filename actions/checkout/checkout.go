// Package checkout reads and writes the files of a checkout that may be hostile. A path cannot leave the checkout, no
// symbolic link is followed, nothing is written into .git, and git is run such that the configuration of the repository
// starts no program: no hook, filter, file system monitor or external diff.
//
// A file is replaced in one step: whoever interrupts a write finds each file as it was or as it should be. A file whose
// changes are not committed is not written, because nothing could restore these changes.
package checkout

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxFile is the size of the largest file that is read or written, in bytes.
const MaxFile = 8 << 20

// Checkout is an open directory. It is safe for concurrent reading.
type Checkout struct {
	dir  string // absolute
	root *os.Root
	git  bool   // whether the directory is the root of a repository
	top  string // root of the repository that the directory is in; "" if it is in none
	base string // of the directory, relative to top, with slashes; "." for the root itself
}

// Open opens a checkout, or a directory in one. A directory that is not in a git repository can be opened, too; then no
// file has uncommitted changes. The caller closes it.
func Open(dir string) (*Checkout, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening directory %s: %w", dir, err)
	}
	root, err := os.OpenRoot(absolute)
	if err != nil {
		return nil, fmt.Errorf("opening directory %s: %w", dir, err)
	}
	c := &Checkout{dir: absolute, root: root}
	if err := c.locate(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return c, nil
}

// locate finds the repository that the directory is in, by its name without symbolic links: git goes up from there.
func (c *Checkout) locate() error {
	_, err := c.root.Lstat(".git")
	if c.git = err == nil; c.git {
		c.top, c.base = c.dir, "."
		return nil
	}
	physical, err := filepath.EvalSymlinks(c.dir)
	if err != nil {
		return fmt.Errorf("opening directory %s: %w", c.dir, err)
	}
	top, err := Inside(physical)
	if err != nil || top == "" {
		return err
	}
	base, err := filepath.Rel(top, physical)
	if err != nil {
		return fmt.Errorf("opening directory %s: %w", c.dir, err)
	}
	c.top, c.base = top, filepath.ToSlash(base)
	return nil
}

// Close releases the directory.
func (c *Checkout) Close() error { return c.root.Close() }

// Dir returns the absolute name of the directory.
func (c *Checkout) Dir() string { return c.dir }

// IsGit reports whether the directory is the root of a git repository or of a worktree.
func (c *Checkout) IsGit() bool { return c.git }

// FS returns the files for reading. It cannot be left, neither by ".." nor by a symbolic link.
func (c *Checkout) FS() fs.FS { return c.root.FS() }

// File is a file as it was read.
type File struct {
	Content    []byte // nil: there is no file
	Executable bool
}

// RefusedError is a path that is not read or written.
type RefusedError struct {
	Path   string
	Reason string // completes the sentence "refused because …"
}

// Error names the path and the reason.
func (e *RefusedError) Error() string { return fmt.Sprintf("%s: refused: %s", e.Path, e.Reason) }

func refuse(name, format string, args ...any) error {
	return &RefusedError{Path: name, Reason: fmt.Sprintf(format, args...)}
}

// Valid returns an error for a path that no checkout should contain, on any operating system: it is absolute, leaves
// the directory, is in .git, or has characters that another system reads differently.
func Valid(name string) error {
	switch {
	case !utf8.ValidString(name):
		return refuse(name, "the name is not UTF-8 text")
	case name == "." || !fs.ValidPath(name):
		return refuse(name, "it is not a path below the checkout, with / between its parts")
	case len(name) > 1000:
		return refuse(name[:40]+"…", "the path has more than 1,000 bytes")
	}
	for part := range strings.SplitSeq(name, "/") {
		if isGitDir(part) {
			return refuse(name, "it is in the directory of git itself")
		}
		if strings.ContainsAny(part, "\\:") || strings.ContainsFunc(part, unreadable) {
			return refuse(name, "the name has a backslash, a colon or a character that is not visible")
		}
		if strings.TrimRight(part, ". ") != part {
			return refuse(name, "a part of it ends with a dot or a space, which Windows removes")
		}
	}
	return nil
}

// unreadable are control and format characters: a name with them looks like another one.
func unreadable(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// isGitDir reports whether a file system could take a name as .git: in any case, with dots and spaces that Windows
// removes, as the short name git~1, or with invisible characters that macOS ignores.
func isGitDir(part string) bool {
	part, _, _ = strings.Cut(part, ":") // a data stream of NTFS
	part = strings.Map(func(r rune) rune {
		if unreadable(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, part)
	part = strings.TrimRight(part, ". ")
	return part == ".git" || part == "git~1"
}

// Read reads a file. A file that does not exist is no error; its content is nil. The error is a *RefusedError for a
// path that leaves the checkout, for what is not a regular file or lies behind a symbolic link, and for a file larger
// than MaxFile.
func (c *Checkout) Read(name string) (File, error) {
	info, err := c.inspect(name)
	if err != nil || info == nil {
		return File{}, err
	}
	file, err := c.root.Open(filepath.FromSlash(name))
	if err != nil {
		return File{}, fmt.Errorf("reading %s: %w", name, err)
	}
	defer file.Close() //nolint:errcheck // opened for reading only
	// What was opened may be another file than the one that was looked at.
	if now, err := file.Stat(); err != nil || !now.Mode().IsRegular() {
		return File{}, refuse(name, "it is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	switch {
	case err != nil:
		return File{}, fmt.Errorf("reading %s: %w", name, err)
	case len(data) > MaxFile:
		return File{}, tooLarge(name)
	case data == nil:
		data = []byte{}
	}
	return File{Content: data, Executable: info.Mode()&0o111 != 0}, nil
}

func tooLarge(name string) error { return refuse(name, "it is larger than %d MB", MaxFile>>20) }

// inspect returns what is known of the file of a path, nil if there is none. Each directory above it is looked at:
// os.Root follows links that stay inside, and a link may lead to .git.
func (c *Checkout) inspect(name string) (fs.FileInfo, error) {
	if err := Valid(name); err != nil {
		return nil, err
	}
	parts := strings.Split(name, "/")
	for i := range parts {
		at := path.Join(parts[:i+1]...)
		info, err := c.root.Lstat(filepath.FromSlash(at))
		last := i == len(parts)-1
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("reading %s: %w", name, err)
		case info.Mode()&fs.ModeSymlink != 0:
			return nil, refuse(name, "%s is a symbolic link, which is not followed", at)
		case !last && !info.IsDir():
			return nil, refuse(name, "%s is a file", at)
		case last && info.IsDir():
			return nil, refuse(name, "it is a directory")
		case last && !info.Mode().IsRegular():
			return nil, refuse(name, "it is not a regular file")
		case last && info.Size() > MaxFile:
			return nil, tooLarge(name)
		case last:
			return info, nil
		}
		if _, err := c.root.Lstat(filepath.FromSlash(at + "/.git")); err == nil {
			return nil, refuse(name, "%s is another repository", at)
		}
	}
	return nil, nil
}
