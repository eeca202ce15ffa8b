package splice

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Field returns the value of a field that is written in a mapping itself, not through an alias or a merge key; nil if
// there is none. The path leads through mappings.
func Field(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		i := index(n, name)
		if i < 0 {
			return nil
		}
		n = n.Content[i+1]
	}
	return n
}

func index(m *yaml.Node, key string) int {
	if m == nil || m.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// Insert adds a field to a mapping, after another field; after "" at its end. In a mapping with braces it is the first
// field. A mapping that has the field is not changed, which is an error.
func (f *File) Insert(m *yaml.Node, after, key string, value any) error {
	if m == nil || m.Kind != yaml.MappingNode {
		return errors.New("a mapping is expected")
	}
	if index(m, key) >= 0 {
		return fmt.Errorf("line %d: there is a field %s already", m.Line, key)
	}
	if index(m, "<<") >= 0 {
		return fmt.Errorf("line %d: fields of the mapping are written elsewhere, and %s may be one of them", m.Line, key)
	}
	added := []*yaml.Node{node(key), node(value)}
	if m.Style&yaml.FlowStyle != 0 {
		return f.insertFlow(m, added, f.flow(key)+": "+f.flow(value))
	}
	if len(m.Content) == 0 {
		return fmt.Errorf("line %d: the mapping is empty", m.Line)
	}
	at := len(m.Content)
	if after != "" {
		i := index(m, after)
		if i < 0 {
			return fmt.Errorf("line %d: there is no field %s", m.Line, after)
		}
		at = i + 2
	}
	first := m.Content[0]
	if first.Line == 0 {
		return errors.New("a part of the file cannot be edited twice at once")
	}
	var line int // the last one of the field before
	apart := f.apart(m, at)
	if at < len(m.Content) && m.Content[at].Line > 0 {
		line = f.endBefore(m.Content[at].Line, first.Column-1, m.Content[at-1])
	} else {
		for at > 0 && m.Content[at-1].Line == 0 && m.Content[at-2].Line == 0 { // fields that were inserted here before
			at -= 2
		}
		line = f.end(m.Content[at-2].Line, first.Column-1, false)
		at = len(m.Content)
	}
	m.Content = slices.Insert(m.Content, at, added...)
	lines := f.block(key, value, first.Column-1)
	if apart {
		lines = slices.Insert(lines, 0, "")
	}
	f.insertLines(line, lines)
	return nil
}

// apart reports whether a blank line stands between the fields of a mapping, or the items of a list, where one is
// inserted before a node of its content: as it is there, at the end as it is in most other places.
func (f *File) apart(n *yaml.Node, at int) bool {
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	gaps, blank, before := 0, 0, 0
	for i := 0; i < len(n.Content); i += step {
		line := n.Content[i].Line
		if line == 0 {
			continue // it was inserted
		}
		if before > 0 {
			here := f.blankBefore(line, before)
			if i >= at {
				return here
			}
			if gaps++; here {
				blank++
			}
		}
		before = line
	}
	return 2*blank > gaps
}

// blankBefore reports whether a blank line stands between a line and the comments before it, or among these; from is
// the line of the field or item before.
func (f *File) blankBefore(line, from int) bool {
	for n := line - 1; n > from; n-- {
		text := strings.TrimSpace(f.Line(n))
		if text == "" {
			return true
		}
		if !strings.HasPrefix(text, "#") {
			break
		}
	}
	return false
}

func (f *File) insertFlow(n *yaml.Node, added []*yaml.Node, text string) error {
	at, err := f.offset(n)
	if err != nil {
		return err
	}
	at++ // the brace
	for at < len(f.src) && f.src[at] == ' ' {
		at++
	}
	if len(n.Content) > 0 {
		text += ", "
	}
	n.Content = slices.Insert(n.Content, 0, added...)
	f.edits = append(f.edits, edit{at, at, text})
	return nil
}

// Append adds an item to a list, at its end; to a list with brackets at its beginning.
func (f *File) Append(list *yaml.Node, value any) error {
	if list == nil || list.Kind != yaml.SequenceNode {
		return errors.New("a list is expected")
	}
	if list.Style&yaml.FlowStyle != 0 {
		return f.insertFlow(list, []*yaml.Node{node(value)}, f.flow(value))
	}
	last := list.Content[len(list.Content)-1]
	for i := len(list.Content) - 1; last.Line == 0 && i > 0; i-- {
		last = list.Content[i-1]
	}
	if list.Line == 0 || last.Line == 0 {
		return errors.New("a part of the file cannot be edited twice at once")
	}
	lines := f.item(value, f.listIndent(list))
	if f.apart(list, len(list.Content)) {
		lines = slices.Insert(lines, 0, "")
	}
	list.Content = append(list.Content, node(value))
	f.insertLines(f.end(last.Line, f.listIndent(list), true), lines)
	return nil
}

// InsertItem adds an item to a list before another one that it has.
func (f *File) InsertItem(list *yaml.Node, before int, value any) error {
	if list == nil || list.Kind != yaml.SequenceNode || before < 0 || before >= len(list.Content) {
		return errors.New("a list with the item is expected")
	}
	if list.Style&yaml.FlowStyle != 0 || list.Content[before].Line == 0 {
		return fmt.Errorf("line %d: items can be inserted in a list with one item a line only", list.Line)
	}
	next := list.Content[before].Line
	line := next - 1
	for line > 0 && strings.HasPrefix(strings.TrimSpace(f.Line(line)), "#") { // comments belong to what follows
		line--
	}
	if before == 0 {
		line = next - 1
	}
	lines := f.item(value, f.listIndent(list))
	if f.apart(list, max(before, 1)) {
		lines = append(lines, "") // before the next item, as before this one
	}
	list.Content = slices.Insert(list.Content, before, node(value))
	f.insertLines(line, lines)
	return nil
}

// listIndent returns the number of spaces before the dashes of a list.
func (f *File) listIndent(list *yaml.Node) int {
	if list.Anchor == "" && list.Tag == "!!seq" {
		return list.Column - 1
	}
	line := f.Line(list.Content[0].Line) // the anchor is before the list
	return len(line) - len(strings.TrimLeft(line, " "))
}

// end returns the last line of a field or an item that begins in a line: before the first line that is indented less
// than its mapping or list, blank lines and comments of what follows left out.
func (f *File) end(from, indent int, list bool) int {
	next := len(f.starts) + 1
	for n := from + 1; n <= len(f.starts); n++ {
		line := f.Line(n)
		text := strings.TrimLeft(line, " ")
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		here := len(line) - len(text)
		mark := here == 0 && (text == "---" || text == "..." || strings.HasPrefix(text, "--- "))
		if here < indent || mark || list && here == indent && text != "-" && !strings.HasPrefix(text, "- ") {
			next = n
			break
		}
	}
	return f.trim(next-1, from, indent)
}

// endBefore returns the last line of a field before the next one.
func (f *File) endBefore(next, indent int, value *yaml.Node) int {
	return f.trim(next-1, max(value.Line, 1), indent+1)
}

// trim leaves out blank lines and comments that are indented less.
func (f *File) trim(line, from, indent int) int {
	for ; line > from; line-- {
		text := strings.TrimLeft(f.Line(line), " ")
		comment := strings.HasPrefix(text, "#") && len(f.Line(line))-len(text) < indent
		if strings.TrimSpace(text) != "" && !comment {
			break
		}
	}
	return line
}

// insertLines adds lines after a line.
func (f *File) insertLines(line int, lines []string) {
	text := strings.Join(lines, f.newline)
	if line >= len(f.starts) { // the last line has no end
		if f.Line(len(f.starts)) != "" {
			text = f.newline + text
		} else {
			text += f.newline
		}
		f.edits = append(f.edits, edit{len(f.src), len(f.src), text})
		return
	}
	f.edits = append(f.edits, edit{f.starts[line], f.starts[line], text + f.newline})
}

// Replace gives a scalar another text. Quotes stay as they are.
func (f *File) Replace(n *yaml.Node, text string) error {
	start, end, err := f.span(n)
	if err != nil {
		return err
	}
	var written string
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		written = doubleQuoted(text)
	case n.Style&yaml.SingleQuotedStyle != 0:
		written = "'" + strings.ReplaceAll(text, "'", "''") + "'"
	default:
		written = f.flow(scalarLike(n, text))
	}
	n.Value = text
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
		*n = *positioned(n, node(scalarLike(n, text)))
	}
	f.edits = append(f.edits, edit{start, end, written})
	return nil
}

// scalarLike returns a text as a value: a number or a boolean stays one.
func scalarLike(n *yaml.Node, text string) any {
	if n.ShortTag() == "!!str" {
		return text
	}
	return plain(text)
}

// plain is a scalar that is written without quotes.
type plain string

func positioned(at, n *yaml.Node) *yaml.Node {
	n.Line, n.Column, n.Anchor = at.Line, at.Column, at.Anchor
	return n
}

// ReplaceValue gives a field of a mapping, whose value is a scalar on one line or missing, another value, written with
// braces.
func (f *File) ReplaceValue(m *yaml.Node, key string, value any) error {
	i := index(m, key)
	if i < 0 {
		return fmt.Errorf("there is no field %s", key)
	}
	old := m.Content[i+1]
	if old.Kind == yaml.ScalarNode && old.Value == "" && old.Style == 0 { // nothing is written
		_, end, err := f.span(m.Content[i])
		if err != nil {
			return err
		}
		if end >= len(f.src) || f.src[end] != ':' {
			return fmt.Errorf("line %d: a colon is expected after %s", m.Content[i].Line, key)
		}
		f.edits = append(f.edits, edit{end + 1, end + 1, " " + f.flow(value)})
		m.Content[i+1] = node(value)
		return nil
	}
	start, end, err := f.span(old)
	if err != nil {
		return err
	}
	if old.Anchor != "" {
		return fmt.Errorf("line %d: the value has an anchor", old.Line)
	}
	f.edits = append(f.edits, edit{start, end, f.flow(value)})
	m.Content[i+1] = node(value)
	return nil
}

// span returns where a scalar is written, which is on one line.
func (f *File) span(n *yaml.Node) (start, end int, err error) {
	if n == nil || n.Kind != yaml.ScalarNode {
		return 0, 0, errors.New("a text is expected")
	}
	if start, err = f.offset(n); err != nil {
		return 0, 0, err
	}
	rest := f.src[start:]
	several := fmt.Errorf("line %d: the text has several lines", n.Line)
	var quote byte
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 0, 0, several
	case n.Style&yaml.DoubleQuotedStyle != 0:
		quote = '"'
	case n.Style&yaml.SingleQuotedStyle != 0:
		quote = '\''
	default:
		if !strings.HasPrefix(string(rest[:min(len(rest), len(n.Value))]), n.Value) {
			return 0, 0, several
		}
		return start, start + len(n.Value), nil
	}
	for i := 1; i < len(rest) && rest[i] != '\n'; i++ {
		switch {
		case quote == '"' && rest[i] == '\\':
			i++
		case quote == '\'' && rest[i] == '\'' && i+1 < len(rest) && rest[i+1] == '\'':
			i++
		case rest[i] == quote:
			return start, start + i + 1, nil
		}
	}
	return 0, 0, several
}

// Comment adds a comment to the line of a scalar, before a comment that is there. After a scalar that is followed by
// something else, as between braces, it is at the end of the line.
func (f *File) Comment(n *yaml.Node, text string) error {
	_, end, err := f.span(n)
	if err != nil {
		return err
	}
	rest, _, _ := strings.Cut(string(f.src[end:]), "\n")
	rest = strings.TrimRight(rest, "\r")
	after := strings.TrimSpace(rest)
	switch {
	case after == "" || strings.HasPrefix(after, "#"):
	case strings.Contains(after, "#"):
		return nil // a comment of the line, or a text with one: there is no place for another
	default:
		end += len(strings.TrimRight(rest, " "))
	}
	f.edits = append(f.edits, edit{end, end, " # " + text})
	return nil
}

// Substitute replaces texts in a scalar of a mapping, also in one of several lines: the n-th occurrence of old becomes
// the n-th of replacements.
func (f *File) Substitute(m *yaml.Node, key, old string, replacements []string) error {
	i := index(m, key)
	if i < 0 || m.Content[i+1].Kind != yaml.ScalarNode {
		return fmt.Errorf("there is no text %s", key)
	}
	n := m.Content[i+1]
	start, err := f.offset(n)
	if err != nil {
		return err
	}
	var end int
	switch first := m.Content[0]; {
	case m.Style&yaml.FlowStyle != 0:
		if _, end, err = f.span(n); err != nil {
			return err
		}
	case i+2 < len(m.Content) && m.Content[i+2].Line > 0:
		if end, err = f.offset(m.Content[i+2]); err != nil {
			return err
		}
	default:
		if line := f.end(m.Content[i].Line, first.Column-1, false); line < len(f.starts) {
			end = f.starts[line]
		} else {
			end = len(f.src)
		}
	}
	raw := string(f.src[start:max(start, end)])
	if count := strings.Count(n.Value, old); strings.Count(raw, old) != count || count != len(replacements) {
		return fmt.Errorf("line %d: %s is written in several ways", n.Line, old)
	}
	var value strings.Builder
	rest := n.Value
	for _, replacement := range replacements {
		before, after, _ := strings.Cut(rest, old)
		value.WriteString(before)
		value.WriteString(replacement)
		rest = after
		at := strings.Index(raw, old)
		written := replacement
		switch {
		case n.Style&yaml.DoubleQuotedStyle != 0:
			written = strings.Trim(doubleQuoted(replacement), `"`)
			if strings.ContainsAny(replacement, `"\`) {
				written = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(replacement)
			}
		case n.Style&yaml.SingleQuotedStyle != 0:
			written = strings.ReplaceAll(replacement, "'", "''")
		}
		f.edits = append(f.edits, edit{start + at, start + at + len(old), written})
		start += at + len(old)
		raw = raw[at+len(old):]
	}
	value.WriteString(rest)
	n.Value = value.String()
	return nil
}
