package form

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// cellPlace is a cell of a sheet; both count from 1.
type cellPlace struct{ row, column int }

// refuseFormulas refuses the rows with formulas: a form exports values, and the stored result of a formula need not be
// what somebody answered.
func refuseFormulas(book *excelize.File, archive *zip.Reader, sheet string, e *Export) error {
	found, err := formulasOf(archive, sheet)
	if err != nil {
		return err
	}
	if found == nil { // the parts of the workbook are not related in the usual way
		has, err := hasFormulas(archive)
		if err != nil || !has {
			return err
		}
		found = askFormulas(book, sheet, e)
	}
	if len(found) == 0 {
		return nil
	}
	var kept []Row
	for _, r := range e.Rows {
		column := ""
		for _, c := range e.Columns {
			if found[cellPlace{r.Line, c.Number}] {
				column = c.Letter()
				break
			}
		}
		if column == "" {
			kept = append(kept, r)
			continue
		}
		e.Refused = append(e.Refused, Problem{Line: r.Line, Column: column, Message: "the cell holds a formula, and an " +
			"export holds values; paste the values over it, or export the file again"})
	}
	e.Rows = kept
	return nil
}

// askFormulas asks for the formula of each cell, which takes a time that grows with the square of the rows.
func askFormulas(book *excelize.File, sheet string, e *Export) map[cellPlace]bool {
	found := map[cellPlace]bool{}
	for _, r := range e.Rows {
		for _, c := range e.Columns {
			formula, err := book.GetCellFormula(sheet, c.Letter()+strconv.Itoa(r.Line))
			if err == nil && formula != "" {
				found[cellPlace{r.Line, c.Number}] = true
			}
		}
	}
	return found
}

// member unpacks a part of a workbook.
func member(f *zip.File) ([]byte, error) {
	opened, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("the workbook is damaged at %s; export it again", shorten(f.Name))
	}
	text, err := io.ReadAll(io.LimitReader(opened, maxUnzip))
	_ = opened.Close() // only read
	if err != nil {
		return nil, fmt.Errorf("the workbook is damaged at %s; export it again", shorten(f.Name))
	}
	return text, nil
}

// hasFormulas reports whether a sheet of the workbook has the element of a formula.
func hasFormulas(archive *zip.Reader) (bool, error) {
	for _, f := range archive.File {
		if !strings.HasPrefix(strings.ToLower(f.Name), "xl/worksheets/") {
			continue
		}
		text, err := member(f)
		if err != nil {
			return false, err
		}
		for _, mark := range []string{"<f>", "<f ", "<f/", ":f>", ":f ", ":f/", "<\x00f\x00", "\x00<\x00f"} {
			if bytes.Contains(text, []byte(mark)) {
				return true, nil
			}
		}
	}
	return false, nil
}

// formulasOf returns the cells of a sheet that hold a formula; nil if it is not known which part the sheet is.
func formulasOf(archive *zip.Reader, sheet string) (map[cellPlace]bool, error) {
	f := partOf(archive, sheet)
	if f == nil {
		return nil, nil
	}
	text, err := member(f)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) { // UTF-16
		return nil, nil
	}
	return scanFormulas(text), nil
}

// countsFrom1904 reports whether the dates of a workbook count from 1904 and not from 1900.
func countsFrom1904(archive *zip.Reader) bool {
	for _, f := range archive.File {
		if !strings.EqualFold(strings.TrimPrefix(f.Name, "/"), "xl/workbook.xml") {
			continue
		}
		var book struct {
			Properties struct {
				From1904 string `xml:"date1904,attr"`
			} `xml:"workbookPr"`
		}
		text, err := member(f)
		return err == nil && xml.Unmarshal(text, &book) == nil &&
			(book.Properties.From1904 == "1" || book.Properties.From1904 == "true")
	}
	return false
}

// partOf returns the part of a workbook that is a sheet, by xl/workbook.xml and its relations; nil if they do not tell.
func partOf(archive *zip.Reader, sheet string) *zip.File {
	byName := map[string]*zip.File{}
	for _, f := range archive.File {
		byName[strings.ToLower(strings.TrimPrefix(f.Name, "/"))] = f
	}
	parse := func(name string, into any) bool {
		f := byName[name]
		if f == nil {
			return false
		}
		text, err := member(f)
		return err == nil && xml.Unmarshal(text, into) == nil
	}
	var book struct {
		Sheets []struct {
			Name       string     `xml:"name,attr"`
			Attributes []xml.Attr `xml:",any,attr"` // r:id, in one of two name spaces
		} `xml:"sheets>sheet"`
	}
	var relations struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if !parse("xl/workbook.xml", &book) || !parse("xl/_rels/workbook.xml.rels", &relations) {
		return nil
	}
	for _, s := range book.Sheets {
		if s.Name != sheet {
			continue
		}
		for _, a := range s.Attributes {
			if a.Name.Local != "id" {
				continue
			}
			for _, r := range relations.All {
				if r.ID == a.Value {
					target := strings.TrimPrefix(r.Target, "/")
					if target == r.Target {
						target = path.Join("xl", target)
					}
					return byName[strings.ToLower(target)]
				}
			}
		}
	}
	return nil
}

// scanFormulas returns the cells with a formula of the XML of a sheet. Decoding all of a sheet takes longer than
// reading its values; what is needed here are its tags. Formulas outside of cells, of drop-down lists and the like,
// tell nothing of what a cell holds.
func scanFormulas(text []byte) map[cellPlace]bool {
	found := map[cellPlace]bool{}
	at, cell := cellPlace{}, false // cell: within the element of one
	for {
		open := bytes.IndexByte(text, '<')
		if open < 0 {
			return found
		}
		text = text[open+1:]
		if skipped, ok := skipMarkup(text); ok {
			text = skipped
			continue
		}
		end := tagEnd(text)
		if end < 0 {
			return found
		}
		inside := text[:end]
		text = text[end+1:]
		name, isEnd := tagName(inside)
		if isEnd {
			cell = cell && string(name) != "c"
			continue
		}
		switch string(name) {
		case "row":
			at.row, at.column = at.row+1, 0
			if n, err := strconv.Atoi(string(attribute(inside, "r"))); err == nil {
				at.row = n
			}
		case "c":
			at.column++
			if column, row, err := excelize.CellNameToCoordinates(string(attribute(inside, "r"))); err == nil {
				at = cellPlace{row, column}
			}
			cell = !bytes.HasSuffix(inside, []byte("/"))
		case "f":
			if !cell {
				continue
			}
			// Cells that share the formula of another one have an empty element.
			if empty := bytes.HasSuffix(inside, []byte("/")) || len(text) > 1 && text[0] == '<' && text[1] == '/'; !empty ||
				len(attribute(inside, "si")) > 0 {
				found[at] = true
			}
		}
	}
}

// skipMarkup returns what comes after a comment, a CDATA section or a processing instruction; text is what comes after
// its "<". ok is false if it is none.
func skipMarkup(text []byte) (rest []byte, ok bool) {
	for _, markup := range [][2]string{{"!--", "-->"}, {"![CDATA[", "]]>"}, {"?", "?>"}} {
		if !bytes.HasPrefix(text, []byte(markup[0])) {
			continue
		}
		_, rest, found := bytes.Cut(text, []byte(markup[1]))
		if !found {
			return nil, true
		}
		return rest, true
	}
	return nil, false
}

// tagEnd returns where the ">" of a tag is; −1 if it has none. A ">" in the value of an attribute is not it.
func tagEnd(text []byte) int {
	end := bytes.IndexByte(text, '>')
	if end < 0 || bytes.IndexByte(text[:end], '"') < 0 && bytes.IndexByte(text[:end], '\'') < 0 {
		return end
	}
	quote := byte(0)
	for i, b := range text {
		switch {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		case b == '>':
			return i
		}
	}
	return -1
}

// tagName returns the name of a tag without its prefix: "c" of x:c r="A1" and of /x:c, which is an end tag.
func tagName(inside []byte) (name []byte, isEnd bool) {
	name, isEnd = bytes.CutPrefix(inside, []byte("/"))
	if i := bytes.IndexAny(name, " \t\r\n/"); i >= 0 {
		name = name[:i]
	}
	if i := bytes.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return name, isEnd
}

// attribute returns the value of an attribute of a tag; empty if it has none. What is asked for has no entities.
func attribute(inside []byte, name string) []byte {
	rest := inside
	for {
		i := bytes.IndexByte(rest, '=')
		if i < 0 {
			return nil
		}
		key := bytes.TrimSpace(rest[:i])
		if k := bytes.LastIndexAny(key, " \t\r\n"); k >= 0 {
			key = key[k+1:]
		}
		rest = bytes.TrimLeft(rest[i+1:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return nil
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return nil
		}
		if string(key) == name {
			return rest[1 : 1+end]
		}
		rest = rest[2+end:]
	}
}
