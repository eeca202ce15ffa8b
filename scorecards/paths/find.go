package paths

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/spelling"
)

// maxPaths is how many golden paths a source may have.
const maxPaths = 200

// OpenDir reads the golden path in a directory. shown is the name of the directory as people know it. What a symbolic
// link leads to is not read.
func OpenDir(dir, shown string) (*Path, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the golden path in directory %s: %w", shown, rootCause(err))
	}
	p, err := Load(root.FS(), Origin{Kind: FromDirectory, Location: filepath.ToSlash(shown), base: baseOf(dir)})
	if err != nil {
		return nil, err
	}
	p.Dir = dir
	return p, nil
}

// OpenAll reads the golden path in a directory, or those in the directories in it. shown is the name of the directory
// as people know it. The error joins what could not be read; the others are returned with it.
func OpenAll(dir, shown string) ([]*Path, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the golden paths in directory %s: %w", shown, rootCause(err))
	}
	location := filepath.ToSlash(filepath.Clean(shown))
	all, err := within(root.FS(), Origin{Kind: FromDirectory, Location: location, base: baseOf(dir)})
	for _, p := range all {
		below := p.Origin.Location
		if location != "." {
			below = strings.TrimPrefix(below, location)
		}
		p.Dir = filepath.Join(dir, filepath.FromSlash(below))
	}
	return all, err
}

// baseOf returns the last name of a directory, also of one that is written as . or ..
func baseOf(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return filepath.Base(dir)
}

func rootCause(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it does not exist")
	}
	return cause(err)
}

// All returns the golden paths of the configuration, and those of the binary whose names are not taken. dir is the
// directory that names in the configuration are relative to. The error joins what could not be read; the others are
// returned with it.
func All(ctx context.Context, cfg Config, dir string) ([]*Path, error) {
	var all []*Path
	var errs []error
	add := func(found []*Path, err error) {
		if err != nil {
			errs = append(errs, err)
		}
		for _, p := range found {
			if !slices.ContainsFunc(all, func(other *Path) bool { return other.Name == p.Name }) {
				all = append(all, p)
			}
		}
	}
	for _, s := range cfg.Sources {
		add(s.paths(ctx, dir))
	}
	add(Builtin())
	return all, errors.Join(errs...)
}

// Find returns the golden path with a name. It never takes the name for that of a directory. A source that cannot be
// read is an error unless the path was found in one before it, because it may have the path.
func Find(ctx context.Context, name string, cfg Config, dir string) (*Path, error) {
	var names []string
	look := func(found []*Path, err error) (*Path, error) {
		for _, p := range found {
			if names = append(names, p.Name); p.Name == name {
				return p, nil
			}
		}
		return nil, err
	}
	for _, s := range cfg.Sources {
		if p, err := look(s.paths(ctx, dir)); p != nil || err != nil {
			return p, err
		}
	}
	if p, err := look(Builtin()); p != nil || err != nil {
		return p, err
	}
	return nil, NotFoundError{Name: name, Known: names}
}

// NotFoundError is that no golden path has a name.
type NotFoundError struct {
	Name  string
	Known []string
}

// Error names the golden paths that there are.
func (e NotFoundError) Error() string {
	return fmt.Sprintf("there is no golden path %.80q%s; `dxctl path list` lists them", e.Name, spelling.Hint(e.Name, e.Known))
}

// paths returns the golden paths of a source.
func (s Source) paths(ctx context.Context, dir string) ([]*Path, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("paths.sources: %w", err)
	}
	if s.Git != "" {
		return s.fromGit(ctx, dir)
	}
	name := s.Dir
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return OpenAll(name, s.Dir)
}

// within returns the golden path in a file system, or those in its directories.
func within(fsys fs.FS, o Origin) ([]*Path, error) {
	if _, err := fs.Stat(fsys, DescriptionFile); err == nil {
		p, err := Load(fsys, o)
		if err != nil {
			return nil, err
		}
		return []*Path{p}, nil
	}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the golden paths in %s: %w", o.where(), cause(err))
	}
	var all []*Path
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		sub, err := fs.Sub(fsys, e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the golden paths in %s: %w", o.where(), err)
		}
		if _, err := fs.Stat(sub, DescriptionFile); err != nil {
			continue
		}
		if len(all) == maxPaths {
			errs = append(errs, fmt.Errorf("reading the golden paths in %s: there are more than %d", o.where(), maxPaths))
			break
		}
		p, err := Load(sub, o.sub(e.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, p)
	}
	if len(all) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("reading the golden paths in %s: neither it nor a directory in it has a file %s; "+
			"name the directory that has one", o.where(), DescriptionFile))
	}
	return all, errors.Join(errs...)
}

// sub returns the origin of a golden path in a directory.
func (o Origin) sub(name string) Origin {
	if o.Kind == FromGit {
		o.Subdir = strings.TrimPrefix(o.Subdir+"/"+name, "./")
		return o
	}
	o.Location, o.base = strings.TrimPrefix(o.Location+"/"+name, "./"), name
	return o
}
