package form

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
)

// show writes what was understood: the tool, the columns that are read, and the rows.
func show(e Export) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s\n", e.Tool, e.Sheet, map[bool]string{true: " UTC"}[e.UTC]+e.Zone)
	for _, c := range e.Columns {
		if c.Role != Technical && c.Role != Private {
			fmt.Fprintf(&b, "%s %s %s\n", c.Letter(), c.Role, c.Header)
		}
	}
	for _, r := range e.Rows {
		fmt.Fprintf(&b, "%d %q\n", r.Line, r.Cells)
	}
	for _, p := range e.Refused {
		fmt.Fprintf(&b, "! %s\n", p)
	}
	return b.String()
}

var shapes = []struct{ name, data, want string }{
	{"Google Forms with a grid, markup and no-break spaces",
		"\ufeffTimestamp,Email Address,Score,\"How much do you agree? [Builds\u00a0are <b>fast</b>]\",\"Why?\u200b\n(optional)\"\r\n" +
			"2026/09/20 10:00:00 AM GMT+3,a@x.example,0 / 10,Agree,\"two\r\nlines\"\r\n",
		"Google Forms \nA submitted Timestamp\nB email Email Address\n" +
			"D question How much do you agree? [Builds are fast]\nE question Why? (optional)\n" +
			`3 ["2026/09/20 10:00:00 AM GMT+3" "a@x.example" "0 / 10" "Agree" "two\nlines"]` + "\n"},
	{"Google Forms in German, with semicolons",
		"Zeitstempel;E-Mail-Adresse;Builds sind schnell\n20.09.2026 10:00:00;a@x.example;4\n",
		"Google Forms \nA submitted Zeitstempel\nB email E-Mail-Adresse\nC question Builds sind schnell\n" +
			`2 ["20.09.2026 10:00:00" "a@x.example" "4"]` + "\n"},
	{"Typeform",
		"#,<strong>Builds</strong> are fast,Why?,Response Type,Start Date (UTC),Stage Date (UTC),Submit Date (UTC),Network ID,Tags\n" +
			"abc,4,,completed,2026-09-20 09:59:00,,2026-09-20 10:00:00,d41d8cd9,\n",
		"Typeform  UTC\nB question Builds are fast\nC question Why?\nD status Response Type\n" +
			"G submitted Submit Date (UTC)\n" +
			`2 ["abc" "4" "" "completed" "2026-09-20 09:59:00" "" "2026-09-20 10:00:00" "" ""]` + "\n"},
	{"SurveyMonkey with two header rows, a grid and a blank end",
		"Respondent ID,Collector ID,Date Created,Date Modified,IP Address,Email Address,First Name,Last Name,Custom Data 1,How much do you agree?,,Anything else?,How likely?\n" +
			",,,,,,,,,Builds are fast,Reviews are\u00a0fast,Open-Ended Response,Response\n" +
			"1,2,09/20/2026 10:00:00 AM,09/20/2026 10:05:00 AM,10.0.0.1,a@x.example,Ana,Ruiz,x,Agree,Disagree,no,9\n",
		"SurveyMonkey \nD submitted Date Modified\nF email Email Address\n" +
			"J question How much do you agree? [Builds are fast]\nK question How much do you agree? [Reviews are fast]\n" +
			"L question Anything else?\nM question How likely?\n" +
			`3 ["1" "2" "09/20/2026 10:00:00 AM" "09/20/2026 10:05:00 AM" "" "a@x.example" "" "" "" "Agree" "Disagree" "no" "9"]` + "\n"},
	{"SurveyMonkey whose last columns continue a question",
		"Respondent ID,Collector ID,Date Modified,Rate,,\n,,,A,B,C\n1,2,09/20/2026,4,5,\n",
		"SurveyMonkey \nC submitted Date Modified\nD question Rate [A]\nE question Rate [B]\nF question Rate [C]\n" +
			`3 ["1" "2" "09/20/2026" "4" "5" ""]` + "\n"},
	{"Qualtrics with three header rows",
		"StartDate,EndDate,Status,IPAddress,Progress,Duration (in seconds),Finished,RecordedDate,ResponseId,RecipientEmail,LocationLatitude,DistributionChannel,UserLanguage,Q1_1,Q2,Q_Recaptcha\n" +
			"Start Date,End Date,Response Type,IP Address,Progress,Duration (in seconds),Finished,Recorded Date,Response ID,Recipient Email,Location Latitude,Distribution Channel,User Language,\"Do you agree? - Builds\n are fast\",Why?,score\n" +
			`"{""ImportId"":""startDate"",""timeZone"":""America/Denver""}","{""ImportId"":""endDate""}","{}","{}","{}","{}","{}","{}","{}","{}","{}","{}","{}","{""ImportId"":""QID1_1""}","{}","{}"` + "\n" +
			"2026-09-20 10:00:00,2026-09-20 10:05:00,IP Address,10.0.0.1,100,300,True,2026-09-20 10:05:01,R_1,a@x.example,51.1,anonymous,EN,Agree,,0.9\n",
		"Qualtrics America/Denver\nC status Status\nG status Finished\nH submitted RecordedDate\nJ email RecipientEmail\n" +
			"L status DistributionChannel\nN question Do you agree? [Builds are fast]\nO question Why?\n" +
			`5 ["2026-09-20 10:00:00" "2026-09-20 10:05:00" "IP Address" "" "100" "300" "True" "2026-09-20 10:05:01" "R_1" "a@x.example" "" "anonymous" "EN" "Agree" "" "0.9"]` + "\n"},
	{"tabs with empty cells at the end of rows",
		"Timestamp\tBuilds are fast\tWhy?\n2026-09-20 10:00\t4\t\n2026-09-20 11:00\t\t\n",
		"Google Forms \nA submitted Timestamp\nB question Builds are fast\nC question Why?\n" +
			`2 ["2026-09-20 10:00" "4" ""]` + "\n" + `3 ["2026-09-20 11:00" "" ""]` + "\n"},
	{"a plain table with a title above its header",
		"Developer survey\n\nBuilds are fast,Status,Reviews are fast\n4,ok,5\n",
		"a plain table \nA question Builds are fast\nB question Status\nC question Reviews are fast\n" + `4 ["4" "ok" "5"]` + "\n"},
	{"two columns of one header",
		"Timestamp,Why?,Why?\n2026-09-20 10:00,a,b\n",
		"Google Forms \nA submitted Timestamp\nB question Why?\nC question Why? (2)\n" + `2 ["2026-09-20 10:00" "a" "b"]` + "\n"},
	{"exports of one form joined",
		"Timestamp,Why?\n2026-09-20 10:00,a\nTimestamp,Why?\n2026-09-21 10:00,b\n",
		"Google Forms \nA submitted Timestamp\nB question Why?\n" + `2 ["2026-09-20 10:00" "a"]` + "\n" + `4 ["2026-09-21 10:00" "b"]` + "\n"},
	{"rows that are wrong",
		"Timestamp,A b c,Why?\n2026-09-20 10:00,4,x,y,z\n2026-09-20 11:00,4,\xff\n2026-09-20 12:00,5,z\n2026-09-20 13:00,5",
		"Google Forms \nA submitted Timestamp\nB question A b c\nC question Why?\n" + `4 ["2026-09-20 12:00" "5" "z"]` + "\n" +
			"! line 2, column D: the row has more cells than the header has columns (3); quote cells that hold the delimiter\n" +
			"! line 3, column C: the cell is not UTF-8 text; save the file as CSV in UTF-8\n" +
			"! line 5: the last row ends after 2 of 3 columns: the file is cut off; export it again\n"},
	{"a file that is cut off in a quoted cell",
		"Timestamp,Why?\n2026-09-20 10:00,a\n2026-09-20 11:00,\"be",
		"Google Forms \nA submitted Timestamp\nB question Why?\n" + `2 ["2026-09-20 10:00" "a"]` + "\n" +
			"! line 3, column B: the quote is not closed\n"},
}

func TestShapes(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			for encoding, data := range map[string][]byte{"UTF-8": []byte(s.data), "UTF-16": utf16Bytes(s.data)} {
				if strings.Contains(s.data, "\xff") && encoding == "UTF-16" {
					continue
				}
				e, err := Read("f.csv", data, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if got := show(e); got != s.want {
					t.Errorf("in %s:\n%s\nwant\n%s", encoding, got, s.want)
				}
			}
		})
	}
}

func utf16Bytes(s string) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(strings.TrimPrefix(s, "\ufeff"))) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// workbook makes a workbook of sheets with rows.
func workbook(t testing.TB, sheets map[string][][]any, change func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	for name, rows := range sheets {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			if err := f.SetSheetRow(name, fmt.Sprint("A", i+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.DeleteSheet("Sheet1"); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(f)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var microsoft = [][]any{
	{"ID", "Start time", "Completion time", "Email", "Name", "Builds are\u00a0fast", "Why?"},
	{1, 46285.4, 46285.4270833333, "anonymous", "", "Strongly agree", nil},
	{2, 46286.4, 46286.5, "a@x.example", "Ana Ruiz", "Disagree", "slow;"},
}

func TestMicrosoftForms(t *testing.T) {
	e, err := Read("f.xlsx", workbook(t, map[string][][]any{"Form1": microsoft}, nil), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "Microsoft Forms Form1\nC submitted Completion time\nD email Email\nF question Builds are fast\nG question Why?\n" +
		`2 ["1" "46285.4" "46285.4270833333" "anonymous" "" "Strongly agree" ""]` + "\n" +
		`3 ["2" "46286.4" "46286.5" "a@x.example" "" "Disagree" "slow;"]` + "\n"
	if got := show(e); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// zipped makes an archive of members.
func zipped(t testing.TB, members map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range members {
		m, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(m, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is a workbook with a member of some MB of spaces.
func bomb(t testing.TB, megabytes int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"xl/workbook.xml", "xl/worksheets/sheet1.xml"} {
		m, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		block := bytes.Repeat([]byte(" "), 1<<20)
		for range megabytes {
			if _, err := m.Write(block); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lying changes what an archive says of the size of its last member.
func lying(archive []byte) []byte {
	at := bytes.LastIndex(archive, []byte("PK\x01\x02"))
	out := slices.Clone(archive)
	binary.LittleEndian.PutUint32(out[at+24:], 1000)
	return out
}

func TestWhatIsNoExport(t *testing.T) {
	book := workbook(t, map[string][][]any{"Form1": microsoft}, nil)
	csv := shapes[0].data
	for _, c := range []struct {
		name  string
		data  []byte
		sheet string
		want  string
	}{
		{"nothing", nil, "", "the file is empty"},
		{"blank lines", []byte("\n\n ,,\n"), "", "the file is empty"},
		{"only technical columns", []byte("ID,Start time,Completion time,Email,Name\n1,2,3,4,5\n"), "", "no column is a question"},
		{"HTML", []byte("<html><body>sign in</body></html>"), "", "the file is HTML or XML"},
		{"a PDF", []byte("%PDF-1.7"), "", "the file is a PDF"},
		{"an old workbook", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "", "old format .xls, or one with a password"},
		{"a workbook that is cut off", book[:len(book)/2], "", "cut off or damaged"},
		{"a sheet that is not there", book, "Form2", `the workbook has no sheet "Form2"; it has "Form1"`},
		{"a sheet of a text", []byte(csv), "Form1", "--sheet is for workbooks"},
		{"two sheets with responses", workbook(t, map[string][][]any{"Form1": microsoft, "Form2": microsoft}, nil), "",
			"the workbook has 2 sheets with responses"},
		{"an empty workbook", workbook(t, map[string][][]any{"Form1": {}}, nil), "", "the workbook has no rows"},
		{"two tables in an archive", zipped(t, map[string]string{"a.csv": csv, "b.csv": csv}), "", "an archive of 2 tables"},
		{"no table in an archive", zipped(t, map[string]string{"a.txt": csv}), "", "an archive without a CSV or XLSX file"},
		{"an archive in an archive", zipped(t, map[string]string{"a.csv": string(zipped(t, map[string]string{"b.csv": csv}))}), "",
			"is an archive again"},
		{"a workbook that unpacks to 258 MB", bomb(t, 129), "", "it unpacks to 258 MB"},
		{"a workbook that says less than it unpacks to", lying(bomb(t, 3)), "", "damaged"},
		{"macros", zipped(t, map[string]string{"xl/workbook.xml": "<x/>", "xl/vbaProject.bin": "x"}), "", "the workbook has macros"},
		{"a workbook that is none", zipped(t, map[string]string{"xl/workbook.xml": "<x/>"}), "", "the workbook"},
		{"another export after the first", []byte(csv + shapes[2].data), "", "line 5 begins another export (Typeform): the file holds two surveys"},
		{"another form of the tool after the first", []byte(csv + "Timestamp,Email Address,Was lunch good?,Was dinner good?,Why?\n"), "",
			"line 5 begins another export (Google Forms)"},
		{"another form with texts of one or two words", []byte("Timestamp,Builds are fast,Why?\n2026/09/20 1:00:00 PM,4,\n" +
			"Timestamp,Lunch quality,Dessert\n2026/09/20 2:00:00 PM,5,\n"), "", "line 3 begins another export (Google Forms)"},
		{"another form with fewer columns", []byte("Timestamp,Builds are fast,Why?\n2026/09/20 1:00:00 PM,4,\n" +
			"Timestamp,Lunch\n2026/09/20 2:00:00 PM,5\n"), "", "line 3 begins another export (Google Forms)"},
	} {
		_, err := Read("f", c.data, Options{Sheet: c.sheet})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}

func TestFormulasInCells(t *testing.T) {
	book := workbook(t, map[string][][]any{"Form1": microsoft}, func(f *excelize.File) {
		if err := f.SetCellFormula("Form1", "F3", "1+1"); err != nil {
			t.Fatal(err)
		}
	})
	e, err := Read("f.xlsx", book, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Rows) != 1 || len(e.Refused) != 1 || !strings.Contains(e.Refused[0].String(), "line 3, column F: the cell holds a formula") {
		t.Errorf("rows %v, refused %v", e.Rows, e.Refused)
	}
}

// TestScoresOfQualtrics: what Qualtrics computes is no question.
func TestScoresOfQualtrics(t *testing.T) {
	e, err := Read("q.csv", []byte("StartDate,EndDate,Progress,Finished,RecordedDate,ResponseId,Q1,Q2_NPS_GROUP,SC0\n"+
		"2026-09-20,2026-09-20,100,True,2026-09-20,R_1,4,3,8\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]Role{6: Question, 7: Technical, 8: Technical} {
		if e.Columns[i].Role != want {
			t.Errorf("%s: %v", e.Columns[i].Header, e.Columns[i].Role)
		}
	}
}

func TestArchives(t *testing.T) {
	book := workbook(t, map[string][][]any{"Form1": microsoft}, nil)
	for name, data := range map[string][]byte{
		"a CSV":      zipped(t, map[string]string{"Survey.csv": shapes[0].data, "__MACOSX/._Survey.csv": "x"}),
		"a workbook": zipped(t, map[string]string{"Survey.xlsx": string(book)}),
	} {
		if e, err := Read("f.zip", data, Options{}); err != nil || len(e.Rows) == 0 {
			t.Errorf("%s in an archive: %d rows, %v", name, len(e.Rows), err)
		}
	}
}

func TestReadFileSaysWhatIsTooLarge(t *testing.T) {
	if _, err := Read("f", make([]byte, MaxFile+1), Options{}); err == nil || !strings.Contains(err.Error(), "more than 64 MB") {
		t.Error(err)
	}
	if _, err := ReadFile(t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "it is a directory") {
		t.Error(err)
	}
}

// FuzzRead reads anything without a crash, and never returns the cell of a private column.
func FuzzRead(f *testing.F) {
	for _, s := range shapes {
		f.Add([]byte(s.data))
		f.Add(utf16Bytes(s.data))
	}
	book := workbook(f, map[string][][]any{"Form1": microsoft}, nil)
	f.Add(book)
	f.Add(book[:len(book)-40])
	f.Add(zipped(f, map[string]string{"a.csv": shapes[1].data}))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Read("f", data, Options{})
		if err != nil {
			return
		}
		for _, r := range e.Rows {
			if len(r.Cells) != len(e.Columns) {
				t.Fatalf("line %d has %d cells for %d columns", r.Line, len(r.Cells), len(e.Columns))
			}
			for i, c := range e.Columns {
				if c.Role == Private && r.Cells[i] != "" {
					t.Fatalf("the private column %s has a cell", c.Letter())
				}
			}
		}
	})
}

// FuzzClock reads any text as a time without a crash.
func FuzzClock(f *testing.F) {
	for _, text := range []string{"2026/09/20 10:00:00 AM GMT+3", "5/10/2026 09:15:00", "46285.4", "Sep 20, 2026 10:15 PM", "1e400"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := Clock{}.Time(text)
		if err == nil && (at.Year() < 0 || at.Year() > 10000) {
			t.Errorf("%q is in the year %d", text, at.Year())
		}
		_, _, _ = OrderOf([]string{text})
	})
}
