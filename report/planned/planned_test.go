package planned_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/planned"
	"github.com/dxctl/dxctl/scorecards/plan"
)

// large is a plan in which everything falls, with reasons that try to be Markdown.
func large(teams, services int, reason string) *plan.Plan {
	moves := map[plan.Direction]int{plan.Falls: services}
	p := &plan.Plan{
		At: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), Entities: teams * services, Falls: true, Files: []string{"a.yaml"},
		Totals: plan.Totals{Services: teams * services, Teams: teams, Levels: moves, Rules: moves},
		Cards:  []plan.Card{{Name: "c", Levels: []plan.Level{{Name: "gold", Before: 2, After: 1}, {Before: 1, After: 2}}}},
	}
	for i := range 400 {
		p.Rules = append(p.Rules, plan.Rule{Scorecard: "c", Rule: fmt.Sprint("rule-", i), Changes: []string{reason}, Moves: moves})
	}
	for i := range teams {
		t := plan.Team{Owner: fmt.Sprint("group:default/t", i), Name: fmt.Sprint("team ", i), Moves: moves}
		for j := range services {
			t.Grades = append(t.Grades, plan.Grade{
				Service: fmt.Sprintf("component:default/s%d-%d", i, j), Scorecard: "c", Before: &plan.Standing{Level: "gold"},
				After: &plan.Standing{}, Direction: plan.Falls,
				Rules: []plan.Move{{Rule: "rule-1", Before: event.Pass, After: event.Fail, Direction: plan.Falls, Why: "w",
					Reason: reason}},
			})
		}
		p.Teams = append(p.Teams, t)
	}
	return p
}

func TestMarkdownFitsAComment(t *testing.T) {
	for _, c := range []struct {
		teams, services, reason int
	}{{1, 1, 10}, {3, 5_000, 50}, {2_000, 3, 2_000}, {1, 200, 100_000}} {
		text := planned.Markdown(large(c.teams, c.services, strings.Repeat("ä", c.reason)))
		if n := utf8.RuneCountInString(text); n > planned.MaxMarkdown {
			t.Errorf("%+v: %d characters", c, n)
		}
		if !strings.Contains(text, "<b>team 0</b>") || strings.Count(text, "<details>") != strings.Count(text, "</details>") {
			t.Errorf("%+v: the first team is missing, or cut off", c)
		}
	}
}

// A value of a source must not mention people, add links or close elements in somebody's pull request.
func TestMarkdownIsOnlyText(t *testing.T) {
	text := planned.Markdown(large(1, 1, "@acme/all see https://evil.example <img src=x> </details> |a|b| [x](y) `z` #1\nnew"))
	for _, bad := range []string{"@acme", "https://", "<img", "x> </details>", "|a|", "[x]", "`z`", "#1", "\nnew"} {
		if strings.Contains(strings.ReplaceAll(text, `\`+"`z", ""), bad) && !strings.Contains(text, `\`+bad) {
			t.Errorf("%q is in the text", bad)
		}
	}
}

func TestTextIsBounded(t *testing.T) {
	p := large(20, 30, "r")
	text := planned.Text(p, 10)
	if n := strings.Count(text, "    s"); n != 10 {
		t.Errorf("%d grades, want 10", n)
	}
	for _, want := range []string{"… and 590 more grades", "… and 390 more rules", "c: gold 2 → 1, none 1 → 2"} {
		if !strings.Contains(strings.ReplaceAll(text, "\u2009", ""), want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if n := strings.Count(planned.Text(p, 0), "    s"); n != 600 {
		t.Errorf("%d of 600 grades without a limit", n)
	}
}

// TestTextOfGradesWithoutAMove: a score that differs is not blamed on weights, and a level with another name is said to
// have one.
func TestTextOfGradesWithoutAMove(t *testing.T) {
	p := large(1, 1, "r")
	p.Totals.Scores = 2
	grade := &p.Teams[0].Grades[0]
	grade.Direction, grade.Rules = "", nil
	grade.Before, grade.After = &plan.Standing{Level: "bronze", Score: 0.5, ScoreHigh: 0.5}, &plan.Standing{Level: "iron", Score: 0.5, ScoreHigh: 0.5}
	text := planned.Text(p, 0)
	for _, want := range []string{"Scores: 2 differ where no level and no rule moves.", "c: bronze is now called iron, score 50 %"} {
		if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}
