package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/report/checks"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/scorecards/pathtest"
)

func newRules(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Test scorecards, plan changes of them, print their schema",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newRulesTest(s), newRulesPlan(s), newRulesPlanRequest(s), newRulesSchema(s))
	return cmd
}

func newRulesSchema(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of scorecard files",
		Long: `Print the JSON schema of scorecard files, for editors that complete and check YAML:

  dxctl rules schema > scorecard.schema.json

and in the first line of a scorecard:

  # yaml-language-server: $schema=scorecard.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := format.Schema()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.out, "%s\n", schema)
			return err
		},
	}
}

func newRulesTest(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "test [FILE...]",
		Short: "Check scorecards, and run the cases next to them",
		Long: `Check scorecards and run the cases next to them: for NAME.yaml those of NAME.test.yaml, for scorecard.yaml also those of
testdata/*.yaml. FILE is a scorecard, a file of cases, or a directory, which is searched with its subdirectories.
Without FILE, the scorecards of dx.yaml are tested, or the built-in ones if it names none.

Rules in draft are evaluated as if they were enforced. The exit code is 1 if a file has mistakes or a case does not
hold; -o junit prints what checks of pull requests read. A case names what is observed and what must be found; what it
leaves out is not compared:

  now: 2026-11-22T12:00:00Z
  base:
    entity: {name: pay, type: service, lifecycle: production}
    facts: {catalog.has_owner: true, ci.p95_minutes: 8}
  cases:
    - name: a slow build costs gold
      facts: {ci.p95_minutes: 17} # without: [name] takes facts away; errors: {name: reason}
      level: silver
      score: [60, 75] # percent
      outcomes: {ci-fast: fail} # reasons: {ci-fast: sentence}; next: [ci-fast]`,
		RunE: func(_ *cobra.Command, args []string) error {
			suites, err := s.suites(args)
			if err != nil {
				return err
			}
			declared, err := s.declaredFacts()
			if err != nil {
				return err
			}
			tested := testSuites(suites, declared)
			tested.together(suites, declared)
			if s.output == "junit" {
				err = tested.writeJUnit(s.out)
			} else {
				err = tested.table().Print(s.out, s.output)
			}
			if err != nil {
				return err
			}
			return tested.err()
		},
		Annotations: map[string]string{moreFormats: "junit"},
	}
}

// declaredFacts returns the facts that the sources of the configuration declare; none without a configuration.
func (s *cli) declaredFacts() ([]facts.Definition, error) {
	file, err := s.foundConfig()
	if file == "" || err != nil {
		return nil, err
	}
	cfg, err := config.LoadScorecards(file)
	return cfg.Declared, err
}

// suite is a file of scorecards with its files of cases.
type suite struct {
	cards pathtest.File
	cases []pathtest.File
	err   error // of reading
}

// suites returns what the arguments name.
func (s *cli) suites(args []string) ([]suite, error) {
	if len(args) > 0 {
		return suitesOf(args, "")
	}
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	if len(cfg.Scorecards.Files) == 0 {
		return builtinSuites()
	}
	var names []string
	for _, pattern := range cfg.Scorecards.Files {
		found, err := files.Glob(pattern, cfg.Dir)
		if err != nil {
			return nil, fmt.Errorf("scorecards.files: %w", err)
		}
		names = append(names, found...)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no file matches scorecards.files of %s: %s", cfg.File,
			strings.Join(cfg.Scorecards.Files, ", "))
	}
	return suitesOf(names, cfg.Dir)
}

// builtinSuites returns the built-in scorecards with their cases.
func builtinSuites() ([]suite, error) {
	fsys := scorecards.Builtin()
	dirs, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the built-in scorecards: %w", err)
	}
	var suites []suite
	for _, dir := range dirs {
		names, _ := fs.Glob(fsys, path.Join(dir.Name(), "testdata", "*.yaml"))
		one := suite{}
		for i, name := range append([]string{path.Join(dir.Name(), "scorecard.yaml")}, names...) {
			data, err := fs.ReadFile(fsys, name)
			if err != nil {
				return nil, fmt.Errorf("reading the built-in scorecards: %w", err)
			}
			if file := (pathtest.File{Name: "built-in:" + name, Data: data}); i == 0 {
				one.cards = file
			} else {
				one.cases = append(one.cases, file)
			}
		}
		suites = append(suites, one)
	}
	return suites, nil
}

const testSuffix = ".test.yaml"

// suitesOf returns the suites of files and directories. Names are shown relative to base.
func suitesOf(names []string, base string) ([]suite, error) {
	var cards []string
	add := func(name string) {
		if before, ok := strings.CutSuffix(name, testSuffix); ok {
			name = before + ".yaml"
		}
		if !slices.Contains(cards, name) {
			cards = append(cards, name)
		}
	}
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading %s: %w", name, cause(err))
		case !info.IsDir():
			add(filepath.Clean(name))
			continue
		}
		found, err := scorecardsBelow(name)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			add(file)
		}
	}
	var suites []suite
	for _, name := range cards {
		suites = append(suites, suiteOf(name, base))
	}
	return suites, nil
}

// kindPattern matches the kind of a scorecard, in whatever case: a file with a mistake there is reported and not passed
// over. A directory may hold other YAML, too.
var kindPattern = regexp.MustCompile(`(?mi)^[{\s]*["']?kind["']?\s*:\s*["']?` + format.Kind + `\b`)

// suiteOf reads a file of scorecards and the cases next to it.
func suiteOf(name, base string) suite {
	shown := func(file string) string {
		if rel, err := filepath.Rel(base, file); base != "" && err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
		return file
	}
	one := suite{cards: pathtest.File{Name: shown(name)}}
	var cases []string
	if adjacent := strings.TrimSuffix(name, filepath.Ext(name)) + testSuffix; exists(adjacent) {
		cases = append(cases, adjacent)
	}
	if strings.HasPrefix(filepath.Base(name), "scorecard.") {
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "testdata", "*.yaml"))
		cases = append(cases, found...)
	}
	if one.cards.Data, one.err = scorecards.ReadFile(name); one.err != nil {
		one.err = fmt.Errorf("reading %s: %w", shown(name), cause(one.err))
	}
	for _, file := range cases {
		data, err := scorecards.ReadFile(file)
		if err != nil {
			one.err = errors.Join(one.err, fmt.Errorf("reading %s: %w", shown(file), cause(err)))
			continue
		}
		one.cases = append(one.cases, pathtest.File{Name: shown(file), Data: data})
	}
	return one
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// cause returns the cause of an error about a file, without the file's name.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// tested is what tests of rules found.
type tested struct {
	results  []pathtest.Result
	mistakes []string // in files, a line each
	notes    []string
}

func testSuites(suites []suite, declared []facts.Definition) tested {
	var t tested
	for _, one := range suites {
		err := one.err
		if err == nil {
			var results []pathtest.Result
			var untested []string
			results, untested, err = pathtest.Test(one.cards, one.cases, declared...)
			t.results = append(t.results, results...)
			switch {
			case err != nil:
			case len(one.cases) == 0:
				t.notes = append(t.notes, one.cards.Name+": no cases; write some into "+
					strings.TrimSuffix(one.cards.Name, filepath.Ext(one.cards.Name))+testSuffix)
			case len(untested) > 0:
				t.notes = append(t.notes, one.cards.Name+": no case names the outcome of "+strings.Join(untested, ", "))
			}
		}
		if err != nil {
			t.mistakes = append(t.mistakes, strings.Split(err.Error(), "\n")...)
		}
	}
	return t
}

// together adds the mistakes that only the files together show: two scorecards of one name, circles.
func (t *tested) together(suites []suite, declared []facts.Definition) {
	var files []scorecards.File
	for i := range suites {
		if suites[i].err == nil {
			files = append(files, scorecards.File{Name: suites[i].cards.Name, Data: suites[i].cards.Data})
		}
	}
	for _, b := range scorecards.LoadFiles(files, declared...).Broken {
		for _, p := range b.Problems {
			if !slices.Contains(t.mistakes, p.Error()) {
				t.mistakes = append(t.mistakes, p.Error())
			}
		}
	}
}

func (t *tested) failed() int {
	n := 0
	for i := range t.results {
		if len(t.results[i].Problems) > 0 {
			n++
		}
	}
	return n
}

func (t *tested) err() error {
	switch failed := t.failed(); {
	case len(t.mistakes) > 0:
		return fmt.Errorf("the scorecards have %s", plural(len(t.mistakes), "mistake", "mistakes"))
	case failed > 0:
		return fmt.Errorf("%d of %s failed", failed, plural(len(t.results), "case", "cases"))
	}
	return nil
}

// writeJUnit writes what was found as JUnit XML.
func (t *tested) writeJUnit(w io.Writer) error {
	cases := make([]checks.Case, len(t.results))
	for i := range t.results {
		r := &t.results[i]
		cases[i] = checks.Case{
			Suite: r.Scorecard, Name: r.Name, Place: fmt.Sprintf("%s:%d", r.File, r.Line), Problems: r.Problems,
		}
	}
	return checks.WriteCases(w, cases, t.mistakes)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (t *tested) table() output.Table {
	table := output.Table{
		Columns: []string{"file", "line", "scorecard", "case", "result", "problem"}, Right: []string{"line"},
	}
	var prose strings.Builder
	for _, m := range t.mistakes {
		fmt.Fprintf(&prose, "ERROR %s\n", output.Printable(m))
		table.Rows = append(table.Rows, []string{"", "", "", "", "error", m})
	}
	for i := range t.results {
		r := &t.results[i]
		result := "ok"
		if len(r.Problems) > 0 {
			result = "FAIL"
		}
		fmt.Fprintf(&prose, "%-5s %s:%d  %s\n", result, r.File, r.Line, output.Printable(r.Name))
		for _, p := range r.Problems {
			fmt.Fprintf(&prose, "        %s\n", output.Printable(p))
			table.Rows = append(table.Rows, []string{r.File, fmt.Sprint(r.Line), r.Scorecard, r.Name, "fail", p})
		}
		if len(r.Problems) == 0 {
			table.Rows = append(table.Rows, []string{r.File, fmt.Sprint(r.Line), r.Scorecard, r.Name, "pass", ""})
		}
	}
	for _, n := range t.notes {
		fmt.Fprintf(&prose, "NOTE  %s\n", n)
	}
	fmt.Fprintf(&prose, "\n%s, %d failed", plural(len(t.results), "case", "cases"), t.failed())
	if len(t.mistakes) > 0 {
		fmt.Fprintf(&prose, "; %s", plural(len(t.mistakes), "mistake", "mistakes"))
	}
	table.Prose = prose.String()
	return table
}
