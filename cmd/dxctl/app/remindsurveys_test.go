package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
)

const remindedSurvey = `title: Survey & more
opens: 2026-09-14
closes: 2026-09-27
time_zone: America/Los_Angeles
items:
  - {key: builds, column: Builds are fast, scale: 1-5, rules: [described, desribed]}
`

// importAnswers stores answers of some people of teams, of 20 people each.
func importAnswers(t *testing.T, a *App, id string, of map[string]int) {
	t.Helper()
	s, err := surveys.Load(filepath.Join(a.SurveyDir(), id+".yaml"), id)
	if err != nil {
		t.Fatal(err)
	}
	all := surveys.Answers{Survey: id, Title: s.Title, Opens: s.Opens, Closes: s.Closes, TimeZone: s.TimeZone.String(),
		Items: s.Items}
	for team, n := range of {
		groups := surveys.Groups{Team: team}
		all.Invited = append(all.Invited, surveys.GroupSize{Groups: groups, People: 20})
		for i := range n {
			all.Responses = append(all.Responses, surveys.Response{Groups: groups, Comments: []string{""},
				Ratings: []surveys.Point{surveys.Point(1 + i%5)}})
		}
	}
	opened, err := a.Archive(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Save(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRemindOfSurveys: each occasion of a survey is told once, only teams above the threshold are named, and the
// summary comes once when the survey is published.
func TestRemindOfSurveys(t *testing.T) {
	c := newChat(t)
	a, now := newReminding(t, c)
	if err := os.MkdirAll(a.SurveyDir(), 0o750); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(a.SurveyDir(), "2026-Q3.yaml")
	guessed := strings.Replace(remindedSurvey, "2026-09-27", "2026-09-27 # check: the last day", 1)
	for _, text := range []string{guessed, remindedSurvey} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if text == guessed {
			*now = time.Date(2026, 9, 22, 8, 0, 0, 0, time.UTC)
			a.cfg.Notify.Surveys = "chat"
			expect(t, "days that were guessed by a preview", statuses(t, a), "")
			a.cfg.Notify.Surveys = ""
		}
	}
	*now = time.Date(2026, 9, 22, 8, 0, 0, 0, time.UTC) // no campaign has begun
	expect(t, "without notify.surveys", statuses(t, a), "")
	a.cfg.Notify.Surveys = "chat"
	if dry, err := a.Remind(t.Context(), true); err != nil || len(dry) != 1 || dry[0].Status != "" || len(c.got()) > 0 {
		t.Errorf("a dry run: %+v %v", dry, err)
	}
	importAnswers(t, a, "2026-Q3", map[string]int{"payments": 12, "checkout": 6, "tiny": 2})
	expect(t, "halfway", statuses(t, a), "survey 2026-Q3 halfway sent")
	want := "/T0/SECRET *Survey &amp; more*: open until 27 Sep 2026, 5 days left.\n20 of 60 people (33 %) have answered so far. " +
		"Not listed are teams in which fewer than 5 did, or by which such teams could be derived.\n" +
		"• payments: 12 of 20 people (60 %)\nhttps://dx.example/surveys"
	if got := strings.Join(c.got(), "\n"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	expect(t, "again", statuses(t, a), "")
	c.answerWith(func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusForbidden) })
	*now = time.Date(2026, 9, 25, 8, 0, 0, 0, time.UTC)
	expect(t, "a failure", statuses(t, a), "survey 2026-Q3 last-days failed")
	expect(t, "the pause", statuses(t, a), "survey 2026-Q3 last-days waits for 10m0s")
	c.answerWith(nil)
	c.got()
	*now = now.Add(10 * time.Minute)
	expect(t, "the last days", statuses(t, a), "survey 2026-Q3 last-days sent")
	expect(t, "again", statuses(t, a), "")
	c.got()
	*now = time.Date(2026, 9, 28, 8, 0, 0, 0, time.UTC)
	expect(t, "closed", statuses(t, a), "")
	if _, err := a.PublishSurvey(t.Context(), "2026-Q3", Publication{}); err != nil {
		t.Fatal(err)
	}
	expect(t, "published", statuses(t, a), "survey 2026-Q3 published sent")
	got := strings.Join(c.got(), "\n")
	for _, text := range []string{"*Results of Survey &amp; more*", "20 of 60 (33 %) people answered from 14 Sep 2026 to 27 Sep 2026.",
		"https://dx.example/surveys/2026-Q3"} {
		if !strings.Contains(got, text) {
			t.Errorf("the summary has no %q: %s", text, got)
		}
	}
	*now = now.AddDate(0, 0, 2)
	expect(t, "published, again", statuses(t, a), "")
	deletedSurvey(t, a, now)
}

// deletedSurvey: nobody is reminded of a survey that was deleted, and what was shown of who took part is not forgotten,
// so that another import does not tell the difference of a few people.
func deletedSurvey(t *testing.T, a *App, now *time.Time) {
	t.Helper()
	const id = "2026-Q4"
	text := strings.NewReplacer("2026-09-14", "2026-12-01", "2026-09-27", "2026-12-14",
		"items:", "columns: {team: Team}\nitems:").Replace(remindedSurvey)
	if err := os.WriteFile(filepath.Join(a.SurveyDir(), id+".yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	imported := func(web int) string {
		t.Helper()
		rows := "Timestamp,Builds are fast,Team\n"
		for i := range 8 + web {
			rows += fmt.Sprintf("2026/12/0%d 1:00:00 PM,%d,%s\n", 1+i%7, 1+i%5, map[bool]string{true: "web", false: "cards"}[i >= 8])
		}
		export, err := form.Read("q4.csv", []byte(rows), form.Options{})
		if err != nil {
			t.Fatal(err)
		}
		preview, err := a.ImportSurvey(t.Context(), SurveyImport{ID: id, Export: export, Store: true, Strict: true})
		if err != nil {
			t.Fatalf("%v: %+v", err, preview)
		}
		all, err := a.participation(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v %v", all, err)
		}
		shown := ""
		for _, team := range all[0].Teams {
			shown += fmt.Sprintf("%s=%d ", team.Team, team.Count)
		}
		return shown
	}
	*now = time.Date(2026, 12, 9, 8, 0, 0, 0, time.UTC)
	expect(t, "the first import", imported(7), "=15 cards=8 web=7 ")
	if err := a.DeleteSurvey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if all, err := a.participation(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("after it was deleted, %+v is shown, %v", all, err)
	}
	expect(t, "reminders of a deleted survey", statuses(t, a), "")
	expect(t, "one answer less", imported(6), "=15 cards=8 web=7 ")
	for range 2 { // deleted before it could show a new number, it still knows the old ones
		if err := a.DeleteSurvey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		expect(t, "one answer more", imported(8), "=15 cards=8 web=7 ")
	}
	expect(t, "five answers more", imported(12), "=20 cards=8 web=12 ")
	expect(t, "reminders of one that was imported again", statuses(t, a), "survey 2026-Q4 halfway sent")
	*now = time.Date(2026, 12, 16, 8, 0, 0, 0, time.UTC)
	expect(t, "two answers more", imported(14), "=20 cards=8 web=12 ")
	if _, err := a.PublishSurvey(t.Context(), id, Publication{}); err != nil { // that shows the 14
		t.Fatal(err)
	}
	if err := a.DeleteSurvey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	expect(t, "three more than were published", imported(17), "=22 cards=8 web=14 ")
}

func TestOpenStep(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 9, n, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		opens, closes, now int
		want               string
	}{
		{14, 28, 13, ""}, {14, 28, 14, ""}, {14, 28, 20, ""}, {14, 28, 21, "halfway"}, {14, 28, 24, "halfway"},
		{14, 28, 25, "last-days"}, {14, 28, 27, "last-days"}, {14, 28, 28, ""},
		{14, 16, 14, ""}, {14, 16, 15, "halfway"}, // shorter than the last days
	} {
		got, since := openStep(surveys.Survey{Opens: day(c.opens), Closes: day(c.closes)}, day(c.now))
		if got != c.want || got != "" && since.After(day(c.now)) {
			t.Errorf("%+v: %q since %s", c, got, since)
		}
	}
}

// TestUnknownRulesOfItems: a misspelled rule is named with what is close to it.
func TestUnknownRulesOfItems(t *testing.T) {
	a, _ := newReminding(t, newChat(t))
	s, err := surveys.Parse("s.yaml", "2026-Q3", []byte(remindedSurvey))
	if err != nil {
		t.Fatal(err)
	}
	notes := a.unknownRules(s)
	if want := `item builds: no scorecard has a rule "desribed" (did you mean "described"?)`; len(notes) != 1 ||
		!strings.HasPrefix(notes[0], want) {
		t.Errorf("%q, want %q", notes, want)
	}
	s.Items[0].Rules = []string{"described", "basics/described"}
	if notes := a.unknownRules(s); len(notes) > 0 {
		t.Error(notes)
	}
}

// TestSummaryFitsAMessage: a summary of many long questions is cut to what a chat takes.
func TestSummaryFitsAMessage(t *testing.T) {
	c := newChat(t)
	a, now := newReminding(t, c)
	closes := time.Date(2026, 9, 27, 0, 0, 0, 0, time.UTC)
	p := store.PublishedSurvey{Survey: "2026-Q3", Version: 1, Title: "Quarter", OpensAt: closes.AddDate(0, 0, -9),
		ClosesAt: closes, PublishedAt: closes, Teams: "{}"}
	var items []string
	results := []store.SurveyResult{{Survey: p.Survey, Version: 1, Measure: "responses", Answers: 30}}
	for k := range 40 {
		items = append(items, fmt.Sprintf(`{"key":"k%d","text":"%s","min":1,"max":5}`, k, strings.Repeat("long <words> ", 60)))
		results = append(results, store.SurveyResult{Survey: p.Survey, Version: 1, Measure: "item", Item: fmt.Sprint("k", k),
			Answers: 30, Counts: []uint32{uint32(k % 20), 1, 2, 3, uint32(20 - k%20)}})
	}
	p.Items = "[" + strings.Join(items, ",") + "]"
	if err := a.Store.PublishSurvey(t.Context(), p, results); err != nil {
		t.Fatal(err)
	}
	old := p // published late, only to have its results
	old.Survey, old.ClosesAt, old.PublishedAt = "2026-Q1", closes.AddDate(0, 0, -180), closes
	if err := a.Store.PublishSurvey(t.Context(), old, nil); err != nil {
		t.Fatal(err)
	}
	*now = closes.AddDate(0, 0, 1)
	a.cfg.Notify.Surveys = "chat"
	expect(t, "the summary", statuses(t, a), "survey 2026-Q3 published sent")
	got := strings.TrimPrefix(strings.Join(c.got(), "\n"), "/T0/SECRET ")
	if n := len([]rune(got)); n > maxMessage || !strings.Contains(got, "Highest:") || strings.Contains(got, "<words>") {
		t.Errorf("%d characters: %s", n, got)
	}
}
