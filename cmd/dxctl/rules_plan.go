package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/report/planned"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/scorecards/plan"
)

type planOptions struct {
	since, until, base string
	limit              int
	server, token      string
	timeout            time.Duration
}

func newRulesPlan(s *cli) *cobra.Command {
	options := planOptions{}
	cmd := &cobra.Command{
		Use:   "plan DIRECTORY | FILE...",
		Short: "Show what edited scorecards would change, without applying them",
		Long: `Grade the whole catalog by edited scorecards, without storing anything, and print for each team and service what rises,
falls or becomes unknown, and why. The edited scorecards replace those with the same names; the others stay as they are.

  dxctl rules plan edited/             compared with the scorecards of dx.yaml
  dxctl rules plan scorecards/         these are the files of dx.yaml: compared with the last commit
  dxctl rules plan scorecards/ --base origin/main
  dxctl rules plan edited/ --since 90d also what the rules would have found on each of the last 90 days
  dxctl rules plan edited/ -o markdown a comment for a pull request, of less than 60,000 characters
  dxctl rules plan edited/ --server https://dxctl.example.com
                                       the server plans, by its scorecards and data; the files are sent with the token
                                       in $DXCTL_TOKEN, and without one only types and cases are checked, here

A rule falls where it fails and did not fail before, a level where it is lost. What rules in draft and announced rules
would do is shown apart. The exit code is 2 if something falls today, 1 if a file has mistakes or there is another
error, otherwise 0. docs/plan.md explains the output.`,
		Args:        cobra.MinimumNArgs(1),
		Annotations: map[string]string{moreFormats: "markdown"},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case options.limit < 0:
				return fmt.Errorf("--limit %d: write 0 or more", options.limit)
			case options.server != "":
				return s.planAt(cmd.Context(), args, options)
			case options.token != "":
				return errors.New("--token needs --server, the address that it is for")
			}
			return s.planRules(cmd.Context(), args, options)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.since, "since", "", "also grade past days: from a `DAY` such as 2026-05-31, or the last 90d")
	flags.StringVar(&options.until, "until", "", "with --since: the last past `DAY`; today if absent")
	flags.StringVar(&options.base, "base", "", "compare with the scorecards of a git `REVISION` such as origin/main")
	flags.StringVar(&options.server, "server", "", "`ADDRESS` of a dxctl server that plans")
	flags.StringVar(&options.token, "token", "", "secret of a token with the scope plan (default $DXCTL_TOKEN, which "+
		"does not show in the process list)")
	flags.DurationVar(&options.timeout, "timeout", planTimeout, "with --server: longest duration of one attempt")
	flags.IntVar(&options.limit, "limit", 40, "print at most `N` entries of each list as text; 0: all")
	return cmd
}

func (s *cli) planRules(ctx context.Context, args []string, options planOptions) (err error) {
	request := app.PlanRequest{}
	if request.From, request.To, err = planDays("--", options.since, options.until, s.now().UTC()); err != nil {
		return err
	}
	names, err := editedFiles(args)
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := scorecards.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, cause(err))
		}
		request.Files = append(request.Files, scorecards.File{Name: name, Data: data})
	}
	cfg, err := s.config()
	if err != nil {
		return err
	}
	if request.Base, request.BaseName, err = baseOf(ctx, cfg, names, options.base); err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "rules plan"})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	if err := p.Sync(ctx); err != nil { // the store shows only what the catalog describes
		return err
	}
	made, err := p.Plan(ctx, request)
	if err != nil {
		return planMistakes(err)
	}
	return s.printPlan(made, options.limit)
}

// planMistakes says how many mistakes the edited files have, after a line for each.
func planMistakes(err error) error {
	var problems scorecards.Problems
	if !errors.As(err, &problems) {
		return err
	}
	return fmt.Errorf("%w\nthe scorecards have %s; correct them, then plan again", err,
		plural(len(problems), "mistake", "mistakes"))
}

// printPlan prints a plan. The error has the exit code of something that falls.
func (s *cli) printPlan(p *plan.Plan, limit int) error {
	var err error
	if s.output == "markdown" {
		_, err = fmt.Fprint(s.out, planned.Markdown(p))
	} else {
		err = planTable(p, limit).Print(s.out, s.output)
	}
	if err == nil && p.Falls {
		return exit.With(exit.Falls, errors.New(planned.Headline(p)))
	}
	return err
}

// planTable has a row for each rule of each service that moves, and for each level.
func planTable(p *plan.Plan, limit int) output.Table {
	t := output.Table{
		Columns:  []string{"team", "service", "scorecard", "rule", "direction", "before", "after", "why", "reason"},
		Document: p, Prose: output.PrintableLines(planned.Text(p, limit)),
	}
	for i := range p.Teams {
		for _, g := range p.Teams[i].Grades {
			row := func(rule string, d plan.Direction, before, after, why, reason string) {
				t.Rows = append(t.Rows, []string{p.Teams[i].Name, g.Service, g.Scorecard, rule, string(d), before, after, why,
					reason})
			}
			if g.Before != nil && g.After != nil {
				row("", g.Direction, g.Before.Level, g.After.Level, strings.Join(g.Missing, "; "), "")
			} else {
				row("", "", "", "", g.Why, "")
			}
			for _, m := range g.Rules {
				row(m.Rule, m.Direction, string(m.Before), string(m.After), m.Why, m.Reason)
			}
		}
	}
	return t
}

// longestPast is how many past days a plan grades at most.
const longestPast = 366

// planDays returns the first and the last past day; zero without since. dashes, "--" or "", are before the names of
// the parameters in errors.
func planDays(dashes, since, until string, now time.Time) (from, to time.Time, err error) {
	if since == "" {
		if until != "" {
			return from, to, fmt.Errorf("%suntil needs %[1]ssince, the first past day", dashes)
		}
		return from, to, nil
	}
	today := now.Truncate(24 * time.Hour)
	to = now
	if until != "" {
		day, err := format.ParseDate(until)
		if err != nil {
			return from, to, fmt.Errorf(dashes+"until: %w", err)
		}
		if day.After(today) {
			return from, to, fmt.Errorf(dashes+"until %s is in the future; write a day up to %s", until,
				today.Format(time.DateOnly))
		}
		if day.Before(today) {
			to = day.AddDate(0, 0, 1) // its end
		}
	}
	last := to.Add(-1).Truncate(24 * time.Hour)
	if span, spanErr := format.ParseSpan(since); spanErr == nil {
		if span%(24*time.Hour) != 0 {
			return from, to, fmt.Errorf(dashes+"since %s: write whole days or weeks, such as 90d", since)
		}
		from = last.Add(24*time.Hour - span)
	} else if from, err = format.ParseDate(since); err != nil {
		return from, to, fmt.Errorf(dashes+"since %q: write a number of days such as 90d, or a day such as 2026-05-31",
			since)
	}
	switch days := int(last.Sub(from)/(24*time.Hour)) + 1; {
	case days < 1:
		return from, to, fmt.Errorf(dashes+"since %s is after the last day, %s", since, last.Format(time.DateOnly))
	case days > longestPast:
		return from, to, fmt.Errorf(dashes+"since %s: %d days are too many; write at most %d", since, days, longestPast)
	}
	return from, to, nil
}

// editedFiles returns the scorecards that the arguments name: files, and those of directories and below them.
func editedFiles(args []string) ([]string, error) {
	var names []string
	add := func(name string) {
		if name = filepath.Clean(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", arg, cause(err))
		}
		if !info.IsDir() {
			add(arg)
			continue
		}
		found, err := scorecardsBelow(arg)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			add(name)
		}
	}
	return names, nil
}

// scorecardsBelow returns the scorecards of a directory and its subdirectories, without those of .git, node_modules,
// testdata and hidden directories. A file that cannot be read may be a scorecard, and is one of them: whoever reads it
// finds the error.
func scorecardsBelow(dir string) ([]string, error) {
	var found []string
	root := dir + string(filepath.Separator) // WalkDir follows a link to a directory only so
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != root && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(base); ext != ".yaml" && ext != ".yml" {
			return nil
		}
		data, err := scorecards.ReadFile(name)
		if err != nil && !d.Type().IsRegular() {
			return nil // a link to nowhere, a socket: no scorecard
		}
		if err != nil || kindPattern.Match(data) {
			found = append(found, filepath.Clean(name))
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, fmt.Errorf("%s has no file with kind: %s; name a scorecard or a directory with scorecards", dir,
			format.Kind)
	}
	return found, nil
}

// baseOf returns what edited files are compared with: the scorecards of a revision of git; nil for those of the
// configuration. Without a revision, files that the configuration itself names are compared with the last commit.
func baseOf(ctx context.Context, cfg config.Config, edited []string, revision string) (*scorecards.Set, string, error) {
	present := "the scorecards of " + cfg.File
	switch {
	case cfg.File == "":
		present = "the built-in scorecards; there is no dx.yaml"
	case len(cfg.Scorecards.Files) == 0:
		present = "the built-in scorecards; " + cfg.File + " names none"
	}
	if revision == "" {
		if !inPlace(cfg, edited) {
			return nil, present, nil
		}
		revision = "HEAD"
		if !inGit(ctx, cfg.Dir) {
			return nil, "", fmt.Errorf("%s: %s names these files itself and is in no git repository, so there is nothing to "+
				"compare them with; edit a copy and plan that", strings.Join(edited, ", "), cfg.File)
		}
	}
	set, err := scorecardsAt(ctx, cfg, revision)
	if err != nil {
		return nil, "", fmt.Errorf("reading the scorecards of revision %s: %w", revision, err)
	}
	return &set, "revision " + revision + " of " + cfg.File, nil
}

// inPlace reports whether any of the files is one that the configuration names.
func inPlace(cfg config.Config, edited []string) bool {
	set, err := scorecards.Load(cfg.Scorecards, cfg.Dir)
	if err != nil {
		return false
	}
	var present []os.FileInfo
	add := func(file string) {
		if info, err := os.Stat(cfg.Path(file)); err == nil {
			present = append(present, info)
		}
	}
	for i := range set.Cards {
		add(set.Cards[i].File)
	}
	for _, b := range set.Broken {
		add(b.File)
	}
	return slices.ContainsFunc(edited, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && slices.ContainsFunc(present, func(p os.FileInfo) bool { return os.SameFile(info, p) })
	})
}
