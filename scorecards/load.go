package scorecards

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/strictyaml"
)

//go:embed paths
var builtIn embed.FS

// builtInPath is the golden path that is used when none is configured.
const builtInPath = "production-service"

// Paths returns the golden paths that come with dxctl: a directory each, to be read or copied.
func Paths() fs.FS {
	sub, err := fs.Sub(builtIn, "paths")
	if err != nil {
		return builtIn // cannot happen: the directory is part of the program
	}
	return sub
}

// Load reads the scorecards that cfg names, relative to baseDir; the built-in golden path where none is named or no
// file matches. It checks everything, expressions too: the errors have file and line and are joined.
func Load(cfg Config, baseDir string) ([]Scorecard, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	var cards []Scorecard
	var errs []error
	for _, name := range cfg.Files {
		files, err := files.Glob(name, baseDir)
		if err != nil {
			errs = append(errs, fmt.Errorf("scorecards.files: %w", err))
			continue
		}
		for _, file := range files {
			found, err := loadFile(file, shownName(file, baseDir))
			cards, errs = append(cards, found...), append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(cards) == 0 {
		return loadBuiltIn()
	}
	return cards, checkNames(cards)
}

// Unmatched returns a warning for each pattern of cfg that matches no file, and says when the built-in golden path is
// used for want of any. What Load refuses is left to Load.
func Unmatched(cfg Config, baseDir string) []string {
	var warnings []string
	matched := false
	for _, name := range cfg.Files {
		files, err := files.Glob(name, baseDir)
		if err == nil && len(files) == 0 {
			warnings = append(warnings, fmt.Sprintf("scorecards.files: no file matches %s (below %s)", name, baseDir))
		}
		matched = matched || len(files) > 0
	}
	if len(warnings) > 0 && !matched {
		last := len(warnings) - 1
		warnings[last] += fmt.Sprintf("; services are graded by the built-in golden path %s until one does", builtInPath)
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

func loadBuiltIn() ([]Scorecard, error) {
	name := path.Join(builtInPath, "scorecard.yaml")
	data, err := fs.ReadFile(Paths(), name)
	if err != nil {
		return nil, fmt.Errorf("reading the built-in golden path %s: %w", name, err)
	}
	return Parse(data, "built-in:"+name)
}

func loadFile(file, shown string) ([]Scorecard, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, fmt.Errorf("%s: the scorecard cannot be read: %w", shown, err)
	}
	return Parse(data, shown)
}

// checkNames refuses two scorecards of one name, because their grades could not be distinguished.
func checkNames(cards []Scorecard) error {
	seen := map[string]Scorecard{}
	for _, c := range cards {
		if first, ok := seen[c.Name]; ok {
			return fmt.Errorf(
				"%s:%d: scorecard %s is defined at %s:%d already; give one another name",
				c.File,
				c.Line,
				c.Name,
				first.File,
				first.Line,
			)
		}
		seen[c.Name] = c
	}
	return nil
}

// apiVersion is the version of the scorecard format.
const apiVersion = "dxctl.dev/v1"

// text is a string with its position in the file.
type text struct {
	value string
	at    position
}

// UnmarshalYAML takes any scalar; a list or a mapping is refused.
func (t *text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: write a text here", n.Line)}}
	}
	t.value, t.at = n.Value, position{line: n.Line, block: n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0}
	return nil
}

type cardFile struct {
	APIVersion  text               `yaml:"apiVersion"`
	Kind        text               `yaml:"kind"`
	Name        text               `yaml:"name"`
	Version     uint32             `yaml:"version"`
	Title       string             `yaml:"title"`
	Description string             `yaml:"description"`
	Filter      text               `yaml:"filter"`
	Levels      []text             `yaml:"levels"`
	Facts       []facts.Definition `yaml:"facts"`
	Rules       []ruleFile         `yaml:"rules"`
}

type ruleFile struct {
	ID       text   `yaml:"id"`
	Version  uint32 `yaml:"version"`
	Level    text   `yaml:"level"`
	Title    string `yaml:"title"`
	Expr     text   `yaml:"expr"`
	Applies  text   `yaml:"applies"`
	Evidence text   `yaml:"evidence"`
	Why      string `yaml:"why"`
	Fix      string `yaml:"fix"`
	Effort   text   `yaml:"effort"`
	Docs     string `yaml:"docs"`
}

// Parse reads the scorecards of one file, and compiles them. file is its name as shown to people.
func Parse(data []byte, file string) ([]Scorecard, error) {
	docs, err := strictyaml.Read(file, data)
	if err != nil {
		return nil, err
	}
	var cards []Scorecard
	for _, doc := range docs {
		var f cardFile
		if _, err := doc.Decode(&f); err != nil {
			return nil, err
		}
		card, err := f.scorecard(file)
		if err == nil {
			_, err = compileCard(card)
		}
		if err != nil {
			return nil, err
		}
		cards = append(cards, card)
	}
	return cards, checkNames(cards)
}

var idPattern = regexp.MustCompile(`^[a-z0-9]+([-_.][a-z0-9]+)*$`)

func (f cardFile) scorecard(file string) (Scorecard, error) {
	s := Scorecard{
		Name: f.Name.value, Version: max(f.Version, 1), Title: f.Title, Description: f.Description, Filter: f.Filter.value,
		Facts: f.Facts, File: file, Line: max(f.Name.at.line, f.Kind.at.line, 1), filterAt: f.Filter.at,
	}
	if f.Name.at.line > 0 {
		s.Line = f.Name.at.line
	}
	check := checks{file: file}
	check.that(
		f.APIVersion.value == apiVersion,
		f.APIVersion.at.line,
		"apiVersion is %q; this dxctl reads %s",
		f.APIVersion.value,
		apiVersion,
	)
	check.that(f.Kind.value == "Scorecard", f.Kind.at.line, "kind is %q; write kind: Scorecard", f.Kind.value)
	check.that(idPattern.MatchString(s.Name), s.Line, "name %q: lower-case letters and digits with single -, _ or . "+
		"between them", s.Name)
	check.that(len(f.Levels) > 0, s.Line, "the scorecard has no levels; write for example levels: [bronze, silver, gold]")
	check.that(len(f.Rules) > 0, s.Line, "the scorecard has no rules")
	for _, level := range f.Levels {
		check.that(
			level.value != "" && !slices.Contains(s.Levels, level.value),
			level.at.line,
			"level %q is empty or stands twice",
			level.value,
		)
		s.Levels = append(s.Levels, level.value)
	}
	known := map[string]int{}
	for _, d := range f.Facts {
		check.that(
			d.Name != "" && factTypes[d.Type] != nil,
			s.Line,
			"fact %q: it needs a name and a type of %s",
			d.Name,
			typeNames(),
		)
		check.that(
			!slices.ContainsFunc(facts.Catalog(), func(k facts.Definition) bool { return k.Name == d.Name }),
			s.Line,
			"fact %s is one that dxctl gives itself; give yours another name",
			d.Name,
		)
	}
	for _, r := range f.Rules {
		rule := r.rule()
		line := max(rule.Line, s.Line)
		check.that(idPattern.MatchString(rule.ID), line, "rule id %q: lower-case letters and digits with single -, _ or . "+
			"between them", rule.ID)
		check.that(known[rule.ID] == 0, line, "rule %s stands at line %d already", rule.ID, known[rule.ID])
		check.that(
			slices.Contains(s.Levels, rule.Level),
			max(r.Level.at.line, line),
			"rule %s: level %q is not one of %s",
			rule.ID,
			rule.Level,
			strings.Join(s.Levels, ", "),
		)
		check.that(rule.Effort.order() >= 0, max(r.Effort.at.line, line), "rule %s: effort %q is not one of minutes, "+
			"hours, days", rule.ID, rule.Effort)
		check.that(rule.Title != "", line, "rule %s has no title", rule.ID)
		check.that(strings.TrimSpace(rule.Expr) != "", line, "rule %s has no expr", rule.ID)
		known[rule.ID] = line
		s.Rules = append(s.Rules, rule)
	}
	return s, errors.Join(check.errs...)
}

func (r ruleFile) rule() Rule {
	return Rule{
		ID:         r.ID.value,
		Version:    max(r.Version, 1),
		Level:      r.Level.value,
		Title:      r.Title,
		Expr:       r.Expr.value,
		Applies:    r.Applies.value,
		Evidence:   r.Evidence.value,
		Why:        strings.TrimSpace(r.Why),
		Fix:        strings.TrimSpace(r.Fix),
		Effort:     Effort(r.Effort.value),
		DocsURL:    r.Docs,
		Line:       r.ID.at.line,
		exprAt:     r.Expr.at,
		appliesAt:  r.Applies.at,
		evidenceAt: r.Evidence.at,
	}
}

func typeNames() string {
	names := make([]string, 0, len(factTypes))
	for t := range maps.Keys(factTypes) {
		names = append(names, string(t))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

type checks struct {
	file string
	errs []error
}

func (c *checks) that(ok bool, line int, format string, args ...any) {
	if !ok {
		c.errs = append(c.errs, fmt.Errorf("%s:%d: %s", c.file, max(line, 1), fmt.Sprintf(format, args...)))
	}
}
