package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Glob returns the files that pattern matches, sorted. A relative pattern is relative to dir. "**" matches any number
// of directories, of which .git and node_modules only where the pattern names them, "{a,b}" either of them. Symbolic
// links to files are followed, links to directories only where the pattern names them. A name without a pattern is
// returned whether or not the file exists, so that reading it reports why it cannot be read. A directory that cannot be
// read is an error; the files of the others are returned with it.
func Glob(pattern, dir string) ([]string, error) {
	files, closed, err := expand(pattern, dir)
	for _, c := range closed {
		err = errors.Join(err, fmt.Errorf("pattern %s: %s: %w", pattern, c.name, c.err))
	}
	return files, err
}

// isPattern reports whether p is a glob rather than the name of one file.
func isPattern(p string) bool { return strings.ContainsAny(p, "*?[{") }

// expand is Glob that returns the directories that could not be read, which may contain more files.
func expand(pattern, dir string) (files []string, closed []closedDir, err error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(escapePattern(dir), pattern)
	}
	root, rest := doublestar.SplitPattern(filepath.ToSlash(filepath.Clean(pattern)))
	if !isPattern(rest) {
		return []string{unescapePattern(pattern)}, nil, nil
	}
	tree := &openTree{FS: os.DirFS(root), root: root, pattern: rest}
	found, err := doublestar.Glob(tree, rest, doublestar.WithNoFollow(), doublestar.WithFilesOnly())
	if err != nil {
		return nil, nil, fmt.Errorf("pattern %s: %w", pattern, err)
	}
	for _, name := range found {
		if info, err := fs.Stat(tree.FS, name); err == nil && info.Mode().IsRegular() {
			files = append(files, filepath.Join(root, filepath.FromSlash(name)))
		}
	}
	slices.Sort(files)
	slices.SortFunc(tree.closed, func(a, b closedDir) int { return strings.Compare(a.name, b.name) })
	sameName := func(a, b closedDir) bool { return a.name == b.name }
	return slices.Compact(files), slices.CompactFunc(tree.closed, sameName), nil
}

// openTree is a directory tree without .git and node_modules, unless pattern names them. It records the directories
// that it could not read.
type openTree struct {
	fs.FS
	root    string
	pattern string
	closed  []closedDir
}

func (t *openTree) Stat(name string) (fs.FileInfo, error) { return fs.Stat(t.FS, name) }

func (t *openTree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.FS, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		cause := err
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			cause = pathErr.Err
		}
		t.closed = append(t.closed, closedDir{filepath.Join(t.root, filepath.FromSlash(name)), cause})
	}
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return (e.Name() == ".git" || e.Name() == "node_modules") && !strings.Contains(t.pattern, e.Name())
	}), err
}

// closedDir is a directory that cannot be read.
type closedDir struct {
	name string
	err  error
}

// escapePattern returns a pattern that matches dir alone, whatever characters its name contains.
func escapePattern(dir string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(dir)
}

func unescapePattern(p string) string {
	return strings.NewReplacer(`\*`, `*`, `\?`, `?`, `\[`, `[`, `\{`, `{`).Replace(p)
}

// ValidatePattern reports a pattern that is malformed.
func ValidatePattern(pattern string) error {
	if !doublestar.ValidatePattern(filepath.ToSlash(pattern)) {
		return fmt.Errorf("pattern %s: %w", pattern, doublestar.ErrBadPattern)
	}
	return nil
}

// Within reports whether file lies below root once symbolic links are followed. A file that does not exist is judged
// by its name.
func Within(file, root string) bool {
	resolve := func(p string) string {
		if r, err := filepath.EvalSymlinks(p); err == nil {
			p = r
		}
		if abs, err := filepath.Abs(p); err == nil {
			p = abs
		}
		return p
	}
	rel, err := filepath.Rel(resolve(root), resolve(file))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
