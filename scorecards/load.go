package scorecards

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
)

//go:embed builtin
var builtIn embed.FS

// builtInCards are the scorecards that are used when none is configured, in the order in which they are shown.
var builtInCards = []string{"production-readiness", "delivery", "developer-experience"}

// Builtin returns the built-in scorecards: a directory each, to be read or copied.
func Builtin() fs.FS {
	sub, err := fs.Sub(builtIn, "builtin")
	if err != nil {
		return builtIn // cannot happen: the directory is part of the program
	}
	return sub
}

// maxFileBytes bounds the size of a file with scorecards.
const maxFileBytes = 4 << 20

// Load reads the scorecards that cfg names, relative to baseDir; the built-in ones too if cfg says so, or where none is
// named or no file matches. It checks everything, expressions too. A scorecard with mistakes is in Broken and takes no
// other one down; the error is about cfg itself.
func Load(cfg Config, baseDir string) (Set, error) {
	if err := cfg.Validate(); err != nil {
		return Set{}, err
	}
	l := loader{declared: cfg.Declared}
	seen := map[string]bool{}
	for _, name := range cfg.Files {
		found, err := files.Glob(name, baseDir)
		if err != nil {
			l.broken(name, Problems{{File: "scorecards.files", Message: err.Error()}})
			l.read = append(l.read, File{Name: name})
			continue
		}
		for _, file := range found {
			if !seen[file] { // two patterns may match one file
				seen[file] = true
				l.file(file, shownName(file, baseDir))
			}
		}
	}
	if cfg.Builtin || len(l.set.Cards) == 0 && len(l.set.Broken) == 0 {
		if err := l.builtin(); err != nil {
			return Set{}, err
		}
	}
	l.set.Files = l.read
	return l.set.resolved(), nil
}

// builtin adds the built-in scorecards whose names no file has.
func (l *loader) builtin() error {
	for _, card := range builtInCards {
		if l.set.has(card) {
			continue
		}
		name := path.Join(card, "scorecard.yaml")
		data, err := fs.ReadFile(Builtin(), name)
		if err != nil {
			return fmt.Errorf("reading the built-in scorecard %s: %w", name, err)
		}
		l.read = append(l.read, File{"built-in:" + name, data})
		l.parse(data, "built-in:"+name)
	}
	return nil
}

// has reports whether a scorecard of a name was read, even if it has mistakes.
func (s *Set) has(name string) bool {
	return slices.ContainsFunc(s.Cards, func(c Scorecard) bool { return c.Name == name }) ||
		slices.ContainsFunc(s.Broken, func(b Broken) bool { return slices.Contains(b.Names, name) })
}

// File is the content of a file of scorecards, and its name as shown to people.
type File struct {
	Name string
	Data []byte
}

// LoadFiles returns the scorecards of files, checked as [Load] checks them. declared are the facts that sources
// declare.
func LoadFiles(files []File, declared ...facts.Definition) Set {
	l := loader{declared: declared}
	l.files(files)
	return l.set.resolved()
}

// LoadRevision returns the scorecards of files as [Load] returns those of files that cfg names: with built-in ones if
// cfg says so, or there are no files.
func LoadRevision(cfg Config, files []File) (Set, error) {
	l := loader{declared: cfg.Declared}
	l.files(files)
	if cfg.Builtin || len(files) == 0 {
		if err := l.builtin(); err != nil {
			return Set{}, err
		}
	}
	return l.set.resolved(), nil
}

// Unmatched returns a warning for each pattern of cfg that matches no file, and says when the built-in scorecards are
// used for want of any. What Load refuses is left to Load.
func Unmatched(cfg Config, baseDir string) []string {
	var warnings []string
	matched := false
	for _, name := range cfg.Files {
		files, err := files.Glob(name, baseDir)
		if err == nil && len(files) == 0 {
			warnings = append(warnings, fmt.Sprintf("scorecards.files: no file matches %s (below %s)", name, baseDir))
		}
		matched = matched || len(files) > 0 || err != nil
	}
	if len(warnings) > 0 && !matched && !cfg.Builtin {
		last := len(warnings) - 1
		warnings[last] += fmt.Sprintf("; services are graded by the built-in scorecards (%s) until one does",
			strings.Join(builtInCards, ", "))
	}
	return warnings
}

func shownName(file, baseDir string) string {
	base, errBase := filepath.Abs(baseDir)
	abs, errFile := filepath.Abs(file)
	if errBase == nil && errFile == nil {
		if rel, err := filepath.Rel(base, abs); err == nil && !strings.HasPrefix(rel, "..") {
			return filepath.ToSlash(rel)
		}
	}
	return file
}

// loader collects scorecards and mistakes.
type loader struct {
	set      Set
	declared []facts.Definition // by sources
	read     []File
}

func (l *loader) broken(file string, problems Problems, names ...string) {
	l.set.Broken = append(l.set.Broken, Broken{File: file, Names: names, Problems: problems})
}

func (l *loader) files(files []File) {
	for _, f := range files {
		l.parse(f.Data, f.Name)
	}
}

func (l *loader) file(file, shown string) {
	data, err := ReadFile(file)
	l.read = append(l.read, File{shown, data})
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		l.broken(shown, Problems{{File: shown, Message: fmt.Sprintf("the scorecard cannot be read: %v", err)}})
		return
	}
	l.parse(data, shown)
}

// ReadFile reads a file of scorecards. A file that is too large is an error, and so is one that is not regular.
func ReadFile(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	if info.Size() > maxFileBytes {
		return nil, fmt.Errorf("it has %d bytes; at most %d are read", info.Size(), maxFileBytes)
	}
	return os.ReadFile(file)
}

// parse adds the scorecards of a file: all of them, or what is wrong with it.
func (l *loader) parse(data []byte, shown string) {
	cards, names, problems := parse(data, shown, l.declared)
	if len(problems) > 0 {
		l.broken(shown, problems, names...)
		return
	}
	for _, card := range cards {
		if p := l.set.taken(card); p != nil {
			l.broken(shown, Problems{*p}, card.Name)
			continue
		}
		if problems := l.set.otherTypes(card); len(problems) > 0 {
			l.broken(shown, problems, card.Name)
			continue
		}
		l.set.Cards = append(l.set.Cards, card)
	}
}

// Parse reads the scorecards of one file, and compiles them. file is its name as shown to people. declared are the
// facts that sources declare. The error is [Problems]: every mistake with file, line and column.
func Parse(data []byte, file string, declared ...facts.Definition) ([]Scorecard, error) {
	l := loader{declared: declared}
	l.parse(data, file)
	var all Problems
	for _, b := range l.set.Broken {
		all = append(all, b.Problems...)
	}
	if err := all.Sorted().Err(); err != nil {
		return nil, err
	}
	return l.set.Cards, nil
}

// parse returns the scorecards of a file, the names of all of them, and the mistakes.
func parse(data []byte, file string, declared []facts.Definition,
) (cards []Scorecard, names []string, problems Problems) {
	docs, problems := format.Read(data, file)
	for _, doc := range docs {
		problems = append(problems, otherTypes(doc, declared)...)
		card := newScorecard(doc, declared)
		names = append(names, card.Name)
		compiled, mistakes := compileCard(&card)
		card.compiled = compiled
		problems = append(problems, mistakes...)
		cards = append(cards, card)
	}
	return cards, names, problems.Sorted()
}

// otherTypes returns the facts that a scorecard declares with another type than their source.
func otherTypes(d *format.Document, declared []facts.Definition) Problems {
	var problems Problems
	for i, f := range d.Facts {
		for _, other := range declared {
			if other.Name == f.Name && other.Type != "" && f.Type != "" && other.Type != f.Type {
				problems = append(problems, d.At(fmt.Sprintf("facts[%d].type", i), fmt.Sprintf("fact %s is a %s here and a %s at "+
					"%s, where %s declares it; make the types equal, or remove it here", f.Name, f.Type, other.Type, other.Place,
					other.Source)))
			}
		}
	}
	return problems
}

func newScorecard(d *format.Document, declared []facts.Definition) Scorecard {
	s := Scorecard{
		Name: d.Name, Version: version(d.Version), Title: d.Title, Description: strings.TrimSpace(d.Description),
		Owner: d.Owner, Filter: d.Filter, FilterNote: strings.TrimSpace(d.FilterNote), Levels: d.Levels,
		Facts: facts.WithDeclared(d.Facts, declared), WaiversFrom: []waiver.Origin{waiver.FromScorecards},
		Gates: newGatePolicy(d.Gate), File: d.Path, Line: d.Line("name"), doc: d,
	}
	if d.Waivers != nil {
		s.WaiversFrom = d.Waivers.From
	}
	if s.Title == "" {
		s.Title = s.Name
	}
	for i := range d.Rules {
		s.Rules = append(s.Rules, newRule(&d.Rules[i], s.Owner, d.Line(fmt.Sprintf("rules[%d]", i))))
	}
	s.Digest = digestOf(&s, d.Facts)
	return s
}

func version(v *int) uint32 {
	if v == nil {
		return 1
	}
	return uint32(min(max(*v, 1), 1<<31))
}

// newRule converts a rule. What does not convert is a mistake that format has reported.
func newRule(f *format.Rule, owner string, line int) Rule {
	r := Rule{
		ID: f.ID, Version: version(f.Version), Level: f.Level, Title: f.Title, Why: strings.TrimSpace(f.Why),
		Fix: strings.TrimSpace(f.Fix), Effort: Effort(f.Effort), Owner: f.Owner, Weight: 1, Status: f.Status,
		Expr: f.Expr, Bands: f.Bands, Applies: f.Applies, AppliesNote: strings.TrimSpace(f.AppliesNote), Review: f.Review,
		Evidence: f.Evidence, Waivable: f.Waivable == nil || *f.Waivable, Action: f.Action, Links: f.Links,
		Controls: f.Controls, Line: line,
	}
	if r.Owner == "" {
		r.Owner = owner
	}
	if f.Weight != nil {
		r.Weight = *f.Weight
	}
	if r.Status == "" {
		r.Status = format.Enforced
	}
	if day, err := format.ParseDate(f.EnforcedFrom); err == nil {
		r.EnforcedFrom = day
	}
	if span, err := format.ParseSpan(f.Grace); err == nil {
		r.Grace = span
	}
	if span, err := format.ParseSpan(f.Freshness); err == nil {
		r.Freshness = span
	}
	return r
}
