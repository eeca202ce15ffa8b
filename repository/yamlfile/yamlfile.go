// Package yamlfile parses YAML of repositories that may be hostile, with bounds on documents, nodes and what aliases
// expand to, and has short accessors that work on any node. Lines are those of the file.
package yamlfile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/yamldoc"
)

const (
	maxDocuments = 1_000
	// maxNodes bounds the nodes of a file with every alias replaced by what it stands for. A file of 1 MB has fewer than
	// 300,000 without aliases.
	maxNodes = 500_000
)

// Document is a document of a file. Exactly one of Root and Err is set.
type Document struct {
	Root *yaml.Node
	Err  error // why it cannot be parsed
	Line int   // of the beginning, or of Err, in the file
}

// Parse parses the documents of a file. One that is not valid YAML has Err and does not affect the others. The error is
// a bound that the file exceeds.
func Parse(text string) (docs []Document, err error) {
	err = fact.Contain(func() error {
		nodes := 0
		for d := range yamldoc.Documents([]byte(text)) {
			if len(docs) == maxDocuments {
				return fmt.Errorf("it has more than %d YAML documents", maxDocuments)
			}
			if d.Err != nil {
				docs = append(docs, Document{Err: d.Err, Line: d.Line})
				continue
			}
			size, err := expanded(d.Node, d.Offset, map[*yaml.Node]int{})
			if err != nil {
				return err
			}
			if nodes += size; nodes > maxNodes {
				return fmt.Errorf("its YAML has more than %d nodes, aliases expanded", maxNodes)
			}
			docs = append(docs, Document{Root: d.Node, Line: d.Node.Line})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return docs, nil
}

// One parses a file that is a single document. A nil node is a file without content.
func One(text string) (*yaml.Node, error) {
	docs, err := Parse(text)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	if docs[0].Err != nil {
		return nil, fmt.Errorf("line %d: %w", docs[0].Line, docs[0].Err)
	}
	return docs[0].Root, nil
}

// expanded counts the nodes below n with aliases expanded, and moves lines to those of the file. A size of -1 marks a
// node that is being counted: an alias in it to itself would be endless.
func expanded(n *yaml.Node, offset int, sizes map[*yaml.Node]int) (int, error) {
	if n == nil {
		return 0, nil
	}
	if size, counted := sizes[n]; counted {
		if size < 0 {
			return 0, errors.New("a YAML alias refers to a part that contains it")
		}
		return size, nil
	}
	sizes[n] = -1
	n.Line += offset
	size := 1
	add := func(child *yaml.Node) error {
		more, err := expanded(child, offset, sizes)
		if size += more; err == nil && size > maxNodes {
			err = fmt.Errorf("its YAML has more than %d nodes, aliases expanded", maxNodes)
		}
		return err
	}
	for _, child := range n.Content {
		if err := add(child); err != nil {
			return 0, err
		}
	}
	if n.Kind == yaml.AliasNode {
		if err := add(n.Alias); err != nil {
			return 0, err
		}
	}
	sizes[n] = size
	return size, nil
}

// Get returns the value of a field, through aliases; the path leads through mappings. nil: there is none.
func Get(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		_, n = Field(n, name)
	}
	return n
}

// Field returns the key and the value of a field of a mapping, through aliases and merge keys, or nils.
func Field(n *yaml.Node, name string) (key, value *yaml.Node) { return field(n, name, 0) }

func field(n *yaml.Node, name string, depth int) (key, value *yaml.Node) {
	if key, value = yamldoc.Field(n, name); key != nil || depth > 10 {
		return key, value
	}
	_, merged := yamldoc.Field(n, "<<")
	if merged == nil {
		return nil, nil
	}
	if merged.Kind != yaml.SequenceNode {
		return field(merged, name, depth+1)
	}
	for _, m := range merged.Content {
		if key, value = field(m, name, depth+1); key != nil {
			return key, value
		}
	}
	return nil, nil
}

// Has reports whether a mapping has a field, also one without a value.
func Has(n *yaml.Node, name string) bool {
	key, _ := Field(n, name)
	return key != nil
}

// Pair is a field of a mapping.
type Pair struct {
	Key   string
	Line  int        // of the key
	Value *yaml.Node // aliases followed
}

// Pairs returns the fields of a mapping in their order, those of merge keys last; none if n is no mapping.
func Pairs(n *yaml.Node) []Pair {
	if n = yamldoc.Resolve(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	m := yamldoc.FieldReader{Warn: func(int, string, ...any) {}}.Mapping(n, "")
	pairs := make([]Pair, len(m.Entries))
	for i, e := range m.Entries {
		pairs[i] = Pair(e)
	}
	return pairs
}

// Items returns the elements of a list, aliases followed; none if n is no list.
func Items(n *yaml.Node) []*yaml.Node {
	if n = yamldoc.Resolve(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	items := slices.Clone(n.Content)
	for i := range items {
		items[i] = yamldoc.Resolve(items[i])
	}
	return slices.DeleteFunc(items, func(n *yaml.Node) bool { return n == nil })
}

// Text returns the text of a scalar as it is written; "" if it is null or no scalar.
func Text(n *yaml.Node) string { return yamldoc.Scalar(yamldoc.Resolve(n)) }

// Texts returns a list of scalars, or a scalar as a list of one: many formats accept both.
func Texts(n *yaml.Node) []string {
	if text := Text(n); text != "" {
		return []string{text}
	}
	var texts []string
	for _, item := range Items(n) {
		if text := Text(item); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// Scalars returns the texts of all scalars of a tree of nodes, keys included, each once where it is written.
func Scalars(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var texts []string
	for _, child := range n.Content {
		texts = append(texts, Scalars(child)...)
	}
	return texts
}

// Bool returns a boolean. ok is false if n is none.
func Bool(n *yaml.Node) (value, ok bool) {
	switch strings.ToLower(Text(n)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Int returns a whole number. ok is false if n is none.
func Int(n *yaml.Node) (value int, ok bool) {
	value, err := strconv.Atoi(Text(n))
	return value, err == nil
}

// Line returns the line of a node in the file; 0 if n is nil.
func Line(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	return n.Line
}
