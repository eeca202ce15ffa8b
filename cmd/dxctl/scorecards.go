package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
)

func newScorecards(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scorecards",
		Short: "List scorecards, their rules, and who passes a rule since when",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newScorecardsList(s), newScorecardsShow(s))
	return cmd
}

func newScorecardsList(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the scorecards with the levels of what they grade",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withReader(cmd.Context(), "scorecards list", func(ctx context.Context, r *report.Reader) error {
				cards, err := r.Cards(ctx)
				if err != nil {
					return err
				}
				return cardsTable(cards).Print(s.out, s.output)
			})
		},
	}
}

func newScorecardsShow(s *cli) *cobra.Command {
	var outcome string
	cmd := &cobra.Command{
		Use:   "show SCORECARD[/RULE]",
		Short: "Show the rules of a scorecard, or who passes one of them",
		Long: `Show the rules of a scorecard with the number of services by outcome, or the services of one rule: the outcome, since
when each has it by the stored grades, and what it would take.

  dxctl scorecards show delivery
  dxctl scorecards show delivery/human-review --outcome fail`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, rule, isRule := strings.Cut(args[0], "/")
			if outcome != "" && !isRule {
				return fmt.Errorf("--outcome selects the services of a rule; name one, such as %s/RULE", name)
			}
			if outcome != "" && !slices.Contains(report.Outcomes, outcome) {
				return unknownWord("--outcome", outcome, report.Outcomes)
			}
			return s.withReader(cmd.Context(), "scorecards show", func(ctx context.Context, r *report.Reader) error {
				if isRule {
					return s.showRule(ctx, r, name, rule, outcome)
				}
				return s.showScorecard(ctx, r, name)
			})
		},
	}
	cmd.Flags().StringVar(&outcome, "outcome", "", "only services with this `OUTCOME` of the rule, such as fail")
	return cmd
}

func cardsTable(cards []report.Card) output.Table {
	t := output.Table{
		Columns:  []string{"scorecard", "origin", "rules", "graded", "levels", "known", "fails most"},
		Right:    []string{"rules", "graded", "known"},
		Document: report.NewCardsDocument(cards, report.All),
		Note: "`dxctl scorecards show SCORECARD` lists the rules. Known is the share of the rules with a known outcome, " +
			"on average.",
	}
	for _, c := range cards {
		var levels, fails []string
		for _, l := range c.Levels {
			if l.N > 0 {
				levels = append(levels, fmt.Sprintf("%d %s", l.N, l.Level))
			}
		}
		for _, row := range c.Failing {
			fails = append(fails, fmt.Sprintf("%s (%d)", row.Rule.ID, row.Of("fail")))
		}
		t.Rows = append(t.Rows, []string{c.Scorecard.Name, c.Origin(), fmt.Sprint(c.InForce()), fmt.Sprint(len(c.Graded)),
			strings.Join(levels, ", "), words.Percent(c.Coverage), strings.Join(fails, ", ")})
	}
	if len(cards) == 0 {
		t.Note = "No scorecard can be used: `dxctl doctor` says what is wrong with the files."
	}
	return t
}

func (s *cli) showScorecard(ctx context.Context, r *report.Reader, name string) error {
	card, err := r.Card(ctx, name)
	if err != nil {
		return err
	}
	trend, err := r.Trend(ctx, &card)
	if err != nil {
		return err
	}
	t := output.Table{
		Columns: []string{"rule", "level", "stage", "effort", "pass", "warn", "fail", "waived", "no verdict",
			"not applicable", "title"},
		Right:    []string{"pass", "warn", "fail", "waived", "no verdict", "not applicable"},
		Document: report.NewCardDetail(&card, card.Rules, trend, report.All),
		Note:     "`dxctl scorecards show " + name + "/RULE` lists who passes a rule, and since when.",
	}
	for _, row := range card.Rules {
		stage := row.Stage
		if !row.From.IsZero() {
			stage += " for " + row.From.Format(time.DateOnly)
		}
		t.Rows = append(t.Rows, []string{row.Rule.ID, strings.ToLower(row.Rule.Level), stage, string(row.Rule.Effort),
			fmt.Sprint(row.Of("pass")), fmt.Sprint(row.Of("warn")), fmt.Sprint(row.Of("fail")), fmt.Sprint(row.Of("waived")),
			fmt.Sprint(row.Undecided()), fmt.Sprint(row.Of("not applicable")), row.Rule.Title})
	}
	return t.Print(s.out, s.output)
}

func (s *cli) showRule(ctx context.Context, r *report.Reader, card, rule, outcome string) error {
	page, err := r.Rule(ctx, card, rule)
	if err != nil {
		return err
	}
	rows := sorting.Rows(page.Select(report.ServiceFilter{Outcome: outcome}), report.RuleServiceColumns, report.ByOutcome)
	steps, err := r.Steps(ctx, rows)
	if err != nil {
		return err
	}
	t := output.Table{
		Columns:  []string{"outcome", "since", "service", "level", "reason", "what it would take"},
		Document: report.NewRulePageDocument(&page, rows, steps, len(rows)),
		Note:     page.Row.Rule.Title + "; effort: " + string(page.Row.Rule.Effort),
	}
	if page.Took != nil {
		t.Note += "; took here: median " + page.Took.Text()
	}
	t.Note += ". `dxctl grade SERVICE --rule " + rule + "` explains it in full."
	for i, row := range rows {
		since, step := "not known", ""
		if !row.Since.IsZero() {
			since = row.Since.UTC().Format(time.DateOnly)
			if row.FromBeginning {
				since += " or longer"
			}
		}
		if steps[i] != nil {
			step = steps[i].Action.Text + "; " + steps[i].Effect()
		}
		t.Rows = append(t.Rows, []string{string(row.Result.Outcome), since, row.Entity.Ref, words.Level(row.Report.Level),
			row.Result.Reason, step})
	}
	return t.Print(s.out, s.output)
}

// writeWay writes the steps to the next level of a scorecard.
func writeWay(w *strings.Builder, way report.Way) {
	fmt.Fprintf(w, "The cheapest way to %s, a score of at least %s:\n", way.Level, words.Percent(&way.ScoreAfter))
	for i, step := range way.Steps {
		what := step.Cost()
		if step.Outcome != event.Fail {
			what = string(step.Outcome)
		}
		fmt.Fprintf(w, "  %d. %s (%s), +%s\n     %s\n", i+1, output.Printable(step.Title), what, words.Percent(&step.Gain),
			output.Printable(step.Action.Text))
		if step.Action.Command != "" {
			fmt.Fprintf(w, "     %s\n", output.Printable(step.Action.Command))
		}
		if step.Action.Declined != "" {
			fmt.Fprintf(w, "     %s\n", output.Printable(step.Action.Declined))
		}
		switch {
		case step.Action.Waived != "":
			fmt.Fprintf(w, "     waiver: %s\n", step.Action.Waived)
		case step.Action.Waiver != "":
			fmt.Fprintf(w, "     or: %s\n", step.Action.Waiver)
		}
	}
}
