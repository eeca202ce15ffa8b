package checks

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// shownPlaces is how many places of a rule a person is shown.
const shownPlaces = 3

// WriteText writes the grades for a person: for each service what fails first, with its places, then what is not known,
// by who would give it. printable replaces what a terminal must not get.
func (g *Grades) WriteText(w io.Writer, printable func(string) string) error {
	t := text{g: g, printable: printable}
	for i := range g.Services {
		if i > 0 {
			t.line("")
		}
		t.service(&g.Services[i])
	}
	if len(g.Problems) > 0 {
		t.line("")
		t.line("Descriptors to correct")
		for _, p := range g.Problems {
			t.line("  %s", p)
		}
	}
	if len(g.Notes) > 0 {
		t.line("")
		for _, note := range g.Notes {
			t.line("Note: %s.", strings.TrimRight(note, "."))
		}
	}
	t.line("")
	t.line("`dxctl grade DIRECTORY --rule ID` explains one rule in full.")
	_, err := io.WriteString(w, t.b.String())
	return err
}

type text struct {
	g         *Grades
	b         strings.Builder
	printable func(string) string
}

func (t *text) line(format string, args ...any) {
	t.b.WriteString(strings.TrimRight(t.printable(fmt.Sprintf(format, args...)), " "))
	t.b.WriteByte('\n')
}

func (t *text) service(s *Service) {
	title := s.Ref
	switch {
	case s.At.Path != "":
		title += "  " + s.At.String()
	case t.g.Root != "":
		title = words.RefName(s.Ref) + "  (no descriptor)"
	}
	t.line("%s", title)
	for _, sentence := range s.LeftOut {
		t.line("  %s", sentence)
	}
	for i := range s.Reports {
		t.report(s, &s.Reports[i])
	}
}

func (t *text) report(s *Service, r *scorecards.Report) {
	t.line("")
	t.line("  %s: %s, score %s, coverage %s", r.Title, words.Level(r.Level), score(r), words.Percent(&r.Coverage))
	if len(r.Next) > 0 {
		var next []string
		for i := range r.Next {
			next = append(next, r.Next[i].Rule)
		}
		t.line("  To %s: %s", r.NextLevel, strings.Join(next, ", "))
	}
	if w := r.WithoutWaivers; w != nil {
		t.line("  Without waivers: %s, score %s", words.Level(w.Level), words.Interval(w.Score, w.ScoreHigh))
	}
	order := t.g.levels(r.Scorecard)
	width := 0
	for i := range r.Results {
		width = max(width, utf8.RuneCountInString(r.Results[i].Level))
	}
	group := func(title string, is func(x *scorecards.Result) bool) {
		var all []*scorecards.Result
		for i := range r.Results {
			if is(&r.Results[i]) {
				all = append(all, &r.Results[i])
			}
		}
		if len(all) == 0 {
			return
		}
		slices.SortStableFunc(all, func(a, b *scorecards.Result) int {
			return slices.Index(order, a.Level) - slices.Index(order, b.Level)
		})
		t.line("")
		t.line("  %s (%d)", title, len(all))
		for _, x := range all {
			t.result(s, r.Scorecard, x, width)
		}
	}
	one := func(o event.Outcome) func(x *scorecards.Result) bool {
		return func(x *scorecards.Result) bool { return x.Outcome == o && (x.Counts() || o != event.Fail) }
	}
	group("FAILS", one(event.Fail))
	group("ERRORS", one(event.ErrorOutcome))
	group("WARNS", one(event.Warn))
	group("WILL FAIL", func(x *scorecards.Result) bool { return x.Outcome == event.Fail && !x.Counts() })
	group("FOR A PERSON TO CHECK", one(event.NeedsReview))
	group("WAIVED", one(event.Waived))
	t.unknown(s, r)
	t.rest(r)
}

// score returns the interval of the score: "62 %", or "62 % to 80 %" if something is not known.
func score(r *scorecards.Report) string {
	if low, high := words.Percent(&r.Score), words.Percent(&r.ScoreHigh); low != high {
		return low + " to " + high
	}
	return words.Percent(&r.Score)
}

// result writes a rule, its places or its reason, and the first line of what to do.
func (t *text) result(s *Service, card string, x *scorecards.Result, width int) {
	pad := strings.Repeat(" ", max(width-utf8.RuneCountInString(x.Level), 0))
	t.line("    %s%s  %s  %s", x.Level, pad, x.Rule, x.Title)
	indent := strings.Repeat(" ", width+6)
	places, more := t.g.Places(s, card, x)
	if x.Outcome == event.Waived { // by whom and until when matters more than where
		t.line("%s%s", indent, x.Reason)
		return
	}
	if !x.Counts() {
		t.line("%scounts from %s", indent, words.Day(x.Announced))
	}
	if len(places) == 0 {
		t.line("%s%s", indent, x.Reason)
	}
	column := 0
	for _, p := range places[:min(len(places), shownPlaces)] {
		column = max(column, utf8.RuneCountInString(p.String()))
	}
	for i, p := range places {
		if i == shownPlaces {
			if more == "" {
				more = fmt.Sprintf("… and %d more", len(places)-shownPlaces)
			} else {
				more = fmt.Sprintf("… and more than %d more", len(places)-shownPlaces)
			}
			t.line("%s%s", indent, more)
			break
		}
		at := p.String()
		t.line("%s%s%s  %s", indent, at, strings.Repeat(" ", max(column-utf8.RuneCountInString(at), 0)), p.Text)
	}
	if fix, more, _ := strings.Cut(strings.TrimSpace(x.Fix), "\n"); fix != "" && x.Outcome != event.ErrorOutcome {
		if more != "" {
			fix += " …"
		}
		t.line("%s→ %s", indent, fix)
	}
}

func (t *text) unknown(s *Service, r *scorecards.Report) {
	order, rules := t.g.sources(s, r)
	if len(order) == 0 {
		return
	}
	count := map[string]bool{}
	for _, list := range rules {
		for _, rule := range list {
			count[rule] = true
		}
	}
	t.line("")
	t.line("  NOT KNOWN (%d)", len(count))
	for _, source := range order {
		t.line("    %s", source)
		t.line("      %s", strings.Join(rules[source], ", "))
	}
}

// rest writes how many rules need no attention.
func (t *text) rest(r *scorecards.Report) {
	var parts []string
	for _, one := range []struct {
		outcome event.Outcome
		word    string
	}{{event.Pass, "pass"}, {event.Waived, "are waived"}, {event.NotApplicable, "do not apply"}} {
		if n := r.Counts[one.outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, one.word))
		}
	}
	if len(parts) > 0 {
		t.line("")
		t.line("  %s", strings.Join(parts, ", "))
	}
}
