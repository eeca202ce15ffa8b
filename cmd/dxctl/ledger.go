package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/store"
)

func newLedger(s *cli) *cobra.Command {
	var filter report.LedgerFilter
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Compare what each source reports with what is stored",
		Long: `Compare, per source, scope and kind, the number of records that the source reported with the number stored. Open
records are not final yet and are read again later; a gap is the number of missing records. The next collect reads a
window with a gap again. --windows prints each time window separately.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "ledger", Bare: true})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			rows, err := report.ReadLedger(cmd.Context(), p.Store, filter)
			if err != nil {
				return err
			}
			if len(rows) == 0 && filter.Source != "" {
				if err := seenSource(cmd.Context(), p.Store, cfg.Sources, filter.Source); err != nil {
					return err
				}
			}
			return ledgerTable(rows, filter).Print(s.out, s.output)
		},
	}
	cmd.Flags().StringVar(&filter.Source, "source", "", "print only the source with this `NAME`")
	cmd.Flags().BoolVar(&filter.Gaps, "gaps", false, "print only rows with missing records")
	cmd.Flags().BoolVar(&filter.Windows, "windows", false, "print a line per time window instead of their sum")
	return cmd
}

// seenSource returns an error for the name of a source that is neither configured nor in the ledger.
func seenSource(ctx context.Context, st *store.Store, sources collectors.Config, name string) error {
	rows, err := report.ReadLedger(ctx, st, report.LedgerFilter{})
	if err != nil {
		return err
	}
	var known []string
	for _, r := range rows {
		known = append(known, r.Source)
	}
	for _, source := range sources {
		known = append(known, source.Name)
	}
	if slices.Contains(known, name) {
		return nil
	}
	if len(known) == 0 {
		return fmt.Errorf("--source %s: unknown source; no source is configured, and nothing has been collected", name)
	}
	return noSource(name, slices.Compact(slices.Sorted(slices.Values(known))), "configured or in the ledger: ")
}

func ledgerTable(rows []report.LedgerRow, filter report.LedgerFilter) output.Table {
	t := output.Table{
		Columns: []string{
			"source",
			"scope",
			"kind",
			"from",
			"until",
			"expected",
			"stored",
			"open",
			"gap",
			"checked",
			"note",
		},
		Right:    []string{"expected", "stored", "open", "gap"},
		Document: report.NewLedgerDocument(rows, len(rows)),
	}
	missing := uint64(0)
	for _, r := range rows {
		missing += r.Gap
		t.Rows = append(t.Rows, []string{
			r.Source,
			r.Scope,
			r.Kind,
			r.From.Format(time.DateOnly),
			r.To.Format(time.DateOnly),
			fmt.Sprint(r.Expected),
			fmt.Sprint(r.Stored),
			fmt.Sprint(r.Open),
			fmt.Sprint(r.Gap),
			r.CheckedAt.Format(time.RFC3339),
			r.Note,
		})
	}
	switch {
	case len(rows) == 0 && filter.Gaps:
		t.Note = "Nothing is missing."
	case len(rows) == 0:
		t.Note = "Nothing has been collected yet: run `dxctl collect`."
	case missing > 0:
		t.Note = fmt.Sprintf("%d records are missing. The next collect reads these windows again.", missing)
	}
	return t
}
