package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/doctor"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
)

func newDoctor(s *cli) *cobra.Command {
	var accept bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the engine, stored data, catalog, scorecards, sources and credentials",
		Long: `Check the engine, the schema, the stored data, the catalog, the scorecards, and every source with its credentials,
and print the result of each check. Nothing is created or changed. The exit code is 6 if a check failed.

With --accept-losses, damaged parts of tables are set aside first (their files stay in the data directory), and data
that has been lost until now is no longer reported.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opt, err := s.options(app.Options{Program: "doctor"})
			if err != nil {
				return err
			}
			if accept {
				cfg, err := s.config()
				if err != nil {
					return err
				}
				if err := doctor.AcceptLosses(cmd.Context(), cfg, opt); err != nil {
					return err
				}
			}
			findings := doctor.Examine(cmd.Context(), s.config, opt)
			t := output.Table{Columns: []string{"check", "status", "detail"}, Document: findings}
			for _, f := range findings {
				t.Rows = append(t.Rows, []string{f.Check, string(f.Status), f.Detail})
			}
			if err := t.Print(s.out, s.output); err != nil {
				return err
			}
			if failed := findings.Problems(); failed > 0 {
				return exit.With(exit.Unhealthy, fmt.Errorf("%d of %d checks failed", failed, len(findings)))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&accept, "accept-losses", false, "set damaged parts of tables aside, and stop reporting data "+
		"lost until now")
	return cmd
}
