package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/web/spreadsheet"
)

var formats = []string{"table", "json", "csv", "tsv"}

// table is a result to print: the same columns in every format. JSON prints the document, if there is one, because a
// tree can hold more than rows; otherwise it prints a list of objects.
type table struct {
	columns  []string
	rows     [][]string
	document any
	right    []string // columns that are numbers
	note     string   // printed below a table, for people only
	prose    string   // printed instead of a table, where text is easier to read than columns
}

// print writes t to w in one of formats.
func (t table) print(w io.Writer, format string) error {
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
	if t.prose != "" {
		_, err := fmt.Fprintln(w, strings.TrimRight(t.prose, "\n"))
		return err
	}
	return t.aligned(w)
}

func (t table) json() any {
	if t.document != nil {
		return t.document
	}
	list := make([]map[string]string, len(t.rows))
	for i, row := range t.rows {
		list[i] = map[string]string{}
		for j, c := range t.columns {
			list[i][c] = row[j]
		}
	}
	return list
}

// separated writes CSV that is safe to open in a spreadsheet; tabs and JSON are exact.
func (t table) separated(w io.Writer) error {
	var numbers []int
	for i, c := range t.columns {
		if slices.Contains(t.right, c) {
			numbers = append(numbers, i)
		}
	}
	out := spreadsheet.NewWriter(w, numbers...)
	if err := out.Head(t.columns...); err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := out.Write(row...); err != nil {
			return err
		}
	}
	return out.Flush()
}

// tabs writes TSV as ClickHouse does: no quotes, and tab, newline and backslash escaped.
func (t table) tabs(w io.Writer) error {
	escape := strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	for _, row := range append([][]string{t.columns}, t.rows...) {
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
func (t table) aligned(w io.Writer) error {
	widths := make([]int, len(t.columns))
	lines := append([][]string{upper(t.columns)}, t.rows...)
	for _, row := range lines {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(printable(c)))
		}
	}
	number := map[int]bool{}
	for i, c := range t.columns {
		for _, r := range t.right {
			number[i] = number[i] || r == c
		}
	}
	for _, row := range lines {
		var line strings.Builder
		for i, c := range row {
			c = printable(c)
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
	if t.note != "" {
		_, err := fmt.Fprintf(w, "\n%s\n", t.note)
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

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '·'
		}
		return r
	}, s)
}
