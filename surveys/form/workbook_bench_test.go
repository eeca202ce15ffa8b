package form

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/xuri/excelize/v2"
)

// largeWorkbook is 10,000 responses to 40 questions as Microsoft Forms exports them; in the given column of each row is
// a formula, if there is one.
func largeWorkbook(tb testing.TB, formula string) []byte {
	tb.Helper()
	book := excelize.NewFile()
	header := []any{"ID", "Start time", "Completion time", "Email", "Name"}
	for q := range 40 {
		header = append(header, fmt.Sprintf("Question number %d about builds", q))
	}
	labels := []string{"Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"}
	if err := book.SetSheetRow("Sheet1", "A1", &header); err != nil {
		tb.Fatal(err)
	}
	for i := range 10_000 {
		row := []any{i + 1, 46280.5 + float64(i)/10_000, 46280.6 + float64(i)/10_000, fmt.Sprintf("p%d@x.example", i), "N"}
		for q := range 40 {
			row = append(row, labels[(i*7+q*3)%len(labels)])
		}
		if err := book.SetSheetRow("Sheet1", fmt.Sprint("A", i+2), &row); err != nil {
			tb.Fatal(err)
		}
		if formula != "" {
			if err := book.SetCellFormula("Sheet1", fmt.Sprint(formula, i+2), "1+1"); err != nil {
				tb.Fatal(err)
			}
		}
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// BenchmarkWorkbook reads 10,000 responses to 40 questions: with what comes after, an import must take less than 2 s.
func BenchmarkWorkbook(b *testing.B) {
	for name, formula := range map[string]string{"values": "", "formulas": "F"} {
		b.Run(name, func(b *testing.B) {
			data := largeWorkbook(b, formula)
			b.ResetTimer()
			for b.Loop() {
				e, err := Read("answers.xlsx", data, Options{})
				if err != nil {
					b.Fatal(err)
				}
				if refused := formula != ""; refused != (len(e.Refused) == 10_000) || refused != (len(e.Rows) == 0) {
					b.Fatalf("%d rows, %d refused", len(e.Rows), len(e.Refused))
				}
			}
		})
	}
}
