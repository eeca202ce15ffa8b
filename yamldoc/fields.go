package yamldoc

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// FieldReader reads the fields of one document into Go values. A value of another type than the field has costs that
// field only, and is reported with the path and the line of the field.
type FieldReader struct {
	Offset int // lines of the file before the document
	Warn   func(line int, format string, args ...any)

	// AnyScalar accepts a number or a boolean as a text, as it is written and without a warning.
	AnyScalar bool
}

// Sub returns the mapping that is the value of a key; an empty one if there is none.
func (r FieldReader) Sub(m Mapping, key string) Mapping {
	n := m.Get(key)
	if m.Has(key) && (n == nil || n.Kind != yaml.MappingNode || Substitution(n) != "") {
		r.misfit(m.LineOf(key), m.Join(key), n, "a mapping")
		n = nil
	}
	sub := r.Mapping(n, m.Join(key))
	if sub.Line == 0 {
		sub.Line = m.LineOf(key)
	}
	return sub
}

// Text returns the value of a key that is a text; "" where there is none.
func (r FieldReader) Text(m Mapping, key string) string {
	if !m.Has(key) {
		return ""
	}
	text, _ := r.textOf(m.Get(key), m.LineOf(key), m.Join(key))
	return text
}

// textOf reads one text. A number or a boolean is kept as it is written, with a warning: Backstage refuses it.
func (r FieldReader) textOf(n *yaml.Node, line int, path string) (string, bool) {
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
		if r.AnyScalar {
			return n.Value, true
		}
		r.Warn(line, "%s is %s and not a text, and Backstage refuses that; it is read as %q: write it in quotes",
			path, kind, n.Value)
		return n.Value, true
	}
}

// Located is a text of a list and its line.
type Located struct {
	Text string
	Line int // in the file
}

// Texts returns the value of a key that is a list of texts.
func (r FieldReader) Texts(m Mapping, key string) []Located {
	n := m.Get(key)
	if !m.Has(key) {
		return nil
	}
	if n == nil || n.Kind != yaml.SequenceNode {
		r.misfit(m.LineOf(key), m.Join(key), n, "a list of texts")
		return nil
	}
	var out []Located
	for i, c := range n.Content {
		line := c.Line + r.Offset
		if text, ok := r.textOf(Resolve(c), line, fmt.Sprintf("%s[%d]", m.Join(key), i)); ok {
			out = append(out, Located{text, line})
		}
	}
	return out
}

// List returns the mappings in the list that is the value of a key. Other items are reported and skipped.
func (r FieldReader) List(m Mapping, key string) []Mapping {
	n := m.Get(key)
	if !m.Has(key) {
		return nil
	}
	if n == nil || n.Kind != yaml.SequenceNode {
		r.misfit(m.LineOf(key), m.Join(key), n, "a list")
		return nil
	}
	var out []Mapping
	for i, c := range n.Content {
		path := fmt.Sprintf("%s[%d]", m.Join(key), i)
		if item := Resolve(c); item == nil || item.Kind != yaml.MappingNode || Substitution(item) != "" {
			r.misfit(c.Line+r.Offset, path, item, "a mapping")
			continue
		}
		out = append(out, r.Mapping(c, path))
	}
	return out
}

// TextMap returns the value of a key that is a mapping of texts, such as annotations, and the mapping itself.
func (r FieldReader) TextMap(m Mapping, key string) (map[string]string, Mapping) {
	sub := Mapping{Line: m.LineOf(key)}
	if !m.Has(key) {
		return nil, sub
	}
	if sub = r.Sub(m, key); len(sub.Entries) == 0 {
		return nil, sub
	}
	values := make(map[string]string, len(sub.Entries))
	for _, e := range sub.Entries {
		if text, ok := r.textOf(e.Value, e.Line, sub.Join(e.Key)); ok {
			values[e.Key] = text
		}
	}
	return values, sub
}

// misfit reports why a value is not what the field wants.
func (r FieldReader) misfit(line int, path string, n *yaml.Node, want string) {
	if placeholder := Substitution(n); placeholder != "" {
		r.Warn(line, "%s is filled in by Backstage (%s), which dxctl does not do; the field is ignored: write %s here",
			path, placeholder, want)
		return
	}
	r.Warn(line, "%s is %s and not %s; the field is ignored", path, Kind(n), want)
}

// Substitution returns the key of an object that Backstage fills in, {$text: ./README.md}; "" for any other value.
func Substitution(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return ""
	}
	if key := n.Content[0].Value; strings.HasPrefix(key, "$") {
		return key
	}
	return ""
}
