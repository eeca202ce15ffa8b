package paths

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// FS returns all files of the golden path, also its tests and documents. A file that others can write may have changed
// since the path was read.
func (p *Path) FS() fs.FS { return p.fsys }

// ReadTree reads the files of a directory within the bounds of a golden path. The error wraps [fs.ErrNotExist] if there
// is no such directory.
func ReadTree(fsys fs.FS, dir string) (Tree, error) {
	info, err := fs.Lstat(fsys, dir)
	if err != nil {
		return nil, cause(err)
	}
	r := reader{fsys: fsys, found: contents{}, folded: map[string]string{}}
	if err := r.dir(dir, fs.FileInfoToDirEntry(info)); err != nil {
		return nil, err
	}
	tree := make(Tree, 0, len(r.found))
	for name, f := range r.found {
		tree = append(tree, File{
			Path: strings.TrimPrefix(name, dir+"/"), Content: f.data, Executable: f.executable, Mode: Once,
		})
	}
	slices.SortFunc(tree, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return tree, nil
}

// ReadFile reads a regular file of at most limit bytes.
func ReadFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Lstat(fsys, name)
	if err != nil {
		return nil, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close() //nolint:errcheck // opened for reading only
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, cause(err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("it is larger than %s", size(limit))
	}
	return data, nil
}
