package words

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProse(t *testing.T) {
	p := func(text string) Block { return Block{Text: text} }
	code := func(text string) Block { return Block{Code: true, Text: text} }
	for text, want := range map[string][]Block{
		"":                       nil,
		" \n\n":                  nil,
		"One.":                   {p("One.")},
		"One\nline.\n\nAnother.": {p("One line."), p("Another.")},
		"Do:\n\n  a: 1\n  b:\n    - 2\n\nThen\nwait.\n": {p("Do:"), code("a: 1\nb:\n  - 2"), p("Then wait.")},
		"Do:\n  a\nNow.":              {p("Do:"), code("a"), p("Now.")},
		"  a:\n\n    b: 1\n\n\n  c":   {code("a:\n\n  b: 1\n\nc")},
		"    deep\n  less":            {code("  deep\nless")},
		"\tgo build\n\tgo test":       {code("go build\ngo test")},
		"\ta\n  b":                    {code("\ta\n  b")},
		"CRLF\r\nline\r\n\r\n  x\r\n": {p("CRLF line"), code("x")},
	} {
		if diff := cmp.Diff(want, Prose(text)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	}
}
