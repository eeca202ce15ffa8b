package format

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/strictyaml"
)

// Problem is a mistake in a file: its place, what is wrong, and what was expected.
type Problem struct {
	File    string `json:"file"`   // as shown to people
	Line    int    `json:"line"`   // from 1; 0: the file as a whole
	Column  int    `json:"column"` // from 1, in bytes; 0: not known
	Message string `json:"message"`
}

// Error returns "file:line:column: message".
func (p Problem) Error() string {
	switch {
	case p.Line == 0:
		return fmt.Sprintf("%s: %s", p.File, p.Message)
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems are all mistakes of a file, or of several, in the order of their places.
type Problems []Problem

// Error returns a line for each problem.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p))
	for _, problem := range p {
		lines = append(lines, problem.Error())
	}
	return strings.Join(lines, "\n")
}

// Err returns the problems as an error, nil if there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Sorted returns the problems in the order of their places, each once.
func (p Problems) Sorted() Problems {
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(sorted)
}

// ProblemsOf returns the mistakes that strictyaml found in a file; source is its content. One without a column gets
// that of the first character of its line.
func ProblemsOf(err error, source []byte) Problems {
	var problems Problems
	lines := strings.Split(string(source), "\n")
	for _, m := range strictyaml.Mistakes(err) {
		p := Problem{m.File, m.Line, m.Column, m.Message}
		if p.Column == 0 && p.Line > 0 && p.Line <= len(lines) {
			line := lines[p.Line-1]
			p.Column = len(line) - len(strings.TrimLeft(line, " \t-")) + 1
		}
		problems = append(problems, p)
	}
	return problems
}
