package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/scorecards/paths/pathcheck"
	"github.com/dxctl/dxctl/strictyaml"
)

func newPathLint(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "lint [NAME | DIR...]",
		Short: "Find mistakes in golden paths, with file and line",
		Long: `Find mistakes in golden paths; without arguments, in all of dx.yaml, or in those of dxctl if it names none. Each
path is rendered with every combination of its choices, and with answers that YAML or a shell could take for something
else. Found are, with file and line: what cannot be read, values without a template, questions that nothing asks or
uses, mistakes in templates, scorecards, rules and files that do not exist, actions that are not pinned by a commit of
actions.yaml, answers and input of others in the scripts of workflows, and answers without quotes. The exit code is 1 if
there are mistakes; warnings do not change it.`,
		ValidArgsFunction: s.pathNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			all, mistakes, err := s.pathsToCheck(cmd.Context(), args)
			if err != nil {
				return err
			}
			cards, err := s.pathScorecards()
			if err != nil {
				return err
			}
			found := pathcheck.Findings{Errors: mistakes}
			for _, p := range all {
				one, err := pathcheck.Lint(cmd.Context(), p, pathcheck.Options{
					Scorecards: cards, Edits: edits.Rules(),
				})
				if err != nil {
					return fmt.Errorf("checking golden path %s: %w", p.Name, err)
				}
				found.Errors = append(found.Errors, one.Errors...)
				found.Warnings = append(found.Warnings, one.Warnings...)
			}
			if err := findingsTable(found, len(all)).Print(s.out, s.output); err != nil {
				return err
			}
			if len(found.Errors) > 0 {
				return fmt.Errorf("the golden paths have %s", plural(len(found.Errors), "mistake", "mistakes"))
			}
			return nil
		},
	}
}

// pathsToCheck returns the golden paths that are named, or else those of the configuration, or else the built-in ones;
// and what is wrong with those that cannot be read.
func (s *cli) pathsToCheck(ctx context.Context, names []string) ([]*paths.Path, []strictyaml.Mistake, error) {
	var all []*paths.Path
	var broken error
	if len(names) == 0 {
		cfg, dir, err := s.pathConfig()
		if err != nil {
			return nil, nil, err
		}
		all, broken = paths.All(ctx, cfg, dir)
		if len(cfg.Sources) > 0 {
			all = ofUsers(all)
		}
	}
	for _, name := range names {
		named, err := s.goldenPaths(ctx, name)
		all, broken = append(all, named...), errors.Join(broken, err)
	}
	return all, strictyaml.Mistakes(broken), nil
}

// ofUsers returns the golden paths that are not built-in.
func ofUsers(all []*paths.Path) []*paths.Path {
	var own []*paths.Path
	for _, p := range all {
		if p.Origin.Kind != paths.FromBinary {
			own = append(own, p)
		}
	}
	return own
}

// pathScorecards returns the scorecards of the configuration, or the built-in ones.
func (s *cli) pathScorecards() (scorecards.Set, error) {
	file, err := s.foundConfig()
	if err != nil {
		return scorecards.Set{}, err
	}
	cfg := scorecards.Config{}
	if file != "" {
		if cfg, err = config.LoadScorecards(file); err != nil {
			return scorecards.Set{}, err
		}
	}
	return scorecards.Load(cfg, filepath.Dir(file))
}

func findingsTable(found pathcheck.Findings, checked int) output.Table {
	t := output.Table{Columns: []string{"kind", "file", "line", "message"}, Right: []string{"line"}}
	var prose strings.Builder
	add := func(kind string, mistakes []strictyaml.Mistake) {
		for _, m := range mistakes {
			text := m.Message
			if m.File != "" {
				text = m.Error()
			}
			fmt.Fprintf(&prose, "%-8s %s\n", strings.ToUpper(kind), output.Printable(text))
			line := ""
			if m.Line > 0 {
				line = fmt.Sprint(m.Line)
			}
			t.Rows = append(t.Rows, []string{kind, m.File, line, m.Message})
		}
	}
	add("error", found.Errors)
	add("warning", found.Warnings)
	if len(t.Rows) > 0 {
		prose.WriteByte('\n')
	}
	fmt.Fprintf(&prose, "%s checked: %s, %s", plural(checked, "golden path", "golden paths"),
		plural(len(found.Errors), "mistake", "mistakes"), plural(len(found.Warnings), "warning", "warnings"))
	t.Prose = prose.String()
	return t
}

func newPathTest(s *cli) *cobra.Command {
	var only []string
	update := false
	cmd := &cobra.Command{
		Use:   "test [NAME | DIR...]",
		Short: "Run the tests of golden paths",
		Long: `Run the cases in tests/ of golden paths; without arguments, of all in dx.yaml, or of those of dxctl if it names none.
A case is a directory with answers.yaml and the files that are expected, in after/:

  tests/create/answers.yaml           a service is created; every rule that its files decide must pass
  tests/create/after/...              and it has exactly these files; without after/, only the rules are checked
  tests/adopt/before/...              with before/, an older repository adopts the path
  tests/adopt/after/...               and then has exactly these files

--update writes after/ of each case, to be read before it is committed. The exit code is 1 if a case fails.`,
		ValidArgsFunction: s.pathNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			all, mistakes, err := s.pathsToCheck(cmd.Context(), args)
			if err != nil {
				return err
			}
			if len(mistakes) > 0 {
				for _, m := range mistakes {
					if m.File == "" {
						err = errors.Join(err, errors.New(m.Message))
						continue
					}
					err = errors.Join(err, m)
				}
				return err
			}
			cards, err := s.pathScorecards()
			if err != nil {
				return err
			}
			cfg, _, err := s.pathConfig()
			if err != nil {
				return err
			}
			cases := pathcheck.Cases{
				Scorecards: cards, Defaults: cfg.Defaults, Now: s.now(), Fix: adopting(cards, cfg.Defaults, s.now()),
			}
			return s.testPaths(cmd.Context(), all, &cases, only, update)
		},
	}
	cmd.Flags().StringSliceVar(&only, "case", nil, "run only the case with this `NAME`; can be repeated")
	cmd.Flags().BoolVar(&update, "update", false, "write what the cases result in to their after/")
	return cmd
}

func (s *cli) testPaths(
	ctx context.Context, all []*paths.Path, cases *pathcheck.Cases, only []string, update bool,
) error {
	t := output.Table{Columns: []string{"path", "case", "kind", "result", "problem"}}
	var prose strings.Builder
	failed, count := 0, 0
	for _, p := range all {
		if update {
			if p.Dir == "" {
				return fmt.Errorf("updating golden path %s: it is not in a directory; copy it with `dxctl path new`", p.Name)
			}
			cases.Update = func(name string, after paths.Tree) error { return updateCase(p, name, after) }
		}
		results, err := cases.Run(ctx, p, only)
		if err != nil {
			return fmt.Errorf("testing golden path %s: %w", p.Name, err)
		}
		for i := range results {
			r := &results[i]
			count++
			word := "ok"
			if len(r.Problems) > 0 {
				failed++
				word = "FAIL"
			}
			fmt.Fprintf(&prose, "%-5s %s  %s (%s)\n", word, p.Name, output.Printable(r.Case), r.Kind)
			for _, problem := range r.Problems {
				for line := range strings.SplitSeq(problem, "\n") {
					fmt.Fprintf(&prose, "        %s\n", output.Printable(line))
				}
				t.Rows = append(t.Rows, []string{p.Name, r.Case, r.Kind, "fail", problem})
			}
			for _, note := range r.Notes {
				fmt.Fprintf(&prose, "        note: %s\n", output.Printable(note))
			}
			if len(r.Problems) == 0 {
				t.Rows = append(t.Rows, []string{p.Name, r.Case, r.Kind, "pass", ""})
			}
		}
	}
	fmt.Fprintf(&prose, "\n%s, %d failed", plural(count, "case", "cases"), failed)
	t.Prose = prose.String()
	if err := t.Print(s.out, s.output); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, plural(count, "case", "cases"))
	}
	return nil
}

// updateCase replaces after/ of a case.
func updateCase(p *paths.Path, name string, after paths.Tree) error {
	dir := filepath.Join(p.Dir, paths.TestsDir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("updating the case: %w", cause(err))
	}
	defer root.Close() //nolint:errcheck // the files are closed
	expected := filepath.Join(name, "after")
	if err := root.RemoveAll(expected); err != nil {
		return fmt.Errorf("updating the case: removing %s: %w", expected, cause(err))
	}
	if err := root.Mkdir(expected, 0o755); err != nil {
		return fmt.Errorf("updating the case: creating %s: %w", expected, cause(err))
	}
	return writeTree(filepath.Join(dir, expected), after)
}
