package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxPathArguments is how many paths are handed to git on its command line; with more it lists everything and we
// choose.
const maxPathArguments = 500

// touches says which paths, by number, each commit touches. A merge has two lists: first, what it changed for the line
// that it was merged into, and every, the files that are in none of the lines that it joins (a conflict that was
// resolved).
type touches struct {
	first map[int32][]uint16
	every map[int32][]uint16

	merge map[string]bool // the files of the merge that is being read, as far as they differ from all its parents
}

// of returns the paths that a commit touches. A merge that is part of the deployed line itself adds all that it
// merges; one on a branch that only catches up with the line does not: what it adds was there already.
func (t touches) of(g *graph, n int32, onLine bool) []uint16 {
	if len(g.parents(n)) > 1 && !onLine {
		return t.every[n]
	}
	return t.first[n]
}

// touched asks git which of the paths the commits touch, with one process for all of them.
func (k *clone) touched(ctx context.Context, g *graph, commits set, paths []string) (touches, error) {
	t := touches{first: map[int32][]uint16{}, every: map[int32][]uint16{}}
	if len(paths) == 0 {
		return t, nil
	}
	args := []string{
		"diff-tree",
		"--stdin",
		"--root",
		"-r",
		"--raw",
		"--no-renames",
		"--no-ext-diff",
		"--ignore-submodules=none",
		"--always",
		"-z",
	}
	if len(paths) <= maxPathArguments {
		args = append(append(args, "--"), paths...)
	}
	cmd := k.command(args...)
	questions, write := io.Pipe()
	cmd.stdin = questions
	go func() { write.CloseWithError(ask(write, g, commits)) }()
	defer func() { _ = questions.CloseWithError(errors.New("git has ended")) }() // so that asking ends too
	err := k.c.run(ctx, cmd, func(r io.Reader) error { return t.read(r, g, commits, paths) })
	if err != nil {
		return t, k.broken(err)
	}
	return t, nil
}

// comparisons calls yield for every comparison of a commit with a parent, in order; parent is none for a commit
// without.
func comparisons(g *graph, commits set, yield func(n, parent int32) error) error {
	for i := range g.ids {
		n := int32(i)
		if !commits.has(n) || !g.has(n) {
			continue
		}
		parents := g.parents(n)
		if len(parents) == 0 {
			if err := yield(n, none); err != nil {
				return err
			}
		}
		for _, p := range parents {
			if err := yield(n, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func ask(w io.Writer, g *graph, commits set) error {
	out := bufio.NewWriter(w)
	err := comparisons(g, commits, func(n, parent int32) error {
		line := g.sha(n)
		if parent != none {
			line += " " + g.sha(parent)
		}
		_, err := out.WriteString(line + "\n")
		return err
	})
	return errors.Join(err, out.Flush())
}

// read takes the answers: per comparison the commit's id, then per file ":modes ids letter" and the file's name.
func (t *touches) read(r io.Reader, g *graph, commits set, paths []string) error {
	answers := &answers{in: bufio.NewReaderSize(r, 1<<16)}
	index := make(map[string][]uint16, len(paths))
	for i, p := range paths {
		index[p] = append(index[p], uint16(i))
	}
	err := comparisons(g, commits, func(n, parent int32) error {
		id, err := answers.next()
		if err != nil {
			return err
		}
		if string(id) != g.sha(n) {
			return fmt.Errorf("git answers about %q when it is asked about %s", id, g.sha(n))
		}
		return t.note(g, n, parent, answers, index)
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answers.in)
	return err
}

// note reads the files of one comparison and keeps which paths they are in.
func (t *touches) note(g *graph, n, parent int32, a *answers, index map[string][]uint16) error {
	parents := g.parents(n)
	first := parent == none || parents[0] == parent
	var found []uint16
	files := map[string]bool{} // of a merge
	err := a.files(func(name string) {
		if first {
			found = within(found, name, index)
		}
		if len(parents) > 1 && (first || t.merge[name]) {
			files[name] = true
		}
	})
	if first && len(found) > 0 {
		t.first[n] = found
	}
	if t.merge = files; len(parents) > 1 && parent == parents[len(parents)-1] {
		var every []uint16
		for name := range files {
			every = within(every, name, index)
		}
		if len(every) > 0 {
			t.every[n] = every
		}
	}
	return err
}

// within adds the paths that a file is in to found, which stays sorted.
func within(found []uint16, name string, index map[string][]uint16) []uint16 {
	for path := name; ; {
		for _, p := range index[path] {
			if at, ok := slices.BinarySearch(found, p); !ok {
				found = slices.Insert(found, at, p)
			}
		}
		at := strings.LastIndexByte(path, '/')
		if at < 0 {
			return found
		}
		path = path[:at]
	}
}

// answers reads tokens that end with NUL.
type answers struct {
	in     *bufio.Reader
	peeked []byte
	long   []byte
}

func (a *answers) next() ([]byte, error) {
	if a.peeked != nil {
		token := a.peeked
		a.peeked = nil
		return token, nil
	}
	a.long = a.long[:0]
	for {
		part, err := a.in.ReadSlice(0)
		a.long = append(a.long, part...)
		switch {
		case err == nil:
			return a.long[:len(a.long)-1], nil
		case errors.Is(err, bufio.ErrBufferFull) && len(a.long) < 1<<20:
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, fmt.Errorf("reading what commits touch: %w", err)
		}
	}
}

// files calls yield for every file of one answer.
func (a *answers) files(yield func(name string)) error {
	for {
		token, err := a.next()
		if errors.Is(err, io.ErrUnexpectedEOF) && len(a.long) == 0 {
			return nil // the last answer
		}
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(token, []byte(":")) {
			a.peeked = slices.Clone(token)
			return nil
		}
		name, err := a.next()
		if err != nil {
			return err
		}
		yield(string(name))
	}
}
