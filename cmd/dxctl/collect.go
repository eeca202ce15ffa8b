package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/cmd/dxctl/progress"
	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/spelling"
)

func newCollect(s *cli) *cobra.Command {
	var req runner.RunOptions
	var since, until string
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Read new records from the sources and store them",
		Long: `Read new records from the sources and store them. You can interrupt it at any time and run it as often as you like:
the next run resumes where the last one stopped, and collecting twice changes nothing.

With --until or --backfill, records that were read before are requested again, whether or not any are missing. You can
interrupt such a re-read, too; the next run with the same flags resumes it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if req.Since, err = dateFlag("since", since); err != nil {
				return err
			}
			if req.Until, err = dateFlag("until", until); err != nil {
				return err
			}
			if !req.Until.IsZero() && !req.Since.Before(req.Until) {
				return fmt.Errorf("--since %s is not before --until %s", since, until)
			}
			if req.AcceptRemovals && req.Source == "" {
				return errors.New("--accept-removals needs --source NAME: it accepts the removals of one source, however many " +
					"there are")
			}
			return s.collect(cmd.Context(), req)
		},
	}
	cmd.Flags().StringVar(&req.Source, "source", "", "collect only the source with this `NAME`")
	cmd.Flags().StringVar(&since, "since", "", "read history back to this `DATE`, if that is earlier than what was "+
		"read before (default: since of the source)")
	cmd.Flags().StringVar(&until, "until", "", "read records created from --since until this `DATE` again")
	cmd.Flags().BoolVar(&req.Backfill, "backfill", false, "read everything again (from --since on), as if nothing had "+
		"been collected")
	cmd.Flags().BoolVar(&req.AcceptRemovals, "accept-removals", false, "in this run, let --source remove most or all "+
		"of its stored objects")
	_ = cmd.RegisterFlagCompletionFunc("source", s.sourceNames)
	return cmd
}

// sourceNames completes the name of a source in the shell.
func (s *cli) sourceNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cfg, err := s.config()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, src := range cfg.Sources {
		names = append(names, src.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// collect runs the command: it collects, shows the progress, and prints what was read.
func (s *cli) collect(ctx context.Context, req runner.RunOptions) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	if len(cfg.Sources) == 0 && len(cfg.Facts.LinkHosts) == 0 {
		return errors.New("no sources are configured: run `dxctl init`, or add one under `sources:` in dx.yaml")
	}
	if err := knownSource(cfg.Sources, req.Source); err != nil {
		return err
	}
	receiving := cfg.Sources.ReceiveOnly()
	none := s.tellReceiving(receiving, req.Source) == len(cfg.Sources) && len(cfg.Facts.LinkHosts) == 0
	if none || slices.Contains(receiving, req.Source) {
		return nil
	}
	show := progress.NewCollect(s.err, s.now)
	p, err := s.open(ctx, cfg, app.Options{Program: "collect", Progress: show.Report})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	if err := p.Sync(ctx); err != nil {
		return err
	}
	summary, err := p.Collect(ctx, req)
	err = collectError(summary, err)
	show.Clear()
	if len(summary.Scopes) == 0 {
		return err
	}
	err = errors.Join(err, p.ReadFound(ctx, summary))
	if text := app.WithoutStart(p.Catalog().People()); text != "" {
		fmt.Fprintln(s.err, "people: "+text)
	}
	return errors.Join(err, summaryTable(summary).Print(s.out, s.output))
}

// knownSource returns an error if no source has the name. An empty name means all sources.
func knownSource(sources collectors.Config, name string) error {
	names := make([]string, len(sources))
	for i, src := range sources {
		names[i] = src.Name
	}
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return noSource(name, names, "configured sources: ")
}

// noSource returns the error for a name that no source has. listed introduces the list of names.
func noSource(name string, names []string, listed string) error {
	hint := ""
	if best := spelling.Nearest(name, names); best != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", best)
	}
	return fmt.Errorf("--source %s: unknown source%s; %s%s", name, hint, listed, strings.Join(names, ", "))
}

// tellReceiving prints a line for each source that only receives, so that a collect that skips it is no surprise, and
// returns the number of these sources. only is the requested source; empty means all.
func (s *cli) tellReceiving(names []string, only string) int {
	for _, name := range names {
		if only == "" || only == name {
			fmt.Fprintf(s.err, "%s: skipped, because this source only receives events; `dxctl serve` stores them\n", name)
		}
	}
	return len(names)
}

// dateFlag parses a date or a time. It returns the zero time if the flag was not given.
func dateFlag(name, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s %s: invalid date; use a date such as 2026-01-31, or a time such as "+
		"2026-01-31T12:00:00Z", name, value)
}

// collectError returns the error of a collect with its exit code and without the causes that the progress has shown.
func collectError(summary runner.Summary, err error) error {
	if err == nil {
		return nil
	}
	return exit.With(collectCode(summary, err), told{failureText(summary, err), err})
}

// told is an error whose causes have already been printed: its text has only their number.
type told struct {
	text string
	err  error
}

func (t told) Error() string { return t.text }
func (t told) Unwrap() error { return t.err }

// failureText summarizes the errors of scopes. It returns any other error unchanged.
func failureText(summary runner.Summary, err error) string {
	failed, skipped := 0, 0
	for _, scope := range summary.Scopes {
		switch {
		case scope.Err == nil || errors.Is(scope.Err, context.Canceled):
		case rest.OnlySkipped(scope.Err):
			skipped++
		default:
			failed++
		}
	}
	if failed == 0 && skipped == 0 || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err.Error()
	}
	var parts []string
	if failed > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d scopes failed", failed, len(summary.Scopes)))
	}
	if skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d scopes are incomplete", skipped, len(summary.Scopes)))
	}
	return strings.Join(parts, ", ") + " (see above); what was read is stored, and the next collect resumes from there"
}

// collectCode returns the exit code of a collect: rejected credentials, a failure of a part, or a complete failure.
func collectCode(summary runner.Summary, err error) int {
	failed, partly := 0, false
	for _, scope := range summary.Scopes {
		if scope.Err != nil {
			failed++
		}
		partly = partly || errors.As(scope.Err, new(*rest.SkippedError))
	}
	switch {
	case errors.Is(err, rest.ErrUnauthorized):
		return exit.Credentials
	case failed > 0 && failed < len(summary.Scopes) || partly:
		return exit.Partial
	}
	return exit.Error
}

// summaryTable lists the number of records read per scope. A record that is read twice is stored once.
func summaryTable(summary runner.Summary) output.Table {
	kinds := []event.Kind{
		event.KindPipelineRun,
		event.KindPipelineJob,
		event.KindChange,
		event.KindDeployment,
		event.KindIncident,
		event.KindFact,
		event.KindDescriptor,
	}
	t := output.Table{Columns: []string{"source", "scope"}, Document: summaryDocument(summary)}
	for _, k := range kinds {
		t.Columns = append(t.Columns, string(k)+"s")
		t.Right = append(t.Right, string(k)+"s")
	}
	t.Columns = append(t.Columns, "result")
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
		switch {
		case errors.Is(scope.Err, context.Canceled):
			result = "interrupted"
		case rest.OnlySkipped(scope.Err):
			result = "incomplete"
		case scope.Err != nil:
			result = "failed"
		}
		t.Rows = append(t.Rows, append(row, result))
	}
	t.Note = fmt.Sprintf(
		"%d requests, %d records read in %s. A record that is read again is not stored twice.",
		requests,
		events,
		summary.Finished.Sub(summary.Started).Round(100*time.Millisecond),
	)
	return t
}

// summaryDocument returns the JSON document of a collect.
func summaryDocument(summary runner.Summary) any {
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
