package form

import (
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// Excel for Mac counted days from 1904: read like others, its answers would be four years old.
func TestWorkbooksThatCountFrom1904(t *testing.T) {
	rows := [][]any{{"ID", "Start time", "Completion time", "Email", "Name", "Builds are fast"},
		{1, 44823.0, 44823.4270833333, "anonymous", "", 4}}
	for _, from1904 := range []bool{false, true} {
		data := workbook(t, map[string][][]any{"Answers": rows}, func(f *excelize.File) {
			if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &from1904}); err != nil {
				t.Fatal(err)
			}
		})
		e, err := Read("f.xlsx", data, Options{})
		if err != nil || e.From1904 != from1904 || len(e.Rows) != 1 {
			t.Fatalf("%+v, %v", e, err)
		}
		want := map[bool]string{false: "2022-09-19T10:15:00Z", true: "2026-09-20T10:15:00Z"}[from1904]
		at, err := Clock{From1904: e.From1904}.Time(e.Rows[0].Cells[2])
		if err != nil || at.Format(time.RFC3339) != want {
			t.Errorf("from 1904 %v: %s, %v", from1904, at, err)
		}
	}
}

// Exports of Qualtrics from before RecordedDate have another first row, and their times are those of the end.
func TestLegacyExportOfQualtrics(t *testing.T) {
	e, err := Read("f.csv", []byte("V1,V2,V6,V7,V8,V9,V10,Q1\n"+
		"ResponseID,ResponseSet,IPAddress,Status,StartDate,EndDate,Finished,Builds are fast\n"+
		"R_1,Default Response Set,10.1.2.3,0,2026-09-20 10:00:00,2026-09-20 10:05:00,1,4\n"), Options{})
	if err != nil || e.Tool != Qualtrics || e.Columns[5].Role != Submitted || e.Columns[4].Role != Technical ||
		e.Columns[7].Header != "Builds are fast" || len(e.Rows) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}

// Microsoft Forms translates its columns to each language; their cells are the same in all.
func TestMicrosoftFormsInAnyLanguage(t *testing.T) {
	row := func(cells ...any) []any { return cells }
	header := row("Identyfikator", "Godzina rozpoczęcia", "Godzina ukończenia", "Adres e-mail", "Nazwa", "Builds are fast")
	for address, want := range map[string]Tool{"anonimowy": Microsoft, "ana@x.example": Microsoft, "it is slow": Plain} {
		data := workbook(t, map[string][][]any{"S": {header, row(1, 46285.4, 46285.41, address, "Ana Ruiz", 4),
			row(2, 46285.5, 46285.51, address, "Bob Lee", 3)}}, nil)
		e, err := Read("f.xlsx", data, Options{})
		if err != nil || e.Tool != want {
			t.Errorf("%s: %s, %v", address, e.Tool, err)
			continue
		}
		if want == Microsoft && (e.Columns[2].Role != Submitted || e.Columns[3].Role != Email || e.Columns[4].Role != Private ||
			e.Rows[0].Cells[4] != "" || e.Columns[5].Role != Question) {
			t.Errorf("%s: %+v %v", address, e.Columns, e.Rows)
		}
	}
	// Done before it began: these are no times of a response.
	data := workbook(t, map[string][][]any{"S": {header, row(1, 46285.4, 46284.4, "anonymous", "", 4)}}, nil)
	if e, err := Read("f.xlsx", data, Options{}); err != nil || e.Tool != Plain {
		t.Errorf("%s, %v", e.Tool, err)
	}
}

// Of two sheets with responses the one that is not hidden is read, and it is said.
func TestHiddenSheets(t *testing.T) {
	sheets := map[string][][]any{"Old": {{"Builds are fast"}, {1}}, "New": {{"Builds are fast"}, {5}}}
	data := workbook(t, sheets, func(f *excelize.File) {
		index, err := f.GetSheetIndex("New")
		if err != nil {
			t.Fatal(err)
		}
		f.SetActiveSheet(index) // the active sheet cannot be hidden
		if err := f.SetSheetVisible("Old", false); err != nil {
			t.Fatal(err)
		}
	})
	e, err := Read("f.xlsx", data, Options{})
	if err != nil || e.Sheet != "New" || len(e.Rows) != 1 || !strings.Contains(strings.Join(e.Notes, "\n"), `left out: "Old"`) {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := Read("f.xlsx", data, Options{Sheet: "Old"}); err != nil || e.Sheet != "Old" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := Read("f.xlsx", workbook(t, sheets, nil), Options{}); err == nil || !strings.Contains(err.Error(), "--sheet") {
		t.Error(err)
	}
}
