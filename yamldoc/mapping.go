package yamldoc

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Entry is a key of a mapping with its value.
type Entry struct {
	Key   string
	Line  int        // of the key in the file
	Value *yaml.Node // aliases followed; nil: an alias that leads nowhere
}

// Mapping is a YAML mapping with each key once, in the order of the document. The keys of merge keys (<<) follow those
// of the mapping itself.
type Mapping struct {
	Path      string // of the mapping in the document; "" for the document itself
	Line      int    // in the file
	MergeLine int    // line of a merge key in the file; 0: there is none
	Entries   []Entry

	at     map[string]int // index of a key in Entries
	offset int            // lines of the file before the document
}

// maxMerge bounds how deep merge keys may lead to others.
const maxMerge = 10

// Mapping reads n, whose path in the document is given. Of a repeated key the first is used, with a warning.
func (r FieldReader) Mapping(n *yaml.Node, path string) Mapping {
	m := Mapping{Path: path, at: map[string]int{}, offset: r.Offset}
	if n = Resolve(n); n == nil || n.Kind != yaml.MappingNode {
		return m
	}
	m.Line = n.Line + r.Offset
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := Resolve(n.Content[i])
		switch {
		case key == nil || key.Kind != yaml.ScalarNode:
			r.Warn(n.Content[i].Line+r.Offset, "a key of %s is no text; it is ignored", m.Called())
		case n.Content[i].ShortTag() == "!!merge":
		default:
			if first, twice := m.at[keyName(key)]; twice {
				r.Warn(key.Line+r.Offset, "%s is given twice, first in line %d; the first is used: remove one of the two",
					m.Join(keyName(key)), m.Entries[first].Line)
				continue
			}
			m.add(key, n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() == "!!merge" {
			m.MergeLine = n.Content[i].Line + r.Offset
			m.merge(n.Content[i+1], 0)
		}
	}
	return m
}

func (m *Mapping) add(key, value *yaml.Node) {
	name := keyName(key)
	m.at[name] = len(m.Entries)
	m.Entries = append(m.Entries, Entry{Key: name, Line: key.Line + m.offset, Value: Resolve(value)})
}

// keyName returns the name of a key as Backstage reads it, where it becomes a property of an object of JavaScript: 0x1F
// is "31", 1.0 is "1", True is "true", and a key without a value (~, null) is the empty name.
func keyName(key *yaml.Node) string {
	switch scalarKind(key) {
	case "nothing":
		return ""
	case "a boolean":
		return strings.ToLower(key.Value)
	case "a number":
		return jsNumber(key.Value)
	}
	return key.Value
}

// jsNumber writes a number of YAML's core schema as JavaScript does.
func jsNumber(text string) string {
	var f float64
	switch lower := strings.ToLower(text); {
	case strings.HasPrefix(text, "0x"), strings.HasPrefix(text, "0o"):
		if n, ok := new(big.Int).SetString(text, 0); ok {
			f, _ = n.Float64()
		}
	case lower == ".nan":
		return "NaN"
	case strings.HasSuffix(lower, ".inf"):
		f = math.Inf(1)
		if lower[0] == '-' {
			f = math.Inf(-1)
		}
	default:
		f, _ = strconv.ParseFloat(text, 64) // its form was checked; infinite where it is too large
	}
	switch abs := math.Abs(f); {
	case f == 0:
		return "0"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+") + "inity"
	case abs < 1e-6 || abs >= 1e21:
		exponent := strconv.FormatFloat(f, 'e', -1, 64)
		return strings.Replace(strings.Replace(exponent, "e+0", "e+", 1), "e-0", "e-", 1)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// merge adds the keys of a merge key's mapping, or mappings, that are not there yet.
func (m *Mapping) merge(n *yaml.Node, depth int) {
	n = Resolve(n)
	switch {
	case n == nil || depth > maxMerge:
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			m.merge(c, depth+1)
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := Resolve(n.Content[i])
			switch {
			case key == nil || key.Kind != yaml.ScalarNode:
			case n.Content[i].ShortTag() == "!!merge":
				m.merge(n.Content[i+1], depth+1)
			default:
				if _, there := m.at[keyName(key)]; !there {
					m.add(key, n.Content[i+1])
				}
			}
		}
	}
}

// Join returns the path in the document of a key of the mapping.
func (m Mapping) Join(key string) string {
	if m.Path == "" {
		return key
	}
	return m.Path + "." + key
}

// Called returns the mapping's path, or "the document".
func (m Mapping) Called() string {
	if m.Path == "" {
		return "the document"
	}
	return m.Path
}

// Get returns the value of a key; nil: there is none.
func (m Mapping) Get(key string) *yaml.Node {
	if i, ok := m.at[key]; ok {
		return m.Entries[i].Value
	}
	return nil
}

// Has reports whether the mapping has a key, with or without a value.
func (m Mapping) Has(key string) bool {
	_, ok := m.at[key]
	return ok
}

// LineOf returns the line of a key in the file, or that of the mapping if it has no such key.
func (m Mapping) LineOf(key string) int {
	if i, ok := m.at[key]; ok {
		return m.Entries[i].Line
	}
	return m.Line
}
