package form

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// readWorkbook reads the sheet of a workbook that holds responses. archive is the workbook as a ZIP file.
func readWorkbook(data []byte, archive *zip.Reader, o Options) (Export, error) {
	if err := countUnpacked(archive); err != nil {
		return Export{}, err
	}
	book, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{
		UnzipSizeLimit: maxUnzip, UnzipXMLSizeLimit: maxUnzip, RawCellValue: true,
	})
	if err != nil {
		return Export{}, fmt.Errorf("the workbook cannot be read (%s); open it in a spreadsheet and save it again as .xlsx, "+
			"or as CSV in UTF-8", shorten(err.Error()))
	}
	defer book.Close() //nolint:errcheck // nothing is written
	sheets := book.GetSheetList()
	if o.Sheet != "" {
		if !slices.Contains(sheets, o.Sheet) {
			return Export{}, fmt.Errorf("the workbook has no sheet %q; it has %s", o.Sheet, quoted(sheets))
		}
		sheets = []string{o.Sheet}
	}
	from1904 := countsFrom1904(archive)
	var found []Export
	var names []string
	var first error
	for _, sheet := range sheets {
		records, err := sheetRecords(book, sheet)
		if err != nil {
			return Export{}, err
		}
		if len(records) == 0 {
			continue
		}
		export, err := newExport(records, false)
		if err != nil {
			if first == nil {
				first = fmt.Errorf("sheet %q: %w", sheet, err)
			}
			continue
		}
		if err := refuseFormulas(book, archive, sheet, &export); err != nil {
			return Export{}, err
		}
		export.Sheet, export.From1904 = sheet, from1904
		found, names = append(found, export), append(names, sheet)
	}
	if len(found) > 1 { // a sheet with a summary or with instructions is no second survey
		all := found
		found = slices.DeleteFunc(slices.Clone(all), func(e Export) bool { return e.Tool == Plain })
		if len(found) == 0 {
			found = all
		} else {
			names = nil
			for _, e := range found {
				names = append(names, e.Sheet)
			}
		}
	}
	if len(found) > 1 {
		found, names = withoutHidden(book, found, names)
	}
	switch {
	case len(found) > 1:
		return Export{}, fmt.Errorf("the workbook has %d sheets with responses: %s; name the one of this survey with --sheet",
			len(found), quoted(names))
	case len(found) == 0 && first != nil:
		return Export{}, first
	case len(found) == 0:
		return Export{}, errors.New("the workbook has no rows")
	}
	return found[0], nil
}

// withoutHidden leaves out the hidden sheets if a single one is not hidden.
func withoutHidden(book *excelize.File, found []Export, names []string) ([]Export, []string) {
	var visible []Export
	var hidden []string
	for _, e := range found {
		if shown, err := book.GetSheetVisible(e.Sheet); err == nil && !shown {
			hidden = append(hidden, e.Sheet)
		} else {
			visible = append(visible, e)
		}
	}
	if len(visible) != 1 {
		return found, names
	}
	visible[0].Notes = append(visible[0].Notes, fmt.Sprintf(
		"sheets that are hidden are left out: %s; read one with --sheet", quoted(hidden)))
	return visible, []string{visible[0].Sheet}
}

// countUnpacked unpacks the members of a workbook to see how large they are: what a ZIP file says of them can be wrong.
func countUnpacked(archive *zip.Reader) error {
	left := int64(maxUnzip)
	for _, f := range archive.File {
		member, err := f.Open()
		if err != nil {
			return fmt.Errorf("the workbook is damaged at %s; export it again", shorten(f.Name))
		}
		n, err := io.Copy(io.Discard, io.LimitReader(member, left+1))
		_ = member.Close() // only read
		if left -= n; left < 0 {
			return fmt.Errorf("it unpacks to more than %d MB: it is no export of a form", maxUnzip>>20)
		}
		if err != nil {
			return fmt.Errorf("the workbook is cut off or damaged at %s; export it again", shorten(f.Name))
		}
	}
	return nil
}

func quoted(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, strconv.Quote(shorten(n)))
	}
	return strings.Join(out, ", ")
}

// sheetRecords returns the rows of a sheet that are not blank.
func sheetRecords(book *excelize.File, sheet string) ([]record, error) {
	rows, err := book.Rows(sheet)
	if err != nil { // a sheet of a chart
		return nil, nil
	}
	defer rows.Close() //nolint:errcheck // only read
	var records []record
	for line := 1; rows.Next(); line++ {
		cells, err := rows.Columns()
		if err != nil {
			return nil, fmt.Errorf("sheet %q, row %d cannot be read (%s); save the workbook again", sheet, line,
				shorten(err.Error()))
		}
		if len(records) >= maxRows || len(cells) > maxColumns {
			return nil, fmt.Errorf("sheet %q has more than %d rows or %d columns; it is no export of a form", sheet, maxRows,
				maxColumns)
		}
		if slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
			records = append(records, record{line: line, cells: cells})
		}
	}
	if err := rows.Error(); err != nil {
		return nil, fmt.Errorf("sheet %q cannot be read (%s); save the workbook again", sheet, shorten(err.Error()))
	}
	return records, nil
}

// serialTime returns the time that a workbook stores as a number of days since 1899-12-30; ok is false if the text is
// no such number of this century.
func serialTime(text string) (time.Time, bool) {
	days, err := strconv.ParseFloat(text, 64)
	if err != nil || !(days >= 36526 && days < 73051) { // 2000-01-01 to 2100-01-01
		return time.Time{}, false
	}
	seconds := int64(days*86400 + 0.5)
	return time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds) * time.Second), true
}
