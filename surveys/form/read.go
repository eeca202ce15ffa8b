package form

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/delimited"
)

// Limits of what is read. An export of 10,000 responses to 40 questions has about 5 MB.
const (
	MaxFile    = 64 << 20  // bytes of a file
	maxUnzip   = 256 << 20 // bytes of what is in a workbook or an archive
	maxColumns = 2000
	maxRows    = 200_000
	maxCells   = 8_000_000
)

// Options say what the caller knows of the file.
type Options struct {
	Sheet string // of a workbook with several that hold responses
}

// ReadFile reads an export from the disk.
func ReadFile(name string, o Options) (Export, error) {
	file, err := os.Open(name)
	if err != nil {
		return Export{}, fmt.Errorf("reading the export: %w", err)
	}
	defer file.Close() //nolint:errcheck // opened for reading only
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return Export{}, fmt.Errorf("reading the export %s: it is a directory; name the file", name)
	} else if err == nil && info.Size() > MaxFile {
		return Export{}, fmt.Errorf("reading the export %s: it has %d MB, and an export can have %d MB; choose the "+
			"responses of one survey, without attachments, and export them again", name, info.Size()>>20, MaxFile>>20)
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return Export{}, fmt.Errorf("reading the export: %w", err)
	}
	return Read(name, data, o)
}

// Read reads an export. The error says why no row can be read; what is wrong with single rows is in Export.Refused.
func Read(name string, data []byte, o Options) (Export, error) {
	export, err := read(data, o)
	if err != nil {
		return Export{}, fmt.Errorf("reading the export %s: %w", name, err)
	}
	return export, nil
}

func read(data []byte, o Options) (Export, error) {
	if len(data) > MaxFile {
		return Export{}, fmt.Errorf("it has more than %d MB", MaxFile>>20)
	}
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return readZip(data, o)
	}
	if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")) {
		return Export{}, errors.New("it is a workbook of the old format .xls, or one with a password; save it as .xlsx " +
			"without a password, or as CSV in UTF-8")
	}
	return readText(data, o)
}

// readText reads CSV and its relatives.
func readText(data []byte, o Options) (Export, error) {
	if o.Sheet != "" {
		return Export{}, errors.New("--sheet is for workbooks, and this is a text file; leave it out")
	}
	all, err := delimited.ReadRecords(data, delimited.Options{Known: known})
	var problem delimited.Problem
	switch {
	case errors.As(err, &problem):
		return Export{}, fmt.Errorf("line %d: %w", problem.Line, problem)
	case err != nil:
		return Export{}, err
	}
	records := make([]record, len(all.Rows))
	for i, r := range all.Rows {
		records[i] = record{line: r.Line, cells: r.Cells}
	}
	unreadable := func(r delimited.Refusal) error {
		return fmt.Errorf("line %d, the header or above it, cannot be read: %s", r.Line, r.Error())
	}
	if len(all.Refused) > 0 && (len(records) == 0 || all.Refused[0].Line < records[0].line) {
		return Export{}, unreadable(all.Refused[0])
	}
	export, err := newExport(records, true)
	if err != nil {
		return Export{}, err
	}
	for _, r := range all.Refused {
		if r.Line <= export.headerLine {
			return Export{}, unreadable(r)
		}
		p := Problem{Line: r.Line, Message: r.Message}
		if r.Column > 0 {
			p.Column = letter(r.Column)
		}
		export.Refused = append(export.Refused, p)
	}
	slices.SortStableFunc(export.Refused, func(a, b Problem) int { return a.Line - b.Line })
	return export, nil
}

// newExport gives records a meaning. Those of a text have all the cells that the file has, also empty ones.
func newExport(records []record, text bool) (Export, error) {
	if len(records) == 0 {
		return Export{}, errors.New("it has no rows")
	}
	if len(records) > maxRows {
		return Export{}, fmt.Errorf("it has %d rows, and an export can have %d", len(records), maxRows)
	}
	for _, r := range records {
		if len(r.cells) > maxColumns {
			return Export{}, fmt.Errorf("line %d has %d columns, and an export can have %d", r.line, len(r.cells), maxColumns)
		}
	}
	h, err := head(records)
	if err != nil {
		return Export{}, err
	}
	if len(h.columns)*len(h.rows) > maxCells {
		return Export{}, fmt.Errorf("it has %d columns and %d rows, more than %d cells", len(h.columns), len(h.rows),
			maxCells)
	}
	export := Export{headerLine: h.line, Tool: h.tool, Zone: h.zone, UTC: h.utc, Columns: h.columns, Notes: h.notes}
	return export, export.addRows(h, text)
}

// seenOnly is what Qualtrics writes for questions that were seen and not answered, if its export is asked to.
const seenOnly = "-99"

// addRows takes the rows over, without the cells of private columns.
func (e *Export) addRows(h headed, text bool) error {
	private := map[int]bool{}
	for i, c := range h.columns {
		if c.Role == Private {
			private[i] = true
		}
	}
	repeated, skipped := 0, 0
	for i, r := range h.rows {
		if same(r.cells, h.header) {
			repeated++
			continue
		}
		if other := e.otherHeader(r.cells); other != "" {
			return fmt.Errorf("line %d begins another export (%s): the file holds two surveys; put each into a file of its own",
				r.line, other)
		}
		if n := len(r.cells); text && n < len(h.columns) && i == len(h.rows)-1 && complete(h.rows[:i], len(h.columns)) {
			e.Refused = append(e.Refused, Problem{Line: r.line, Message: fmt.Sprintf("the last row ends after %d of %d "+
				"columns: the file is cut off; export it again", n, len(h.columns))})
			continue
		}
		extra := slices.IndexFunc(r.cells[min(len(r.cells), len(h.columns)):], func(c string) bool {
			return strings.TrimSpace(c) != ""
		})
		if extra >= 0 {
			e.Refused = append(e.Refused, Problem{
				Line: r.line, Column: letter(len(h.columns) + extra + 1),
				Message: fmt.Sprintf("the row has more cells than the header has columns (%d); quote cells that hold the "+
					"delimiter", len(h.columns)),
			})
			continue
		}
		cells := make([]string, len(h.columns))
		for k := range min(len(r.cells), len(cells)) {
			switch {
			case private[k]:
			case h.tool == Qualtrics && r.cells[k] == seenOnly && h.columns[k].Role == Question:
				skipped++
			default:
				cells[k] = r.cells[k]
			}
		}
		e.Rows = append(e.Rows, Row{Line: r.line, Cells: cells})
	}
	if skipped > 0 {
		e.Notes = append(e.Notes, fmt.Sprintf("%d cells are %s, by which Qualtrics marks questions that were seen and not "+
			"answered; they are read as not answered", skipped, seenOnly))
	}
	if repeated > 0 {
		e.Notes = append(e.Notes, fmt.Sprintf("the header is repeated %d times: several exports of one form were joined",
			repeated))
	}
	return nil
}

// complete reports whether all rows but the last have all columns, as every tool writes them.
func complete(rows []record, columns int) bool {
	return len(rows) > 0 && !slices.ContainsFunc(rows, func(r record) bool { return len(r.cells) < columns })
}

func same(cells, header []string) bool {
	if len(cells) != len(header) {
		return false
	}
	for i := range cells {
		if cells[i] != header[i] && Clean(cells[i]) != Clean(header[i]) {
			return false
		}
	}
	return true
}

// otherHeader returns the tool of which a row in the middle of the file is the header; empty if it is none.
func (e *Export) otherHeader(cells []string) string {
	for i, c := range e.Columns[:min(len(e.Columns), len(cells))] {
		if c.Role == Submitted && known(cells[i:i+1]) == 1 { // no time of an answer is the name of a column
			return string(recognize(cells))
		}
	}
	if known(cells[:min(len(cells), 8)]) == 0 { // the columns of the tools come first, except for some of Typeform's
		return ""
	}
	tool := recognize(cells)
	switch {
	case tool == Plain, tool == Google && known(cells) < 2 && !e.questionsLike(cells):
		return ""
	}
	return string(tool)
}

// questionsLike reports whether most cells are longer texts that no other row would have: those of questions.
func (e *Export) questionsLike(cells []string) bool {
	words := 0
	for _, c := range cells[1:] {
		if len(strings.Fields(c)) >= 3 || c == "" {
			words++
		}
	}
	return words*2 > len(cells)-1
}

// readZip reads a workbook, or the only table in an archive: some tools export one.
func readZip(data []byte, o Options) (Export, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return Export{}, errors.New("it is a workbook or an archive that is cut off or damaged; export it again")
	}
	var total uint64
	var tables []*zip.File
	workbook, macros := false, false
	for _, f := range archive.File {
		total += f.UncompressedSize64
		name := strings.ToLower(f.Name)
		base := path.Base(name)
		switch {
		case name == "xl/workbook.xml":
			workbook = true
		case strings.HasSuffix(name, "vbaproject.bin"):
			macros = true
		case strings.HasPrefix(name, "__macosx/"), strings.HasPrefix(base, "."):
		case slices.Contains([]string{".csv", ".tsv", ".xlsx"}, path.Ext(base)):
			tables = append(tables, f)
		}
	}
	switch {
	case total > maxUnzip || len(archive.File) > 10_000:
		return Export{}, fmt.Errorf("it unpacks to %d MB, and an export can have %d MB: it is no export of a form",
			total>>20, maxUnzip>>20)
	case macros:
		return Export{}, errors.New("the workbook has macros, which no form exports; save it as .xlsx or CSV without them")
	case workbook:
		return readWorkbook(data, archive, o)
	case len(tables) == 1:
		return readMember(tables[0], o)
	case len(tables) > 1:
		return Export{}, fmt.Errorf("it is an archive of %d tables (%s, %s …); unpack it and import one of them",
			len(tables), shorten(tables[0].Name), shorten(tables[1].Name))
	}
	return Export{}, errors.New("it is an archive without a CSV or XLSX file; export the responses as CSV or XLSX")
}

// readMember reads a table of an archive.
func readMember(f *zip.File, o Options) (Export, error) {
	inner, err := f.Open()
	if err != nil {
		return Export{}, fmt.Errorf("%s in the archive: %w", shorten(f.Name), err)
	}
	defer inner.Close() //nolint:errcheck // opened for reading only
	// What the archive says of sizes can be wrong: count what comes.
	data, err := io.ReadAll(io.LimitReader(inner, MaxFile+1))
	switch {
	case err != nil:
		return Export{}, fmt.Errorf("%s in the archive is damaged (%w); export it again", shorten(f.Name), err)
	case len(data) > MaxFile:
		return Export{}, fmt.Errorf("%s in the archive unpacks to more than %d MB; it is no export of a form",
			shorten(f.Name), MaxFile>>20)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")) && strings.EqualFold(path.Ext(f.Name), ".xlsx"):
		nested, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return Export{}, fmt.Errorf("%s in the archive is cut off or damaged; export it again", shorten(f.Name))
		}
		return readWorkbook(data, nested, o)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return Export{}, fmt.Errorf("%s in the archive is an archive again; unpack it", shorten(f.Name))
	}
	return readText(data, o)
}
