// Package archive unpacks the archives of commits that hosts of git repositories make: tar, compressed with gzip, with
// everything below one directory. Whoever wrote the repository chose what is in them, so nothing is written outside of
// the directory that they are unpacked into, and names, sizes and counts are bounded.
package archive

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dxctl/dxctl/actions/checkout"
)

// Limits bound what is unpacked. Zero values stand for the defaults.
type Limits struct {
	Files int   // files, links and directories; default 100,000
	Bytes int64 // of the files that are written; default 512 MB
	// Read bounds the bytes of the archive once it is uncompressed, with what is not written; default 4 GB.
	Read int64
}

func (l Limits) withDefaults() Limits {
	if l.Files <= 0 {
		l.Files = 100_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 512 << 20
	}
	if l.Read <= 0 {
		l.Read = 4 << 30
	}
	return l
}

// Unpacked is what an archive had.
type Unpacked struct {
	Commit string // that git archived; "" if the archive does not name it
	Files  int    // and links that were written
	// LeftOut are names that no checkout should have on any operating system, such as one with a colon; at most 20.
	LeftOut []string
}

// maxNamed is how many names are in Unpacked.LeftOut.
const maxNamed = 20

// Extract unpacks an archive into an empty directory, without the directory that all of its files are in. Symbolic
// links stay links, and are created last, so that no file is written through one. Of a file that is too large for a
// checkout to read, only its name and its size are kept. What is no file, directory or link is left out.
func Extract(ctx context.Context, from io.Reader, dir string, limits Limits) (Unpacked, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Unpacked{}, fmt.Errorf("unpacking an archive: %w", err)
	}
	x := &extraction{root: root, limits: limits.withDefaults(), dirs: map[string]bool{}}
	err = x.extract(ctx, from)
	if err = errors.Join(err, root.Close()); err != nil {
		return Unpacked{}, fmt.Errorf("unpacking an archive: %w", err)
	}
	return x.Unpacked, nil
}

type extraction struct {
	Unpacked
	root    *os.Root
	limits  Limits
	written int64
	entries int             // files, links and directories
	dirs    map[string]bool // that were created
	links   []*tar.Header   // by their order in the archive
}

// maxDepth is how many directories a file is below at most.
const maxDepth = 40

// count adds an entry.
func (x *extraction) count() error {
	if x.entries++; x.entries > x.limits.Files {
		return fmt.Errorf("it has more than %d files and directories", x.limits.Files)
	}
	return nil
}

// makeDir creates a directory and those above it.
func (x *extraction) makeDir(dir string) error {
	for at := dir; at != "." && !x.dirs[at]; at = path.Dir(at) {
		if err := x.count(); err != nil {
			return err
		}
		x.dirs[at] = true
	}
	return x.root.MkdirAll(filepath.FromSlash(dir), 0o700)
}

// allowed reports whether a checkout may have a file of this name.
func allowed(name string) bool {
	return strings.Count(name, "/") <= maxDepth && checkout.Valid(name) == nil
}

// impossible reports whether an error is about the name of an entry, which another one has taken, or that is too long.
func impossible(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENAMETOOLONG) ||
		errors.Is(err, fs.ErrExist)
}

func (x *extraction) leaveOut(name string) {
	if len(x.LeftOut) < maxNamed {
		x.LeftOut = append(x.LeftOut, strings.ToValidUTF8(name, "�"))
	}
}

func (x *extraction) extract(ctx context.Context, from io.Reader) error {
	unzipped, err := gzip.NewReader(from)
	if err != nil {
		return fmt.Errorf("it is not compressed with gzip: %w", err)
	}
	bounded := &io.LimitedReader{R: unzipped, N: x.limits.Read}
	archive := tar.NewReader(bounded)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return x.link()
		case err != nil && bounded.N <= 0:
			return fmt.Errorf("it has more than %d MB", x.limits.Read>>20)
		case err != nil:
			return fmt.Errorf("reading it: %w", err)
		}
		if err := x.entry(h, archive); err != nil {
			if bounded.N <= 0 {
				return fmt.Errorf("it has more than %d MB", x.limits.Read>>20)
			}
			return err
		}
	}
}

// entry writes an entry of the archive.
func (x *extraction) entry(h *tar.Header, content io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader { // git writes the commit there
		if x.Commit == "" {
			x.Commit = h.PAXRecords["comment"]
		}
		return nil
	}
	if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeSymlink {
		return nil
	}
	clean := path.Clean(h.Name)
	_, name, below := strings.Cut(clean, "/")
	if !below || !filepath.IsLocal(clean) || !allowed(name) {
		x.leaveOut(h.Name)
		return nil
	}
	if err := x.count(); err != nil {
		return err
	}
	x.Files++
	h.Name = name
	if h.Typeflag == tar.TypeSymlink {
		x.links = append(x.links, h)
		return nil
	}
	err := x.file(h, content)
	if impossible(err) {
		x.Files--
		x.leaveOut(name)
		err = nil
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// file writes a file.
func (x *extraction) file(h *tar.Header, content io.Reader) (err error) {
	name := filepath.FromSlash(h.Name)
	if err := x.makeDir(path.Dir(h.Name)); err != nil {
		return err
	}
	mode := os.FileMode(0o600)
	if h.Mode&0o111 != 0 {
		mode = 0o700
	}
	file, err := x.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if h.Size > checkout.MaxFile {
		return file.Truncate(min(h.Size, 1<<30)) // takes no space
	}
	if x.written += h.Size; x.written > x.limits.Bytes {
		return fmt.Errorf("the files have more than %d MB", x.limits.Bytes>>20)
	}
	_, err = io.CopyN(file, content, h.Size)
	return err
}

// link creates the symbolic links.
func (x *extraction) link() error {
	for _, h := range x.links {
		err := x.makeDir(path.Dir(h.Name))
		if err == nil {
			err = x.root.Symlink(h.Linkname, filepath.FromSlash(h.Name))
		}
		if err != nil { // a file has its name, or that of a directory above it
			x.Files--
			x.leaveOut(h.Name)
		}
	}
	return nil
}
