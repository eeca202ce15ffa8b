package pathlock

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/strictyaml"
)

// Set has the lock files of a repository: one in each directory of a service.
type Set struct {
	Locks map[string]*Lock // by directory; "." is the root
	// Drift are, by directory, the files that the golden path owns and somebody changed or deleted since it wrote them.
	Drift map[string][]fact.Problem
	// Problems are mistakes in lock files, by directory. A lock file with one is not in Locks.
	Problems map[string][]fact.Problem
}

// maxOwned is how many files of one lock file are compared, and maxOwnedBytes how large one may be.
const (
	maxOwned      = 200
	maxOwnedBytes = 1 << 20
)

// ReadAll reads the lock files of a repository.
func ReadAll(t *tree.Tree) Set {
	s := Set{Locks: map[string]*Lock{}, Drift: map[string][]fact.Problem{}, Problems: map[string][]fact.Problem{}}
	for _, f := range t.Files {
		if f.Path != File && !strings.HasSuffix(f.Path, "/"+File) {
			continue
		}
		dir := path.Dir(path.Dir(f.Path))
		text, err := t.Text(f)
		if err != nil {
			s.Problems[dir] = append(s.Problems[dir], fact.Problem{At: fact.Location{Path: f.Path}, Reason: err.Error()})
			continue
		}
		lock, err := Parse([]byte(text), f.Path)
		if err != nil {
			for _, m := range strictyaml.Mistakes(err) {
				s.Problems[dir] = append(s.Problems[dir], fact.Problem{
					At: fact.Location{Path: f.Path, Line: m.Line}, Reason: m.Message,
				})
			}
			continue
		}
		s.Locks[dir] = lock
		s.Drift[dir] = lock.drift(t, dir)
	}
	return s
}

// drift compares the files that the golden path owns with what it wrote. Those that the repository may change are left
// out, and so are those that it declines at any time: that is a decision and no accident.
func (l *Lock) drift(t *tree.Tree, dir string) []fact.Problem {
	var found []fact.Problem
	compared := 0
	for _, name := range l.Sorted() {
		e := l.Files[name]
		declined := slices.ContainsFunc(l.Declined, func(d Declined) bool { return d.All || d.File == name })
		if e.Mode != Managed || declined {
			continue
		}
		if compared++; compared > maxOwned {
			break
		}
		at := fact.Location{Path: path.Join(dir, name)}
		f, exists := t.File(at.Path)
		if !exists {
			if t.Partial == "" {
				found = append(found, fact.Problem{At: at, Reason: "it was deleted since the golden path wrote it"})
			}
			continue
		}
		content, whole, err := t.Bytes(f, maxOwnedBytes)
		if err != nil || !whole {
			continue // what cannot be read is not known to differ
		}
		if Hash(content) != e.Hash && Hash(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))) != e.Hash {
			found = append(found, fact.Problem{At: at, Reason: "it was changed since the golden path wrote it"})
		}
	}
	return found
}
