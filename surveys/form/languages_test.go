package form

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// What the tools add to the questions is told from them in other languages, too: names are never read, and the score of
// a quiz is no answer.
func TestLanguages(t *testing.T) {
	const rows = 6
	for _, c := range []struct {
		header    string
		questions string
	}{
		{"ID,Heure de début,Heure de fin,Adresse de messagerie,Nom,Rapide", "Rapide"},
		{"ID,Hora de inicio,Hora de finalización,Correo electrónico,Nombre,Rápido", "Rápido"},
		{"ID,Hora de início,Hora de conclusão,Email,Nome,Rápido", "Rápido"},
		{"ID,Ora di inizio,Ora di completamento,Posta elettronica,Nome,Veloce", "Veloce"},
		{"ID,Begintijd,Tijd van voltooien,E-mail,Naam,Snel", "Snel"},
		{"ID,Startzeit,Fertigstellungszeit,E-Mail,Beantwortet von,Schnell", "Schnell"}, // by its place and its cells
		{"ID,Start time,Completion time,Email,Builds,Reviews", "Builds, Reviews"},      // somebody deleted the names
		{"ID,Start time,Completion time,Email,Name2,Question1", "Question1"},           // numbered by the workbook
		{"Zeitstempel,Punktzahl,Nachname,Schnell", "Schnell"},
	} {
		header := strings.Split(c.header, ",")
		book := excelize.NewFile()
		if err := book.SetSheetRow("Sheet1", "A1", &header); err != nil {
			t.Fatal(err)
		}
		questions := strings.Split(c.questions, ", ")
		for i := range rows {
			row := []any{i + 1, 46280.5 + float64(i), 46280.6 + float64(i), fmt.Sprintf("p%d@x.example", i),
				fmt.Sprint("Canary ", i)}
			if len(header) < 6 {
				row = []any{46280.5 + float64(i), "3 / 10", fmt.Sprint("Canary ", i)}
			}
			row = row[:len(header)-len(questions)]
			for range questions {
				row = append(row, 1+i%2)
			}
			if err := book.SetSheetRow("Sheet1", fmt.Sprint("A", i+2), &row); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := book.Write(&b); err != nil {
			t.Fatal(err)
		}
		e, err := Read("answers.xlsx", b.Bytes(), Options{})
		if err != nil {
			t.Errorf("%s: %v", c.header, err)
			continue
		}
		var got []string
		for _, column := range e.Columns {
			if column.Role == Question {
				got = append(got, column.Header)
			}
		}
		if strings.Join(got, ", ") != c.questions || strings.Contains(fmt.Sprint(e.Rows), "Canary") {
			t.Errorf("%s: questions %q, rows %v", c.header, got, e.Rows)
		}
	}
}

// The mark of Qualtrics for a question that was seen and not answered is none of its answers; elsewhere it is a cell as
// any other.
func TestSeenAndNotAnswered(t *testing.T) {
	text := "StartDate,EndDate,Progress,Finished,RecordedDate,ResponseId,Q1,Q2\n" +
		"2026-09-20 10:00:00,2026-09-20 10:05:00,100,True,2026-09-20 10:05:01,R_1,-99,4\n" +
		"2026-09-20 10:00:00,2026-09-20 10:05:00,-99,True,2026-09-20 10:05:01,R_2,5,-99\n"
	e, err := Read("q.csv", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(e.Rows[0].Cells[6:], e.Rows[1].Cells[6:], e.Rows[1].Cells[2]); got != "[ 4] [5 ]-99" ||
		!strings.Contains(strings.Join(e.Notes, " "), "2 cells are -99") {
		t.Errorf("%s, %q", got, e.Notes)
	}
	if e, err = Read("p.csv", []byte("Builds,Docs\n-99,4\n"), Options{}); err != nil || e.Rows[0].Cells[0] != "-99" {
		t.Errorf("%+v, %v", e.Rows, err)
	}
}

// The star of a rating in the second header row of SurveyMonkey is no row of a grid.
func TestStarsInTheHeader(t *testing.T) {
	text := "Respondent ID,Collector ID,Date Created,Date Modified,How do you rate the docs?\n,,,,☆\n" +
		"1,2,09/20/2026 10:00:00 AM,09/20/2026 10:05:00 AM,4\n"
	e, err := Read("sm.csv", []byte(text), Options{})
	if err != nil || len(e.Columns) != 5 || e.Columns[4].Header != "How do you rate the docs?" || len(e.Rows) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}
