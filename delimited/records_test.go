package delimited

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"testing"
)

func TestReadRecords(t *testing.T) {
	tests := []struct {
		name, data string
		want       []string
		width      int
	}{
		{
			name:  "two header rows, the first with blank cells at its end",
			data:  "person,team,,\nx,y,a,b\n1,2,3,4\n",
			want:  []string{`1 ["person" "team" "" ""]`, `2 ["x" "y" "a" "b"]`, `3 ["1" "2" "3" "4"]`},
			width: 4,
		},
		{
			name:  "a short last row stays short",
			data:  "person;team;start\na;b;c\nd;e",
			want:  []string{`1 ["person" "team" "start"]`, `2 ["a" "b" "c"]`, `3 ["d" "e"]`},
			width: 3,
		},
		{
			name:  "UTF-16 tabs, a line sep= and a cell of two lines",
			data:  "\xff\xfe" + utf16Bytes("sep=\t\nperson\tteam\na\t\"b\nc\"\n\n\t\nd\t\n", binary.LittleEndian),
			want:  []string{`2 ["person" "team"]`, `3 ["a" "b\nc"]`, `7 ["d" ""]`},
			width: 2,
		},
		{
			name:  "a quote that is not closed, and bytes that are no text",
			data:  "person,team\na,b\n\xff,c\nd,\"e",
			want:  []string{`1 ["person" "team"]`, `2 ["a" "b"]`, "3! column 1: the cell is not UTF-8 text; save the file as CSV in UTF-8", "4! column 2: the quote is not closed"},
			width: 2,
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ReadRecords([]byte(tc.data), Options{Known: known})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, r := range got.Rows {
				lines = append(lines, fmt.Sprintf("%d %q", r.Line, r.Cells))
			}
			for _, r := range got.Refused {
				lines = append(lines, fmt.Sprintf("%d! %s", r.Line, r.Error()))
			}
			if !reflect.DeepEqual(lines, tc.want) || got.Width != tc.width {
				t.Errorf("width %d\n%q\nwant %d\n%q", got.Width, lines, tc.width, tc.want)
			}
		})
	}
	if _, err := ReadRecords([]byte("\n\n"), Options{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty file: %v", err)
	}
}
