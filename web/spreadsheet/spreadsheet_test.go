package spreadsheet_test

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/web/spreadsheet"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"fix the build", "fix the build"},
		{"=1+1", "'=1+1"},
		{"+49 30", "'+49 30"},
		{"-5", "'-5"}, // a text that looks like a number is a text
		{"@here", "'@here"},
		{"\tindented", "'\tindented"},
		{"\rx", "'\rx"},
		{"\nx", "'\nx"},
		{"＝1", "'＝1"},
		{"＋1", "'＋1"},
		{"－1", "'－1"},
		{"＠x", "'＠x"},
		{"  =1", "'  =1"},
		{"\ufeff=1", "'\ufeff=1"},
		{"\u200b@x", "'\u200b@x"},
		{"\t=1", "'\t'=1"},
		{"a;=1", "a;'=1"},
		{"a\t=1", "a\t'=1"},
		{"a\n=1", "a\n'=1"},
		{`a;"=1`, `a;"'=1`},
		{`"=1`, `"=1`},
		{"a=b", "a=b"},
		{"one, two", "one, two"},
		{"a; b", "a; b"},
		{"2026-11-22", "2026-11-22"},
		{"user@example", "user@example"},
		{"—", "—"},
	} {
		if got := spreadsheet.Text(tt.text); got != tt.want {
			t.Errorf("Text(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestWriter(t *testing.T) {
	var b strings.Builder
	w := spreadsheet.NewWriter(&b, 1)
	if err := errors.Join(w.Head("=name", "-1"), w.Write("-1", "-1"), w.Write("a\"b,c", "-1.5e-3"),
		w.Write("x", "-1+cmd()"), w.Flush()); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"'=name", "'-1"}, {"'-1", "-1"}, {"a\"b,c", "-1.5e-3"}, {"x", "'-1+cmd()"}}
	for i, record := range want {
		for j, cell := range record {
			if records[i][j] != cell {
				t.Errorf("record %d, cell %d: %q, want %q", i, j, records[i][j], cell)
			}
		}
	}
}
