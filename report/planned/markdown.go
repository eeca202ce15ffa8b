package planned

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/plan"
)

// MaxMarkdown is how many characters Markdown writes at most. A comment on GitHub may have 65,536.
const MaxMarkdown = 60_000

// Marker is the first line of the Markdown, by which a later plan finds the comment that it replaces.
const Marker = "<!-- dxctl rules plan -->"

// Markdown writes a plan for a comment on a pull request: totals first, and as many teams as fit.
func Markdown(p *plan.Plan) string {
	m := &markdown{}
	m.add(Marker + "\n")
	m.add(fmt.Sprintf("### Plan of the scorecards: %s\n\n", m.text(Headline(p))))
	m.add("| | falls | becomes unknown | rises | otherwise |\n|---|---:|---:|---:|---:|\n" +
		row("levels", p.Totals.Levels) + row("rules", p.Totals.Rules) + "\n")
	m.add(fmt.Sprintf("Facts of %s. Edited: %s; compared with %s.\n", p.At.Format(time.RFC3339),
		m.bounded(p.Files, 20), m.text(p.Base)))
	if len(p.Kept) > 0 {
		m.add("Scorecards that are not among the edited files stay as they are: " + m.bounded(p.Kept, 20) + ".\n")
	}
	for i := range p.Digests {
		m.add("\nRules of **" + m.text(p.Digests[i].Scorecard) + "**: " + m.text(digest(&p.Digests[i])) + ".\n")
	}
	for _, note := range p.Notes {
		m.add("\n> " + m.text(note) + "\n")
	}
	m.rules(p)
	if p.Would != nil {
		m.would(p.Would)
	}
	if p.Past != nil {
		m.past(p.Past)
	}
	m.teams(p)
	return m.b.String()
}

// reserve is kept free for the lines that say how much is left out.
const reserve = 1_000

type markdown struct {
	b    strings.Builder
	size int // characters
}

// add appends a text if it fits.
func (m *markdown) add(text string) bool {
	n := utf8.RuneCountInString(text)
	if m.size+n > MaxMarkdown-reserve {
		return false
	}
	m.size += n
	m.b.WriteString(text)
	return true
}

// end appends what must be there, in the space that is reserved.
func (m *markdown) end(text string) {
	m.size += utf8.RuneCountInString(text)
	m.b.WriteString(text)
}

// list appends n entries, up to a share of all characters, and how many are left out.
func (m *markdown) list(n, characters int, one, many string, entry func(i int) string) {
	until := min(m.size+characters, MaxMarkdown-reserve)
	for i := range n {
		text := entry(i)
		if m.size+utf8.RuneCountInString(text) > until || !m.add(text) {
			m.end(fmt.Sprintf("\n… and %s; `dxctl rules plan -o json` lists all.\n",
				words.Plural(n-i, "more "+one, "more "+many)))
			return
		}
	}
}

// escaper takes their meaning from characters of Markdown and HTML, so that a reason cannot add a link, an image or a
// mention of somebody. GitHub looks for mentions and links after escapes are resolved: U+200B ends them.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`,
	"[", `\[`, "]", `\]`, "~", `\~`, `\`, `\\`, "@", "@\u200b", "#", "#\u200b", "://", ":\u200b//", "www.", "www\u200b.",
	"\n", " ", "\r", " ")

const (
	longestText = 400   // characters of a cell or a line
	longestTeam = 6_000 // bytes of a team after which no further grade is written
)

func (m *markdown) text(s string) string {
	if utf8.RuneCountInString(s) > longestText {
		s = string([]rune(s)[:longestText]) + "…"
	}
	return escaper.Replace(s)
}

func (m *markdown) bounded(names []string, most int) string {
	var parts []string
	for i, name := range names {
		if i == most {
			parts = append(parts, fmt.Sprintf("… %d more", len(names)-most))
			break
		}
		parts = append(parts, m.text(name))
	}
	return strings.Join(parts, ", ")
}

func row(name string, counts map[plan.Direction]int) string {
	cells := []string{name}
	for _, d := range directions {
		cells = append(cells, words.Whole(counts[d]))
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func (m *markdown) rules(p *plan.Plan) {
	if len(p.Cards) > 0 {
		m.add("\n#### Scorecards\n\n")
	}
	m.list(len(p.Cards), 6_000, "scorecard", "scorecards", func(i int) string {
		c := &p.Cards[i]
		text := "- **" + m.text(c.Name) + "** " + m.text(levels(c))
		if len(c.Changes) > 0 {
			text += " (" + m.text(strings.Join(c.Changes, "; ")) + ")"
		}
		return text + "\n"
	})
	if len(p.Rules) > 0 {
		m.add("\n#### Rules\n\n| rule | what is different | moves | outcomes |\n|---|---|---|---|\n")
	}
	m.list(len(p.Rules), 12_000, "rule", "rules", func(i int) string {
		r := &p.Rules[i]
		return fmt.Sprintf("| %s | %s | %s | %s |\n", m.text(r.Scorecard+"/"+r.Rule), m.text(strings.Join(r.Changes, "; ")),
			m.text(moves(r.Moves)), m.text(outcomes(r.Before, r.After)))
	})
}

func (m *markdown) teams(p *plan.Plan) {
	if len(p.Teams) == 0 {
		return
	}
	m.add("\n#### Teams\n\n")
	m.list(len(p.Teams), MaxMarkdown, "team", "teams", func(i int) string {
		t := &p.Teams[i]
		var b strings.Builder
		fmt.Fprintf(&b, "<details><summary><b>%s</b>: %s, in %s</summary>\n\n", m.text(team(t.Name)), m.text(moves(t.Moves)),
			words.Plural(differing(t), "service", "services"))
		for j := range t.Grades {
			if b.Len() > longestTeam {
				fmt.Fprintf(&b, "- … and %s\n", words.Plural(len(t.Grades)-j, "more grade", "more grades"))
				break
			}
			m.grade(&b, &t.Grades[j])
		}
		b.WriteString("\n</details>\n\n")
		return b.String()
	})
}

func (m *markdown) grade(b *strings.Builder, g *plan.Grade) {
	fmt.Fprintf(b, "- **%s**, %s: %s\n", m.text(words.RefName(g.Service)), m.text(g.Scorecard), m.text(grade(g)))
	for i := range g.Rules {
		if i == rulesShown {
			fmt.Fprintf(b, "  - … and %s\n", words.Plural(len(g.Rules)-i, "more rule", "more rules"))
			break
		}
		r := &g.Rules[i]
		fmt.Fprintf(b, "  - %s: %s %s\n", r.Direction, m.text(r.Rule), m.text(move(r)))
	}
	for i, missing := range g.Missing {
		if len(g.Rules) == 0 && i < rulesShown {
			fmt.Fprintf(b, "  - lacks %s\n", m.text(missing))
		}
	}
}

func (m *markdown) would(w *plan.Would) {
	m.add("\n#### Drafts and announced rules, which count in no grade yet\n\n")
	m.list(len(w.Rules), 6_000, "rule", "rules", func(i int) string {
		r := &w.Rules[i]
		return fmt.Sprintf("- **%s** %s\n", m.text(r.Scorecard+"/"+r.Rule), m.text(pending(r)))
	})
	for _, card := range sortedKeys(w.Levels) {
		m.add(fmt.Sprintf("\nWith all of them in force, %s would have a lower level of %s.\n",
			words.Plural(w.Levels[card], "service", "services"), m.text(card)))
	}
}

func (m *markdown) past(p *plan.Past) {
	m.add(fmt.Sprintf("\n#### %s from %s to %s\n\nBy the edited rules, %s would have been graded otherwise. Drafts and "+
		"announced rules are taken as enforced. %s\n\n", words.Plural(p.Days, "past day", "past days"),
		p.From.Format(time.DateOnly), p.To.Format(time.DateOnly), words.Plural(len(p.Moved), "service", "services"),
		m.text(p.Note)))
	m.list(len(p.Rules), 4_000, "rule", "rules", func(i int) string {
		r := &p.Rules[i]
		return fmt.Sprintf("- **%s** in %s; days of services: %s\n", m.text(r.Scorecard+"/"+r.Rule),
			words.Plural(r.Services, "service", "services"), m.text(moves(r.Days)))
	})
	m.list(len(p.Moved), 8_000, "service", "services", func(i int) string {
		g := &p.Moved[i]
		return fmt.Sprintf("- %s (%s), %s: %s\n", m.text(words.RefName(g.Service)), m.text(team(g.Team)), m.text(g.Scorecard),
			m.text(pastDays(g.Days)))
	})
}
