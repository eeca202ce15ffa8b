package intake

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
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

// answersTo drafts a definition from a form whose first column has the cells, reads it by the draft, and returns the
// points of the column, its item and what the preview asks to check.
func answersTo(t *testing.T, header string, cells ...string) (points []int, item surveys.Item, check string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%q,What slows you down?\n", header)
	for _, cell := range cells {
		fmt.Fprintf(&b, "%q,The tests of it are slow\n", cell)
	}
	p, s := draft(t, b.String(), surveys.Survey{})
	if len(s.Items) != 2 {
		return nil, item, p.Uses[0].Check
	}
	r := Relate(export(t, b.String()), s).Read(nil, "")
	if len(r.Bad) > 0 {
		t.Errorf("%s: %v", header, r.Bad)
	}
	for _, answer := range r.Answers.Responses {
		points = append(points, int(answer.Ratings[0]))
	}
	return points, s.Items[0], p.Uses[0].Check
}

// Labels that scales of several sizes have are read on the one that tells all of them apart. What cannot be told is
// said.
func TestLabelsOfSeveralScales(t *testing.T) {
	seven := []int{1, 2, 3, 4, 5, 6, 7}
	five := seven[:5]
	for _, c := range []struct {
		labels string
		want   []int
		check  string
	}{
		{"Poor/Fair/Good/Very good/Excellent", five, ""},
		{"Good/Very good", []int{4, 5}, `"good" can be another point than 4`},
		{"Very dissatisfied/Dissatisfied/Somewhat dissatisfied/Neutral/Somewhat satisfied/Satisfied/Very satisfied", seven, ""},
		{"Somewhat satisfied/Satisfied/Very satisfied", seven[4:], ""},
		{"Extremely dissatisfied/Moderately dissatisfied/Slightly dissatisfied/Neither satisfied nor dissatisfied/" +
			"Slightly satisfied/Moderately satisfied/Extremely satisfied", seven, ""},
		{"Not at all satisfied/Not so satisfied/Somewhat satisfied/Very satisfied/Extremely satisfied", five, ""},
		{"Never/Rarely/Occasionally/Sometimes/Frequently/Usually/Always", seven, ""},
		{"Never/Sometimes/About half the time/Most of the time/Always", five, ""},
		{"Often/Frequently/Always/Never/Rarely", []int{4, 4, 5, 1, 2}, `"frequently" and "often" are taken for one point`},
		{"Extremely unlikely/Moderately unlikely/Slightly unlikely/Neither likely nor unlikely/Slightly likely/" +
			"Moderately likely/Extremely likely", seven, ""},
		{"Strongly disagree/Disagree/Somewhat disagree/Neither agree nor disagree/Somewhat agree/Agree/Strongly agree", seven,
			""},
		{"Strongly disagree/Disagree/Neutral/Agree/Strongly agree", five, ""},
		{"Stimme überhaupt nicht zu/Stimme nicht zu/Weder noch/Stimme zu/Stimme voll und ganz zu", five, ""},
		{"Stimme nicht zu/Stimme eher nicht zu/Teils, teils/Stimme eher zu/Stimme zu", five, ""},
		{"Sehr unzufrieden/Unzufrieden/Neutral/Zufrieden/Sehr zufrieden", five, ""},
		{"Pas du tout d’accord/Pas d’accord/Neutre/D’accord/Tout à fait d’accord", five, ""},
		{"Jamais/Rarement/Parfois/Souvent/Toujours", five, ""},
		{"Totalmente en desacuerdo/En desacuerdo/Ni de acuerdo ni en desacuerdo/De acuerdo/Totalmente de acuerdo", five, ""},
		{"Muito insatisfeito/Insatisfeito/Neutro/Satisfeito/Muito satisfeito", five, ""},
		{"Fortemente in disaccordo/In disaccordo/Neutrale/D'accordo/Fortemente d'accordo", five, ""},
		{"Helemaal mee oneens/Mee oneens/Neutraal/Mee eens/Helemaal mee eens", five, ""}, //nolint:misspell // Dutch
		{"全くそう思わない/そう思わない/どちらとも言えない/そう思う/とてもそう思う", five, ""},
		{"そう思わない/あまりそう思わない/どちらともいえない/ややそう思う/そう思う", five, ""},
		{"非常不满意/不满意/一般/满意/非常满意", five, ""},
	} {
		points, item, check := answersTo(t, "It works", strings.Split(c.labels, "/")...)
		if !slices.Equal(points, c.want) || c.check == "" && check != "" || !strings.Contains(check, c.check) {
			t.Errorf("%s: %v on %s, check %q; want %v, %q", c.labels, points, item.Scale, check, c.want, c.check)
		}
		if check != "" && len(item.Labels) < 5 {
			t.Errorf("%s: the map does not have the points: %v", c.labels, item.Labels)
		}
	}
}

// Each label of a language has one place in its scale, so that the best is never the worst.
func TestFamiliesAreScales(t *testing.T) {
	for _, f := range families {
		seen := map[string]bool{}
		for _, texts := range f.points {
			for _, text := range texts {
				if seen[text] || form.Fold(text) != text {
					t.Errorf("%s %v: %q is there twice, or not folded", f.name, f.points[0], text)
				}
				seen[text] = true
			}
		}
		if len(f.points) != 5 && len(f.points) != 7 {
			t.Errorf("%s %v has %d points", f.name, f.points[0], len(f.points))
		}
	}
}

// How far a scale of numbers goes, and which of its ends is the best, is said where the form does not show it.
func TestScalesOfNumbers(t *testing.T) {
	for _, c := range []struct {
		header, cells, scale, check string
		turned                      bool
	}{
		{"Builds", "0 1 2 3 4 4 2", "0-10", "no answer is higher than 4", false},
		{"Builds", "0 1 2 3 4 5 6", "0-10", "no answer is higher than 6", false},
		{"Builds", "4 5 6 7 8 4 5", "1-10", "no answer is higher than 8", false},
		{"Builds", "1 2 3 4 5 6 2", "1-7", "no answer is higher than 6", false},
		{"Builds", "1 2 3 4 2 1 2", "1-5", "no answer is higher than 4", false},
		{"Builds", "1 2 3 4 5 1 2", "1-5", "", false},
		{"Would you recommend us?", "5 6 7 8 9 5 6", "0-10", "", false},
		{"Docs (1 = best, 5 = worst)", "1 2 3 4 5 1 2", "1-5", "", true},
		{"Docs (1 = low, 5 = high)", "1 2 3 4 5 1 2", "1-5", "", false},
		{"Noten (1 = sehr gut, 5 = mangelhaft)", "1 2 3 4 5 1 2", "1-5", "", true},
		{"Docs (1 = purple, 5 = green)", "1 2 3 4 5 1 2", "1-5", `1 is "purple" and 5 is "green": if the first is the best, ` +
			"write scale: 5-1", false},
	} {
		_, item, check := answersTo(t, c.header, strings.Fields(c.cells)...)
		if item.Scale.String() != c.scale || item.Turned != c.turned || c.check == "" && check != "" ||
			!strings.Contains(check, c.check) {
			t.Errorf("%s %s: %s, turned %v, check %q", c.header, c.cells, item.Scale, item.Turned, check)
		}
	}
	if _, item, _ := answersTo(t, "How difficult is a deployment?", "Not at all difficult", "Not so difficult",
		"Somewhat difficult", "Very difficult", "Extremely difficult"); !item.Reversed {
		t.Error("more difficulty is taken as better")
	}
}

// What the tools write about a response is no answer, whatever numbers it has.
func TestColumnsOfToolsAreNoRatings(t *testing.T) {
	for _, header := range []string{"Response ID", "Last page", "Submission ID", "No.", "lastpage", "Group time: Builds"} {
		var b strings.Builder
		fmt.Fprintf(&b, "%s,Builds are fast\n", header)
		for i := range 14 {
			n := 5
			if header != "Last page" && header != "lastpage" {
				n = 1 + i
			}
			fmt.Fprintf(&b, "%d,%d\n", n, 1+i%5)
		}
		if _, s := draft(t, b.String(), surveys.Survey{}); len(s.Items) != 1 || s.Items[0].Text != "Builds are fast" {
			t.Errorf("%s: %+v", header, s.Items)
		}
	}
}

// Responses that were not finished are left out, however the tool says so; without times of answers it is said.
func TestUnfinishedResponses(t *testing.T) {
	for name, c := range map[string]struct{ header, whole, part, note string }{
		"LimeSurvey": {"Date submitted", "2026-09-20 10:00:00", "", ""},
		"Jotform":    {"Submission Status", "Complete", "Partial", "the days of the survey do not follow"},
		"Zoho":       {"Response Status", "Completed", "Partially completed", "the days of the survey do not follow"},
		"Alchemer":   {"Status", "Complete", "Disqualified", "the days of the survey do not follow"},
		"anonymous":  {"Date submitted", "1980-01-01 00:00:00", "", "the form wrote no times of answers"},
	} {
		table := fmt.Sprintf("%s,Builds are fast\n%s,5\n%s,1\n%s,4\n", c.header, c.whole, c.part, c.whole)
		p, s := draft(t, table, surveys.Survey{})
		r := Relate(export(t, table), s).Read(nil, "")
		want := 2
		if name == "anonymous" { // without a time it is not known who finished
			want = 3
		}
		notes := strings.Join(append(p.Notes, export(t, table).Notes...), "\n")
		if r.Good() != want || len(r.Bad) > 0 || len(r.Excluded[Unfinished]) != 3-want || !strings.Contains(notes, c.note) {
			t.Errorf("%s: %d good, %v, %v, notes %s", name, r.Good(), r.Bad, r.Excluded, notes)
		}
	}
	table := "Status,Builds are fast\nI am new,5\nI am here for years,4\n"
	if e := export(t, table); e.Columns[0].Role != form.Question {
		t.Errorf("a question of the name Status: %+v", e.Columns[0])
	}
}
