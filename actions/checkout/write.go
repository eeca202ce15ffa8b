package checkout

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Change is what a file becomes.
type Change struct {
	Path   string // slash-separated, relative to the root
	Before []byte // what the file must be when it is written; nil: there must be none
	After  []byte // nil: the file is removed
	// Executable adds the right to execute. A file that exists keeps its rights otherwise.
	Executable bool
}

// Check returns why changes cannot be written, all reasons joined: a path that is refused, a file that is no longer
// what the change expects, and one with changes that are not committed.
func (c *Checkout) Check(ctx context.Context, changes []Change) error {
	problems := conflicting(changes)
	lists := map[string][]string{}
	var names []string
	for _, ch := range changes {
		if err := c.checkOne(ch, lists); err != nil {
			problems = append(problems, err)
			continue
		}
		names = append(names, ch.Path)
	}
	dirty, err := c.Uncommitted(ctx, names...)
	if err != nil {
		problems = append(problems, err)
	}
	for _, name := range names {
		if reason, ok := dirty[name]; ok {
			problems = append(problems, refuse(name, "%s; commit or stash it first", reason))
		}
	}
	return errors.Join(problems...)
}

// conflicting returns the changes that cannot both be: of one path, of paths or directories that differ by case only,
// and of a file that another change needs as a directory.
func conflicting(changes []Change) (problems []error) {
	at := map[string]string{} // path of a lower-case path
	for _, ch := range changes {
		key := fold(ch.Path)
		if other, taken := at[key]; taken {
			problems = append(problems, refuse(ch.Path, "another change has the path %s", other))
		}
		at[key] = ch.Path
	}
	dirs := map[string]string{} // directory of a lower-case directory
	for _, ch := range changes {
		for dir := path.Dir(ch.Path); dir != "." && dir != "/"; dir = path.Dir(dir) {
			if other, seen := dirs[fold(dir)]; seen && other != dir {
				problems = append(problems, refuse(ch.Path, "its directory %s differs by case only from %s of another change",
					dir, other))
				break
			}
			dirs[fold(dir)] = dir
			if other, taken := at[fold(dir)]; taken {
				problems = append(problems, refuse(ch.Path, "another change makes a file of %s", other))
			}
		}
	}
	return problems
}

func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

func (c *Checkout) checkOne(ch Change, lists map[string][]string) error {
	if len(ch.After) > MaxFile {
		return refuse(ch.Path, "it would be larger than %d MB", MaxFile>>20)
	}
	file, err := c.Read(ch.Path)
	switch {
	case err != nil:
		return err
	case ch.Before == nil && file.Content != nil:
		return refuse(ch.Path, "a file was added there since the plan was made; make the plan again")
	case ch.Before != nil && !bytes.Equal(ch.Before, file.Content):
		return refuse(ch.Path, "it was changed since the plan was made; make the plan again")
	}
	return c.checkCase(ch.Path, lists)
}

// checkCase refuses a path of which a part differs from an existing name by case only: on macOS and Windows both are
// one file. lists caches the names of directories.
func (c *Checkout) checkCase(name string, lists map[string][]string) error {
	for at := name; at != "."; at = path.Dir(at) {
		dir, base := path.Split(at)
		dir = path.Clean(cmp.Or(dir, "."))
		names, ok := lists[dir]
		if !ok {
			entries, err := fs.ReadDir(c.root.FS(), dir)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("reading directory %s: %w", dir, err)
			}
			for _, e := range entries {
				names = append(names, e.Name())
			}
			lists[dir] = names
		}
		for _, other := range names {
			if other != base && fold(other) == fold(base) {
				return refuse(name, "%s differs from %s by case only", path.Join(dir, other), at)
			}
		}
	}
	return nil
}

// Write writes changes after Check, in their order, each file in one step. It stops between two files when ctx is done
// and at the first file that cannot be written; written has the paths up to there. Nothing is written if one of the
// changes is refused.
func (c *Checkout) Write(ctx context.Context, changes []Change) (written []string, err error) {
	if err := c.Check(ctx, changes); err != nil {
		return nil, err
	}
	for _, ch := range changes {
		if err := ctx.Err(); err != nil {
			return written, fmt.Errorf("writing %s: %w", ch.Path, err)
		}
		if err := c.writeOne(ch); err != nil {
			return written, fmt.Errorf("writing %s: %w", ch.Path, err)
		}
		written = append(written, ch.Path)
	}
	return written, nil
}

func (c *Checkout) writeOne(ch Change) error {
	info, err := c.inspect(ch.Path) // again: files may have changed since Check
	if err != nil {
		return err
	}
	name := filepath.FromSlash(ch.Path)
	if ch.After == nil {
		if info == nil {
			return nil
		}
		return c.root.Remove(name)
	}
	mode := fs.FileMode(0o644)
	if info != nil {
		mode = info.Mode().Perm()
	}
	if ch.Executable {
		mode |= 0o111
	}
	if err := c.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	temporary := filepath.Join(filepath.Dir(name), temporaryName(ch.Path))
	if err := c.fill(temporary, ch.After, mode, info != nil); err != nil {
		_ = c.root.Remove(temporary)
		return err
	}
	if err := c.root.Rename(temporary, name); err != nil {
		_ = c.root.Remove(temporary)
		return err
	}
	return nil
}

// temporaryName is the same at every attempt, so that what an interrupted one left behind is replaced by the next.
func temporaryName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return ".dxctl-" + hex.EncodeToString(sum[:8]) + ".tmp"
}

// fill writes a file and waits until it is on the disk: after a crash, a renamed file would be empty otherwise. exact
// sets the rights as they are; else the mask of the user applies, as for every new file.
func (c *Checkout) fill(name string, content []byte, mode fs.FileMode, exact bool) error {
	if info, err := c.root.Lstat(name); err == nil && !info.IsDir() {
		if err := c.root.Remove(name); err != nil {
			return err
		}
	}
	file, err := c.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil && exact {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Sorted returns changes in the order of their paths.
func Sorted(changes []Change) []Change {
	return slices.SortedFunc(slices.Values(changes), func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
}
