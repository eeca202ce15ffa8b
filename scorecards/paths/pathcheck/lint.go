package pathcheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/workflow"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/strictyaml"
)

// Options are what the linter cannot find in the golden path.
type Options struct {
	// Scorecards are those that the path may follow, besides its own.
	Scorecards scorecards.Set
	// Edits are the names of the edits that fixes may use.
	Edits []string
}

// Findings are what is wrong with a golden path.
type Findings struct {
	Errors   []strictyaml.Mistake
	Warnings []strictyaml.Mistake
}

// Lint returns what is wrong with a golden path, in the order of files and lines.
func Lint(ctx context.Context, p *paths.Path, o Options) (Findings, error) {
	l := linter{p: p, o: o}
	l.scorecards()
	l.description()
	l.questions()
	l.render()
	if len(l.trees) > 0 {
		l.fixes()
		if err := l.workflows(ctx); err != nil {
			return l.found, err
		}
		l.quotes()
	}
	l.found.Errors = inOrder(l.found.Errors)
	l.found.Warnings = inOrder(l.found.Warnings)
	return l.found, nil
}

// inOrder sorts mistakes by their place and drops those that repeat.
func inOrder(mistakes []strictyaml.Mistake) []strictyaml.Mistake {
	slices.SortStableFunc(mistakes, func(a, b strictyaml.Mistake) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return slices.CompactFunc(mistakes, func(a, b strictyaml.Mistake) bool {
		return a.File == b.File && a.Line == b.Line && a.Message == b.Message
	})
}

type linter struct {
	p       *paths.Path
	o       Options
	found   Findings
	rules   []string
	samples paths.Answers
	trees   []paths.Tree // one for each combination of the parts of infrastructure
	// reported are the questions and files about which quotes were reported.
	reported []string
}

func (l *linter) fail(file string, line int, format string, args ...any) {
	l.found.Errors = append(l.found.Errors, strictyaml.Mistake{
		File: l.p.At(file), Line: line, Message: fmt.Sprintf(format, args...),
	})
}

func (l *linter) warn(file string, line int, format string, args ...any) {
	l.found.Warnings = append(l.found.Warnings, strictyaml.Mistake{
		File: l.p.At(file), Line: line, Message: fmt.Sprintf(format, args...),
	})
}

// add adds the mistakes that err joins, also those that are none of a place.
func (l *linter) add(err error) {
	l.found.Errors = append(l.found.Errors, strictyaml.Mistakes(err)...)
}

func (l *linter) scorecards() {
	set, err := Set(l.p, l.o.Scorecards)
	var problems scorecards.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			l.found.Errors = append(l.found.Errors, strictyaml.Mistake{
				File: p.File, Line: p.Line, Column: p.Column, Message: p.Message,
			})
		}
	}
	for _, m := range strictyaml.Mistakes(err) {
		if m.File != "" {
			l.found.Errors = append(l.found.Errors, m)
		}
	}
	for i := range set.Cards {
		for j := range set.Cards[i].Rules {
			l.rules = append(l.rules, set.Cards[i].Rules[j].ID)
		}
	}
}

func (l *linter) description() {
	if l.p.Version == "" {
		l.warn(paths.DescriptionFile, 0, "the path has no version; lock files then tell versions apart by digest only")
	}
	if l.p.Description == "" {
		l.warn(paths.DescriptionFile, 0, "the path has no description, by which people choose one")
	}
	if len(l.p.Templates()) == 0 {
		l.warn(paths.TemplateDir, 0, "the path has no files, so that no service can be created from it; "+
			"`dxctl path new` copies those of another golden path, also next to a %s of yours", paths.DescriptionFile)
	}
}

// questions reports questions that nothing asks for.
func (l *linter) questions() {
	for _, q := range l.p.Decided() {
		l.found.Warnings = append(l.found.Warnings, strictyaml.Mistake{File: q.File, Line: q.Line, Message: fmt.Sprintf(
			"question %s is not asked, because %s has a value for it", q.Name, paths.DescriptionFile)})
	}
	for i := range l.p.Questions {
		q := &l.p.Questions[i]
		if q.InSpec || len(l.p.Uses(q.Name)) > 0 {
			continue
		}
		l.found.Errors = append(l.found.Errors, strictyaml.Mistake{File: q.File, Line: q.Line, Message: fmt.Sprintf(
			"question %s is used neither in %s nor in a template; remove it, or use it", q.Name, paths.DescriptionFile)})
	}
}

// combinations bounds how many combinations of choices are rendered.
const combinations = 64

// render renders the path with every combination of the values that it supports.
func (l *linter) render() {
	samples, without := l.p.Samples()
	for _, name := range without {
		q, _ := l.p.Question(name)
		l.found.Errors = append(l.found.Errors, strictyaml.Mistake{File: q.File, Line: q.Line, Message: fmt.Sprintf(
			"no answer to question %s was found that matches %s; give it a default", name, q.Pattern)})
	}
	if len(without) > 0 {
		return
	}
	l.samples = samples
	for _, a := range choices(l.p, samples) {
		tree, err := l.p.Render(a, l.defaults())
		if err != nil {
			l.add(err)
			continue
		}
		l.trees = append(l.trees, tree)
	}
}

// choices returns the answers with every combination of the choices, as far as there are not too many.
func choices(p *paths.Path, samples paths.Answers) []paths.Answers {
	all := []paths.Answers{samples}
	for i := range p.Questions {
		q := &p.Questions[i]
		if len(q.Choices) < 2 || len(all)*len(q.Choices) > combinations {
			continue
		}
		var more []paths.Answers
		for _, a := range all {
			for _, c := range q.Choices {
				one := paths.Answers{q.Name: c}
				for name, text := range a {
					if name != q.Name {
						one[name] = text
					}
				}
				more = append(more, one)
			}
		}
		all = more
	}
	return all
}

// defaults sets those defaults that templates have no value of their own for.
func (l *linter) defaults() paths.Defaults {
	d := paths.Defaults{
		Registry: "registry.example/team", Runner: paths.Labels{"ubuntu-latest"}, CloudIdentity: "role",
		PackageMirror: "https://packages.example", BaseImages: map[string]string{},
	}
	for _, name := range l.p.BaseImages() {
		d.BaseImages[name] = "registry.example/base/" + name + ":1"
	}
	return d
}

func (l *linter) fixes() {
	for _, f := range l.p.Fixes {
		if !slices.Contains(l.rules, f.Rule) {
			l.fail(paths.FilesFile, f.Line, "no scorecard of the path has a rule %q%s", f.Rule, spelling.Hint(f.Rule, l.rules))
		}
		if f.Edit != "" && l.o.Edits != nil && !slices.Contains(l.o.Edits, f.Edit) {
			l.fail(paths.FilesFile, f.Line, "there is no edit %q%s", f.Edit, spelling.Hint(f.Edit, l.o.Edits))
		}
		for _, name := range f.Files {
			if !l.results(name) {
				l.fail(paths.FilesFile, f.Line, "no template has the result %q%s", name, spelling.Hint(name, l.names()))
			}
		}
	}
	for _, m := range l.p.UnmatchedModes(l.names()) {
		l.warn(paths.FilesFile, m.Line, "no file of the path matches %q", m.Path)
	}
}

func (l *linter) results(name string) bool {
	return slices.ContainsFunc(l.trees, func(t paths.Tree) bool {
		_, ok := t.File(name)
		return ok
	})
}

// names returns the paths of all results.
func (l *linter) names() []string {
	var all []string
	for _, t := range l.trees {
		for _, f := range t {
			all = append(all, f.Path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// workflows checks the workflows and composite actions that are created.
func (l *linter) workflows(ctx context.Context) error {
	for _, rendered := range l.trees {
		fsys, err := Files(rendered, nil)
		if err != nil {
			return err
		}
		listed, err := tree.List(ctx, fsys, tree.Limits{})
		if err != nil {
			return fmt.Errorf("reading the created files: %w", err)
		}
		set := workflow.Read(listed)
		for _, p := range set.Unreadable {
			l.failAt(rendered, p.At.Path, "", "%s", p.Reason)
		}
		for i := range set.Workflows {
			for j := range set.Workflows[i].Jobs {
				job := &set.Workflows[i].Jobs[j]
				l.use(rendered, set.Workflows[i].Path, job.Uses)
				l.steps(rendered, set.Workflows[i].Path, job.Steps)
			}
		}
		for i := range set.Actions {
			l.steps(rendered, set.Actions[i].Path, set.Actions[i].Steps)
		}
	}
	return nil
}

// failAt reports a mistake in a result: at the line of the template that holds a text.
func (l *linter) failAt(rendered paths.Tree, name, text, format string, args ...any) {
	f, _ := rendered.File(name)
	line := 0
	if data, ok := l.p.Template(f.Source); ok && text != "" {
		if before, _, found := strings.Cut(string(data), text); found {
			line = 1 + strings.Count(before, "\n")
		}
	}
	l.fail(paths.TemplateDir+"/"+f.Source, line, format, args...)
}

// chosen matches expressions whose value somebody outside can choose.
var chosen = regexp.MustCompile(`\$\{\{[^}]*\b(inputs\b|github\.event\b|github\.head_ref\b|github\.ref_name\b)[^}]*\}\}`)

func (l *linter) steps(rendered paths.Tree, name string, steps []workflow.Step) {
	for i := range steps {
		s := &steps[i]
		l.use(rendered, name, s.Uses)
		for line := range strings.SplitSeq(s.Run, "\n") {
			if match := chosen.FindString(line); match != "" {
				l.failAt(rendered, name, match, "a script has %s, whose value others choose; pass it in env and write it as "+
					`"$NAME"`, match)
			}
		}
		for _, injection := range s.Injections {
			if chosen.MatchString("${{ " + injection.Expression + " }}") {
				continue
			}
			l.failAt(rendered, name, injection.Expression, "a script has ${{ %s }}, whose value anybody can choose; pass it in "+
				`env and write it as "$NAME"`, injection.Expression)
		}
	}
}

// use checks that an action is pinned by the commit that actions.yaml lists.
func (l *linter) use(rendered paths.Tree, name string, u *workflow.Use) {
	if u == nil || u.Pin == workflow.PinLocal || u.Pin == workflow.PinDigest {
		return
	}
	i := slices.IndexFunc(l.p.Actions, func(a paths.Action) bool { return strings.EqualFold(a.Name, u.Action) })
	switch {
	case u.Pin != workflow.PinCommit:
		l.failAt(rendered, name, u.Text, "%s is not pinned by a commit, and its version can be moved; write uses: %s@ with "+
			"the commit that %s lists", u.Text, u.Action, paths.ActionsFile)
	case i < 0:
		l.failAt(rendered, name, u.Text, "action %s is not in %s; list it with tag and commit", u.Action, paths.ActionsFile)
	case !slices.ContainsFunc(l.p.Actions, func(a paths.Action) bool {
		return strings.EqualFold(a.Name, u.Action) && a.Commit == u.Ref
	}):
		l.failAt(rendered, name, u.Text, "%s is not the commit of %s in %s (%s, %s)", u.Ref, u.Action, paths.ActionsFile,
			l.p.Actions[i].Tag, l.p.Actions[i].Commit)
	case !slices.ContainsFunc(l.p.Actions, func(a paths.Action) bool {
		return a.Commit == u.Ref && strings.HasPrefix(u.Comment, a.Tag)
	}):
		l.failAt(rendered, name, u.Text, "the comment behind %s does not name its tag, %s", u.Text, l.p.Actions[i].Tag)
	}
}
