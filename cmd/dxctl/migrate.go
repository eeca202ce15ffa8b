package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
)

func newMigrate(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Upgrade the schema of the store",
		Long: `Upgrade the schema of the store to the latest version. Other commands do this automatically when they open the
store. Run it by itself before you upgrade dxctl on a shared ClickHouse server, as a user that may create tables.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "migrate", AsIs: true, Bare: true})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			applied, err := p.Store.Migrate(cmd.Context())
			if err != nil {
				return err
			}
			t := output.Table{Columns: []string{"version", "name", "checksum"}, Right: []string{"version"}}
			for _, m := range applied {
				t.Rows = append(t.Rows, []string{fmt.Sprint(m.Version), m.Name, m.Checksum})
			}
			if len(applied) == 0 {
				t.Note = "The schema is up to date; no migrations were applied."
			}
			return t.Print(s.out, s.output)
		},
	}
}
