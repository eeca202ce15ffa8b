package delimited

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

var names = []string{"person", "team", "start", "logins"}

func known(cells []string) int {
	n := 0
	for _, c := range cells {
		if slices.Contains(names, strings.ToLower(c)) {
			n++
		}
	}
	return n
}

// show writes a table as one line a row: its line and its cells.
func show(t Table) []string {
	out := []string{fmt.Sprintf("%d %q", t.HeaderLine, t.Header)}
	for _, r := range t.Rows {
		out = append(out, fmt.Sprintf("%d %q", r.Line, r.Cells))
	}
	for _, r := range t.Refused {
		out = append(out, fmt.Sprintf("%d! %s", r.Line, r.Error()))
	}
	for _, n := range t.Notes {
		out = append(out, fmt.Sprintf("%d? %s", n.Line, n.Error()))
	}
	return out
}

func utf16Bytes(s string, order binary.AppendByteOrder) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

func TestRead(t *testing.T) {
	tests := []struct {
		name, data string
		unknown    bool // the caller knows no names
		want       []string
		err        string
	}{
		{name: "nothing", err: "the file is empty"},
		{name: "blank lines", data: "\r\n\n  \n;;\n", err: "the file is empty"},
		{name: "header only, without a line end", data: "person,team", want: []string{`1 ["person" "team"]`}},
		{
			name: "line ends of CR",
			data: "person,team\ra,p\rb,\"q\nr\"\r",
			want: []string{`1 ["person" "team"]`, `2 ["a" "p"]`, `3 ["b" "q\nr"]`},
		},
		{
			name: "line ends of CR, the last one missing",
			data: "person,team\ra,p\r\rb,q",
			want: []string{`1 ["person" "team"]`, `2 ["a" "p"]`, `4 ["b" "q"]`},
		},
		{
			name: "line ends translated twice",
			data: "person,team\r\r\na,p\r\r\n",
			want: []string{`1 ["person" "team"]`, `2 ["a" "p"]`},
		},
		{
			name: "a stray CR",
			data: "person,team\na\rb,p\nc,q\n",
			want: []string{
				`1 ["person" "team"]`,
				`3 ["c" "q"]`,
				"2! column 1: person: a line ends within the field in another way",
			},
		},
		{name: "sep=", data: "sep=;\r\nperson;team\r\na;p, q\r\n", want: []string{`2 ["person" "team"]`, `3 ["a" "p, q"]`}},
		{
			name: "sep= in UTF-16, of a tab",
			data: "\xff\xfe" + utf16Bytes("sep=\t\nperson\tteam\na\t\n", binary.LittleEndian),
			want: []string{`2 ["person" "team"]`, `3 ["a" ""]`},
		},
		{
			name: "sep= quoted, of another character",
			data: "\"sep=:\"\nperson:team\na:p\n",
			want: []string{`2 ["person" "team"]`, `3 ["a" "p"]`},
		},
		{name: "sep= of nothing", data: "sep=\nperson,team\n", err: "the line sep= names no delimiter"},
		{
			name: "a comma in a name of semicolons",
			data: "Name, First;person;team\nRuiz, Ana;ana;p\n",
			want: []string{`1 ["Name, First" "person" "team"]`, `2 ["Ruiz, Ana" "ana" "p"]`},
		},
		{
			name: "semicolons in names of commas",
			data: "a;b,person,c;d;e\n1;2,ana,3\n",
			want: []string{`1 ["a;b" "person" "c;d;e"]`, `2 ["1;2" "ana" "3"]`},
		},
		{
			name: "empty tab cells",
			data: "person\tteam\tstart\n\tp\t\na\t\t\n\t\t\n",
			want: []string{`1 ["person" "team" "start"]`, `2 ["" "p" ""]`, `3 ["a" "" ""]`},
		},
		{
			name: "bars",
			data: "person|team|start\n|p|\na||x\n",
			want: []string{`1 ["person" "team" "start"]`, `2 ["" "p" ""]`, `3 ["a" "" "x"]`},
		},
		{
			name: "empty surplus cells",
			data: "person,team\na,p,,\nb,q, ,x\n",
			want: []string{
				`1 ["person" "team"]`,
				`2 ["a" "p"]`,
				"3! column 4: the row has 4 fields and the header 2; quote a field that holds a comma",
			},
		},
		{
			name: "columns without names",
			data: ",person,,\n0,a,,\n1,b,x,\n",
			want: []string{
				`1 ["" "person"]`,
				`2 ["0" "a"]`,
				"3! column 3: the row has 4 fields",
				"2? column 1: the column has no name",
			},
		},
		{
			name: "short rows",
			data: "person,team,start\na\nb,p\n",
			want: []string{`1 ["person" "team" "start"]`, `2 ["a" "" ""]`, `3 ["b" "p" ""]`},
		},
		{
			name: "quotes",
			data: "person,team\n\"a \"\"b\"\"\",\"c,\r\nd\"\r\n  \"e\" , \"f\"\n5\" pipe,say \"hi\"\n",
			want: []string{`1 ["person" "team"]`, `2 ["a \"b\"" "c,\nd"]`, `4 ["e" "f"]`, `5 ["5\" pipe" "say \"hi\""]`},
		},
		{
			name: "text behind a quote costs one row", data: "person,team\na,p\nb,\"p\"x\nc,\"q\"\n",
			want: []string{`1 ["person" "team"]`, `2 ["a" "p"]`, `4 ["c" "q"]`, "3! column 2: team: text follows the closing " +
				"quote"},
		},
		{
			name: "a quote that is not closed costs one row",
			data: "person,team\na,\"p\nb,q\nc\nd,r\"\"\n",
			want: []string{
				`1 ["person" "team"]`,
				`3 ["b" "q"]`,
				"2! column 2: team: the quote is not closed",
				"4! a quote further up is not closed",
				"5! a quote further up",
			},
		},
		{
			name: "a quote that the next one closes", data: "person,team\na,\"p\nb,\"q, r\"\nc,\"s\nt\"\n",
			want: []string{`1 ["person" "team"]`, `3 ["b" "q, r"]`, `4 ["c" "s\nt"]`, "2! column 2: team: text follows"},
		},
		{name: "no-break spaces and invisible characters", data: "\ufeff\ufeffperson\u00a0,\u200bteam\n\u00a0a\u00a0, " +
			"\ufeff\"p\"\n", want: []string{`1 ["person" "team"]`, `2 ["a" "p"]`}},
		{
			name: "UTF-16 without a mark",
			data: utf16Bytes("person;team\nbö;p\n", binary.BigEndian),
			want: []string{`1 ["person" "team"]`, `2 ["bö" "p"]`},
		},
		{
			name: "half a character of UTF-16",
			data: "\xfe\xff" + utf16Bytes("person\na", binary.BigEndian) + "\xd8\x3d\x00\n\x00b",
			want: []string{`1 ["person"]`, `3 ["b"]`, `2! column 1: person: "a\xff" is not UTF-8 text`},
		},
		{
			name: "one byte a character",
			data: "person,team\nbj\xf6rn,p\nana,q\n",
			want: []string{
				`1 ["person" "team"]`,
				`3 ["ana" "q"]`,
				`2! column 1: person: "bj\xf6rn" is not UTF-8 text; save the file as CSV in UTF-8`,
			},
		},
		{
			name: "texts that look like numbers, and the end of a file to DOS",
			data: "person,team\r\n=\"007\",\"=\"\"1,2\"\"\"\r\n\x1a",
			want: []string{`1 ["person" "team"]`, `2 ["007" "1,2"]`},
		},
		{
			name: "zero bytes",
			data: "person,team\na\x00,p\n",
			want: []string{`1 ["person" "team"]`, "2! column 1: person: the text contains a zero byte"},
		},
		{
			name: "lines before the header",
			data: "Team report: \"all\n\nas of,2026-01-01\nperson,team\na,p\nperson,team\nb,q\n",
			want: []string{`4 ["person" "team"]`, `5 ["a" "p"]`, `7 ["b" "q"]`, "1? the lines before the header in line 4 " +
				"are left out"},
		},
		{
			name:    "names that nobody knows",
			unknown: true,
			data:    "Q1, really;Q2\n1;2\n3;4\n",
			want:    []string{`1 ["Q1, really" "Q2"]`, `2 ["1" "2"]`, `3 ["3" "4"]`},
		},
		{name: "one column", data: "person\na;b\n", want: []string{`1 ["person"]`, `2 ["a;b"]`}},
		{name: "a broken header", data: "person,\"team\"x\na,p\n", err: "column 2: the header cannot be read: text " +
			"follows the closing quote"},
		{name: "a workbook", data: "PK\x03\x04...", err: "the file is an Excel workbook"},
		{name: "HTML", data: "\ufeff <HTML><table>", err: "the file is HTML"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opt := Options{Known: known}
			if tt.unknown {
				opt.Known = nil
			}
			table, err := Read([]byte(tt.data), opt)
			if tt.err != "" || err != nil {
				if err == nil || tt.err == "" || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			got := show(table)
			if len(got) != len(tt.want) {
				t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("got  %s\nwant %s", got[i], want)
				}
			}
		})
	}
}

func TestLongCells(t *testing.T) {
	long := strings.Repeat("x", maxCell-1)
	table, err := Read([]byte("person,team\n"+long+",p\n\""+long+"x\",p\nb,q\n"), Options{Known: known})
	if err != nil || len(table.Rows) != 2 || len(table.Rows[0].Cells[0]) != maxCell-1 || table.Rows[1].Line != 4 ||
		len(table.Refused) != 1 ||
		table.Refused[0].Line != 3 {
		t.Errorf("%v: rows %d, refused %+v", err, len(table.Rows), table.Refused)
	}
}

// The same rows come back whatever delimiter they are written with, empty cells at any place among them.
func TestEveryDelimiterWithEmptyCells(t *testing.T) {
	rows := [][]string{{"a", "", ""}, {"", "p", ""}, {"", "", "x"}, {"b", "", "y"}}
	for _, d := range []string{",", ";", "\t", "|"} {
		for _, end := range []string{"\n", "\r\n", "\r"} {
			lines := []string{strings.Join(names[:3], d)}
			for _, r := range rows {
				lines = append(lines, strings.Join(r, d))
			}
			table, err := Read([]byte(strings.Join(lines, end)), Options{Known: known})
			if err != nil || len(table.Refused)+len(table.Notes) != 0 || len(table.Rows) != len(rows) {
				t.Fatalf("%q %q: %v, %+v", d, end, err, table)
			}
			for i, r := range table.Rows {
				if !slices.Equal(r.Cells, rows[i]) || r.Line != i+2 {
					t.Errorf("%q %q: line %d is %q, want %q", d, end, r.Line, r.Cells, rows[i])
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"person,team\na,\"p\nb,q\n", "sep=;\r\nperson;team\r\n", "\xff\xfep\x00", "person\t\r\"a\nb\"\t\r\r", "a,b\n\"\"\",x\n\"y\",,\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Read(data, Options{Known: known})
		var problem Problem
		if err != nil && !errors.Is(err, ErrEmpty) && !errors.As(err, &problem) {
			t.Errorf("error %v is of another kind", err)
		}
		last := table.HeaderLine
		for _, r := range table.Rows {
			if len(r.Cells) != len(table.Header) || r.Line <= last && r.Line != table.HeaderLine+1 {
				t.Errorf("line %d after %d has %d cells, the header %d", r.Line, last, len(r.Cells), len(table.Header))
			}
			last = r.Line
		}
		for _, r := range table.Refused {
			if r.Line < 1 || r.Message == "" {
				t.Errorf("refusal %+v has no line or no cause", r)
			}
		}
	})
}

// BenchmarkRead reads 100,000 rows.
func BenchmarkRead(b *testing.B) {
	data := []byte("person,team,start,logins\n" + strings.Repeat("someone,\"a team\",2026-01-02,github:someone "+
		"jenkins:someone\n", 100_000))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if t, err := Read(data, Options{Known: known}); err != nil || len(t.Rows) != 100_000 {
			b.Fatal(err)
		}
	}
}
