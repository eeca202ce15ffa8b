package paths

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/strictyaml"
)

// The bounds of a golden path.
const (
	MaxFiles      = 2_000
	MaxFileBytes  = 2 << 20
	MaxTotalBytes = 32 << 20
	maxYAMLBytes  = 256 << 10
	maxDirs       = 2_000
	maxCards      = 50
)

// file is a file of a golden path.
type file struct {
	data       []byte
	executable bool
}

// contents are the files of a golden path that decide its result, by name.
type contents map[string]file

// top are the files of a golden path; a path may also have documents.
var top = []string{DescriptionFile, QuestionsFile, FilesFile, ActionsFile}

// read reads the files that decide the result. Symbolic links are refused: a link may lead out of the directory, and a
// copy of the directory would be another golden path.
func read(fsys fs.FS) (contents, error) {
	r := reader{fsys: fsys, found: contents{}, folded: map[string]string{}}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, cause(err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == TemplateDir || name == ScorecardsDir:
			err = r.dir(name, e)
		case isYAML(name):
			err = r.file(name, e, maxYAMLBytes)
		}
		if err != nil {
			return nil, err
		}
	}
	return r.found, nil
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// cause returns the cause of an error about a file, without the file's name.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

type reader struct {
	fsys   fs.FS
	found  contents
	folded map[string]string
	total  int64
	dirs   int
}

// dir reads a directory and those below it.
func (r *reader) dir(dir string, e fs.DirEntry) error {
	if !e.IsDir() {
		return fmt.Errorf("%s is not a directory (symbolic links are refused)", dir)
	}
	return fs.WalkDir(r.fsys, dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", name, cause(err))
		}
		if e.IsDir() {
			if r.dirs++; r.dirs > maxDirs {
				return fmt.Errorf("it has more than %d directories", maxDirs)
			}
			return r.name(name)
		}
		return r.file(name, e, MaxFileBytes)
	})
}

// name refuses names that not every file system can hold, and those that one that ignores case takes for the same.
func (r *reader) name(name string) error {
	if err := pathlock.CheckPath(name); err != nil {
		return fmt.Errorf("file %.200q %w; rename it", name, err)
	}
	if other, taken := r.folded[pathlock.Folded(name)]; taken {
		return fmt.Errorf("files %q and %q differ only in case; rename one", other, name)
	}
	r.folded[pathlock.Folded(name)] = name
	return nil
}

func (r *reader) file(name string, e fs.DirEntry, limit int64) error {
	if err := r.name(name); err != nil {
		return err
	}
	switch {
	case e.Type()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link; replace it by a copy of what it leads to", name)
	case !e.Type().IsRegular():
		return fmt.Errorf("%s is neither a file nor a directory; remove it", name)
	case len(r.found) == MaxFiles:
		return fmt.Errorf("it has more than %d files", MaxFiles)
	}
	f, err := r.fsys.Open(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	defer f.Close() //nolint:errcheck // opened for reading only
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, cause(err))
	case int64(len(data)) > limit:
		return fmt.Errorf("%s is larger than %s", name, size(limit))
	}
	if r.total += int64(len(data)); r.total > MaxTotalBytes {
		return fmt.Errorf("its files are larger than %s together", size(MaxTotalBytes))
	}
	// What is embedded in a binary has no modes, and a copy of it must be the same golden path.
	executable := info.Mode()&0o100 != 0 || bytes.HasPrefix(data, []byte("#!"))
	r.found[name] = file{data: data, executable: executable && !isYAML(name)}
	return nil
}

func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d KB", n>>10)
}

// digest returns the digest of the files: of each its name, whether it is executable, its length and its bytes.
func (c contents) digest() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(c)) {
		f := c[name]
		fmt.Fprintf(h, "%q %t %d\n", name, f.executable, len(f.data))
		h.Write(f.data)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// unknownFiles reports YAML files next to path.yaml that the format does not have: most likely one is misspelled.
func (l *loader) unknownFiles() {
	cards := 0
	for _, name := range slices.Sorted(maps.Keys(l.found)) {
		switch {
		case path.Dir(name) == "." && !slices.Contains(top, name):
			l.add(strictyaml.Mistake{File: l.p.Origin.at(name), Message: "a golden path has no file of this name" +
				spelling.Hint(name, top) + "; rename or remove it"})
		case strings.HasPrefix(name, ScorecardsDir+"/") && (path.Dir(name) != ScorecardsDir || !isYAML(name)):
			l.add(strictyaml.Mistake{File: l.p.Origin.at(name), Message: "only scorecards (*.yaml) are kept in this directory"})
		case path.Dir(name) == ScorecardsDir:
			if cards++; cards == maxCards+1 {
				l.add(strictyaml.Mistake{File: l.p.Origin.at(name), Message: fmt.Sprintf("a golden path may have at most %d "+
					"scorecards", maxCards)})
			}
		}
	}
}
