package yamldoc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestSections reads a file cut into sections as it is read in one: the same documents at the same lines.
func TestSections(t *testing.T) {
	filler := strings.Repeat("x: 'a line of a document, so that the file has several sections'\n", 40)
	pieces := []string{
		"kind: Component\n",
		"--- \nkind: A\n",
		"---\r\nkind: B\r\n",
		"---\tx\n",
		"---x: no mark\n",
		"# only a comment\n",
		"{\"kind\": \"J\"}\n",
		"text: |\n  ---\n  in a block\n",
		"broken: [\n",
		"%YAML 1.2\n---\nkind: C\n",
		"...\n",
		"\n\n",
	}
	var file strings.Builder
	file.WriteString("\ufeff")
	for i := range 400 {
		file.WriteString(pieces[i%len(pieces)])
		if i%3 == 0 {
			file.WriteString("---\n")
		}
		if i%7 == 0 {
			file.WriteString("---\n" + filler)
		}
	}
	file.WriteString("---")
	data := []byte(file.String())

	var got, want []string
	show := func(d Document) string {
		line := 0
		if d.Node != nil {
			line = d.Node.Line
		}
		return fmt.Sprintf("node at %d, offset %d, error %v at %d, text %q", line, d.Offset, d.Err, d.Line, d.Text)
	}
	for d := range Documents(data) {
		got = append(got, show(d))
	}
	for d := range (Section{data: data[len("\ufeff"):]}).Documents() {
		want = append(want, show(d))
	}
	if n := len(slices.Collect(Sections(data))); n < 3 {
		t.Errorf("%d sections", n)
	}
	if len(want) < 200 || !slices.Equal(got, want) {
		t.Errorf("%d Documents in sections, %d in one", len(got), len(want))
	}
}
