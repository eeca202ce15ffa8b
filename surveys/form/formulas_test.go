package form

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// rewritten replaces parts of a workbook; a part whose new text is empty is left out.
func rewritten(t *testing.T, data []byte, parts map[string]string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		text, replaced := parts[f.Name]
		if replaced && text == "" {
			continue
		}
		w, err := out.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := member(f)
		if err != nil {
			t.Fatal(err)
		}
		if replaced {
			content = []byte(text)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const sheetXML = `<?xml version="1.0" encoding="UTF-8"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>`

// scanFormulas finds what the library finds, cell by cell, in all ways in which XML can say it.
func TestScanFormulasAsTheLibrary(t *testing.T) {
	var empty bytes.Buffer
	if err := excelize.NewFile().Write(&empty); err != nil {
		t.Fatal(err)
	}
	for name, rows := range map[string]string{
		"values":  `<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="inlineStr"><is><t>&lt;f&gt;</t></is></c></row>`,
		"plain":   `<row r="1"><c r="A1"><v>1</v></c><c r="C1"><f>A1+1</f><v>2</v></c></row>`,
		"far":     `<row r="70"><c r="AA70" s="1"><f ca="1">NOW()</f><v>2</v></c></row>`,
		"shared":  `<row r="2"><c r="B2"><f t="shared" ref="B2:B3" si="0">A2*2</f><v>2</v></c></row><row r="3"><c r="B3"><f t="shared" si="0"/><v>2</v></c></row>`,
		"empty":   `<row r="1"><c r="A1"><f></f><v>1</v></c><c r="B1"><f/><v>1</v></c></row>`,
		"quotes":  `<row r='1'><c t="str" r='A1'><f t="array" ref="A1">CONCAT("a&gt;b",'x'!B1)</f><v>&lt;</v></c></row>`,
		"spaces":  "<row\n r=\"4\"\t><c r = \"D4\" ><f >1</f></c ></row >",
		"comment": `<row r="1"><!-- <c r="A1"><f>1</f></c> --><c r="B1"><v>1</v></c></row>`,
		"no r":    `<row><c><v>1</v></c><c><f>1+1</f></c></row><row><c><f>2</f></c></row>`,
	} {
		text := fmt.Sprintf(sheetXML, rows)
		data := rewritten(t, empty.Bytes(), map[string]string{"xl/worksheets/sheet1.xml": text})
		book, err := excelize.OpenReader(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := map[cellPlace]bool{}
		for row := 1; row <= 80; row++ {
			for column := 1; column <= 30; column++ {
				formula, err := book.GetCellFormula("Sheet1", fmt.Sprint(letter(column), row))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if formula != "" {
					want[cellPlace{row, column}] = true
				}
			}
		}
		if got := scanFormulas([]byte(text)); !maps.Equal(got, want) {
			t.Errorf("%s: %v, and the library finds %v", name, got, want)
		}
		_ = book.Close() // only read
	}
	for _, prefixed := range []string{
		`<x:row r="1"><x:c r="B1"><x:f>1</x:f></x:c></x:row>`, `<x:c r="A1"></x:c><x:c r="B1"><x:f>1</x:f></x:c >`,
	} {
		if got := scanFormulas([]byte(prefixed)); len(got) != 1 || !got[cellPlace{1, 2}] {
			t.Errorf("with a prefix: %v", got)
		}
	}
	// A drop-down list that takes its values from another sheet, and what else has a formula and is no cell.
	for _, last := range []string{`<c r="F3"><v>5</v></c>`, `<c r="F3" s="1"/>`, `<x:c r="F3"><x:v>5</x:v></x:c>`} {
		listed := `<sheetData><row r="3">` + last + `</row></sheetData><extLst><ext><x14:dataValidations><x14:dataValidation>` +
			`<x14:formula1><xm:f>Sheet2!$A$1:$A$5</xm:f></x14:formula1></x14:dataValidation></x14:dataValidations></ext></extLst>`
		if got := scanFormulas([]byte(listed)); len(got) != 0 {
			t.Errorf("formulas outside of cells, after %s: %v", last, got)
		}
	}
	for _, cut := range []string{"<", "<c", `<c r="A1`, `<c r=`, "<!--", "<?", `<row r="1"><c r="A1"><f`, "<c =>"} {
		_ = scanFormulas([]byte(cut)) // no crash
	}
}

// Formulas are looked for in the sheet that is read, whichever part it is, and also where the relations of the parts do
// not tell.
func TestFormulasOfTheSheet(t *testing.T) {
	book := excelize.NewFile()
	if _, err := book.NewSheet("Answers"); err != nil {
		t.Fatal(err)
	}
	for cell, value := range map[string]any{"A1": "ID", "B1": "Start time", "C1": "Completion time", "D1": "Builds are fast",
		"A2": 1, "B2": 46280.5, "C2": 46280.6, "D2": 4, "A3": 2, "B3": 46280.5, "C3": 46280.7, "D3": 5} {
		if err := book.SetCellValue("Answers", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	for sheet, cell := range map[string]string{"Answers": "D3", "Sheet1": "D2"} {
		if err := book.SetCellFormula(sheet, cell, "2+3"); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	in, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	relations, err := in.Open("xl/_rels/workbook.xml.rels")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(relations)
	if err != nil {
		t.Fatal(err)
	}
	absolute := strings.ReplaceAll(string(text), `Target="worksheets/`, `Target="/xl/worksheets/`)
	for name, parts := range map[string]map[string]string{
		"as written": nil, "absolute": {"xl/_rels/workbook.xml.rels": absolute},
	} {
		e, err := Read("answers.xlsx", rewritten(t, b.Bytes(), parts), Options{Sheet: "Answers"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(e.Rows) != 1 || len(e.Refused) != 1 || e.Refused[0].Line != 3 || e.Refused[0].Column != "D" {
			t.Errorf("%s: %+v, %v", name, e.Rows, e.Refused)
		}
	}
	export := Export{Columns: []Column{{Number: 4}}, Rows: []Row{{Line: 2}, {Line: 3}}}
	if found := askFormulas(book, "Answers", &export); len(found) != 1 || !found[cellPlace{3, 4}] {
		t.Errorf("cell by cell: %v", found)
	}
}
