package intake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/surveys"
)

// Columns that are no ratings and no comments are left out, and it is said why: what people are is not stored as what
// they think.
func TestColumnsThatAreLeftOut(t *testing.T) {
	names := strings.Fields("Anna Ben Cora Dirk Emil Fay Gus Hal Ida Jo Kay Leo")
	rows := func(header string, cell func(i int) string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "Builds are fast,%s\n", header)
		for i, name := range names {
			text := name + " Lee"
			if cell != nil {
				text = cell(i)
			}
			fmt.Fprintf(&b, "%d,%s\n", 1+i%5, text)
		}
		return b.String()
	}
	for _, c := range []struct {
		header string
		cell   func(i int) string
		want   string
	}{
		{"Do you like it?", func(i int) string { return fmt.Sprint(i % 2) }, "only 0 and 1, as for yes or no"},
		{"When did you join?", func(i int) string { return fmt.Sprintf("20%02d-03-%02d", 10+i, 1+i) },
			"numbers or dates that are on no known scale"},
		{"Badge", func(i int) string { return fmt.Sprint(48_000 + 7*i) }, "numbers or dates that are on no known scale"},
		{"Who is your manager?", nil, "short texts that nearly all differ, as names do"},
		{"Docs are good (1-4)", func(i int) string { return fmt.Sprint(1 + i%4) }, "its question says 1-4, which is none of"},
		{"Nom", nil, "names or addresses, never read"},
	} {
		p, s := draft(t, rows(c.header, c.cell), surveys.Survey{})
		if len(s.Items) != 1 || !strings.Contains(p.Uses[1].What, c.want) {
			t.Errorf("%s: %+v, items %+v", c.header, p.Uses[1], s.Items)
		}
		r := Relate(export(t, rows(c.header, c.cell)), s).Read(nil, "")
		if text := fmt.Sprintf("%+v", r.Answers); strings.Contains(text, "Anna") || strings.Contains(text, "48007") ||
			strings.Contains(text, "2011-03") {
			t.Errorf("%s is stored: %s", c.header, text)
		}
	}
	for header, scale := range map[string]string{"Docs are good (1-5)": "1-5", "Docs from 1 to 7": "1-7",
		"Docs in the last (1-2) weeks": "1-5"} {
		_, s := draft(t, rows(header, func(i int) string { return fmt.Sprint(1 + i%4) }), surveys.Survey{})
		if len(s.Items) != 2 || s.Items[1].Scale.String() != scale {
			t.Errorf("%s: %+v", header, s.Items)
		}
	}
	long := func(i int) string { return "The tests of " + names[i] + "'s service are slow" }
	if _, s := draft(t, rows("Notes", long), surveys.Survey{}); len(s.Items) != 2 || s.Items[1].Kind != surveys.Comment {
		t.Errorf("texts are no comments: %+v", s.Items)
	}
	if _, s := draft(t, rows("eNPS", func(i int) string { return fmt.Sprint(i % 2 * 10) }), surveys.Survey{}); len(s.Items) != 2 {
		t.Errorf("0 and 10 are no rating: %+v", s.Items)
	}
}

// Among numbers, only the ends of a scale have a label: "Average" below a column is none of its points.
func TestLabelsAmongNumbers(t *testing.T) {
	numbers := strings.Repeat("2\n3\n4\n", 6)
	_, s := draft(t, "Builds are fast\n"+numbers, surveys.Survey{})
	p := Relate(export(t, "Builds are fast\n"+numbers+"Strongly disagree\nStrongly agree\nAverage\n"), s)
	r := p.Read(nil, "")
	if r.Good() != 20 || len(r.Bad) != 1 || !strings.Contains(r.Bad[0].String(), `line 22, column A: "Builds are fast": "Average"`) {
		t.Errorf("%d good rows, %v", r.Good(), r.Bad)
	}
	s.Items[0].Labels = map[string]int{"Average": 3}
	if r := Relate(export(t, "Builds are fast\n"+numbers+"Average\n"), s).Read(nil, ""); len(r.Bad) > 0 || r.Good() != 19 {
		t.Errorf("a label of the map: %v", r.Bad)
	}
	labels := "Builds are fast\nStrongly disagree\nDisagree\nNeutral\nAgree\nStrongly agree\n3\n"
	_, s = draft(t, labels, surveys.Survey{})
	if r := Relate(export(t, labels), s).Read(nil, ""); len(r.Bad) > 0 || r.Good() != 6 {
		t.Errorf("labels and a number: %v", r.Bad)
	}
}
