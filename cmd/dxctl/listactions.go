package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/actions/waive"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report/records"
)

// describedActions are the actions, for what needs only their descriptors.
func describedActions() (actions.Set, error) {
	return actions.NewSet(create.New(create.Deps{}), &fix.Action{}, &settings.Action{}, &waive.Action{})
}

func newActions(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "actions",
		Short: "List what dxctl can change, and what it has changed",
		Long: `An action changes something: it creates a service, or fixes one. Each has a plan, which shows the exact files and
requests, and is applied only as it was shown. Every run is recorded with who started it, the digest of its plan, its
status and its times.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newActionsList(s), newActionsShow(s), newActionsRuns(s), newActionsBatches(s), newActionsRates(s))
	return cmd
}

func newActionsList(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the actions",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := describedActions()
			if err != nil {
				return err
			}
			t := output.Table{Columns: []string{"action", "title", "effect", "who"}, Document: set.Document()}
			for _, a := range set {
				d := a.Descriptor()
				t.Rows = append(t.Rows, []string{d.Name, d.Title, d.Effect(), string(d.Role)})
			}
			return t.Print(s.out, s.output)
		},
	}
}

func newActionsShow(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show ACTION",
		Short: "Show the input of an action, and what its plan contains",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := describedActions()
			if err != nil {
				return err
			}
			a, err := set.Lookup(args[0])
			if err != nil {
				return err
			}
			d := a.Descriptor()
			t := output.Table{Columns: []string{"input", "type", "required", "default", "description"}, Document: d.Document()}
			for _, f := range d.Input {
				kind := string(f.Type)
				if f.Enum != nil {
					kind = strings.Join(f.Enum, ", ")
				}
				t.Rows = append(t.Rows, []string{f.Usage(), kind, yesOrNo(f.Required), f.Default, f.Description})
			}
			t.Note = fmt.Sprintf("%s. %s\n\nThe command is `dxctl %s`. Its plan contains:\n  %s", d.Title, d.Description, d.Command,
				strings.Join(d.Plan, "\n  "))
			if len(d.Options) > 0 {
				t.Note += "\n\nFlags that choose how the plan is carried out, and are no input:"
			}
			for _, o := range d.Document().Options {
				t.Note += fmt.Sprintf("\n  %-18s %s", o.Flag, o.Description)
			}
			return t.Print(s.out, s.output)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			set, err := describedActions()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			var names []string
			for _, a := range set {
				names = append(names, a.Descriptor().Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// maxRuns is how many runs are listed at once.
const maxRuns = 1000

func newActionsRuns(s *cli) *cobra.Command {
	f := runsFilter{limit: 50}
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the runs of actions, the newest first",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return s.listRuns(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.service, "service", "", "only runs of this `SERVICE`")
	flags.StringVar(&f.status, "status", "", "only runs with this `STATUS`: "+
		strings.Join(records.ActionRuns.Statuses, ", "))
	flags.StringVar(&f.text, "match", "", "only runs with this `TEXT` in the action, the service, the id or the actor")
	flags.IntVar(&f.limit, "limit", f.limit, "at most this `NUMBER` of runs")
	_ = cmd.RegisterFlagCompletionFunc("service",
		func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return s.entityNames() })
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(records.ActionRuns.Statuses,
		cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// runsFilter selects runs of actions.
type runsFilter struct {
	service, status, text string
	limit                 int
}

// listRuns prints the runs of actions.
func (s *cli) listRuns(ctx context.Context, f runsFilter) (err error) {
	if f.status != "" && !slices.Contains(records.ActionRuns.Statuses, f.status) {
		return unknownWord("--status", f.status, records.ActionRuns.Statuses)
	}
	if f.limit < 1 || f.limit > maxRuns {
		return fmt.Errorf("--limit %d: use 1 to %d", f.limit, maxRuns)
	}
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "actions runs"})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	reader, err := p.Reader()
	if err != nil {
		return err
	}
	filter := records.Filter{Text: f.text}
	if f.status != "" {
		filter.Statuses = []string{f.status}
	}
	if f.service != "" {
		ref, err := identifier.ParseRef(f.service, "component", "")
		if err != nil {
			return fmt.Errorf("--service: %w", err)
		}
		filter.Service = ref.String()
	}
	rows, err := reader.Records(ctx, records.ActionRuns, filter, records.Latest, f.limit, 0)
	if err != nil {
		return err
	}
	return runsTable(rows).Print(s.out, s.output)
}

func runsTable(rows []records.Record) output.Table {
	t := output.Table{Columns: []string{"action", "entity", "status", "actor", "started", "finished", "plan", "url"}}
	if len(rows) == 0 {
		t.Note = "No action has run. `dxctl actions list` lists what there is."
		rows = []records.Record{}
	}
	t.Document = struct {
		Runs []records.Record `json:"runs"`
	}{rows}
	for _, r := range rows {
		run, ok := r.(records.ActionRun)
		if !ok {
			continue
		}
		t.Rows = append(t.Rows, []string{run.Kind, run.Entity, run.Status, run.Actor, instant(run.StartedAt),
			instant(run.FinishedAt), run.Plan, run.URL})
	}
	return t
}

// instant is a time in UTC; "" if it is not known.
func instant(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
