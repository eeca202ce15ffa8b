package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

type gateOptions struct{ scorecard, level, asOf string }

func newGate(s *cli) *cobra.Command {
	options := gateOptions{}
	cmd := &cobra.Command{
		Use:   "gate SERVICE --scorecard NAME --level LEVEL",
		Short: "Decide whether a service has the level that something requires",
		Long: `Answer whether a service may pass where a level of a scorecard is required: pass, fail or unknown, with the rules that
decide, their reasons, the facts behind them with source and time, and the waivers that hold.

  dxctl gate payment-service --scorecard production-readiness --level silver
  dxctl gate payment-service --scorecard production-readiness --level silver --as-of 2026-11-26T12:00:00Z

The facts are those that are stored; "dxctl grade payment-service" reads the sources again first. With --as-of, a
decision is made again by what was known at that time. The scorecard says what a rule without a verdict means:

  gate: {unknown: unknown, stale: fail} # unknown, pass or fail; unknown if absent

The exit code is 0 for pass, 6 for fail, 9 for unknown, and 1 if there is no answer.`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return s.entityNames()
		},
		RunE: func(cmd *cobra.Command, args []string) error { return s.gate(cmd.Context(), args[0], options) },
	}
	flags := cmd.Flags()
	flags.StringVar(&options.scorecard, "scorecard", "", "`NAME` of the scorecard")
	flags.StringVar(&options.level, "level", "", "`LEVEL` that is required")
	flags.StringVar(&options.asOf, "as-of", "", "decide by what was known at a past `TIME`: a date, whose end in UTC is "+
		"meant, or a time such as 2026-05-31T12:00:00Z")
	for _, name := range []string{"scorecard", "level"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag does not exist
		}
	}
	return cmd
}

func (s *cli) gate(ctx context.Context, word string, options gateOptions) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "gate"})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	ref, err := findEntity(p, word)
	if err != nil {
		return err
	}
	reader, err := p.Reader()
	if err != nil {
		return err
	}
	if err := reader.CheckGate(options.scorecard, options.level); err != nil {
		return err
	}
	var at time.Time
	if options.asOf != "" {
		if at, err = report.ParseAsOf(options.asOf, reader.Now()); err != nil {
			return err
		}
		err = p.Sync(ctx) // the history is joined with the catalog
	} else {
		// What the catalog and the metrics show is stored first, so that the decision can be made again later.
		_, _, err = p.GradeService(ctx, ref, false)
		at = reader.Now()
	}
	if err != nil {
		return err
	}
	doc, err := reader.Gate(ctx, ref, options.scorecard, options.level, at)
	if err != nil {
		return err
	}
	if err := gateTable(&doc).Print(s.out, s.output); err != nil {
		return err
	}
	text := fmt.Errorf("%s: %s of %s is required: %s", words.RefName(doc.Service), doc.Level, doc.Scorecard, doc.Reason)
	switch doc.Decision {
	case scorecards.GateFail:
		return exit.With(exit.Unhealthy, text)
	case scorecards.GateUnknown:
		return exit.With(exit.Unknown, text)
	case scorecards.GatePass:
		return nil
	}
	return errors.New("the gate gave no decision")
}

// gateTable has a row for each rule; as text, the evidence of those that decide.
func gateTable(doc *report.GateDocument) output.Table {
	t := output.Table{
		Columns: []string{"decides", "means", "level", "rule", "outcome", "reason", "waiver"}, Document: doc,
	}
	var prose strings.Builder
	line := func(format string, args ...any) {
		prose.WriteString(output.Printable(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")) + "\n")
	}
	line("%s: %s requires %s of %s.", strings.ToUpper(string(doc.Decision)), words.RefName(doc.Service), doc.Level,
		doc.Scorecard)
	line("Because %s. The service has %s.", strings.TrimSuffix(doc.Reason, "."), words.Level(doc.Reached))
	line("As of %s; gate: {unknown: %s, stale: %s}; digest of the rules: %s.", doc.AsOf.Format(time.RFC3339Nano),
		doc.Policy.Unknown, doc.Policy.Stale, report.ShortDigest(doc.Digest))
	settled := 0
	for i := range doc.Rules {
		r := &doc.Rules[i]
		waived := ""
		if w := r.Waiver; w != nil {
			waived = fmt.Sprintf("%s until %s by %s (%s)", w.State, w.Until.Format(time.DateOnly), w.By, w.Place())
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(r.Decides), string(r.Means), r.Level, r.Rule, string(r.Outcome), r.Reason,
			waived})
		if r.Means == scorecards.GatePass && waived == "" && scorecards.Earned(r.Outcome) {
			settled++
			continue
		}
		line("")
		line("  %s (%s): %s, which means %s", r.Rule, r.Level, r.Outcome, r.Means)
		line("    %s", r.Reason)
		if waived != "" {
			line("    waiver: %s", waived)
		}
		for _, f := range r.FactsUsed {
			line("    %s", factLine(&f, r.Reason))
		}
	}
	if settled > 0 {
		line("")
		line("%s without a waiver: `-o json` has their evidence, too.", words.Plural(settled, "rule passes or does not apply",
			"rules pass or do not apply"))
	}
	for _, note := range doc.Notes {
		line("Note: %s", note)
	}
	t.Prose = prose.String()
	return t
}

// factLine writes a fact with its source and time, and why it is not known unless the reason of the rule says so.
func factLine(f *report.FactDocument, reason string) string {
	text := f.Fact + " = " + f.Value
	if f.Value == "" {
		text = f.Fact + " has no value"
	}
	if f.ObservedAt != nil {
		text += fmt.Sprintf(", from %s at %s", f.Source, f.ObservedAt.Format(time.RFC3339))
	}
	if f.Error != "" && !strings.Contains(reason, f.Error) {
		text += ": " + f.Error
	}
	return text
}
