package catalog

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fieldReader reads the fields of one YAML document into Go values. A value of another type than the field wants costs
// that field only, and is said with the path and the line of the field.
type fieldReader struct {
	offset  int // lines before the document
	warn    func(line int, format string, args ...any)
	numbers bool // a number or a boolean is a text as it is written, without a warning
}

// entry is a key of a mapping with its value, aliases followed.
type entry struct {
	key       string
	keyNode   *yaml.Node
	valueNode *yaml.Node
}

// mapping is a YAML mapping with each key once, in the order of the document; merge keys are filled in.
type mapping struct {
	path    string // of the mapping in the document, "" for the document itself
	line    int
	entries []entry
	at      map[string]int
	merged  int // line of a merge key in the document; 0: there is none
}

// maxMerge bounds how deep merge keys may lead to others.
const maxMerge = 10

// mapping reads n, which stands at path. Of a key that is given twice the first is used.
func (r fieldReader) mapping(n *yaml.Node, path string) mapping {
	m := mapping{path: path, at: map[string]int{}}
	if n = resolve(n); n == nil || n.Kind != yaml.MappingNode {
		return m
	}
	m.line = n.Line + r.offset
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := resolve(n.Content[i])
		switch {
		case key == nil || key.Kind != yaml.ScalarNode:
			r.warn(n.Content[i].Line+r.offset, "a key of %s is no text; it is ignored", m.called())
		case n.Content[i].ShortTag() == "!!merge":
		default:
			if first, twice := m.at[key.Value]; twice {
				r.warn(key.Line+r.offset, "%s is given twice, first in line %d; the first is used: remove one of the two", m.join(key.Value), m.entries[first].keyNode.Line+r.offset)
				continue
			}
			m.add(key, n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() == "!!merge" {
			m.merged = n.Content[i].Line
			m.merge(n.Content[i+1], 0)
		}
	}
	return m
}

func (m *mapping) add(key, value *yaml.Node) {
	m.at[key.Value] = len(m.entries)
	m.entries = append(m.entries, entry{key.Value, key, resolve(value)})
}

// merge adds the keys of a merge key's mapping, or mappings, that are not there yet.
func (m *mapping) merge(n *yaml.Node, depth int) {
	n = resolve(n)
	switch {
	case n == nil || depth > maxMerge:
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			m.merge(c, depth+1)
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := resolve(n.Content[i])
			switch {
			case key == nil || key.Kind != yaml.ScalarNode:
			case n.Content[i].ShortTag() == "!!merge":
				m.merge(n.Content[i+1], depth+1)
			default:
				if _, there := m.at[key.Value]; !there {
					m.add(key, n.Content[i+1])
				}
			}
		}
	}
}

func (m mapping) join(key string) string {
	if m.path == "" {
		return key
	}
	return m.path + "." + key
}

func (m mapping) called() string {
	if m.path == "" {
		return "the document"
	}
	return m.path
}

// get returns the value of a key; nil: there is none.
func (m mapping) get(key string) *yaml.Node {
	if i, ok := m.at[key]; ok {
		return m.entries[i].valueNode
	}
	return nil
}

func (m mapping) has(key string) bool { _, ok := m.at[key]; return ok }

// lineOf returns the line of a key in the file, or that of the mapping where there is no such key.
func (m mapping) lineOf(key string, offset int) int {
	if i, ok := m.at[key]; ok {
		return m.entries[i].keyNode.Line + offset
	}
	return m.line
}

// sub returns the mapping that is the value of a key.
func (r fieldReader) sub(m mapping, key string) mapping {
	n := m.get(key)
	if m.has(key) && (n == nil || n.Kind != yaml.MappingNode) {
		r.misfit(m.lineOf(key, r.offset), m.join(key), n, "a mapping")
	}
	sub := r.mapping(n, m.join(key))
	if sub.line == 0 {
		sub.line = m.lineOf(key, r.offset)
	}
	return sub
}

// text returns the value of a key that is a text; "" where there is none.
func (r fieldReader) text(m mapping, key string) string {
	if !m.has(key) {
		return ""
	}
	text, _ := r.textOf(m.get(key), m.lineOf(key, r.offset), m.join(key))
	return text
}

// textOf reads one text. A number or a boolean is kept as it is written, with a warning: Backstage refuses it.
func (r fieldReader) textOf(n *yaml.Node, line int, path string) (string, bool) {
	if n == nil || n.Kind != yaml.ScalarNode {
		r.misfit(line, path, n, "a text")
		return "", false
	}
	switch kind := scalarKind(n); kind {
	case "text":
		return n.Value, true
	case "nothing":
		r.misfit(line, path, n, "a text")
		return "", false
	default:
		if r.numbers {
			return n.Value, true
		}
		r.warn(line, "%s is %s and not a text, and Backstage refuses that; it is read as %q: write it in quotes", path, kind, n.Value)
		return n.Value, true
	}
}

// located is a text of a list and its line.
type located struct {
	text string
	line int
}

// texts returns the value of a key that is a list of texts.
func (r fieldReader) texts(m mapping, key string) []located {
	n := m.get(key)
	if !m.has(key) {
		return nil
	}
	if n == nil || n.Kind != yaml.SequenceNode {
		r.misfit(m.lineOf(key, r.offset), m.join(key), n, "a list of texts")
		return nil
	}
	var out []located
	for i, c := range n.Content {
		line := c.Line + r.offset
		if text, ok := r.textOf(resolve(c), line, fmt.Sprintf("%s[%d]", m.join(key), i)); ok {
			out = append(out, located{text, line})
		}
	}
	return out
}

// list returns the mappings in the list that is the value of a key.
func (r fieldReader) list(m mapping, key string) []mapping {
	n := m.get(key)
	if !m.has(key) {
		return nil
	}
	if n == nil || n.Kind != yaml.SequenceNode {
		r.misfit(m.lineOf(key, r.offset), m.join(key), n, "a list")
		return nil
	}
	var out []mapping
	for i, c := range n.Content {
		path := fmt.Sprintf("%s[%d]", m.join(key), i)
		if item := resolve(c); item == nil || item.Kind != yaml.MappingNode {
			r.misfit(c.Line+r.offset, path, item, "a mapping")
			continue
		}
		out = append(out, r.mapping(c, path))
	}
	return out
}

// textMap returns the value of a key that is a mapping of texts, such as annotations.
func (r fieldReader) textMap(m mapping, key string) (map[string]string, mapping) {
	sub := mapping{line: m.lineOf(key, r.offset)}
	if !m.has(key) {
		return nil, sub
	}
	if sub = r.sub(m, key); len(sub.entries) == 0 {
		return nil, sub
	}
	values := make(map[string]string, len(sub.entries))
	for _, e := range sub.entries {
		if text, ok := r.textOf(e.valueNode, e.keyNode.Line+r.offset, sub.join(e.key)); ok {
			values[e.key] = text
		}
	}
	return values, sub
}

// misfit says why a value is not what the field wants.
func (r fieldReader) misfit(line int, path string, n *yaml.Node, want string) {
	if placeholder := substitution(n); placeholder != "" {
		r.warn(line, "%s is filled in by Backstage (%s), which dxctl does not do; the field is ignored: write %s here", path, placeholder, want)
		return
	}
	r.warn(line, "%s is %s and not %s; the field is ignored", path, nodeKind(n), want)
}

// substitution returns the key of an object that Backstage fills in: {$text: ./README.md}.
func substitution(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return ""
	}
	if key := n.Content[0].Value; strings.HasPrefix(key, "$") {
		return key
	}
	return ""
}

func nodeKind(n *yaml.Node) string {
	switch {
	case n == nil:
		return "nothing"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	if kind := scalarKind(n); kind != "text" {
		return kind
	}
	return "a text"
}

// The scalars of YAML 1.2's core schema, by which Backstage reads descriptors: https://yaml.org/spec/1.2.2/#103-core-schema.
// yes, 1_000 and 2026-01-02 are texts there.
var (
	coreNull   = regexp.MustCompile(`^(null|Null|NULL|~|)$`)
	coreBool   = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	coreNumber = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// scalarKind returns what a scalar is to Backstage: "text", "a number", "a boolean" or "nothing".
func scalarKind(n *yaml.Node) string {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Style&yaml.TaggedStyle != 0 && n.ShortTag() == "!!str" {
		return "text"
	}
	switch v := n.Value; {
	case v == "":
		return "nothing"
	case v[0] >= 'g' && v[0] != 'n' && v[0] != 't' && v[0] != '~': // most texts
		return "text"
	case coreNull.MatchString(v):
		return "nothing"
	case coreBool.MatchString(v):
		return "a boolean"
	case coreNumber.MatchString(v):
		return "a number"
	}
	return "text"
}
