package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/checks"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/checkout"
)

func newGrade(s *cli) *cobra.Command {
	options := gradeOptions{}
	cmd := &cobra.Command{
		Use:   "grade [SERVICE | DIRECTORY]",
		Short: "Grade a checkout, one service, or all of them",
		Long: `Grade what lies in a directory, a service of the catalog, or all services, against the scorecards.

  dxctl grade .                  the services that the descriptors (catalog-info.yaml) of a checkout describe
  dxctl grade payment-service    a service: each rule, the value behind the outcome, and what to do; first, what the
                                 configured sources have about the service is read again (not with --stored)
  dxctl grade payment-service --as-of 2026-05-31
                                 by the facts that were known at the end of that day; nothing is stored
  dxctl grade --all              every service of the catalog; the changes are stored
  dxctl grade --all --as-of 2026-05-31
                                 every service by the facts that were known then; nothing is stored

An argument that is "." or contains a path separator is a directory; any other word is the name of a service or a ref
such as component:default/payment-service. A directory is read without a store, a server or a source: what only they
know is unknown. Its scorecards are those of --config, else of dx.yaml at the root of the repository, else the built-in
ones.

Without an argument, the current directory is graded if it lies in a git repository with a descriptor. Otherwise every
service of the catalog is graded, as with --all, if there is a configuration: --config, $DXCTL_CONFIG or dx.yaml.

-o sarif and -o junit print what pull request checks read. With --fail-below LEVEL the exit code is 6 if a service does
not reach the level, and 9 if missing data decides whether it does; the worst of several services decides.`,
		Args:        cobra.MaximumNArgs(1),
		Annotations: map[string]string{moreFormats: "sarif junit"},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			names, directive := s.entityNames()
			return names, directive &^ cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			word := ""
			if len(args) == 1 {
				word = args[0]
			}
			return s.grade(cmd.Context(), word, options)
		},
	}
	cmd.Flags().BoolVar(&options.all, "all", false, "grade every service of the catalog")
	cmd.Flags().BoolVar(&options.stored, "stored", false, "grade a service by the stored facts, without reading its "+
		"sources first")
	cmd.Flags().BoolVar(&options.history, "history", false, "print how the grades of a service changed, without grading")
	cmd.Flags().StringVar(&options.asOf, "as-of", "", "grade a service, or --all, by the facts that were known at a past "+
		"`TIME`: a date, whose end in UTC is meant, or a time such as 2026-05-31T12:00:00Z")
	cmd.Flags().StringVar(&options.failBelow, "fail-below", "", "exit with 6 if a service is below this `LEVEL`, with 9 if "+
		"that is not known")
	cmd.Flags().StringArrayVar(&options.rules, "rule", nil, "print the rule with this `ID` in full: why, fix, expression "+
		"and facts; repeatable")
	return cmd
}

type gradeOptions struct {
	rules     []string // ids of the rules to print in full; none: all rules in short
	all       bool
	failBelow string
	stored    bool // grade a service by the stored facts, without reading its sources
	history   bool // print how the grades of a service changed
	asOf      string
}

// grade grades what the word of the command line names.
func (s *cli) grade(ctx context.Context, word string, options gradeOptions) error {
	switch {
	case options.all && word != "":
		return fmt.Errorf("--all grades every service; leave %q out, or --all", word)
	case options.asOf != "" && !options.all && (word == "" || isDirectory(word)):
		return errors.New("--as-of needs the name of a service, or --all; only facts in the store have a history")
	case options.asOf != "" && options.history:
		return errors.New("--as-of grades once and --history prints every change; leave one of them out")
	case options.history && (word == "" || isDirectory(word)):
		return errors.New("--history needs the name of a service; a directory has no history")
	case len(options.rules) > 0 && (options.all || options.history || s.output != "table"):
		return errors.New("--rule explains rules to a person, for one service or directory; leave out --all, --history " +
			"and -o")
	case options.all:
		return s.gradeStored(ctx, "", options)
	case word == "":
		return s.gradeHere(ctx, options)
	case isDirectory(word):
		return s.gradeDirectory(ctx, word, options)
	}
	return s.gradeStored(ctx, word, options)
}

// gradeHere grades the working directory if it lies in a git repository with a descriptor, otherwise the catalog of the
// configuration.
func (s *cli) gradeHere(ctx context.Context, options gradeOptions) error {
	root, dir, git, err := checkout.Root(".")
	if err != nil {
		return err
	}
	if git {
		described, err := checkout.HasDescriptor(ctx, root, dir)
		if err != nil {
			return err
		}
		if described {
			return s.gradeDirectory(ctx, ".", options)
		}
	}
	file, err := s.foundConfig()
	if err != nil {
		return err
	}
	if file == "" {
		return exit.With(exit.Usage, errors.New("this directory is not in a git repository with a catalog-info.yaml, and "+
			"there is no dx.yaml; name a service or a directory (`dxctl grade .`), or use --all to grade every service of "+
			"the catalog"))
	}
	fmt.Fprintf(s.err, "dxctl: this directory is not in a git repository with a catalog-info.yaml: every service of the "+
		"catalog of %s is graded, as with --all\n", file)
	return s.gradeStored(ctx, "", options)
}

// gradeService grades a service. Unless stored is set, its sources are read first; those that cannot be read are
// reported on stderr.
func (s *cli) gradeService(ctx context.Context, p *app.App, ref string, stored bool) ([]scorecards.Report, error) {
	reports, warnings, err := p.GradeService(ctx, ref, !stored)
	for _, w := range warnings {
		fmt.Fprintln(s.err, "dxctl: "+w.Error())
	}
	return reports, err
}

var refPattern = regexp.MustCompile(`^[A-Za-z]+:[^/\\]+/[^/\\]+$`)

// isDirectory reports whether an argument names a directory: it is "." or contains a path separator, and is no ref.
func isDirectory(word string) bool {
	separated := strings.Contains(word, "/") || strings.ContainsRune(word, filepath.Separator)
	return word == "." || word == ".." || separated && !refPattern.MatchString(word)
}

// gradeStored grades a service of the catalog, or all of them if word is "".
func (s *cli) gradeStored(ctx context.Context, word string, options gradeOptions) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "grade"})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	want := ""
	if word != "" {
		if want, err = findEntity(p, word); err != nil {
			return err
		}
	}
	grades := &checks.Grades{Cards: p.Scorecards(), Version: versionString()}
	if err := grades.Validate(options.failBelow); err != nil {
		return err
	}
	if err := grades.HasRules(options.rules); err != nil {
		return err
	}
	if options.history {
		return s.printHistory(ctx, p, want)
	}
	if options.asOf != "" {
		return s.gradeAsOf(ctx, p, want, options, grades)
	}
	var reports []scorecards.Report
	if want == "" {
		reports, err = p.Grade(ctx)
	} else {
		reports, err = s.gradeService(ctx, p, want, options.stored)
	}
	if err != nil {
		return err
	}
	for _, r := range reports {
		if want == "" || r.Entity == want {
			grades.Add(r)
		}
	}
	if want != "" && len(grades.Services) == 0 {
		return fmt.Errorf("no scorecard applies to %s; check the filters of the scorecards", want)
	}
	switch {
	case len(options.rules) > 0:
		err = grades.WriteRules(s.out, options.rules, output.Printable)
	case s.output == "sarif", s.output == "junit":
		err = s.printChecks(grades)
	case want == "":
		err = gradesTable(reports).Print(s.out, s.output)
	default:
		var reader *report.Reader
		if reader, err = p.Reader(); err != nil {
			return err
		}
		var service report.Service
		if service, err = reader.WithWays(ctx, want); err == nil {
			err = explain(service).Print(s.out, s.output)
		}
	}
	return errors.Join(err, s.against(grades, options.failBelow))
}

// findEntity returns the ref of the entity that word refers to, a ref or a name, if a scorecard grades it.
func findEntity(p *app.App, word string) (string, error) {
	e, err := p.Catalog().Find(word, p.Grades)
	if err == nil && !p.Grades(e) {
		err = errors.New(p.NotGraded(e))
	}
	return e.Ref, err
}

func gradesTable(reports []scorecards.Report) output.Table {
	t := output.Table{
		Columns:  []string{"service", "scorecard", "level", "score", "coverage", "fail", "unknown", "next"},
		Right:    []string{"score", "coverage", "fail", "unknown"},
		Document: report.NewGradesDocument(reports, report.All),
		Note:     "`dxctl grade SERVICE` explains each rule. Coverage is the share of the applicable rules with a verdict.",
	}
	if len(reports) == 0 {
		t.Note = "No services to grade: describe services in Backstage descriptors and list the files under catalog.files " +
			"in dx.yaml."
	}
	for _, r := range reports {
		next := ""
		if len(r.Next) > 0 {
			next = fmt.Sprintf("%s: %s", r.NextLevel, r.Next[0].Title)
			if more := len(r.Next) - 1; more > 0 {
				next += fmt.Sprintf(" (+%d)", more)
			}
		}
		t.Rows = append(
			t.Rows,
			[]string{
				r.Entity,
				r.Scorecard,
				words.Level(r.Level),
				words.Interval(r.Score, r.ScoreHigh),
				words.Percent(&r.Coverage),
				fmt.Sprint(r.Counts[event.Fail]),
				fmt.Sprint(r.Counts[event.Unknown] + r.Counts[event.Stale] + r.Counts[event.ErrorOutcome] +
					r.Counts[event.NeedsReview]),
				next,
			},
		)
	}
	return t
}

// explain describes each rule of a service, its outcome and what to do: as rows for programs and as text for people.
func explain(service report.Service) output.Table {
	t := output.Table{Columns: []string{"level", "rule", "outcome", "reason", "what_to_do"}, Document: service.Document()}
	var prose strings.Builder
	for i, r := range service.Reports {
		fmt.Fprintf(
			&prose,
			"%s\n%s: %s, score %s, coverage %s\n",
			r.Entity,
			r.Title,
			words.Level(r.Level),
			words.Interval(r.Score, r.ScoreHigh),
			words.Percent(&r.Coverage),
		)
		if w := r.WithoutWaivers; w != nil {
			fmt.Fprintf(&prose, "Without waivers: %s, score %s\n", words.Level(w.Level), words.Interval(w.Score, w.ScoreHigh))
		}
		if i < len(service.Percentiles) {
			fmt.Fprintf(&prose, "Among its peers: %s\n", output.Printable(service.Percentiles[i].Text()))
		}
		for _, way := range service.Ways {
			if way.Scorecard == r.Scorecard {
				writeWay(&prose, way)
			}
		}
		group := ""
		for _, x := range r.Results {
			if x.Level != group {
				group = x.Level
				fmt.Fprintf(&prose, "\n%s\n", strings.ToUpper(group))
			}
			do := ""
			if x.Outcome != event.Pass && x.Outcome != event.NotApplicable {
				do = x.Fix
			}
			reason := x.Reason
			if !x.Announced.IsZero() {
				reason += fmt.Sprintf(" (announced: counts from %s)", x.Announced.Format("2 January 2006"))
			}
			t.Rows = append(t.Rows, []string{x.Level, x.Title, string(x.Outcome), reason, do})
			fmt.Fprintf(&prose, "  %-15s %s: %s\n", x.Outcome, output.Printable(x.Title), output.Printable(reason))
			for line := range strings.Lines(strings.TrimSpace(do)) {
				fmt.Fprintf(&prose, "  %15s   %s\n", "", output.Printable(strings.TrimRight(line, "\n")))
			}
		}
		prose.WriteString("\n")
	}
	for _, l := range service.LeftOut {
		fmt.Fprintf(&prose, "Not graded by %s: %s\n", l.Title, output.Printable(l.Reason))
	}
	prose.WriteString("`dxctl grade SERVICE --rule ID` explains one rule in full.\n")
	t.Prose = prose.String()
	return t
}
