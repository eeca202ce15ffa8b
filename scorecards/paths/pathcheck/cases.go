package pathcheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/strictyaml"
)

// The files of a case.
const (
	answersFile = "answers.yaml"
	beforeDir   = "before"
	afterDir    = "after"
)

const (
	maxCases     = 200
	maxAnswers   = 64 << 10
	maxProblems  = 50
	maxDiffLines = 20
)

// Fixer returns what a directory holds after the golden path was adopted in it, without the lock file.
type Fixer func(ctx context.Context, p *paths.Path, a paths.Answers, before paths.Tree) (paths.Tree, error)

// Cases are what the tests of a golden path need from outside.
type Cases struct {
	Scorecards scorecards.Set
	Defaults   paths.Defaults
	Fix        Fixer
	Now        time.Time
	// Update is called with the files that a case results in, instead of comparing them with its after/; nil compares.
	Update func(name string, after paths.Tree) error
}

// The kinds of cases.
const (
	Create = "create" // without before/: a service is created
	Adopt  = "fix"    // with before/: an older repository is fixed
)

// Result is what a case found.
type Result struct {
	Case     string
	Kind     string // Create or Adopt
	Problems []string
	Notes    []string
}

// Run runs the cases in tests/ of a golden path, or those with the names. A path without cases is rendered once, with
// sample answers. The error is that the cases cannot be read.
func (c *Cases) Run(ctx context.Context, p *paths.Path, only []string) ([]Result, error) {
	tests, err := fs.Sub(p.FS(), paths.TestsDir)
	if err != nil {
		return nil, fmt.Errorf("reading the tests: %w", err)
	}
	names, err := caseNames(tests)
	if err != nil {
		return nil, err
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("the golden path has no case %q; its cases: %s", name, strings.Join(names, ", "))
		}
	}
	var results []Result
	if len(names) == 0 {
		r := Result{Case: "sample answers", Kind: Create}
		r.note("the path has no cases; write %s/NAME/%s", paths.TestsDir, answersFile)
		if samples, without := p.Samples(); len(without) > 0 {
			r.fail("no sample answer was found to %s", strings.Join(without, ", "))
		} else if tree := c.create(ctx, &r, p, samples); tree == nil && len(r.Problems) == 0 {
			r.fail("nothing was created")
		}
		return []Result{r}, nil
	}
	for _, name := range names {
		if len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		sub, err := fs.Sub(tests, name)
		if err != nil {
			return nil, fmt.Errorf("reading case %s: %w", name, err)
		}
		results = append(results, c.run(ctx, p, name, sub))
	}
	return results, nil
}

func caseNames(tests fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(tests, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the directory %s: %w", paths.TestsDir, err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	if len(names) > maxCases {
		return nil, fmt.Errorf("%d cases; at most %d are supported", len(names), maxCases)
	}
	return names, nil
}

func (r *Result) fail(format string, args ...any) {
	switch {
	case len(r.Problems) < maxProblems:
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	case len(r.Problems) == maxProblems:
		r.Problems = append(r.Problems, "there are more")
	}
}

func (r *Result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// run runs a case.
func (c *Cases) run(ctx context.Context, p *paths.Path, name string, files fs.FS) Result {
	r := Result{Case: name, Kind: Create}
	answers, places, err := readAnswers(files, p.At(path.Join(paths.TestsDir, name, answersFile)))
	if err != nil {
		r.fail("%v", err)
		return r
	}
	var result paths.Tree
	before, err := paths.ReadTree(files, beforeDir)
	switch {
	case err == nil:
		r.Kind = Adopt
		result = c.adopt(ctx, &r, p, answers, before)
	case errors.Is(err, fs.ErrNotExist):
		if places.check(&r, p, answers) {
			result = c.create(ctx, &r, p, answers)
		}
	default:
		r.fail("reading %s: %v", beforeDir, err)
	}
	if result == nil {
		return r
	}
	if c.Update != nil {
		if err := c.Update(name, result); err != nil {
			r.fail("%v", err)
		}
		return r
	}
	after, err := paths.ReadTree(files, afterDir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.Kind == Create:
		r.note("the case has no %s/, so that only the rules are checked; --update writes it", afterDir)
	case errors.Is(err, fs.ErrNotExist):
		r.fail("the case has no %s/; --update writes it", afterDir)
	case err != nil:
		r.fail("reading %s: %v", afterDir, err)
	default:
		r.compare(after, result)
	}
	return r
}

// answerPlaces are where the answers of a case are written.
type answerPlaces struct {
	file  string // as people know it
	where strictyaml.Positions
}

// check reports mistakes in the answers of a case, with their places.
func (a answerPlaces) check(r *Result, p *paths.Path, answers paths.Answers) bool {
	for _, m := range unwrapped(p.Check(answers)) {
		place := a.file
		wrong, ok := errors.AsType[paths.AnswerError](m)
		if name := strings.Trim(wrong.Question, `"`); ok && a.where.Has(name) {
			line, _ := a.where.Place(name)
			place = fmt.Sprintf("%s:%d", a.file, line)
		}
		r.fail("%s: %v", place, m)
	}
	return len(r.Problems) == 0
}

// unwrapped returns the errors that an error joins.
func unwrapped(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}

// readAnswers reads the answers of a case, a mapping of questions to texts; none without the file. shown is the name of
// the file as people know it.
func readAnswers(files fs.FS, shown string) (paths.Answers, answerPlaces, error) {
	places := answerPlaces{file: shown}
	answers := paths.Answers{}
	data, err := paths.ReadFile(files, answersFile, maxAnswers)
	if errors.Is(err, fs.ErrNotExist) {
		return answers, places, nil
	}
	if err != nil {
		return nil, places, fmt.Errorf("reading %s: %w", shown, err)
	}
	docs, err := strictyaml.Read(shown, data)
	if err != nil || len(docs) == 0 {
		return answers, places, err
	}
	if len(docs) > 1 {
		return nil, places, strictyaml.Mistake{File: shown, Line: docs[1].Root.Line,
			Message: "the file has several YAML documents; keep only the first one"}
	}
	if err := docs[0].RefuseAliases(); err != nil {
		return nil, places, err
	}
	places.where, err = docs[0].Decode(&answers)
	return answers, places, err
}

// create renders a service and grades it; nil if it could not be rendered.
func (c *Cases) create(ctx context.Context, r *Result, p *paths.Path, a paths.Answers) paths.Tree {
	if len(p.Templates()) == 0 {
		r.fail("the path has no files in %s, from which a service is created; `dxctl path new` copies those of another golden "+
			"path", p.At(paths.TemplateDir))
		return nil
	}
	tree, err := p.Render(a, c.Defaults)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			r.fail("%s", line)
		}
		return nil
	}
	set, err := Set(p, c.Scorecards)
	if err != nil {
		r.fail("%v", err)
		return nil
	}
	verdicts, err := Grade(ctx, tree, p.Lock(a, c.Defaults, tree), set, c.Now)
	if err != nil {
		r.fail("%v", err)
		return nil
	}
	for i := range verdicts {
		v := &verdicts[i]
		switch wrong := v.Wrong(); {
		case wrong == "":
		case v.Outcome == event.Warn:
			r.note("%s", wrong)
		default:
			r.fail("the created service does not pass: %s", wrong)
		}
	}
	return tree
}

// adopt fixes a repository; nil if it could not be done.
func (c *Cases) adopt(ctx context.Context, r *Result, p *paths.Path, a paths.Answers, before paths.Tree) paths.Tree {
	if c.Fix == nil {
		r.fail("the case has %s/, and repositories cannot be fixed here", beforeDir)
		return nil
	}
	tree, err := c.Fix(ctx, p, a, before)
	if err != nil {
		r.fail("%v", err)
		return nil
	}
	return tree
}

// compare reports how the files of a case differ from those that it expects.
func (r *Result) compare(want, got paths.Tree) {
	for _, f := range want {
		found, ok := got.File(f.Path)
		switch {
		case !ok:
			r.fail("%s is missing", f.Path)
		case found.Executable != f.Executable:
			r.fail("%s is executable: %t, expected %t", f.Path, found.Executable, f.Executable)
		case !bytes.Equal(found.Content, f.Content):
			r.fail("%s differs:\n%s", f.Path, difference(f, found))
		}
	}
	for _, f := range got {
		if _, ok := want.File(f.Path); !ok {
			r.fail("%s is not expected", f.Path)
		}
	}
}

// difference returns the beginning of a unified diff.
func difference(want, got paths.File) string {
	text := udiff.Unified("expected/"+want.Path, "found/"+got.Path, string(want.Content), string(got.Content))
	lines := strings.SplitAfter(text, "\n")
	if len(lines) > maxDiffLines {
		lines = append(lines[:maxDiffLines], "…")
	}
	return strings.TrimSuffix(strings.Join(lines, ""), "\n")
}
