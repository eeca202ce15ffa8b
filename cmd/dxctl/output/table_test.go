package output

import (
	"strings"
	"testing"
)

func TestTableFormats(t *testing.T) {
	odd := Table{
		Columns: []string{"=name", "n"},
		Right:   []string{"n"},
		Rows:    [][]string{{"=1+1", "-5"}, {"\tx", "-5+cmd()"}, {"-5", ""}, {"＝1", "1e-3"}},
	}
	for format, want := range map[string]string{
		"csv":  "'=name,n\n'=1+1,-5\n'\tx,'-5+cmd()\n'-5,\n'＝1,1e-3\n",
		"tsv":  "=name\tn\n=1+1\t-5\n\\tx\t-5+cmd()\n-5\t\n＝1\t1e-3\n",
		"json": `"=name": "=1+1"`,
	} {
		var b strings.Builder
		if err := odd.Print(&b, format); err != nil {
			t.Fatal(err)
		}
		if format == "json" && !strings.Contains(b.String(), want) || format != "json" && b.String() != want {
			t.Errorf("%s:\n%q, want\n%q", format, b.String(), want)
		}
	}
}

// A result without columns is no empty spreadsheet.
func TestTableWithoutColumns(t *testing.T) {
	for _, format := range Formats {
		var b strings.Builder
		err := Table{Document: []string{"x"}, Prose: "x"}.Print(&b, format)
		if spreadsheet := format == "csv" || format == "tsv"; (err != nil) != spreadsheet || (b.Len() == 0) != spreadsheet {
			t.Errorf("%s: %q, %v", format, b.String(), err)
		}
	}
}
