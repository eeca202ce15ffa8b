package git

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// maxCommits bounds what a history may hold: about 100 bytes of memory a commit.
const maxCommits = 5_000_000

// none is the number of no commit.
const none = int32(-1)

type oid [32]byte

// graph is a history: commits by number, each with its parents.
type graph struct {
	size   int              // bytes of an id: 20 or 32
	byHead map[uint64]int32 // by the first bytes of the id
	clash  map[oid]int32    // those whose first bytes another commit has too
	ids    []oid
	first  []int32 // where the parents of a commit begin in edges
	count  []int32 // how many parents; -1: the commit itself is not there
	edges  []int32
	at     [][2]int64 // authored and committed, Unix seconds
}

func newGraph() *graph {
	return &graph{byHead: map[uint64]int32{}, clash: map[oid]int32{}}
}

// read takes lines of "id authored committed parent parent…".
func (g *graph) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil && len(line) == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("reading the history: %w", err)
		}
		if err := g.add(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return err
		}
	}
}

func (g *graph) add(line []byte) error {
	words := bytes.Split(line, []byte(" "))
	if len(words) < 3 {
		return fmt.Errorf("the history has the line %q", line)
	}
	n, err := g.number(words[0])
	if err != nil {
		return err
	}
	if g.count[n] >= 0 {
		return nil
	}
	g.first[n], g.count[n] = int32(len(g.edges)), 0
	for i := range 2 {
		g.at[n][i], _ = strconv.ParseInt(string(words[i+1]), 10, 64) // a date that is none is not known
	}
	for _, word := range words[3:] {
		if len(word) == 0 {
			continue
		}
		parent, err := g.number(word)
		if err != nil {
			return err
		}
		g.edges = append(g.edges, parent)
		g.count[n]++
	}
	return nil
}

// number returns the number of a commit, a new one when it is first named.
func (g *graph) number(text []byte) (int32, error) {
	var id oid
	size := len(text) / 2
	if (len(text) != 40 && len(text) != 64) || (g.size != 0 && g.size != size) {
		return none, fmt.Errorf("the history has the commit %q", text)
	}
	if _, err := hex.Decode(id[:], text); err != nil {
		return none, fmt.Errorf("the history has the commit %q: %w", text, err)
	}
	g.size = size
	if n, ok := g.find(id); ok {
		return n, nil
	}
	if len(g.ids) >= maxCommits {
		return none, fmt.Errorf("the history has more than %d commits", maxCommits)
	}
	n := int32(len(g.ids))
	head := binary.BigEndian.Uint64(id[:])
	if _, taken := g.byHead[head]; taken {
		g.clash[id] = n
	} else {
		g.byHead[head] = n
	}
	g.ids, g.first, g.count, g.at = append(g.ids, id), append(g.first, 0), append(g.count, -1), append(g.at, [2]int64{})
	return n, nil
}

func (g *graph) find(id oid) (int32, bool) {
	n, ok := g.byHead[binary.BigEndian.Uint64(id[:])]
	if ok && g.ids[n] == id {
		return n, true
	}
	n, ok = g.clash[id]
	return n, ok
}

// has reports whether the commit itself is there, not only its name.
func (g *graph) has(n int32) bool { return n >= 0 && g.count[n] >= 0 }

func (g *graph) parents(n int32) []int32 {
	if g.count[n] <= 0 {
		return nil
	}
	return g.edges[g.first[n] : g.first[n]+g.count[n]]
}

func (g *graph) sha(n int32) string { return hex.EncodeToString(g.ids[n][:g.size]) }

// commit is the commit as an event has it; a time that cannot be stored is not known.
func (g *graph) commit(n int32) event.Commit {
	c := event.Commit{SHA: g.sha(n)}
	for i, into := range []*time.Time{&c.AuthoredAt, &c.CommittedAt} {
		if seconds := g.at[n][i]; seconds > 0 {
			if at := time.Unix(seconds, 0).UTC(); event.ValidTime(at) {
				*into = at
			}
		}
	}
	return c
}

// resolve finds the commits that are named, whole or by their beginning. A beginning of less than 7 letters, or of more
// than one commit, names none.
func (g *graph) resolve(names []string) map[string]int32 {
	found := make(map[string]int32, len(names))
	var short []string
	for _, name := range names {
		var id oid
		switch {
		case len(name) == 2*g.size && g.size > 0:
			if _, err := hex.Decode(id[:], []byte(name)); err == nil {
				if n, ok := g.find(id); ok && g.has(n) {
					found[name] = n
				}
			}
		case len(name) >= 7 && len(name) < 2*g.size:
			short = append(short, name)
		}
	}
	if len(short) == 0 {
		return found
	}
	order := make([]int32, 0, len(g.ids))
	for n := range g.ids {
		if g.has(int32(n)) {
			order = append(order, int32(n))
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return bytes.Compare(g.ids[a][:], g.ids[b][:]) })
	for _, name := range short {
		i, _ := slices.BinarySearchFunc(order, name, func(n int32, name string) int { return cmp.Compare(g.sha(n), name) })
		if i < len(order) && strings.HasPrefix(g.sha(order[i]), name) &&
			(i+1 == len(order) || !strings.HasPrefix(g.sha(order[i+1]), name)) {
			found[name] = order[i]
		}
	}
	return found
}

// set is a set of commits.
type set []uint64

func (g *graph) set() set { return make(set, (len(g.ids)+63)/64) }

func (s set) has(n int32) bool { return s[n/64]&(1<<(n%64)) != 0 }
func (s set) add(n int32)      { s[n/64] |= 1 << (n % 64) }

// spread adds a commit and everything it is built upon to the set, and calls fresh for each that was not in it.
func (g *graph) spread(s set, from int32, fresh func(int32)) {
	if !g.has(from) || s.has(from) {
		return
	}
	s.add(from)
	for todo := []int32{from}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		fresh(n)
		for _, p := range g.parents(n) {
			if g.has(p) && !s.has(p) {
				s.add(p)
				todo = append(todo, p)
			}
		}
	}
}
