package intake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/surveys"
)

// rowsOf makes a table of a header and a number of equal rows.
func rowsOf(header string, n int, row string) string {
	return header + "\n" + strings.Repeat(row+"\n", n)
}

func TestNumbersThatAreNoPoints(t *testing.T) {
	item := surveys.Item{Key: "k", Scale: surveys.Scale{Min: 1, Max: 10}}
	for _, cell := range []string{"4.5", "4,5", "3-4", "2.7", "5 (4)", "8 hours", "1/2"} {
		if got, err := newRater(item, []string{cell}).point(cell); err == nil {
			t.Errorf("%q is stored as %d", cell, got)
		}
	}
	for cell, want := range map[string]surveys.Point{"4.0": 4, "4,00": 4, "4 Agree": 4, "4. often": 4, "10 = best": 10} {
		if got, err := newRater(item, []string{cell}).point(cell); err != nil || got != want {
			t.Errorf("%q: %d, %v", cell, got, err)
		}
	}
}

// A comment that nobody wrote is read in the next quarter.
func TestEmptyColumnsAreNotIgnoredForEver(t *testing.T) {
	_, s := draft(t, rowsOf("Builds are fast,Comments", 3, "4,"), surveys.Survey{})
	if len(s.Ignore) > 0 {
		t.Errorf("ignored: %q", s.Ignore)
	}
	s.ID = "2026-Q2"
	_, next := draft(t, rowsOf("Builds are fast,Comments", 3, "4,too slow"), s)
	if len(next.Items) != 2 || next.Items[1].Kind != surveys.Comment {
		t.Errorf("items: %+v", next.Items)
	}
}

func TestSecondTableInTheFile(t *testing.T) {
	for _, c := range []struct{ name, first, second, blocked string }{
		{"two ratings", rowsOf("Builds are fast,Deploys are easy", 3, "4,5"),
			rowsOf("Lunch was good,Dinner was good", 3, "1,2"), "line 6 looks like the header of another table"},
		{"one rating and a question", rowsOf("Builds are fast,What slows you down?", 3, "4,tests"),
			rowsOf("Lunch quality,Why?", 3, "1,cold"), "line 6 looks like the header of another table"},
		{"one rating and the same comment", rowsOf("Builds are fast,Comments", 3, "4,tests"),
			rowsOf("Lunch quality,Comments", 3, "1,cold"), "line 6 looks like the header of another table"},
		{"a wrong answer", rowsOf("Builds are fast,Comments", 3, "4,tests"), "perhaps,it depends\n", ""},
	} {
		_, s := draft(t, c.first, surveys.Survey{})
		p := Relate(export(t, c.first+"\n"+c.second), s)
		p.Check(p.Read(nil, ""))
		got := strings.Join(p.Blocking, "\n")
		if !strings.Contains(got, c.blocked) || c.blocked == "" && got != "" {
			t.Errorf("%s: blocked %q", c.name, p.Blocking)
		}
	}
}

func TestGuesses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"hours are no rating", rowsOf("How many hours a week do you wait for builds?,Builds are fast", 9, "8 hours,4"), "builds-fast 1-5 feedback_loops"},
		{"eNPS", rowsOf("eNPS", 3, "9") + "0\n", "enps 0-10 recommend"},
		{"a grid of labels of seven", rowsOf("Docs are clear", 3, "Somewhat agree") + "Agree\n", "docs-clear 1-7 cognitive_load"},
		{"a scale that the header names", rowsOf("Builds are fast (1-7)", 3, "4"), "builds-fast-1-7 1-7 feedback_loops"},
		{"half a difficulty", rowsOf("How difficult is it to deploy?", 3, "Very difficult") + "Easy\n", "difficult-deploy 1-5 feedback_loops"},
	} {
		_, s := draft(t, c.text, surveys.Survey{})
		var got []string
		for _, i := range s.Items {
			got = append(got, fmt.Sprint(i.Key, " ", i.Scale, " ", i.Dimension))
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	p, _ := draft(t, "Builds are fast\nStrongly disagree\nDisagree\nAgree\nStrongly agree\n", surveys.Survey{})
	if !strings.Contains(p.Uses[0].Check, "four labels") {
		t.Errorf("four labels: %+v", p.Uses[0])
	}
}

func TestTenureThatCoversTwoBands(t *testing.T) {
	p, s := draft(t, "Builds are fast,How long have you worked here?\n4,Less than 1 year\n5,1-3 years\n", surveys.Survey{})
	if s.Columns.Tenure == "" || !strings.Contains(p.Uses[1].Check, `"Less than 1 year" covers more than one band of tenure and counts as "3 to 12 months"`) {
		t.Errorf("%+v %+v", s.Columns, p.Uses[1])
	}
	p, _ = draft(t, "Builds are fast,How long have you worked here?\n4,Less than 3 months\n5,3-12 months\n", surveys.Survey{})
	if p.Uses[1].Check != "" {
		t.Errorf("check: %q", p.Uses[1].Check)
	}
}

// A scale that changed between quarters is not read with the old one.
func TestScaleOfTheMapIsAnother(t *testing.T) {
	numbers := func(top int) string {
		text := "Builds are fast\n"
		for i := range 60 {
			text += fmt.Sprintln(i%top + 1)
		}
		return text
	}
	of := func(labels ...string) string {
		return "Builds are fast\n" + strings.Repeat(strings.Join(labels, "\n")+"\n", 10)
	}
	five := of("Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree")
	seven := of("Strongly disagree", "Disagree", "Somewhat disagree", "Neutral", "Somewhat agree", "Agree", "Strongly agree")
	for _, c := range []struct {
		name, text string
		scale      surveys.Scale
		blocked    string
		note       string
	}{
		{"10 points on 7", numbers(10), surveys.Scale{Min: 1, Max: 7}, "18 of 60 answers are not on its scale 1-7, which seems to be 1-10", ""},
		{"5 points on 7", numbers(5), surveys.Scale{Min: 1, Max: 7}, "", "no answer is above 5; check that its scale is still 1-7"},
		{"5 labels on 7", five, surveys.Scale{Min: 1, Max: 7}, "the labels of a scale of 5 points", ""},
		{"7 labels on 5", seven, surveys.Scale{Min: 1, Max: 5}, "the labels of a scale of 7 points", ""},
		{"the same", numbers(7), surveys.Scale{Min: 1, Max: 7}, "", ""},
		{"the same labels", seven, surveys.Scale{Min: 1, Max: 7}, "", ""},
	} {
		_, s := draft(t, c.text, surveys.Survey{})
		s.Items[0].Scale = c.scale
		p := Relate(export(t, c.text), s)
		p.Check(p.Read(nil, ""))
		for what, v := range map[string][2]string{
			"blocked": {strings.Join(p.Blocking, "\n"), c.blocked}, "note": {strings.Join(p.Notes, "\n"), c.note},
		} {
			if !strings.Contains(v[0], v[1]) || v[1] == "" && strings.Contains(v[0], "scale") {
				t.Errorf("%s: %s: %q, want %q", c.name, what, v[0], v[1])
			}
		}
	}
}

// Who is not in the population is left out also where the form knows only the team.
func TestPopulationWithoutAddresses(t *testing.T) {
	people := &Population{
		members: map[string]member{"a@x.example": {id: "a", groups: surveys.Groups{Team: "cards"}, invited: true}},
		teams:   map[string]string{"cards": "cards", "web": "web", "shop": "shop", "labs": "labs"},
		parents: map[string]string{"web": "shop"},
	}
	for _, c := range []struct {
		name, text string
		filter     surveys.Population
		good, out  int
		nameless   int
	}{
		{"no filter", "Builds are fast,Team\n4,cards\n5,web\n3,\n", surveys.Population{}, 3, 0, 0},
		{"excluded with its sub-teams", "Builds are fast,Team\n4,cards\n5,web\n3,\n",
			surveys.Population{ExcludeTeams: []string{"shop"}}, 2, 1, 0},
		{"other teams", "Builds are fast,Team\n4,cards\n5,web\n3,labs\n", surveys.Population{Teams: []string{"shop"}}, 1, 2, 0},
		{"some without an address", "Builds are fast,Email,Team\n4,a@x.example,\n5,,web\n3,,cards\n",
			surveys.Population{ExcludeTeams: []string{"web"}}, 2, 1, 2},
	} {
		_, s := draft(t, c.text, surveys.Survey{})
		s.Columns.Team, people.filter = "Team", c.filter
		p := Relate(export(t, c.text), s)
		r := p.Read(people, "key")
		notes := p.Preview(r, people, "m.yaml").Notes
		noted := strings.Contains(strings.Join(notes, "\n"), fmt.Sprintf("%d rows have no address", c.nameless))
		if r.Good() != c.good || len(r.Excluded[Uninvited]) != c.out || noted != (c.nameless > 0) {
			t.Errorf("%s: %d good, left out %v, wrong %v, notes %q", c.name, r.Good(), r.Excluded, r.Bad, notes)
		}
	}
}

// Nothing that names a person or a machine is in what is stored or in a message.
func TestNoAddressIsKept(t *testing.T) {
	text := "Builds are fast,Team,IP,Device,What slows you down?\n" +
		"4,boss@x.example,10.0.0.1,fe80::1,call 2001:db8::1 or me@x.example\n5,cards,10.0.0.2,fe80::2,none of it\n"
	_, s := draft(t, text, surveys.Survey{})
	s.Columns.Team = "Team"
	p := Relate(export(t, text), s)
	r := p.Read(nil, "")
	all := fmt.Sprintf("%+v %v %v", r.Answers, r.Bad, p.Uses)
	for _, canary := range []string{"x.example", "10.0.0", "fe80", "2001:db8"} {
		if strings.Contains(all, canary) {
			t.Errorf("%q is kept: %s", canary, all)
		}
	}
	if len(r.Bad) != 1 || !strings.Contains(r.Bad[0].Message, "not the name of a team") {
		t.Errorf("wrong rows: %v", r.Bad)
	}
}

// FuzzIntake drafts, relates and reads anything that is an export, without a crash; what is written can be read.
func FuzzIntake(f *testing.F) {
	f.Add(googleForm)
	f.Add("Builds are fast,Team\n4,cards\n\"x\ny\",1 - Strongly agree\n")
	f.Add("Timestamp,a: b,# c,'d'\n5/10/2026 09:15:00,4,5,6\n")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := readExport(text)
		if err != nil {
			return
		}
		p := Draft(e, "2026-Q3", surveys.Survey{}, func(string) bool { return false }, today)
		s, err := surveys.Parse("m.yaml", "2026-Q3", p.Definition())
		if err != nil {
			t.Fatalf("the definition cannot be read: %v\n%s", err, p.Definition())
		}
		p = Relate(e, s)
		r := p.Read(nil, "k")
		p.Check(r)
		_ = p.Preview(r, nil, "m.yaml").Text()
		for _, response := range r.Answers.Responses {
			for k, point := range response.Ratings {
				if n, ok := point.Get(); ok && !s.Items[k].Scale.Has(n) {
					t.Fatalf("item %s has the point %d", s.Items[k].Key, n)
				}
			}
		}
	})
}

// BenchmarkImport reads 10,000 responses to 40 questions: an import must take less than 2 s.
func BenchmarkImport(b *testing.B) {
	labels := []string{"Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree", "I don't know"}
	var text strings.Builder
	text.WriteString("Timestamp,Email Address")
	for q := range 40 {
		fmt.Fprintf(&text, ",Question number %d about builds", q)
	}
	text.WriteByte('\n')
	for i := range 10_000 {
		fmt.Fprintf(&text, "2026/09/%02d 10:00:00 AM GMT+2,person%d@x.example", 1+i%28, i)
		for q := range 40 {
			if q == 39 {
				fmt.Fprintf(&text, ",\"What I wrote, number %d\"", i)
				continue
			}
			text.WriteString("," + labels[(i*7+q*3)%len(labels)])
		}
		text.WriteByte('\n')
	}
	b.ResetTimer()
	for b.Loop() {
		e, err := readExport(text.String())
		if err != nil {
			b.Fatal(err)
		}
		p := Draft(e, "2026-Q3", surveys.Survey{}, func(string) bool { return false }, today)
		s, err := surveys.Parse("m.yaml", "2026-Q3", p.Definition())
		if err != nil {
			b.Fatal(err)
		}
		p = Relate(e, s)
		r := p.Read(nil, "k")
		if p.Check(r); r.Good() != 10_000 {
			b.Fatalf("%d good rows, %q, %v", r.Good(), p.Blocking, r.Bad[:min(3, len(r.Bad))])
		}
	}
}
