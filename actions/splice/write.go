package splice

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node returns a value as the parser returns it.
func node(value any) *yaml.Node {
	switch v := value.(type) {
	case Map:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, p := range v {
			n.Content = append(n.Content, node(p.Key), node(p.Value))
		}
		return n
	case List:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			n.Content = append(n.Content, node(item))
		}
		return n
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(v)}
	case plain:
		n := &yaml.Node{Kind: yaml.ScalarNode, Value: string(v)}
		n.Tag = n.ShortTag()
		return n
	}
	panic(fmt.Sprintf("splice: a value of type %T cannot be written", value))
}

// flow returns a value on one line.
func (f *File) flow(value any) string {
	switch v := value.(type) {
	case Map:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = f.flow(p.Key) + ": " + f.inFlow(p.Value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case List:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = f.inFlow(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		if f.json {
			return doubleQuoted(v)
		}
		return scalar(v)
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case plain:
		return string(v)
	}
	panic(fmt.Sprintf("splice: a value of type %T cannot be written", value))
}

// inFlow quotes a text that is valid on its own, but not between braces.
func (f *File) inFlow(value any) string {
	if text, ok := value.(string); ok && strings.ContainsAny(text, "{}[],") {
		return doubleQuoted(text)
	}
	return f.flow(value)
}

// block returns the lines of a field at a number of spaces.
func (f *File) block(key string, value any, indent int) []string {
	head := strings.Repeat(" ", indent) + f.flow(key) + ":"
	switch v := value.(type) {
	case Map:
		if len(v) == 0 {
			return []string{head + " {}"}
		}
		lines := []string{head}
		for _, p := range v {
			lines = append(lines, f.block(p.Key, p.Value, indent+f.step)...)
		}
		return lines
	case List:
		if short(v) {
			return []string{head + " " + f.flow(v)}
		}
		lines := []string{head}
		if f.indent {
			indent += f.step
		}
		for _, item := range v {
			lines = append(lines, f.item(item, indent)...)
		}
		return lines
	}
	return []string{head + " " + f.flow(value)}
}

// short reports whether a list is written on one line: one word at most.
func short(list List) bool {
	if len(list) > 1 {
		return false
	}
	for _, item := range list {
		switch item.(type) {
		case Map, List:
			return false
		}
	}
	return true
}

// item returns the lines of an item of a list at a number of spaces.
func (f *File) item(value any, indent int) []string {
	lead := strings.Repeat(" ", indent) + "- "
	m, ok := value.(Map)
	if !ok || len(m) == 0 {
		return []string{lead + f.flow(value)}
	}
	var lines []string
	for _, p := range m {
		lines = append(lines, f.block(p.Key, p.Value, indent+2)...)
	}
	lines[0] = lead + strings.TrimLeft(lines[0], " ")
	return lines
}

// Scalar returns a text as YAML on one line, with quotes where it needs them.
func Scalar(text string) string { return scalar(text) }

// scalar returns a text as YAML on one line, with quotes where it needs them.
func scalar(text string) string {
	if strings.ContainsAny(text, "\n\r\t\"") || strings.HasPrefix(text, " ") || strings.HasSuffix(text, " ") {
		if !strings.ContainsAny(text, "\n\r\t") && !strings.Contains(text, "'") {
			return "'" + text + "'"
		}
		return doubleQuoted(text)
	}
	out, err := yaml.Marshal(text)
	written := strings.TrimSuffix(string(out), "\n")
	if err != nil || strings.Contains(written, "\n") {
		return doubleQuoted(text)
	}
	return written
}

// doubleQuoted writes a text with escapes that YAML and JSON have in common.
func doubleQuoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
