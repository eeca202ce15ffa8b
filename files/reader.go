// Package files finds and reads the files that a configuration names, and collects what is wrong with them: with file
// and line, and so that one bad file does not block the others.
package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxSize is the largest file that is read, in bytes. The largest catalogs known are a few megabytes.
const MaxSize = 64 << 20

// Reader reads files and collects warnings about them, in the order in which they are found. Content and Shown may be
// called from several goroutines; the other methods may not.
type Reader struct {
	BaseDir string // relative names are relative to it

	root     string // BaseDir as an absolute name, so that it is made one only once
	warnings []Warning
	lost     map[string]bool
}

// NewReader returns a reader for names that are relative to baseDir.
func NewReader(baseDir string) *Reader {
	r := &Reader{BaseDir: baseDir, root: baseDir, lost: map[string]bool{}}
	if abs, err := filepath.Abs(baseDir); err == nil {
		r.root = abs
	}
	return r
}

// Warn adds a warning. file is a name as Shown returns it.
func (r *Reader) Warn(file string, line int, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{File: file, Line: line, Message: fmt.Sprintf(format, args...)})
}

// Fail adds a warning because of which something is lost.
func (r *Reader) Fail(file string, line int, format string, args ...any) {
	r.MarkLost(file)
	r.warnings = append(r.warnings, Warning{File: file, Line: line, Message: fmt.Sprintf(format, args...), Lost: true})
}

// MarkLost records that something of the file could not be read.
func (r *Reader) MarkLost(file string) {
	if file != "" {
		r.lost[file] = true
	}
}

// Warnings returns all warnings so far.
func (r *Reader) Warnings() []Warning { return slices.Clone(r.warnings) }

// LostFiles returns the files and directories of which something could not be read, sorted.
func (r *Reader) LostFiles() []string {
	names := make([]string, 0, len(r.lost))
	for name := range r.lost {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Match returns the files that a name or pattern of the configuration names. setting is the name of the list that has
// it. A pattern without a file is a warning.
func (r *Reader) Match(pattern, setting string) []string {
	names, ok := r.Expand(pattern, r.root, func(format string, args ...any) {
		r.Fail("", 0, setting+": "+format, args...)
	})
	if ok && len(names) == 0 {
		r.Warn("", 0, "%s: no file matches %s (below %s)", setting, pattern, r.BaseDir)
	}
	return names
}

// Expand returns the files that a pattern names, relative to dir. A malformed pattern is reported by fail. Directories
// that cannot be read are lost, and the others are read. ok is false in both cases.
func (r *Reader) Expand(pattern, dir string, fail func(format string, args ...any)) (names []string, ok bool) {
	names, closed, err := expand(pattern, dir)
	if err != nil {
		fail("%v", err)
		return nil, false
	}
	for _, c := range closed {
		r.Fail(r.Shown(c.name), 0, "the directory cannot be read: %v; what lies below it is not read", c.err)
	}
	return names, len(closed) == 0
}

// Shown returns the name of a file as warnings have it: relative to the base directory if it is below it.
func (r *Reader) Shown(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	if rel, err := filepath.Rel(r.root, abs); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return file
}

// Open returns the content of a file. If it cannot be read, that is reported and ok is false.
func (r *Reader) Open(file string) (data []byte, ok bool) {
	data, err := r.Content(file)
	if err != nil {
		r.Unreadable(file, err)
	}
	return data, err == nil
}

// Unreadable reports that a file cannot be read.
func (r *Reader) Unreadable(file string, err error) {
	r.Fail(r.Shown(file), 0, "the file cannot be read: %v", err)
}

// Content returns the content of a file of at most MaxSize bytes. Its errors do not name the file.
func (r *Reader) Content(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		pattern := filepath.ToSlash(filepath.Join(r.Shown(file), "*"))
		err = errors.New("it is a directory; name files, or a pattern such as " + pattern)
	}
	if err == nil && info.Size() > MaxSize {
		err = fmt.Errorf("it has %d MB; at most %d are read", info.Size()>>20, MaxSize>>20)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return data, err
}
