package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
)

type complianceOptions struct {
	query report.ComplianceQuery
	asOf  string
	all   bool
}

func newCompliance(s *cli) *cobra.Command {
	var options complianceOptions
	names := report.StandardNames()
	cmd := &cobra.Command{
		Use:   "compliance [SERVICE]",
		Short: "Report what the rules show about the controls of a public standard",
		Long: `List the controls of a standard with the rules that show them: of all services, or of one. Standards are osps (OSPS
Baseline), scorecard (OpenSSF Scorecard) and slsa (SLSA).

  dxctl compliance --standard osps
  dxctl compliance payment-service --standard slsa
  dxctl compliance --all -o csv > osps.csv

A control is "passing" if a rule passes or warns, and none fails, is undecided or waived. That is no proof that it is
met: most rules show a part of a control, and a control without a rule is "not covered". docs/compliance.md says what each rule shows.`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return s.entityNames()
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if options.all && len(args) > 0 {
				return errors.New("--all lists all services, and a service is named; leave one of them out")
			}
			return s.compliance(cmd.Context(), args, options)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.query.Standard, "standard", names[0], "`STANDARD`: "+strings.Join(names, ", "))
	flags.BoolVar(&options.all, "all", false, "of all services, which is what happens without a service")
	flags.StringVar(&options.query.State, "state", "", "only controls in this `STATE`: failing, unknown, waived, passing, "+
		"not applicable, not covered")
	flags.StringVar(&options.query.Text, "match", "", "only controls with this `TEXT` in the id or the title")
	flags.StringVar(&options.asOf, "as-of", "", "of a service, by what was known at a past `TIME`: a date, whose end in "+
		"UTC is meant, or a time such as 2026-05-31T12:00:00Z")
	return cmd
}

func (s *cli) compliance(ctx context.Context, args []string, options complianceOptions) (err error) {
	q := options.query
	if !slices.Contains(report.StandardNames(), q.Standard) {
		return unknownWord("--standard", q.Standard, report.StandardNames())
	}
	var states []string
	for _, state := range report.ControlStates {
		states = append(states, string(state))
	}
	if q.State != "" && !slices.Contains(states, q.State) {
		return unknownWord("--state", q.State, states)
	}
	if options.asOf != "" && len(args) == 0 {
		return errors.New("--as-of is for the report of one service; name it, such as dxctl compliance payment-service " +
			"--as-of " + options.asOf)
	}
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "compliance"})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	if len(args) > 0 {
		if q.Service, err = findEntity(p, args[0]); err != nil {
			return err
		}
	}
	if err := p.Sync(ctx); err != nil { // the store shows only what the catalog describes
		return err
	}
	reader, err := p.Reader()
	if err != nil {
		return err
	}
	if options.asOf != "" {
		if q.AsOf, err = report.ParseAsOf(options.asOf, reader.Now()); err != nil {
			return err
		}
	}
	doc, err := reader.Compliance(ctx, q)
	if err != nil {
		return err
	}
	return complianceTable(&doc).Print(s.out, s.output)
}

// complianceTable has a row for each control; as text, the controls with what their rules show.
func complianceTable(doc *report.ComplianceDocument) output.Table {
	t := output.Table{Columns: report.ComplianceHeads, Rows: doc.Cells(), Document: doc}
	for _, i := range report.ComplianceNumbers() {
		t.Right = append(t.Right, report.ComplianceHeads[i])
	}
	var prose strings.Builder
	line := func(format string, args ...any) {
		prose.WriteString(output.Printable(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")) + "\n")
	}
	of := words.Plural(doc.Services, "service", "services")
	if doc.Service != "" {
		of = words.RefName(doc.Service)
	}
	line("%s %s, %s, as of %s.", doc.Title, doc.Version, of, doc.AsOf.Format(time.RFC3339))
	line("Rules show something about %d of its %d controls. Passing means that a rule passes or warns, and none fails, "+
		"is undecided or waived, not that the control is met.", doc.Covered, doc.Total)
	if doc.Filter != "" {
		line("Only controls that fit: %s; %d of %d.", doc.Filter, len(doc.Controls), doc.Total)
	}
	for _, note := range doc.Notes {
		line("Note: %s", note)
	}
	for i := range doc.Controls {
		c := &doc.Controls[i]
		line("")
		line("%s (%s): %s", c.Control, c.Level, c.Title)
		if c.Shows == "none" {
			line("  not covered: no rule shows it")
			continue
		}
		if doc.Service != "" {
			line("  %s", c.Sentence())
		} else {
			var counts []string
			for _, n := range c.Tally() {
				counts = append(counts, fmt.Sprintf("%d %s", n.N, n.State))
			}
			line("  %s", strings.Join(counts, ", "))
		}
		for _, rule := range c.Rules {
			line("  %s", ruleLine(&rule))
		}
	}
	if len(doc.Controls) == 0 {
		line("")
		line("No control fits.")
	}
	t.Prose = prose.String()
	return t
}

func ruleLine(rule *report.ControlRuleDocument) string {
	text := fmt.Sprintf("%s v%d shows %s of it", rule.Name(), rule.Version,
		map[string]string{"whole": "all", "part": "a part"}[rule.Shows])
	if rule.Note != "" {
		text += " (" + strings.TrimSuffix(rule.Note, ".") + ")"
	}
	if rule.Outcome != "" {
		text += fmt.Sprintf(": %s, %s", rule.Outcome, rule.Reason)
	}
	return text
}
