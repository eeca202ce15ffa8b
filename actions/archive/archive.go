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

	"github.com/dxctl/dxctl/actions/checkout"
)

// Limits bound what is unpacked. Zero values stand for the defaults.
type Limits struct {
	Files int   // files and links; default 100,000
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
	x := &extraction{root: root, limits: limits.withDefaults()}
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
	links   []*tar.Header // by their order in the archive
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
	if !below || !filepath.IsLocal(clean) || checkout.Valid(name) != nil {
		if len(x.LeftOut) < maxNamed {
			x.LeftOut = append(x.LeftOut, strings.ToValidUTF8(h.Name, "�"))
		}
		return nil
	}
	if x.Files++; x.Files > x.limits.Files {
		return fmt.Errorf("it has more than %d files", x.limits.Files)
	}
	h.Name = name
	if h.Typeflag == tar.TypeSymlink {
		x.links = append(x.links, h)
		return nil
	}
	if err := x.file(h, content); err != nil && !errors.Is(err, fs.ErrExist) { // of two entries, the first counts
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// file writes a file.
func (x *extraction) file(h *tar.Header, content io.Reader) (err error) {
	name := filepath.FromSlash(h.Name)
	if err := x.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
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
		name := filepath.FromSlash(h.Name)
		err := x.root.MkdirAll(filepath.Dir(name), 0o700)
		if err == nil {
			err = x.root.Symlink(h.Linkname, name)
		}
		if err != nil && len(x.LeftOut) < maxNamed { // a file has its name, or that of a directory above it
			x.LeftOut = append(x.LeftOut, h.Name)
		}
	}
	return nil
}
