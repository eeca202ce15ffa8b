package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

func newGrade(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "grade [SERVICE]",
		Short: "Grade every service, or explain the grade of one",
		Long: `Grade every service against the scorecards, store the changes and print the grades. With SERVICE, explain each rule:
the value behind the outcome, the reason for the rule, and what to do. SERVICE is a name or a ref such as
component:default/payment-service. In a checkout with a catalog-info.yaml, "." is the service that this file describes.`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return s.serviceNames()
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "grade"})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			want := ""
			if len(args) == 1 {
				if want, err = findService(p.Catalog(), args[0]); err != nil {
					return err
				}
			}
			reports, err := p.Grade(cmd.Context())
			if err != nil {
				return err
			}
			if want == "" {
				return gradesTable(reports).Print(s.out, s.output)
			}
			reader, err := p.Reader()
			if err != nil {
				return err
			}
			service, err := reader.Service(cmd.Context(), want)
			if err != nil {
				return err
			}
			if len(service.Reports) == 0 {
				return fmt.Errorf("no scorecard applies to %s; check the filters of the scorecards", want)
			}
			return explain(service).Print(s.out, s.output)
		},
	}
	return cmd
}

// findService returns the ref of the service that word refers to: a ref, a name, or ".".
func findService(cat *catalog.Catalog, word string) (string, error) {
	if word == "." {
		return serviceHere(cat)
	}
	var named, near []string
	for _, e := range cat.Services() {
		switch {
		case strings.EqualFold(e.Ref, word):
			return e.Ref, nil
		case strings.EqualFold(e.Name, word), strings.EqualFold(e.Namespace+"/"+e.Name, word):
			named = append(named, e.Ref)
		case strings.Contains(e.Name, strings.ToLower(word)):
			near = append(near, e.Name)
		}
	}
	switch {
	case len(named) == 1:
		return named[0], nil
	case len(named) > 1:
		return "", fmt.Errorf("%q is the name of several services: %s; use the full ref", word, strings.Join(named, ", "))
	case len(near) > 0:
		return "", fmt.Errorf("unknown service %q (did you mean %s?)", word, strings.Join(near, ", "))
	}
	return "", fmt.Errorf("unknown service %q; run `dxctl services` for a list", word)
}

// serviceHere returns the service that the catalog-info.yaml of the current directory describes.
func serviceHere(cat *catalog.Catalog) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	local, _, err := catalog.Load(
		catalog.Config{Files: []string{"catalog-info.yaml"}, Strict: true},
		people.Config{},
		here,
	)
	if err != nil {
		return "", fmt.Errorf("looking for the service of this directory: %w; give the name of the service instead", err)
	}
	for _, e := range local.Services() {
		if _, ok := cat.Entity(e.Ref); ok {
			return e.Ref, nil
		}
	}
	return "", errors.New("the catalog does not have the service of this directory's catalog-info.yaml; add the file " +
		"under catalog.files in dx.yaml")
}

// serviceNames completes the names of services in the shell.
func (s *cli) serviceNames() ([]string, cobra.ShellCompDirective) {
	cfg, err := s.config()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	cat, _, err := catalog.Load(cfg.Catalog, cfg.People, cfg.Dir)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, e := range cat.Services() {
		names = append(names, e.Name+"\t"+e.Title)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func gradesTable(reports []scorecards.Report) output.Table {
	t := output.Table{
		Columns:  []string{"service", "scorecard", "level", "score", "coverage", "fail", "unknown", "next"},
		Right:    []string{"score", "coverage", "fail", "unknown"},
		Document: report.NewGradesDocument(reports, report.All),
		Note:     "`dxctl grade SERVICE` explains each rule. Coverage is the share of the applicable rules that pass or fail.",
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
				words.Percent(&r.Score),
				words.Percent(&r.Coverage),
				fmt.Sprint(r.Counts[event.Fail]),
				fmt.Sprint(r.Counts[event.Unknown] + r.Counts[event.Stale] + r.Counts[event.ErrorOutcome]),
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
	for _, r := range service.Reports {
		fmt.Fprintf(
			&prose,
			"%s\n%s: %s, score %s, coverage %s\n",
			r.Entity,
			r.Title,
			words.Level(r.Level),
			words.Percent(&r.Score),
			words.Percent(&r.Coverage),
		)
		if len(r.Next) > 0 {
			var titles []string
			for _, n := range r.Next {
				titles = append(titles, n.Title)
			}
			fmt.Fprintf(&prose, "The cheapest way to %s: %s.\n", r.NextLevel, strings.Join(titles, "; "))
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
			t.Rows = append(t.Rows, []string{x.Level, x.Title, string(x.Outcome), x.Reason, do})
			fmt.Fprintf(&prose, "  %-15s %s: %s\n", x.Outcome, output.Printable(x.Title), output.Printable(x.Reason))
			for line := range strings.Lines(strings.TrimSpace(do)) {
				fmt.Fprintf(&prose, "  %15s   %s\n", "", output.Printable(strings.TrimRight(line, "\n")))
			}
		}
		prose.WriteString("\n")
	}
	t.Prose = prose.String()
	return t
}
