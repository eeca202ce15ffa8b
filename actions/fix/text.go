package fix

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
)

// Document is a plan as JSON. Lists are never null.
type Document struct {
	actions.Document
	Directory  string     `json:"directory"`
	GoldenPath GoldenPath `json:"golden_path"`
	Before     []Grade    `json:"grades_before"`
	After      []Grade    `json:"grades_after"`
	Rules      []Rule     `json:"rules"`
	Conflicts  []Conflict `json:"conflicts"`
}

// GoldenPath is the golden path of a plan.
type GoldenPath struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Source  string `json:"source"`
	Digest  string `json:"digest"`
}

// Document returns the plan as JSON encodes it.
func (p *Plan) Document() Document {
	return Document{
		Document:  p.Plan.Document(),
		Directory: p.Dir,
		GoldenPath: GoldenPath{
			Name: p.Path.Name, Version: p.Path.Version, Source: p.Path.Origin.Source(), Digest: p.Path.Digest,
		},
		Before:    append([]Grade{}, p.Before...),
		After:     append([]Grade{}, p.After...),
		Rules:     append([]Rule{}, p.Rules...),
		Conflicts: append([]Conflict{}, p.Conflicts...),
	}
}

// WithoutContents returns the document without anything that is in files, for readers who may not see them: the names
// of files and the numbers of their lines that change, and the rules with why there is no patch, as far as that says
// nothing of a file.
func (d Document) WithoutContents() Document {
	d.Document = d.Document.WithoutContents()
	d.Rules = slices.Clone(d.Rules)
	for i := range d.Rules {
		r := &d.Rules[i]
		r.NoPatch, r.Declined = withoutDetail(r.NoPatch), withoutDetail(r.Declined)
		r.Reason, r.Asks = "", []Ask{}
	}
	d.Conflicts = slices.Clone(d.Conflicts)
	for i := range d.Conflicts {
		d.Conflicts[i].Merge, d.Conflicts[i].Reason = "", withoutDetail(d.Conflicts[i].Reason)
	}
	return d
}

// withoutDetail is why there is no patch, without what follows it: that may cite a file.
func withoutDetail(text string) string {
	if i := strings.IndexAny(text, ":;"); i >= 0 {
		return text[:i]
	}
	return text
}

// text writes lines to a writer and keeps its first error.
type text struct {
	w         io.Writer
	printable func(string) string
	err       error
}

func (t *text) line(format string, args ...any) {
	if t.err != nil {
		return
	}
	all := strings.Split(fmt.Sprintf(format, args...), "\n")
	for i := range all {
		all[i] = t.printable(all[i])
	}
	_, t.err = fmt.Fprintln(t.w, strings.Join(all, "\n"))
}

// Group is rules of which the patch does the same.
type Group struct {
	Title string
	Rules []Rule
}

// Groups returns rules by what the patch does about them, without empty groups.
func Groups(rules []Rule) []Group {
	all := []Group{
		{Title: "Passes with the patch"}, {Title: "Patched, and not decided by it alone"},
		{Title: "Passes with the patch of another rule"}, {Title: "Without a patch"}, {Title: "Declined"},
	}
	for i := range rules {
		r, of := rules[i], 0
		if !r.Passes() {
			of++
		}
		if len(r.Files) == 0 {
			of += 2
		}
		if of == 3 && r.Declined != "" {
			of = 4
		}
		all[of].Rules = append(all[of].Rules, r)
	}
	return slices.DeleteFunc(all, func(g Group) bool { return len(g.Rules) == 0 })
}

// WriteText writes the plan for a person: the grades, the rules with their patches, what is left, and the diff.
// printable removes from a line what a terminal would obey.
func (p *Plan) WriteText(w io.Writer, printable func(string) string) error {
	t := &text{w: w, printable: printable}
	t.line("%s: golden path %s (%s)", p.Service.Name, strings.TrimSpace(p.Path.Name+" "+p.Path.Version), p.Path.Origin)
	for i, before := range p.Before {
		after := before
		if i < len(p.After) {
			after = p.After[i]
		}
		t.line("  %-28s %s", before.Title, Movement(before, after))
	}
	for _, g := range Groups(p.Rules) {
		t.line("\n%s", g.Title)
		for i := range g.Rules {
			t.rule(&g.Rules[i])
		}
	}
	if len(p.Conflicts) > 0 {
		t.line("\nConflicts: not written")
		for _, c := range p.Conflicts {
			t.line("  %s: %s", c.Path, c.Reason)
		}
	}
	if len(p.Notes) > 0 {
		t.line("")
	}
	for _, note := range p.Notes {
		t.line("Note: %s", note)
	}
	if p.Changes() && t.err == nil {
		t.line("\n%d files to change:\n", len(p.Files))
		for line := range strings.Lines(p.Diff()) {
			t.line("%s", strings.TrimRight(line, "\r\n"))
		}
	}
	return t.err
}

// Movement says how a grade changes: "silver, score 61 % → gold, score 90 %".
func Movement(before, after Grade) string {
	level := func(g Grade) string { return cmp.Or(g.Level, "no level") }
	score := func(g Grade) string { return fmt.Sprintf("%.0f %%", 100*g.Score) }
	if level(before) == level(after) && score(before) == score(after) {
		return fmt.Sprintf("%s, score %s", level(before), score(before))
	}
	return fmt.Sprintf("%s, score %s → %s, score %s", level(before), score(before), level(after), score(after))
}

func (t *text) rule(r *Rule) {
	state := string(r.Before)
	if r.After != r.Before {
		state += " → " + string(r.After)
	}
	t.line("  %-24s %s (%s)", r.ID, r.Title, state)
	if len(r.Files) > 0 {
		t.line("  %24s %s", "", strings.Join(r.Files, ", "))
		for i, a := range r.Asks {
			if i == 3 {
				t.line("  %24s and %d more to decide", "", len(r.Asks)-i)
				break
			}
			t.line("  %24s left: %s", "", a)
		}
		return
	}
	if r.NoPatch != "" && !r.Passes() {
		t.line("  %24s %s", "", r.NoPatch)
	}
}

// String returns the text with its place.
func (a Ask) String() string {
	if a.Place == "" {
		return a.Text
	}
	return a.Place + ": " + a.Text
}
