// Package output prints the results of commands: one table in four formats.
package output

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/web/spreadsheet"
)

// Formats are the formats in which a Table can be printed.
var Formats = []string{"table", "json", "csv", "tsv"}

// Table is a result to print: the same columns in every format. JSON prints the document, if there is one, because a
// tree can hold more than rows; otherwise it prints a list of objects.
type Table struct {
	Columns  []string
	Rows     [][]string // each has a cell for every column
	Document any
	Right    []string // columns that are numbers
	Note     string   // printed below a table, for people only
	Prose    string   // printed instead of a table, where text is easier to read than columns
}

// errNoColumns reports that a table has nothing for a spreadsheet. An empty line would look like an empty result.
var errNoColumns = errors.New("the result has no columns; use -o json or -o table")

// Print writes t to w in one of Formats; any other format is printed as a table.
func (t Table) Print(w io.Writer, format string) error {
	if len(t.Columns) == 0 && (format == "csv" || format == "tsv") {
		return errNoColumns
	}
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(t.json())
	case "csv":
		return t.separated(w)
	case "tsv":
		return t.tabs(w)
	}
	if t.Prose != "" {
		_, err := fmt.Fprintln(w, strings.TrimRight(t.Prose, "\n"))
		return err
	}
	return t.aligned(w)
}

func (t Table) json() any {
	if t.Document != nil {
		return t.Document
	}
	list := make([]map[string]string, len(t.Rows))
	for i, row := range t.Rows {
		list[i] = map[string]string{}
		for j, c := range t.Columns {
			list[i][c] = row[j]
		}
	}
	return list
}

// separated writes CSV that is safe to open in a spreadsheet; tabs and JSON are exact.
func (t Table) separated(w io.Writer) error {
	var numbers []int
	for i, c := range t.Columns {
		if slices.Contains(t.Right, c) {
			numbers = append(numbers, i)
		}
	}
	out := spreadsheet.NewWriter(w, numbers...)
	if err := out.Head(t.Columns...); err != nil {
		return err
	}
	for _, row := range t.Rows {
		if err := out.Write(row...); err != nil {
			return err
		}
	}
	return out.Flush()
}

// tabs writes TSV as ClickHouse does: no quotes, and tab, newline and backslash escaped.
func (t Table) tabs(w io.Writer) error {
	escape := strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	for _, row := range append([][]string{t.Columns}, t.Rows...) {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = escape.Replace(c)
		}
		if _, err := fmt.Fprintln(w, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// aligned writes columns for a person to read. Control characters are replaced: a name from a source must not move
// the cursor or change the title of somebody's terminal.
func (t Table) aligned(w io.Writer) error {
	widths := make([]int, len(t.Columns))
	lines := append([][]string{upper(t.Columns)}, t.Rows...)
	for _, row := range lines {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(Printable(c)))
		}
	}
	number := map[int]bool{}
	for i, c := range t.Columns {
		for _, r := range t.Right {
			number[i] = number[i] || r == c
		}
	}
	for _, row := range lines {
		var line strings.Builder
		for i, c := range row {
			c = Printable(c)
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if number[i] {
				line.WriteString(pad + c)
			} else {
				line.WriteString(c + pad)
			}
			line.WriteString("  ")
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	if t.Note != "" {
		_, err := fmt.Fprintf(w, "\n%s\n", t.Note)
		return err
	}
	return nil
}

func upper(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ToUpper(strings.ReplaceAll(w, "_", " "))
	}
	return out
}

// Printable replaces control characters: a name from a source must not move the cursor of a terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '·'
		}
		return r
	}, s)
}

// PrintableLines is Printable for a text of several lines.
func PrintableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
