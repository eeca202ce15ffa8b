package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/collectors"
)

// collectRequest says what to collect; the zero value is everything since the last time.
type collectRequest struct {
	source string
	since  time.Time
}

func newCollect(s *session) *cobra.Command {
	var req collectRequest
	var since string
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Read what is new from the sources and store it",
		Long: `Read what is new from the sources and store it. It may be interrupted at any moment and run as often as you like:
it goes on where the last run stopped, and collecting twice changes nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if since != "" {
				if req.since, err = time.Parse(time.DateOnly, since); err != nil {
					return fmt.Errorf("--since %s: write a date such as 2026-01-31", since)
				}
			}
			cfg, err := s.config()
			if err != nil {
				return err
			}
			if len(cfg.Sources) == 0 {
				return errors.New("no sources are configured: add one under `sources:` in dx.yaml (README.md has an example)")
			}
			p, err := s.open(cmd.Context(), cfg, openOptions{program: "collect"})
			if err != nil {
				return err
			}
			defer p.close(&err)
			if err := p.sync(cmd.Context()); err != nil {
				return err
			}
			progress := newProgress(s.err, s.now)
			p.report = progress.collect
			summary, err := p.collect(cmd.Context(), req)
			progress.done()
			if printErr := summaryTable(summary).print(s.out, s.output); printErr != nil {
				return printErr
			}
			return err
		},
	}
	cmd.Flags().StringVar(&req.source, "source", "", "only the source with this `NAME`")
	cmd.Flags().StringVar(&since, "since", "", "on a first collect, history from this `DATE` on (default all of it)")
	_ = cmd.RegisterFlagCompletionFunc("source", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		cfg, err := s.config()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, src := range cfg.Sources {
			names = append(names, src.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// collect runs the collectors. The error joins those of all scopes that failed; the rest is stored all the same.
func (p *platform) collect(ctx context.Context, req collectRequest) (collectors.Summary, error) {
	runner, err := p.runner()
	if err != nil {
		return collectors.Summary{}, err
	}
	if req.source != "" && !slices.ContainsFunc(p.cfg.Sources, func(c collectors.SourceConfig) bool { return c.Name == req.source }) {
		var names []string
		for _, src := range p.cfg.Sources {
			names = append(names, src.Name)
		}
		return collectors.Summary{}, fmt.Errorf("--source %s: there is no such source; configured: %s", req.source, strings.Join(names, ", "))
	}
	return runner.Run(ctx, collectors.RunOptions{Source: req.source, Since: req.since})
}
