package checks

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/spelling"
)

// HasRules returns an error if no scorecard has a rule with one of the ids.
func (g *Grades) HasRules(ids []string) error {
	var known []string
	for i := range g.Cards {
		for k := range g.Cards[i].Rules {
			known = append(known, g.Cards[i].Rules[k].ID)
		}
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return fmt.Errorf("--rule %s: unknown rule%s", id, spelling.Hint(id, known))
		}
	}
	return nil
}

// WriteRules writes everything about the results of some rules, for a person. printable replaces what a terminal must
// not get.
func (g *Grades) WriteRules(w io.Writer, ids []string, printable func(string) string) error {
	t := text{g: g, printable: printable}
	for i := range g.Services {
		s := &g.Services[i]
		for _, r := range s.Reports {
			for k := range r.Results {
				if slices.Contains(ids, r.Results[k].Rule) {
					t.rule(s, r.Scorecard, &r.Results[k])
				}
			}
		}
	}
	if t.b.Len() == 0 {
		t.line("No service here is graded by %s: its scorecard leaves them out, or it is in draft or retired.",
			strings.Join(ids, ", "))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

// rule writes one result in full.
func (t *text) rule(s *Service, card string, r *scorecards.Result) {
	if t.b.Len() > 0 {
		t.line("")
	}
	t.line("%s  %s/%s", s.Ref, card, r.Rule)
	t.line("%s (%s, version %d): %s", r.Title, r.Level, r.Version, r.Outcome)
	t.line("  %s", r.Reason)
	if !r.Announced.IsZero() {
		t.line("  Announced: it counts from %s.", r.Announced.Format("2 January 2006"))
	}
	t.paragraph("Why", r.Why)
	t.paragraph("Fix ("+r.Effort+")", r.Fix)
	t.paragraph("Passes if", r.Expression())
	if places, more := t.g.Places(s, card, r); len(places) > 0 {
		lines := make([]string, len(places))
		for i, p := range places {
			lines[i] = p.String() + "  " + p.Text
		}
		t.paragraph("Places", strings.Join(append(lines, more), "\n"))
	}
	var used []string
	for _, f := range r.FactsUsed() {
		line := f.Name + ": " + cmp.Or(f.Error, f.Value)
		if !f.ObservedAt.IsZero() {
			line += fmt.Sprintf(" (%s, %s)", f.Source, f.ObservedAt.UTC().Format(time.RFC3339))
		}
		used = append(used, line)
	}
	t.paragraph("Facts", strings.Join(used, "\n"))
	var links []string
	for _, l := range r.Links {
		links = append(links, l.Title+": "+l.URL)
	}
	t.paragraph("Links", strings.Join(links, "\n"))
}

// paragraph writes a titled text with its lines indented; nothing for "".
func (t *text) paragraph(title, body string) {
	body = strings.TrimSpace(body)
	if body == "" {
		return
	}
	t.line("")
	t.line("  %s", title)
	for line := range strings.Lines(body) {
		t.line("    %s", strings.TrimRight(line, "\n"))
	}
}
