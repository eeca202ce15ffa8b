package intake

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
)

var today = time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)

func export(t *testing.T, text string) form.Export {
	t.Helper()
	e, err := readExport(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func readExport(text string) (form.Export, error) {
	return form.Read("answers.csv", []byte(text), form.Options{})
}

// draft makes a definition from a text, writes it, and reads it back.
func draft(t *testing.T, text string, earlier surveys.Survey) (*Plan, surveys.Survey) {
	t.Helper()
	p := Draft(export(t, text), "2026-Q3", earlier, func(string) bool { return false }, today)
	s, err := surveys.Parse("2026-Q3.yaml", "2026-Q3", p.Definition())
	if err != nil {
		t.Fatalf("the definition that was written cannot be read: %v\n%s", err, p.Definition())
	}
	return p, s
}

const googleForm = `Timestamp,Email Address,"How do you agree? [I can deploy with confidence]","How do you agree? [I am often interrupted]",How likely are you to recommend our platform?,What should we fix first?
2026/09/20 10:00:00 AM GMT+2,Ana@x.example,Agree,Strongly agree,9,"Builds
are slow, write to bob@x.example"
2026/09/20 10:05:00 AM GMT+2,bo@x.example,Strongly disagree,N/A,0,
2026/09/21 9:00:00 PM GMT+2,ana@x.example,Strongly agree,Disagree,10,None of it
2026/09/22 9:00:00 PM GMT+2,cy@x.example,,,,
2026/09/23 9:00:00 PM GMT+2,di@x.example,Kind of,Agree,7,x
`

func TestDraftOfGoogleForms(t *testing.T) {
	plan, s := draft(t, googleForm, surveys.Survey{})
	var got []string
	for _, i := range s.Items {
		got = append(got, fmt.Sprint(i.Key, " ", i.Kind, " ", i.Scale, " ", i.Reversed, " ", i.Dimension))
	}
	want := []string{
		"deploy-confidence rating 1-5 false feedback_loops", "often-interrupted rating 1-5 true flow",
		"likely-recommend-platform rating 0-10 false recommend", "should-fix-first comment 0-0 false ",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("items\n%q\nwant\n%q", got, want)
	}
	if open, last := s.Opens.Format(time.DateOnly), s.Closes.Format(time.DateOnly); open != "2026-09-20" || last != "2026-10-01" {
		t.Errorf("the survey is from %s to before %s", open, last)
	}
	if plan.Uses[1].What != "who answered: for the group and for duplicates; not stored" {
		t.Errorf("the e-mail column: %+v", plan.Uses[1])
	}

	plan = Relate(export(t, googleForm), s)
	r := plan.Read(nil, "key")
	plan.Check(r)
	if len(plan.Blocking) > 0 {
		t.Fatalf("blocked: %q", plan.Blocking)
	}
	if len(r.Bad) != 1 || r.Bad[0].Line != 7 || r.Bad[0].Column != "C" || !strings.Contains(r.Bad[0].Message, `"Kind of"`) {
		t.Errorf("wrong rows: %v", r.Bad)
	}
	if fmt.Sprint(r.Excluded) != fmt.Sprint(map[string][]int{Duplicate: {2}, Blank: {6}}) {
		t.Errorf("left out: %v", r.Excluded)
	}
	if len(r.Answers.Responses) != 2 {
		t.Fatalf("%d responses", len(r.Answers.Responses))
	}
	if bo := r.Answers.Responses[0].Ratings; !slices.Equal(bo, []surveys.Point{1, surveys.DontKnow, 0, surveys.NotAnswered}) {
		t.Errorf("bo answered %v", bo)
	}
	if ana := r.Answers.Responses[1]; !slices.Equal(ana.Ratings[:3], []surveys.Point{5, 2, 10}) || ana.Comments[3] != "None of it" {
		t.Errorf("ana's last answer is %v", ana)
	}
	if text := fmt.Sprint(r.Answers); strings.Contains(text, "@") || strings.Contains(text, "ana") {
		t.Errorf("an address is left: %s", text)
	}
	if other := plan.Read(nil, "another key"); other.Answers.Responses[0].Respondent == r.Answers.Responses[0].Respondent {
		t.Error("the hash of a respondent does not depend on the key")
	}
}

func TestAddressesAreRemovedFromComments(t *testing.T) {
	_, s := draft(t, googleForm, surveys.Survey{})
	text := strings.Replace(googleForm, "None of it", "ask bob.o'neil+x@mail.x.example or 10.1.2.3!", 1)
	r := Relate(export(t, text), s).Read(nil, "")
	if got := r.Answers.Responses[1].Comments[3]; got != "ask [address removed] or [address removed]!" || r.Texts < 1 {
		t.Errorf("the comment is %q, %d texts", got, r.Texts)
	}
}

// The keys of an earlier survey are taken over, also where the text of a question changed a little.
func TestDraftRemembers(t *testing.T) {
	_, before := draft(t, googleForm, surveys.Survey{})
	before.ID = "2026-Q2"
	before.Items[0].Key, before.Items[0].Rules = "confidence", []string{"ci-fast-and-green"}
	renamed := strings.Replace(googleForm, "[I am often interrupted]", "[I am very often interrupted]", 1)
	plan, s := draft(t, renamed, before)
	if s.Items[0].Key != "confidence" || !slices.Equal(s.Items[0].Rules, []string{"ci-fast-and-green"}) {
		t.Errorf("the first item is %+v", s.Items[0])
	}
	at := slices.IndexFunc(s.Items, func(i surveys.Item) bool { return i.Key == "often-interrupted" })
	if at < 0 || len(s.Items[at].Headers) != 2 || !strings.Contains(plan.Uses[3].Check, "keep the key only if") {
		t.Errorf("the renamed item is not recognized: %+v, %+v", s.Items, plan.Uses[3])
	}
	// With the definition of the earlier survey as map, the message says which column may be it.
	p := Relate(export(t, renamed), before)
	if len(p.Blocking) != 1 || !strings.Contains(p.Blocking[0], `column D "How do you agree? [I am very often interrupted]" may be it`) {
		t.Errorf("blocked: %q", p.Blocking)
	}
}

func TestPlanBlocks(t *testing.T) {
	_, s := draft(t, googleForm, surveys.Survey{})
	for _, c := range []struct {
		name, text, want string
		change           func(*surveys.Survey)
	}{
		{name: "another form", text: "Timestamp,Lunch?,Dinner?\n2026/09/20 10:00,Pizza,Soup\n",
			want: "the export looks like that of another form"},
		{name: "a column of the map that is not there", text: googleForm, want: `columns.team of 2026-Q3.yaml is "Squad"`,
			change: func(s *surveys.Survey) { s.Columns.Team = "Squad" }},
		{name: "no row", text: googleForm, want: "no row can be stored",
			change: func(s *surveys.Survey) { s.Opens, s.Closes = today, today.AddDate(0, 0, 5) }},
		{name: "dates of two orders", want: `"13/09/2026 10:00" and "09/14/2026 10:00" have day and month in different order`,
			text: strings.NewReplacer("2026/09/20 10:00:00 AM GMT+2", "13/09/2026 10:00", "2026/09/21 9:00:00 PM GMT+2",
				"09/14/2026 10:00").Replace(googleForm)},
	} {
		changed := s
		if c.change != nil {
			c.change(&changed)
		}
		p := Relate(export(t, c.text), changed)
		p.Check(p.Read(nil, ""))
		if !strings.Contains(strings.Join(p.Blocking, "\n"), c.want) {
			t.Errorf("%s: blocked by %q, want %q", c.name, p.Blocking, c.want)
		}
	}
}

// Answers outside of the survey's days are left out, and many of them are a second survey in the file.
func TestAnswersAfterTheEnd(t *testing.T) {
	_, s := draft(t, googleForm, surveys.Survey{})
	s.Closes, s.TimeZone = time.Date(2026, 9, 21, 0, 0, 0, 0, time.UTC), time.FixedZone("Europe/Berlin", 0)
	p := Relate(export(t, googleForm), s)
	r := p.Read(nil, "")
	if r.Answers.TimeZone != "Europe/Berlin" {
		t.Errorf("the answers are in the time zone %q", r.Answers.TimeZone)
	}
	p.Check(r)
	if len(r.Excluded[Late]) != 3 || r.Good() != 2 {
		t.Errorf("left out %v, %d good", r.Excluded, r.Good())
	}
	if !strings.Contains(strings.Join(p.Notes, "\n"), "3 of 5 rows are from before or after the survey (2026-09-20 to 2026-09-20)") {
		t.Errorf("notes %q", p.Notes)
	}
}

func TestUnclearDates(t *testing.T) {
	text := "Timestamp,Builds are fast\n5/10/2026 09:15:00,4\n6/10/2026 10:00:00,5\n"
	p, s := draft(t, text, surveys.Survey{})
	p.Check(p.Read(nil, ""))
	if !strings.Contains(strings.Join(p.Blocking, "\n"), `the date "5/10/2026 09:15:00" can have the day or the month first`) {
		t.Errorf("blocked: %q", p.Blocking)
	}
	if open := s.Opens.Format(time.DateOnly); open != "2026-07-01" {
		t.Errorf("opens on %s, want the quarter of the id", open)
	}
	for name, change := range map[string]func(){
		"the map":  func() { s.Dates = surveys.DayFirst },
		"the days": func() { s.Dates = "" },
	} {
		s.Opens, s.Closes = today, today.AddDate(0, 0, 10)
		change()
		p := Relate(export(t, text), s)
		r := p.Read(nil, "")
		p.Check(r)
		if len(p.Blocking) > 0 || r.Good() != 2 {
			t.Errorf("decided by %s: %d good, %q", name, r.Good(), p.Blocking)
		}
	}
}

// TestUnclearDatesOfAnyID: the days that are guessed hold all answers, whichever order is set in the map.
func TestUnclearDatesOfAnyID(t *testing.T) {
	text := "Timestamp,Builds are fast\n5/10/2026 09:15:00,4\n6/10/2026 10:00:00,5\n"
	e := export(t, text)
	for _, order := range []surveys.DateOrder{surveys.DayFirst, surveys.MonthFirst} {
		p := Draft(e, "pulse", surveys.Survey{}, nil, today)
		s, err := surveys.Parse("m.yaml", "pulse", p.Definition())
		if err != nil {
			t.Fatal(err)
		}
		s.Dates = order
		if r := Relate(e, s).Read(nil, ""); r.Good() != 2 {
			t.Errorf("%s: %d good, left out %v, from %s to %s", order, r.Good(), r.Excluded, s.Opens, s.Closes)
		}
	}
}

// TestFewDaysDecideNothing: days that fit few of the rows, such as those of a map whose days nobody has set, say
// nothing about the order of a date.
func TestFewDaysDecideNothing(t *testing.T) {
	text := "Timestamp,Builds are fast\n"
	for day := range 12 {
		text += fmt.Sprintf("9/%d/2026 09:15:00,%d\n", day+1, 1+day%5)
	}
	_, s := draft(t, text, surveys.Survey{})
	s.Opens = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC) // as day-first, the last row is of December 9
	s.Closes = s.Opens.AddDate(0, 3, 0)
	p := Relate(export(t, text), s)
	p.Check(p.Read(nil, ""))
	if !strings.Contains(strings.Join(p.Blocking, "\n"), `can have the day or the month first: set dates: day-first`) {
		t.Errorf("blocked: %q", p.Blocking)
	}
}

func TestRater(t *testing.T) {
	five, seven, ten := surveys.Scale{Min: 1, Max: 5}, surveys.Scale{Min: 1, Max: 7}, surveys.Scale{Min: 0, Max: 10}
	for _, c := range []struct {
		item surveys.Item
		cell string
		want surveys.Point
		err  string
	}{
		{surveys.Item{Scale: five}, " 4 ", 4, ""},
		{surveys.Item{Scale: five}, "4.0", 4, ""},
		{surveys.Item{Scale: five}, "Strongly\u00a0agree", 5, ""},
		{surveys.Item{Scale: five}, "<b>Neither agree nor disagree</b>", 3, ""},
		{surveys.Item{Scale: seven}, "Somewhat agree", 5, ""},
		{surveys.Item{Scale: seven}, "Agree", 6, ""},
		{surveys.Item{Scale: five}, "Very satisfied", 5, ""},
		{surveys.Item{Scale: five}, "5 - Strongly agree", 5, ""},
		{surveys.Item{Scale: five}, "Strongly agree (5)", 5, ""},
		{surveys.Item{Scale: five}, "★★★☆☆", 3, ""},
		{surveys.Item{Scale: five}, "3/5", 3, ""},
		{surveys.Item{Scale: five}, "3/10", 0, `"3/10" is not on the scale 1-5`},
		{surveys.Item{Scale: ten}, "0", 0, ""},
		{surveys.Item{Scale: ten}, "10 - Extremely likely", 10, ""},
		{surveys.Item{Scale: ten}, "11", 0, `"11" is not on the scale 0-10`},
		{surveys.Item{Scale: five, Turned: true}, "1", 5, ""},
		{surveys.Item{Scale: five, Turned: true}, "1 - Strongly agree", 5, ""},
		{surveys.Item{Scale: five}, "1 - Strongly agree", 0, "turned round; write scale: 5-1"},
		{surveys.Item{Scale: five}, "", surveys.NotAnswered, ""},
		{surveys.Item{Scale: five}, "I don’t know", surveys.DontKnow, ""},
		{surveys.Item{Scale: five}, "N/A", surveys.DontKnow, ""},
		{surveys.Item{Scale: five}, "6 - Not applicable", surveys.DontKnow, ""},
		{surveys.Item{Scale: five, Unknown: []string{"Pass"}}, "pass", surveys.DontKnow, ""},
		{surveys.Item{Scale: five, Labels: map[string]int{"Stimme zu": 4}}, "stimme zu", 4, ""},
		{surveys.Item{Scale: five}, "Stimme zu", 4, ""},
		{surveys.Item{Scale: five}, "Ja, sehr", 0, `"Ja, sehr" is not on the scale 1-5, and is no known label`},
		{surveys.Item{Scale: five}, "=1+1", 0, `"=1+1" is not on the scale`},
		{surveys.Item{Scale: five}, "someone@x.example", 0, "which has an @ and is not shown"},
		{surveys.Item{Scale: five}, "-1", 0, "is not on the scale"},
		{surveys.Item{Scale: five}, "99999999999999999999", 0, "is not on the scale"},
	} {
		c.item.Key = "k"
		got, err := newRater(c.item, []string{c.cell}).point(c.cell)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q on %v: %d, %v; want %d, %q", c.cell, c.item.Scale, got, err, c.want, c.err)
		}
	}
}

// TestTurnedByTheQuestion: where the cells are bare numbers, the text of the question says which end is which.
func TestTurnedByTheQuestion(t *testing.T) {
	for _, c := range []struct {
		header string
		turned bool
	}{
		{"Builds are fast (1 = strongly agree, 5 = strongly disagree)", true},
		{"Builds are fast (1: Strongly agree; 5: Strongly disagree)", true},
		{"Builds are fast from 1 (strongly agree) to 5 (strongly disagree)", true},
		{"Builds are fast (1 = strongly disagree, 5 = strongly agree)", false},
		{"Builds are fast (in 2026)", false},
	} {
		text := "\"" + c.header + "\"\n1\n5\n2\n"
		_, before := draft(t, "Builds are fast\n5\n1\n4\n", surveys.Survey{})
		before.ID = "2026-Q2"
		for _, earlier := range []surveys.Survey{{}, before} {
			_, s := draft(t, text, earlier)
			r := Relate(export(t, text), s).Read(nil, "")
			want := surveys.Point(1)
			if c.turned {
				want = 5
			}
			if s.Items[0].Turned != c.turned || r.Answers.Responses[0].Ratings[0] != want {
				t.Errorf("%s: %+v, 1 is stored as %d", c.header, s.Items[0], r.Answers.Responses[0].Ratings[0])
			}
			if strings.Contains(c.header, "=") && earlier.ID != "" && s.Items[0].Key != before.Items[0].Key {
				t.Errorf("%s: the key is %s", c.header, s.Items[0].Key)
			}
			s.Items[0].Turned = false
			p := Relate(export(t, text), s)
			p.Check(p.Read(nil, ""))
			if blocked := strings.Contains(strings.Join(p.Blocking, "\n"), "turned round; write scale: 5-1"); blocked != c.turned {
				t.Errorf("%s with scale 1-5: blocked %q", c.header, p.Blocking)
			}
		}
	}
}

func TestTurnedBetweenQuarters(t *testing.T) {
	text := "Timestamp,Builds are fast\n2026-09-20 10:00,1 - Strongly agree\n2026-09-20 11:00,5 - Strongly disagree\n"
	_, before := draft(t, strings.NewReplacer("1 - Strongly agree", "5 - Strongly agree", "5 - Strongly disagree",
		"1 - Strongly disagree").Replace(text), surveys.Survey{})
	if before.Items[0].Turned {
		t.Fatalf("turned: %+v", before.Items[0])
	}
	before.ID = "2026-Q2"
	p, s := draft(t, text, before)
	if !s.Items[0].Turned || !strings.Contains(p.Uses[1].Check, "turned round since survey 2026-Q2") {
		t.Errorf("not noticed: %+v, %+v", s.Items[0], p.Uses[1])
	}
	r := Relate(export(t, text), s).Read(nil, "")
	if got := r.Answers.Responses[0].Ratings[0]; got != 5 {
		t.Errorf("strongly agree is stored as %d", got)
	}
	p = Relate(export(t, text), s)
	p.CheckEarlier(before)
	if !strings.Contains(strings.Join(p.Notes, "\n"), "turned round since survey 2026-Q2") {
		t.Errorf("notes: %q", p.Notes)
	}
	s.Items[0].Reversed = true
	p = Relate(export(t, text), s)
	p.CheckEarlier(before)
	if !strings.Contains(strings.Join(p.Notes, "\n"), "its direction is lower_is_better here and was higher_is_better") {
		t.Errorf("notes: %q", p.Notes)
	}
}

func TestItemAgainstAllOthers(t *testing.T) {
	var text strings.Builder
	text.WriteString("a,b,c,d,e\n")
	for i := range 40 {
		n := i%5 + 1
		fmt.Fprintf(&text, "%d,%d,%d,%d,%d\n", n, n, n, n, 6-n)
	}
	p, s := draft(t, text.String(), surveys.Survey{})
	for i := range s.Items {
		s.Items[i].Reversed = false
	}
	p = Relate(p.export, s)
	p.Check(p.Read(nil, ""))
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "item e goes against all others") || strings.Contains(notes, "item a") {
		t.Errorf("notes: %q", p.Notes)
	}
}

func TestTenureOf(t *testing.T) {
	for text, want := range map[string]surveys.Tenure{
		"Less than 3 months": surveys.UnderThreeMonths, "3-12 months": surveys.UnderOneYear, "3 – 12 months": surveys.UnderOneYear,
		"3 months to 1 year": surveys.UnderOneYear, "1-3 years": surveys.UnderThreeYears, "1 to 3 years": surveys.UnderThreeYears,
		"3+ years": surveys.ThreeYears, "More than 3 years": surveys.ThreeYears, "less than a year": surveys.UnderOneYear,
		"18 months": surveys.UnderThreeYears, "never": "", "5": "", "": "",
	} {
		if got, ok := tenureOf(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v; want %q", text, got, ok, want)
		}
	}
}
