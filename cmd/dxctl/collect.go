package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
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
			if len(summary.Scopes) == 0 {
				return err
			}
			err = errors.Join(err, p.readFound(cmd.Context(), summary))
			return errors.Join(err, summaryTable(summary).print(s.out, s.output))
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
	if p.runner == nil {
		list, err := collectors.All(p.cfg.Sources, p.collectorOptions())
		if err != nil {
			return collectors.Summary{}, err
		}
		p.runner = collectors.NewRunner(p.store, list, collectors.RunnerOptions{Logger: p.log, Registerer: p.registry, Now: p.now, Report: p.report})
	}
	summary, err := p.runner.Run(ctx, collectors.RunOptions{Source: req.source, Since: req.since})
	return summary, withCode(collectCode(summary, err), err)
}

// readFound reads the catalog again after sources have told of descriptors, so that what is described there owns its
// history at once.
func (p *platform) readFound(ctx context.Context, summary collectors.Summary) error {
	if summary.Events()[event.KindDescriptor] == 0 || ctx.Err() != nil {
		return nil
	}
	if err := p.loadCatalog(ctx); err != nil {
		return err
	}
	return p.sync(ctx)
}

// collectCode tells a failure of everything from a failure of a part, and wrong credentials from both.
func collectCode(summary collectors.Summary, err error) int {
	failed := 0
	for _, scope := range summary.Scopes {
		if scope.Err != nil {
			failed++
		}
	}
	switch {
	case errors.Is(err, rest.ErrUnauthorized):
		return exitCredentials
	case failed > 0 && failed < len(summary.Scopes):
		return exitPartial
	}
	return exitError
}

// summaryTable says per scope what was stored. "read" counts what the source answered with; reading twice stores once.
func summaryTable(summary collectors.Summary) table {
	kinds := []event.Kind{event.KindPipelineRun, event.KindPipelineJob, event.KindChange, event.KindDeployment, event.KindIncident, event.KindFact, event.KindDescriptor}
	t := table{columns: []string{"source", "scope"}, document: summaryDocument(summary)}
	for _, k := range kinds {
		t.columns = append(t.columns, string(k)+"s")
		t.right = append(t.right, string(k)+"s")
	}
	t.columns = append(t.columns, "result")
	requests, events := 0, uint64(0)
	for _, n := range summary.Requests {
		requests += n
	}
	for _, scope := range summary.Scopes {
		row := []string{scope.Source, scope.Scope}
		for _, k := range kinds {
			row = append(row, fmt.Sprint(scope.Events[k]))
			events += scope.Events[k]
		}
		result := "done"
		if scope.Err != nil {
			result = "failed"
		}
		t.rows = append(t.rows, append(row, result))
	}
	t.note = fmt.Sprintf("%d requests, %d records read in %s. Records that were stored before are stored once.", requests, events,
		summary.Finished.Sub(summary.Started).Round(100*time.Millisecond))
	return t
}

// summaryDocument is the JSON of a collect.
func summaryDocument(summary collectors.Summary) any {
	type scopeJSON struct {
		Source string                `json:"source"`
		Scope  string                `json:"scope"`
		Read   map[event.Kind]uint64 `json:"read"`
		Error  string                `json:"error,omitempty"`
	}
	doc := struct {
		Started  time.Time      `json:"started"`
		Finished time.Time      `json:"finished"`
		Requests map[string]int `json:"requests"`
		Scopes   []scopeJSON    `json:"scopes"`
	}{summary.Started, summary.Finished, summary.Requests, []scopeJSON{}}
	for _, s := range summary.Scopes {
		line := scopeJSON{Source: s.Source, Scope: s.Scope, Read: s.Events}
		if s.Err != nil {
			line.Error = s.Err.Error()
		}
		doc.Scopes = append(doc.Scopes, line)
	}
	return doc
}
