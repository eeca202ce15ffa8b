package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
)

func newSurveyFollowUp(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "follow-up [ID]",
		Short: "Show what a survey goes with, what to fix, and what was done since",
		Long: `Show of a published survey (default: the latest one)

  - what to fix: questions below 50 of 100 where a rule that addresses them fails for at least half of the services;
  - what the results of teams go with: rank correlations with numbers of their services, from 10 teams on. They are a
    hint, not a cause, and their p-values are corrected for all comparisons;
  - what was done since the last day: services that came to pass the rules of a question, and pull requests of fixes.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withReader(cmd.Context(), "survey follow-up", func(ctx context.Context, reader *report.Reader) error {
				after, err := reader.SurveyFollowUp(ctx, strings.Join(args, ""))
				if err != nil {
					return err
				}
				return followUpTable(after).Print(s.out, s.output)
			})
		},
	}
}

// followUpTable has a row for each thing that is to be said; -o json has them apart.
func followUpTable(f *report.SurveyFollowUp) output.Table {
	t := output.Table{Columns: []string{"about", "question", "with", "numbers", "reading"}, Document: f}
	for _, h := range f.Hurts {
		teams := make([]string, len(h.Teams))
		for i, team := range h.Teams {
			teams[i] = team.Team
		}
		fix := h.Rule.ShortFix()
		if h.Rule.Patched {
			fix += " `dxctl fix` proposes the change."
		}
		if len(teams) > 0 {
			fix += " Teams: " + strings.Join(teams, ", ") + "."
		}
		t.Rows = append(t.Rows, []string{"fix", h.Text, h.Rule.Title, fmt.Sprintf("%s of 100; %d of %d services pass",
			report.EstimateValue(h.Score, 0), h.All.Pass, h.All.Of), strings.TrimSpace(fix)})
	}
	for _, c := range f.Correlations {
		t.Rows = append(t.Rows, []string{"goes with", c.Text, c.With.Text, fmt.Sprintf("ρ %s, %d teams, p %s",
			c.Strength(), c.N, report.PValueText(c.Adjusted)), c.Reading()})
	}
	for _, d := range f.Done {
		t.Rows = append(t.Rows, []string{"done", d.Text, d.Rule.Title, fmt.Sprintf("passed %s, pass %s now", passed(d.Then),
			passed(d.Now)), doneText(d)})
	}
	t.Note = fmt.Sprintf("%s, and what was done up to %s. What goes together over teams is a hint, not a cause.", f.Title,
		words.Day(f.Until))
	if f.NotKnown != "" && len(f.Done) > 0 {
		t.Note += " " + f.NotKnown
	}
	if f.NotCompared != "" {
		t.Note += " Nothing is compared: " + f.NotCompared
	}
	return t
}

func passed(s report.RuleShare) string {
	if s.Of == 0 {
		return "not known"
	}
	return fmt.Sprintf("%d of %d", s.Pass, s.Of)
}

// surveySummaryTable has a row for each number, question and rule of a summary. For people it is a text.
func surveySummaryTable(s *report.SurveySummary) output.Table {
	t := output.Table{Columns: []string{"about", "question", "score", "answers", "change", "rule"}, Document: s,
		Right: []string{"answers"}, Prose: s.Text(output.Printable)}
	numbers := func(about string, all []report.SurveyNumber) {
		for i := range all {
			n := &all[i]
			t.Rows = append(t.Rows, []string{about, n.Text, report.EstimateText(n.Score, 0), words.Whole(n.N),
				report.ChangeText(n.Change), ""})
		}
	}
	numbers("everyone", slices.DeleteFunc(slices.Clone(s.Everyone.Numbers), func(n report.SurveyNumber) bool {
		return n.Measure == report.SurveyItems
	}))
	numbers("highest", s.Highest)
	numbers("lowest", s.Lowest)
	numbers("changed", s.Changed)
	for _, h := range s.Hurts {
		t.Rows = append(t.Rows, []string{"fix", h.Text, report.EstimateText(h.Score, 0), words.Whole(h.N),
			fmt.Sprintf("%d of %d services pass", h.All.Pass, h.All.Of), h.Rule.Title})
	}
	for _, d := range s.Done {
		if len(d.Began) > 0 || len(d.Fixes) > 0 {
			t.Rows = append(t.Rows, []string{"done", d.Text, "", "", doneText(d), d.Rule.Title})
		}
	}
	return t
}

// doneText is what became of a rule, in words.
func doneText(d report.SurveyDone) string {
	services := fmt.Sprintf("%d came to pass, %d no longer pass", len(d.Began), len(d.Ended))
	if d.Then.Of == 0 || d.Now.Of == 0 {
		services = "which came to pass is not known"
	}
	return fmt.Sprintf("%s; %s, %d merged", services,
		words.Plural(len(d.Fixes), "pull request of a fix", "pull requests of fixes"), d.Merged)
}

// summaryFormats are the formats of a summary; -o json has it as a document.
var summaryFormats = []string{"text", "markdown"}

func newSurveySummary(s *cli) *cobra.Command {
	format := summaryFormats[0]
	cmd := &cobra.Command{
		Use:   "summary [ID]",
		Short: "Print the results of a published survey in half a page, to be posted",
		Long: `Print what there is to tell those who answered a published survey (default: the latest one): how many took part, the
index, the highest and lowest questions, what changed beyond noise, what to fix and what was done since. "dxctl serve"
sends it once through the webhook that notify.surveys names.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneWord("--format", format, summaryFormats); err != nil {
				return err
			}
			return s.withReader(cmd.Context(), "survey summary", func(ctx context.Context, reader *report.Reader) error {
				summary, err := reader.SurveySummary(ctx, strings.Join(args, ""))
				if err != nil {
					return err
				}
				t := surveySummaryTable(summary)
				if format == "markdown" {
					t.Prose = output.PrintableLines(summary.Markdown())
				}
				return t.Print(s.out, s.output)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "`FORMAT`: "+strings.Join(summaryFormats, ", "))
	return cmd
}
