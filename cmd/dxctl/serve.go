package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
)

func newServe(s *cli) *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the dashboard, and collect and grade on a schedule",
		Long: `Serve the dashboard, the API and /metrics, and collect and grade on a schedule (collect.interval in dx.yaml,
15m by default). While this process runs, other dxctl commands connect to it and use its data.

The dashboard has no login yet: it listens on the loopback address of this machine unless --addr or server.addr sets
another one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			if addr != "" {
				cfg.Server.Addr = addr
				if err := cfg.Server.Validate(); err != nil {
					return fmt.Errorf("--addr: %w", err)
				}
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "serve", Alone: true})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			listener, err := p.Listen(cmd.Context())
			if err != nil {
				return err
			}
			return p.Serve(cmd.Context(), listener, func(url string) {
				fmt.Fprintf(s.err, "dxctl serves %s (Ctrl-C stops it)\n", url)
			})
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "", "`ADDRESS` to listen on (default server.addr, 127.0.0.1:8080)")
	return cmd
}
