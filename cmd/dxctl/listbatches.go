package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
)

func newActionsBatches(s *cli) *cobra.Command {
	var filter report.BatchFilter
	cmd := &cobra.Command{
		Use:   "batches [BATCH]",
		Short: "List the batches of fixes, or the fixes of one",
		Long: `List the batches of fixes with what became of their pull requests and what the grades after the merges say, or the
fixes of one batch. A fix is credited with a rule only if it was merged, was not reverted, and the rule passes by facts
that were observed after the merge.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withReader(cmd.Context(), "actions batches", func(ctx context.Context, reader *report.Reader) error {
				if len(args) == 1 {
					return s.showBatch(ctx, reader, args[0])
				}
				return s.listBatches(ctx, reader, filter)
			})
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().StringVar(&filter.Status, "status", "", "only batches with this `STATUS`: "+
		strings.Join(report.BatchStatuses, ", "))
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(report.BatchStatuses,
		cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (s *cli) listBatches(ctx context.Context, reader *report.Reader, filter report.BatchFilter) error {
	if filter.Status != "" {
		if err := oneWord("--status", filter.Status, report.BatchStatuses); err != nil {
			return err
		}
	}
	all, err := reader.Batches(ctx)
	if err != nil {
		return err
	}
	rows := sorting.Rows(report.SelectBatches(all, filter), report.BatchColumns, report.LatestBatches)
	t := output.Table{
		Columns: []string{"batch", "status", "started", "wave", "open", "merged", "declined", "failed", "passing",
			"not passing", "note"},
		Right:    []string{"open", "merged", "declined", "failed", "passing", "not passing"},
		Document: report.NewBatchesDocument(rows, report.All),
	}
	for _, b := range rows {
		t.Rows = append(t.Rows, []string{b.ID, b.Status, instant(b.StartedAt), fmt.Sprintf("%d of %d", b.Wave, len(b.Waves)),
			fmt.Sprint(b.Of(report.FixOpen)), fmt.Sprint(b.Of(report.FixMerged)), fmt.Sprint(b.Of(report.FixDeclined)),
			fmt.Sprint(b.Of(report.FixFailed)), fmt.Sprint(b.Credited), fmt.Sprint(b.NotCredited), b.Note})
	}
	if len(rows) == 0 {
		t.Note = "No batch. `dxctl fix --all` plans one."
	}
	return t.Print(s.out, s.output)
}

func (s *cli) showBatch(ctx context.Context, reader *report.Reader, id string) error {
	b, err := reader.Batch(ctx, id)
	if err != nil {
		return err
	}
	rows := sorting.Rows(b.Runs, report.FixRunColumns, report.ByWave)
	t := output.Table{
		Columns:  []string{"service", "wave", "state", "repository", "pull", "after the merge", "note"},
		Right:    []string{"wave", "pull"},
		Document: report.NewBatchDetail(b, rows, report.All), Note: b.Note,
	}
	for _, f := range rows {
		pull := ""
		if f.Pull > 0 {
			pull = fmt.Sprint(f.Pull)
		}
		t.Rows = append(t.Rows, []string{f.Name, fmt.Sprint(f.Wave), string(f.Fate), f.Repository, pull, f.Regrade(), f.Note})
	}
	return t.Print(s.out, s.output)
}

func newActionsRates(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "rates",
		Short: "Show after how many of their fixes rules pass, and how many fixes were reverted",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withReader(cmd.Context(), "actions rates", func(ctx context.Context, reader *report.Reader) error {
				rates, err := reader.FixRates(ctx)
				if err != nil {
					return err
				}
				t := output.Table{
					Columns:  []string{"rule", "proposed", "open", "merged", "declined", "success", "reverted"},
					Right:    []string{"proposed", "open", "merged", "declined"},
					Document: report.NewFixRatesDocument(rates, report.All),
				}
				for _, f := range rates {
					t.Rows = append(t.Rows, []string{report.RuleName(f.Scorecard, f.Rule), fmt.Sprint(f.Proposed),
						fmt.Sprint(f.Open), fmt.Sprint(f.Merged), fmt.Sprint(f.Declined), f.Success.Text(), f.Revert.Text()})
				}
				if len(rates) == 0 {
					t.Note = "No fix was proposed yet. `dxctl fix --pr` and `dxctl fix --all` propose them."
				}
				return t.Print(s.out, s.output)
			})
		},
	}
}
