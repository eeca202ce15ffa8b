// Package yamldoc reads files of YAML or JSON documents leniently: each document by itself, and each field by itself,
// so that a mistake costs no more than it must. It parses scalars as Backstage does (YAML 1.2, core schema). For
// configuration, in which every mistake is an error, see strictyaml.
package yamldoc

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

// Document is one YAML or JSON document of a file, or the error because of which it cannot be parsed.
type Document struct {
	Node   *yaml.Node // its lines are relative to the document: add Offset for those of the file
	Offset int        // lines of the file before the document

	Err  error  // why the document cannot be parsed; Node is nil then
	Line int    // of Err, in the file
	Text []byte // of a document that cannot be parsed
}

// StartLine returns the line of the file with which the content of a parsed document begins.
func (d Document) StartLine() int { return d.Node.Line + d.Offset }

// Documents parses each document of data on its own, so that a broken one does not take the others with it, and one at
// a time, because a file may hold a hundred thousand. A line "---" or "..." always ends a document, in a block scalar
// too, so splitting at such lines is safe.
func Documents(data []byte) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		for part := range Sections(data) {
			for doc := range part.Documents() {
				if !yield(doc) {
					return
				}
			}
		}
	}
}

// Section is a run of whole documents of a file, which can be parsed without the others.
type Section struct {
	data   []byte
	offset int   // lines of the file before it
	err    error // why none of the file can be read
	line   int   // of the error
}

// SectionSize is about how many bytes a section has: enough to be worth another goroutine.
const SectionSize = 64 << 10

// Sections cuts a file between documents, at about every SectionSize bytes. A file that is not UTF-8 text is one
// section whose only document is an error.
func Sections(data []byte) iter.Seq[Section] {
	return func(yield func(Section) bool) {
		data := bytes.TrimPrefix(data, []byte("\ufeff"))
		if !utf8.Valid(data) {
			yield(Section{line: invalidUTF8Line(data), err: errors.New("it is not UTF-8 text; save it as UTF-8")})
			return
		}
		offset := 0
		for len(data) > SectionSize {
			end := SectionSize
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
			if !yield(Section{data: data[:end], offset: offset}) {
				return
			}
			offset += bytes.Count(data[:end], []byte("\n"))
			data = data[end:]
		}
		if len(data) > 0 {
			yield(Section{data: data, offset: offset})
		}
	}
}

// isMark reports whether the first line of data begins a document.
func isMark(data []byte) bool { return isLine(data, "---") }

// isEnd reports whether the first line of data ends a document; another one may follow without a mark.
func isEnd(data []byte) bool { return isLine(data, "...") }

func isLine(data []byte, mark string) bool {
	rest, found := bytes.CutPrefix(data, []byte(mark))
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i+1]
	}
	rest = bytes.TrimRight(rest, "\r\n")
	return found && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t')
}

// Documents parses the documents of the section, as the function Documents does.
func (s Section) Documents() iter.Seq[Document] {
	return func(yield func(Document) bool) {
		if s.err != nil {
			yield(Document{Line: s.line, Err: s.err})
			return
		}
		start, offset, ended := 0, s.offset, false
		for line, pos := s.offset, 0; pos < len(s.data); line++ {
			if pos > start && (isMark(s.data[pos:]) || ended) {
				if doc, ok := parseDocument(s.data[start:pos], offset); ok && !yield(doc) {
					return
				}
				start, offset = pos, line
			}
			ended = isEnd(s.data[pos:])
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
func parseDocument(text []byte, offset int) (doc Document, ok bool) {
	if onlyDirectives(text) {
		return Document{}, false
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
		return Document{Err: errors.New(message), Line: line, Offset: offset, Text: text}, true
	}
	if root.Kind == 0 || len(root.Content) == 0 || isNull(root.Content[0]) {
		return Document{}, false // comments or nothing
	}
	return Document{Node: root.Content[0], Offset: offset}, true
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

// yamlError returns the parser's message without its prefix and its line, which is returned apart as a line of the
// file.
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

// Field returns the key and value nodes of a mapping's field, or nils.
func Field(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n = Resolve(n); n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], Resolve(n.Content[i+1])
		}
	}
	return nil, nil
}

// Resolve follows an alias to what it stands for.
func Resolve(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode; i++ {
		if i > 10 {
			return nil
		}
		n = n.Alias
	}
	return n
}

// Scalar returns the text of a scalar as it is written; "" if n is nil, null or no scalar.
func Scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || isNull(n) {
		return ""
	}
	return n.Value
}
