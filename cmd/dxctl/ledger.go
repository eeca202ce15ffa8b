package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// ledgerRow is a line of the ledger: what a source said it has in a window, and what is stored.
type ledgerRow struct {
	Source      string    `ch:"source" json:"source"`
	Scope       string    `ch:"scope" json:"scope"`
	Kind        string    `ch:"kind" json:"kind"`
	WindowStart time.Time `ch:"window_start" json:"window_start"`
	WindowEnd   time.Time `ch:"window_end" json:"window_end"`
	Expected    uint64    `ch:"expected" json:"expected"`
	Stored      uint64    `ch:"stored" json:"stored"`
	Open        uint64    `ch:"open" json:"open"`
	Gap         uint64    `ch:"gap" json:"gap"`
	CheckedAt   time.Time `ch:"checked_at" json:"checked_at"`
	Note        string    `ch:"note" json:"note,omitempty"`
}

const ledgerQuery = `SELECT source, scope, kind, window_start, window_end, expected, stored, open, gap, checked_at, note
FROM ledger
WHERE ({source:String} = '' OR source = {source:String}) AND (NOT {gaps:Bool} OR gap > 0)
ORDER BY gap DESC, source, scope, kind, window_start DESC`

func newLedger(s *session) *cobra.Command {
	var source string
	var gaps bool
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Show what each source says it has against what is stored",
		Long: `Show, per source, scope, kind and window, what the source said it has, what is stored, what is still open (not
final, read again later) and what is missing. A gap is read again by the next collect.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, openOptions{program: "ledger", bare: true})
			if err != nil {
				return err
			}
			defer p.close(&err)
			rows := []ledgerRow{}
			if err := p.store.Select(cmd.Context(), &rows, ledgerQuery, map[string]any{"source": source, "gaps": gaps}); err != nil {
				return fmt.Errorf("reading the ledger: %w", err)
			}
			if len(rows) == 0 && source != "" {
				if err := p.knownSource(cmd.Context(), source); err != nil {
					return err
				}
			}
			return ledgerTable(rows, gaps).print(s.out, s.output)
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "only the source with this `NAME`")
	cmd.Flags().BoolVar(&gaps, "gaps", false, "only what is missing")
	return cmd
}

// knownSource returns an error for the name of a source that is neither configured nor in the ledger.
func (p *platform) knownSource(ctx context.Context, name string) error {
	var rows []struct {
		Source string `ch:"source"`
	}
	if err := p.store.Select(ctx, &rows, "SELECT DISTINCT source FROM ledger", nil); err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	var known []string
	for _, r := range rows {
		known = append(known, r.Source)
	}
	for _, source := range p.cfg.Sources {
		known = append(known, source.Name)
	}
	if slices.Contains(known, name) {
		return nil
	}
	if len(known) == 0 {
		return fmt.Errorf("--source %s: no source has this name; none is configured, and nothing was collected", name)
	}
	return noSource(name, slices.Compact(slices.Sorted(slices.Values(known))), "configured or in the ledger are: ")
}

func ledgerTable(rows []ledgerRow, gaps bool) table {
	t := table{
		columns:  []string{"source", "scope", "kind", "from", "until", "expected", "stored", "open", "gap", "checked", "note"},
		right:    []string{"expected", "stored", "open", "gap"},
		document: rows,
	}
	missing := uint64(0)
	for _, r := range rows {
		missing += r.Gap
		t.rows = append(t.rows, []string{r.Source, r.Scope, r.Kind, r.WindowStart.Format(time.DateOnly), r.WindowEnd.Format(time.DateOnly),
			fmt.Sprint(r.Expected), fmt.Sprint(r.Stored), fmt.Sprint(r.Open), fmt.Sprint(r.Gap), r.CheckedAt.Format(time.RFC3339), r.Note})
	}
	switch {
	case len(rows) == 0 && gaps:
		t.note = "Nothing is missing."
	case len(rows) == 0:
		t.note = "Nothing has been collected yet: run `dxctl collect`."
	case missing > 0:
		t.note = fmt.Sprintf("%d records are missing. The next collect reads those windows again.", missing)
	}
	return t
}
