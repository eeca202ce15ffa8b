// Package checkout grades the services of a directory where it lies: without a store, a server or a source. What the
// files and the descriptors show is known; what only sources give is unknown.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/tree"
)

// Source is the source of the facts that are read of a checkout.
const Source = "checkout"

// Checkout is a directory that was read.
type Checkout struct {
	Root string // of the repository, absolute; the directory itself if it is not in a git repository
	Dir  string // what is graded, relative to the root; "." is all of it
	// Services are the components that are described in the directory; else the one whose directory it lies in; else
	// one without a descriptor.
	Services []Service
	// Problems are what is wrong with the descriptors. Lost has those because of which one is not graded.
	Problems, Lost []fact.Problem
	Notes          []string // sentences that explain what was read
}

// Service is a component of the checkout and what is known of it.
type Service struct {
	Entity descriptor.Entity
	At     fact.Location // of the descriptor; the path is "" without one
	Anchor fact.Location // the descriptor, else the README or the first file: for what has no place of its own
	Dir    string        // whose files decide, relative to the root
	Facts  map[string]event.Fact
}

// options are those of a directory: the defaults of an organization are in another repository.
var options = named.Options{
	NotInherited: "the organization's .github repository may have one, which a checkout does not show",
}

// Root returns the root of the git repository in which a directory lies, and the directory relative to it. Without a
// repository, root is the directory itself and git is false. Symbolic links in the name of the directory are followed.
func Root(dir string) (root, relative string, git bool, err error) {
	absolute, err := filepath.Abs(dir)
	if err == nil {
		absolute, err = filepath.EvalSymlinks(absolute)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", false, fmt.Errorf("reading directory %s: it does not exist", dir)
	}
	if err != nil {
		return "", "", false, fmt.Errorf("reading directory %s: %w", dir, err)
	}
	dir = absolute
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return "", "", false, fmt.Errorf("reading directory %s: %w", dir, err)
	case !info.IsDir():
		return "", "", false, fmt.Errorf("%s is a file; name the directory that it is in", dir)
	case isBare(dir):
		return "", "", false, fmt.Errorf("%s is a git repository without files; check it out, for example with "+
			"`git worktree add`, and name that directory", dir)
	}
	for above := dir; ; above = filepath.Dir(above) {
		if _, err := os.Lstat(filepath.Join(above, ".git")); err == nil {
			relative, err = filepath.Rel(above, dir)
			return above, filepath.ToSlash(relative), true, err
		}
		if above == filepath.Dir(above) {
			return dir, ".", false, nil
		}
	}
}

func isBare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// Component is a component that a repository describes.
type Component struct{ Ref, Name, Dir string } // the directory is relative to the root

// Components returns the root of the repository of a directory, and the components that it describes.
func Components(ctx context.Context, dir string) (root string, all []Component, err error) {
	root, _, _, err = Root(dir)
	if err != nil {
		return "", nil, err
	}
	fsys, closer, err := tree.OpenDir(root)
	if err != nil {
		return "", nil, err
	}
	defer closer.Close() //nolint:errcheck // opened for reading only
	facts, err := repository.Read(ctx, fsys, repository.Options{NotScanned: "only descriptors are needed"})
	if err != nil {
		return "", nil, reading(root, err)
	}
	for _, d := range facts.Descriptors {
		if d.Entity.Kind == "Component" {
			all = append(all, Component{Ref: d.Entity.Ref, Name: d.Entity.Name, Dir: path.Dir(d.At.Path)})
		}
	}
	return root, all, nil
}

// HasDescriptor reports whether a descriptor is found in a directory or, at the root of its repository, above it.
func HasDescriptor(ctx context.Context, root, dir string) (bool, error) {
	fsys, closer, err := tree.OpenDir(root)
	if err != nil {
		return false, err
	}
	defer closer.Close() //nolint:errcheck // opened for reading only
	t, err := tree.List(ctx, fsys, tree.Limits{})
	if err != nil {
		return false, reading(root, err)
	}
	return slices.ContainsFunc(t.Files, func(f tree.File) bool {
		return repository.IsDescriptor(f) && (tree.Under(f.Path, dir) || tree.Under(dir, f.Dir()))
	}), nil
}

func reading(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("reading directory %s: the permission is denied; run dxctl as a user who may read it", dir)
	}
	return fmt.Errorf("reading directory %s: %w", dir, err)
}

// Read reads a directory. The whole repository is read, because workflows and CODEOWNERS are at its root.
func Read(ctx context.Context, dir string, now time.Time) (*Checkout, error) {
	root, relative, git, err := Root(dir)
	if err != nil {
		return nil, err
	}
	fsys, closer, err := tree.OpenDir(root)
	if err != nil {
		return nil, reading(root, errors.Unwrap(err))
	}
	defer closer.Close() //nolint:errcheck // opened for reading only
	facts, err := repository.Read(ctx, fsys, repository.Options{})
	if err != nil {
		return nil, reading(root, err)
	}
	return Of(facts, root, relative, git, now), nil
}

// Of returns the services of a directory of a repository whose facts were read. git is whether the root is that of a
// git repository.
func Of(facts *repository.Facts, root, relative string, git bool, now time.Time) *Checkout {
	c := &Checkout{Root: root, Dir: relative}
	c.Problems, c.Lost = c.concerning(facts.DescriptorProblems), c.concerning(facts.LostDescriptors)
	if !git {
		c.note("%s is not in a git repository: all files in it count, also those that are built", root)
	}
	if partial := facts.Files().Partial; partial != "" {
		c.note("not all files were read: %s", partial)
	}
	c.read(facts, now)
	return c
}

// ReadFS reads a tree of files that lie in no directory, such as those of a service that is to be created. The services
// are those that are described in it; its root is the root of a repository.
func ReadFS(ctx context.Context, fsys fs.FS, now time.Time) (*Checkout, error) {
	facts, err := repository.Read(ctx, fsys, repository.Options{})
	if err != nil {
		return nil, fmt.Errorf("reading files: %w", err)
	}
	c := &Checkout{Dir: ".", Problems: facts.DescriptorProblems, Lost: facts.LostDescriptors}
	c.read(facts, now)
	return c, nil
}

// concerning returns the problems of descriptors in the directory, or of a directory above it.
func (c *Checkout) concerning(problems []fact.Problem) []fact.Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p fact.Problem) bool {
		return !tree.Under(p.At.Path, c.Dir) && !tree.Under(c.Dir, path.Dir(p.At.Path))
	})
}

func (c *Checkout) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

func (c *Checkout) read(facts *repository.Facts, now time.Time) {
	cat := c.catalog(facts)
	chosen := c.chosen(facts.Descriptors)
	seen := map[string]fact.Location{}
	for _, d := range chosen {
		if first, twice := seen[d.Entity.Ref]; twice {
			c.Problems = append(c.Problems, fact.Problem{
				At:     d.At,
				Reason: fmt.Sprintf("%s is described at %s already; this one is left out", d.Entity.Ref, first),
			})
			continue
		}
		seen[d.Entity.Ref] = d.At
		dir := path.Dir(d.At.Path)
		s := Service{Entity: d.Entity, At: d.At, Anchor: d.At, Dir: dir, Facts: map[string]event.Fact{}}
		s.add(named.Of(facts.Of(dir), options), now)
		if e, ok := cat.Entity(d.Entity.Ref); ok {
			s.Entity = e
			for _, f := range cat.ServiceFacts(e, now) {
				s.Facts[f.Name] = s.inCatalog(f)
			}
		}
		c.Services = append(c.Services, s)
	}
	if len(c.Services) == 0 {
		c.unnamed(facts, now)
	}
}

// catalog returns the entities that the descriptors of the repository describe. Their Locations are not followed.
func (c *Checkout) catalog(facts *repository.Facts) *catalog.Catalog {
	var found []catalog.Found
	seen := map[string]bool{}
	for _, d := range facts.Descriptors {
		if !seen[d.At.Path] {
			seen[d.At.Path] = true
			found = append(found, catalog.Found{Source: Source, Location: d.At.Path, Document: d.Document})
		}
	}
	// The problems of the descriptors themselves are known; those between entities are the catalog's.
	cat, _, _ := catalog.Load(catalog.Config{}, people.Config{}, c.Root, found...)
	return cat
}

// chosen returns the components that are described in the directory; if there are none, those of the nearest directory
// above it.
func (c *Checkout) chosen(all []repository.Descriptor) []repository.Descriptor {
	components := slices.DeleteFunc(slices.Clone(all), func(d repository.Descriptor) bool {
		return d.Entity.Kind != "Component"
	})
	for dir := c.Dir; ; dir = path.Dir(dir) {
		var chosen []repository.Descriptor
		for _, d := range components {
			if dir == c.Dir && tree.Under(d.At.Path, dir) || dir != c.Dir && path.Dir(d.At.Path) == dir {
				chosen = append(chosen, d)
			}
		}
		if len(chosen) > 0 {
			if dir != c.Dir {
				c.note("%s has no descriptor of its own; it belongs to what %s describes", c.Dir, chosen[0].At.Path)
			}
			return chosen
		}
		if dir == "." {
			return nil
		}
	}
}

// unnamed adds the one component of a directory without a descriptor.
func (c *Checkout) unnamed(facts *repository.Facts, now time.Time) {
	name := path.Base(filepath.ToSlash(filepath.Join(c.Root, c.Dir)))
	c.note("no catalog-info.yaml describes a component here: the directory is graded as one unnamed service, and what a " +
		"descriptor says is unknown")
	s := Service{
		Entity: descriptor.Entity{
			Ref:       "component:default/" + strings.ToLower(name),
			Kind:      "Component",
			Namespace: "default",
			Name:      name,
			Type:      "service",
		},
		Dir:   c.Dir,
		Facts: map[string]event.Fact{},
	}
	here := facts.Of(c.Dir)
	s.add(named.Of(here, options), now)
	if s.Anchor = here.Documents.Readme.At; s.Anchor.Path == "" {
		i := slices.IndexFunc(facts.Files().Files, func(f tree.File) bool { return tree.Under(f.Path, c.Dir) })
		if i >= 0 {
			s.Anchor.Path = facts.Files().Files[i].Path
		}
	}
	c.Services = append(c.Services, s)
}

func (s *Service) add(facts []event.Fact, now time.Time) {
	for _, f := range facts {
		f.Source, f.Entity, f.ObservedAt = Source, s.Entity.Ref, now
		s.Facts[f.Name] = f
	}
}

// inCatalog returns a fact of the catalog as far as a checkout can give it: whether an owner exists is known only if
// the checkout itself describes the owner.
func (s *Service) inCatalog(f event.Fact) event.Fact {
	absent := f.Name == "catalog.owner_exists" && string(f.Value) == "false" ||
		f.Name == "catalog.owner_members" && f.Error != ""
	if absent && s.Entity.Owner != "" {
		f.Value = nil
		f.Error = fmt.Sprintf("%s is not described in this checkout, and the rest of the catalog is not read", s.Entity.Owner)
	}
	return f
}
