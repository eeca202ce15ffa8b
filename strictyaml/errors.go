package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var yamlLine = regexp.MustCompile(`(?:yaml: )?line (\d+): `)

// goTypes replaces the library's Go types with words of YAML.
var goTypes = strings.NewReplacer(
	"cannot unmarshal",
	"cannot use",
	"!!seq",
	"a list",
	"!!map",
	"a mapping",
	"!!str ",
	"the text ",
	"!!int ",
	"the number ",
	"!!float ",
	"the number ",
	"!!bool ",
	"the boolean ",
	"into []string",
	"as a list of texts",
	"into string",
	"as a text",
	"into bool",
	"as true or false",
	"into uint64",
	"as a whole number",
	"into uint32",
	"as a whole number",
	"into uint16",
	"as a whole number",
	"into int64",
	"as a whole number",
	"into int32",
	"as a whole number",
	"into int",
	"as a whole number",
	"into float64",
	"as a number",
	"into time.Duration",
	"as a duration such as 15m",
)

// goStruct matches the Go type in the library's message where a mapping is wanted.
var goStruct = regexp.MustCompile(`into (map\[|\*?[a-z_]+\.)\S+$`)

// Mistake is an error at a place of a file.
type Mistake struct {
	File    string // as shown to people
	Line    int    // from 1; 0: not known
	Column  int    // from 1; 0: not known
	Message string
}

// Error returns "file:line: message".
func (m Mistake) Error() string {
	if m.Line == 0 {
		return fmt.Sprintf("%s: %s", m.File, m.Message)
	}
	return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Message)
}

// Mistakes returns the mistakes that were joined to err, in their order. An error of another type is one without a
// place.
func Mistakes(err error) []Mistake {
	var one Mistake
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		var all []Mistake
		for _, e := range joined.Unwrap() {
			all = append(all, Mistakes(e)...)
		}
		return all
	case errors.As(err, &one):
		return []Mistake{one}
	}
	return []Mistake{{Message: err.Error()}}
}

// located turns the YAML library's errors ("line 3: …") into mistakes, one per message. Those of misfits name their
// key.
func located(file string, err error, misfits ...misfit) error {
	messages := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		messages = typed.Errors
	}
	var errs []error
	for _, m := range messages {
		mistake := Mistake{File: file}
		if line := yamlLine.FindStringSubmatch(m); line != nil {
			mistake.Line, _ = strconv.Atoi(line[1])
		}
		key := ""
		if i := slices.IndexFunc(misfits, func(x misfit) bool { return x.message == m }); i >= 0 {
			if misfits[i].path != "" {
				key = misfits[i].path + ": "
			}
			mistake.Column = misfits[i].column
			misfits = slices.Delete(slices.Clone(misfits), i, i+1)
		}
		mistake.Message = key + goStruct.ReplaceAllString(
			goTypes.Replace(strings.TrimPrefix(yamlLine.ReplaceAllString(m, ""), "yaml: ")),
			"as a mapping",
		)
		errs = append(errs, mistake)
	}
	return errors.Join(errs...)
}

var unknownAnchor = regexp.MustCompile(`unknown anchor '(.+)' referenced`)

// unreadable is located for an error because of which a file cannot be parsed. The YAML library has no line for some
// of them.
func unreadable(file string, text []byte, err error) error {
	if yamlLine.MatchString(err.Error()) {
		return located(file, err)
	}
	m := Mistake{File: file, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	var at int // of the error in text; -1: not known
	if anchor := unknownAnchor.FindStringSubmatch(m.Message); anchor != nil {
		at = bytes.Index(text, []byte("*"+anchor[1]))
	} else if at = badCharacter(text); at >= 0 && text[at] >= utf8.RuneSelf {
		m.Message = "the file is not UTF-8 text; save it as UTF-8"
	} else if at >= 0 {
		m.Message = fmt.Sprintf("the file contains the control character %U; remove it", text[at])
	}
	if at >= 0 {
		m.Line = bytes.Count(text[:at], []byte("\n")) + 1
		m.Column = at - bytes.LastIndexByte(text[:at], '\n')
	}
	return m
}

// badCharacter returns the offset of the first byte that is not UTF-8, or is a control character that YAML does not
// allow; -1 if there is none.
func badCharacter(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f {
			return i
		}
		i += size
	}
	return -1
}
