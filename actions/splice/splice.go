// Package splice edits YAML files by inserting and replacing bytes at the positions of nodes. What is not edited stays
// as it is, byte for byte: comments, order, quotes, indentation, line ends and a missing newline at the end.
//
// Every edit is made twice, in the text and in the parsed tree. Bytes parses the new text and compares both, so that an
// edit that would change anything else is an error and not a surprise.
package splice

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the size of the largest file that is edited, in bytes.
const MaxSize = 1 << 20

// File is a YAML file that is being edited. It is not safe for concurrent use.
type File struct {
	// Docs are the contents of the documents, nil for an empty one. Edits change them, too; a node that an edit added has
	// no position and cannot be edited further.
	Docs []*yaml.Node

	src     []byte // without the byte order mark
	mark    bool   // whether there was one
	newline string // the line end that most lines have
	starts  []int  // offsets of the lines
	step    int    // spaces of a level
	indent  bool   // whether lists in mappings are indented
	json    bool
	edits   []edit
}

type edit struct {
	start, end int // of the bytes that are replaced
	text       string
}

// Pair is a field of a Map.
type Pair struct {
	Key   string
	Value any
}

// Map is a mapping that is inserted. A value is a string, an int, a bool, a Map or a List.
type Map []Pair

// List is a list that is inserted.
type List []any

var byteOrderMark = []byte("\ufeff")

// Parse reads a file. The error is that of the YAML parser, or why the file cannot be edited.
func Parse(src []byte) (*File, error) {
	if len(src) > MaxSize {
		return nil, fmt.Errorf("it is larger than %d MB", MaxSize>>20)
	}
	f := &File{mark: bytes.HasPrefix(src, byteOrderMark), newline: "\n", step: 2}
	f.src = bytes.TrimPrefix(src, byteOrderMark)
	if !utf8.Valid(f.src) {
		return nil, errors.New("it is not UTF-8 text")
	}
	windows := bytes.Count(f.src, []byte("\r\n"))
	if bytes.Count(f.src, []byte("\r")) != windows || bytes.ContainsAny(f.src, "\u0085\u2028\u2029") {
		return nil, errors.New("it has line ends that are neither those of Unix nor those of Windows")
	}
	if 2*windows > bytes.Count(f.src, []byte("\n")) {
		f.newline = "\r\n"
	}
	f.starts = []int{0}
	for i, c := range f.src {
		if c == '\n' {
			f.starts = append(f.starts, i+1)
		}
	}
	var err error
	if f.Docs, err = decode(f.src); err != nil {
		return nil, err
	}
	trimmed := bytes.TrimSpace(f.src)
	f.json = len(trimmed) > 1 && (bytes.HasPrefix(trimmed, []byte("{\"")) ||
		trimmed[0] == '{' && bytes.HasPrefix(bytes.TrimSpace(trimmed[1:]), []byte("\"")))
	f.style()
	return f, nil
}

func decode(src []byte) (docs []*yaml.Node, err error) {
	defer func() { // the parser fails on some inputs
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the YAML parser failed on it: %v", cause)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		if len(docs) == 1000 {
			return nil, errors.New("it has more than 1,000 documents")
		}
		var root *yaml.Node
		if len(doc.Content) > 0 {
			root = doc.Content[0]
		}
		docs = append(docs, root)
	}
}

// style finds out how the file indents, by its first nested mapping and its first list in a mapping.
func (f *File) style() {
	steps, lists := 0, 0
	var walk func(n *yaml.Node, depth int)
	walk = func(n *yaml.Node, depth int) {
		if n == nil || depth > 100 || steps > 0 && lists > 0 {
			return
		}
		if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 {
			for i := 0; i+1 < len(n.Content); i += 2 {
				key, value := n.Content[i], n.Content[i+1]
				switch {
				case value.Style&yaml.FlowStyle != 0 || value.Line == key.Line || len(value.Content) == 0:
				case value.Kind == yaml.MappingNode && steps == 0 && value.Content[0].Column > key.Column:
					steps = value.Content[0].Column - key.Column
				case value.Kind == yaml.SequenceNode && lists == 0:
					lists = 1 + max(0, value.Column-key.Column)
				}
			}
		}
		for _, child := range n.Content {
			walk(child, depth+1)
		}
	}
	for _, doc := range f.Docs {
		walk(doc, 0)
	}
	if steps > 0 {
		f.step = min(steps, 8)
	}
	f.indent = lists != 1
}

// Newline returns the line end of the file.
func (f *File) Newline() string { return f.newline }

// Changed reports whether there are edits.
func (f *File) Changed() bool { return len(f.edits) > 0 }

// Line returns a line of the file, from 1, without its end.
func (f *File) Line(n int) string {
	if n < 1 || n > len(f.starts) {
		return ""
	}
	end := len(f.src)
	if n < len(f.starts) {
		end = f.starts[n]
	}
	return strings.TrimRight(string(f.src[f.starts[n-1]:end]), "\r\n")
}

// Bytes returns the file with all edits. The error is that the edited text does not mean what was intended.
func (f *File) Bytes() ([]byte, error) {
	edits := slices.Clone(f.edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.start < at {
			return nil, errors.New("two edits overlap")
		}
		out.Write(f.src[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.Write(f.src[at:])
	docs, err := decode(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("editing it would break it: %w", err)
	}
	if len(docs) != len(f.Docs) {
		return nil, errors.New("editing it would add or remove a document")
	}
	for i := range docs {
		if at := difference(f.Docs[i], docs[i]); at != nil {
			return nil, fmt.Errorf("editing it would change more than intended, at line %d", max(at.Line, 1))
		}
	}
	if err := f.shared(); err != nil {
		return nil, err
	}
	if f.mark {
		return append(slices.Clone(byteOrderMark), out.Bytes()...), nil
	}
	return out.Bytes(), nil
}

// shared returns an error if the edits change what an alias stands for: they would change the file where the alias is,
// too, which nobody looked at.
func (f *File) shared() error {
	if !bytes.Contains(f.src, []byte("&")) || !bytes.Contains(f.src, []byte("*")) {
		return nil
	}
	before, err := decode(f.src)
	if err != nil {
		return err
	}
	aliased := map[*yaml.Node]bool{}
	collect := func(docs []*yaml.Node) (anchors []*yaml.Node) {
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			switch {
			case n == nil:
				return
			case n.Kind == yaml.AliasNode:
				aliased[n.Alias] = true
			case n.Anchor != "":
				anchors = append(anchors, n)
			}
			for _, child := range n.Content {
				walk(child)
			}
		}
		for _, doc := range docs {
			walk(doc)
		}
		return anchors
	}
	was, is := collect(before), collect(f.Docs)
	if len(was) != len(is) {
		return errors.New("editing it would add or remove an anchor")
	}
	for i, n := range was {
		if aliased[n] && difference(n, is[i]) != nil {
			return fmt.Errorf("line %d: what the anchor &%s stands for is used elsewhere, too", n.Line, n.Anchor)
		}
	}
	return nil
}

// difference returns the first node of got that differs from want, nil if they mean the same. Positions, styles and
// comments do not count.
func difference(want, got *yaml.Node) *yaml.Node {
	switch {
	case want == nil && got == nil:
		return nil
	case want == nil:
		return got
	case got == nil:
		return want
	case want.Kind != got.Kind || want.Anchor != got.Anchor || want.ShortTag() != got.ShortTag() ||
		len(want.Content) != len(got.Content):
		return got
	case want.Kind == yaml.AliasNode || want.Kind == yaml.ScalarNode:
		if want.Value != got.Value {
			return got
		}
		return nil
	}
	for i := range want.Content {
		if at := difference(want.Content[i], got.Content[i]); at != nil {
			return at
		}
	}
	return nil
}

// offset returns the place of a node in the text, after its anchor and its tag.
func (f *File) offset(n *yaml.Node) (int, error) {
	if n.Line < 1 || n.Line > len(f.starts) {
		return 0, errors.New("a part of the file cannot be edited twice at once")
	}
	at := f.starts[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(f.src[at:])
		at += size
	}
	for at < len(f.src) && (f.src[at] == '&' || f.src[at] == '!') && n.Kind != yaml.AliasNode {
		i := bytes.IndexAny(f.src[at:], " \r\n")
		if i < 0 {
			return 0, fmt.Errorf("line %d: the end of an anchor or a tag is missing", n.Line)
		}
		at += i
		for at < len(f.src) && strings.IndexByte(" \r\n", f.src[at]) >= 0 {
			at++
		}
	}
	return at, nil
}
