// Package planned writes plans of rules for people: as text, and as Markdown for a comment on a pull request. It needs
// only the document, so that what a server answers reads the same.
package planned

//go:generate go test . -run TestPlanIsDocumented -update

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/plan"
)

var directions = []plan.Direction{plan.Falls, plan.Unknown, plan.Rises, plan.Other}

// Headline says in a sentence what the edited rules do.
func Headline(p *plan.Plan) string {
	if p.Totals.Services == 0 {
		return fmt.Sprintf("Nothing moves: %s are graded as before.", words.Plural(p.Entities, "entity", "entities"))
	}
	word := "Nothing falls"
	if p.Falls {
		word = "Something falls"
	}
	verb := "differ"
	if p.Totals.Services == 1 {
		verb = "differs"
	}
	return fmt.Sprintf("%s. Of %s, %s %s, in %s.", word, words.Plural(p.Entities, "graded entity", "graded entities"),
		words.Whole(p.Totals.Services), verb, words.Plural(p.Totals.Teams, "team", "teams"))
}

// moves writes counts of directions, those that are not zero: "3 fall, 1 becomes unknown".
func moves(counts map[plan.Direction]int) string {
	verbs := map[plan.Direction][2]string{
		plan.Falls: {"falls", "fall"}, plan.Unknown: {"becomes unknown", "become unknown"},
		plan.Rises: {"rises", "rise"}, plan.Other: {"differs otherwise", "differ otherwise"},
	}
	var parts []string
	for _, d := range directions {
		if n := counts[d]; n > 0 {
			parts = append(parts, words.Plural(n, verbs[d][0], verbs[d][1]))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing moves")
}

// levels writes how many services have each level: "gold 10 → 8, none 3".
func levels(card *plan.Card) string {
	var parts []string
	for _, l := range card.Levels {
		parts = append(parts, words.Level(l.Name)+" "+change(words.Whole(l.Before), words.Whole(l.After)))
	}
	return strings.Join(parts, ", ")
}

func change(before, after string) string {
	if before == after {
		return before
	}
	return before + " → " + after
}

// outcomes writes how many services have each outcome: "pass 80 → 60, fail 10 → 30".
func outcomes(before, after map[event.Outcome]int) string {
	var parts []string
	for _, o := range event.Outcomes {
		if before[o]+after[o] > 0 {
			parts = append(parts, string(o)+" "+change(words.Whole(before[o]), words.Whole(after[o])))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "counted nowhere")
}

// grade writes how a level and a score move.
func grade(g *plan.Grade) string {
	if g.Before == nil || g.After == nil {
		return g.Why
	}
	text := words.Level(g.Before.Level) + " → " + words.Level(g.After.Level)
	switch g.Direction {
	case plan.Unknown:
		text += " (lost only because of what is not known)"
	case "":
		text = words.Level(g.After.Level) + " stays"
		if g.Before.Level != g.After.Level {
			text = words.Level(g.Before.Level) + " is now called " + words.Level(g.After.Level)
		}
	default:
		text += " (" + string(g.Direction) + ")"
	}
	before := words.Interval(g.Before.Score, g.Before.ScoreHigh)
	after := words.Interval(g.After.Score, g.After.ScoreHigh)
	return text + ", score " + change(before, after)
}

func outcome(o event.Outcome) string { return cmp.Or(string(o), "not counted") }

// move writes how an outcome differs and why.
func move(m *plan.Move) string {
	text := fmt.Sprintf("%s → %s", outcome(m.Before), outcome(m.After))
	if m.Reason != "" {
		text += ": " + m.Reason
	}
	return text + " (" + m.Why + ")"
}

// pending writes what a rule that does not count yet would do.
func pending(r *plan.Pending) string {
	status := r.Status
	if r.From != nil {
		status = "announced for " + r.From.Format(time.DateOnly)
	}
	var parts []string
	for _, o := range event.Outcomes {
		if n := r.Outcomes[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", o, words.Whole(n)))
		}
	}
	return fmt.Sprintf("%s; would be: %s", status, cmp.Or(strings.Join(parts, ", "), "evaluated nowhere"))
}

func team(name string) string { return cmp.Or(name, "without an owner") }

// differing returns how many services have a difference in a team.
func differing(t *plan.Team) int {
	seen := map[string]bool{}
	for i := range t.Grades {
		seen[t.Grades[i].Service] = true
	}
	return len(seen)
}

// pastDays writes on how many days a level would have been another.
func pastDays(days map[plan.Direction]int) string {
	names := map[plan.Direction]string{plan.Falls: "lower", plan.Unknown: "not known", plan.Rises: "higher"}
	var parts []string
	for _, d := range directions {
		if n := days[d]; n > 0 && names[d] != "" {
			parts = append(parts, fmt.Sprintf("%s on %s", names[d], words.Plural(n, "day", "days")))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "the level stays")
}

func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }

// digest says by which rules a scorecard grades, which are compared, and whether any decides otherwise.
func digest(d *plan.Digest) string {
	short := func(text string) string { return text[:min(len(text), 12)] }
	var text string
	switch {
	case d.Base == "":
		text = "new, digest " + short(d.Edited)
	case d.Edited == "":
		text = "removed; its digest was " + short(d.Base)
	case d.Base == d.Edited:
		text = "nothing that decides a grade differs, digest " + short(d.Base)
	default:
		text = fmt.Sprintf("digest %s, compared with %s", short(d.Edited), short(d.Base))
	}
	switch {
	case d.Since == nil:
		return text
	case d.InForce == d.Base:
		return text + ", in force since " + d.Since.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s; the last grades were given by %s, in force since %s", text, short(d.InForce),
		d.Since.Format(time.RFC3339))
}
