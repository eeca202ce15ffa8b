package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document is one YAML or JSON document of a file. Lines of its nodes are relative to it: add offset for the file's.
type document struct {
	node   *yaml.Node
	offset int
	err    error // why it cannot be read
	line   int   // of the error, in the file

	template bool // and because it is a template that is not rendered
}

// documents parses each document of data on its own, so that a broken one does not take the others with it, and one at
// a time, because a file may hold a hundred thousand. A line that begins with "---" always ends a document, in a block
// scalar too, so splitting at such lines is safe.
func documents(data []byte) iter.Seq[document] {
	return func(yield func(document) bool) {
		for part := range sections(data) {
			for doc := range part.documents() {
				if !yield(doc) {
					return
				}
			}
		}
	}
}

// section is a run of whole documents of a file, which can be parsed without the others.
type section struct {
	data   []byte
	offset int   // lines of the file before it
	err    error // why none of the file can be read
	line   int   // of the error
}

// sectionSize is about how many bytes a section has: enough to be worth another goroutine.
const sectionSize = 64 << 10

// sections cuts a file between documents. A file that is no text is one section with an error.
func sections(data []byte) iter.Seq[section] {
	return func(yield func(section) bool) {
		data := bytes.TrimPrefix(data, []byte("\ufeff"))
		if !utf8.Valid(data) {
			yield(section{line: invalidUTF8Line(data), err: errors.New("it is not UTF-8 text; save it as UTF-8")})
			return
		}
		offset := 0
		for len(data) > sectionSize {
			end := sectionSize
			for end < len(data) {
				i := bytes.Index(data[end:], []byte("\n---"))
				if i < 0 {
					end = len(data)
					break
				}
				if end += i + 1; isMark(data[end:]) {
					break
				}
			}
			if !yield(section{data: data[:end], offset: offset}) {
				return
			}
			offset += bytes.Count(data[:end], []byte("\n"))
			data = data[end:]
		}
		if len(data) > 0 {
			yield(section{data: data, offset: offset})
		}
	}
}

// isMark reports whether the first line of data begins a document.
func isMark(data []byte) bool {
	rest, found := bytes.CutPrefix(data, []byte("---"))
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i+1]
	}
	rest = bytes.TrimRight(rest, "\r\n")
	return found && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t')
}

func (s section) documents() iter.Seq[document] {
	return func(yield func(document) bool) {
		if s.err != nil {
			yield(document{line: s.line, err: s.err})
			return
		}
		start, offset := 0, s.offset
		for line, pos := s.offset, 0; pos < len(s.data); line++ {
			if pos > start && isMark(s.data[pos:]) {
				if doc, ok := parseDocument(s.data[start:pos], offset); ok && !yield(doc) {
					return
				}
				start, offset = pos, line
			}
			i := bytes.IndexByte(s.data[pos:], '\n')
			if i < 0 {
				break
			}
			pos += i + 1
		}
		if doc, ok := parseDocument(s.data[start:], offset); ok {
			yield(doc)
		}
	}
}

func invalidUTF8Line(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			return line
		}
		if r == '\n' {
			line++
		}
		data = data[size:]
	}
	return line
}

// parseDocument parses one document that begins after offset lines of the file. ok is false where there is none.
func parseDocument(text []byte, offset int) (doc document, ok bool) {
	if onlyDirectives(text) {
		return document{}, false
	}
	if json := bytes.TrimSpace(text); len(json) > 0 && json[0] == '{' {
		text = jsonToYAML(text)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		message, line := yamlError(err, offset)
		if tabbed(text, line-offset) {
			message = "a tab indents the line; YAML is indented with spaces"
		}
		return document{err: errors.New(message), line: line, offset: offset, template: rawTemplate.Match(text)}, true
	}
	if root.Kind == 0 || len(root.Content) == 0 || isNull(root.Content[0]) {
		return document{}, false // comments or nothing
	}
	return document{node: root.Content[0], offset: offset}, true
}

// tabbed reports whether a tab stands in the indentation of a line of text. The parser names the character or what it
// took the line for, seldom the cause.
func tabbed(text []byte, line int) bool {
	n := 0
	for l := range bytes.Lines(text) {
		if n++; n == line {
			return bytes.IndexByte(l[:len(l)-len(bytes.TrimLeft(l, " \t"))], '\t') >= 0
		}
	}
	return false
}

// onlyDirectives reports whether text holds nothing but comments, %YAML directives and document marks.
func onlyDirectives(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && line[0] != '%' && string(line) != "---" && string(line) != "..." {
			return false
		}
	}
	return true
}

var jsonEscape = regexp.MustCompile(`\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\.`)

// jsonToYAML takes away the three things in which JSON is not YAML for the parser: tabs between tokens (a JSON string
// holds none), the escape \/, and characters written as two \u escapes.
func jsonToYAML(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\t"), []byte(" "))
	return jsonEscape.ReplaceAllFunc(text, func(m []byte) []byte {
		if len(m) < len(`\uXXXX\uXXXX`) { // \ and a character, of one to four bytes
			return plainSlash(m)
		}
		high, errHigh := strconv.ParseUint(string(m[2:6]), 16, 16)
		low, errLow := strconv.ParseUint(string(m[8:12]), 16, 16)
		if errHigh != nil || errLow != nil {
			return m
		}
		return utf8.AppendRune(nil, utf16.DecodeRune(rune(high), rune(low)))
	})
}

func plainSlash(escape []byte) []byte {
	if escape[1] == '/' {
		return escape[1:]
	}
	return escape
}

var yamlLine = regexp.MustCompile(`\bline (\d+)(: |\b)`)

// yamlError returns the parser's message without its prefix and its line, which is returned apart as a line of the file.
func yamlError(err error, offset int) (message string, line int) {
	return splitYAMLMessage(strings.TrimPrefix(err.Error(), "yaml: "), offset)
}

func splitYAMLMessage(message string, offset int) (string, int) {
	line := offset + 1
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = offset + n
		}
		if rest, found := strings.CutPrefix(message, m[0]); found {
			message = rest
		}
		// A message may name a second line: "mapping key … already defined at line 3".
		message = yamlLine.ReplaceAllStringFunc(message, func(s string) string {
			sub := yamlLine.FindStringSubmatch(s)
			n, err := strconv.Atoi(sub[1])
			if err != nil {
				return s
			}
			return fmt.Sprintf("line %d%s", offset+n, sub[2])
		})
	}
	return message, line
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// field returns the key and value nodes of a mapping's field, or nils.
func field(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n = resolve(n); n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], resolve(n.Content[i+1])
		}
	}
	return nil, nil
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode; i++ {
		if i > 10 {
			return nil
		}
		n = n.Alias
	}
	return n
}

func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || isNull(n) {
		return ""
	}
	return n.Value
}
