package fix

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/repository/pathlock"
)

// maxBody is how many characters the body of a pull request has: GitHub takes 65,536.
const maxBody = 60_000

// Branch is the branch of the pull request of a plan. A repository has one for each golden path and service.
func (p *Plan) Branch() string {
	name := "dxctl/fix-" + p.Path.Name
	if p.Dir == "." {
		return name
	}
	return name + "-" + actions.BranchPart(p.Dir)
}

// PullRequest returns the title and the body of a pull request, in Markdown: the rules that it makes pass with the
// evidence, the grade before and after, what is left to people, and how to decline. What the repository or people wrote
// is shown as code, so that it mentions nobody and formats nothing.
func (p *Plan) PullRequest() (title, body string) {
	title = fmt.Sprintf("Adopt defaults of the golden path %s", p.Path.Name)
	if p.Dir != "." {
		title += " in " + edits.OneLine(p.Dir, maxShown)
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("These changes adopt defaults of the golden path `%s` (version %s) in %s. They are proposed by `dxctl fix`.\n",
		p.Path.Name, cmp.Or(p.Path.Version, "without a number"), quoted(p.Service.Name))
	line("| scorecard | grade |\n| --- | --- |")
	for i, before := range p.Before {
		after := before
		if i < len(p.After) {
			after = p.After[i]
		}
		line("| %s | %s |", cell(before.Title), Movement(before, after))
	}
	p.rulesOf(line, "Rules that pass with these changes", (*Rule).Passes)
	p.rulesOf(line, "Rules that these changes help, and do not decide alone",
		func(r *Rule) bool { return !r.Passes() && len(r.Files) > 0 })
	p.left(line)
	line("\n### To decline\n")
	line("Close this pull request: the same changes are not proposed again. To decline a rule for a time, add it to `%s`; "+
		"`file: PATH` declines a file, and `all: true` everything:\n",
		path.Join(p.Dir, pathlock.File))
	line("```yaml\ndeclined:\n  - rule: RULE\n    reason: why\n    by: you\n    until: 2027-01-31 # the last day\n```\n")
	line("If you commit to this branch, dxctl leaves it alone.")
	body = b.String()
	if runes := []rune(body); len(runes) > maxBody {
		body = string(runes[:maxBody]) + "\n\n… `dxctl fix` shows the rest.\n"
	}
	return title, body
}

func (p *Plan) rulesOf(line func(string, ...any), title string, in func(*Rule) bool) {
	first := true
	for i := range p.Rules {
		r := &p.Rules[i]
		if !in(r) {
			continue
		}
		if first {
			line("\n### %s\n\n| rule | what | before | files |\n| --- | --- | --- | --- |", title)
			first = false
		}
		files := make([]string, len(r.Files))
		for j, f := range r.Files {
			files[j] = quoted(f)
		}
		line("| `%s` | %s | %s: %s | %s |", r.ID, cell(r.Title), r.Before, quoted(r.Reason), strings.Join(files, ", "))
	}
}

// left lists what a person has to decide about the changed files.
func (p *Plan) left(line func(string, ...any)) {
	first := true
	for i := range p.Rules {
		r := &p.Rules[i]
		if len(r.Files) == 0 {
			continue
		}
		for _, a := range r.Asks {
			if first {
				line("\n### Left to you\n")
				first = false
			}
			line("- `%s`: %s", r.ID, quoted(a.String()))
		}
	}
}

// cell is a text of a scorecard in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "@", "&#64;").Replace(text)
}

// maxShown is how many characters of what a repository says are shown in a table or a list.
const maxShown = 300

// quoted is a text as inline code in a table, which mentions nobody.
func quoted(text string) string {
	return code(strings.ReplaceAll(edits.OneLine(text, maxShown), "|", "¦"))
}

// code is a text as inline code, at most maxReason characters of it.
func code(text string) string { return actions.InlineCode(edits.OneLine(text, maxReason)) }
